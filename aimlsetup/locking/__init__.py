"""The lock: catalog, solver and package index composed into exact values for every role argument.

`make` is the entry; reading and writing the file stand in `aimlsetup.locking.file`.
"""

import hashlib
import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from aimlsetup import catalog
from aimlsetup.locking import (
    builds,
    capacity,
    channels,
    checkouts,
    driver,
    environments,
    gateway,
    libraries,
    mongodb,
    network,
    repositories,
    services,
    solving,
    tf_serving,
)
from aimlsetup.locking.arguments import fill
from aimlsetup.locking.decision import Case, Decided, Serving
from aimlsetup.locking.needed import with_needed as needed
from aimlsetup.locking.platforms import Platform, classes, free_name, platform
from aimlsetup.locking.presets import filled
from aimlsetup.locking.scope import scoped
from aimlsetup.locking.tools import equipped
from aimlsetup.models.inventory import Listed
from aimlsetup.models.lock import HostClass, Lock
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile

# Components whose arguments are solved rather than given.
DECIDERS: dict[str, Callable[[Case], Decided]] = {
    network.COMPONENT: network.decide,
    builds.COMPONENT: builds.decide,
    repositories.COMPONENT: repositories.decide,
    driver.COMPONENT: driver.decide,
    libraries.TOOLKITS: libraries.toolkits,
    **{name: partial(libraries.siblings, name) for name in libraries.COMPONENTS},
    environments.COMPONENT: environments.decide,
    checkouts.COMPONENT: checkouts.decide,
    capacity.COMPONENT: services.decide,
    gateway.COMPONENT: gateway.decide,
    mongodb.COMPONENT: mongodb.decide,
    tf_serving.COMPONENT: tf_serving.decide,
}
# Of these, what follows from the hosts as they are now: a lock is outdated when it would be decided otherwise.
LIVE = (capacity.COMPONENT, gateway.COMPONENT)


