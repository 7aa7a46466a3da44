"""A profile with its lock and hosts, as every command that acts on hosts needs them."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from aimlsetup import catalog, ui
from aimlsetup.catalog import profiles
from aimlsetup.cli import _listed
from aimlsetup.cli._options import chosen
from aimlsetup.engine.inputs import declared
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import file as lock_file
from aimlsetup.models.inventory import Inventories
from aimlsetup.models.lock import Lock
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Become, Host, Profile


@dataclass
class Site:
    """What is wished and what was solved. `hosts` are reachable definitions of those chosen by `--limit`.

    `before` is the lock as it was read, whatever is solved since.
    """

    path: Path
    profile: Profile
    hosts: dict[str, Host]
    lock: Lock | None
    inventories: Inventories = field(default_factory=Inventories)
    before: Lock | None = None

    @property
    def rootless(self) -> bool:
        """Whether everything is made by and for one user."""
        return self.profile.scope == "user"

    @property
    def solved(self) -> Lock:
        """The lock, once there is one."""
        if self.lock is None:
            raise RuntimeError("asked for the lock before it was solved")
        return self.lock

    def references(self) -> set[str]:
        """References to secrets, in the profile's sections and in the lock."""
        sections = [self.profile.sections, *(group.sections for group in self.profile.groups.values())]
        parts = [
            {
                component: {f"{component}_{key}": value for key, value in section.items()}
                for component, section in each.items()
            }
            for each in sections
        ]
        classes = self.lock.classes.values() if self.lock else ()
        return set().union(*(declared(part) for part in (*parts, *(found.components for found in classes))))

    def components(self, host: str) -> dict[str, dict[str, object]]:
        """{component: arguments} of a host, in the order in which they are applied."""
        found = self.solved.class_of(host)
        if found is None:
            raise AimlsetupError(
                "lock-host",
                f"{lock_file.path_of(self.path)}: it has nothing for the host {host}",
                hint=f"Solve again: aimlsetup lock --profile {self.path}",
                exit_code=Exit.USAGE,
            )
        order = [name for name in catalog.load().components if name in found.components]
        return {name: found.components[name] for name in order}


def digest(lock: Lock) -> str:
    """sha256 of a lock's meaning."""
    content = json.dumps(lock.model_dump(mode="json"), sort_keys=True)
    return "sha256:" + hashlib.sha256(content.encode()).hexdigest()


def ensure_lock(site: Site, observed: Mapping[str, Observation], *, solve: bool) -> None:
    """Leave the site with a lock that is solved for its profile as it is now, for the observed hosts at least."""
    from aimlsetup import locking
    from aimlsetup.cli.lock import refresh  # only here, since a lock is mostly up to date

    current = site.lock is not None and locking.current(site.lock, site.profile, observed)
    if solve and not current:
        site.lock = refresh(site, observed)
        click.echo(f"wrote {lock_file.path_of(site.path)}", err=True)
    elif site.lock and not current:
        ui.warn(f"{site.path} has changed since it was locked; this compares with the lock")
    tell_unmade(locked(site), observed)


def locked(site: Site) -> Lock:
    """The site's lock; without one, an error that says how to get it."""
    if site.lock is None:
        raise AimlsetupError(
            "lock-missing",
            f"{lock_file.path_of(site.path)}: there is no lock yet, so nothing to compare with",
            hint=f"aimlsetup apply --profile {site.path}",
            exit_code=Exit.USAGE,
        )
    return site.lock


def tell_unmade(lock: Lock, hosts: Iterable[str]) -> None:
    """Warn of what the lock pins for these hosts and no chosen component installs."""
    from aimlsetup.locking.unmade import unmade

    known = catalog.load()
    found = {name: unmade(each, known) for name, each in lock.classes.items() if not set(each.hosts).isdisjoint(hosts)}
    for name, texts in found.items():
        if texts:
            ui.warn(f"{name}: solved, and not among the chosen `components`: {', '.join(texts)}")


def open_site(path: Path, limit: str | None, inventories: Inventories | None = None, *, boot: bool = False) -> Site:
    """Read profile, inventories and lock; with `boot`, sandbox hosts that do not run are booted."""
    profile = profiles.read(path)
    if inventories and inventories.paths:
        profile = _listed.with_listed(path, profile, inventories)
        names = _listed.chosen(profile.hosts, limit, inventories)
    else:
        names = chosen(profile.hosts, limit)
    if not names:
        raise AimlsetupError(
            "profile-no-hosts",
            f"{path}: it names no host",
            hint="Add one under `hosts:`, such as `this-machine: {connection: local}`, or name an inventory with -i.",
            exit_code=Exit.USAGE,
        )
    hosts = reachable({name: profile.hosts[name] for name in names}, boot=boot)
    lock = lock_file.read(lock_file.path_of(path))
    return Site(path, profile, hosts, lock, inventories or Inventories(), lock)


def reachable(hosts: dict[str, Host], *, boot: bool) -> dict[str, Host]:
    """The same hosts, those of the sandbox as what they are behind it: hosts to log in to over ssh.

    On this machine root needs no sudo; so what goes on after a reboot asks for no password.
    """
    if os.geteuid() == 0:
        own = {name: host for name, host in hosts.items() if host.connection == "local"}
        hosts = hosts | {name: host.model_copy(update={"become": Become()}) for name, host in own.items()}
    boxed = {name: host for name, host in hosts.items() if host.connection == "sandbox"}
    found = _boxes(boxed, boot=boot) if boxed else {}
    return {name: found.get(name, host) for name, host in hosts.items()}


def _boxes(hosts: dict[str, Host], *, boot: bool) -> dict[str, Host]:
    from aimlsetup import sandbox  # only where a profile has such hosts

    running = {box.name: box for box in sandbox.hosts() if box.state == "running"}
    missing = [name for name in hosts if name not in running]
    if missing and not boot:
        raise AimlsetupError(
            "sandbox-not-running",
            f"sandbox hosts that do not run: {', '.join(missing)}",
            hint=f"Boot them: aimlsetup sandbox up {' '.join(missing)}",
            exit_code=Exit.USAGE,
        )
    for release, names in _by_release(hosts, missing).items():
        running |= {box.name: box for box in (sandbox.up(names, release) if release else sandbox.up(names))}
    return {
        name: Host(
            connection="ssh", address=name, user="root", ssh_config=str(running[name].ssh_config), python=host.python
        )
        for name, host in hosts.items()
    }


def _by_release(hosts: dict[str, Host], names: Iterable[str]) -> dict[str | None, list[str]]:
    grouped: dict[str | None, list[str]] = {}
    for name in names:
        grouped.setdefault(hosts[name].release, []).append(name)
    return grouped
