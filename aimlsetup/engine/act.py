"""Runs the site or its functional checks: per host only the components it is told, with the lock's arguments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimlsetup.engine.inputs import given
from aimlsetup.engine.runner import Call, Result
from aimlsetup.engine.session import Session

SITE = "codehub.aimlsetup.site"
VERIFY = "codehub.aimlsetup.verify"


@dataclass(frozen=True)
class Work:
    """What is to be done on one host: components to run with their arguments, and components to remove."""

    components: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.components or self.removed)


def site(
    session: Session,
    work: Mapping[str, Work],
    *,
    check: bool = False,
    take_lock: bool = False,
    resume: Mapping[str, Mapping[str, Any]] | None = None,
) -> Result:
    """Run the site on these hosts; with `check` nothing is changed, and modules say what they would do.

    `resume` is how the apply is begun again after a reboot, by host, for those that can't be waited for.
    """
    more = {"aimlsetup_holder": session.holder, "aimlsetup_run": session.log.name, "aimlsetup_take_lock": take_lock}
    own = {host: {"aimlsetup_resume": dict(how)} for host, how in (resume or {}).items()}
    return _play(session, Call(playbook=SITE, check=check), work, {host: more | own.get(host, {}) for host in work})


def reboot(session: Session, hosts: Iterable[str]) -> None:
    """Have these hosts reboot; nobody waits for them."""
    session.run(Call(module="ansible.builtin.command", arguments="systemctl reboot"), {host: {} for host in hosts})


def functional(session: Session, work: Mapping[str, Work]) -> Result:
    """Run each component's functional check. It reads only."""
    return _play(session, Call(playbook=VERIFY), work, {})


def _play(session: Session, call: Call, work: Mapping[str, Work], more: Mapping[str, Mapping[str, Any]]) -> Result:
    inputs = {host: given(part.components, session.secrets, host) for host, part in work.items()}
    variables = {
        host: {
            **inputs[host].variables,
            "aimlsetup_components": list(part.components),
            "aimlsetup_removed": list(part.removed),
            **more.get(host, {}),
        }
        for host, part in work.items()
    }
    return session.run(call, variables, secret={host: made.secret for host, made in inputs.items()})
