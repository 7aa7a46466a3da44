"""A plan as a page to attach to a change ticket: Markdown or HTML, by the file's ending. Pure."""

from collections.abc import Callable, Sequence
from pathlib import Path

from aimlsetup.report.page import hypertext, markdown
from aimlsetup.report.page.blocks import Block
from aimlsetup.report.page.ticket import Ticket, blocks

KINDS: dict[str, Callable[[str, Sequence[Block]], str]] = {
    ".md": markdown.render,
    ".markdown": markdown.render,
    ".html": hypertext.render,
    ".htm": hypertext.render,
}


def is_page(path: Path) -> bool:
    """Whether a file of this name is a page to read, rather than a plan to apply."""
    return path.suffix.lower() in KINDS


def render(ticket: Ticket, path: Path) -> str:
    """The page's whole text, of the kind that the file's name asks for."""
    return KINDS[path.suffix.lower()](ticket.title, blocks(ticket))
