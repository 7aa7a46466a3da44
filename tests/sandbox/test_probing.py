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


def test_missing_keys_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Ubuntu, which does not bring the keys of Debian's archive."""
    monkeypatch.setattr(probing, "KEYRINGS", {"/nonexistent.gpg": "debian-archive-keyring"})
    assert "debian-archive-keyring" in probing.missing_packages()


def test_changes_say_what_is_installed_when_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert any("mmdebstrap" in change for change in sandbox.changes())


def test_bootstrap_installs_what_the_probe_asks_for() -> None:
    installed = (ROOT / "script/bootstrap").read_text().split()
    assert {*probing.PROGRAMS.values(), *probing.KEYRINGS.values()} - set(installed) == set()


def run_tests(*files: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run some tests that boot hosts, and some that do not, with another environment."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--long",
         *files, "tests/sandbox/test_recipe.py"],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_host_tests_that_cannot_run_are_counted_and_fail_in_ci(ci: str, status: int, tmp_path: Path) -> None:
    """It is this machine, with no program on PATH."""
    done = run_tests("tests/sandbox/test_hosts.py", PATH=str(tmp_path), CI=ci)
    assert done.returncode == status, done.stdout
    assert "tests were not run, because their hosts cannot boot here" in done.stdout
    assert "packages: they hold the programs and keys" in done.stdout


@pytest.mark.host
def test_tests_of_a_release_out_of_reach_are_counted_and_fail_in_ci() -> None:
    done = run_tests("tests/e2e/test_ubuntu.py", AIMLSETUP_SANDBOX_MIRROR="http://127.0.0.1:9/ubuntu", CI="true")
    assert done.returncode == 1, done.stdout
    assert "6 tests were not run, because their hosts cannot boot here" in done.stdout
    assert "archive of jammy: " in done.stdout


def test_an_archive_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIMLSETUP_SANDBOX_MIRROR", "http://127.0.0.1:9/ubuntu")
    need = probing.archive("noble")
    assert need.name == "archive of noble"
    assert "http://127.0.0.1:9/ubuntu for noble" in str(need.check())
    assert "AIMLSETUP_SANDBOX_MIRROR" in need.remedy
