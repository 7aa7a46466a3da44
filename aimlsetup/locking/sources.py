"""The sources that a profile uses: for what, from where, filled in for each platform; and how to ask each.

Nothing is asked here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Release
from aimlsetup.locking import answers, checkouts, components, environments, index, profile_digest, repositories
from aimlsetup.locking.availability import TITLES
from aimlsetup.locking.decision import Case
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.presets import filled
from aimlsetup.locking.wishes import environments as wished
from aimlsetup.models.lock import HostClass, Lock
from aimlsetup.models.profile import Profile
from aimlsetup.models.source import Use

LOCK = "lock"  # what reads indexes on this machine
PYPI, PYTORCH = "pypi", "pytorch"
UNFILLED = re.compile(r"\{\w+\}")
INCOMPLETE = "not asked: its address depends on the host, and no lock says which; --distro names one"
UNSOLVED = "not asked: only a lock of this very profile says which folder of it, if any"
UNUSED = "nothing in this profile uses it"


@dataclass(frozen=True)
class Found:
    """A use; how to ask it, or why nobody can; and what to do where it does not answer."""

    use: Use
    ask: answers.Ask | str
    otherwise: str = ""


@dataclass(frozen=True)
class Site:
    """A profile with its preset's wishes, and the platforms of its hosts.

    Each has the classes that were solved for it; none where that was another profile.
    """

    profile: Profile
    catalog: Catalog
    platforms: Mapping[Platform, Sequence[HostClass]]

    @property
    def chosen(self) -> list[str]:
        """Components."""
        return components(self.profile, self.catalog)

    def origin(self, source: str) -> Literal["catalog", "profile", "machine"]:
        """Who says where a source is."""
        if self.profile.mirror(source):
            return "profile"
        return "catalog" if self.catalog.sources[source].url else "machine"

    def named(self, source: str) -> str | None:
        """The address of a source, as it is written."""
        return self.profile.url(source) or self.catalog.sources[source].url

    def envs(self) -> list[Mapping[str, Any]]:
        """Entries of the profile's environments, where these are made."""
        section = self.profile.sections.get(environments.COMPONENT, {})
        return list(section.get("envs") or []) if environments.COMPONENT in self.chosen else []

    def use(self, source: str, kind: Literal["apt", "index"], **more: Any) -> Use:
        """Of one of the catalog's sources."""
        title = self.catalog.sources[source].title
        return Use(source=source, kind=kind, title=title, origin=self.origin(source), **more)


def used(profile: Profile, lock: Lock | None, releases: Iterable[Release], catalog: Catalog) -> list[Found]:
    """Every use, and what the profile moves for nothing.

    Addresses are filled in for the platforms of the lock's hosts, or for `releases` where some are named. What the lock
    decided counts as long as the profile has not changed since.
    """
    profile = filled(profile)
    named = [Platform(release, "x86_64", frozenset(), ()) for release in releases]
    platforms: dict[Platform, list[HostClass]] = {platform: [] for platform in named}
    current = lock is not None and lock.profile == profile_digest(profile)
    for found in lock.classes.values() if lock and not named else ():
        release = catalog.release(found.platform["id"], found.platform["version"])
        if release:
            classes = platforms.setdefault(Platform(release, found.platform["arch"], frozenset(), ()), [])
            classes += [found] if current else []
    site = Site(profile, catalog, platforms)
    uses = [*_pypi(site), *_pytorch(site), *_apt(site), *_further(site), *_remotes(site)]
    return [*uses, *_unused(site, {found.use.source for found in uses})]


def _pypi(site: Site) -> Iterator[Found]:
    envs = site.envs()
    own = site.profile.sections.get(environments.COMPONENT, {}).get("index")
    if not envs:
        return
    platform = next(iter(site.platforms), None)
    release = platform.release if platform else next(each for each in site.catalog.releases if each.sets_up)
    arch = platform.arch if platform else "x86_64"
    users = tuple(f"{environments.COMPONENT} {entry['name']}" for entry in envs)
    target = index.Target(release.python, f"{arch}-{release.wheels}", site.named(PYPI))
    use = site.use(PYPI, "index", url=_shown(target.index), used_by=(LOCK, *(() if own else users)))
    yield Found(use, partial(answers.package, "uv", target), _elsewhere(PYPI))
    if own:
        yield _page(f"{environments.COMPONENT}.index", own, users)


def _further(site: Site) -> Iterator[Found]:
    """Indexes that the profile has beside the named ones."""
    for entry in site.envs():
        for url in entry.get("indexes") or ():
            key, user = f"{environments.COMPONENT}.envs.{entry['name']}.indexes", entry["name"]
            yield _page(key, url, (LOCK, f"{environments.COMPONENT} {user}"))


