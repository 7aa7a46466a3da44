"""What the observe module returned for one host."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Row(BaseModel):
    """One field of one owned thing that is not as the receipt recorded it."""

    kind: str
    name: str
    field: str
    expected: Any = None
    found: Any = None


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
    """One host now. `facts` is as plugins/module_utils/facts.py documents it."""

    model_config = ConfigDict(extra="forbid")

    version: int
    facts: dict[str, Any]
    lease: dict[str, Any] | None = None
    receipts: dict[str, ReceiptState] = Field(default_factory=dict)
