"""The quickstart's training: repeatable, resumable, and never half a release."""

import json
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from codehub import ModelKey, Release

from tests.examples.quickstart import WEIGHTS, train, training

pytestmark = pytest.mark.network
KEY = ModelKey("aimlsetup", "digits", "1")


def parameters(root: Path) -> int:
    """The checksum of the network's parameters; the archive around them holds the time."""
    with zipfile.ZipFile(root / WEIGHTS / "digits.keras") as archive:
        return archive.getinfo("model.weights.h5").CRC


def changes(root: Path) -> dict[Path, tuple[int, int]]:
    """Every path's inode and the time it last changed in any way."""
    return {path: (path.stat().st_ino, path.stat().st_ctime_ns) for path in root.rglob("*")}


def test_an_intact_release_is_left_alone(app_python: Path, releases: Path) -> None:
    before = changes(releases)
    assert "intact, nothing to do" in train(app_python, releases, "--seed", "1")
    assert changes(releases) == before


def test_the_release_says_how_it_was_made(releases: Path) -> None:
    facts = json.loads((releases / WEIGHTS / "release.json").read_text())
    assert facts["accuracy"] >= 0.95
    assert facts["seed"] == 7
    assert set(facts["packages"]) == {"keras", "numpy", "sklearn", "tensorflow"}
    assert len(set(facts["held_out"])) == 450


def test_a_killed_training_leaves_no_release_and_the_next_makes_the_same_one(
    app_python: Path, releases: Path, tmp_path: Path
) -> None:
    weights = tmp_path / WEIGHTS.parents[1] / ".convnet.draft/weights/digits.keras"
    deadline = time.monotonic() + 60
    with subprocess.Popen(training(app_python, tmp_path), stderr=subprocess.DEVNULL) as process:
        while not weights.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
    assert weights.exists()
    assert not (tmp_path / WEIGHTS.parent).exists()
    train(app_python, tmp_path)
    assert Release.find(tmp_path, KEY).weights().is_file()
    assert not weights.parents[1].exists()
    assert parameters(tmp_path) == parameters(releases)


def test_any_key_is_trained(app_python: Path, tmp_path: Path) -> None:
    assert "acme-signs-3: accuracy" in train(app_python, tmp_path, "--model-key", "acme-signs-3", "--epochs", "1")
    release = Release.find(tmp_path, ModelKey("acme", "signs", "3"))
    assert json.loads((release.folder / "release.json").read_text())["model_key"] == "acme-signs-3"
    done = subprocess.run(
        training(app_python, tmp_path), env={"API_MODEL_KEY": "../x-1"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "expected <org>-<problem_id>-<rel_num>" in done.stderr) == (2, True)


def test_a_damaged_release_is_trained_anew(app_python: Path, releases: Path, tmp_path: Path) -> None:
    shutil.copytree(releases, tmp_path, dirs_exist_ok=True)
    (tmp_path / WEIGHTS / "digits.keras").write_bytes(b"cut short")
    train(app_python, tmp_path, "--epochs", "1")
    assert Release.find(tmp_path, KEY).weights().is_file()
    assert parameters(tmp_path) != parameters(releases)
