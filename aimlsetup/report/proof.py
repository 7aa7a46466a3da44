"""The proof table: component, wanted, found, ok."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aimlsetup.models.observation import ReceiptState
from aimlsetup.models.plan import Drift
from aimlsetup.report.table import columns
from aimlsetup.ui import Line

HEADER = ("host", "component", "wanted", "found", "ok")
REASONS = 1


class Proof(NamedTuple):
    """One component of one host: what was wanted, what was found."""

    host: str
    component: str
    wanted: str
    found: str
    ok: bool


def prove(
    host: str,
    drifts: Sequence[Drift],
    receipts: Mapping[str, ReceiptState],
    broken: Mapping[str, str],
    notes: Mapping[str, str],
) -> list[Proof]:
    """A row per component. `broken` maps components whose functional check failed to what it said, `notes` those whose
    check could not check everything to why.
    """
    return [
        _row(host, drift, receipts.get(name), broken.get(name), notes.get(name))
        for drift in drifts
        for name in (drift.component,)
    ]


def _row(host: str, drift: Drift, receipt: ReceiptState | None, broken: str | None, note: str | None) -> Proof:
    if drift.action == "-":
        return Proof(host, drift.component, "absent", "present", ok=False)
    wanted = f"{owned(receipt)}; works"
    if drift.action != "=":
        shown = "; ".join(drift.reasons[:REASONS])
        more = len(drift.reasons) - REASONS
        return Proof(host, drift.component, wanted, shown + (f"; and {more} more" if more > 0 else ""), ok=False)
    works = "all as wanted; works" + (f"; {note}" if note else "")
    return Proof(host, drift.component, wanted, broken or works, ok=not broken)


def owned(receipt: ReceiptState | None) -> str:
    """What a component answers for, in numbers: `2 accounts, 6 packages, 9 paths`."""
    counts = {kind: len(names) for kind, names in sorted(receipt.owned.items())} if receipt else {}
    return (
        ", ".join(f"{count} {kind[:-1] if count == 1 else kind}" for kind, count in counts.items() if count)
        or "as locked"
    )


def lines(proofs: Sequence[Proof]) -> list[Line]:
    """The table to read."""
    rows = [(*proof[:4], "ok" if proof.ok else "NOT OK") for proof in proofs]
    head, *body = columns([HEADER, *rows])
    return [
        Line(head, "bold"),
        *(Line(text, "good" if proof.ok else "bad") for text, proof in zip(body, proofs, strict=True)),
    ]


def document(proofs: Sequence[Proof]) -> dict[str, object]:
    """The table for programs."""
    return {
        "version": 1,
        "kind": "verify",
        "ok": all(proof.ok for proof in proofs),
        "proofs": [p._asdict() for p in proofs],
    }
