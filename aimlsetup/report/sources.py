"""The sources a profile uses, and what they answer: as a table and as a document."""

from collections.abc import Sequence

from aimlsetup.errors import CONTROL
from aimlsetup.models.source import Answer, Use
from aimlsetup.report.table import columns
from aimlsetup.ui import Line, Style

HEADER = ("source", "for", "platform", "from", "address")
ANY = "-"
AS_CONFIGURED = "as the machine that fetches is configured"
OPTIONAL = {
    "apt": "; a lock then goes by what was recorded",
    "download": "; only hosts without a Python for modules need it",
}
SIGNS: dict[bool | None, tuple[str, Style]] = {True: ("✓", "good"), False: ("✗", "bad"), None: ("·", "dim")}


def lines(uses: Sequence[Use], answers: Sequence[Answer] = ()) -> list[Line]:
    """A line per use. With answers, each with its sign, and below the table what was said and what to do next."""
    rows = [_row(use) for use in uses]
    if not answers:
        head, *body = columns([HEADER, *rows])
        return [Line(head, "bold"), *map(Line, body)]
    signs = [SIGNS[answer.answers] for answer in answers]
    head, *body = columns([("", *HEADER), *((sign, *row) for (sign, _style), row in zip(signs, rows, strict=True))])
    table = [Line(text, style) for text, (_sign, style) in zip(body, signs, strict=True)]
    said = [line for use, answer in zip(uses, answers, strict=True) for line in _said(use, answer)]
    return [Line(head, "bold"), *table, Line(""), *said]


def _row(use: Use) -> tuple[str, ...]:
    return tuple(
        _clean(text)
        for text in (
            use.source,
            ", ".join(use.used_by) or ANY,
            use.platform or ANY,
            use.origin,
            (use.url or AS_CONFIGURED) + (f" as {use.account}" if use.account else ""),
        )
    )


def _said(use: Use, answer: Answer) -> list[Line]:
    sign, style = SIGNS[answer.answers]
    where = f" ({use.platform})" if use.platform else f" ({use.title})" if use.kind == "git" else ""
    rest = "" if use.needed or answer.answers is not False else OPTIONAL.get(use.kind, "")
    told = [Line(f"{sign} {_clean(use.source + where)}: {_clean(answer.said)}{rest}", style)]
    return [*told, Line(f"    next: {_clean(answer.next)}", "change")] if answer.next else told


def document(uses: Sequence[Use], answers: Sequence[Answer] = ()) -> dict[str, object]:
    """The same for programs; `answer` is null where nobody was asked to answer."""
    said: list[Answer | None] = [*answers] or [None] * len(uses)
    found = [
        use.model_dump(mode="json") | {"answer": answer and answer.model_dump(mode="json")}
        for use, answer in zip(uses, said, strict=True)
    ]
    return {"version": 1, "kind": "sources", "sources": found}


def _clean(text: str) -> str:
    """What a server said must not act on the terminal."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
