"""Runs the site or its functional checks: per host only the components it is told, with the lock's arguments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aimlsetup.engine.inputs import given
from aimlsetup.engine.runner import Call, Result
from aimlsetup.engine.session import Session, ignore

SITE = "codehub.aimlsetup.site"
DESCRIBE = "codehub.aimlsetup.describe"
MODELS = "codehub.aimlsetup.models"
VERIFY = "codehub.aimlsetup.verify"
UNDO = "codehub.aimlsetup.undo"
FLIP = "codehub.aimlsetup.flip"
ROTATION = "codehub.aimlsetup.gateway_rotation"


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
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> Result:
    """Run the site on these hosts; with `check` nothing is changed, and modules say what they would do.

    `own` are further variables of hosts: how the apply is begun again after a reboot that can't be waited for, and the
    private Python of one that needs it.
    """
    more = {"aimlsetup_holder": session.holder, "aimlsetup_run": session.log.name, "aimlsetup_take_lock": take_lock}
    agreed = {host: {"aimlsetup_adopt": list(session.adopt.get(host, ()))} for host in work}
    variables = {host: {**more, **agreed[host], **(own or {}).get(host, {})} for host in work}
    return _play(session, Call(playbook=SITE, check=check), work, variables)


def undo(
    session: Session, components: Mapping[str, list[str]], to: str, *, check: bool = False, take_lock: bool = False
) -> Result:
    """Take components of these hosts back to before their `last` or `first` change; none means as the module has it."""
    more = {"aimlsetup_holder": session.holder, "aimlsetup_run": session.log.name, "aimlsetup_take_lock": take_lock}
    variables = {host: more | {"aimlsetup_undo": names, "aimlsetup_undo_to": to} for host, names in components.items()}
    return session.run(Call(playbook=UNDO, check=check), variables)


def flip(
    session: Session, work: Mapping[str, Work], component: str, *, check: bool = False, take_lock: bool = False
) -> Result:
    """Flip a component's links to the previous dated directories; with the arguments of all that may depend on them."""
    more = {
        "aimlsetup_holder": session.holder,
        "aimlsetup_run": session.log.name,
        "aimlsetup_take_lock": take_lock,
        "aimlsetup_flip": component,
    }
    return _play(session, Call(playbook=FLIP, check=check), work, dict.fromkeys(work, more))


def describe(session: Session, host: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the codehub role would write with these arguments: {"app", "paths", "exports"} as data."""
    result = session.run(Call(playbook=DESCRIBE), {host: dict(arguments)}, on_event=ignore, quiet=True)
    said = [event.result["msg"] for event in result.events if event.kind == "ok" and "msg" in event.result]
    if not said or not isinstance(said[-1], dict):
        raise RuntimeError(f"{DESCRIBE} did not say what would be generated:\n{result.output[-2000:]}")
    return said[-1]


def models(session: Session, services: Mapping[str, list[dict[str, str]]]) -> Result:
    """Ask services ({"unit", "url"} by host) whether they run and answer. It reads only."""
    return session.run(Call(playbook=MODELS), {host: {"aimlsetup_served": found} for host, found in services.items()})


def reboot(session: Session, hosts: Iterable[str]) -> None:
    """Have these hosts reboot; nobody waits for them."""
    session.run(Call(module="ansible.builtin.command", arguments="systemctl reboot"), {host: {} for host in hosts})


def rotate(
    session: Session, gateways: Mapping[str, Iterable[str]], state: Literal["in", "out"], *, take_lock: bool = False
) -> Result:
    """At each of these gateways put these hosts into rotation, or take them out of it."""
    names = {"hosts": "aimlsetup_rotated", "holder": "aimlsetup_holder", "run": "aimlsetup_run"}
    arguments = " ".join(f"{option}={{{{ {name} }}}}" for option, name in names.items())
    more = {"aimlsetup_holder": session.holder, "aimlsetup_run": session.log.name}
    variables = {gateway: {**more, "aimlsetup_rotated": list(hosts)} for gateway, hosts in gateways.items()}
    call = Call(module=ROTATION, arguments=f"{arguments} state={state} take_lock={str(take_lock).lower()}")
    return session.run(call, variables, on_event=ignore)


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
