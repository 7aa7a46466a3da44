"""What the hosts are now: one module call for all of them; a raw probe only where that shows there is no Python."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aimlsetup.engine import failures
from aimlsetup.engine.runner import Call, Event
from aimlsetup.engine.session import Session, ignore
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.observation import Observation

MODULE = "codehub.aimlsetup.observe"
# Shell that any POSIX system has: it runs where there is no Python.
VERSION = "{{ ansible_python_interpreter | quote }} --version 2>&1"
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
    lacking = [name for name in wanted if name in last and failures.lacks_python(last[name])]
    bare = [name for name in lacking if session.hosts[name].python is None]
    observed = Observed()
    for name in wanted:
        if name not in bare:
            _file(observed, session, name, last.get(name))
    if bare:
        _probe(session, bare, observed)
    return observed


def refusal(session: Session, name: str, event: Event) -> AimlsetupError:
    """Why a host could not be observed; of a Python that is too old, its version is asked for."""
    if failures.refuses_python(event):
        call = Call(module="ansible.builtin.raw", arguments=VERSION)
        result = session.run(call, {name: {}}, on_event=ignore, quiet=True)
        said = [str(found.result.get("stdout", "")).strip() for found in result.events if found.kind == "ok"]
        return failures.python_old(name, said[-1] if said else "Python", oldest_python())
    named = session.hosts[name].python
    if named and failures.lacks_python(event):
        return failures.python_missing(name, named)
    return failures.access_error(name, event, session.secrets.scrub)


@cache
def oldest_python() -> str:
    """The oldest Python that this controller's ansible-core runs modules on, read from its source: importing it would
    take half a second.
    """
    ansible = find_spec("ansible")
    if ansible is None or ansible.origin is None:
        raise RuntimeError("ansible-core is not installed")
    source = Path(ansible.origin).parent / "module_utils" / "basic.py"
    return ".".join(re.findall(r"^_PY_MIN = \((\d+), (\d+)\)$", source.read_text(), re.MULTILINE)[0])


def _file(observed: Observed, session: Session, name: str, event: Event | None) -> None:
    """Put one host's answer where it belongs."""
    if event is None:
        observed.errors[name] = AimlsetupError("ansible-failed", f"{name}: Ansible ended without an answer")
    elif event.kind != "ok":
        observed.errors[name] = refusal(session, name, event)
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
            _file(observed, session, name, event)
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
