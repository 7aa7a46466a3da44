"""Observations as lines to read."""

from collections.abc import Mapping
from typing import Any

from aimlsetup.models.observation import Observation
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
    return [Line(name, "bold"), *(Line(text) for text in facts), *receipts]


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
