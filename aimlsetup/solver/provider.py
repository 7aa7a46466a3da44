"""The domain as resolvelib asks for it. The only file that knows resolvelib."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver
from resolvelib.structs import RequirementInformation

from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Candidate, Chosen, Problem, Requirement, Solution
from aimlsetup.solver.versions import Versions, compatible

ROUNDS = 10_000
LATER = Reason(kind="index", text="chosen within these bounds")


@dataclass(frozen=True)
class Open(Candidate):
    """Stands for whatever version of an open name will be chosen within `bounds`."""

    bounds: frozenset[Versions] = frozenset()


class Unsolvable(Exception):
    """No candidates meet the requirements; `relations` are what the last attempts failed on."""

    def __init__(self, relations: tuple[Reason, ...]) -> None:
        super().__init__("no solution")
        self.relations = relations


class Provider(AbstractProvider[Requirement, Candidate, str]):
    """Candidates are the facts' offers and the packages' records, in their order of preference."""

    def __init__(self, problem: Problem) -> None:
        self.known: dict[str, tuple[Candidate, ...]] = {fact.name: fact.offers for fact in problem.facts}
        self.known.update(problem.packages)

    def identify(self, requirement_or_candidate: Requirement | Candidate) -> str:
        """The name, for both."""
        return requirement_or_candidate.name

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],
        information: Mapping[str, Iterator[RequirementInformation[Requirement, Candidate]]],
        backtrack_causes: Sequence[RequirementInformation[Requirement, Candidate]],
    ) -> Any:
        """Facts of the host first (few choices, hard to change), then packages, open names last."""
        del resolutions, candidates, information, backtrack_causes
        return list(self.known).index(identifier) if identifier in self.known else len(self.known)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Requirement]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> Iterable[Candidate]:
        """Those in every required set; for an open name one stand-in, if any version at all could be."""
        wanted = list(requirements[identifier])
        refused = list(incompatibilities[identifier])
        if identifier not in self.known:
            stand_in = Open(identifier, "", LATER, bounds=frozenset(item.versions for item in wanted))
            return [stand_in] if stand_in not in refused and compatible(stand_in.bounds) else []
        return [
            candidate
            for candidate in self.known[identifier]
            if candidate not in refused and all(candidate.version in item.versions for item in wanted)
        ]

    def is_satisfied_by(self, requirement: Requirement, candidate: Candidate) -> bool:
        """Whether a chosen candidate also meets another requirement; an open name is judged by all bounds at once."""
        if isinstance(candidate, Open):
            return requirement.versions in candidate.bounds
        return candidate.version in requirement.versions

    def get_dependencies(self, candidate: Candidate) -> Iterable[Requirement]:
        """What the record says."""
        return candidate.requires


def resolve(problem: Problem) -> Solution:
    """A solution, best candidates first, or `Unsolvable`."""
    resolver: Resolver[Requirement, Candidate, str] = Resolver(Provider(problem), BaseReporter())
    try:
        result = resolver.resolve(problem.wishes, max_rounds=ROUNDS)
    except ResolutionImpossible as error:
        relations = (row.requirement.reason for row in error.causes if row.parent is not None)
        raise Unsolvable(tuple(dict.fromkeys(relations))) from None
    chosen = {}
    bounds: list[Requirement] = []
    for name, criterion in result.criteria.items():
        requirements = list(criterion.iter_requirement())
        if isinstance(result.mapping[name], Open):
            bounds += requirements
        else:
            reasons = dict.fromkeys(item.reason for item in requirements)
            chosen[name] = Chosen(result.mapping[name], (*reasons, result.mapping[name].reason))
    return Solution(chosen, tuple(bounds))
