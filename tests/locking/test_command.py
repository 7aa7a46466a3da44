"""`aimlsetup lock` as people run it, with facts from files and an index on disk."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup import catalog, files
from aimlsetup.models.observation import Observation
from aimlsetup.report import observation as report

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


def lock(place: Path, *arguments: str, facts: str = "web=facts.json") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aimlsetup", "lock", "--host-facts", facts, *arguments]
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
        ("strangers.json", "names no chosen host"),
        ("web=strangers.json", "names no chosen host"),
        ("web=none.json", "none.json: No such file"),
        ("web=aimlsetup.yml", "not what the observe module prints"),
    ],
)
def test_facts_that_are_none(place: Path, option: str, words: str, observation: Observe) -> None:
    (place / "strangers.json").write_text(json.dumps(several(stranger=observation())))
    failed = lock(place, "--host-facts", option)
    assert failed.returncode == 2
    assert words in failed.stderr
    assert "Traceback" not in failed.stderr


def several(**hosts: Observation) -> dict[str, object]:
    """As `aimlsetup observe --json` prints them."""
    return report.document(hosts, {})


def test_a_file_alone_is_the_only_hosts(place: Path) -> None:
    assert lock(place, facts="facts.json").returncode == 0


def test_a_file_that_observe_wrote_tells_of_several_hosts(place: Path, observation: Observe) -> None:
    profile = files.read(place / "aimlsetup.yml").data
    (place / "aimlsetup.yml").write_text(files.dump(profile | {"hosts": {"web": {}, "db": {}}}))
    (place / "all.json").write_text(json.dumps(several(web=observation(), db=observation(), gone=observation())))
    assert lock(place, facts="all.json").returncode == 0
    found = files.read(place / "aimlsetup.lock.yml").data["classes"]
    assert [entry["hosts"] for entry in found.values()] == [["db", "web"]]
    assert "names no chosen host" in lock(place, facts="facts.json").stderr, "whose it is has to be said now"


@pytest.fixture
def trainer(place: Path, index: Index, observation: Observe) -> Path:
    """The profile of a Mask R-CNN host: Ubuntu 18.04, where a GTX 1080 Ti is to be."""
    index.publish("tensorflow-gpu", "1.14.0")
    for version in ("2.2.4", "2.2.5"):
        index.publish("keras", version)
    bionic = {"id": "ubuntu", "version": "18.04", "codename": "bionic", "name": "Ubuntu"}
    facts = observation(release=bionic, pythons={"/usr/bin/python3": "3.6.9"})
    (place / "facts.json").write_text(facts.model_dump_json())
    nowhere = {name: "http://127.0.0.1:9/{distro}" for name in catalog.load().sources if name.startswith("nvidia")}
    document = {
        "preset": "mask-rcnn-prediction",
        "hosts": {"web": {"gpus": ["10de:1b06"]}},
        "components": ["base", "python_env"],
        "sources": {"pypi": index.url, **nowhere},
        "python_env": {"envs": [{"name": "py_3"}]},
    }
    (place / "aimlsetup.yml").write_text(files.dump(document))
    return place


def test_mask_rcnn_on_a_host_that_is_not_there(trainer: Path) -> None:
    made = lock(trainer)
    assert made.returncode == 0, made.stderr
    (found,) = files.read(trainer / "aimlsetup.lock.yml").data["classes"].values()
    pins = found["pins"]
    assert {
        name: pins[f"py_3.{name}"]["version"] for name in ("tensorflow-gpu", "keras", "cuda", "cudnn", "tensorrt")
    } == {
        "tensorflow-gpu": "1.14.0",
        "keras": "2.2.4",
        "cuda": "10.0",
        "cudnn": "7.6.4",
        "tensorrt": "5.1.5",
    }
    assert pins["py_3.tensorrt"]["packages"]["libnvinfer5"] == "5.1.5-1+cuda10.0"
    packages = {name: version for pin in pins.values() for name, version in pin.get("packages", {}).items()}
    assert {"libcudnn7", "libnvinfer-dev"} <= packages.keys()
    assert [
        name for name, version in packages.items() if "+cuda" in version and not version.endswith("+cuda10.0")
    ] == []


def test_what_no_chosen_component_sets_up_is_told(trainer: Path) -> None:
    said = lock(trainer).stderr
    assert "solved, and not among the chosen `components`" in said
    assert "TensorRT 5.1.5 for py_3" in said
