"""Edits in configuration files, as overrides of what would be generated. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aimlsetup.adoption.tree import Places

SECRET = re.compile(r"pass(word|wd)?$|secret|token|credential|api_?key", re.IGNORECASE)
SEARCH = "PYTHONPATH"


@dataclass
class Overrides:
    """Options of the section `codehub`; settings that no option can say; and what its reader should know."""

    section: dict[str, Any] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Generated:
    """What aimlsetup would write without overrides, as data."""

    app: Mapping[str, Any]
    paths: Mapping[str, Any]
    exports: Mapping[str, str]


@dataclass(frozen=True)
class Documents:
    """Contents of app.yml, paths.yml and the exports, as data; None where there is none, words where it is no such."""

    app: Mapping[str, Any] | str | None = None
    paths: Mapping[str, Any] | str | None = None
    exports: Mapping[str, str] | str | None = None

    def overrides(self, generated: Generated, where: Places) -> Overrides:
        """What differs from what would be generated."""
        made = Overrides()
        for name in ("app", "paths", "exports"):
            if isinstance(text := getattr(self, name), str):
                made.left[_file(name, where)] = text
        if isinstance(self.app, Mapping):
            _app(made, self.app, generated.app, _file("app", where))
        if isinstance(self.paths, Mapping):
            _paths(made, self.paths, generated.paths, _file("paths", where))
        if isinstance(self.exports, Mapping):
            _exports(made, self.exports, generated.exports)
        return made


def _file(name: str, where: Places) -> str:
    return "/etc/profile.d/codehub.sh" if name == "exports" else f"{where.roots['config']}/{name}.yml"


def _app(made: Overrides, found: Mapping[str, Any], generated: Mapping[str, Any], path: str) -> None:
    changed, gone = _difference(found, generated)
    databases: dict[str, Any] = {}
    changed = _without_secrets(changed, generated, databases, made, path)
    if databases:
        made.section["databases"] = databases
        names = ", ".join(f"DBCFG.{name}.password" for name in databases)
        made.notes.append(f"{names}: not in the profile, which refers to where it is in {path} on the host")
    _give(made, app=changed, app_omit=gone)


def _without_secrets(
    changed: Mapping[str, Any],
    generated: Mapping[str, Any],
    databases: dict[str, Any],
    made: Overrides,
    path: str,
    at: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The overrides but for passwords: those of databases become references, others are left."""
    kept = {}
    for name, value in changed.items():
        here = (*at, name)
        if isinstance(value, Mapping):
            inner = _without_secrets(value, generated, databases, made, path, here)
            if inner or not value:
                kept[name] = inner
        elif SECRET.search(name) and value is not None:
            if len(here) == 3 and here[0] == "DBCFG" and name == "password" and here[1] in generated["DBCFG"]:
                databases[here[1]] = {"password": f"host:{path}#{'.'.join(here)}"}
            else:
                made.left[f"{path}: {'.'.join(here)}"] = "it looks like a secret, and only those of databases fit"
        else:
            kept[name] = value
    return kept


def _paths(made: Overrides, found: Mapping[str, Any], generated: Mapping[str, Any], path: str) -> None:
    changed, gone = _difference(found, generated)
    search = changed.pop(SEARCH, None)
    if search:
        made.left[f"{path}: {SEARCH}"] = f"{', '.join(search)}: each is what the path of that name is; set that instead"
    told = {name: value for name, value in changed.items() if isinstance(value, str)}
    for name in changed.keys() - told.keys():
        made.left[f"{path}: {name}"] = "it is no path"
    _give(made, paths=told, paths_omit=gone)


def _exports(made: Overrides, found: Mapping[str, str], generated: Mapping[str, str]) -> None:
    paths = made.section.get("paths", {})
    changed = {
        name: value
        for name, value in found.items()
        if value != generated.get(name) and value != paths.get(name) and name != "AI_ENVVARS"
    }
    secret = [name for name in changed if SECRET.search(name)]
    for name in secret:
        made.left[f"/etc/profile.d/codehub.sh: {name}"] = "it looks like a secret, which exports are no place for"
    _give(made, exports={name: value for name, value in changed.items() if name not in secret})


def _give(made: Overrides, **options: Any) -> None:
    made.section |= {name: value for name, value in options.items() if value}


def _difference(found: Mapping[str, Any], generated: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(what is to be merged over the generated, dotted names of what is to be left out of it)."""
    changed: dict[str, Any] = {}
    gone = [name for name in generated if name not in found]
    for name, value in found.items():
        before = generated.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            inner, missing = _difference(value, before)
            if inner:
                changed[name] = inner
            gone += [f"{name}.{key}" for key in missing]
        elif name not in generated or not _same(value, before):
            changed[name] = value
    return changed, gone


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one type: to applications 0 and '0' are not the same, nor are 1 and true."""
    return type(one) is type(other) and bool(one == other)
