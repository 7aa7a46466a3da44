"""Why a problem has no solution: the smallest set of wishes and facts that can't hold together, and what would help."""

from collections.abc import Iterator
from dataclasses import replace

from aimlsetup.solver.problem import Conflict, Fact, Problem, Relation, Requirement, Solution, Suggestion
from aimlsetup.solver.search import Dead, resolve
from aimlsetup.solver.state import Contradiction, Removal, State, Table
from aimlsetup.solver.versions import Versions, parse

Part = Requirement | Fact

MOST_TOGETHER = 4  # changes at once; whoever has to change more begins anew


def conflict(problem: Problem, dead: Dead) -> Conflict:
    """The smallest conflict, what is known of it, and single changes that solve the whole problem.

    Where no single one does, the changes that it takes together.
    """
    problem = replace(problem, hopes=())
    core = _core(problem, dead)
    names = {part.name for part in core}
    whole = [fact for fact in problem.facts if fact not in core and fact.along & names]
    single = [found for part in (*core, *whole) if (found := _suggestion(problem, (part,)))]
    return Conflict(
        wishes=tuple(part for part in core if isinstance(part, Requirement)),
        facts=tuple(part for part in core if isinstance(part, Fact)),
        relations=tuple(_relations(_only(problem, core))),
        suggestions=tuple(single or _together(problem, core)),
    )


def _core(problem: Problem, dead: Dead) -> list[Part]:
    """Drop part after part for as long as what remains is still unsolvable; what cannot be dropped is the conflict."""
    core: list[Part] = _involved(problem, dead)
    if isinstance(_attempt(_only(problem, core)), Solution):
        core = _parts(problem)
    for part in list(core):
        rest = [other for other in core if other is not part]
        if isinstance(_attempt(_only(problem, rest)), Dead):
            core = rest
    return core


def _suggestion(problem: Problem, parts: tuple[Part, ...]) -> Suggestion | None:
    answer = _attempt(_without(problem, parts))
    if isinstance(answer, Dead):
        return None
    return Suggestion(parts, {name: chosen.candidate.version for name, chosen in answer.chosen.items()})


def _together(problem: Problem, core: list[Part]) -> Iterator[Suggestion]:
    """Give up a wish of the conflict, then one of the conflict that remains, until nothing is in the way."""
    given_up: tuple[Part, ...] = ()
    for _round in range(MOST_TOGETHER):
        wishes = [part for part in core if isinstance(part, Requirement) and not part.versions.everything]
        if not wishes:
            return
        given_up = (*given_up, wishes[0])
        if found := _suggestion(problem, given_up):
            yield found
            return
        relaxed = _without(problem, given_up)
        answer = _attempt(relaxed)
        core = _core(relaxed, answer) if isinstance(answer, Dead) else []


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


def _without(problem: Problem, parts: tuple[Part, ...]) -> Problem:
    """The problem with wishes open to any version, and facts offering all that they could; the nearest first.

    A host that has nothing of one kind would have to get all of it.
    """
    facts = {part for part in parts if isinstance(part, Fact)}
    if any(not part.offers for part in facts):
        facts |= {fact for fact in problem.facts if not fact.offers}
    replaced = {part: replace(part, offers=part.instead, otherwise=()) for part in facts if part.instead}
    along = {name for part in replaced for name in part.along}
    relaxed = facts | {fact for fact in problem.facts if fact.name in along}
    nearest = {part.name: part.versions for part in parts if isinstance(part, Requirement)}
    nearest |= {fact.name: _offered(fact) for fact in facts}
    free = tuple(
        replace(wish, versions=Versions.matching("")) if any(wish is part for part in parts) else wish
        for wish in problem.wishes
    )
    return replace(
        problem,
        wishes=free,
        facts=tuple(replaced.get(fact, fact) for fact in problem.facts),
        relaxed=problem.relaxed | relaxed,
        nearest={**problem.nearest, **nearest},
    )


def _offered(fact: Fact) -> Versions:
    return Versions.either(f"=={offer.version}" for offer in fact.offers if parse(offer.version))
