"""What is still possible while a problem is solved: a set of candidates for each name, narrowed until it is consistent.

Consistent means: whatever a candidate requires of another name, some candidate there still meets it. Sets are bits, and
candidates that require the same are judged together, so that one pass over thousands of them takes milliseconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from aimlsetup.solver.problem import Choices, Problem, Relation, Requirement
from aimlsetup.solver.versions import Versions, compatible

NO_MATTER = Versions.matching("")


class Removal(NamedTuple):
    """Candidates of `name` that went, since `by` no longer lets them stand; without `by` it was a wish.

    What stands between the two is that `owners`, of `choices`, ask for these `versions` of `target`. Of an open name it
    is a bound, and there are no `bits`.
    """

    name: str
    bits: int
    by: str | None = None
    choices: Choices | None = None
    owners: int = 0
    target: str = ""
    versions: Versions = NO_MATTER

    @property
    def relation(self) -> Relation | None:
        """Of the best of the owners."""
        return self.choices.relation(self.owners, self.target, self.versions) if self.choices else None


class Contradiction(Exception):
    """Nothing is left for `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class Table:
    """A problem laid out: the choices of every name, what each name requires by full names, and who requires it."""

    problem: Problem
    choices: Mapping[str, Choices]
    needs: Mapping[str, Mapping[str, tuple[str, Mapping[Versions, int]]]]  # owner -> full name -> (as written, groups)
    users: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, problem: Problem) -> "Table":
        """Lay out a problem."""
        offered = {fact.name: fact.relaxed if fact in problem.relaxed else fact.now for fact in problem.facts}
        late = {fact.name for fact in problem.facts if fact.late}
        choices = {name: found for name, found in offered.items() if name not in late}
        choices |= {**problem.packages, **{name: offered[name] for name in late}}
        needs = {
            owner: {problem.resolve(owner, name): (name, groups) for name, groups in found.needs.items()}
            for owner, found in choices.items()
        }
        users: dict[str, list[str]] = {}
        for owner, targets in needs.items():
            for target in targets:
                users.setdefault(target, []).append(owner)
        return cls(problem, choices, needs, {name: tuple(owners) for name, owners in users.items()})


@dataclass
class State:
    """`left` are the candidates still possible, `active` the names that a solution must choose for."""

    table: Table
    left: dict[str, int]
    active: set[str] = field(default_factory=set)
    bounds: dict[str, frozenset[Versions]] = field(default_factory=dict)  # of open names
    removals: list[Removal] = field(default_factory=list)

    @classmethod
    def start(cls, table: Table) -> "State":
        """Everything is possible."""
        return cls(table, {name: found.all for name, found in table.choices.items()})

    def copy(self) -> "State":
        """To try something on."""
        return State(self.table, dict(self.left), set(self.active), dict(self.bounds), list(self.removals))

    def require(self, wishes: tuple[Requirement, ...]) -> "State":
        """Let wishes hold, and all that follows. Raises `Contradiction`."""
        touched = []
        for wish in wishes:
            touched.append(wish.name)
            self.active.add(wish.name)
            if wish.name in self.left:
                gone = self.left[wish.name] & ~self.table.choices[wish.name].within(wish.versions)
                self._remove(Removal(wish.name, gone))
            else:
                self._bound(Removal(wish.name, 0, versions=wish.versions))
        self._settle(touched)
        return self

    def look(self) -> "State":
        """Judge every candidate by what is offered now. Raises `Contradiction`."""
        self._settle(list(self.table.users))
        return self

    def choose(self, name: str, index: int) -> "State":
        """Take one candidate, and all that follows. Raises `Contradiction`."""
        self.left[name] = 1 << index
        self._settle([name])
        return self

    def _settle(self, touched: list[str]) -> None:
        """Follow changes from name to name until nothing changes."""
        waiting = dict.fromkeys(touched)
        while waiting:
            name = next(iter(waiting))
            del waiting[name]
            for user in self.table.users.get(name, ()):
                if self._revise(user, name):
                    waiting[user] = None
            if name in self.active:
                waiting.update(dict.fromkeys(self._demand(name)))

    def _revise(self, name: str, target: str) -> bool:
        """Drop what requires of `target` something that is no longer there."""
        written, groups = self.table.needs[name][target]
        before = self.left[name]
        for versions, bits in groups.items():
            gone = bits & self.left[name]
            if gone and not self._possible(target, versions):
                self._remove(Removal(name, gone, target, self.table.choices[name], gone, written, versions))
        return self.left[name] != before

    def _possible(self, name: str, versions: Versions) -> bool:
        if name in self.left:
            return bool(self.left[name] & self.table.choices[name].within(versions))
        return compatible({versions, *self.bounds.get(name, ())})

    def _demand(self, name: str) -> Iterator[str]:
        """Narrow what every candidate of a name to be chosen for requires; a single one binds open names too."""
        left = self.left.get(name, 0)
        for target, (written, groups) in self.table.needs.get(name, {}).items():
            asked = {versions: bits & left for versions, bits in groups.items() if bits & left}
            if target in self.left:
                changed = self._cover(asked) == left and self._narrow(name, target, written, asked)
            else:
                changed = not left & (left - 1) and self._bind(name, target, written, asked)
            if changed:
                yield target

    @staticmethod
    def _cover(asked: Mapping[Versions, int]) -> int:
        covered = 0
        for bits in asked.values():
            covered |= bits
        return covered

    def _narrow(self, name: str, target: str, written: str, asked: Mapping[Versions, int]) -> bool:
        """Whether `target` has fewer candidates than before, or must be chosen only now."""
        choices, allowed = self.table.choices[target], 0
        for versions in asked:
            allowed |= choices.within(versions)
        gone = self.left[target] & ~allowed
        changed = bool(gone) or (bool(asked) and target not in self.active)
        if asked:
            self.active.add(target)
            versions, bits = next(iter(asked.items()))
            self._remove(Removal(target, gone, name, self.table.choices[name], bits, written, versions))
        return changed

    def _bind(self, name: str, target: str, written: str, asked: Mapping[Versions, int]) -> bool:
        bound = [
            self._bound(Removal(target, 0, name, self.table.choices[name], bits, written, versions))
            for versions, bits in asked.items()
        ]
        return any(bound)

    def _bound(self, removal: Removal) -> bool:
        known = self.bounds.get(removal.name, frozenset())
        if removal.versions in known:
            return False
        self.removals.append(removal)
        self.bounds[removal.name] = known | {removal.versions}
        if not compatible(self.bounds[removal.name]):
            raise Contradiction(removal.name)
        return True

    def _remove(self, removal: Removal) -> None:
        self.left[removal.name] &= ~removal.bits
        dead = not self.left[removal.name] and removal.name in self.active
        if removal.bits or dead:
            self.removals.append(removal)
        if dead:
            raise Contradiction(removal.name)
