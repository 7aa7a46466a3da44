"""The proof table: component, wanted, found, ok."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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


def prove(host: str, drifts: Sequence[Drift], broken: Mapping[str, str]) -> list[Proof]:
    """A row per component. `broken` maps components whose functional check failed to what it said."""
    return [_row(host, drift, broken.get(drift.component)) for drift in drifts]


def _row(host: str, drift: Drift, broken: str | None) -> Proof:
    if drift.action == "-":
        return Proof(host, drift.component, "absent", "present", ok=False)
    if drift.action != "=":
        shown = "; ".join(drift.reasons[:REASONS])
        more = len(drift.reasons) - REASONS
        return Proof(host, drift.component, "as locked", shown + (f"; and {more} more" if more > 0 else ""), ok=False)
    if broken:
        return Proof(host, drift.component, "works", broken, ok=False)
    return Proof(host, drift.component, "as locked, works", "as locked, works", ok=True)


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
