"""The cache of root file systems: verified, repaired, and no larger than needed."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from aimlsetup.errors import AimlsetupError
from aimlsetup.sandbox import template
from aimlsetup.sandbox.recipe import Machine, Recipe, recipe
from aimlsetup.sandbox.state import State, write_json

UNREACHABLE = "http://127.0.0.1:9/debian http://127.0.0.1:9/security"


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "sandbox")


@pytest.fixture
def wanted() -> Recipe:
    """A recipe whose mirror does not answer: what is not in the cache cannot be built."""
    return recipe("bookworm", Machine({}, "", {}, {}), UNREACHABLE)


def store(state: State, name: str, kind: str, content: str) -> Path:
    """Put a tarball with one file into the cache, as a build does."""
    place = state.templates / name
    (place / "made").mkdir(parents=True)
    (place / "made/file").write_text(content)
    tarball = place / "root.tar.zst"
    subprocess.run(["tar", "--create", "--zstd", "--file", tarball, "--directory", place / "made", "."], check=True)
    shutil.rmtree(place / "made")
    write_json(place / "template.json", {"sha256": hashlib.sha256(tarball.read_bytes()).hexdigest(), "kind": kind})
    return tarball


def test_a_cached_tarball_is_unpacked_once(state: State, wanted: Recipe) -> None:
    store(state, wanted.key, wanted.kind, "content")
    said: list[str] = []
    tree = template.ensure(state, wanted, set(), said.append)
    assert (tree / "file").read_text() == "content"
    assert template.ensure(state, wanted, set(), said.append) == tree
    assert said == [f"{wanted.key}: unpacking"]


def test_a_tarball_that_was_changed_is_not_used(state: State, wanted: Recipe) -> None:
    tarball = store(state, wanted.key, wanted.kind, "content")
    tarball.write_bytes(tarball.read_bytes() + b"more")
    said: list[str] = []
    with pytest.raises(AimlsetupError):
        template.ensure(state, wanted, set(), said.append)
    assert "not what was recorded" in said[0]
    assert not (state.templates / wanted.key / "root").exists()


def test_a_mirror_that_does_not_answer_is_named(state: State, wanted: Recipe) -> None:
    with pytest.raises(AimlsetupError, match=r"http://127\.0\.0\.1:9/debian for bookworm") as caught:
        template.ensure(state, wanted, set(), lambda _: None)
    assert "AIMLSETUP_SANDBOX_MIRROR" in str(caught.value.hint)
