"""What the observe module returned for one host."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Row(BaseModel):
    """One field of one owned thing that is not as the receipt recorded it."""

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    field: str
    expected: Any = None
    found: Any = None

    def __str__(self) -> str:
        what = f"{self.kind.removesuffix('s')} {self.name}" + (f": {self.field}" if self.field else "")
        found, expected = (_shown(value, self.kind) for value in (self.found, self.expected))
        if found == expected:
            return f"{what} is no longer as it was installed"
        return f"{what} is {found}, was {expected}"


def _shown(value: object, kind: str, limit: int = 60) -> str:
    """A value for people. What a virtualenv holds is a version and a mark of the files, which says nothing to them."""
    text = "absent" if value is None else str(value)
    if kind == "venvs":
        text = text.partition(" ")[0]
    return text if len(text) <= limit else f"{text[:limit]}…"


class ReceiptState(BaseModel):
    """A receipt, and whether what it owns still holds (no differences)."""

    input_digest: str | None = None
    secrets: dict[str, Any] | None = None
    outputs: dict[str, Any] = Field(default_factory=dict)
    consumed: dict[str, Any] = Field(default_factory=dict)
    dirty: bool = False
    owned: dict[str, list[str]] = Field(default_factory=dict)
    differences: list[Row] = Field(default_factory=list)


class Observation(BaseModel):
    """One host now. `facts` is as plugins/module_utils/facts.py documents it.

    `found` is what no receipt owns, as plugins/module_utils/found.py documents it. A host without a usable Python has
    only `release`, `kernel`, `arch` and `uid` among its facts, and `python` None.
    """

    model_config = ConfigDict(extra="forbid")

    version: int
    facts: dict[str, Any]
    lease: dict[str, Any] | None = None
    receipts: dict[str, ReceiptState] = Field(default_factory=dict)
    found: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)

    @property
    def bare(self) -> bool:
        """Whether the host has no Python yet, so that only its release could be seen."""
        return "python" in self.facts and self.facts["python"] is None
