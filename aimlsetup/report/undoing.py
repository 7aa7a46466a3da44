"""What taking components back does, or has done, as lines to read."""

from collections.abc import Iterator, Mapping

from aimlsetup.models.plan import Undoing
from aimlsetup.report.plan import DIFF_STYLES
from aimlsetup.report.table import folded
from aimlsetup.ui import Line, Style

INDENT = " " * 4
NAME_LINES, LEFT_LINES = 3, 20


def lines(undoings: Mapping[str, Undoing], *, done: bool = False, detail: bool = False, width: int = 100) -> list[Line]:
    """Every host: which components, packages, what comes back and what goes. `detail` shows each thing on its line."""
    return [line for host, found in sorted(undoings.items()) for line in _host(host, found, done, detail, width)]


def _host(host: str, found: Undoing, done: bool, detail: bool, width: int) -> Iterator[Line]:
    if not found.components:
        yield Line(f"{host}: nothing to take back", "dim")
        return
    yield Line(f"{host}: {'took' if done else 'takes'} back {', '.join(found.components)}", "bold")
    goes, changes = _sorted(found.effects.diffs)
    if detail:
        yield from (Line(INDENT + line, _style(line)) for text in found.effects.diffs for line in text.splitlines())
    else:
        folds = folded(f"- {len(goes)} things", goes, INDENT, width, NAME_LINES) if goes else []
        yield from (Line(text, "remove") for text in folds)
        yield from (Line(INDENT + line, _style(line)) for text in changes for line in text.splitlines())
    yield from (Line(f"{INDENT}package {line}") for line in found.effects.packages)
    yield from (Line(f"{INDENT}restarted {unit}") for unit in found.effects.restarts)
    yield from (Line(f"{INDENT}stays {text}", "change") for text in found.left[:LEFT_LINES])
    if len(found.left) > LEFT_LINES:
        yield Line(f"{INDENT}and {len(found.left) - LEFT_LINES} more that stay")


def _sorted(diffs: list[str]) -> tuple[list[str], list[str]]:
    """(names of what goes, descriptions of what comes back or changes)."""
    goes = [text[2:] for text in diffs if text.startswith("- ")]
    return goes, [text for text in diffs if not text.startswith("- ")]


def _style(line: str) -> Style:
    return DIFF_STYLES.get(line[:1], "dim")
