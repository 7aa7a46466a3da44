"""Hosts of existing inventories, put beside those of the profile."""

from collections.abc import Mapping
from pathlib import Path

from aimlsetup import catalog, ui
from aimlsetup.cli import _options
from aimlsetup.engine.inventories import matching, read
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.inventory import Inventories, Listed
from aimlsetup.models.profile import Host, Profile


def with_listed(path: Path, profile: Profile, inventories: Inventories) -> Profile:
    """The profile with the inventories' hosts. One that both have is an error (exit code 2)."""
    listing = read(inventories)
    both = sorted(profile.hosts.keys() & listing.hosts)
    if both:
        raise AimlsetupError(
            "inventory-duplicate",
            f"{path}: the inventory has the host {both[0]} too",
            context=[f"both have: {', '.join(both)}"] if len(both) > 1 else [],
            hint="Take it out of the profile's `hosts`: the inventory says how it is reached.",
            exit_code=Exit.USAGE,
        )
    _warn_of_arguments(listing.hosts)
    named = {group for host in profile.hosts.values() for group in host.groups}
    if unused := sorted(profile.groups.keys() - listing.groups - named):
        ui.warn(f"{path}: no inventory has the group {', '.join(unused)}, so what it wishes is for no host")
    return profile.model_copy(update={"hosts": {**profile.hosts, **listing.hosts}})


def chosen(hosts: Mapping[str, Host], limit: str | None, inventories: Inventories) -> list[str]:
    """The hosts that `--limit` leaves. What names none of the profile's is for Ansible to understand."""
    parts = [part.strip() for part in (limit or "").split(",") if part.strip()]
    if limit is None or (parts and all(part in hosts for part in parts)):
        return _options.chosen(hosts, limit)
    own = {part for part in parts if part in hosts and not isinstance(hosts[part], Listed)}
    pattern = ",".join(part for part in parts if part not in own)
    found = own | (matching(inventories, pattern) if pattern else set())
    if not found:
        raise AimlsetupError(
            "limit-empty", f"--limit {limit}: it leaves no host", context=_known(hosts), exit_code=Exit.USAGE
        )
    return [name for name in hosts if name in found]


def _known(hosts: Mapping[str, Host], most: int = 20) -> list[str]:
    names = list(hosts)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return [f"there are: {', '.join(names[:most])}{more}"]


def _warn_of_arguments(hosts: Mapping[str, Listed]) -> None:
    """Say which variables of the inventory count for nothing, since the lock has a value for each argument."""
    arguments = {name for options in catalog.load().options.values() for name in options}
    found = {
        name: [host for host, listed in hosts.items() if name in listed.defines]
        for name in sorted(arguments.union(*(each.defines for each in hosts.values())))
        if name in arguments or name.startswith("aimlsetup_")
    }
    names = [name for name, where in found.items() if where]
    if names:
        where = found[names[0]]
        ui.warn(
            f"the inventory has {', '.join(names)} ({where[0]}{' and others' if len(where) > 1 else ''}), which the "
            "lock decides: what is wished for belongs into the profile"
        )
