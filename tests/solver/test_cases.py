"""The solver on cases that are data: a host, what is wished for it, and the answer."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import catalog, files
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import platforms, solving, stack
from aimlsetup.locking.decision import Case
from aimlsetup.locking.presets import filled
from aimlsetup.locking.stack.packages import stack_packages
from aimlsetup.models.lock import HostClass, Pin
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile

TODAY = date(2026, 11, 21)
HOST: dict[str, Any] = {
    "release": ["debian", "12"],
    "arch": "x86_64",
    "flags": ["avx"],
    "pythons": {"/usr/bin/python3.11": "3.11.2"},
}
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.yml"))
    for case in files.read(path).data
]


def case_of(case: dict[str, Any]) -> Case:
    """The case as it comes from a profile and an observation."""
    known = catalog.load()
    host = {**HOST, **case.get("host", {})}
    facts = {key: value for key, value in host.items() if key not in ("release", "flags", "gpus", "pythons")}
    facts["release"] = dict(zip(("id", "version"), host["release"], strict=True))
    facts["cpu"] = {"flags": host["flags"]}
    facts["gpus"] = [{"id": found} for found in host.get("gpus", ())]
    release = known.release(*host["release"])
    assert release is not None
    own = {"/usr/bin/python3": f"{release.python}.1"} if "release" in case.get("host", {}) else HOST["pythons"]
    facts["pythons"] = case.get("host", {}).get("pythons", own)
    envs = case.get("envs", {"env": case.get("wishes", [])})
    entries = [{"name": name, "requirements": lines, "python": case.get("python")} for name, lines in envs.items()]
    profile = filled(
        Profile.model_validate(
            {
                "preset": case.get("preset"),
                "hosts": {"host": {"gpus": case["gpus"]} if "gpus" in case else {}},
                "requests": case.get("requests", {}),
                "sections": {"python_env": {"envs": entries}},
            }
        )
    )
    platform = platforms.platform("host", Observation(version=1, facts=facts), profile, known, described=True)
    pins = {name: Pin(version=version, because=[]) for name, version in case.get("locked", {}).items()}
    old = HostClass(hosts=["host"], platform={}, pins=pins, components={})
    return Case(profile, platform, ["host"], known, old)


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    solved = "pins" in case or "series" in case
    assert solved != ("conflict" in case or "error" in case), "a case has one answer"
    if solved:
        solution(case)
    else:
        conflict(case)


def solution(case: dict[str, Any]) -> None:
    made = solving.solved(case_of(case), TODAY)
    pins = {name: found.candidate.version for name, found in made.solution.chosen.items()}
    assert {name: pins.get(name) for name in case.get("pins", {})} == case.get("pins", {})
    series = case.get("series", {})
    assert {name: found for name, found in series.items() if not f"{pins.get(name)}.".startswith(f"{found}.")} == {}, (
        pins
    )
    assert [name for name in case.get("absent", []) if name in pins] == []
    assert all(chosen.because for chosen in made.solution.chosen.values())
    because = {
        name: [f"{reason.text} ({reason.source})" for reason in pin.because]
        for name, pin in solving.pins(made.solution).items()
    }
    for name, words in case.get("because", {}).items():
        assert [one for one in words if not any(one in text for text in because[name])] == [], because[name]
    bounds = {f"{bound.name.removeprefix('env.')}{bound.versions.text}" for bound in made.solution.bounds}
    assert set(case.get("bounds", [])) <= bounds
    if "given_up" in case:
        assert [hope.reason.text for hope in made.solution.given_up] == case["given_up"]
    if "interpreter" in case:
        assert stack.interpreter(pins["env.python"], made.platform) == case["interpreter"]
    if "packages" in case:
        found = stack_packages(made.solution).components
        assert {name: [dict(delivery.packages) for delivery in found[name]] for name in case["packages"]} == case[
            "packages"
        ]


def conflict(case: dict[str, Any]) -> None:
    with pytest.raises(AimlsetupError) as caught:
        solving.solved(case_of(case), TODAY)
    text = str(caught.value)
    assert caught.value.exit_code == 4
    assert " ".join(text.split()) == case.get("error", " ".join(text.split())), text
    assert [words for words in case.get("conflict", []) if words not in text] == [], text
    assert [words for words in case.get("without", []) if words in text] == [], text
    assert len(text.splitlines()) < 24
