"""Observations as lines, made from this very machine's facts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup.engine import script
from aimlsetup.models.observation import Observation, ReceiptState, Row
from aimlsetup.report import observation as report


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Observation:
    """What the standalone program says of this machine."""
    path = tmp_path_factory.mktemp("script") / "look.pyz"
    script.write(path)
    done = subprocess.run([sys.executable, path], capture_output=True, check=True)
    return Observation.model_validate(json.loads(done.stdout))


def test_facts_and_receipts_are_shown(here: Observation) -> None:
    row = Row(kind="paths", name="/x", field="mode", expected="0755", found="0700")
    receipts = {
        "base": ReceiptState(),
        "codehub": ReceiptState(differences=[row, row]),
        "repos": ReceiptState(dirty=True),
    }
    shown = [line.text for line in report.lines({"one": here.model_copy(update={"receipts": receipts})})]
    assert shown[0] == "one"
    assert here.facts["kernel"] in shown[1]
    assert shown[-3:] == [
        "  = base: as its receipt says",
        "  ~ codehub: path /x: mode is 0700, was 0755 (2 in all)",
        "  ~ repos: an apply of it did not finish",
    ]


def test_a_bare_host_is_shown_by_what_is_known() -> None:
    facts = {"python": None, "release": {"name": "Debian"}, "kernel": "6", "arch": "x86_64", "uid": 0}
    shown = report.lines({"one": Observation(version=1, facts=facts)})
    assert [line.text for line in shown] == ["one", "  system  Debian, 6 x86_64", "  python  none"]


def test_the_document_holds_what_was_observed(here: Observation) -> None:
    document = report.document({"one": here}, {"two": {"ref": "host-unreachable"}})
    assert json.loads(json.dumps(document)) == {
        "version": 1,
        "kind": "observation",
        "hosts": {"one": here.model_dump(mode="json")},
        "errors": {"two": {"ref": "host-unreachable"}},
    }


OLD = sorted(Path.home().glob(".pyenv/versions/3.[67].*/bin/python"))


@pytest.mark.parametrize("python", OLD, ids=lambda path: path.parts[-3])
def test_the_standalone_program_runs_on_old_pythons(python: Path, tmp_path: Path) -> None:
    script.write(tmp_path / "look.pyz")
    done = subprocess.run([python, tmp_path / "look.pyz"], capture_output=True, check=True)
    assert Observation.model_validate(json.loads(done.stdout)).facts["uid"] >= 0


def test_its_sources_need_no_newer_python_than_3_6(tmp_path: Path) -> None:
    import zipfile

    script.write(tmp_path / "look.pyz")
    with zipfile.ZipFile(tmp_path / "look.pyz") as packed:
        packed.extractall(tmp_path / "sources")
    vermin = Path(sys.executable).with_name("vermin")
    argv = [vermin, "--target=3.6-", "--violations", "--no-tips", tmp_path / "sources"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("nvidia", "shown"),
    [
        ({}, "none"),
        ({"driver": "580.95.05", "flavour": "open", "loaded": True, "library": "580.95.05"}, "580.95.05 (open)"),
        (
            {"driver": "535.247.01", "flavour": None, "loaded": False, "library": "535.261.03"},
            "535.247.01 (not loaded), libraries 535.261.03",
        ),
    ],
)
def test_the_driver_is_shown(here: Observation, nvidia: dict[str, object], shown: str) -> None:
    found = here.model_copy(update={"facts": {**here.facts, "nvidia": nvidia}})
    assert any(
        line.text.split(None, 2)[:2] == ["nvidia", "driver"] and line.text.endswith(shown)
        for line in report.lines({"one": found})
    )


def test_what_no_receipt_owns_is_a_row_each() -> None:
    directory = {"type": "directory", "owner": "dev", "group": "dev", "mode": "0755"}
    root = "/virtualmachines/virtualenvs"
    unit = {"model_key": None, "address": "10.0.0.1", "port": 4100, "user": "dev"}
    found = {
        "paths": {"/codehub": directory, "/codehub/apps": directory, "/codehub/dat": {"type": "link", "target": "/x"}},
        "venvs": {
            f"{root}/a": {
                "python": "3.6", "packages": {"gunicorn": "20"}, "links": [f"{root}/py_3"], "usable": False,
            },
        },
        "checkouts": {"/r": {"url": None, "branch": None, "head": "a" * 40, "owner": "dev", "changed": True}},
        "units": {"a.service": {**unit, "active": "active", "enabled": "enabled"}, "b.service": {"problem": "unclear"}},
        "ports": {"port 4100": {"holder": "gunicorn, pid 7"}},
        "packages": {"nvidia-driver": {"version": "535", "hold": True}, "cuda-12": {"version": "12", "hold": False}},
    }  # fmt: skip
    facts = {"python": None, "release": {"name": "Debian"}, "kernel": "6", "arch": "x86_64", "uid": 0}
    seen = Observation(version=1, facts=facts, found=found)
    shown = [" ".join(line.text.split()).split(" ", 1) for line in report.lines({"one": seen})]
    assert shown[4:] == [
        ["/codehub", "dev:dev 0755; 1 directory, 1 link"],
        [f"{root}/a", f"Python 3.6, gunicorn 20, behind {root}/py_3, its interpreter is gone"],
        ["/r", "no remote, no branch at aaaaaaaaaaaa, of dev, local changes"],
        ["a.service", "no model key on 10.0.0.1 port 4100, as dev, active, enabled"],
        ["b.service", "gunicorn, but unclear"],
        ["port", "4100 gunicorn, pid 7"],
        ["packages", "2 of NVIDIA or held; held: nvidia-driver 535"],
    ]
