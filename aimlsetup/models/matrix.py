"""Which versions go together: one line per build of a framework."""

from aimlsetup.models.base import Document


class Row(Document):
    """A build of a release, and the newest of all else that goes with it.

    `python` are those it has wheels for, on a given distribution the one that it would have there; `driver` is the
    oldest that will do, `channels` are where libraries may come from. Without `tensorrt` the release uses none, or none
    is to be had.
    """

    framework: str
    version: str
    distribution: str
    python: tuple[str, ...]
    cuda: str
    cudnn: str | None
    tensorrt: str | None
    driver: str
    channels: tuple[str, ...] = ()
