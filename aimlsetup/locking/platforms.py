"""What of a host decides its solution, and which hosts share one. Pure."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Release
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking.hardware import Hardware, hardware
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile


@dataclass(frozen=True)
class Platform:
    """`pythons` are (interpreter, "3.11.2") as found on the host; `features` are CPU flags that records ask for."""

    release: Release = field(hash=False)
    arch: str
    features: frozenset[str]
    pythons: tuple[tuple[str, str], ...]
    hardware: Hardware | None = None  # where the profile computes on GPUs

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


def platform(
    host: str, observation: Observation, profile: Profile, catalog: Catalog, *, described: bool = False
) -> Platform:
    """The platform of a host. A release that the catalog does not know is an error (exit code 2), and so is one whose
    hosts aimlsetup does not set up, unless the host was only `described` in a file.
    """
    facts = observation.facts
    return Platform(
        release=_release(host, facts["release"], catalog, described=described),
        arch=facts["arch"],
        features=_features(facts, catalog),
        pythons=tuple(sorted(facts.get("pythons", {}).items())),
        hardware=_hardware(host, facts, profile, catalog),
    )


def _hardware(host: str, facts: Mapping[str, Any], profile: Profile, catalog: Catalog) -> Hardware | None:
    """What the profile says of a host's GPUs counts more than what was seen there: they may not be built in yet."""
    if profile.requests.device != "gpu":
        return None
    declared = profile.hosts[host].gpus if host in profile.hosts else None
    return hardware(facts, declared, profile.requests.gpu_capability, catalog)


def _release(host: str, found: Mapping[str, str], catalog: Catalog, *, described: bool) -> Release:
    release = catalog.release(found["id"], found["version"])
    if release and (release.sets_up or described):
        return release
    supported = [f"{each.id} {each.version} ({each.codename})" for each in catalog.releases if each.sets_up]
    note = ["it can be solved for with --host-facts, not set up"] if release else []
    raise AimlsetupError(
        "release-unsupported",
        f"{host}: {found['id']} {found['version'] or '(no version)'} is not supported",
        context=[f"expected: {', '.join(supported)}", *note],
        hint="take this host out of the profile, or install a supported release on it",
        exit_code=Exit.USAGE,
    )


def _features(facts: Mapping[str, Any], catalog: Catalog) -> frozenset[str]:
    """A host without Python has not told its CPU's flags yet: it is not refused for what nobody has looked at."""
    return catalog.features() & frozenset(facts["cpu"]["flags"] if "cpu" in facts else catalog.features())


def classes(
    observations: Mapping[str, Observation], profile: Profile, catalog: Catalog, described: Container[str] = ()
) -> dict[str, tuple[Platform, list[str]]]:
    """{class name: (platform, hosts)}: hosts alike in everything that decides a solution are solved once.

    The facts of `described` hosts come from files.
    """
    groups: dict[Platform, list[str]] = {}
    for host in sorted(observations):
        found = platform(host, observations[host], profile, catalog, described=host in described)
        groups.setdefault(found, []).append(host)
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
