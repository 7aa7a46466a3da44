"""`aimlsetup flip`: go to the previous dated directory, and back."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, print_document, take_lock_option, yes_option

if TYPE_CHECKING:
    from aimlsetup.cli._site import Site
    from aimlsetup.engine.session import Session
    from aimlsetup.errors import AimlsetupError
    from aimlsetup.models.inventory import Inventories
    from aimlsetup.models.plan import Flipped
    from aimlsetup.ui import Line


@click.command()
@click.argument("component", type=click.Choice(["python_env", "data_links"]))
@common
@inventory_options
@yes_option
@take_lock_option
def command(
    component: str,
    profile: Path,
    limit: str | None,
    as_json: bool,
    inventories: "Inventories",
    yes: bool,
    take_lock: bool,
) -> int:
    """Flip a COMPONENT's links to the previous dated directories; the same again flips back.

    Nothing is built or removed. Services that depend on it are tried with it and restarted behind their sockets. A
    flipped environment differs from the lock: `plan` shows that, and `apply` goes back to what the lock names.

    \b
    aimlsetup flip python_env
    aimlsetup flip data_links --limit gpu1 --yes
    """
    from aimlsetup import ui
    from aimlsetup.cli import _back, _loop, _site
    from aimlsetup.engine.locks import held
    from aimlsetup.engine.session import session

    site = _site.open_site(profile, limit, inventories)
    _site.locked(site)
    with held(site.hosts), session(site.hosts, site.references(), rootless=site.rootless) as run:
        done: dict[str, Flipped] = {}
        errors: dict[str, AimlsetupError] = {}
        hosts = list(site.hosts)
        if not yes:
            done, errors = _run(site, run, hosts, component, check=True, take_lock=take_lock)
            ui.show(_lines(done), to_stderr=True)
            hosts = list(done)
            if hosts:
                _back.ask("Flip this?")
        if hosts:
            done, failed = _run(site, run, hosts, component, check=False, take_lock=take_lock)
            errors |= failed
    if as_json:
        failed_documents = {name: error.document() for name, error in errors.items()}
        flipped = {name: found.model_dump(mode="json") for name, found in done.items()}
        print_document({"version": 1, "kind": "flip", "hosts": flipped, "errors": failed_documents})
    else:
        ui.show(_lines(done))
    _loop.tell(errors)
    return _loop.conclude(errors, len(site.hosts))


def _run(
    site: "Site", run: "Session", hosts: list[str], component: str, *, check: bool, take_lock: bool
) -> "tuple[dict[str, Flipped], dict[str, AimlsetupError]]":
    from aimlsetup import ui
    from aimlsetup.cli import _loop
    from aimlsetup.engine import act, harvest
    from aimlsetup.engine.act import Work

    work = {name: Work(site.components(name)) for name in hosts}
    with ui.waiting("looking" if check else "flipping"):
        result = act.flip(run, work, component, check=check, take_lock=take_lock)
    errors = _loop.errors_of(run, result, work)
    return {name: found for name, found in harvest.flips(result.events).items() if name not in errors}, errors


def _lines(done: "dict[str, Flipped]") -> "list[Line]":
    from aimlsetup.ui import Line

    return [
        Line(text, "change")
        for host, found in sorted(done.items())
        for text in (
            *(f"{host}: {link} {pair['from']} → {pair['to']}" for link, pair in found.flipped.items()),
            *(f"{host}: restarts what belongs to {name}" for name in found.dependents),
        )
    ]
