"""A crash at any point loses nothing, and the next run finishes the job."""

import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup import content

SCRIPT = Path(__file__).with_name("killed_at_each_step.py")


@pytest.mark.parametrize(
    ("how", "apart", "what", "steps"),
    [
        ("exchange", False, "link", 2),
        ("two-step", False, "link", 4),
        ("exchange", True, "link", 40),
        ("two-step", True, "link", 40),
        ("unrenamable", False, "link", 40),
        ("exchange", False, "archive", 4),
        ("two-step", True, "archive", 4),
    ],
)
def test_killed_at_each_step(tmp_path: Path, memory: Path, how: str, apart: bool, what: str, steps: int) -> None:
    assert tmp_path.stat().st_dev != memory.stat().st_dev
    path = tmp_path / "data" / "logs"
    store = memory / "store" if apart else path.parent
    collections = content.collections_dir(tmp_path / "collections")
    done = subprocess.run(
        [sys.executable, SCRIPT, collections, path, store, how, what],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= steps
