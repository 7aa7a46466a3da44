"""What is said where hosts cannot boot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup import sandbox
from aimlsetup.sandbox import probing

ROOT = Path(__file__).parents[2]


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    (lack,) = [lack for lack in sandbox.probe() if lack.name == "packages"]
    assert "systemd-container" in lack.found
    assert "bootstrap" in lack.remedy


def test_changes_say_what_is_installed_when_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert any("mmdebstrap" in change for change in sandbox.changes())


def test_bootstrap_installs_what_the_probe_asks_for() -> None:
    installed = (ROOT / "script/bootstrap").read_text().split()
    assert set(probing.PROGRAMS.values()) - set(installed) == set()


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_host_tests_that_cannot_run_are_counted_and_fail_in_ci(ci: str, status: int, tmp_path: Path) -> None:
    """It is this machine, with no program on PATH."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/sandbox/test_hosts.py",
         "tests/sandbox/test_recipe.py"],
        cwd=ROOT, env=os.environ | {"PATH": str(tmp_path), "CI": ci}, capture_output=True, text=True, check=False,
    )
    assert done.returncode == status, done.stdout
    assert "tests were not run, because no host can boot here" in done.stdout
    assert "packages: they hold the programs" in done.stdout
