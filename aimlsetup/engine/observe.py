"""What the hosts are now: one module call for all of them; a raw probe only where that shows there is no Python."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from aimlsetup.engine import failures
from aimlsetup.engine.runner import Call, Event
from aimlsetup.engine.session import Session, ignore
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.observation import Observation

MODULE = "codehub.aimlsetup.observe"
# Shell that any POSIX system has: it runs where there is no Python.
PROBE = "cat /etc/os-release; echo HOST_KERNEL=$(uname -r); echo HOST_ARCH=$(uname -m); echo HOST_UID=$(id -u)"


@dataclass
class Observed:
    """Hosts that could be observed, and why the others could not."""

    hosts: dict[str, Observation] = field(default_factory=dict)
    errors: dict[str, AimlsetupError] = field(default_factory=dict)


def observe(session: Session, names: Iterable[str], *, deep: bool = False) -> Observed:
    """Observe these hosts. `deep` hashes every owned file instead of comparing sizes and times."""
    wanted = list(names)
    call = Call(module=MODULE, arguments="deep=true" if deep else "")
    result = session.run(call, {name: {} for name in wanted}, on_event=ignore, quiet=True)
    last = {event.host: event for event in result.events if event.kind != "started"}
    bare = [name for name in wanted if name in last and failures.lacks_python(last[name])]
    observed = Observed()
    for name in wanted:
        if name not in bare:
            _file(observed, name, last.get(name), session.secrets.scrub)
    if bare:
        _probe(session, bare, observed)
    return observed


def _file(observed: Observed, name: str, event: Event | None, scrub: Callable[[str], str]) -> None:
    """Put one host's answer where it belongs."""
    if event is None:
        observed.errors[name] = AimlsetupError("ansible-failed", f"{name}: Ansible ended without an answer")
    elif event.kind != "ok":
        observed.errors[name] = failures.access_error(name, event, scrub)
    else:
        try:
            found = Observation.model_validate(event.result["observation"])
        except (KeyError, ValidationError) as error:
            raise RuntimeError(f"{name}: the observe module answered in a form this version does not know") from error
        uid = found.facts.get("uid", 0)
        if uid:
            observed.errors[name] = failures.not_root(name, uid)
        else:
            observed.hosts[name] = found


def _probe(session: Session, names: list[str], observed: Observed) -> None:
    """Release and kernel of hosts without Python."""
    result = session.run(
        Call(module="ansible.builtin.raw", arguments=PROBE), {name: {} for name in names}, on_event=ignore, quiet=True
    )
    last = {event.host: event for event in result.events if event.kind != "started"}
    for name in names:
        event = last.get(name)
        if event is None or event.kind != "ok":
            _file(observed, name, event, session.secrets.scrub)
            continue
        facts = probe_facts(str(event.result.get("stdout", "")))
        if facts["uid"]:
            observed.errors[name] = failures.not_root(name, facts["uid"])
        else:
            observed.hosts[name] = Observation(version=1, facts=facts)


def probe_facts(text: str) -> dict[str, Any]:
    """The few facts of a host without Python, in the form of the observe module's."""
    pairs = dict(line.strip().partition("=")[::2] for line in text.splitlines() if "=" in line)
    value = {key: entry.strip("\"'") for key, entry in pairs.items()}
    return {
        "python": None,
        "release": {
            "id": value.get("ID", "unknown"),
            "version": value.get("VERSION_ID", ""),
            "codename": value.get("VERSION_CODENAME", ""),
            "name": value.get("PRETTY_NAME", ""),
        },
        "kernel": value.get("HOST_KERNEL", ""),
        "arch": value.get("HOST_ARCH", ""),
        "uid": int(value.get("HOST_UID", "0") or 0),
    }
