"""What services take of their hosts' memory: one read-only module call for all hosts, which samples for a while."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aimlsetup.engine import failures
from aimlsetup.engine.runner import Call
from aimlsetup.engine.session import Session, ignore

MODULE = "codehub.aimlsetup.service_memory"
ARGUMENTS = "services={{ aimlsetup_memory_services }} seconds={{ aimlsetup_memory_seconds }}"


@dataclass(frozen=True)
class Taken:
    """Bytes that a service had at a time of this machine's clock."""

    service: str
    when: float
    bytes: int


def sample(
    session: Session, services: Mapping[str, Mapping[str, Sequence[str]]], seconds: int = 0
) -> tuple[list[Taken], dict[str, str]]:
    """Samples of the services, {host: {service: units}}, of so many seconds; and why hosts could not be asked."""
    call = Call(module=MODULE, arguments=ARGUMENTS)
    variables = {
        host: {"aimlsetup_memory_services": wanted, "aimlsetup_memory_seconds": seconds}
        for host, wanted in services.items()
    }
    result = session.run(call, variables, on_event=ignore, quiet=True)
    now = time.time()
    taken, errors = [], dict.fromkeys(services, "no answer")
    for event in result.events:
        if event.kind == "ok":
            errors.pop(event.host, None)
            taken += [
                Taken(service, now - each["ago"], found["bytes"])
                for each in event.result["samples"]
                for service, found in each["services"].items()
            ]
        elif event.kind in ("failed", "unreachable"):
            errors[event.host] = failures.access_error(event.host, event, session.secrets.scrub).message
    return taken, errors
