"""What a page is made of, whatever it is written in. All text is plain: each writer escapes it in its own way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aimlsetup.models.plan import Action

# What a reader can't see, or sees in another order than it stands there: controls, what turns the direction of
# writing, and halves of characters. A diff that is approved by eye must not hide anything.
UNSEEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Literal(str):
    """A name, a version or a command: shown as it is typed."""

    __slots__ = ()


@dataclass(frozen=True)
class Heading:
    """A heading; that of a component carries its sign."""

    level: int
    text: str
    sign: Action | None = None
    note: str = ""


@dataclass(frozen=True)
class Paragraph:
    """One paragraph."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list, with what it is a list of."""

    head: str
    texts: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Verbatim:
    """Lines as they are: a diff or a command."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Fold:
    """What is seen on demand."""

    summary: str
    inside: Sequence["Block"]


Block = Heading | Paragraph | Items | Table | Verbatim | Fold


def line(text: str) -> str:
    """One line of text in which nothing is unseen."""
    return UNSEEN.sub(_spelled, text).strip()


def lines(text: str) -> list[str]:
    """The same for text of several lines, which keep their indentation."""
    return [UNSEEN.sub(_spelled, part) for part in text.split("\n")]


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode()
