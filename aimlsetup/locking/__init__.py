"""The lock: catalog, solver and package index composed into exact values for every role argument.

`make` is the entry; reading and writing the file stand in `aimlsetup.locking.file`.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from aimlsetup import catalog
from aimlsetup.locking.arguments import fill
from aimlsetup.locking.environments import COMPONENT, decide
from aimlsetup.locking.platforms import Platform, classes
from aimlsetup.models.lock import HostClass, Lock
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile

DECIDERS = {COMPONENT: decide}  # components whose arguments are solved rather than given


def profile_digest(profile: Profile) -> str:
    """sha256 of what the profile says, whatever its layout and comments."""
    text = json.dumps(profile.model_dump(mode="json"), sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def make(profile: Profile, observations: Mapping[str, Observation], old: Lock | None = None) -> Lock:
    """The lock for the observed hosts. What `old` pinned is kept wherever it still fits; None starts afresh.

    Asks the package index. Raises `AimlsetupError` with exit code 4 when there is no solution.
    """
    known = catalog.load()
    solved = {
        name: _host_class(profile, platform, hosts, known, _earlier(old, hosts))
        for name, (platform, hosts) in classes(observations, known).items()
    }
    return Lock(profile=profile_digest(profile), classes=solved)


def components(profile: Profile, known: catalog.Catalog) -> list[str]:
    """The chosen components (none named means all), in the order in which they are applied."""
    return [name for name in known.components if not profile.components or name in profile.components]


def _host_class(
    profile: Profile, platform: Platform, hosts: list[str], known: catalog.Catalog, old: HostClass | None
) -> HostClass:
    chosen = components(profile, known)
    decided = {name: DECIDERS[name](profile, platform, known, old) for name in chosen if name in DECIDERS}
    shared = _shared(profile, known, next((found.python for found in decided.values()), platform.release.python))
    arguments = {
        name: fill(name, profile.sections.get(name, {}), decided[name].arguments if name in decided else {}, shared, known)
        for name in chosen
    }
    pins = {name: pin for found in decided.values() for name, pin in found.pins.items()}
    return HostClass(hosts=hosts, platform=platform.document(), pins=pins, components=arguments)


def _shared(profile: Profile, known: catalog.Catalog, python: str) -> dict[str, dict[str, Any]]:
    """What the catalog's `{roots.X}`, `{requests.X}` and `{sources.X}` stand for."""
    return {
        "roots": profile.roots.model_dump(),
        "requests": {"device": profile.requests.device, "python": python},
        "sources": {name: profile.sources.get(name, source.url) for name, source in known.sources.items()},
    }


def _earlier(old: Lock | None, hosts: list[str]) -> HostClass | None:
    """The class that most of these hosts were in."""
    earlier = [found for host in hosts if old and (found := old.class_of(host))]
    return max(earlier, key=earlier.count, default=None)
