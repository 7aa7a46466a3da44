"""What the hosts are now: one module call for all of them; a raw probe only where that shows no Python to run it on."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.version import Version
from pydantic import ValidationError

from aimlsetup.engine import failures
from aimlsetup.engine.inventory import INTERPRETER, PRIVATE_PYTHON, PYTHON
from aimlsetup.engine.runner import Call, Event, Result
from aimlsetup.engine.session import Session, ignore
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.inventory import Listed
from aimlsetup.models.observation import Observation

MODULE = "codehub.aimlsetup.observe"
# Shell that any POSIX system has: it runs where there is no Python.
VERSION = "{{ ansible_python_interpreter | quote }} --version 2>&1"
PROBE = (
    "cat /etc/os-release; echo HOST_KERNEL=$(uname -r); echo HOST_ARCH=$(uname -m); echo HOST_UID=$(id -u); "
    f"echo HOST_PYTHON=$({PYTHON} --version 2>/dev/null); echo HOST_PRIVATE=$({PRIVATE_PYTHON} --version 2>/dev/null)"
)


@dataclass
class Observed:
    """Hosts that could be observed, and why the others could not."""

    hosts: dict[str, Observation] = field(default_factory=dict)
    errors: dict[str, AimlsetupError] = field(default_factory=dict)


def observe(session: Session, names: Iterable[str], *, deep: bool = False) -> Observed:
    """Observe these hosts. `deep` hashes every owned file instead of comparing sizes and times."""
    wanted = list(names)
    observed = Observed()
    result = _asked(session, wanted, deep)
    last = _last(result)
    unfit = [name for name in wanted if name in last and _unfit(session, name, last[name])]
    for name in wanted:
        if name not in unfit:
            _file(observed, session, name, last.get(name), result.output)
    private = _probe(session, unfit, observed) if unfit else []
    if private:
        session.interpreters |= dict.fromkeys(private, PRIVATE_PYTHON)
        result = _asked(session, private, deep)
        for name in private:
            _file(observed, session, name, _last(result).get(name), result.output)
    return observed


def _asked(session: Session, names: Iterable[str], deep: bool) -> Result:
    """What became of the module's run."""
    call = Call(module=MODULE, arguments="deep=true" if deep else "")
    return session.run(call, {name: {} for name in names}, on_event=ignore, quiet=True)


def _last(result: Result) -> dict[str, Event]:
    """Each host's answer."""
    return {event.host: event for event in result.events if event.kind != "started"}


def _unfit(session: Session, name: str, event: Event) -> bool:
    """Whether a host has no Python that modules run on where it is expected, and nobody names another."""
    host = session.hosts[name]
    named = host.python or (isinstance(host, Listed) and INTERPRETER in host.defines)
    return not named and (failures.lacks_python(event) or failures.refuses_python(event))


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


def _file(observed: Observed, session: Session, name: str, event: Event | None, output: str) -> None:
    """Put one host's answer where it belongs."""
    if event is None:
        observed.errors[name] = failures.no_answer(name, session.secrets.scrub(output))
    elif event.kind != "ok":
        observed.errors[name] = refusal(session, name, event)
    else:
        try:
            found = Observation.model_validate(event.result["observation"])
        except (KeyError, ValidationError) as error:
            raise RuntimeError(f"{name}: the observe module answered in a form this version does not know") from error
        _admit(observed, session, name, found)


def _admit(observed: Observed, session: Session, name: str, found: Observation) -> None:
    """A host counts where we are who the profile is for."""
    uid = found.facts.get("uid", 0)
    if bool(uid) == session.rootless:
        observed.hosts[name] = found
    else:
        observed.errors[name] = failures.not_root(name, uid) if uid else failures.is_root(name)


def _probe(session: Session, names: list[str], observed: Observed) -> list[str]:
    """Look at hosts without a Python for modules. Returns those with a private one; of the others files the release."""
    for name in names:
        session.interpreters.pop(name, None)
    call = Call(module="ansible.builtin.raw", arguments=PROBE)
    result = session.run(call, {name: {} for name in names}, on_event=ignore, quiet=True)
    last = _last(result)
    private = []
    for name in names:
        event = last.get(name)
        if event is None or event.kind != "ok":
            _file(observed, session, name, event, result.output)
            continue
        facts = probe_facts(str(event.result.get("stdout", "")))
        if _runs_modules(facts["private_python"]):
            private.append(name)
        else:
            _admit(observed, session, name, Observation(version=1, facts=facts))
    return private


def _runs_modules(version: str | None) -> bool:
    """Whether this controller's ansible-core runs modules on a Python."""
    return bool(version) and Version(version or "0") >= Version(oldest_python())


def probe_facts(text: str) -> dict[str, Any]:
    """The few facts of a host that modules do not run on, in the form of the observe module's; beside them the versions
    of a Python that is too old, and of a private one.
    """
    pairs = dict(line.strip().partition("=")[::2] for line in text.splitlines() if "=" in line)
    value = {key: entry.strip("\"'") for key, entry in pairs.items()}
    return {
        "python": None,
        "python_old": value.get("HOST_PYTHON", "").removeprefix("Python ") or None,
        "private_python": value.get("HOST_PRIVATE", "").removeprefix("Python ") or None,
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
