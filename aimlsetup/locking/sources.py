"""The sources that a profile uses: for what, from where, filled in for each platform; and how to ask each.

Nothing is asked here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Release
from aimlsetup.content import util
from aimlsetup.locking import (
    answers,
    builds,
    checkouts,
    components,
    environments,
    index,
    network,
    profile_digest,
    repositories,
    tf_serving,
)
from aimlsetup.locking.access import public
from aimlsetup.locking.availability import TITLES
from aimlsetup.locking.decision import Case
from aimlsetup.locking.platforms import BUILDS, Platform
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

    def use(self, source: str, kind: Literal["apt", "index", "download"], **more: Any) -> Use:
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
    uses: list[Found] = []
    for layer in (profile, *(profile.of([group]) for group in profile.groups)):
        more = [_with_account(one, layer) for one in _uses(Site(layer, catalog, platforms))]
        uses += [found for found in more if found.use not in [known.use for known in uses]]
    unused = _unused(Site(profile, catalog, platforms), {found.use.source for found in uses})
    return [*uses, *(_with_account(one, profile) for one in unused)]


def _uses(site: Site) -> Iterator[Found]:
    """All that a site uses."""
    for of_one_kind in (_network, _archives, _pypi, _pytorch, _builds, _apt, _model_server, _further, _remotes):
        yield from of_one_kind(site)


def _with_account(found: Found, profile: Profile) -> Found:
    """With the name of the account that the profile has for its server."""
    settings = profile.sections.get(network.COMPONENT, {})
    given = {"credentials": settings.get("credentials") or []}
    account = util("network").account(found.use.url or "", given)
    return replace(found, use=found.use.model_copy(update={"account": account["username"]})) if account else found


def _network(site: Site) -> Iterator[Found]:
    """The proxy, and the authorities that are trusted besides the system's."""
    section = site.profile.sections.get(network.COMPONENT, {})
    users = (LOCK, network.COMPONENT)
    if proxy := section.get("proxy"):
        key = f"{network.COMPONENT}.proxy"
        use = Use(source=key, kind="proxy", title="Proxy", url=proxy, origin="profile", used_by=users)
        yield Found(use, partial(answers.proxy, proxy), f"correct {key} in the profile, or start the proxy")
    if section.get("ca_bundle"):
        key = f"{network.COMPONENT}.ca_bundle"
        shown = section["ca_bundle"] if section["ca_bundle"].startswith("/") else "in the profile itself"
        use = Use(source=key, kind="authority", title="Authorities", url=shown, origin="profile", used_by=users)
        yield Found(use, partial(answers.authorities, site.profile), f"correct {key} in the profile")


def _archives(site: Site) -> Iterator[Found]:
    """The distributions' own archives, where the profile moves them; on GPUs they are among the channels'."""
    if site.profile.requests.device == "gpu":
        return
    for platform in site.platforms:
        case = Case(site.profile, platform, [], site.catalog)
        for name, apt in network.archives(platform, site.profile, site.catalog):
            entry = network.repository(name, apt, case)
            asked = entry if "key" in entry else {**entry, "signed_by": entry["keyring"]}
            use = site.use(
                name, "apt", url=_shown(entry["uri"]), platform=platform.name, used_by=(network.COMPONENT,)
            )
            yield Found(use, partial(answers.apt, asked), _elsewhere(name))


def _builds(site: Site) -> Iterator[Found]:
    """Standalone Pythons: the one that modules run on where a host has none, and those of environments."""
    if builds.COMPONENT not in site.chosen:
        return
    for url, users in _built(site).items():
        needed = environments.COMPONENT in users
        use = site.use(BUILDS, "download", url=_shown(url), used_by=tuple(users), needed=needed)
        yield Found(use, partial(answers.file, url), _elsewhere(BUILDS))
    if not site.platforms and site.profile.mirror(BUILDS):
        use = site.use(BUILDS, "download", url=_shown(site.named(BUILDS)), used_by=(builds.COMPONENT,), needed=False)
        yield Found(use, INCOMPLETE)


def _built(site: Site) -> dict[str, list[str]]:
    """{URL: components} of the builds that the lock names."""
    solved = [found for classes in site.platforms.values() for found in classes]
    private = [found.components.get(builds.COMPONENT, {}).get(f"{builds.COMPONENT}_python") for found in solved]
    named = [(one["url"], builds.COMPONENT) for one in private if one]
    named += [(one["url"], environments.COMPONENT) for one in _decided(solved, environments.COMPONENT, "builds")]
    users: dict[str, list[str]] = {}
    for url, component in named:
        users.setdefault(url, []).append(component)
    return {url: list(dict.fromkeys(found)) for url, found in users.items()}


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
                installs = on_hosts and (not classes or entry["name"] in decided)
                moved = channel == network.CHANNEL and bool(site.profile.mirror(name))
                on = [*([repositories.COMPONENT] if installs else []), *([network.COMPONENT] if moved else [])]
                use = site.use(
                    name,
                    "apt",
                    url=_shown(entry["uri"]),
                    platform=platform.name,
                    used_by=(LOCK, *on),
                    needed=installs or moved,
                )
                yield Found(use, partial(answers.apt, entry), _elsewhere(name))


def _model_server(site: Site) -> Iterator[Found]:
    """TensorFlow Serving's repository, which hosts alone read."""
    if tf_serving.COMPONENT not in site.chosen:
        return
    name, users = tf_serving.SOURCE, (tf_serving.COMPONENT,)
    for platform in site.platforms:
        case = Case(site.profile, platform, [], site.catalog)
        if tf_serving.serves(platform, case):
            entry = tf_serving.repository(case)
            use = site.use(name, "apt", url=_shown(entry["uri"]), platform=platform.name, used_by=users)
            yield Found(use, partial(answers.apt, entry), _elsewhere(name))
    if not site.platforms:
        yield Found(site.use(name, "apt", url=_shown(site.named(name)), used_by=users), INCOMPLETE)


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
            kind: Literal["apt", "index", "download"] = (
                "apt" if source.apt else "download" if name == BUILDS else "index"
            )
            yield Found(site.use(name, kind, url=_shown(site.named(name)), needed=False), UNUSED)


def _decided(classes: Iterable[HostClass], component: str, argument: str) -> list[dict[str, Any]]:
    """All that a list argument has in the classes."""
    return [
        entry for found in classes for entry in found.components.get(component, {}).get(f"{component}_{argument}") or []
    ]


def _shown(url: str | None) -> str | None:
    return public(url) if url else None


def _elsewhere(name: str) -> str:
    return f"let this machine reach it, or name a mirror in the profile: 'sources: {{{name}: URL}}'"