def _page(key: str, url: str, users: tuple[str, ...]) -> Found:
    use = Use(source=key, kind="index", title="Python packages", url=_shown(url), origin="profile", used_by=users)
    return Found(use, partial(answers.pages, url), f"correct {key} in the profile, or let this machine reach it")


def _pytorch(site: Site) -> Iterator[Found]:
    """The folders that were solved for; before that, whether there may be one."""
    names = site.catalog.frameworks[PYTORCH].distributions()
    asking = [
        env.name
        for env in wished(site.profile, "x86_64", site.catalog)
        if any(wish.name in names for wish in env.wishes)
    ]
    if site.profile.requests.device != "gpu" or not site.envs() or not asking:
        return
    solved = [found for classes in site.platforms.values() for found in classes]
    if not solved:
        users = (LOCK, *(f"{environments.COMPONENT} {name}" for name in asking))
        url = site.named(PYTORCH) or ""
        ask = UNSOLVED if UNFILLED.search(url) else partial(answers.pages, url, "torch")
        yield Found(site.use(PYTORCH, "index", url=_shown(url), used_by=users), ask, _elsewhere(PYTORCH))
    for url, envs in _folders(site, solved).items():
        users = (LOCK, *(f"{environments.COMPONENT} {name}" for name in envs))
        use = site.use(PYTORCH, "index", url=_shown(url), used_by=users)
        yield Found(use, partial(answers.pages, url, "torch"), _elsewhere(PYTORCH))


def _folders(site: Site, solved: Iterable[HostClass]) -> dict[str, list[str]]:
    """{URL: environments} of the indexes that the lock has beside the profile's own."""
    own = {entry["name"]: entry.get("indexes") or () for entry in site.envs()}
    folders: dict[str, list[str]] = {}
    for entry in _decided(solved, environments.COMPONENT, "envs"):
        for url in entry.get("indexes") or ():
            users = folders.setdefault(url, []) if url not in own[entry["name"]] else []
            users += [entry["name"]] if entry["name"] not in users else []
    return folders


def _apt(site: Site) -> Iterator[Found]:
    """Repositories of all channels: a lock looks into each, hosts have those that something is installed from."""
    if site.profile.requests.device != "gpu":
        return
    on_hosts = repositories.COMPONENT in site.chosen
    if not site.platforms:
        for name, source in site.catalog.sources.items():
            if source.apt and source.apt.channel:
                users = (LOCK, repositories.COMPONENT) if on_hosts else (LOCK,)
                use = site.use(name, "apt", url=_shown(site.named(name)), used_by=users, needed=on_hosts)
                yield Found(use, INCOMPLETE)
    for platform, classes in site.platforms.items():
        case = Case(site.profile, platform, [], site.catalog)
        decided = {entry["name"] for entry in _decided(classes, repositories.COMPONENT, "repositories")}
        for channel in TITLES:
            for name, apt in repositories.repositories(channel, platform, site.catalog):
                entry = repositories.repository(name, apt, case)
                needed = on_hosts and (not classes or entry["name"] in decided)
                users = (LOCK, repositories.COMPONENT) if needed else (LOCK,)
                use = site.use(
                    name, "apt", url=_shown(entry["uri"]), platform=platform.name, used_by=users, needed=needed
                )
                yield Found(use, partial(answers.apt, entry), _elsewhere(name))


def _remotes(site: Site) -> Iterator[Found]:
    """Repositories of checkouts."""
    if checkouts.COMPONENT not in site.chosen:
        return
    for entry in site.profile.sections.get(checkouts.COMPONENT, {}).get("checkouts") or []:
        use = Use(
            source=f"{checkouts.COMPONENT}.checkouts",
            kind="git",
            title=entry["dest"],
            url=_shown(entry["url"]),
            origin="profile",
            used_by=(LOCK, f"{checkouts.COMPONENT} {entry['dest']}"),
        )
        ask = partial(answers.remote, entry, site.profile)
        yield Found(use, ask, f"make `git ls-remote {use.url}` answer here; hosts ask with their own credentials")


def _unused(site: Site, uses: set[str]) -> Iterator[Found]:
    """Sources that the profile moves without need."""
    for name, source in site.catalog.sources.items():
        if name in site.profile.sources and name not in uses:
            kind: Literal["apt", "index"] = "apt" if source.apt else "index"
            yield Found(site.use(name, kind, url=_shown(site.named(name)), needed=False), UNUSED)


def _decided(classes: Iterable[HostClass], component: str, argument: str) -> list[dict[str, Any]]:
    """All that a list argument has in the classes."""
    return [
        entry for found in classes for entry in found.components.get(component, {}).get(f"{component}_{argument}") or []
    ]


def _shown(url: str | None) -> str | None:
    return answers.public(url) if url else None


def _elsewhere(name: str) -> str:
    return f"let this machine reach it, or name a mirror in the profile: 'sources: {{{name}: URL}}'"
