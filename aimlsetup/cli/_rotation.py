"""Hosts behind gateways: who is behind which, and out of rotation while they are changed."""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import click

from aimlsetup import ui
from aimlsetup.cli import _checks, _loop
from aimlsetup.cli._loop import Outcome
from aimlsetup.cli._site import Site, reachable
from aimlsetup.engine import act
from aimlsetup.engine.act import Work
from aimlsetup.engine.session import Session
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.profile import Host

COMPONENT = "gateway"
SERVING = "ai_service"
Served = dict[str, dict[str, list[str]]]  # {gateway's host: {model: hosts that serve it}}


def served(site: Site) -> Served:
    """The site's gateways with what is behind them, as the lock has it; also of hosts that --limit leaves out.

    A lock that was solved anew for some hosts knows nothing of the others: these count as they were locked before.
    """
    found: Served = {}
    for lock in (site.before, site.lock):
        for each in lock.classes.values() if lock else ():
            models = each.components.get(COMPONENT, {}).get("gateway_models", [])
            behind = {model["model_key"]: [server["host"] for server in model["servers"]] for model in models}
            found |= {name: behind for name in each.hosts if name in site.profile.hosts}
    return {name: behind for name, behind in found.items() if behind}


def beside(site: Site) -> dict[str, Host]:
    """Gateways that --limit leaves out and the chosen hosts are behind: a run has to reach them, too."""
    chosen = set(site.hosts)
    names = [
        name
        for name, behind in served(site).items()
        if name not in chosen and any(chosen.intersection(hosts) for hosts in behind.values())
    ]
    return reachable({name: site.profile.hosts[name] for name in names}, boot=False)


def at(gateways: Served, hosts: Collection[str]) -> dict[str, list[str]]:
    """{gateway: those of these hosts that are behind it}."""
    found = {
        gateway: [name for name in hosts if any(name in serving for serving in behind.values())]
        for gateway, behind in gateways.items()
    }
    return {gateway: names for gateway, names in found.items() if names}


def take_out(run: Session, gateways: Served, hosts: Collection[str], *, take_lock: bool = False) -> None:
    """Have no gateway ask these hosts any more, and those requests end that run. An AimlsetupError where one can't."""
    _rotate(run, at(gateways, hosts), "out", take_lock=take_lock)


def put_back(
    site: Site, run: Session, gateways: Served, made: Mapping[str, Outcome], *, take_lock: bool = False
) -> None:
    """Have gateways ask the hosts of a wave again, but for those whose change failed and whose services are silent."""
    failed = [name for name, outcome in made.items() if outcome.error and at(gateways, [name])]
    silent = _silent(site, run, failed)
    for name in silent:
        ui.warn(
            f"{name}: its services do not answer, so it stays out of rotation at {', '.join(at(gateways, [name]))}; "
            "applying the gateway puts it back"
        )
    back = at(gateways, [name for name in made if name not in silent])
    try:
        _rotate(run, back, "in", take_lock=take_lock)
    except AimlsetupError as error:
        for name in {name for names in back.values() for name in names}:
            made[name].error = made[name].error or error


def _silent(site: Site, run: Session, hosts: Iterable[str]) -> list[str]:
    """Those of the hosts whose services do not answer. Where they are not of this site, nobody knows how to ask."""
    found = []
    for name in hosts:
        services = {part: arguments for part, arguments in site.components(name).items() if part == SERVING}
        try:
            broken, _notes = _checks.check(run, {name: Work(services)}, "asking its services")
        except AimlsetupError:
            broken = {name: {SERVING: "it can't be asked"}}
        found += [name] if broken.get(name) else []
    return found


def _rotate(
    run: Session, gateways: Mapping[str, list[str]], state: Literal["in", "out"], *, take_lock: bool
) -> None:
    if not gateways:
        return
    result = act.rotate(run, gateways, state, take_lock=take_lock)
    errors = _loop.errors_of(run, result, gateways)
    if errors:
        name, error = next(iter(errors.items()))
        hosts = ", ".join(gateways[name])
        raise AimlsetupError(
            "gateway-rotation",
            f"{hosts} could not be {'put back into' if state == 'in' else 'taken out of'} rotation at {name}",
            context=[error.message, *error.context],
            hint=f"Set the gateway right, or apply it alone (--limit {name}), then go on with: {_loop.again()}",
        )
    for event in result.events:
        if event.kind == "ok" and "models" in event.result:
            _tell(event.host, gateways[event.host], state, event.result)


def _tell(gateway: str, hosts: list[str], state: str, said: Mapping[str, object]) -> None:
    models, left = (", ".join(map(str, said.get(key) or ())) for key in ("models", "left"))  # type: ignore[call-overload]
    if models:
        way = "in" if state == "in" else "out of"
        click.echo(f"{gateway}: {', '.join(hosts)} {way} rotation for {models}", err=True)
    if left:
        click.echo(f"{gateway}: {', '.join(hosts)} stays in for {left}, which nobody else serves just now", err=True)
    if said.get("running"):
        ui.warn(f"{gateway}: requests that were sent to {', '.join(hosts)} before still run")
