"""What locust runs, in a process of its own: it asks, judges each answer and writes a line about it.

Never imported by aimlsetup, since importing locust changes the standard library's sockets and threads. The task is the
file that the variable AIMLSETUP_LOADTEST names (see `aimlsetup.loadtest.child`).
"""

import base64
import itertools
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
from gevent import timeout as gevent_timeout
from locust import FastHttpUser, constant_throughput, events, task

JOB = json.loads(Path(os.environ["AIMLSETUP_LOADTEST"]).read_text())
PRESSURE = JOB["pressure"]
SCENARIOS = list(JOB["shares"])
BODIES: dict[str, Iterator[Any]] = {
    name: itertools.cycle([(base64.b64decode(body), kind) for body, kind in bodies])
    for name, bodies in JOB["bodies"].items()
}
SAMPLES = Path(JOB["samples"]).open("a", buffering=1)  # noqa: SIM115 - open for as long as the process lives
START: list[float] = []


def judged(scenario: str, status: int, error: BaseException | None) -> str | None:
    """What is wrong with an answer: an image is to be answered with 200, anything else to be refused with a 4xx."""
    if not status:
        return unanswered(error)
    if scenario == "image":
        return None if status == 200 else f"HTTP {status}"
    if 200 <= status < 400:
        return f"HTTP {status} for bad input"
    return None if status < 500 else f"HTTP {status}"


def unanswered(error: BaseException | None) -> str:
    """Why no answer came, in a few words that many requests share."""
    if isinstance(error, TimeoutError | gevent_timeout.Timeout) or "timed out" in str(error):
        return "timeout"
    known = {
        ConnectionRefusedError: "connection refused",
        ConnectionResetError: "connection reset",
        BrokenPipeError: "connection reset",
    }
    return next((text for kind, text in known.items() if isinstance(error, kind)), type(error).__name__)


class Asker(FastHttpUser):
    """One client of one target; a subclass is made for each target."""

    abstract = True
    number = 0
    url = ""
    wait_time = constant_throughput(PRESSURE["rate"] / PRESSURE["users"])
    connection_timeout = min(5.0, PRESSURE["timeout"])
    network_timeout = float(PRESSURE["timeout"])

    def on_start(self) -> None:
        """Not all at the same moment."""
        time.sleep(random.uniform(0, PRESSURE["users"] / PRESSURE["rate"]))  # noqa: S311 - no secret

    @task
    def ask(self) -> None:
        """One request and its line."""
        [scenario] = random.choices(SCENARIOS, list(JOB["shares"].values()))  # noqa: S311 - no secret
        body, kind = next(BODIES[scenario])
        began = time.time()
        clock = time.monotonic()
        with self.client.request(
            "POST", self.url, data=body, headers={"Content-Type": kind}, name=scenario, catch_response=True,
            allow_redirects=False,
        ) as answer:  # fmt: skip
            error = judged(scenario, answer.status_code, getattr(answer, "error", None))
            took = time.monotonic() - clock
            if error:
                answer.failure(error)
            else:
                answer.success()
        sample = {"at": began - START[0], "target": self.number, "scenario": scenario, "ms": took * 1000}
        SAMPLES.write(json.dumps({**sample, "status": answer.status_code, "error": error}) + "\n")


for number, target in enumerate(JOB["targets"]):
    globals()[f"Asker{number}"] = type(
        f"Asker{number}",
        (Asker,),
        {"number": number, "url": target, "host": target, "fixed_count": PRESSURE["users"]},
    )


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Any, **_: Any) -> None:
    """The first line of the file is when it began. locust's own clock began before, with the start of its users."""
    START.append(time.time())
    SAMPLES.write(json.dumps({"began": START[0]}) + "\n")
    gevent.spawn_later(PRESSURE["seconds"], environment.runner.quit)
