"""Sets of versions or of words: alternatives of PEP 440 specifiers, and whether any version at all can be in one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


@dataclass(frozen=True)
class Versions:
    """Versions that match at least one of `alternatives`, or are among `words`; `text` is how people read it.

    Sets of the same text are one object, which remembers what it was asked: specifiers are slow to evaluate.
    """

    text: str
    alternatives: tuple[SpecifierSet, ...] = field(default=(), compare=False)
    words: frozenset[str] = frozenset()
    everything: bool = False
    judged: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def __contains__(self, version: str) -> bool:
        known = self.judged.get(version)
        if known is None:
            known = self.judged[version] = self._judge(version)
        return known

    def _judge(self, version: str) -> bool:
        if self.everything or version in self.words:
            return True
        parsed = parse(version) if self.alternatives else None
        return parsed is not None and any(choice.contains(parsed, prereleases=True) for choice in self.alternatives)

    @classmethod
    def matching(cls, specifier: str) -> "Versions":
        """From a specifier; a bare version means that release series (`2.21` is `==2.21.*`), empty means any."""
        return _matching(specifier)

    @classmethod
    def either(cls, specifiers: Iterable[str], *words: str) -> "Versions":
        """Those of any of several specifiers, and these words."""
        return _either(tuple(specifiers), words)

    @classmethod
    def one_of(cls, series: Iterable[str]) -> "Versions":
        """Any version of these release series (`3.10`, `3.11`)."""
        return _either(tuple(series))

    @classmethod
    def word(cls, words: Iterable[str]) -> "Versions":
        """These words (`nvidia`, `distro`)."""
        return _word(tuple(words))


@cache
def _matching(specifier: str) -> Versions:
    return _either((specifier,)) if specifier else Versions("any version", everything=True)


@cache
def _either(specifiers: tuple[str, ...], words: tuple[str, ...] = ()) -> Versions:
    sets = tuple(SpecifierSet(f"=={text}.*" if text[:1].isdigit() else text) for text in specifiers)
    return Versions(" or ".join((*specifiers, *words)), sets, frozenset(words))


@cache
def _word(words: tuple[str, ...]) -> Versions:
    return Versions(" or ".join(words), words=frozenset(words))


@cache
def parse(version: str) -> Version | None:
    """A version to compare, None for a word."""
    try:
        return Version(version)
    except InvalidVersion:
        return None


def compatible(sets: Iterable[Versions]) -> bool:
    """Whether some version, released or not, is in all of the sets."""
    return _compatible(frozenset(sets))


@cache
def _compatible(members: frozenset[Versions]) -> bool:
    """Between two neighbouring versions that the specifiers name, membership does not change: trying each named version
    and one on either side of it tries everything.
    """
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
