"""A checkout that is killed, and git with it, is finished by the next run; work done in between is kept."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import content

from .conftest import Repository

SCRIPT = Path(__file__).with_name("killed.py")
Given = Callable[..., dict[str, Any]]
Apply = Callable[[dict[str, Any]], list[str]]


@pytest.mark.parametrize(("when", "files", "kills"), [("calls", 3, 20), ("moments", 1000, 6)])
def test_killed(tmp_path: Path, memory: Path, when: str, files: int, kills: int) -> None:
    Repository(memory, files)
    collections = content.collections_dir(tmp_path / "collections")
    done = subprocess.run(
        [sys.executable, SCRIPT, collections, memory, when],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= kills


def test_an_interrupted_change_is_finished_and_work_in_it_is_kept(
    checkout: Any, source: Repository, given: Given, apply: Apply, tmp_path: Path
) -> None:
    apply(given(version="v1"))
    work = tmp_path / "work"
    (work / "src" / "0").write_text("two 0\n" * 50)
    (work / "src" / "1").write_text("somebody's work in between")
    (work / "mine").write_text("a new file of somebody's")
    (work / ".git" / "index.lock").touch()
    (work / ".git" / "aimlsetup-busy").write_text(json.dumps({"to": source.git("rev-parse", "v2^{commit}")}))
    source.git("fetch", "-q", str(source.path), "v2", cwd=work)
    with pytest.raises(checkout.workcopy.Refused, match=r"file    \?\? mine"):
        apply(given(version="v2"))
    assert (work / "mine").exists()
    [kept] = source.git("for-each-ref", "--format=%(refname)", "refs/aimlsetup/kept", cwd=work).splitlines()
    assert source.git("show", f"{kept}:src/1", cwd=work) == "somebody's work in between"
    (work / "mine").unlink()
    assert "interrupted" in apply(given(version="v2"))
    assert source.git("rev-parse", "HEAD", cwd=work) == source.git("rev-parse", "v2^{commit}")


def test_work_after_an_interrupted_fetch_stops_the_next_run(
    checkout: Any, given: Given, apply: Apply, tmp_path: Path
) -> None:
    apply(given(version="v1"))
    (tmp_path / "work" / ".git" / "aimlsetup-busy").touch()
    (tmp_path / "work" / "src" / "1").write_text("mine")
    with pytest.raises(checkout.workcopy.Refused, match="file     M src/1"):
        apply(given(version="v2"))
    assert (tmp_path / "work" / "src" / "1").read_text() == "mine"


def test_a_submodule_whose_clone_was_cut_short(source: Repository, given: Given, apply: Apply, tmp_path: Path) -> None:
    apply(given(version="v2"))
    work = tmp_path / "work"
    (work / ".git" / "modules" / "other" / "objects").mkdir(parents=True)
    (work / ".git" / "modules" / "other" / "HEAD").write_text("ref: refs/heads/main\n")
    (work / "other" / ".git").write_text("gitdir: ../.git/modules/other\n")
    (work / ".git" / "aimlsetup-busy").write_text(json.dumps({"to": source.git("rev-parse", "v2^{commit}")}))
    assert "interrupted" in apply(given(version="v2", submodules=True))
    assert (work / "other" / "lib.txt").read_text() == "library"
    assert apply(given(version="v2", submodules=True)) == []
