"""What of a host decides its solution, and which hosts share one. Pure."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Release
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import capacity
from aimlsetup.locking.hardware import Hardware, hardware
from aimlsetup.locking.scope import Account, account
from aimlsetup.models.build import PythonBuild
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile
from aimlsetup.serving import Resources

BUILDS = "python_builds"  # their source's name


@dataclass(frozen=True)
class Platform:
    """`pythons` are (interpreter, "3.11.2") as found on the host; `features` are CPU flags that records ask for.

    `builds` are the standalone builds of Python that run there, newest first.
    """

    release: Release = field(hash=False)
    arch: str
    features: frozenset[str]
    pythons: tuple[tuple[str, str], ...]
    hardware: Hardware | None = None  # where the profile computes on GPUs
    builds: tuple[PythonBuild, ...] = ()
    account: Account | None = None  # where nobody is root
    resources: Resources | None = None  # where services are to share them

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
            **({"home": self.account.home, "services": self.account.services} if self.account else {}),
        }


def platform(
    host: str, observation: Observation, profile: Profile, catalog: Catalog, *, described: bool = False
) -> Platform:
    """The platform of a host. A release that the catalog does not know is an error (exit code 2), and so is one whose
    hosts aimlsetup does not set up, unless the host was only `described` in a file.
    """
    facts = observation.facts
    release = _release(host, facts["release"], catalog, described=described)
    return Platform(
        release=release,
        arch=facts["arch"],
        features=_features(facts, catalog),
        pythons=tuple(sorted(facts.get("pythons", {}).items())),
        hardware=_hardware(host, facts, profile, catalog),
        builds=tuple(builds(profile, release, facts["arch"], catalog)),
        account=account(host, facts, profile),
        resources=capacity.resources(host, observation, profile, catalog),
    )


def builds(profile: Profile, release: Release, arch: str, catalog: Catalog) -> list[PythonBuild]:
    """The standalone builds of Python that run on a release, newest first: the profile's own where it has some, else
    the catalog's.
    """
    known, given = catalog.python_builds, profile.mirror(BUILDS)
    if Version(release.glibc) < Version(known.glibc):
        return []
    found = [build for build in (given and given.builds) or known.builds if build.arch == arch]
    return sorted(found, key=lambda build: (Version(build.version), build.build), reverse=True)


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


class Alike(NamedTuple):
    """Hosts that are alike in everything that decides a solution, and what is wished for them."""

    platform: Platform
    hosts: list[str]
    profile: Profile


def classes(
    observations: Mapping[str, Observation], profile: Profile, catalog: Catalog, described: Container[str] = ()
) -> dict[str, Alike]:
    """{class name: hosts that are solved once}. The facts of `described` hosts come from files."""
    found: dict[tuple[Platform, tuple[str, ...]], Alike] = {}
    for host in sorted(observations):
        groups = profile.groups_of(host)
        wished = profile.of(groups)
        there = platform(host, observations[host], wished, catalog, described=host in described)
        found.setdefault((there, groups), Alike(there, [], wished)).hosts.append(host)
    named: dict[str, Alike] = {}
    for alike in found.values():
        named[free_name(alike.platform.name, named)] = alike
    return named


def free_name(name: str, taken: Container[str]) -> str:
    """`name`, or the first of `name-2`, `name-3`, … that is not taken."""
    return next(
        candidate
        for candidate in (name, *(f"{name}-{number}" for number in range(2, 10_000)))
        if candidate not in taken
    )
