"""The quickstart's application as a repository: its head moves only with its content."""

import shutil
import subprocess
from pathlib import Path

import pytest

from aimlsetup import content
from aimlsetup.cli import _example


def git(place: Path, *arguments: str) -> str:
    done = subprocess.run(["git", f"--git-dir={place}", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_it_has_the_application_on_main(tmp_path: Path) -> None:
    place = _example.repository(tmp_path)
    files = git(place, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert {"apps/www/od/wsgi-bin/web_server.py", "scripts/train_digits.py"} <= set(files)


def test_its_head_moves_only_when_the_application_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(content.root() / _example.SOURCE, tmp_path / _example.SOURCE)
    monkeypatch.setattr(content, "root", lambda: tmp_path)
    first = git(_example.repository(tmp_path), "rev-parse", "main")
    assert git(_example.repository(tmp_path), "rev-parse", "main") == first
    (tmp_path / _example.SOURCE / "__pycache__").mkdir()
    (tmp_path / _example.SOURCE / "__pycache__" / "a.pyc").write_text("bytecode")
    assert git(_example.repository(tmp_path), "rev-parse", "main") == first
    (tmp_path / _example.SOURCE / "more.txt").write_text("more")
    place = _example.repository(tmp_path)
    assert git(place, "rev-parse", "main~1") == first
    assert git(place, "show", "main:more.txt") == "more"


def test_a_making_that_was_interrupted_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "app.git.new").mkdir()
    assert git(_example.repository(tmp_path), "rev-parse", "--verify", "main")


def test_what_git_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "root", lambda: tmp_path / "nowhere")
    with pytest.raises(_example.AimlsetupError, match="could not be made"):
        _example.repository(tmp_path)
