"""One thing that the doctor found on a host."""

from typing import Literal

from aimlsetup.models.base import Document


class Finding(Document):
    """`ref` names its kind for scripts and searches. A `problem` keeps something from working; a `note` does not.

    `why` explains it, `seen` holds what it was judged by, and `next` is the one command to go on with.
    """

    ref: str
    severity: Literal["problem", "note"]
    title: str
    why: str
    seen: tuple[str, ...] = ()
    next: str
