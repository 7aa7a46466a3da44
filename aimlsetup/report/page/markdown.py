"""A page as Markdown (CommonMark with tables and GitHub's <details>). Text stays text, whatever stands in it."""

import html
import re
from collections.abc import Sequence

from aimlsetup.report.page.blocks import Block, Fold, Heading, Items, Literal, Paragraph, Table, Verbatim, line, lines

SPECIAL = re.compile(r"[\\`*_\[\]<>&|~$#]")
FIRST = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[+\-=]))")  # where a list or a rule would begin
TICKS = re.compile("`+")


def render(title: str, blocks: Sequence[Block]) -> str:
    """The whole text of the file."""
    return "\n\n".join([f"# {prose(title)}", *map(_block, blocks)]) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(level, text, sign, note):
            words = [*([f"`{sign}`"] if sign else []), inline(text)]
            return f"{'#' * level} {' '.join(words)}" + (f": {prose(note)}" if note else "")
        case Paragraph(text):
            return inline(text)
        case Items(head, texts):
            return "\n".join([f"**{prose(head)}**", "", *(f"- {inline(text)}" for text in texts)])
        case Table(header, rows):
            return "\n".join([_row(header), "| --- " * len(header) + "|", *map(_row, rows)])
        case Verbatim(text, language):
            return _fenced(text, language)
        case Fold(summary, inside):
            head = f"<details><summary>{html.escape(line(summary))}</summary>"
            return "\n\n".join([head, *map(_block, inside), "</details>"])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(cell, cells))} |"


def cell(text: str) -> str:
    """A cell of a table, where a bar ends even a code span."""
    return code(text).replace("|", "\\|") if isinstance(text, Literal) else prose(text)


def inline(text: str) -> str:
    """Text, or a code span where it is literal."""
    return code(text) if isinstance(text, Literal) else prose(text)


def prose(text: str) -> str:
    """Text in which no character means anything to Markdown."""
    return FIRST.sub(r"\1\\", SPECIAL.sub(r"\\\g<0>", line(text)))


def code(text: str) -> str:
    """A code span: between more backticks than the text has in a row."""
    shown = line(text)
    if not shown:
        return ""
    fence = _longer(shown, 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _fenced(text: str, language: str) -> str:
    shown = "\n".join(lines(text))
    fence = _longer(shown, 3)
    return f"{fence}{language}\n{shown}\n{fence}"


def _longer(text: str, least: int) -> str:
    most = max((len(run) for run in TICKS.findall(text)), default=0)
    return "`" * max(least, most + 1)
