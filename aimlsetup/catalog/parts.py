"""Shapes of the GPU stack's records: what one release of a part needs of others, each relation with its source.

A *part* is one variable of the solve (`driver`, `cuda`, `cudnn`, …); `parts/<part>.yml` holds its releases. Names that
relations may speak of, besides parts, are what a host offers: see `OFFERED`.
"""

from typing import Annotated

from pydantic import Field

from aimlsetup.catalog.records import Need as Need
from aimlsetup.catalog.records import SourceText, VersionText
from aimlsetup.catalog.records import Variant as Variant
from aimlsetup.models.base import Document

# What a host offers to the solve: versions, or one of a few words. Compute capabilities are those of the oldest and
# of the newest GPU in the host: support is a range, so these two speak for all of them.
VERSIONS_OFFERED = ("gpu.lowest", "gpu.highest", "kernel", "glibc", "python", "gcc")
WORDS_OFFERED = {
    "channel": ("nvidia", "distro", "pip"),
    "flavour": ("open", "proprietary"),
    "arch": ("x86_64", "aarch64"),
    "secure_boot": ("on", "off"),
    "nvswitch": ("yes", "no"),
}


class Relation(Document):
    """What must hold beside a release, read in one place. `source` is a key of the file's `sources`.

    A relation marked `recalled` was not read anywhere: it may inform an explanation and never decides a pin.
    """

    needs: dict[str, Need]
    text: str | None = None
    source: str
    recalled: bool = False


class PartRelease(Document):
    """One release. Without `variants` it can be had in any way. `notes` are shown in explanations."""

    version: VersionText
    relations: list[Relation] = Field(default_factory=list)
    variants: list[Variant] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    source: str
    recalled: bool = False


class Branch(Document):
    """A driver branch: its track and the month in which its support ends (`2028-06`), null where nobody said."""

    track: Annotated[str, Field(pattern="^(lts|production|newest|legacy)$")]
    eol: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")] | None = None
    source: str


class Companion(Document):
    """Packages that some releases want beside them, in exactly their version; {branch} in a name is the release's."""

    needs: dict[str, Need]
    packages: list[str]
    source: str


class BadPin(Document):
    """A version that looks right and must never be pinned."""

    package: str
    version: str
    why: str
    source: str


class Trap(Document):
    """What misleads people, in words for explanations: `about` names the part or package it concerns."""

    about: str
    text: str
    source: str


class Part(Document):
    """`parts/<part>.yml`. `sources` gives sources short keys; `branches` and `fabric_manager` are the driver's."""

    part: str
    title: str
    sources: dict[str, SourceText]
    releases: list[PartRelease]
    branches: dict[str, Branch] = Field(default_factory=dict)
    fabric_manager: list[Companion] = Field(default_factory=list)
    known_bad: list[BadPin] = Field(default_factory=list)
    traps: list[Trap] = Field(default_factory=list)


class Architecture(Document):
    """A GPU generation. Capabilities are `major.minor`; `open_modules` is `never`, `possible` or `required`."""

    name: str
    open_modules: Annotated[str, Field(pattern="^(never|possible|required)$")]
    source: str


class Chip(Document):
    """A GPU chip, and its PCI device ids (`2684`) with the names that they are sold under, as far as there is one."""

    chip: str
    architecture: str
    capability: Annotated[str, Field(pattern=r"^\d+\.\d+$")]
    devices: dict[Annotated[str, Field(pattern="^[0-9a-f]{4}$")], str | None]
    source: str
    capability_source: str
    recalled: bool = False


class Switch(Document):
    """An NVSwitch."""

    name: str
    source: str


class Gpus(Document):
    """`gpus.yml`. `switches` are NVSwitches by PCI device id, which are on the bus and no GPUs."""

    sources: dict[str, SourceText]
    architectures: list[Architecture]
    chips: list[Chip]
    switches: dict[str, Switch]
    traps: list[Trap]

    def chip_of(self, device: str) -> Chip | None:
        """What a PCI device id (`2684`) is of."""
        return next((chip for chip in self.chips if device in chip.devices), None)

    def named(self, name: str) -> dict[str, Chip]:
        """{device id: its chip} of a marketing name (`RTX 4090`), of several chips where the name is ambiguous.

        Names that end with these words are meant (not `GeForce RTX 4090 Laptop GPU`); failing that, those with them.
        """
        words = name.casefold().split()
        sold = {
            device: (chip, sold_as.casefold().split())
            for chip in self.chips
            for device, sold_as in chip.devices.items()
            if sold_as
        }
        whole = {device: chip for device, (chip, other) in sold.items() if words and other[-len(words) :] == words}
        return whole or {device: chip for device, (chip, other) in sold.items() if _within(words, other)}


def _within(words: list[str], others: list[str]) -> bool:
    """Whether words stand in a row among others."""
    return bool(words) and any(others[at : at + len(words)] == words for at in range(len(others)))
