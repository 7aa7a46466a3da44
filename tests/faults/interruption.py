"""Kill the controller, the remote module or the host at a random moment of an apply, then look what is true.

After each kill: nothing that was on the host is lost; `verify` tells the truth (in order or drift, never an error of
its own); the same command finishes; the next one changes nothing; and the model is served.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from aimlsetup import sandbox
from tests.e2e.site import HEALTH, PORT, Site, binds, profile, repository

KEEPSAKES = {f"/aimldl-dat/logs/run-{number}/events": f"what run {number} wrote\n" * 200 for number in range(20)}
# They lie where nobody's receipt is, in what becomes a link: that is agreed to.
APPLY = ("apply", "--yes", "--replace", "/aimldl-dat", "--replace", "/aimldl-dat/logs")
TARGETS = ("controller", "module", "host")


@dataclass(frozen=True)
class Trial:
    """One kill: what, and after which fraction of an undisturbed apply."""

    target: str
    fraction: float


def trials(runs: int, seed: int) -> Iterator[Trial]:
    """Targets in turn, moments at random over 0 to 1.1 of the duration."""
    dice = random.Random(seed)
    for number in range(runs):
        yield Trial(TARGETS[number % len(TARGETS)], dice.uniform(0, 1.1))


def on(host: sandbox.Host, *argv: str, stdin: str | None = None, check: bool = True) -> str:
    """Run a command on the host."""
    done = subprocess.run(sandbox.ssh_argv(host, *argv), input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"{argv}: {done.stderr}"
    return done.stdout


def plant(host: sandbox.Host) -> None:
    """Put files where the site will make a link to a dated directory: they must survive everything."""
    program = (
        "import json, os, sys; "
        "[(os.makedirs(os.path.dirname(p), exist_ok=True), open(p, 'w').write(t)) "
        "for p, t in json.load(sys.stdin).items()]"
    )
    on(host, "python3", "-c", program, stdin=json.dumps(KEEPSAKES))


def lost(host: sandbox.Host) -> list[str]:
    """Planted files that are not as they were."""
    program = (
        "import json, os, sys; "
        "print(json.dumps({p: open(p).read() if os.path.exists(p) else None for p in json.load(sys.stdin)}))"
    )
    found = json.loads(on(host, "python3", "-c", program, stdin=json.dumps(list(KEEPSAKES))))
    return [path for path, text in KEEPSAKES.items() if found[path] != text]


def kill_controller(process: subprocess.Popen[str], _host: sandbox.Host) -> None:
    """SIGKILL to the command and all its children."""
    os.killpg(process.pid, signal.SIGKILL)


def kill_module(process: subprocess.Popen[str], host: sandbox.Host) -> None:
    """SIGKILL to the module that runs on the host just then: by pipelining, a Python that reads its program."""
    del process
    on(host, "pkill", "-KILL", "-x", "-f", "/usr/bin/python3", check=False)


def kill_host(_process: subprocess.Popen[str], host: sandbox.Host) -> None:
    """The power fails."""
    sandbox.kill(host)


KILL: dict[str, Callable[[subprocess.Popen[str], sandbox.Host], None]] = {
    "controller": kill_controller,
    "module": kill_module,
    "host": kill_host,
}


def attempt(site: Site, host: sandbox.Host, trial: Trial, duration: float) -> str:
    """One trial on a fresh host; returns what was observed after the kill, raises AssertionError on a violation."""
    plant(host)
    process = site.start(*APPLY)
    try:
        process.communicate(timeout=max(0.05, trial.fraction * duration))
    except subprocess.TimeoutExpired:
        KILL[trial.target](process, host)
    process.communicate(timeout=600)
    killed = process.returncode
    sandbox.up([host.name], host.release)
    assert not lost(host), f"lost right after the kill: {lost(host)}"
    verdict = "in order" if json.loads(site.run("verify", "--json", expect=(0, 3)))["ok"] else "drift"
    assert (verdict == "in order") == (not site.drifted(host.name)), "verify and plan disagree"
    site.run(*APPLY)
    assert "nothing to do" in site.run(*APPLY), "the next apply changed something again"
    on(host, "curl", "--fail", "--silent", f"http://127.0.0.1:{PORT}{HEALTH}")
    assert not lost(host), f"lost: {lost(host)}"
    return f"{trial.target} at {trial.fraction:.2f}: apply ended with {killed}, verify said {verdict}, finished"


@contextmanager
def fresh(name: str, release: str, binds: list[str], layer: str | None) -> Iterator[sandbox.Host]:
    """A host that is removed afterwards."""
    try:
        yield sandbox.up([name], release, binds=binds, layer=layer)[0]
    finally:
        sandbox.down([name])


def run(directory: Path, runs: int, seed: int, say: Callable[[str], None], layer: str | None = None) -> None:
    """All trials, each on a host of its own; the first violation ends it with its seed."""
    shared = binds(repository(directory))
    name = f"kill-{os.getpid()}"
    site = Site(directory)
    site.write(profile(name))
    with fresh(name, "bookworm", shared, layer):
        begin = time.monotonic()
        site.run("apply", "--yes")
        duration = time.monotonic() - begin
    say(f"seed {seed}; an undisturbed apply takes {duration:.1f} s")
    for number, trial in enumerate(trials(runs, seed), 1):
        with fresh(name, "bookworm", shared, layer) as host:
            say(f"{number}/{runs} {attempt(site, host, trial, duration)}")


def main() -> int:
    """Command line: `tests/interrupt --runs 100`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None, help="repeats an earlier sequence of kills")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    with TemporaryDirectory() as directory:
        run(Path(directory), options.runs, seed, lambda line: print(line, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
