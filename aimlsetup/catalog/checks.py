"""What a profile may not say although every key and type in it is right. One rule each, with the place."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from aimlsetup.catalog import Catalog, presets, values
from aimlsetup.files import Location, Problem
from aimlsetup.models.profile import layered

# What no two entries of a list may share: section, list, key.
UNIQUE = (
    ("ai_service", "services", "port"),
    ("ai_service", "services", "model_key"),
    ("data_links", "links", "path"),
    ("python_env", "envs", "name"),
    ("repos", "checkouts", "dest"),
)
TOOLS = ("tensorboard", "jupyter")  # services of one environment each
LIBRARIES = ("cuda", "cudnn", "tensorrt", "nccl")  # of the GPU's stack, what a wish may name
BARE_VERSION = re.compile(r"\d+(\.\d+)*")

Data = Mapping[str, Any]


def problems(data: Data, catalog: Catalog) -> Iterator[Problem]:
    """Everything that is wrong with a profile's data, whose keys and types are known to be right."""
    own = [problem for rule in RULES for problem in rule(data, catalog)]
    yield from own
    for name, group in (data.get("groups") or {}).items():
        whole = layered(data, group)
        found = (problem for rule in RULES for problem in rule(whole, catalog))
        yield from (_within(name, group, problem) for problem in found if problem not in own)


def _within(name: str, group: Data, problem: Problem) -> Problem:
    """A problem of what a group has laid over the profile, at its place in the group."""
    first = problem.location[0]
    location = ("groups", name, *(problem.location if first in group else ()))
    message = problem.message if first in group else f"with this group, {problem.message}"
    return replace(problem, location=location, message=message, at_key=problem.at_key or first not in group)


