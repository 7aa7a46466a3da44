"""The best solution: names are decided in the problem's order, each by its best candidate that others still allow."""

from dataclasses import dataclass

from packaging.version import Version

from aimlsetup.solver.problem import Choices, Chosen, Problem, Requirement, Solution
from aimlsetup.solver.state import Contradiction, Removal, State, Table
from aimlsetup.solver.versions import Versions, parse

NOTHING = Version("0")


@dataclass(frozen=True)
class Dead(Exception):
    """No candidates meet the requirements: nothing was left for `name` after these removals."""

    name: str
    removals: tuple[Removal, ...]


def resolve(problem: Problem) -> Solution:
    """A solution, best candidates first, hopes met as far as they go. Raises `Dead`."""
    start = State.start(Table.of(problem))
    try:
        start.look().require(problem.wishes)
    except Contradiction as error:
        raise Dead(error.name, tuple(start.removals)) from None
    given_up: list[Requirement] = []
    found, start = _hoped(problem, start, given_up)
    return _solution(found or _decide(problem, start), given_up)


def _hoped(problem: Problem, start: State, given_up: list[Requirement]) -> tuple[State | None, State]:
    """With as many hopes as there can be: a complete state if one was found, and the state to go on from."""
    try:
        return _decide(problem, start.copy().require(problem.hopes)), start
    except (Contradiction, Dead):
        found = None
    for hope in problem.hopes:
        try:
            tried = start.copy().require((hope,))
            found = _decide(problem, tried)
        except (Contradiction, Dead):
            given_up.append(hope)
        else:
            start = tried
    return found, start


def _decide(problem: Problem, state: State) -> State:
    """All active names reduced to one candidate. Raises `Dead`."""
    name = _next(problem, state)
    if name is None:
        return state
    dead = Dead(name, tuple(state.removals))
    for index in _order(problem, state, name):
        tried = state.copy()
        try:
            return _decide(problem, tried.choose(name, index))
        except Contradiction as error:
            dead = Dead(error.name, tuple(tried.removals))
        except Dead as error:
            dead = error
    raise dead


def _next(problem: Problem, state: State) -> str | None:
    """The first in order for which there is a choice."""
    undecided = (name for name, left in state.left.items() if left & (left - 1) and name in state.active)
    return min(undecided, key=lambda name: name not in problem.nearest, default=None)


def _order(problem: Problem, state: State, name: str) -> list[int]:
    choices = state.table.choices[name]
    indices = choices.indices(state.left[name])
    if name in problem.nearest:
        far = _distances(choices, problem.nearest[name])
        return sorted(indices, key=lambda index: far[choices.candidates[index].version])
    preferred = problem.preferred.get(name)
    return sorted(indices, key=lambda index: choices.candidates[index].version != preferred)


def neighbours(choices: Choices, wished: Versions, count: int) -> list[str]:
    """The versions that stand nearest to a set in which there is none, oldest first."""
    far = _distances(choices, wished)
    near = sorted(far, key=far.__getitem__)[:count]
    return sorted(near, key=lambda version: parse(version) or NOTHING)


def _distances(choices: Choices, wished: Versions) -> dict[str, float]:
    """How many versions lie between each and the nearest wished one; words keep their order."""
    versions = list(dict.fromkeys(candidate.version for candidate in choices.candidates))
    ordered = sorted(versions, key=lambda version: parse(version) or NOTHING)
    middle = [float(rank) for rank, version in enumerate(ordered) if version in wished] or [_place(ordered, wished)]
    return {version: min(abs(rank - place) for place in middle) for rank, version in enumerate(ordered)}


def _place(ordered: list[str], wished: Versions) -> float:
    """Where what nobody has would stand: behind all that the lowest version it names exceeds, nearer to the older."""
    named = [parse(spec.version.removesuffix(".*")) or NOTHING for choice in wished.alternatives for spec in choice]
    return sum((parse(version) or NOTHING) < min(named, default=NOTHING) for version in ordered) - 0.6


def _solution(state: State, given_up: list[Requirement]) -> Solution:
    """What a complete state says, with every reason for it."""
    problem, table = state.table.problem, state.table
    final = {
        name: table.choices[name].candidates[table.choices[name].first(state.left[name])]
        for name in state.left
        if name in state.active
    }
    hopes = [hope for hope in problem.hopes if hope not in given_up]
    asked: dict[str, list[Requirement]] = {}
    for wish in (*problem.wishes, *hopes):
        asked.setdefault(wish.name, []).append(wish)
    told: dict[str, list[Requirement]] = {name: [] for name in final}  # what a choice has to do with the host's facts
    facts = {fact.name for fact in problem.facts}
    for owner, candidate in final.items():
        pin = problem.resolve(owner, candidate.name)
        for needed in candidate.requires:
            full = problem.resolve(owner, needed.name)
            reason = needed.reason.model_copy(update={"pin": pin})
            asked.setdefault(full, []).append(Requirement(full, needed.versions, reason))
            if full in facts:
                told[owner].append(needed)
    chosen = {
        name: Chosen(
            candidate,
            tuple(dict.fromkeys((*(item.reason for item in (*asked.get(name, ()), *told[name])), candidate.reason))),
        )
        for name, candidate in final.items()
    }
    bounds = tuple(item for name, items in asked.items() if name not in final for item in items)
    return Solution(chosen, bounds, tuple(given_up))
