"""A look at one host, as root or not: its facts to have something to suggest, or what its GPU stack is judged by."""

from collections.abc import Mapping
from typing import Any

from aimlsetup.engine import failures, session
from aimlsetup.engine.observe import MODULE, refusal
from aimlsetup.engine.runner import Call
from aimlsetup.models.profile import Host

DOCTOR = "codehub.aimlsetup.doctor"


def facts(name: str, host: Host) -> Mapping[str, Any]:
    """The host's facts, as plugins/module_utils/facts.py documents them. Errors say why it can't be reached."""
    found: Mapping[str, Any] = _ask(name, host, Call(module=MODULE), {})["observation"]["facts"]
    return found


def evidence(name: str, host: Host, environment: str | None, root: str) -> Mapping[str, Any]:
    """What the doctor judges by, as plugins/module_utils/evidence.py documents it."""
    variables = {"aimlsetup_doctor_root": root, "aimlsetup_doctor_environment": environment}
    arguments = "root={{ aimlsetup_doctor_root }} environment={{ aimlsetup_doctor_environment | default(omit, true) }}"
    found: Mapping[str, Any] = _ask(name, host, Call(module=DOCTOR, arguments=arguments), variables)["evidence"]
    return found


def _ask(name: str, host: Host, call: Call, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a module answered."""
    with session.session({name: host}) as opened:
        result = opened.run(call, {name: variables}, on_event=session.ignore, quiet=True)
        event = next(
            (found for found in reversed(result.events) if found.host == name and found.kind != "started"), None
        )
        if event is None:
            raise failures.no_answer(name, result.output)
        if event.kind != "ok":
            raise refusal(opened, name, event)
    return event.result
