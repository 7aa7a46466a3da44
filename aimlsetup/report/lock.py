"""Changed pins as lines to read."""

from itertools import groupby

from aimlsetup.models.lock import Change
from aimlsetup.report.table import columns
from aimlsetup.ui import Line, Style

STYLES: dict[str, Style] = {"+": "add", "~": "change", "-": "remove"}


def lines(changes: list[Change]) -> list[Line]:
    """By host class: sign, pin, versions and the first reason."""
    return [
        line
        for name, found in groupby(changes, key=lambda change: change.host_class)
        for line in (Line(name, "bold"), *_class(list(found)))
    ]


def _class(changes: list[Change]) -> list[Line]:
    rows = [(_sign(change), change.pin, _versions(change), _reason(change)) for change in changes]
    return [Line(f"  {text}", STYLES[row[0]]) for row, text in zip(rows, columns(rows), strict=True)]


def _sign(change: Change) -> str:
    return "+" if change.before is None else "-" if change.after is None else "~"


def _versions(change: Change) -> str:
    return " → ".join(version for version in (change.before, change.after) if version)


def _reason(change: Change) -> str:
    """The first of them, which is the wish where there is one; the lock and `aimlsetup explain` have them all."""
    first, *others = [reason.text for reason in change.because] or [""]
    return f"{first} (and {len(others)} more)" if others else first
