"""Values that end up as words of a command, in unit files or in account databases: what they must look like, told with
their place before any host is asked.

What no rule names is data, whatever it contains: the roles write it quoted. Paths are known by the roles' specs.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.content import util
from aimlsetup.files import Location, Problem

SHOWN = 60  # characters of a value in an error
Check = Callable[[str], str | None]  # None when the value is in order, else what is expected

# {component: {option without list positions: what it must be}}; of a mapping with free keys, the keys are meant.
RULES: dict[str, dict[str, str]] = {
    "base": {
        "packages": "package",
        "python.name": "build",
        "python.url": "url",
        "python.sha256": "sha256",
        "groups.name": "account",
        "users.name": "account",
        "users.group": "account",
        "users.groups": "account",
        "roots.owner": "account",
        "roots.group": "account",
        "roots.mode": "mode",
    },
    "codehub": {
        "owner": "account",
        "group": "account",
        "service_group": "account",
        "config_owner": "account",
        "app_omit": "setting",
        "paths_omit": "setting",
        "python_version": "python_version",
        "virtualenvs_dir": "plain_path",
        "paths": "variable",
        "exports": "variable",
    },
    "cuda": {
        "compilers": "package",
        "default": "series",
    },
    "data_links": {
        "links.path": "path",
        "links.store": "path",
        "links.owner": "account",
        "links.group": "account",
        "links.mode": "mode",
        "links.directories": "relative_path",
    },
    "gateway": {
        "address": "address",
        "models.model_key": "model_key",
        "models.servers.host": "host_name",
        "models.servers.address": "endpoint",
        "models.health_path": "url_path",
        "default_model": "model_key",
        "base_path": "base_path",
        "body_size": "body_size",
        "allow": "network",
        "tools.path": "tool_path",
        "tools.url": "origin",
        "tools.allow": "network",
        "tls.certificate": "certificates",
        "user": "account",
    },
    "mongodb": {
        "version": "mongodb",
        "client_packages": "package",
        "data_dir": "plain_path",
        "db_dir": "plain_path",
        "bind": "address",
        "users.database": "database",
        "users.name": "username",
        "users.roles": "role",
        "replica_set": "common_name",
        "data_version": "mongodb",
    },
    "network": {
        "proxy": "proxy",
        "no_proxy": "host",
        "ca_bundle": "certificates",
        "credentials.url": "origin",
        "credentials.username": "username",
    },
    "python_env": {
        "envs.name": "common_name",
        "envs.python": "interpreter",
        "envs.imports": "module",
        "envs.indexes": "url",
        "root": "plain_path",
        "builds.name": "build",
        "builds.url": "url",
        "builds.sha256": "sha256",
        "builds_root": "plain_path",
        "uv_root": "plain_path",
        "index": "url",
        "owner": "account",
        "group": "account",
    },
    "redis": {
        "packages": "package",
        "bind": "address",
        "maxmemory": "bytes",
    },
    "repos": {
        "owner": "account",
        "group": "account",
        "checkouts.dest": "path",
        "checkouts.url": "repository",
        "checkouts.version": "version",
        "checkouts.commit": "commit",
        "checkouts.sparse": "sparse",
        "checkouts.known_hosts": "known_hosts",
    },
    "ai_service": {
        "services.model_key": "model_key",
        "services.unit": "unit",
        "services.address": "address",
        "services.env": "common_name",
        "services.app": "app",
        "services.health_path": "health_path",
        "services.memory_max": "memory",
        "services.cpu_quota": "cpu_quota",
        "services.gpus": "gpu",
        "services.gpu_memory": "size",
        "services.needs.config": "setting",
        "services.needs.host": "host",
        "services.needs.url": "url",
        "services.environment": "variable",
        "services.release.creates": "relative_path",
        "user": "account",
        "group": "account",
        "release_owner": "account",
        "devices": "device",
        "memory_max": "memory",
        "virtualenvs_dir": "plain_path",
    },
    "jupyter": {
        "env": "common_name",
        "address": "address",
        "base_path": "path_prefix",
        "user": "account",
        "group": "account",
        "devices": "device",
        "memory_max": "memory",
        "virtualenvs_dir": "plain_path",
    },
    "monitoring": {
        "address": "address",
    },
    "tensorboard": {
        "env": "common_name",
        "address": "address",
        "base_path": "path_prefix",
        "user": "account",
        "group": "account",
        "virtualenvs_dir": "plain_path",
    },
    "tf_serving": {
        "package": "package",
        "models.model_key": "model_key",
        "models.dnnarch": "common_name",
        "models.name": "tensorflow_model",
        "clients": "client",
        "user": "account",
        "group": "account",
        "devices": "device",
        "memory_max": "memory",
    },
}


def expected(kind: str, value: str) -> str | None:
    """None when a value is of this kind, else what was expected."""
    found: str | None = OTHERS[kind](value) if kind in OTHERS else util("shapes").expected(kind, value)
    return found


def problems(data: Mapping[str, Any], catalog: Catalog) -> Iterator[Problem]:
    """Values of the components' sections that are not what they must be."""
    for name, path in (data.get("roots") or {}).items():
        yield from _problem(("roots", name), path, "plain_path" if name == "virtualenvs" else "path")
    for component, options in catalog.options.items():
        for name, option in options.items():
            key = name.removeprefix(f"{component}_")
            value = (data.get(component) or {}).get(key)
            for dotted, location, text, is_path in _texts(option, value, key, (component, key)):
                yield from _problem(location, text, RULES.get(component, {}).get(dotted, "path" if is_path else None))


