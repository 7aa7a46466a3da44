"""Sets of versions: alternatives of PEP 440 specifiers, and whether any version at all can be in one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version


@dataclass(frozen=True)
class Versions:
    """Versions that match at least one of `alternatives`; `text` is how people read it."""

    text: str
    alternatives: tuple[SpecifierSet, ...]

    def __contains__(self, version: str) -> bool:
        return any(specifier.contains(version, prereleases=True) for specifier in self.alternatives)

    @classmethod
    def matching(cls, specifier: str) -> "Versions":
        """From a specifier; a bare version means that release series (`2.21` is `==2.21.*`), empty means any."""
        bare = specifier[:1].isdigit()
        return cls(specifier or "any version", (SpecifierSet(f"=={specifier}.*" if bare else specifier),))

    @classmethod
    def one_of(cls, series: Iterable[str]) -> "Versions":
        """Any version of these release series (`3.10`, `3.11`)."""
        names = list(series)
        return cls(" or ".join(names), tuple(SpecifierSet(f"=={name}.*") for name in names))


def compatible(sets: Iterable[Versions]) -> bool:
    """Whether some version, released or not, is in all of the sets.

    Between two neighbouring versions that the specifiers name, membership does not change: trying each named version
    and one on either side of it tries everything.
    """
    members = list(sets)
    named = {spec.version for member in members for choice in member.alternatives for spec in choice}
    return any(all(probe in member for member in members) for probe in _probes(named))


def _probes(named: set[str]) -> Iterator[str]:
    yield "0"
    for text in named:
        release = Version(text.removesuffix(".*")).release
        yield text.removesuffix(".*")
        yield ".".join(map(str, (*release, 0, 0, 1)))  # just above, yet below every longer neighbour in use
        yield ".".join(map(str, (*release[:-1], release[-1] + 1)))
        if any(release):
            yield _below(release)


def _below(release: tuple[int, ...]) -> str:
    last = max(index for index, part in enumerate(release) if part)
    return ".".join(map(str, (*release[:last], release[last] - 1, 999999)))
