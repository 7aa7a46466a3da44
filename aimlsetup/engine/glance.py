"""A first look at one host, as root or not: its facts alone, to have something to suggest."""

from collections.abc import Mapping
from typing import Any

from aimlsetup.engine import session
from aimlsetup.engine.observe import MODULE, refusal
from aimlsetup.engine.runner import Call
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.profile import Host


def facts(name: str, host: Host) -> Mapping[str, Any]:
    """The host's facts, as plugins/module_utils/facts.py documents them. Errors say why it can't be reached."""
    with session.session({name: host}) as opened:
        result = opened.run(Call(module=MODULE), {name: {}}, on_event=session.ignore, quiet=True)
        event = next(
            (found for found in reversed(result.events) if found.host == name and found.kind != "started"), None
        )
        if event is None:
            raise AimlsetupError("ansible-failed", f"{name}: Ansible ended without an answer")
        if event.kind != "ok":
            raise refusal(opened, name, event)
    found: Mapping[str, Any] = event.result["observation"]["facts"]
    return found