def _problem(location: Location, text: str, kind: str | None) -> Iterator[Problem]:
    words = expected(kind, text) if kind else "text without NUL" if "\0" in text else None
    if words:
        secret = kind == "url"  # it may hold a password
        shown = "this" if secret else repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
        message = f"{'.'.join(map(str, location))}: {shown} is not accepted"
        yield Problem(location, message, f"write {words}", secret=secret)


def _texts(
    option: Mapping[str, Any], value: Any, dotted: str, location: Location
) -> Iterator[tuple[str, Location, str, bool]]:
    """(option, place, text, whether its spec says it is a path) of all texts, and of the free keys of mappings."""
    suboptions = option.get("options")
    if isinstance(value, list):
        element = {**option, "type": option.get("elements", "raw")}
        for index, item in enumerate(value):
            yield from _texts(element, item, dotted, (*location, index))
    elif isinstance(value, dict) and suboptions:
        for key, item in value.items():
            yield from _texts(suboptions[key], item, f"{dotted}.{key}", (*location, key))
    elif isinstance(value, dict):
        yield from ((dotted, (*location, key), key, False) for key in value)
    elif isinstance(value, str):
        yield dotted, location, value, option.get("type") == "path"


def _shape(check: str) -> Check:
    """A check of `plugins/module_utils/shapes.py` that is more than a pattern."""

    def checked(value: str) -> str | None:
        found: str | None = getattr(util("shapes"), check)(value)
        return found

    return checked


def _package(value: str) -> str | None:
    try:
        util("apt").parse_wish(value)
    except ValueError:
        return "the name of a Debian package, or name=version"
    return None


def _git(check: str, words: str) -> Check:
    """A check by what `plugins/module_utils/gitnames.py` refuses."""

    def checked(value: str) -> str | None:
        names = util("gitnames")
        try:
            getattr(names, check)([value] if check in ("sparse", "known_hosts") else value)
        except names.Bad:
            return words
        return None

    return checked


OTHERS: dict[str, Check] = {
    "address": _shape("expected_address"),
    "endpoint": _shape("expected_endpoint"),
    "network": _shape("expected_network"),
    "client": _shape("expected_client"),
    "interpreter": lambda value: expected("plain_path", value) if value.startswith("/") else None,
    "package": _package,
    "repository": _git("source", "https://HOST/PATH, ssh://[USER@]HOST/PATH, [USER@]HOST:PATH or an absolute path"),
    "version": _git("version", "a branch, tag or commit, such as 'main', 'v2.0' or a commit id"),
    "commit": _git("commit", "a commit by all of its digits"),
    "sparse": _git("sparse", "a directory of the repository, as a plain relative path"),
    "known_hosts": _git("known_hosts", "a line of a known_hosts file: HOST TYPE KEY"),
}
