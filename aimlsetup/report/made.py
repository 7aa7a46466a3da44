"""What is made anew, told from what is changed: only the latter is worth reading line by line. Pure."""

import re
from collections.abc import Iterable
from typing import NamedTuple

THING = re.compile(r"\+ (?P<name>.+) \((?P<kind>[a-z ]+)\): (?P<how>.+)")
TEXT = re.compile(
    r"--- .+\n\+\+\+ (?P<name>.+?)(?: \((?P<kind>[a-z ]+)\))?\n@@ -0,0 \+1(?:,(?P<lines>\d+))? @@\n\+(?P<first>.*)"
)
TARGET = re.compile(r"target ([^,]+)")
PLURALS = {"directory": "directories"}


class Made(NamedTuple):
    """One new thing: its kind, and its name with what is worth knowing of it."""

    kind: str
    text: str


def sort_out(diffs: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """({`2 links`: what is made}, diffs of what changes) of a component's diffs."""
    made: dict[str, list[str]] = {}
    changed = []
    for text in diffs:
        new = recognised(text)
        if new:
            made.setdefault(new.kind, []).append(new.text)
        else:
            changed.append(text)
    return {counted(len(names), kind): names for kind, names in made.items()}, changed


def counted(number: int, kind: str) -> str:
    """`1 file`, `2 directories`."""
    return f"{number} {kind if number == 1 else PLURALS.get(kind, f'{kind}s')}"


def recognised(text: str) -> Made | None:
    """The new thing that a diff makes; None of a diff that changes one."""
    return _thing(text) or _text(text)


def _thing(text: str) -> Made | None:
    found = THING.fullmatch(text)
    if not found:
        return None
    target = TARGET.search(found["how"])
    return Made(found["kind"], f"{found['name']} → {target[1]}" if target else found["name"])


def _text(text: str) -> Made | None:
    """A file with its length; anything else is described by its only line."""
    found = TEXT.match(text)
    if not found:
        return None
    kind = found["kind"] or "file"
    more = f" ({counted(int(found['lines'] or 1), 'line')})" if kind == "file" else f": {found['first']}"
    return Made(kind, found["name"] + more)
