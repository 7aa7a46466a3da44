"""What a component's decision rests on, and what it is."""

from dataclasses import dataclass, field
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.wishes import Environment
from aimlsetup.models.lock import HostClass, Pin
from aimlsetup.models.profile import Profile
from aimlsetup.solver.problem import Solution

UNSOLVED = Solution({}, ())


@dataclass(frozen=True)
class Case:
    """Hosts of one platform, and what `old` had for them.

    Without `upgrade` a package keeps the version it had, without `follow` a branch or tag the commit it was, wherever
    that still fits. `solution` is of the whole host, for these `environments`.
    """

    profile: Profile
    platform: Platform
    hosts: list[str]
    catalog: Catalog
    old: HostClass | None = None
    upgrade: bool = False
    follow: bool = False
    environments: tuple[Environment, ...] = ()
    solution: Solution = UNSOLVED

    @property
    def kept(self) -> dict[str, str]:
        """Versions to keep where they fit, by pin."""
        return {name: pin.version for name, pin in self.old.pins.items()} if self.old and not self.upgrade else {}


@dataclass(frozen=True)
class Decided:
    """Values for arguments of the role (without its prefix), pins by name, and the Python of the first environment."""

    arguments: dict[str, Any]
    pins: dict[str, Pin] = field(default_factory=dict)
    python: str | None = None
