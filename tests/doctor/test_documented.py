"""Every finding is in docs/doctor.md, and nothing else is."""

import re
from pathlib import Path

from aimlsetup import content

ROOT = content.root()


def test_every_finding_is_documented() -> None:
    sources = "".join(path.read_text() for path in Path(ROOT, "aimlsetup", "doctor").glob("*.py"))
    made = set(re.findall(r'(?:problem|note)\)?\(\s*"([a-z-]+)"', sources))
    rows = [line for line in Path(ROOT, "docs", "doctor.md").read_text().splitlines() if line.startswith("| `")]
    documented = set(re.findall(r"`([a-z-]+)`", "".join(row.split("|")[1] for row in rows)))
    assert made == documented
    assert len(documented) > 30
