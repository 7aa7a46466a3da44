"""`aimlsetup models`: what is served where, healthy or not."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aimlsetup.cli._options import common, inventory_options, print_document
from aimlsetup.errors import Exit

if TYPE_CHECKING:
    from aimlsetup.cli._site import Site
    from aimlsetup.models.inventory import Inventories

LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- what services listen on, as they are asked


@click.command()
@common
@inventory_options
def command(profile: Path, limit: str | None, as_json: bool, inventories: "Inventories") -> int:
    """List what is served where, and whether it is healthy. Changes nothing.

    Every replica of the lock is asked on its own host for its health; exit code 3 tells that one does not answer.

    \b
    aimlsetup models
    aimlsetup models --limit gpu1 --json
    """
    return models(profile, limit, inventories, as_json=as_json)


def models(profile: Path, limit: str | None, inventories: "Inventories", *, as_json: bool = False) -> int:
    """Ask and tell. Returns the exit code."""
    from aimlsetup import ui
    from aimlsetup.cli import _loop, _site
    from aimlsetup.engine import act
    from aimlsetup.engine.session import session
    from aimlsetup.report import serving as report

    site = _site.open_site(profile, limit, inventories)
    _site.locked(site)
    wanted = {name: found for name in site.hosts if (found := replicas(site, name))}
    asked = {name: [{"unit": row["unit"], "url": row["url"]} for row in found] for name, found in wanted.items()}
    with session(site.hosts, site.references(), rootless=site.rootless) as run, ui.waiting("asking"):
        result = act.models(run, asked) if asked else None
        errors = _loop.errors_of(run, result, asked) if result else {}
    events = result.events if result else []
    answers = {event.host: event.result["services"] for event in events if event.kind == "ok"}
    rows = [
        {"host": name, **row, **answer}
        for name, found in wanted.items()
        for row, answer in zip(found, answers.get(name, ()), strict=False)
    ]
    if as_json:
        errors_shown = {name: error.document() for name, error in errors.items()}
        print_document({"version": 1, "kind": "models", "services": rows, "errors": errors_shown})
    elif rows:
        ui.show(report.standing([_row(row) for row in rows]))
    elif not errors:
        click.echo("nothing is served", err=True)
    _loop.tell(errors)
    healthy = all(row["said"] is None for row in rows)
    return _loop.conclude(errors, len(site.hosts), otherwise=Exit.DONE if healthy else Exit.DRIFT)


def replicas(site: "Site", host: str) -> list[dict[str, Any]]:
    """{"model_key", "instance", "unit", "port", "url"} of everything that a host is to serve."""
    from aimlsetup.cli import _serving
    from aimlsetup.content import util

    found: list[dict[str, Any]] = []
    for service in _serving.services(site, host):
        for replica in util("serving").instances([{"queue": False, **service}]):
            address = service.get("address") or "0.0.0.0"  # noqa: S104 -- the role's default
            local = LOCAL.get(address, address)
            origin = f"[{local}]" if ":" in local else local
            path = service.get("health_path") or "/api/vision/v2/health"
            found.append(
                {
                    "model_key": replica["model_key"],
                    "instance": replica["instance"],
                    "unit": service.get("unit") or f"codehub-ai@{replica['instance']}.service",
                    "port": replica["port"],
                    "url": f"http://{origin}:{replica['port']}{path}",
                }
            )
    return found


def _row(row: dict[str, Any]) -> tuple[str, str, str, str, str | None]:
    return row["host"], str(row["port"]), row["instance"], row["state"], row["said"]
