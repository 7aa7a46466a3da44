"""The checkout's scripts run directly, and bootstrap never leaves it without a virtual environment that works."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.built import ROOT

PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"  # one without the project
FILES = ("LICENSE", "README.md", "pyproject.toml", "setup.py")
DIRECTORIES = ("aimlsetup", "bench", "requirements", "script")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the scripts need of the checkout, in a directory with a space in its name and without .venv."""
    copy = tmp_path / "a copy"
    copy.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, copy)
    for name in DIRECTORIES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def run(*argv: Path | str, cwd: Path) -> tuple[int, str]:
    """(exit status, all that was printed)."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "argv", [("script/docs", "--check"), ("script/schema", "--check"), ("bench/reapply", "--help")]
)
def test_any_python_will_do(argv: tuple[str, ...], tmp_path: Path, checkout: Path) -> None:
    status, said = run(PYTHON, ROOT / argv[0], *argv[1:], cwd=tmp_path)
    assert status == 0, said
    status, said = run(PYTHON, checkout / argv[0], *argv[1:], cwd=tmp_path)
    assert (status, len(said.splitlines())) == (1, 1), said
    assert "script/bootstrap" in said


def test_the_benchmark_says_what_comes_first(checkout: Path) -> None:
    (checkout / ".venv").symlink_to(sys.prefix)
    status, said = run(PYTHON, "bench/reapply", cwd=checkout)
    assert (status, len(said.splitlines())) == (1, 1), said
    assert "script/quickstart" in said


@pytest.mark.network
def test_bootstrap_builds_beside_and_keeps_what_works(checkout: Path) -> None:
    lock = checkout / "requirements" / "lock.txt"
    blocks = re.findall(r"^\S+==.*\n(?: .*\n)+", lock.read_text(), re.MULTILINE)
    few = "".join(block for block in blocks if re.match(r"(uv|setuptools|pathspec)==", block))
    lock.write_text(few)
    assert run("script/bootstrap", cwd=checkout)[0] == 0
    works(checkout)
    lock.write_text(re.sub(r"(?m)^pathspec(.*\n)(?: .*\n)+", rf"pathspec\1    --hash=sha256:{'0' * 64}\n", few))
    status, output = run("script/bootstrap", cwd=checkout)
    assert status != 0
    assert "pathspec" in output
    works(checkout)
    (checkout / ".venv").rename(checkout / ".venv.old")  # as if killed between the two renames
    lock.write_text(f"{few}# another\n")
    assert run("script/bootstrap", cwd=checkout)[0] == 0
    works(checkout)


def works(checkout: Path) -> None:
    """There is one virtual environment, at its final name, and a program of it runs."""
    assert [path.name for path in checkout.glob(".venv*")] == [".venv"]
    status, output = run(".venv/bin/python", "-c", "import aimlsetup, pathspec, sys; print(sys.prefix)", cwd=checkout)
    assert (status, output.strip()) == (0, str(checkout / ".venv"))
    assert ".venv.new" not in (checkout / ".venv" / "bin" / "aimlsetup").read_text()
