"""A host's solution: asked of the solver once for all environments, and as pins. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from aimlsetup.locking import conflict, environments, stack
from aimlsetup.locking.decision import Case
from aimlsetup.locking.stack.packages import PINNED, from_apt
from aimlsetup.locking.wishes import environments as wished
from aimlsetup.models.lock import Pin
from aimlsetup.solver import solve
from aimlsetup.solver.problem import Conflict, Problem, Requirement, Solution


def solved(case: Case, today: date | None, besides: Iterable[Requirement] = ()) -> Case:
    """The case with its solution. None is an `AimlsetupError` with exit code 4.

    Wishes `besides` the profile's have short names (`cuda`), and are meant for all that is called so.
    """
    profile, platform, catalog = case.profile, case.platform, case.catalog
    chosen = not profile.components or environments.COMPONENT in profile.components
    envs = wished(profile, platform.arch, catalog) if chosen else []
    problem = stack.problem(envs, profile.requests, platform, catalog, case.kept, today, case.available)
    more = [wish for asked in besides for wish in _everywhere(asked, problem)]
    problem = replace(problem, wishes=(*problem.wishes, *more))
    try:
        solution = solve(problem)
    except Conflict as error:
        raise conflict.explain(problem, error, platform.hardware) from None
    if platform.account and "driver" in solution.chosen and not (platform.hardware and platform.hardware.driver):
        raise conflict.no_driver(case.hosts, solution.chosen["driver"].candidate.version)
    return replace(case, environments=tuple(envs), solution=solution)


def _everywhere(asked: Requirement, problem: Problem) -> Iterator[Requirement]:
    """A wish under full names, but where it is one already; the host's own only where no environment has one."""
    wished = {(wish.name, wish.versions) for wish in problem.wishes}
    known = (*problem.packages, *(fact.name for fact in problem.facts), *(wish.name for wish in problem.wishes))
    names = [name for name in dict.fromkeys(known) if name.rpartition(".")[2] == asked.name]
    for name in [name for name in names if "." in name] or names:
        if (name, asked.versions) not in wished:
            yield replace(asked, name=name)


def pins(solution: Solution) -> dict[str, Pin]:
    """The driver and every stack: the host's by plain names, an environment's as `environment.name`."""
    return {
        name: Pin(
            version=chosen.candidate.version,
            because=solution.because(name),
            packages=dict(from_apt(name, solution.chosen) or {}),
        )
        for name, chosen in solution.chosen.items()
        if name.rpartition(".")[2] in PINNED
    }
