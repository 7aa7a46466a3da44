"""Why a problem has no solution: the smallest set of wishes and facts that can't hold together, and what would help."""

from collections.abc import Iterator
from dataclasses import replace

from aimlsetup.solver.problem import Conflict, Fact, Problem, Relation, Requirement, Solution, Suggestion
from aimlsetup.solver.search import Dead, resolve
from aimlsetup.solver.state import Contradiction, Removal, State, Table
from aimlsetup.solver.versions import Versions, parse

Part = Requirement | Fact


def conflict(problem: Problem, dead: Dead) -> Conflict:
    """Drop part after part for as long as what remains is still unsolvable; what cannot be dropped is the conflict."""
    problem = replace(problem, hopes=())
    core: list[Part] = _involved(problem, dead)
    if isinstance(_attempt(_only(problem, core)), Solution):
        core = _parts(problem)
    for part in list(core):
        rest = [other for other in core if other is not part]
        if isinstance(_attempt(_only(problem, rest)), Dead):
            core = rest
    return Conflict(
        wishes=tuple(part for part in core if isinstance(part, Requirement)),
        facts=tuple(part for part in core if isinstance(part, Fact)),
        relations=tuple(_relations(_only(problem, core))),
        suggestions=tuple(_suggestions(problem, core)),
    )


def _involved(problem: Problem, dead: Dead) -> list[Part]:
    """Wishes and facts that had a part in what went wrong: a good guess to begin with."""
    names = {removal.name for removal in _chain(dead)} | {removal.by for removal in _chain(dead)} | {dead.name}
    return [part for part in _parts(problem) if part.name in names]


def _parts(problem: Problem) -> list[Part]:
    return [*problem.wishes, *problem.facts]


def _chain(dead: Dead) -> Iterator[Removal]:
    """The removals that led to the end, latest cause first."""
    reached, waiting = {dead.name}, [dead.name]
    while waiting:
        name = waiting.pop(0)
        for removal in dead.removals:
            if removal.name == name:
                yield removal
                if removal.by and removal.by not in reached:
                    reached.add(removal.by)
                    waiting.append(removal.by)


def _relations(problem: Problem) -> Iterator[Relation]:
    """What is known that keeps a smallest conflict from being solved, nearest to the wishes first."""
    state = State.start(Table.of(problem))
    try:
        state.require(problem.wishes).look()
        resolve(problem)
    except Contradiction as error:
        dead = Dead(error.name, tuple(state.removals))
    except Dead as error:
        dead = error
    else:
        return
    yield from (removal.relation for removal in _chain(dead) if removal.relation)


def _suggestions(problem: Problem, core: list[Part]) -> Iterator[Suggestion]:
    for part in core:
        answer = _attempt(_without(problem, part))
        if isinstance(answer, Solution):
            yield Suggestion(part, {name: chosen.candidate.version for name, chosen in answer.chosen.items()})


def _attempt(problem: Problem) -> Solution | Dead:
    try:
        return resolve(problem)
    except Dead as dead:
        return dead


def _only(problem: Problem, parts: list[Part]) -> Problem:
    """The problem with these wishes and facts alone; any other fact offers all that it could."""
    return replace(
        problem,
        wishes=tuple(wish for wish in problem.wishes if any(wish is part for part in parts)),
        relaxed=frozenset(fact for fact in problem.facts if not any(fact is part for part in parts)),
    )


def _without(problem: Problem, part: Part) -> Problem:
    """The problem with one wish open to any version, or one fact offering all that it could; the nearest first."""
    if isinstance(part, Fact):
        offered = Versions.either(f"=={offer.version}" for offer in part.offers if parse(offer.version))
        return replace(problem, relaxed=frozenset({part}), nearest={part.name: offered})
    free = replace(part, versions=Versions.matching(""))
    wishes = tuple(free if wish is part else wish for wish in problem.wishes)
    return replace(problem, wishes=wishes, nearest={part.name: part.versions})
