"""What the lock decides for `gpu_sources`: the channels' repositories on one platform, their keys, and apt's pins."""

from collections.abc import Iterable, Iterator
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.sources import Apt, fill
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.kernels import DPKG
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.stack.facts import word
from aimlsetup.locking.stack.packages import StackPackages, stack_packages

COMPONENT = "gpu_sources"
EXACT = 1001  # apt's priority that holds a version even where that is a downgrade


def decide(case: Case) -> Decided:
    """Repositories of the channels that the solution installs from; none where everything comes as wheels."""
    wanted = stack_packages(case.solution)
    found = [
        (name, apt) for channel in wanted.sources for name, apt in repositories(channel, case.platform, case.catalog)
    ]
    return Decided(
        {
            "repositories": [repository(name, apt, case) for name, apt in found],
            "pins": [*_preferences(apt for _name, apt in found), *_exact(wanted)],
            "retired_keys": sorted(key.short_id.lower() for key in case.catalog.keys.values() if key.retired),
            "retired_lists": sorted({name for _name, apt in found for name in apt.lists}),
        }
    )


def repositories(channel: str, platform: Platform, catalog: Catalog) -> Iterator[tuple[str, Apt]]:
    """The catalog's repositories of a channel for a platform, by name."""
    for name, source in catalog.sources.items():
        apt = source.apt
        if not apt or apt.channel != channel or platform.arch not in apt.arches:
            continue
        if apt.distribution == platform.release.id or word(platform.release) in apt.keys:
            yield name, apt


def repository(name: str, apt: Apt, case: Case) -> dict[str, Any]:
    """One as the role takes it."""
    platform, given = case.platform, case.profile.mirror(name)
    names = {
        "distro": word(platform.release),
        "arch": apt.arches[platform.arch],
        "codename": platform.release.codename,
    }
    uri = fill(given.url if given else case.catalog.sources[name].url or "", names)
    entry: dict[str, Any] = {
        "name": name.replace("_", "-"),
        "uri": uri,
        "suites": [fill(suite, names) for suite in apt.suites],
        "components": apt.stack or apt.components,
        "architectures": [DPKG[platform.arch]],
    }
    if not apt.keys:
        return entry | {"signed_by": apt.keyring}
    key = apt.keys[names["distro"]]
    url = fill(apt.key_url or "", {**names, "key": key})
    fingerprint = case.catalog.keys[key].fingerprint
    fingerprints = [fingerprint] if fingerprint else []
    if given:  # a mirror has its key beside it unless it says otherwise
        url = fill(given.key, names) if given.key else f"{uri.rstrip('/')}/{url.rpartition('/')[2]}"
        fingerprints = given.fingerprints or fingerprints
    return entry | {"key": {"url": url, "fingerprints": fingerprints}}


def _preferences(found: Iterable[Apt]) -> Iterator[dict[str, Any]]:
    """What the repositories themselves ask for."""
    for apt in found:
        for stanza in apt.preferences:
            yield {"packages": [stanza.package], "pin": stanza.pin, "priority": int(stanza.priority)}


def _exact(wanted: StackPackages) -> Iterator[dict[str, Any]]:
    """One pin for all packages of a part that share a version, siblings that something else would pull in included."""
    by_version: dict[str, set[str]] = {}
    for deliveries in wanted.components.values():
        for delivery in deliveries:
            for package, version in delivery.packages.items():
                if version:
                    by_version.setdefault(version, set()).add(package)
    for version, packages in sorted(by_version.items()):
        yield {"packages": sorted(packages), "version": version, "priority": EXACT}
