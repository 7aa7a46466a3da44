"""The paths module's parts: made as described, nothing destroyed, a second time nothing to do."""

import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
def paths(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.modules import paths

    return paths


def entry(path: Path, kind: str, **more: object) -> dict[str, Any]:
    empty = dict.fromkeys(("mode", "owner", "group", "content", "target"))
    return {**empty, "sensitive": False, "path": str(path), "type": kind, **more}


def test_directory_file_link_and_their_absence(paths: Any, tmp_path: Path) -> None:
    entries = [
        entry(tmp_path / "tree" / "deep", "directory", mode="2775"),
        entry(tmp_path / "tree" / "file", "file", content="text", mode="0640"),
        entry(tmp_path / "tree" / "link", "link", target="file"),
    ]
    assert all(paths.apply(one, check_mode=True) for one in entries)
    assert not (tmp_path / "tree").exists(), "check mode makes nothing"
    assert all(paths.apply(one, check_mode=False) for one in entries)
    assert stat.S_IMODE((tmp_path / "tree" / "deep").stat().st_mode) == 0o2775
    assert (tmp_path / "tree" / "link").read_text() == "text"
    assert not any(paths.apply(one, check_mode=False) for one in entries)
    for one in reversed(entries):
        paths.apply({**one, "type": "absent"}, check_mode=False)
    assert list((tmp_path / "tree").iterdir()) == []


@pytest.mark.parametrize(("there", "wanted"), [("file", "directory"), ("directory", "link"), ("link", "file")])
def test_another_type_in_the_way_is_refused(paths: Any, tmp_path: Path, there: str, wanted: str) -> None:
    path = tmp_path / "x"
    extra: dict[str, dict[str, Any]] = {"file": {"content": "keep"}, "directory": {}, "link": {"target": "/etc"}}
    paths.apply(entry(path, there, **extra[there]), check_mode=False)
    before = paths.state.path_state(str(path))
    with pytest.raises(paths.Refused, match="in the way"):
        paths.apply(entry(path, wanted, **extra[wanted]), check_mode=False)
    assert paths.state.path_state(str(path)) == before


@pytest.mark.parametrize("path", ["relative", "/a/../etc/passwd", "/a\0b"])
def test_a_path_that_leaves_its_place_is_refused(paths: Any, path: str) -> None:
    with pytest.raises(paths.Refused, match="absolute path"):
        paths.check({**entry(Path("/x"), "file"), "path": path}, None)


def test_a_directory_with_content_is_never_removed(paths: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(paths.Refused, match="not empty"):
        paths.apply(entry(tmp_path, "absent"), check_mode=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=("Cs",))))
def test_content_is_data(paths: Any, tmp_path: Path, text: str) -> None:
    target = tmp_path / "file"
    paths.apply(entry(target, "file", content=text), check_mode=False)
    assert target.read_bytes() == text.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "no temporary file is left"


@pytest.mark.parametrize(("size", "text", "lost"), [(4 << 20, "x", False), (5 << 20, "x", True), (5 << 20, "", False)])
def test_what_is_too_large_to_be_kept_is_told_where_its_content_goes(
    paths: Any, tmp_path: Path, size: int, text: str, lost: bool
) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"y" * size)
    same = "y" * size
    assert paths.unkept(entry(path, "file", content=text or same, mode="0600")) is lost
    assert paths.unkept(entry(path, "absent")) is (size > 4 << 20)
