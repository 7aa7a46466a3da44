"""The search against one that tries everything, on small problems of every shape."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from aimlsetup.models.lock import Reason
from aimlsetup.solver import solve
from aimlsetup.solver.problem import Candidate, Choices, Conflict, Fact, Problem, Requirement
from aimlsetup.solver.versions import Versions, compatible

WHY = Reason(kind="fact", text="so")
NAMES = ("a", "b", "c", "d")
OPEN = "x"
VERSIONS = ("3", "2", "1")
SETS = st.sampled_from([">=2", "<2", "==1", "!=2", "", "==3", "<=2"]).map(Versions.matching)
NEEDS = st.dictionaries(st.sampled_from([*NAMES, OPEN, "host"]), SETS, max_size=3)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Four packages of up to three versions, one fact, one open name."""
    packages = {}
    for name in NAMES:
        candidates = [
            Candidate(name, version, WHY, tuple(Requirement(other, found, WHY) for other, found in needs.items()))
            for version in draw(st.lists(st.sampled_from(VERSIONS), unique=True, max_size=3))
            if name not in (needs := draw(NEEDS))
        ]
        packages[name] = Choices(tuple(candidates))
    offers = tuple(Candidate("host", version, WHY) for version in draw(st.sampled_from([("1",), ("2", "1"), ()])))
    otherwise = tuple(
        Candidate("host", version, WHY) for version in VERSIONS if version not in {o.version for o in offers}
    )
    wished = draw(st.dictionaries(st.sampled_from([*NAMES, OPEN]), SETS, min_size=1, max_size=4))
    wishes = tuple(Requirement(name, found, WHY) for name, found in wished.items())
    return Problem(wishes, (Fact("host", offers, otherwise, "the host", "change it"),), packages)


def everything(problem: Problem, chosen: dict[str, Candidate]) -> Iterator[dict[str, Candidate]]:
    """All solutions, in the order of preference: the first undecided name of the order, its best candidate first."""
    offered = {fact.name: fact.offers for fact in problem.facts} | {
        name: found.candidates for name, found in problem.packages.items()
    }
    asked = [*problem.wishes, *(need for candidate in chosen.values() for need in candidate.requires)]
    needed = {item.name for item in asked}
    for name in needed:
        sets = [item.versions for item in asked if item.name == name]
        if name in chosen and not all(chosen[name].version in found for found in sets):
            return
        if name not in offered and not compatible(sets):
            return
    waiting = [name for name in offered if name in needed and name not in chosen]
    if not waiting:
        yield chosen
    for candidate in offered[waiting[0]] if waiting else ():
        yield from everything(problem, {**chosen, waiting[0]: candidate})


def best(problem: Problem) -> dict[str, str] | None:
    found = next(everything(problem, {}), None)
    return found and {name: candidate.version for name, candidate in found.items()}


@settings(max_examples=400)
@given(problems())
def test_a_solution_is_one_and_there_is_none_where_there_is_none(problem: Problem) -> None:
    expected = best(problem)
    try:
        solution = solve(problem)
    except Conflict as conflict:
        assert expected is None
        smallest(problem, conflict)
    else:
        assert expected is not None
        chosen = {name: found.candidate for name, found in solution.chosen.items()}
        assert list(everything(problem, chosen)) == [chosen]
        assert {name: chosen[name].version for name in forced(problem)} == {
            name: expected[name] for name in forced(problem)
        }


def forced(problem: Problem) -> list[str]:
    """The names that are wished for, up to the first: what is decided before anything else depends on it."""
    order = [fact.name for fact in problem.facts] + list(problem.packages)
    wished = {wish.name for wish in problem.wishes}
    return [name for name in order if name in wished][:1] if "host" not in wished else []


def smallest(problem: Problem, conflict: Conflict) -> None:
    """What conflicts still does alone, and no part of it can be spared."""
    parts = [*conflict.wishes, *conflict.facts]
    assert unsolvable(problem, parts)
    assert not any(unsolvable(problem, [other for other in parts if other is not part]) for part in parts)


def unsolvable(problem: Problem, parts: list[Requirement | Fact]) -> bool:
    facts = tuple(
        fact if fact in parts else Fact(fact.name, (*fact.offers, *fact.otherwise), (), fact.text, fact.remedy)
        for fact in problem.facts
    )
    wishes = tuple(wish for wish in problem.wishes if any(wish is part for part in parts))
    return best(Problem(wishes, facts, problem.packages)) is None
