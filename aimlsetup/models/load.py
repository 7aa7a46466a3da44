"""A load test: who is asked what, what came back, and what the services took meanwhile."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from aimlsetup.models.base import Document

Scenario = Literal["image", "malformed", "nan", "empty"]


class Target(Document):
    """One URL that images are sent to. `service` is the planned one behind it, which its memory is known by."""

    name: str
    url: str
    service: str | None = None


class Pressure(Document):
    """How hard it is asked: `rate` requests per second and at most `users` at once, of each target."""

    rate: float
    users: int
    seconds: int
    timeout: int = 30  # seconds after which a request counts as hung


class Sample(Document):
    """One request: seconds since the start when it began, milliseconds until it ended, and what was wrong with it.

    `status` is 0 where no answer came.
    """

    at: float
    target: int
    scenario: Scenario
    ms: float
    status: int
    error: str | None = None


class Latency(Document):
    """Milliseconds of the requests that were answered or timed out; None where there are none."""

    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None


class Row(Document):
    """One kind of request to one target."""

    scenario: Scenario | Literal["all"]
    requests: int
    rate: float
    latency: Latency
    errors: dict[str, int]


class Second(Document):
    """What was begun in one second of the run."""

    second: int
    requests: int
    errors: int
    latency: Latency


class Asked(Document):
    """One target with its figures. `spread` says which share of requests (0 to 1) had their answer in so many ms."""

    target: Target
    rows: list[Row]
    timeline: list[Second]
    spread: list[tuple[float, float]]


@dataclass(frozen=True)
class Measured:
    """The memory of one service at one time, in seconds since the start: bytes that are its own, shared ones by share.

    `limited` is what systemd counts against the unit's limit, where it counts.
    """

    at: float
    bytes: int
    limited: int | None = None


class Memory(Document):
    """The memory of one service before, during and after the run; `before` and `after` are None if not seen then."""

    service: str
    before: int | None
    peak: int
    after: int | None
    samples: list[tuple[float, int]]


class LoadReport(Document):
    """The whole test. `unmeasured` says why there is no memory of services, where there is none."""

    version: Literal[1] = 1
    kind: Literal["loadtest"] = "loadtest"
    started: str
    took: float
    interrupted: bool
    pressure: Pressure
    scenario: str
    targets: list[Asked]
    memory: list[Memory] = Field(default_factory=list)
    unmeasured: str | None = None

    @property
    def errors(self) -> int:
        """How many requests went wrong."""
        return sum(sum(row.errors.values()) for asked in self.targets for row in asked.rows if row.scenario == "all")

    @property
    def requests(self) -> int:
        """How many requests there were."""
        return sum(row.requests for asked in self.targets for row in asked.rows if row.scenario == "all")
