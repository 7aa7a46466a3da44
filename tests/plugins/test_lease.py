"""One apply at a time: who gets a host's lease, and when it may be taken over."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimlsetup import content

lease = content.util("lease")


def rewrite(directory: Path, **changes: object) -> None:
    path = directory / "lease.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture
def gone(tmp_path: Path) -> Path:
    """A lease whose module has ended."""
    lease.renew("controller-a", "run-1", directory=str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    rewrite(tmp_path, pid=ended.pid, pid_started="1")
    return tmp_path


def test_the_same_run_renews(tmp_path: Path) -> None:
    for _ in range(2):
        lease.renew("a", "run-1", directory=str(tmp_path))
    assert lease.read(str(tmp_path))["pid"] == os.getpid()


@pytest.mark.parametrize("holder", ["controller-a", "controller-b"])
@pytest.mark.parametrize("take", [False, True])
def test_nobody_takes_it_while_the_module_lives(tmp_path: Path, holder: str, take: bool) -> None:
    lease.renew("controller-a", "run-1", directory=str(tmp_path))
    rewrite(tmp_path, expires=0)
    with pytest.raises(lease.Held, match="controller-a"):
        lease.renew(holder, "run-2", take, directory=str(tmp_path))


def test_the_same_controller_takes_a_dead_run_over_at_once(gone: Path) -> None:
    lease.renew("controller-a", "run-2", directory=str(gone))
    assert lease.read(str(gone))["run"] == "run-2"


def test_a_module_that_a_killed_run_left_behind_is_waited_for(tmp_path: Path) -> None:
    lease.renew("controller-a", "run-1", directory=str(tmp_path))
    left = subprocess.Popen(["sleep", "1"])
    rewrite(tmp_path, pid=left.pid, pid_started=lease.process_started(left.pid))
    reaper = threading.Thread(target=left.wait)
    reaper.start()
    lease.renew("controller-a", "run-2", directory=str(tmp_path), patience=20)
    reaper.join()
    assert lease.read(str(tmp_path))["run"] == "run-2"


def test_another_controller_waits_for_expiry(gone: Path) -> None:
    with pytest.raises(lease.Held, match="--take-lock"):
        lease.renew("controller-b", "run-2", directory=str(gone))
    rewrite(gone, expires=time.clock_gettime(time.CLOCK_BOOTTIME) - 1)
    lease.renew("controller-b", "run-2", directory=str(gone))


def test_another_controller_takes_it_when_told(gone: Path) -> None:
    lease.renew("controller-b", "run-2", take=True, directory=str(gone))
    assert lease.read(str(gone))["holder"] == "controller-b"


def test_a_reboot_ends_it(tmp_path: Path) -> None:
    lease.renew("a", "run-1", directory=str(tmp_path))
    rewrite(tmp_path, boot_id="another boot")
    lease.renew("b", "run-2", directory=str(tmp_path))


def test_no_clock_that_can_be_set_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = {lease.CLOCK_BOOTTIME: time.clock_gettime(time.CLOCK_BOOTTIME)}
    monkeypatch.setattr(lease, "time", SimpleNamespace(clock_gettime=clocks.__getitem__))  # and no time of day
    lease.renew("a", "run-1", directory=str(tmp_path))
    with pytest.raises(lease.Held):
        lease.renew("b", "run-2", directory=str(tmp_path))
    assert lease.release("run-1", directory=str(tmp_path))


def test_only_the_holder_releases(tmp_path: Path) -> None:
    lease.renew("a", "run-1", directory=str(tmp_path))
    assert not lease.release("run-2", directory=str(tmp_path))
    assert lease.release("run-1", directory=str(tmp_path))
    assert lease.read(str(tmp_path)) is None
