"""What is asked of the solver, and what it answers. Nothing here knows of any particular package."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aimlsetup.models.lock import Reason
from aimlsetup.solver.versions import Versions


@dataclass(frozen=True)
class Requirement:
    """`name` must be in `versions`, because of `reason`."""

    name: str
    versions: Versions
    reason: Reason


@dataclass(frozen=True)
class Candidate:
    """One version of `name` that could be chosen, what it requires of others, and where it is known from."""

    name: str
    version: str
    reason: Reason
    requires: tuple[Requirement, ...] = ()


@dataclass(frozen=True)
class Fact:
    """What a host offers under `name`, best first, and what it could offer if it were changed (`remedy` says how)."""

    name: str
    offers: tuple[Candidate, ...]
    otherwise: tuple[Candidate, ...]
    text: str
    remedy: str


@dataclass(frozen=True)
class Problem:
    """Wishes, facts of the host, and known packages (best candidate first).

    A name that is neither a fact nor a package is open: its version is chosen later, within the bounds that the
    solution found.
    """

    wishes: tuple[Requirement, ...]
    facts: tuple[Fact, ...] = ()
    packages: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Chosen:
    """A candidate and every requirement that it meets, in words."""

    candidate: Candidate
    because: tuple[Reason, ...]


@dataclass(frozen=True)
class Solution:
    """`chosen` by name, and the requirements on open names."""

    chosen: Mapping[str, Chosen]
    bounds: tuple[Requirement, ...]


@dataclass(frozen=True)
class Suggestion:
    """A single change after which the problem is solved: the wish or fact to change, and what is then chosen."""

    change: Requirement | Fact
    chosen: Mapping[str, str]


@dataclass(frozen=True)
class Conflict(Exception):
    """No solution: the smallest sets of wishes and facts that cannot hold together, and the changes that would help."""

    wishes: tuple[Requirement, ...]
    facts: tuple[Fact, ...]
    relations: tuple[Reason, ...]
    suggestions: tuple[Suggestion, ...]
