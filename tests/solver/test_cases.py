"""The solver on cases that are data."""

from pathlib import Path
from typing import Any

import pytest

from aimlsetup import catalog, files
from aimlsetup.locking import stack
from aimlsetup.locking.conflict import explain
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.wishes import Environment, Wish
from aimlsetup.solver import solve
from aimlsetup.solver.problem import Conflict, Problem

CASES = files.read(Path(__file__).with_name("cases.yml")).data


def problem_of(case: dict[str, Any]) -> tuple[Problem, Platform]:
    known = catalog.load()
    host = {
        "release": ["debian", "12"],
        "arch": "x86_64",
        "flags": ["avx"],
        "pythons": {"/usr/bin/python3.11": "3.11.2"},
    }
    host |= case.get("host", {})
    release = known.release(*host["release"])
    assert release is not None
    flags = frozenset(host["flags"]) & known.features()
    platform = Platform(release, host["arch"], flags, tuple(sorted(host["pythons"].items())))
    wishes = tuple(Wish(line, "env") for line in case["wishes"])
    env = Environment("env", case.get("python"), "env.python", wishes)
    return stack.problem(env, platform, known, case.get("preferred", {})), platform


@pytest.mark.parametrize("case", [case for case in CASES if "pins" in case], ids=lambda case: case["name"])
def test_solution(case: dict[str, Any]) -> None:
    problem, platform = problem_of(case)
    solution = solve(problem)
    pins = {name: chosen.candidate.version for name, chosen in solution.chosen.items()}
    assert {name: pins[name] for name in case["pins"]} == case["pins"]
    assert all(chosen.because for chosen in solution.chosen.values())
    assert set(case.get("bounds", [])) <= {f"{bound.name}{bound.versions.text}" for bound in solution.bounds}
    if "interpreter" in case:
        assert stack.interpreter(pins["python"], platform) == case["interpreter"]


@pytest.mark.parametrize("case", [case for case in CASES if "conflict" in case], ids=lambda case: case["name"])
def test_conflict(case: dict[str, Any]) -> None:
    problem, _platform = problem_of(case)
    with pytest.raises(Conflict) as caught:
        solve(problem)
    error = explain("env", caught.value)
    assert error.exit_code == 4
    assert [words for words in case["conflict"] if words not in str(error)] == [], str(error)
    assert [words for words in case.get("without", []) if words in str(error)] == [], str(error)
    assert len(str(error).splitlines()) < 24


def test_every_case_has_an_answer() -> None:
    assert all(("pins" in case) != ("conflict" in case) for case in CASES)
