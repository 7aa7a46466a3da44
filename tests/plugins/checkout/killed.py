"""Kill -9 a checkout, and git with it, again and again, and see what the next run does.

    killed.py COLLECTIONS DIRECTORY calls      before each git command in turn
    killed.py COLLECTIONS DIRECTORY moments    at moments spread over its duration, in the middle of whatever git does

Works on `DIRECTORY/source` (see conftest.py). Prints the number of kills.
"""

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])
from ansible_collections.codehub.aimlsetup.plugins.modules import checkout

ROOT = Path(sys.argv[2])
WORK = ROOT / "work"
ACCOUNT = checkout.gitrun.account_of(None)
LOGIN: dict[str, Any] = {"deploy_keys": {}, "agent_for": []}
MOMENTS = 6

os.sync = lambda: None  # the machine stays up, and others write much


def entry(version: str) -> Any:
    """What the module would be given."""
    given = {"dest": str(WORK), "url": str(ROOT / "source"), "version": version, "submodules": True, "sparse": []}
    return checkout.entry_of({**given, "commit": None, "lfs": False, "known_hosts": []}, LOGIN)


def apply(version: str) -> bool:
    """One run; whether something was due."""
    task = checkout.examine(entry(version), ACCOUNT)
    if task.due:
        checkout.bring_about(task, ACCOUNT)
    return bool(task.due)


def git(*argv: str) -> str:
    done = subprocess.run(["git", *argv], cwd=WORK, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def child(version: str, die_at: int | None) -> int:
    """Start a run in a process group of its own, dying before its `die_at`th git command."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        counter, real = itertools.count(), subprocess.run

        def counting(*arguments: Any, **options: Any) -> Any:
            if next(counter) == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        checkout.gitrun.subprocess.run = counting
        apply(version)
        os._exit(0)
    os.setpgid(pid, pid)  # here too: it may be killed before it has come to that
    return pid


def died(pid: int) -> bool:
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, "the killed run failed otherwise"
    return os.WIFSIGNALED(status)


def survives(version: str) -> None:
    """What must hold whenever a run was killed: the next finishes, the one after has nothing to do, nothing is lost."""
    apply(version)
    assert not apply(version), "a third run has something to do"
    assert git("status", "--porcelain") == "", "the work tree is not clean"
    assert git("rev-parse", "HEAD") == git("rev-parse", f"{version}^{{commit}}")
    assert git("fsck", "--no-dangling", "--no-progress") == ""
    submodule = next(WORK.glob("[so][ut][bh]*"))
    assert (submodule / "lib.txt").read_text() == "library"
    assert {path.name for path in ROOT.iterdir()} <= {"source", "library", "work"}, "something is left over"
    assert list(WORK.rglob("*.lock")) == []


def start(fresh: bool) -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    if not fresh:
        apply("v1")


def before_each_call(fresh: bool) -> int:
    kills, stride = 0, 3 if fresh else 1  # a clone beside its place has less to go wrong
    for step in itertools.count(0, stride):
        start(fresh)
        if not died(child("v2", step)):
            break
        kills += 1
        survives("v2")
    return kills


def at_moments(fresh: bool) -> int:
    start(fresh)
    begun = time.monotonic()
    died(child("v2", None))
    duration = time.monotonic() - begun
    killed = 0
    for moment in range(MOMENTS):
        start(fresh)
        pid = child("v2", None)
        time.sleep(duration * (moment + random.random()) / MOMENTS)
        os.killpg(pid, signal.SIGKILL)
        killed += died(pid)
        survives("v2")
    return killed


run = before_each_call if sys.argv[3] == "calls" else at_moments
print(run(fresh=True) + run(fresh=False))
