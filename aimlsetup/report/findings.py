"""What the doctor found, to read and as a document."""

import textwrap
from collections.abc import Sequence

from aimlsetup.errors import CONTROL
from aimlsetup.models.finding import Finding
from aimlsetup.ui import Line, width

SIGNS = {"problem": "✗", "note": "·"}


def document(host: str, findings: Sequence[Finding]) -> dict[str, object]:
    """The findings as a versioned document."""
    found = [finding.model_dump(mode="json") for finding in findings]
    return {"version": 1, "kind": "findings", "host": host, "findings": found}


def lines(host: str, findings: Sequence[Finding]) -> list[Line]:
    """The findings, each with its explanation, what was seen and the next command; and how many there are."""
    problems = sum(finding.severity == "problem" for finding in findings)
    notes = len(findings) - problems
    last = f"{host}: {problems or 'no'} problem{'s' * (problems != 1)}, {notes or 'no'} note{'s' * (notes != 1)}"
    return [line for finding in findings for line in _finding(finding)] + [Line(last, "bad" if problems else "good")]


def _finding(finding: Finding) -> list[Line]:
    said = textwrap.wrap(_clean(finding.why), width() - 4)
    return [
        Line(
            f"{SIGNS[finding.severity]} {_clean(finding.title)} [{finding.ref}]", "bad" if _grave(finding) else "bold"
        ),
        *(Line(f"    {text}") for text in said),
        *(Line(f"    - {_clean(text)}", "dim") for text in finding.seen),
        Line(f"    next: {_clean(finding.next)}", "change"),
        Line(""),
    ]


def _grave(finding: Finding) -> bool:
    return finding.severity == "problem"


def _clean(text: str) -> str:
    """What a host said must not act on the terminal."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
