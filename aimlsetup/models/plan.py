"""What would change: the drift of each component, and with it what a check-mode run found. No I/O here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from aimlsetup.models.base import Document
from aimlsetup.models.observation import Row

Action = Literal["+", "~", "-", "="]
Mark = Literal["keep", "adopt", "replace", "in the way"]


@dataclass(frozen=True)
class Expected:
    """What a component's receipt must say: the input digest, and those secrets that could be had without asking."""

    digest: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class Drift(Document):
    """How one component of one host stands to the lock: `+` to be made, `~` differs, `-` to be removed, `=` holds.

    `reasons` say why in words; `rows` are the single differences of what its receipt owns.
    """

    component: str
    action: Action
    reasons: list[str] = Field(default_factory=list)
    rows: list[Row] = Field(default_factory=list)


class Claim(Document):
    """What something that is made takes of one file system: `need` is expected, `least` certain. Sizes are bytes."""

    path: str = Field(description="a directory on the file system")
    device: int
    free: int
    need: int
    least: int


class Met(Document):
    """Something that is there and no receipt owns, and what becomes of it.

    `keep`: nobody touches it; `adopt`: it is as it should be, only a receipt is written; `replace`: it is changed, once
    the plan is confirmed; `in the way`: nothing can be done before somebody has moved it.
    """

    kind: str
    name: str
    mark: Mark
    why: str = ""


class Effects(Document):
    """What a check-mode run of one component found. Sizes are bytes."""

    tasks: list[str] = Field(default_factory=list, description="names of the tasks that would change something")
    untold: list[str] = Field(default_factory=list, description="those of them that nothing else here tells about")
    diffs: list[str] = Field(default_factory=list, description="unified diffs of files, whole")
    packages: list[str] = Field(default_factory=list, description="the package transaction, one line each")
    download: int = 0
    disk: int = 0
    estimated: bool = Field(default=False, description="whether `disk` is an estimate from what is downloaded")
    unsized: list[str] = Field(default_factory=list, description="what is downloaded, but nobody knows how much it is")
    space: list[Claim] = Field(default_factory=list, description="what is claimed of file systems")
    restarts: list[str] = Field(default_factory=list, description="units that would be restarted")
    reboot: bool = False
    lost: list[str] = Field(default_factory=list, description="what can't be taken back afterwards, and why")
    unowned: list[Met] = Field(default_factory=list, description="what is there and no receipt owns")


class Planned(Drift):
    """One component of one host in a plan."""

    effects: Effects = Effects()
    undo: str | None = Field(default=None, description="how it can be taken back")


class Undoing(Document):
    """What taking components of one host back does, or has done. `left` says what stays and why."""

    components: list[str] = Field(default_factory=list)
    effects: Effects = Effects()
    left: list[str] = Field(default_factory=list)


class Flipped(Document):
    """Links of one host that lead to other dated directories, as `{link: {from, to}}`, and components that follow."""

    flipped: dict[str, dict[str, str]]
    dependents: list[str]


class Cost(Document):
    """What there is to download and what it takes on disk, in bytes; `estimated` and `unsized` as in `Effects`."""

    download: int = 0
    disk: int = 0
    estimated: bool = False
    unsized: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, parts: Iterable["Effects | Cost"]) -> "Cost":
        """The sum."""
        known = list(parts)
        return cls(
            download=sum(part.download for part in known),
            disk=sum(part.disk for part in known),
            estimated=any(part.estimated for part in known),
            unsized=[name for part in known for name in part.unsized],
        )


class HostPlan(Document):
    """One host in a plan. `observed` is the digest of what the plan rests on (see `aimlsetup.compare`)."""

    observed: str
    drifts: list[Planned]
    cost: Cost = Cost()
    keeps: list[Met] = Field(default_factory=list, description="what is there, unowned, and is left alone")

    def met(self, mark: Mark) -> list[Met]:
        """What has this mark."""
        return [met for drift in self.drifts for met in drift.effects.unowned if met.mark == mark]

    @property
    def drifted(self) -> list[Planned]:
        """The components that are not as the lock has them."""
        return [drift for drift in self.drifts if drift.action != "="]


class Plan(Document):
    """A saved plan: `apply FILE` does exactly this, or stops because the host or the lock has moved on."""

    version: Literal[1] = 1
    kind: Literal["plan"] = "plan"
    lock: str = Field(description="sha256 of the lock it was made for")
    hosts: dict[str, HostPlan]

    @property
    def drifted(self) -> bool:
        """Whether anything would change."""
        return any(host.drifted for host in self.hosts.values())
