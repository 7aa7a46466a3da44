"""What a component's decision rests on, and what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.locking.availability import Availability
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.wishes import Environment
from aimlsetup.models.lock import HostClass, Pin
from aimlsetup.models.profile import Profile
from aimlsetup.solver.problem import Solution

UNSOLVED = Solution({}, ())


@dataclass(frozen=True)
class Serving:
    """A host that serves: where others reach it (None where that is not known), and its services as they are locked."""

    host: str
    address: str | None
    services: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Case:
    """Hosts of one platform, and what `old` had for them.

    Without `upgrade` a package keeps the version it had, without `follow` a branch or tag the commit it was, wherever
    that still fits. `available` is what the indexes of the platform's packages have; where nobody has asked them, all
    that the catalog names counts as there. `solution` is of the whole host, for these `environments`. `fleet` are the
    site's hosts that serve, where it has a gateway, and `elsewhere` what was locked of those not looked at this time.
    """

    profile: Profile
    platform: Platform
    hosts: list[str]
    catalog: Catalog
    old: HostClass | None = None
    upgrade: bool = False
    follow: bool = False
    available: Availability | None = None
    environments: tuple[Environment, ...] = ()
    solution: Solution = UNSOLVED
    fleet: tuple[Serving, ...] = ()
    elsewhere: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    @property
    def kept(self) -> dict[str, str]:
        """Versions to keep where they fit, by pin."""
        return {name: pin.version for name, pin in self._pins.items()}

    @property
    def kept_packages(self) -> dict[str, str]:
        """Versions of apt's packages to keep where they are still to be had, by package."""
        packages = (item for pin in self._pins.values() for item in pin.packages.items())
        return {name: version for name, version in packages if version is not None}

    @property
    def _pins(self) -> Mapping[str, Pin]:
        return self.old.pins if self.old and not self.upgrade else {}


@dataclass(frozen=True)
class Decided:
    """Values for arguments of the role (without its prefix), pins by name, and the Python of the first environment."""

    arguments: dict[str, Any]
    pins: dict[str, Pin] = field(default_factory=dict)
    python: str | None = None
