"""Lint, types, layers and target syntax: each checker is a test, so one command runs all and CI runs the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup import content

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

CHECKS = {
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy"],
    "import-linter": ["lint-imports"],
    # What runs on targets: the facts script from Python 3.6 on, modules as ansible-core's targets do.
    "python-3.6": [
        "vermin",
        "-q",
        "-t=3.6-",
        "--no-tips",
        "--violations",
        "plugins/module_utils",
        "roles",
        "plugins/modules/observe.py",
        "plugins/modules/doctor.py",
        "roles/monitoring/files",
    ],
    "python-3.8": ["vermin", "-q", "-t=3.8-", "--no-tips", "--violations", "plugins/modules"],
    # The oldest Python of a release that hosts may have (Ubuntu 22.04).
    "python-3.10": ["vermin", "-q", "-t=3.10-", "--no-tips", "--violations", "examples/quickstart/app"],
}


def run(argv: list[str], **environment: str) -> None:
    """Run a checker from this virtual environment; its output is the failure message."""
    env = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(Path.home()), "LC_ALL": "C.UTF-8", **environment}
    done = subprocess.run(
        [str(BIN / argv[0]), *argv[1:]], cwd=ROOT, env=env, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout[-8000:]}{done.stderr[-4000:]}"


@pytest.mark.parametrize("name", CHECKS)
def test_check(name: str) -> None:
    run(CHECKS[name])


def test_ansible_lint_production(tmp_path: Path) -> None:
    run(
        ["ansible-lint", "--offline", "--profile", "production", "--strict"],
        ANSIBLE_COLLECTIONS_PATH=str(content.collections_dir(tmp_path)),
    )


def test_shell_scripts_parse() -> None:
    files = [*(ROOT / "script").iterdir(), ROOT / ".ci" / "run", ROOT / "tests" / "interrupt"]
    scripts = [path for path in files if path.is_file() and path.read_text().startswith("#!/bin/sh")]
    assert len(scripts) >= 5
    for path in scripts:
        subprocess.run(["/bin/sh", "-n", str(path)], check=True)
