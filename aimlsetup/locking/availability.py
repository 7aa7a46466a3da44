"""Whether an index has the packages that a record names, in exactly which versions, and how that is known. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aimlsetup.catalog import recorded
from aimlsetup.catalog.recorded import fitting
from aimlsetup.catalog.records import Variant
from aimlsetup.locking.kernels import filled
from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Requirement
from aimlsetup.solver.versions import Versions

TITLES = {"nvidia": "NVIDIA's repositories", "distro": "the distribution"}


@dataclass(frozen=True)
class Index:
    """What a channel's repositories have: {package: versions, newest first}, and where that was read."""

    packages: Mapping[str, Sequence[str]]
    source: str


@dataclass(frozen=True, eq=False)
class Availability:
    """Indexes by channel for one distribution (`debian12`) and architecture; `silent` says of the others why not.

    What `kept` has (package: version) is taken before anything newer, wherever it is still there and fits. `kernel` is
    what the packages of the hosts' kernel are called.
    """

    distro: str
    arch: str
    kernel: str
    live: Mapping[str, Index] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)

    def judged(self, what: str, variant: Variant, source: str) -> tuple[Variant, list[Requirement]]:
        """The variant with exact versions of its packages, and what they ask of the host's distribution.

        A variant that the index does not have is not for this distribution.
        """
        words = {name: _words(variant, name) for name in ("channel", "distro", "arch")}
        channel = next((name for name in words["channel"] if name in TITLES), None)
        packages = {filled(name, self.kernel): version for name, version in variant.packages.items()}
        variant = variant.model_copy(update={"packages": packages})
        here = self.distro in words["distro"] and self.arch in (words["arch"] or [self.arch])
        if channel is None or not here or not variant.packages:
            return variant, []
        if channel not in self.live:
            return self._recorded(what, variant, source, self.silent.get(channel))
        index = self.live[channel]
        found = {
            name: self._find(name, index.packages.get(name, ()), wanted) for name, wanted in variant.packages.items()
        }
        missing = [_told(name, variant.packages[name]) for name, version in found.items() if version is None]
        if missing:
            others = [name for name in words["distro"] if name != self.distro]
            text = f"{what} is not in {TITLES[channel]} for {self.distro}: there is no {', no '.join(missing)}"
            return variant, [_requirement(others, "index", text, index.source)]
        text = f"{_list(found)} from {TITLES[channel]}"
        exact = variant.model_copy(update={"packages": found})
        return exact, [_requirement([self.distro], "index", text, index.source)]

    def _recorded(self, what: str, variant: Variant, source: str, why: str | None) -> tuple[Variant, list[Requirement]]:
        """As an index once had it, else as the catalog says."""
        seen = recorded.index(self.distro, self.arch)
        found = {name: self._find(name, seen.versions(name), wanted) for name, wanted in variant.packages.items()}
        exact = variant.model_copy(update={"packages": {n: found[n] or variant.packages[n] for n in found}})
        unread = f"no index was read ({why})" if why else "no index was read"
        if all(found.values()):
            text = f"as it was recorded, {unread}: {_list(found)}"
            return exact, [_requirement([self.distro], "index", text, "; ".join(seen.sources.values()))]
        return exact, [_requirement([self.distro], "fact", f"{what} as the catalog has it, {unread}", source)]

    def _find(self, name: str, versions: Sequence[str], wanted: str | None) -> str | None:
        fits = fitting(versions, wanted)
        return self.kept[name] if self.kept.get(name) in fits else next(iter(fits), None)


def newest_first(versions: Iterable[str]) -> list[str]:
    """Versions in the order in which Debian prefers them, each once (Debian Policy, section 5.6.12)."""
    return sorted(dict.fromkeys(versions), key=_order, reverse=True)


def _order(version: str) -> tuple[int, tuple[object, ...], tuple[object, ...]]:
    epoch, colon, rest = version.partition(":")
    upstream, _dash, revision = (rest if colon else version).rpartition("-")
    return int(epoch) if colon else 0, _parts(upstream or revision), _parts(revision if upstream else "")


def _parts(text: str) -> tuple[object, ...]:
    """Letters sort before all else and `~` before the end, which is 0 here."""
    pairs = re.findall(r"(\D*)(\d*)", text)
    return tuple(((*map(_weight, word), 0), int(number or 0)) for word, number in pairs)


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _words(variant: Variant, name: str) -> list[str]:
    need = variant.needs.get(name, [])
    return [need] if isinstance(need, str) else need


def _requirement(distros: list[str], kind: str, text: str, source: str) -> Requirement:
    reason = Reason.model_validate({"kind": kind, "text": text, "source": source})
    return Requirement("distro", Versions.word(distros), reason)


def _told(name: str, wanted: str | None) -> str:
    return f"{name} {wanted}" if wanted else name


def _list(packages: Mapping[str, str | None]) -> str:
    return ", ".join(_told(name, version) for name, version in packages.items())
