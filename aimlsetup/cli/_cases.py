"""What to solve for, as `explain` needs it: a profile or none, hosts that are looked at or only described."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from aimlsetup import catalog
from aimlsetup.catalog import profiles
from aimlsetup.cli import _described
from aimlsetup.cli._options import chosen
from aimlsetup.locking import alternatives, profile_digest
from aimlsetup.locking import file as lock_file
from aimlsetup.locking.alternatives import Asked
from aimlsetup.locking.decision import Case
from aimlsetup.locking.platforms import Alike, Platform, classes
from aimlsetup.locking.presets import filled
from aimlsetup.models.lock import Lock, Pin
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile
from aimlsetup.report.explanation import Solved

DESCRIBED = "host"  # the name of one that is only described


@dataclass(frozen=True)
class Cases:
    """Hosts are those of the profile, unless they are described by `gpus` and `distro`."""

    path: Path
    limit: str | None
    gpus: tuple[str, ...]
    distro: str | None

    @property
    def described(self) -> bool:
        """Whether no host is meant that anybody could look at."""
        return bool(self.gpus or self.distro)

    @cached_property
    def profile(self) -> Profile:
        """With its preset's wishes; an empty one for a described host where there is none."""
        found = profiles.read(self.path) if self.path.exists() or not self.described else Profile()
        found = filled(found)
        requests = found.requests.model_copy(update={"device": "gpu"} if self.gpus else {})
        return found.model_copy(update={"requests": requests})

    @cached_property
    def lock(self) -> Lock | None:
        """What was solved, of the profile's own hosts."""
        return None if self.described else lock_file.read(lock_file.path_of(self.path))

    def locked(self) -> list[Solved]:
        """The lock's classes that chosen hosts are in."""
        found = self.lock.classes if self.lock else {}
        names = chosen([host for each in found.values() for host in each.hosts], self.limit)
        return [
            Solved(name, [host for host in each.hosts if host in names], _either(each.gpus), each.pins)
            for name, each in found.items()
            if set(each.hosts) & set(names)
        ]

    @property
    def outdated(self) -> bool:
        """Whether the profile has changed since it was locked."""
        return bool(self.lock and self.path.exists() and self.lock.profile != profile_digest(self.profile))

    @cached_property
    def observed(self) -> Mapping[str, Observation]:
        """The hosts as they are, or as they are described. One that can't be looked at is an error."""
        if self.described:
            return {DESCRIBED: _described.observation(self.gpus, self.distro)}
        from aimlsetup.cli import _loop, _site
        from aimlsetup.engine.session import session

        site = _site.open_site(self.path, self.limit)
        with session(site.hosts, site.references(), rootless=site.rootless) as run:
            observed = _loop.look(run, site.hosts)
        for error in observed.errors.values():
            raise error
        return observed.hosts

    def alike(self, profile: Profile) -> dict[str, Alike]:
        """Hosts that share a solution of the profile."""
        described = set(self.observed) if self.described else set()
        return classes(self.observed, profile, catalog.load(), described)

    def solved(self, name: str, profile: Profile, platform: Platform, hosts: list[str], wish: Asked | None) -> Solved:
        """What the solver makes of them now; what is locked is kept where it fits."""
        old = self.lock.class_of(hosts[0]) if self.lock else None
        case = Case(profile, platform, hosts, catalog.load(), old)
        pins: Mapping[str, Pin] = alternatives.solve(case, datetime.now(UTC).date(), wish)
        return self.unsolved(name, platform, hosts, pins)

    def unsolved(self, name: str, platform: Platform, hosts: list[str], pins: Mapping[str, Pin]) -> Solved:
        """The same hosts with these pins."""
        gpus = ", ".join(map(str, platform.hardware.gpus)) if platform.hardware else ""
        return Solved(name, [] if self.described else hosts, gpus, pins)


def _either(gpus: Mapping[str, str]) -> str:
    return " or ".join(dict.fromkeys(gpus.values()))
