"""Ground for all documents."""

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A part of a document: unknown keys are refused, values are not coerced from other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
