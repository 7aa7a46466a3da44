"""Files are put back with content, mode and owner; what was not there is gone again."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def fileset() -> Any:
    return import_module("ansible_collections.codehub.aimlsetup.plugins.module_utils.fileset")


def entry(path: Path, content: str = "new\n") -> dict[str, str]:
    return {"path": str(path), "content": content, "mode": "0644", "group": "root"}


def test_what_was_there_comes_back(fileset: Any, tmp_path: Path) -> None:
    path = tmp_path / "unit.service"
    path.write_bytes(b"old \xff\n")
    path.chmod(0o640)
    before = fileset.snapshot([entry(path)])
    path.write_text("new\n")
    path.chmod(0o600)
    fileset.put_back(before)
    assert path.read_bytes() == b"old \xff\n"
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_was_not_there_is_gone_with_its_drop_in_directory(fileset: Any, tmp_path: Path) -> None:
    unit, drop_in = tmp_path / "unit.service", tmp_path / "unit.service.d" / "started-with.conf"
    before = fileset.snapshot([entry(unit), entry(drop_in)])
    drop_in.parent.mkdir()
    for path in (unit, drop_in):
        path.write_text("new\n")
    fileset.put_back(before)
    assert list(tmp_path.iterdir()) == []


def test_a_drop_in_directory_with_something_else_stays(fileset: Any, tmp_path: Path) -> None:
    drop_in, other = tmp_path / "unit.service.d" / "started-with.conf", tmp_path / "unit.service.d" / "yours.conf"
    drop_in.parent.mkdir()
    before = fileset.snapshot([entry(drop_in)])
    for path in (drop_in, other):
        path.write_text("[Service]\n")
    fileset.put_back(before)
    assert list(drop_in.parent.iterdir()) == [other]


def test_putting_back_what_was_never_written_does_nothing(fileset: Any, tmp_path: Path) -> None:
    fileset.put_back(fileset.snapshot([entry(tmp_path / "absent")]))
    assert list(tmp_path.iterdir()) == []


def test_differences_show_both_sides(fileset: Any, tmp_path: Path) -> None:
    path = tmp_path / "unit.service"
    path.write_text("old\n")
    shown = fileset.differences([entry(path), entry(tmp_path / "absent")])
    assert [(row["before"], row["after"]) for row in shown] == [("old\n", "new\n"), ("", "new\n")]
