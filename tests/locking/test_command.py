"""`aimlsetup lock` as people run it, with facts from files and an index on disk."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup import files

from .conftest import Index, Observe


@pytest.fixture
def place(tmp_path: Path, index: Index, observation: Observe) -> Path:
    """A directory with a profile of the host `web` and the host's facts."""
    document = {
        "hosts": {"web": {}},
        "components": ["base", "python_env"],
        "sources": {"pypi": index.url},
        "python_env": {"envs": [{"name": "py_3", "requirements": ["falcon"]}]},
    }
    (tmp_path / "aimlsetup.yml").write_text(files.dump(document))
    (tmp_path / "facts.json").write_text(observation().model_dump_json())
    return tmp_path


def lock(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aimlsetup", "lock", "--host-facts", "web=facts.json", *arguments]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False)


def test_pins_are_shown_with_reasons_and_then_nothing_changes(place: Path) -> None:
    first = lock(place)
    assert first.returncode == 0, first.stderr
    assert "+ py_3.falcon 4.1.0 python_env.envs.py_3: falcon" in " ".join(first.stdout.split())
    written = (place / "aimlsetup.lock.yml").read_bytes()
    second = lock(place)
    assert (second.returncode, second.stdout) == (0, "")
    assert "nothing changed" in second.stderr
    assert (place / "aimlsetup.lock.yml").read_bytes() == written


def test_json_is_all_there_is_on_stdout(place: Path, index: Index) -> None:
    lock(place)
    index.publish("falcon", "4.2.0")
    document = json.loads(lock(place, "--json", "--upgrade").stdout)
    assert (document["version"], document["kind"]) == (1, "lock-changes")
    assert [(row["pin"], row["before"], row["after"]) for row in document["changes"]] == [
        ("py_3.falcon", "4.1.0", "4.2.0")
    ]


def test_vars_dir(place: Path) -> None:
    assert lock(place, "--vars-dir", "lab").returncode == 0
    assert sorted(path.name for path in (place / "lab").rglob("*.yml")) == ["hosts.yml", "web.yml"]


def test_a_conflict_leaves_the_old_lock(place: Path) -> None:
    lock(place)
    before = (place / "aimlsetup.lock.yml").read_bytes()
    profile = (place / "aimlsetup.yml").read_text()
    (place / "aimlsetup.yml").write_text(profile.replace("- falcon", "- falcon>=5"))
    failed = lock(place, "--json")
    assert failed.returncode == 4
    assert json.loads(failed.stdout)["ref"] == "requirements-conflict"
    assert (place / "aimlsetup.lock.yml").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("other=facts.json", "names no chosen host"),
        ("facts.json", "names no chosen host"),
        ("web=none.json", "none.json: No such file"),
        ("web=aimlsetup.yml", "not what the observe module prints"),
    ],
)
def test_facts_that_are_none(place: Path, option: str, words: str) -> None:
    failed = lock(place, "--host-facts", option)
    assert failed.returncode == 2
    assert words in failed.stderr
    assert "Traceback" not in failed.stderr
