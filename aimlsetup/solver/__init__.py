"""Which versions fit each other: wishes, facts of a host and known packages in, pins or a smallest conflict out.

Pure: no I/O, no clock. `solve` is the only entry.
"""

from dataclasses import replace

from aimlsetup.solver.problem import Conflict, Fact, Problem, Requirement, Solution, Suggestion
from aimlsetup.solver.provider import Unsolvable, resolve
from aimlsetup.solver.versions import Versions

Part = Requirement | Fact


def solve(problem: Problem) -> Solution:
    """The best solution. Raises `Conflict` with the smallest set of wishes and facts that cannot hold together."""
    try:
        return resolve(problem)
    except Unsolvable as error:
        raise _conflict(problem, error) from None


def _conflict(problem: Problem, failure: Unsolvable) -> Conflict:
    """Drop part after part for as long as what remains is still unsolvable; what cannot be dropped is the conflict."""
    core: list[Part] = _parts(problem)
    relations = failure.relations
    for part in list(core):
        rest = [other for other in core if other is not part]
        answer = _attempt(_only(problem, rest))
        if isinstance(answer, Unsolvable):
            core, relations = rest, answer.relations
    suggestions = []
    for part in core:
        answer = _attempt(_without(problem, part))
        if isinstance(answer, Solution):
            found = {name: chosen.candidate.version for name, chosen in answer.chosen.items()}
            suggestions.append(Suggestion(part, found))
    return Conflict(
        wishes=tuple(part for part in core if isinstance(part, Requirement)),
        facts=tuple(part for part in core if isinstance(part, Fact)),
        relations=relations,
        suggestions=tuple(suggestions),
    )


def _parts(problem: Problem) -> list[Part]:
    return [*problem.wishes, *problem.facts]


def _attempt(problem: Problem) -> Solution | Unsolvable:
    try:
        return resolve(problem)
    except Unsolvable as error:
        return error


def _only(problem: Problem, parts: list[Part]) -> Problem:
    """The problem with these wishes and facts alone; any other fact offers all that it could."""
    return replace(
        problem,
        wishes=tuple(wish for wish in problem.wishes if wish in parts),
        facts=tuple(fact if fact in parts else _relaxed(fact) for fact in problem.facts),
    )


def _without(problem: Problem, part: Part) -> Problem:
    """The problem with one wish open to any version, or one fact offering all that it could."""
    if isinstance(part, Fact):
        return replace(problem, facts=tuple(_relaxed(fact) if fact is part else fact for fact in problem.facts))
    free = replace(part, versions=Versions.matching(""))
    return replace(problem, wishes=tuple(free if wish is part else wish for wish in problem.wishes))


def _relaxed(fact: Fact) -> Fact:
    return replace(fact, offers=(*fact.offers, *fact.otherwise))
