"""Kill -9 a directory's change into a link before each of its writing system calls, and see what the next run does.

    killed_at_each_step.py COLLECTIONS PATH STORE exchange|two-step|unrenamable link|archive

PATH and STORE must not exist. Prints the number of steps. No hook in the code under test: its calls are counted by
wrapping `os`, and the process really dies.
"""

import datetime
import errno
import itertools
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

CALLS = ("rename", "symlink", "link", "mkdir", "rmdir", "unlink", "chown", "fchown", "chmod", "fchmod", "utime",
         "setxattr", "ftruncate", "sendfile", "mknod")  # fmt: skip
NOW = datetime.datetime(2026, 11, 21, 14, 30)  # noqa: DTZ001 -- as the code under test names things

sys.path.insert(0, sys.argv[1])
from ansible_collections.codehub.aimlsetup.plugins.module_utils import datalink, treecopy  # noqa: E402


def fill(path: Path) -> None:
    """Data of every kind that can go wrong."""
    (path / "www" / "uploads").mkdir(parents=True)
    (path / "empty").mkdir(mode=0o2770)
    (path / "app.log").write_bytes(b"line\n" * 1000)
    (path / "same.log").hardlink_to(path / "app.log")
    (path / "www" / "latest").symlink_to("../app.log")
    with (path / "sparse").open("wb") as sparse:
        sparse.seek(1 << 22)
        sparse.write(b"end")
    os.mkfifo(path / "pipe", 0o600)
    (path / "www").chmod(0o2775)
    os.utime(path / "app.log", ns=(10**18, 10**18 + 1))


def census(*roots: Path) -> set[tuple[str, int, int]]:
    """(name, size, time) of every file and link anywhere below."""
    found = set()
    for root in roots:
        for name, info in treecopy.walk(str(root)) if root.is_dir() else ():
            if not (root / name).is_dir():
                found.add((Path(name).name, info.st_size, info.st_mtime_ns))
    return found


def count_calls(die_at: int, how: str) -> None:
    """Wrap everything that writes: the `die_at`th call is not made any more."""
    counter = itertools.count()

    def counting(original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(counter) == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, counting(getattr(os, name)))
    datalink.atomic.exchange = counting(datalink.atomic.exchange)
    pretend(how)


def pretend(how: str) -> None:
    """A kernel that can't exchange, or a file system whose directories can't be renamed."""
    os.sync = lambda: None  # a machine that stays up needs none, and it takes long where others write
    rename = os.rename

    def refuse(one: str, _other: str) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), one)

    def rename_no_original(one: str, other: str) -> None:
        if Path(one).name == "logs" and not Path(one).is_symlink():
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), one)
        rename(one, other)

    if how != "exchange":
        datalink.atomic.exchange = refuse
    if how == "unrenamable":
        os.rename = rename_no_original


def killed(die_at: int, how: str, work: Any) -> bool:
    """Run `work` in a child that dies at the given call; whether it did."""
    child = os.fork()
    if child == 0:
        count_calls(die_at, how)
        work()
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, f"the run killed at call {die_at} failed otherwise"
    return os.WIFSIGNALED(status)


def again(how: str, work: Any) -> None:
    """Run `work` undisturbed."""
    child = os.fork()
    if child == 0:
        pretend(how)
        work()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, "the next run did not finish the job"


def one_round(die_at: int, path: Path, store: Path, how: str, what: str) -> bool:
    """Set up, kill, look, run again, look again; whether the process was killed."""
    for root in {path.parent, store}:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
    path.mkdir()
    fill(path)
    link = datalink.Link(str(path), str(store), None, None, None, ["www", "www/uploads"], False)
    shutil.rmtree(path.parent.with_name("reference"), ignore_errors=True)
    treecopy.copy(str(path), str(path.parent.with_name("reference")))
    reference = path.parent.with_name("reference")
    if what == "archive":
        again(how, lambda: datalink.establish(link, NOW))
    work = (lambda: datalink.archive(link, NOW)) if what == "archive" else (lambda: datalink.establish(link, NOW))
    died = killed(die_at, how, work)
    assert census(reference) <= census(path.parent, store), "something is lost after the kill"
    assert path.is_dir() or (what == "link" and how != "exchange"), "the path was gone for a moment"
    again(how, lambda: datalink.establish(link, NOW))
    kept = Path(datalink.directories(link)[0])
    assert treecopy.differences(str(reference), str(kept), contents=True) == [], "the data is not what it was"
    if what == "archive" and died:
        again(how, work)
    wanted = {path.name, kept.name} | {Path(found).name for found in datalink.directories(link)}
    assert {entry.name for root in (path.parent, store) for entry in root.iterdir()} == wanted, "something is left over"
    assert len(datalink.directories(link)) <= (3 if what == "archive" else 1)
    assert datalink.settled(link)
    assert datalink.establish(link, NOW)[1] is False, "a third run has something to do"
    return died


def main() -> None:
    path, store, how, what = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5]
    for step in itertools.count():
        if not one_round(step, path, store, how, what):
            print(step)
            return


main()
