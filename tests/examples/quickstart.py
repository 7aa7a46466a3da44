"""What the tests of the quickstart application need: its environment, its training and its service."""

import fcntl
import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uv import find_uv_bin

APP = Path(__file__).parents[2] / "examples/quickstart/app"
WSGI_BIN = APP / "apps/www/od/wsgi-bin"
TRAIN = APP / "scripts/train_digits.py"
WEIGHTS = Path("aimlsetup/digits/1/convnet/weights")
VISION = "/api/vision/v2"


def build_environment(cache: Path, only: Set[str] = frozenset()) -> Path:
    """The interpreter of a virtual environment with the application's requirements, resolved and hashed; or with
    those named in `only`.

    It is kept below `cache` and used again while the same versions are resolved for the same Python.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wishes = (APP / "requirements.txt").read_text()
    if only:
        wishes = "".join(f"{line}\n" for line in wishes.splitlines() if line.partition(">")[0] in only)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pins = _uv("pip", "compile", "-q", "--no-header", "--generate-hashes", "--python", sys.executable,
                   "-", stdin=wishes)  # fmt: skip
        home = cache / f"quickstart-{hashlib.sha256((sys.version + pins).encode()).hexdigest()[:16]}"
        python, finished = home / "bin/python", home / "finished"
        if not finished.exists():
            _uv("venv", "-q", "--clear", "--python", sys.executable, str(home))
            (home / "requirements.txt").write_text(pins)
            _uv("pip", "install", "-q", "--require-hashes", "--python", str(python),
                "-r", str(home / "requirements.txt"))  # fmt: skip
            finished.touch()
    return python


def _uv(*arguments: str, stdin: str | None = None) -> str:
    argv = [find_uv_bin(), *arguments]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=300, input=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def training(python: Path, root: Path, *options: str) -> list[str]:
    """The command that trains into that release tree."""
    return [str(python), str(TRAIN), "--release-root", str(root), *options]


def train(python: Path, root: Path, *options: str) -> str:
    """Trains to the end; what it printed."""
    command = training(python, root, *options)
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Service:
    """A gunicorn that listens on a loopback port of its own."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON answer. The first one waits in the socket's queue until a worker is ready."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def predict(self, body: bytes, kind: str = "image/png") -> tuple[int, Any]:
        """Status and answer for that body of that content type."""
        return self.ask("POST", f"{VISION}/predict", body, {"Content-Type": kind})

    def workers(self) -> list[int]:
        """The worker processes' ids."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def serve(
    python: Path,
    root: Path,
    scratch: Path,
    *options: str,
    app_yml: str = "{}",
    arguments: str = "",
    wsgi_bin: Path = WSGI_BIN,
    more: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """The application over the releases in `root`, with that app.yml and `more` variables, until the block ends."""
    scratch.mkdir()
    (scratch / "app.yml").write_text(app_yml)
    log = scratch / "gunicorn.log"
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AI_CFG": str(scratch),
        "AI_WEIGHTS_PATH": str(root),
        **(more or {}),
    }
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "gunicorn", "--chdir", wsgi_bin, "--bind", f"fd://{listener.fileno()}",
             "--timeout", "60", *options, f"web_server:main({arguments})"],
            env=environ, stdout=output, stderr=output, pass_fds=[listener.fileno()], start_new_session=True,
        )  # fmt: skip
        try:
            yield Service(process, listener.getsockname()[1], log)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def form(content: bytes, name: str = "image", file_name: str = "digit.png") -> tuple[bytes, str]:
    """A multipart form with one part, and its content type."""
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"
