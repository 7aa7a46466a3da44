"""Lock and observation → drift. Pure: no I/O, no clock.

A component holds when its input digest equals its receipt's and everything the receipt owns is as recorded.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from aimlsetup.content import util
from aimlsetup.models.observation import Observation, ReceiptState, Row
from aimlsetup.models.plan import Drift, Expected, HostPlan

LASTING = ("paths", "venvs", "sources")  # kinds of what no receipt owns that do not change by themselves
BOOTSTRAP = "base"  # brings a host without a Python for modules one
WAY_OUT = "network"  # what that needs first, where a site has one of its own
ENVIRONMENTS = "python_env"  # the one component whose size is known before its host is asked


def compare(expected: Mapping[str, Expected], observation: Observation) -> list[Drift]:
    """The drift of one host: each wanted component in the order of `expected`, before them those to be removed.

    Removal comes first and backwards, as `site.yml` does it: what is made may need what is in its way gone.
    """
    if observation.bare:
        reasons = [_bare(observation)]
        first = [name for name in (WAY_OUT, BOOTSTRAP) if name in expected and BOOTSTRAP in expected]
        return [Drift(component=name, action="+", reasons=reasons) for name in first]
    unwanted = [component for component in observation.receipts if component not in expected]
    removals = [
        Drift(component=component, action="-", reasons=["the lock no longer names it"])
        for component in reversed(unwanted)
    ]
    return removals + [_drift(component, wanted, observation) for component, wanted in expected.items()]


def _bare(observation: Observation) -> str:
    """What the host lacks."""
    old = observation.facts.get("python_old")
    lack = f"the host's Python is {old}, too old for modules" if old else "the host has no Python yet"
    return f"{lack}; the other components are seen once it has one that they run on"


def _drift(component: str, wanted: Expected, observation: Observation) -> Drift:
    receipt = observation.receipts.get(component)
    if receipt is None:
        return Drift(component=component, action="+", reasons=["not there yet"])
    reasons = _reasons(wanted, receipt, observation)
    rows = _own_rows(component, observation)
    if not reasons and not rows:
        return Drift(component=component, action="=")
    return Drift(
        component=component,
        action="~" if receipt.input_digest else "+",
        reasons=reasons + [str(row) for row in rows],
        rows=rows,
    )


def _own_rows(component: str, observation: Observation) -> list[Row]:
    """What differs by the component's own fault: not what is out of reach because another's directory or link is gone.

    Once that one is repaired the host is observed again, and what is really missing shows then.
    """
    others = [receipt for name, receipt in observation.receipts.items() if name != component]
    gone = [PurePosixPath(row.name) for receipt in others for row in receipt.differences if _is_gone(row)]
    return [
        row
        for row in observation.receipts[component].differences
        if not (_is_gone(row) and any(path in PurePosixPath(row.name).parents for path in gone))
    ]


def _is_gone(row: Row) -> bool:
    return row.kind in ("paths", "venvs", "checkouts") and row.field == "" and row.found == "absent"


def _reasons(wanted: Expected, receipt: ReceiptState, observation: Observation) -> list[str]:
    """Why a role must run again, other than for what it owns."""
    reasons = []
    if receipt.dirty:
        reasons.append("an apply of it did not finish")
    if receipt.input_digest and receipt.input_digest != wanted.digest:
        reasons.append("its arguments or its role changed")
    elif receipt.secrets and not util("digest").same_secrets(receipt.secrets, dict(wanted.secrets)):
        reasons.append("a secret changed")
    for reference, before in sorted(receipt.consumed.items()):
        now = _output(reference, observation)
        if now != before:
            reasons.append(f"{reference} changed from {before} to {now}")
    return reasons


def _output(reference: str, observation: Observation) -> object:
    """The value of `component.key` among the outputs recorded on the host."""
    component, _, key = reference.partition(".")
    receipt = observation.receipts.get(component)
    return receipt.outputs.get(key) if receipt else None


def basis(expected: Mapping[str, Expected], observation: Observation) -> str:
    """Digest of all a plan for this host rests on: what is wanted and what its receipts say, but not free memory."""
    ground = {
        "bare": observation.bare,
        "release": observation.facts.get("release"),
        "expected": {component: wanted.digest for component, wanted in expected.items()},
        "receipts": {name: receipt.model_dump(mode="json") for name, receipt in observation.receipts.items()},
        "found": {kind: things for kind, things in observation.found.items() if kind in LASTING},
    }
    return "sha256:" + hashlib.sha256(json.dumps(ground, sort_keys=True).encode()).hexdigest()


def to_apply(drifts: Sequence[Drift]) -> tuple[list[str], list[str]]:
    """(components to run, components to remove), in order."""
    run = [drift.component for drift in drifts if drift.action in "+~"]
    return run, [drift.component for drift in drifts if drift.action == "-"]


def shortage(host: HostPlan, *, likely: bool = False) -> str:
    """The file system that has less room than the host's plan is certain (or `likely`) to take, in words; else ""."""
    claims = [claim.model_dump() for drift in host.drifts for claim in drift.effects.space]
    short: str = util("space").shortage(claims, "need" if likely else "least")
    return short


def hopeless(drifts: Sequence[Drift], arguments: Mapping[str, Mapping[str, Any]], observation: Observation) -> str:
    """Why new environments fit on no file system of the host, in words; else "".

    All of its file systems count, since their root may be a link to any. They take at least what is downloaded; one
    with a receipt, be it dirty, may be there already.
    """
    wanted = any(drift.component == ENVIRONMENTS and drift.action == "+" for drift in drifts)
    if not wanted or ENVIRONMENTS in observation.receipts:
        return ""
    envs = arguments[ENVIRONMENTS][f"{ENVIRONMENTS}_envs"]
    least = sum(env.get("download") or 0 for env in envs)
    disks = observation.facts.get("disks") or []
    if not disks or any(disk["free"] >= least for disk in disks):
        return ""
    most = max(disks, key=lambda disk: int(disk["free"]))
    return (
        f"{most['mount']} has {most['free'] // 10**6} MB free, and the environments need {least // 10**6} MB at least"
    )


def undo(drift: Drift) -> str | None:
    """How a change can be taken back."""
    return {
        "+": "`aimlsetup undo`: what it made goes, what was there before comes back",
        "~": "`aimlsetup undo`: everything as it was before this change",
        "-": "name it in `components` again and apply",
    }.get(drift.action)
