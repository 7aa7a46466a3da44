"""What an environment's frameworks are to find on the host, so that they use its GPUs. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Build, FrameworkRelease
from aimlsetup.locking.stack.environment import EnvironmentSolution
from aimlsetup.locking.stack.packages import from_apt
from aimlsetup.locking.wishes import Environment
from aimlsetup.solver.problem import Candidate, Solution


def use(
    env: Environment, own: EnvironmentSolution, solution: Solution, wheels: Mapping[str, str], catalog: Catalog
) -> dict[str, Any] | None:
    """The argument `envs.gpu` of an environment of these `wheels` ({name: version}); None where nothing has to.

    The module of a distribution is what stands before its first dash: `tensorflow` of `tensorflow-gpu`.
    """
    built = [found.candidate for found in own.chosen.values() if isinstance(found.candidate.record, Build)]
    if not built:
        return None
    versions = {part: own.chosen[part].candidate.version for part in catalog.sonames.parts if part in own.chosen}
    asked = dict.fromkeys(
        entry
        for candidate in built
        for entry in catalog.sonames.asked(_module(candidate), _release(candidate, catalog), versions)
    )
    return {
        "frameworks": [_module(candidate) for candidate in built],
        "libraries": [
            {"name": name, "part": part, "package": next(_holders(name, part, env, solution, wheels, catalog), None)}
            for part, name in asked
        ],
    }


def _module(candidate: Candidate) -> str:
    return candidate.name.partition("-")[0]


def _release(candidate: Candidate, catalog: Catalog) -> FrameworkRelease | None:
    version = candidate.version.partition("+")[0]
    known = (framework for framework in catalog.frameworks.values() if candidate.name in framework.distributions())
    return next((release for one in known for release in one.releases if release.version == version), None)


def _holders(
    name: str, part: str, env: Environment, solution: Solution, wheels: Mapping[str, str], catalog: Catalog
) -> Iterator[str]:
    """What brings a library, as its installer is told to: the package that is named for it, else all of the part."""
    if part == "driver":
        if "driver" in solution.chosen:
            yield f"{catalog.parts[part].title} {solution.chosen[part].candidate.version}"
        return
    apt = from_apt(f"{env.name}.{part}", solution.chosen)
    packages: Mapping[str, str | None] = wheels if apt is None else apt
    found = catalog.sonames.holder(name, packages)
    chosen = [found] if found else list(packages) if apt else []
    equals = "==" if apt is None else "="
    yield from (f"{package}{equals}{version}" if (version := packages[package]) else package for package in chosen)