def _groups(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    known = data.get("groups") or {}
    for name, host in (data.get("hosts") or {}).items():
        for index, group in enumerate((host or {}).get("groups") or []):
            if group not in known:
                yield Problem(("hosts", name, "groups", index), f"no group '{group}'", _near(group, list(known)))


def _components(data: Data, catalog: Catalog) -> Iterator[Problem]:
    for index, name in enumerate(data.get("components") or []):
        if name not in catalog.components:
            yield Problem(("components", index), f"no component '{name}'", _near(name, list(catalog.components)))


def _sources(data: Data, catalog: Catalog) -> Iterator[Problem]:
    for name, given in (data.get("sources") or {}).items():
        url = given["url"] if isinstance(given, dict) else given
        if name not in catalog.sources:
            yield Problem(("sources", name), f"no source '{name}'", _near(name, list(catalog.sources)), at_key=True)
        elif urlsplit(url).username or urlsplit(url).password:
            message = "credentials in a URL are readable by everyone who reads the profile"
            yield Problem(("sources", name), message, "put them into the netrc file of who runs aimlsetup", secret=True)


def _roots(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    for name, path in (data.get("roots") or {}).items():
        if not path.strip("/"):
            yield Problem(("roots", name), f"roots.{name}: the file system's own root is not a place for this")


def _scope(data: Data, catalog: Catalog) -> Iterator[Problem]:
    if data.get("scope", "system") == "system":
        if data.get("prefix"):
            yield Problem(("prefix",), "a prefix, but everything is made for the whole system", "add 'scope: user'")
        return
    for name, host in (data.get("hosts") or {}).items():
        if ((host or {}).get("become") or {}).get("method", "none") != "none":
            message = "'scope: user' makes everything without root"
            yield Problem(("hosts", name, "become"), message, "leave 'become' out")
    for index, name in enumerate(data.get("components") or []):
        if name in catalog.components and catalog.components[name].user is None:
            yield Problem(("components", index), f"{name} needs root", "leave it out, or leave 'scope: user' out")
    channel = (data.get("requests") or {}).get("channel")
    wished = channel["prefer"] if isinstance(channel, Mapping) else channel
    if wished not in (None, "pip"):
        message = f"the channel {wished} installs packages, which needs root"
        yield Problem(("requests", "channel"), message, "leave it out: without root it is 'pip'")


def _become(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    for name, host in (data.get("hosts") or {}).items():
        become = (host or {}).get("become") or {}
        if become.get("password") and become.get("method", "none") == "none":
            yield Problem(
                ("hosts", name, "become", "password"),
                "a password for becoming root, but no method",
                "add 'method: sudo'",
            )


def _wishes(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    requests = data.get("requests") or {}
    wishes: dict[Location, Any] = {("requests", name): requests.get(name) for name in ("python", "keras", *LIBRARIES)}
    wishes |= {("requests", "framework", name): wish for name, wish in (requests.get("framework") or {}).items()}
    wishes["requests", "driver", "version"] = (requests.get("driver") or {}).get("version")
    for index, env in _entries(data, "python_env", "envs"):
        python = env.get("python")
        wishes["python_env", "envs", index, "python"] = None if str(python).startswith("/") else python
    for location, given in wishes.items():
        wish = given["prefer"] if isinstance(given, Mapping) else given
        if wish and not BARE_VERSION.fullmatch(wish) and not _is_specifier(wish):
            yield Problem(location, f"'{wish}' is not a version wish", "write '3.11', '==2.21.0' or '>=2.16,<3'")


def _requirements(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    for index, env in _entries(data, "python_env", "envs"):
        for line, text in enumerate(env.get("requirements") or []):
            location = ("python_env", "envs", index, "requirements", line)
            try:
                wish = Requirement(text)
            except InvalidRequirement:
                yield Problem(location, f"'{text}' is not a requirement", "write 'falcon>=4', one package per entry")
                continue
            if wish.url:
                yield Problem(
                    location,
                    f"'{wish.name}' from a URL: only named sources are fetched from",
                    "serve it from an index and point 'sources: pypi' there",
                )


def _preset(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    name, known = data.get("preset"), presets.load()
    if name is not None and name not in known:
        yield Problem(("preset",), f"no preset '{name}'", _near(name, list(known)))


def _framework(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    preset = presets.load().get(data.get("preset") or "")
    wished: dict[Location, Any] = {("requests", "framework"): (data.get("requests") or {}).get("framework") or {}}
    wished["preset",] = preset.requests.framework if preset else {}
    for location, requested in wished.items():
        if requested and not list(_entries(data, "python_env", "envs")):
            message = f"{', '.join(requested)} is requested, but there is no environment to install it into"
            yield Problem(location, message, "add one to python_env.envs, such as {name: py_3}")


def _gpu(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    requests = data.get("requests") or {}
    wished = [name for name in (*LIBRARIES, "driver") if requests.get(name)]
    # A preset may say 'device: gpu' where the profile does not.
    if wished and requests.get("device", None if data.get("preset") else "cpu") == "cpu":
        message = f"{wished[0]} is requested, but the device is a CPU"
        yield Problem(("requests", wished[0]), message, "add 'device: gpu' to the requests", at_key=True)


def _ports(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    for index, service in _entries(data, "ai_service", "services"):
        port = service.get("port")
        if port is not None and not 1 <= port <= 65535:
            location = ("ai_service", "services", index, "port")
            yield Problem(location, f"{port} is not a port", "choose one from 1 to 65535")


def _unique(data: Data, catalog: Catalog) -> Iterator[Problem]:
    del catalog
    for section, entries, key in UNIQUE:
        seen: dict[Any, int] = {}
        for index, entry in _entries(data, section, entries):
            value = entry.get(key)
            if value in seen:
                message = f"{key} {value} is taken by {section}.{entries}[{seen[value]}]"
                yield Problem((section, entries, index, key), message, f"give every entry a {key} of its own")
            elif value is not None:
                seen[value] = index


def _envs(data: Data, catalog: Catalog) -> Iterator[Problem]:
    names = [env["name"] for _index, env in _entries(data, "python_env", "envs")]
    used: dict[Location, Any] = {("codehub", "env_name"): (data.get("codehub") or {}).get("env_name")}
    default = catalog.options["ai_service"]["ai_service_services"]["options"]["env"]["default"]
    for index, service in _entries(data, "ai_service", "services"):
        if not service.get("unit"):
            used["ai_service", "services", index, "env"] = service.get("env", default)
    for tool in TOOLS:
        used[tool, "env"] = (data.get(tool) or {}).get("env")
    for location, name in used.items():
        if name is not None and name not in names:
            yield Problem(location, f"no environment '{name}' in python_env.envs", _near(name, names))


def _entries(data: Data, section: str, entries: str) -> Iterator[tuple[int, Data]]:
    yield from enumerate((data.get(section) or {}).get(entries) or [])


def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known) or 'none'}"


RULES: tuple[Callable[[Data, Catalog], Iterator[Problem]], ...] = (
    _components,
    _groups,
    _sources,
    _roots,
    _become,
    _scope,
    _wishes,
    _requirements,
    _preset,
    _framework,
    _gpu,
    _ports,
    _unique,
    values.problems,
    _envs,
)
