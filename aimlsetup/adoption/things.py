"""Data links, environments, checkouts and services, as they are; and what of all that no option can say. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from aimlsetup.adoption.tree import Places
from aimlsetup.content import util
from aimlsetup.models.observation import Observation

DATED = re.compile(r"-\d{6}_\d{6}$")
LINKED = ("logs", "data-mongo")  # what is usually a link to a dated directory
STEM = re.compile(r"(?P<name>.+?_\d+)(-\d+)*_<?\d{4}")  # py_3 of py_3-6-9_2019-12-21 and of py_3_20200128_1342


@dataclass
class Part:
    """One component's section; what was left out, with the reason; and what its reader should know."""

    section: dict[str, Any] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def links(found: Observation, where: Places) -> Part:
    """Links to dated directories below the data root."""
    paths, part, entries = found.found.get("paths", {}), Part(), []
    for path, what in paths.items():
        name = PurePosixPath(path).name
        if str(PurePosixPath(path).parent) != where.roots["data"] or DATED.search(name):
            continue
        if what["type"] == "directory" and name.startswith(LINKED):
            part.left[path] = "a directory, which a data link would move; list it under data_links if you want that"
        elif what["type"] == "link" and what.get("broken"):
            part.left[path] = f"a link that leads nowhere: {what['target']}"
        elif what["type"] == "link":
            entries.append(_link(path, what["target"]))
    part.section = {"links": entries} if entries else {}
    return part


def _link(path: str, text: str) -> dict[str, Any]:
    """One data link; the dated directory may lie elsewhere, or not be dated at all."""
    beside = PurePosixPath(path).parent
    target = PurePosixPath(text) if text.startswith("/") else beside / text
    dated = DATED.sub("", target.name) == PurePosixPath(path).name and target.name != PurePosixPath(path).name
    if not dated:
        return {"path": path, "elsewhere_ok": True}
    return {"path": path} | ({"store": str(target.parent)} if target.parent != beside else {})


def environments(found: Observation, where: Places) -> Part:
    """Virtualenvs with a common name, those that have none by the name they would get."""
    part, entries = Part(), {}
    root = where.roots["virtualenvs"]
    for path, what in found.found.get("venvs", {}).items():
        names = [PurePosixPath(link).name for link in what["links"] if str(PurePosixPath(link).parent) == root]
        derived = STEM.match(PurePosixPath(path).name)
        if not what["usable"] or not what["python"]:
            part.left[path] = "its interpreter is gone"
        elif not names and not derived:
            part.left[path] = "no common name leads to it, and its own tells none"
        else:
            name = names[0] if names else str(derived and derived["name"])
            if name in entries and not names:
                part.left[path] = f"{name} is another one"
                continue
            entries[name] = {"name": name, "python": what["python"], "requirements": [], "existing": path}
            part.left.pop(path, None)
    state = found.found.get("paths", {}).get(root, {})
    if entries:
        part.section = {
            "owner": state.get("owner", where.owner),
            "group": state.get("group", where.group),
            "envs": list(entries.values()),
        }
    return part


def checkouts(found: Observation) -> Part:
    """Checkouts at the commit they are at: one owner, and a remote that a profile may name."""
    part = Part()
    known = found.found.get("checkouts", {})
    owners = Counter(what["owner"] for what in known.values() if what["owner"])
    owner = owners.most_common(1)[0][0] if owners else None
    entries = []
    for path, what in known.items():
        if why := _unfit(what, owner):
            part.left[path] = why
            continue
        entries.append({"dest": path, "url": what["url"], "version": what["head"]})
        if what["changed"]:
            part.notes.append(f"{path}: it has local changes, which stay; a change of its version would be refused")
        if what["branch"]:
            part.notes.append(f"{path}: kept at its commit; `version: {what['branch']}` would follow that branch")
    if entries:
        part.section = {"owner": owner, "checkouts": entries}
    return part


def _unfit(what: Mapping[str, Any], owner: str | None) -> str:
    names = util("gitnames")
    if not what["url"]:
        return "a repository without a remote named origin"
    if what["owner"] != owner:
        return f"it belongs to {what['owner']}, and the others to {owner}"
    try:
        names.source(what["url"])
        names.commit(what["head"] or "")
    except names.Bad as bad:
        return str(bad)
    return ""


def services(found: Observation) -> Part:
    """Hand-written units that serve a model: they are watched, and stay as they are."""
    part = Part()
    entries: list[dict[str, Any]] = []
    for unit, what in found.found.get("units", {}).items():
        why = _unclear(what, entries)
        if why:
            part.left[unit] = why
            continue
        entry = {key: what[key] for key in ("model_key", "port", "address", "app", "app_dir", "queue")}
        entries.append({**{key: value for key, value in entry.items() if value}, "unit": unit})
        if what["active"] != "active":
            part.notes.append(f"{unit}: it does not run ({what['active']})")
    part.section = {"services": entries} if entries else {}
    return part


def _unclear(what: Mapping[str, Any], entries: list[dict[str, Any]]) -> str:
    if "problem" in what:
        return str(what["problem"])
    if not what["model_key"]:
        return "it names no API_MODEL_KEY"
    if any(entry["port"] == what["port"] or entry["model_key"] == what["model_key"] for entry in entries):
        return f"another unit serves {what['model_key']} or has port {what['port']} already"
    shapes = util("shapes")
    for kind, key in (("model_key", "model_key"), ("app", "app"), ("path", "app_dir")):
        words = what[key] and shapes.expected(kind, what[key])
        if words:
            return f"{key} {what[key]!r}: expected {words}"
    return str(shapes.expected_address(what["address"]) or "")


def others(found: Observation, where: Places) -> dict[str, str]:
    """What no component of an adopted profile covers."""
    known = found.found
    left = dict.fromkeys(_gpu(known), "versions are solved, not adopted: `aimlsetup doctor` judges them")
    left |= {
        name: f"kept: dpkg holds it at {what['version']}"
        for name, what in known.get("packages", {}).items()
        if what["hold"]
    }
    left |= {name: f"an apt source of {what['uri']}" for name, what in known.get("sources", {}).items()}
    for path, what in known.get("paths", {}).items():
        if what.get("broken") and str(PurePosixPath(path).parent) != where.roots["data"]:
            left[path] = f"a link that leads nowhere: {what['target']}"
    return left


def _gpu(known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [name for name, what in known.get("packages", {}).items() if not what["hold"]]
