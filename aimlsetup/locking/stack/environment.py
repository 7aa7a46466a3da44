"""What a host's solution says of one environment: requirement lines for the index, and the reasons of its packages."""

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement as Line

from aimlsetup.catalog.records import Build, Variant
from aimlsetup.locking.stack.frameworks import PYTHON
from aimlsetup.locking.stack.wishes import LIBRARIES
from aimlsetup.locking.wishes import Environment, Wish
from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Chosen, Requirement, Solution


@dataclass(frozen=True)
class EnvironmentSolution:
    """`chosen` and `open` are what was solved under the environment's name, by short names, `reasons` why.

    `lines` are what to install, `bounds` what holds for whatever comes with it, `indexes` the folders of a framework's
    own index that have its wheels.
    """

    chosen: dict[str, Chosen]
    reasons: dict[str, list[Reason]]
    open: tuple[Requirement, ...]
    lines: list[str]
    bounds: list[str]
    indexes: tuple[str, ...]

    @classmethod
    def of(cls, env: Environment, solution: Solution) -> "EnvironmentSolution":
        """The part of a solution that is the environment's."""
        prefix = f"{env.name}."
        chosen = {
            name.removeprefix(prefix): found for name, found in solution.chosen.items() if name.startswith(prefix)
        }
        still_open = tuple(item for item in solution.bounds if item.name.startswith(prefix))
        lost = {item.name.removeprefix(prefix) for item in solution.given_up}
        builds = _builds(chosen)
        return cls(
            chosen,
            {name: solution.because(f"{prefix}{name}") for name in chosen},
            still_open,
            lines=[*(_line(wish, chosen, lost) for wish in env.wishes), *_wheels(chosen, builds)],
            bounds=sorted({*_exact(env, chosen), *_brought(builds), *_known(still_open, prefix)}),
            indexes=tuple(build.index for build in builds if build.index),
        )

    @property
    def python(self) -> Chosen:
        """Its interpreter."""
        return self.chosen[PYTHON]

    def because(self, name: str) -> list[Reason]:
        """Why a package has the version it has, as far as that was solved."""
        for short, found in self.chosen.items():
            if found.candidate.name == name:
                return list(self.reasons[short])
        return list(dict.fromkeys(item.reason for item in self.open if item.name.endswith(f".{name}")))


def _builds(chosen: dict[str, Chosen]) -> list[Build]:
    records = (found.candidate.record for found in chosen.values())
    return [record for record in records if isinstance(record, Build)]


def _line(wish: Wish, chosen: dict[str, Chosen], lost: set[str]) -> str:
    """As the index is asked: under the name of the chosen distribution, with the extra that brings its libraries."""
    line = Line(wish.name if wish.hoped and wish.name in lost else wish.line)
    record = chosen[wish.name].candidate.record if wish.name in chosen else None
    if isinstance(record, Build) and line.marker is None:
        line.name = chosen[wish.name].candidate.name
        line.extras |= {record.extra} if record.extra else set()
    return str(line)


def _exact(env: Environment, chosen: dict[str, Chosen]) -> Iterator[str]:
    wished = {wish.name for wish in env.wishes}
    yield from (
        f"{found.candidate.name}=={found.candidate.version}" for name, found in chosen.items() if name in wished
    )


def _brought(builds: list[Build]) -> Iterator[str]:
    """The wheels of CUDA and the libraries that a build was made with."""
    yield from (f"{name}=={version}" for build in builds for name, version in build.packages.items() if version)


def _wheels(chosen: dict[str, Chosen], builds: list[Build]) -> Iterator[str]:
    """Libraries that come as wheels, are wished for by name, and that no framework brings."""
    brought = {name for build in builds for name in build.packages}
    for part in LIBRARIES:
        found = chosen.get(part)
        record = found.candidate.record if found else None
        asked = found and any(reason.kind == "wish" for reason in found.because)
        if asked and isinstance(record, Variant) and record.needs.get("channel") == ["pip"]:
            yield from (
                f"{name}=={version}" for name, version in record.packages.items() if version and name not in brought
            )


def _known(still_open: tuple[Requirement, ...], prefix: str) -> Iterator[str]:
    for item in still_open:
        if item.reason.kind == "fact":
            yield f"{item.name.removeprefix(prefix)}{item.versions.text}"
