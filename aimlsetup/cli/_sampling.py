"""The memory of services while they are asked, taken beside the test in a thread of its own."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from aimlsetup.engine.memory import Taken, sample
from aimlsetup.engine.session import session
from aimlsetup.models.profile import Host

TURN = 4  # seconds that one module call takes samples for
Services = Mapping[str, Mapping[str, Sequence[str]]]


class Sampling:
    """What was measured so far, and why there is nothing of some hosts."""

    def __init__(self, services: Services) -> None:
        self.services = dict(services)
        self.taken: list[Taken] = []
        self.errors: dict[str, str] = {}

    def why_not(self) -> str | None:
        """What is lacking, in words."""
        if self.errors:
            return "; ".join(f"{text}" for text in self.errors.values())
        return None if self.taken else "no unit of them runs on their hosts"


@contextmanager
def sampling(hosts: Mapping[str, Host], services: Services, *, rootless: bool) -> Iterator[Sampling]:
    """Measure once before the block, all the time in it, and once after it."""
    found = Sampling(services)
    if not services:
        yield found
        return
    with session({name: hosts[name] for name in services}, rootless=rootless) as run:

        def take(seconds: int) -> None:
            if not found.services:
                return
            taken, errors = sample(run, found.services, seconds)
            found.taken += taken
            found.errors |= errors
            for host in errors:
                found.services.pop(host)  # it is not asked again

        ended = threading.Event()

        def go_on() -> None:
            while found.services and not ended.is_set():
                take(TURN)

        take(0)
        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            ended.set()
            thread.join()
        take(0)
