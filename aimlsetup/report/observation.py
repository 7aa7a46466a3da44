"""Observations as lines to read."""

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from aimlsetup.models.observation import Observation
from aimlsetup.report.made import counted
from aimlsetup.report.table import columns, size
from aimlsetup.ui import Line


def lines(hosts: Mapping[str, Observation]) -> list[Line]:
    """Facts and receipts of each host."""
    return [line for name, found in sorted(hosts.items()) for line in _host(name, found)]


def document(hosts: Mapping[str, Observation], errors: Mapping[str, dict[str, object]]) -> dict[str, object]:
    """The same for programs; `errors` are documents of why a host could not be observed."""
    found = {name: observation.model_dump(mode="json") for name, observation in sorted(hosts.items())}
    return {"version": 1, "kind": "observation", "hosts": found, "errors": dict(errors)}


def _host(name: str, found: Observation) -> list[Line]:
    facts = columns([(f"  {label}", text) for label, text in _facts(found)])
    receipts = [_receipt(component, found) for component in found.receipts]
    unowned = columns([(f"    {label}", text) for label, text in _unowned(found.found)])
    head = [Line("  there, and owned by no receipt:")] if unowned else []
    return [Line(name, "bold"), *(Line(text) for text in facts), *head, *(Line(text) for text in unowned), *receipts]


def _unowned(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[tuple[str, str]]:
    """One row per thing; of directories one for each root, of packages only how many and which are held."""
    rows = _roots(found.get("paths", {}))
    rows += [(path, _virtualenv(what)) for path, what in found.get("venvs", {}).items()]
    rows += [(path, _checkout(what)) for path, what in found.get("checkouts", {}).items()]
    rows += [(unit, _unit(what)) for unit, what in found.get("units", {}).items()]
    rows += [(port, what["holder"]) for port, what in found.get("ports", {}).items()]
    rows += [(place, f"apt source {what['uri']}") for place, what in found.get("sources", {}).items()]
    packages = found.get("packages", {})
    held = sorted(f"{name} {what['version']}" for name, what in packages.items() if what["hold"])
    if packages:
        rows.append(("packages", f"{len(packages)} of NVIDIA or held; held: {', '.join(held) or 'none'}"))
    return rows


def _roots(paths: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    rows = []
    for path in sorted(path for path in paths if str(PurePosixPath(path).parent) not in paths):
        inside = Counter(what["type"] for name, what in paths.items() if str(PurePosixPath(name).parent) == path)
        counts = ", ".join(counted(number, kind) for kind, number in sorted(inside.items()))
        what = paths[path]
        whose = f"{what['owner']}:{what['group']} {what['mode']}" if "owner" in what else f"link to {what['target']}"
        rows.append((path, "; ".join(filter(None, (whose, counts)))))
    return rows


def _virtualenv(what: Mapping[str, Any]) -> str:
    packages = [f"{name} {version}" for name, version in sorted(what["packages"].items())]
    links = [f"behind {link}" for link in what["links"]]
    usable = [] if what["usable"] else ["its interpreter is gone"]
    return ", ".join([f"Python {what['python']}", *packages, *links, *usable])


def _checkout(what: Mapping[str, Any]) -> str:
    changed = {True: ["local changes"], False: [], None: ["not known whether it has local changes"]}[what["changed"]]
    where = f"{what['branch'] or 'no branch'} at {str(what['head'])[:12]}"
    return ", ".join([what["url"] or "no remote", where, f"of {what['owner']}", *changed])


def _unit(what: Mapping[str, Any]) -> str:
    if "problem" in what:
        return f"gunicorn, but {what['problem']}"
    served = f"{what['model_key'] or 'no model key'} on {what['address']} port {what['port']}"
    return f"{served}, as {what['user']}, {what['active']}, {what['enabled']}"


def _facts(found: Observation) -> list[tuple[str, str]]:
    facts = found.facts
    rows = [("system", f"{facts['release']['name']}, {facts['kernel']} {facts['arch']}")]
    if found.bare:
        return [*rows, ("python", "none")]
    gpus = ", ".join(f"{gpu['id']} ({gpu['driver'] or 'no driver'})" for gpu in facts["gpus"])
    disks = ", ".join(f"{disk['mount']} {size(disk['free'])} free" for disk in facts["disks"])
    pythons = ", ".join(f"{path} {version}" for path, version in sorted(facts["pythons"].items()))
    rows += [
        ("cpu", f"{facts['cpu']['count']} x {facts['cpu']['model']}"),
        ("memory", f"{size(facts['memory']['total'])}, {size(facts['memory']['available'])} available"),
        ("disks", disks or "none seen"),
        ("gpus", gpus or "none"),
        ("nvidia driver", _driver(facts.get("nvidia") or {})),
        ("pythons", pythons or "none"),
        ("secure boot", facts["secure_boot"]),
    ]
    if facts["package_locks"]:
        rows.append(("package locks", ", ".join(facts["package_locks"])))
    if found.lease:
        rows.append(("lease", f"{found.lease['holder']}, run {found.lease['run']}"))
    return rows


def _driver(nvidia: Mapping[str, Any]) -> str:
    """`535.261.03 (open), libraries 535.247.01`."""
    if not nvidia.get("driver"):
        return "none"
    state = nvidia["flavour"] or "of unknown flavour" if nvidia["loaded"] else "not loaded"
    library = "" if nvidia["library"] == nvidia["driver"] else f", libraries {nvidia['library'] or 'none'}"
    return f"{nvidia['driver']} ({state}){library}"


def _receipt(component: str, found: Observation) -> Line:
    receipt = found.receipts[component]
    if receipt.dirty:
        return Line(f"  ~ {component}: an apply of it did not finish", "change")
    if receipt.differences:
        return Line(f"  ~ {component}: {receipt.differences[0]} ({len(receipt.differences)} in all)", "change")
    return Line(f"  = {component}: as its receipt says", "good")
