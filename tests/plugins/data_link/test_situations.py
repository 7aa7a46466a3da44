"""Everything that can be at a path, and what becomes of it."""

import datetime
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 21, 14, 30)  # noqa: DTZ001 -- dated names are in local time
SECOND = datetime.timedelta(seconds=1)
LinkOf = Callable[..., Any]


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def test_nothing_there(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    link = link_of(tmp_path / "logs", mode=0o2770, directories=["www", "www/uploads"])
    assert datalink.establish(link, NOW) == (str(tmp_path / "logs-211126_143000"), True)
    assert (tmp_path / "logs").readlink() == Path("logs-211126_143000"), "relative, so that both can move together"
    for made in ("logs", "logs/www", "logs/www/uploads"):
        assert stat.S_IMODE((tmp_path / made).stat().st_mode) == 0o2770
    assert datalink.establish(link, NOW + SECOND) == (str(tmp_path / "logs-211126_143000"), False)


def test_a_new_one_is_like_its_parent(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    tmp_path.chmod(0o2751)
    datalink.establish(link_of(tmp_path / "logs"), NOW)
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o2751


@pytest.mark.parametrize("files", [0, 3000])
def test_empty_and_huge_directories_are_renamed(datalink: Any, link_of: LinkOf, tmp_path: Path, files: int) -> None:
    (tmp_path / "logs").mkdir()
    for number in range(files):
        (tmp_path / "logs" / str(number)).touch()
    before = (tmp_path / "logs").stat()
    target, changed = datalink.establish(link_of(tmp_path / "logs"), NOW)
    assert changed
    assert (Path(target).stat().st_ino, Path(target).stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert names(tmp_path) == ["logs", "logs-211126_143000"]


def test_a_removed_link_leads_to_the_newest_again(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    for name in ("logs-311225_235959", "logs-010126_000000", "logs-301225_000000", "logs-999999_999999", "logs-x"):
        (tmp_path / name).mkdir()
    assert datalink.establish(link_of(tmp_path / "logs"), NOW) == (str(tmp_path / "logs-010126_000000"), True)


def test_a_link_to_an_older_one_is_somebodys_wish(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    for name in ("logs-311225_235959", "logs-010126_000000"):
        (tmp_path / name).mkdir()
    (tmp_path / "logs").symlink_to(tmp_path / "logs-311225_235959")
    link = link_of(tmp_path / "logs")
    assert datalink.refusal(link, datalink.situation(link)) is None
    assert datalink.establish(link, NOW) == (str(tmp_path / "logs-311225_235959"), False)


def test_a_link_elsewhere(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(mode=0o700)
    (tmp_path / "logs").symlink_to("other")
    refused, kept = (link_of(tmp_path / "logs", mode=0o755, elsewhere_ok=ok) for ok in (False, True))
    assert "elsewhere_ok" in datalink.refusal(refused, datalink.situation(refused))
    assert datalink.refusal(kept, datalink.situation(kept)) is None
    assert datalink.establish(kept, NOW) == (str(tmp_path / "other"), False)
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o700, "kept means as it is"


def test_a_link_to_nothing(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    (tmp_path / "logs").symlink_to("/mnt/no-such-disk/logs")
    link = link_of(tmp_path / "logs")
    assert "not mounted" in datalink.refusal(link, datalink.situation(link))


def test_the_dated_directory_was_removed(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    (tmp_path / "logs").symlink_to("logs-010126_000000")
    assert datalink.establish(link_of(tmp_path / "logs"), NOW) == (str(tmp_path / "logs-211126_143000"), True)
    assert names(tmp_path) == ["logs", "logs-211126_143000"]


def test_an_empty_store_may_be_a_disk_that_is_not_mounted(
    datalink: Any, link_of: LinkOf, tmp_path: Path, memory: Path
) -> None:
    (tmp_path / "logs").symlink_to(memory / "logs-010126_000000")
    link = link_of(tmp_path / "logs", store=str(memory))
    assert "not mounted" in datalink.refusal(link, datalink.situation(link))
    gone = link_of(tmp_path / "other", store=str(memory / "gone"))
    assert "store" in datalink.refusal(gone, datalink.situation(gone))


def test_a_file_and_a_store_inside_are_refused(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file is in the way" in datalink.refusal(link_of(tmp_path / "file"), "other")
    assert datalink.situation(link_of(tmp_path / "file")) == "other"
    (tmp_path / "logs" / "store").mkdir(parents=True)
    inside = link_of(tmp_path / "logs", store=str(tmp_path / "logs" / "store"))
    assert "lies inside it" in datalink.refusal(inside, "directory")


@pytest.mark.parametrize("path", ["/dev/shm", "/dev"])
def test_mount_points_are_refused(datalink: Any, link_of: LinkOf, path: str) -> None:
    link = link_of(Path(path), store="/")
    assert "mount point" in datalink.refusal(link, datalink.situation(link))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds logs/app.log open and appends each line it is sent."""
    (tmp_path / "logs").mkdir()
    program = "import sys\nwith open('logs/app.log', 'a', 1) as log:\n print(flush=True)\n for line in sys.stdin:\n"
    program += "  log.write(line)\n  print(flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    process.stdout.readline()


def test_open_files_follow_a_rename(
    datalink: Any, link_of: LinkOf, tmp_path: Path, writer: subprocess.Popen[str]
) -> None:
    say(writer, "before")
    [busy] = datalink.inuse.openers(str(tmp_path / "logs"))
    assert f"(pid {writer.pid}): {tmp_path}/logs/app.log" in busy
    datalink.establish(link_of(tmp_path / "logs"), NOW)
    say(writer, "after")
    assert (tmp_path / "logs" / "app.log").read_text() == "before\nafter\n"


def test_open_files_never_cross_file_systems(
    datalink: Any, link_of: LinkOf, tmp_path: Path, memory: Path, writer: subprocess.Popen[str]
) -> None:
    with pytest.raises(datalink.Refused, match="open files would be lost"):
        datalink.establish(link_of(tmp_path / "logs", store=str(memory)), NOW)
    assert (names(tmp_path), names(memory)) == (["logs"], []), "the host as it was"
    say(writer, "still here")
    assert (tmp_path / "logs" / "app.log").read_text() == "still here\n"


def test_a_file_written_after_the_copy_is_not_deleted(
    datalink: Any, link_of: LinkOf, tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text("one\n")
    exchange = datalink.atomic.exchange

    def write_and_exchange(one: str, other: str) -> None:
        exchange(one, other)
        late = tmp_path / ".logs.aimlsetup-next"
        if late.is_dir():
            (late / "app.log").write_text("one\ntwo\n")

    monkeypatch.setattr(datalink.atomic, "exchange", write_and_exchange)
    link = link_of(tmp_path / "logs", store=str(memory))
    for _attempt in (1, 2):
        with pytest.raises(datalink.Refused, match=r"more was written to .*replaced: 'app\.log'"):
            datalink.establish(link, NOW)
        assert (tmp_path / ".logs.aimlsetup-replaced" / "app.log").read_text() == "one\ntwo\n"


def test_what_does_not_fit_is_refused(
    datalink: Any, link_of: LinkOf, tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "data").write_bytes(b"x" * 100_000)
    real = os.statvfs(memory)

    class Full:
        f_bavail, f_frsize = 1, real.f_frsize

    monkeypatch.setattr(os, "statvfs", lambda _path: Full)
    with pytest.raises(datalink.Refused, match=r"do not fit .* The data is where it was"):
        datalink.establish(link_of(tmp_path / "logs", store=str(memory)), NOW)
    assert (names(tmp_path), names(memory)) == (["logs"], [])


def test_archives_within_one_second_do_not_collide(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    link = link_of(tmp_path / "logs", mode=0o2771, directories=["www"])
    targets = [datalink.establish(link, NOW)[0]]
    for number in range(3):
        (tmp_path / "logs" / "app.log").write_text(str(number))
        targets.append(datalink.archive(link, NOW - number * SECOND))
    assert [Path(target).name[-2:] for target in targets] == ["00", "01", "02", "03"]
    assert [(Path(target) / "app.log").read_text() for target in targets[:3]] == ["0", "1", "2"]
    assert names(tmp_path / "logs") == ["www"]
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o2771


def test_archive_keeps_owner_and_mode_of_the_current_one(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    datalink.establish(link_of(tmp_path / "logs"), NOW)
    (tmp_path / "logs").chmod(0o1777)
    datalink.archive(link_of(tmp_path / "logs"), NOW + SECOND)
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o1777


def test_archive_needs_a_link(datalink: Any, link_of: LinkOf, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with pytest.raises(datalink.Refused, match="Apply data_links first"):
        datalink.archive(link_of(tmp_path / "logs"), NOW)


@given(st.datetimes(NOW.replace(1970), NOW.replace(2068)))
def test_stamps_are_read_as_they_are_written(datalink: Any, moment: datetime.datetime) -> None:
    link = datalink.Link("/nowhere/logs", "/nowhere", None, None, None, [], False)
    name = Path(datalink.new_name(link, moment)).name
    assert datalink.stamp_of(link, name) == moment.replace(microsecond=0)


@given(st.text(max_size=20))
def test_other_names_are_no_stamps(datalink: Any, text: str) -> None:
    link = datalink.Link("/nowhere/logs", "/nowhere", None, None, None, [], False)
    stamp = datalink.stamp_of(link, "logs-" + text)
    assert stamp is None or stamp.strftime(datalink.STAMP) == text
