"""A copy across file systems is the same in every byte and attribute, or it is no copy."""

import os
import random
import socket
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def treecopy(datalink: Any) -> Any:
    return datalink.treecopy


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "file").write_bytes(random.Random(1).randbytes(3 << 20))
    (root / "linked").hardlink_to(root / "a" / "file")
    (root / "a" / "link").symlink_to("/no/such")
    with (root / "holes").open("wb") as handle:
        for offset in (1 << 20, 1 << 25):
            handle.seek(offset)
            handle.write(b"data")
        handle.truncate(1 << 26)
    os.mkfifo(root / "pipe", 0o640)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(root / "socket"))
    (root / os.fsdecode(b"latin-\xe4")).write_text("x")
    os.setxattr(root / "a", "user.note", b"kept")
    os.setxattr(root / "a" / "file", "user.note", b"kept\0too")
    (root / "a").chmod(0o2570)
    os.utime(root / "a" / "b", ns=(1, 1_234_567_890_123_456_789))
    return root


def test_every_byte_and_attribute(treecopy: Any, tree: Path, memory: Path) -> None:
    treecopy.copy(str(tree), str(memory / "copy"))
    assert treecopy.differences(str(tree), str(memory / "copy"), contents=True) == []
    copy = memory / "copy"
    assert (copy / "linked").samefile(copy / "a" / "file")
    assert (copy / "holes").stat().st_blocks * 512 < 1 << 20, "holes stay holes"
    assert (copy / "a" / "b").stat().st_mtime_ns == 1_234_567_890_123_456_789
    assert os.getxattr(copy / "a" / "file", "user.note") == b"kept\0too"
    assert treecopy.allocated(str(copy)) < 8 << 20


def test_a_copy_is_continued_and_brought_up_to_date(treecopy: Any, tree: Path, memory: Path) -> None:
    copy = memory / "copy"
    treecopy.copy(str(tree), str(copy))
    kept = (copy / "a" / "file").stat().st_ino
    (copy / "holes").write_text("torn")
    (copy / "superfluous" / "deep").mkdir(parents=True)
    (copy / "pipe").unlink()
    (copy / "pipe").mkdir()
    (tree / "new").write_text("new")
    treecopy.copy(str(tree), str(copy))
    assert treecopy.differences(str(tree), str(copy), contents=True) == []
    assert (copy / "a" / "file").stat().st_ino == kept, "what was equal is not copied again"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda copy: os.truncate(copy / "holes", (1 << 25) + 2) or os.truncate(copy / "holes", 1 << 26), "holes"),
        (lambda copy: (copy / "a" / "file").chmod(0o600), "a/file"),
        (lambda copy: (copy / "a" / "b").chmod(0o700), "a/b"),
        (lambda copy: os.setxattr(copy / "a", "user.note", b"other"), "a"),
        (lambda copy: (copy / "linked").unlink(), "linked"),
        (lambda copy: (copy / "extra").touch(), "extra"),
    ],
)
def test_verification_finds(treecopy: Any, tree: Path, memory: Path, change: Any, name: str) -> None:
    copy = memory / "copy"
    treecopy.copy(str(tree), str(copy))
    times = (copy / "holes").stat()
    change(copy)
    os.utime(copy / "holes", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert name in treecopy.differences(str(tree), str(copy), contents=True)


def test_later_finds_only_what_was_written_too_late(treecopy: Any, tree: Path, memory: Path) -> None:
    copy = memory / "copy"
    treecopy.copy(str(tree), str(copy))
    (copy / "holes").write_text("written by a service through the link since")
    assert treecopy.later(str(tree), str(copy)) == []
    (tree / "a" / "file").write_text("late")
    (tree / "late").touch()
    assert treecopy.later(str(tree), str(copy)) == ["a/file", "late", "linked"]
