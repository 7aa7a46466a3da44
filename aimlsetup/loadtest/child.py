"""locust in a process of its own: started with a task in a file, its samples read while it runs, ended with us."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.loadtest.payloads import Payload
from aimlsetup.models.load import Pressure, Sample, Scenario, Target

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
END_SECONDS = 5
START_SECONDS = 30  # that locust may take to begin; it counts the seconds of the test itself


@dataclass
class Child:
    """A load test under way. `began` is None until its first request is due."""

    process: "subprocess.Popen[bytes]"
    samples_file: Path
    log: Path
    samples: list[Sample] = field(default_factory=list)
    began: float | None = None
    _read: int = 0

    def running(self) -> bool:
        """Whether it goes on; before that, read what it has written."""
        over = self.process.poll() is not None
        self._take()
        return not over

    def end(self) -> None:
        """End it now; what it has written stays."""
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._take()

    def check(self) -> None:
        """Raise when it could not ask at all."""
        if not self.samples:
            raise AimlsetupError(
                "loadtest-failed",
                f"locust ended with status {self.process.returncode} and has asked nothing",
                context=self.log.read_text(errors="replace").splitlines()[-8:],
            )

    def _take(self) -> None:
        """Read the whole lines that are new."""
        if not self.samples_file.exists():
            return
        with self.samples_file.open("rb") as handle:
            handle.seek(self._read)
            text = handle.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            found = json.loads(line)
            if "began" in found:
                self.began = found["began"]
            else:
                self.samples.append(Sample.model_validate(found))


def installed() -> None:
    """Raise unless locust is there."""
    if find_spec("locust") is None:
        raise AimlsetupError(
            "loadtest-locust",
            "locust, which asks the services, is not installed",
            hint="Install it beside aimlsetup: pip install 'aimlsetup[loadtest]'",
            exit_code=Exit.USAGE,
        )


@contextmanager
def started(
    targets: Sequence[Target],
    pressure: Pressure,
    shares: Mapping[Scenario, int],
    bodies: Mapping[Scenario, Sequence[Payload]],
    environment: Mapping[str, str],
) -> Iterator[Child]:
    """Have locust at work on this with these variables, ended with the block."""
    with TemporaryDirectory(prefix="aimlsetup-loadtest-") as directory:
        home = Path(directory)
        job = {
            "targets": [target.url for target in targets],
            "pressure": pressure.model_dump(),
            "shares": shares,
            "bodies": {
                name: [(base64.b64encode(each.body).decode(), each.kind) for each in bodies[name]] for name in shares
            },
            "samples": str(home / "samples"),
        }
        (home / "job.json").write_text(json.dumps(job))
        log = home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                argv(pressure, len(targets)), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, cwd=home,  # Ctrl-C is ours to pass on; a locust.conf of the user's is not read
                env=_own(environment, home),
            )  # fmt: skip
        child = Child(process, home / "samples", log)
        try:
            yield child
        finally:
            child.end()


def _own(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """These without settings of locust's."""
    own = {name: value for name, value in environment.items() if not name.startswith("LOCUST_")}
    return {**own, "AIMLSETUP_LOADTEST": str(home / "job.json")}


def argv(pressure: Pressure, targets: int) -> list[str]:
    """The command line of locust. At the end it waits for answers that are still due, as long as one may take."""
    users = str(pressure.users * targets)
    return [
        sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--users", users, "--spawn-rate", users,
        "--run-time", f"{pressure.seconds + START_SECONDS}s", "--stop-timeout", str(pressure.timeout + 1),
        "--only-summary", "--exit-code-on-error", "0", "--loglevel", "WARNING",
    ]  # fmt: skip
