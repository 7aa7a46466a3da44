"""The quickstart application's environment, release and service, made once per session."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples import quickstart


@pytest.fixture(scope="session")
def test_cache() -> Path:
    """Where environments are kept from session to session."""
    return Path(os.environ.get("AIMLSETUP_TEST_CACHE") or Path.home() / ".cache/aimlsetup/tests")


@pytest.fixture(scope="session")
def app_python(test_cache: Path) -> Path:
    return quickstart.build_environment(test_cache)


@pytest.fixture(scope="session")
def releases(app_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release tree with aimlsetup-digits-1 in it."""
    root = tmp_path_factory.mktemp("release")
    quickstart.train(app_python, root)
    return root


@pytest.fixture(scope="session")
def images(app_python: Path, releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images that were held out from training, as files."""
    folder = tmp_path_factory.mktemp("images")
    held_out = json.loads((releases / quickstart.WEIGHTS / "release.json").read_text())["held_out"]
    script = Path(__file__).with_name("digits_as_images.py")
    subprocess.run([app_python, script, json.dumps(held_out), folder], check=True, timeout=60)
    return folder


@pytest.fixture(scope="session")
def service(app_python: Path, releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[quickstart.Service]:
    scratch = tmp_path_factory.mktemp("service") / "run"
    arguments = "API_MODEL_KEY='aimlsetup-digits-1', QUEUE='false'"
    with quickstart.serve(app_python, releases, scratch, "--workers", "2", arguments=arguments) as running:
        yield running
