"""What of a host decides its solution, and which hosts share one. Pure."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Release
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.observation import Observation


@dataclass(frozen=True)
class Platform:
    """`pythons` are (interpreter, "3.11.2") as found on the host; `features` are CPU flags that records ask for."""

    release: Release
    arch: str
    features: frozenset[str]
    pythons: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """Such as `debian-12-x86_64`."""
        return f"{self.release.id}-{self.release.version}-{self.arch}"

    def document(self) -> dict[str, str]:
        """As the lock describes it."""
        return {
            "id": self.release.id,
            "version": self.release.version,
            "arch": self.arch,
            "python": self.release.python,
        }


def platform(host: str, observation: Observation, catalog: Catalog) -> Platform:
    """The platform of an observed host. A release the catalog does not know is an error (exit code 2)."""
    facts = observation.facts
    found = facts["release"]
    release = catalog.release(found["id"], found["version"])
    if release is None:
        known = ", ".join(f"{entry.id} {entry.version} ({entry.codename})" for entry in catalog.releases)
        raise AimlsetupError(
            "release-unsupported",
            f"{host}: {found['id']} {found['version'] or '(no version)'} is not supported",
            context=[f"expected: {known}"],
            hint="take this host out of the profile, or install a supported release on it",
            exit_code=Exit.USAGE,
        )
    return Platform(
        release=release,
        arch=facts["arch"],
        features=_features(facts, catalog),
        pythons=tuple(sorted(facts.get("pythons", {}).items())),
    )


def _features(facts: Mapping[str, Any], catalog: Catalog) -> frozenset[str]:
    """A host without Python has not told its CPU's flags yet: it is not refused for what nobody has looked at."""
    return catalog.features() & frozenset(facts["cpu"]["flags"] if "cpu" in facts else catalog.features())


def classes(observations: Mapping[str, Observation], catalog: Catalog) -> dict[str, tuple[Platform, list[str]]]:
    """{class name: (platform, hosts)}: hosts alike in everything that decides a solution are solved once."""
    groups: dict[Platform, list[str]] = {}
    for host in sorted(observations):
        groups.setdefault(platform(host, observations[host], catalog), []).append(host)
    named: dict[str, tuple[Platform, list[str]]] = {}
    for shared, hosts in groups.items():
        named[free_name(shared.name, named)] = (shared, hosts)
    return named


def free_name(name: str, taken: Container[str]) -> str:
    """`name`, or the first of `name-2`, `name-3`, … that is not taken."""
    return next(
        candidate
        for candidate in (name, *(f"{name}-{number}" for number in range(2, 10_000)))
        if candidate not in taken
    )