def profile_digest(profile: Profile) -> str:
    """sha256 of what the profile says, whatever its layout and comments, and whatever hosts inventories have."""
    own = {name: host for name, host in profile.hosts.items() if not isinstance(host, Listed)}
    text = json.dumps(profile.model_copy(update={"hosts": own}).model_dump(mode="json"), sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def make(
    profile: Profile,
    observations: Mapping[str, Observation],
    old: Lock | None = None,
    *,
    upgrade: bool = False,
    follow: bool = False,
    described: Container[str] = (),
    today: date | None = None,
) -> Lock:
    """The lock for the observed hosts, and for those `described` in files. What `old` pinned is kept where it still
    fits: packages unless `upgrade`, the commits of branches and tags unless `follow`.

    Hosts that were not observed keep what `old` says of them, unless the profile has changed since. `today` decides
    which drivers are still supported.

    Asks apt's indexes, the package index and the remotes of repositories. No solution is an `AimlsetupError` with exit
    code 4.
    """
    known, profile = catalog.load(), filled(profile)
    digest = profile_digest(profile)
    cases = {
        name: Case(
            _equipped(scoped(alike.profile, alike.platform.account), known), alike.platform, alike.hosts, known,
            _earlier(old, alike.hosts), upgrade, follow,
        )
        for name, alike in classes(observations, profile, known, described).items()
    }
    cases = channels.asked(_with_fleet(cases, observations, profile, old))
    solved = _merged({name: _host_class(solving.solved(case, today)) for name, case in cases.items()})
    others = old.classes if old and old.profile == digest else {}
    gone = _gone(profile, others)
    return Lock(profile=digest, classes=_with_others(solved, others, gone))


def _with_fleet(
    cases: Mapping[str, Case], observations: Mapping[str, Observation], profile: Profile, old: Lock | None
) -> dict[str, Case]:
    """The cases, told of all hosts that serve where one of them is a gateway."""
    if not any(gateway.wanted(case.profile) for case in cases.values()):
        return dict(cases)
    fleet = []
    for case in cases.values():
        made = services.decide(case).arguments["services"]
        fleet += [Serving(host, _address(host, observations[host], profile), made) for host in case.hosts if made]
    order = [*profile.hosts]
    fleet.sort(key=lambda serving: order.index(serving.host) if serving.host in order else len(order))
    elsewhere = gateway.earlier(old, [host for host in order if host not in observations])
    return {name: replace(case, fleet=tuple(fleet), elsewhere=tuple(elsewhere)) for name, case in cases.items()}


def _address(host: str, observation: Observation, profile: Profile) -> str | None:
    """Where others reach a host: as the profile reaches it, or the address that it has."""
    given = profile.hosts[host].address if host in profile.hosts else None
    return given or observation.facts.get("address")


def _equipped(profile: Profile, known: catalog.Catalog) -> Profile:
    """With what its services and tools need in their environments."""
    return needed(equipped(profile, components(profile, known)), known)


def _merged(solved: dict[str, HostClass]) -> dict[str, HostClass]:
    """Classes of one solution are one class, whatever else their hosts differ in."""
    merged: dict[str, HostClass] = {}
    for name, found in solved.items():
        same = next((key for key, other in merged.items() if _alone(other) == _alone(found)), None)
        if same:
            hosts = sorted([*merged[same].hosts, *found.hosts])
            gpus = dict(sorted({**merged[same].gpus, **found.gpus}.items()))
            groups = dict(sorted({**merged[same].groups, **found.groups}.items()))
            merged[same] = found.model_copy(update={"hosts": hosts, "gpus": gpus, "groups": groups})
        else:
            merged[name] = found
    return merged


def _alone(found: HostClass) -> HostClass:
    """Without its hosts."""
    return found.model_copy(update={"hosts": [], "gpus": {}, "groups": {}})


def _gone(profile: Profile, others: Mapping[str, HostClass]) -> set[str]:
    """Hosts that stand in the inventories no more, as far as these were read."""
    read = any(isinstance(host, Listed) for host in profile.hosts.values())
    return {host for found in others.values() for host in found.hosts if read and host not in profile.hosts}


def _with_others(
    solved: dict[str, HostClass], others: Mapping[str, HostClass], gone: Container[str]
) -> dict[str, HostClass]:
    """The solved classes, and hosts that were not looked at this time as they were."""
    merged = dict(solved)
    done = {host for found in solved.values() for host in found.hosts}
    for name, found in others.items():
        left = [host for host in found.hosts if host not in done and host not in gone]
        if left:
            gpus = {host: text for host, text in found.gpus.items() if host in left}
            groups = {host: names for host, names in found.groups.items() if host in left}
            kept = found.model_copy(update={"hosts": left, "gpus": gpus, "groups": groups})
            merged[free_name(name, merged)] = kept
    return _merged(merged)


def current(lock: Lock, profile: Profile, observations: Mapping[str, Observation]) -> bool:
    """Whether the lock was solved for this profile, for these hosts as they are, and for the roles as they are now.

    A host of a release that aimlsetup does not set up is an error (exit code 2).
    """
    known, profile = catalog.load(), filled(profile)
    cases = {}
    for host, observation in observations.items():
        found = lock.class_of(host)
        groups = profile.groups_of(host)
        wished = profile.of(groups)
        there = platform(host, observation, wished, known)
        if not (found and _is(found, host, there, groups) and _fits_roles(found, known)):
            return False
        cases[host] = Case(scoped(wished, there.account), there, [host], known, found)
    return lock.profile == profile_digest(profile) and _decided_alike(
        _with_fleet(cases, observations, profile, lock), lock
    )


def _decided_alike(cases: Mapping[str, Case], lock: Lock) -> bool:
    """Whether what follows from the hosts as they are now is what the lock has."""
    for host, case in cases.items():
        locked = lock.class_of(host)
        for name in LIVE:
            if locked is None or name not in locked.components:
                continue
            made = DECIDERS[name](case).arguments
            if any(locked.components[name][f"{name}_{option}"] != value for option, value in made.items()):
                return False
    return True


def _is(entry: HostClass, host: str, there: Platform, groups: Sequence[str]) -> bool:
    same = entry.platform == there.document() and entry.gpus.get(host) == _fingerprint(there)
    return same and entry.groups.get(host, []) == [*groups]


def _fingerprint(platform: Platform) -> str | None:
    return platform.hardware.fingerprint if platform.hardware else None


def _fits_roles(entry: HostClass, known: catalog.Catalog) -> bool:
    return all(set(values) == set(known.options.get(name, ())) for name, values in entry.components.items())


def components(profile: Profile, known: catalog.Catalog) -> list[str]:
    """The chosen components (none named means all but optional ones), in the order in which they are applied.

    What all of them fetch through comes by itself where the profile needs it.
    """

    def chosen(name: str) -> bool:
        if name == network.COMPONENT:
            return network.wanted(profile, known)
        wished = name in profile.sections or not known.components[name].optional
        return wished if not profile.components else name in profile.components

    return [
        name
        for name, component in known.components.items()
        if chosen(name)
        and component.device in (None, profile.requests.device)
        and (profile.scope == "system" or component.user is not None)
    ]


def _host_class(case: Case) -> HostClass:
    profile, known = case.profile, case.catalog
    chosen = components(profile, known)
    decided = {name: DECIDERS[name](case) for name in chosen if name in DECIDERS}
    python = next((found.python for found in decided.values() if found.python), case.platform.release.python)
    shared = _shared(case, python)
    arguments = {
        name: fill(
            name, profile.sections.get(name, {}), decided[name].arguments if name in decided else {}, shared, known,
            rootless=profile.scope == "user",
        )
        for name in chosen
    }
    pins = solving.pins(case.solution) | {name: pin for found in decided.values() for name, pin in found.pins.items()}
    mark = _fingerprint(case.platform)
    return HostClass(
        hosts=case.hosts,
        platform=case.platform.document(),
        gpus=dict.fromkeys(case.hosts, mark) if mark else {},
        groups={host: [*groups] for host in case.hosts if (groups := profile.groups_of(host))},
        pins=pins,
        components=arguments,
    )


def _shared(case: Case, python: str) -> dict[str, dict[str, Any]]:
    """What the catalog's `{roots.X}`, `{requests.X}`, `{sources.X}` and `{user.X}` stand for."""
    profile, known, account = case.profile, case.catalog, case.platform.account
    return {
        "roots": profile.roots.model_dump(),
        "requests": {"device": profile.requests.device, "python": python, "environment": _first_environment(profile)},
        "sources": {name: profile.url(name) or source.url for name, source in known.sources.items()},
        "user": account.shared() if account else {},
    }


def _first_environment(profile: Profile) -> str | None:
    entries = profile.sections.get(environments.COMPONENT, {}).get("envs") or []
    return entries[0]["name"] if entries else None


def _earlier(old: Lock | None, hosts: list[str]) -> HostClass | None:
    """The class that most of these hosts were in."""
    earlier = [found for host in hosts if old and (found := old.class_of(host))]
    return max(earlier, key=earlier.count, default=None)
