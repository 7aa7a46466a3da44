"""What is asked of the solver, and what it answers. Nothing here knows of any particular package."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from aimlsetup.models.lock import Reason
from aimlsetup.solver.versions import Versions


@dataclass(frozen=True)
class Requirement:
    """`name` must be in `versions`, because of `reason`."""

    name: str
    versions: Versions
    reason: Reason


@dataclass(frozen=True, eq=False)
class Candidate:
    """One version of `name` that could be chosen, what it requires of others, and where it is known from.

    `record` is what the asker knows it by; the solver hands it through.
    """

    name: str
    version: str
    reason: Reason
    requires: tuple[Requirement, ...] = ()
    record: object = None


@dataclass(frozen=True, eq=False)
class Relation:
    """What a candidate requires."""

    owner: Candidate
    requirement: Requirement


class Choices:
    """Candidates of one name, best first, and sets of them as bits: what is asked once is remembered.

    `needs` has, for each name that some candidate requires, the candidates that require the same versions of it.
    """

    def __init__(self, candidates: tuple[Candidate, ...]) -> None:
        self.candidates = candidates
        self.all = (1 << len(candidates)) - 1
        self.needs: dict[str, dict[Versions, int]] = {}
        self._versions: dict[str, int] = {}
        self._masks: dict[Versions, int] = {}
        for index, candidate in enumerate(candidates):
            self._versions[candidate.version] = self._versions.get(candidate.version, 0) | 1 << index
            for requirement in candidate.requires:
                groups = self.needs.setdefault(requirement.name, {})
                groups[requirement.versions] = groups.get(requirement.versions, 0) | 1 << index

    def within(self, versions: Versions) -> int:
        """The candidates in a set of versions."""
        mask = self._masks.get(versions)
        if mask is None:
            mask = 0
            for version, bits in self._versions.items():
                mask |= bits if version in versions else 0
            self._masks[versions] = mask
        return mask

    def indices(self, bits: int) -> list[int]:
        """Which candidates a set holds, best first."""
        found = []
        while bits:
            lowest = bits & -bits
            found.append(lowest.bit_length() - 1)
            bits ^= lowest
        return found

    def first(self, bits: int) -> int:
        """The best one of a set."""
        return (bits & -bits).bit_length() - 1

    def relation(self, bits: int, name: str, versions: Versions) -> "Relation":
        """That the best of some candidates requires these versions of `name`."""
        candidate = self.candidates[self.first(bits)]
        found = (item for item in candidate.requires if (item.name, item.versions) == (name, versions))
        return Relation(candidate, next(found))


@dataclass(frozen=True, eq=False)
class Fact:
    """What a host offers under `name`, best first, and what it could offer if it were changed (`remedy` says how).

    `instead` are whole replacements: to change this is to change the facts named in `along` too, and a replacement
    requires of them what it comes with.
    """

    name: str
    offers: tuple[Candidate, ...]
    otherwise: tuple[Candidate, ...]
    text: str
    remedy: str
    late: bool = False  # decided after everything else
    instead: tuple[Candidate, ...] = ()
    along: frozenset[str] = frozenset()

    @cached_property
    def now(self) -> Choices:
        """As it is."""
        return Choices(self.offers)

    @cached_property
    def relaxed(self) -> Choices:
        """As it could be."""
        return Choices((*self.offers, *self.otherwise))


@dataclass(frozen=True)
class Problem:
    """Wishes, facts of the host, and known packages, in the order in which they are decided.

    A name that is neither a fact nor a package is open: its version is chosen later, within the bounds that the
    solution found. What a package `scope.name` requires is looked up in the same scope, except for `shared` names and
    for those written `/name`, which have none.

    `hopes` are wishes that give way, the first last. Among a name's candidates those of the version in `preferred` come
    first; names in `nearest` are decided before others, and by how close they come to the set of versions given there.
    """

    wishes: tuple[Requirement, ...]
    facts: tuple[Fact, ...] = ()
    packages: Mapping[str, Choices] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    hopes: tuple[Requirement, ...] = ()
    preferred: Mapping[str, str] = field(default_factory=dict)
    nearest: Mapping[str, Versions] = field(default_factory=dict)
    relaxed: frozenset[Fact] = frozenset()

    def resolve(self, owner: str, name: str) -> str:
        """The full name of what `owner` requires as `name`."""
        if name in self.shared or name.startswith("/"):
            return name.removeprefix("/")
        scope, dot, _own = owner.rpartition(".") if owner not in self.shared else ("", "", "")
        return f"{scope}{dot}{name}"


@dataclass(frozen=True)
class Chosen:
    """A candidate and every requirement that it meets, in words."""

    candidate: Candidate
    because: tuple[Reason, ...]


@dataclass(frozen=True)
class Solution:
    """`chosen` by name, the requirements on open names (by their full names), and the hopes that were given up."""

    chosen: Mapping[str, Chosen]
    bounds: tuple[Requirement, ...]
    given_up: tuple[Requirement, ...] = ()

    def because(self, name: str) -> list[Reason]:
        """Why a name has what was chosen for it, and which hopes for it could not be followed."""
        lost = [hope.reason for hope in self.given_up if hope.name == name]
        told = [Reason(kind=reason.kind, text=f"could not be followed: {reason.text}") for reason in lost]
        return [*self.chosen[name].because, *told]


@dataclass(frozen=True)
class Suggestion:
    """Changes after which the problem is solved: the wishes or facts to change, and what is then chosen."""

    changes: tuple[Requirement | Fact, ...]
    chosen: Mapping[str, str]


@dataclass(frozen=True)
class Conflict(Exception):
    """No solution: the smallest sets of wishes and facts that cannot hold together, and what would help."""

    wishes: tuple[Requirement, ...]
    facts: tuple[Fact, ...]
    relations: tuple[Relation, ...]
    suggestions: tuple[Suggestion, ...]
