"""`aimlsetup verify`: does everything hold, and does it work?"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, print_document
from aimlsetup.errors import Exit

if TYPE_CHECKING:
    from aimlsetup.cli._loop import Seen
    from aimlsetup.cli._site import Site
    from aimlsetup.engine.act import Work
    from aimlsetup.models.inventory import Inventories


@click.command()
@common
@inventory_options
@click.option("--deep", is_flag=True, help="Hash every owned file instead of comparing sizes and times.")
def command(profile: Path, limit: str | None, as_json: bool, inventories: "Inventories", deep: bool) -> int:
    """Check that the hosts match the lock, and that what is there works. Changes nothing.

    Prints the proof: component, wanted, found, ok. Exit code 3 when one is not.

    \b
    aimlsetup verify
    aimlsetup verify --deep --json
    """
    return verify(profile, limit, inventories, as_json=as_json, deep=deep)


def verify(
    profile: Path,
    limit: str | None,
    inventories: "Inventories | None" = None,
    *,
    as_json: bool = False,
    deep: bool = False,
) -> int:
    """Observe, compare, run the functional checks, print the proof. Returns the exit code."""
    from aimlsetup import ui
    from aimlsetup.cli import _checks, _loop, _site
    from aimlsetup.engine.session import session
    from aimlsetup.report import proof

    site = _site.open_site(profile, limit, inventories)
    with session(site.hosts, site.references(), rootless=site.rootless) as run:
        seen, errors = _loop.look_and_judge(site, run, deep=deep, solve=False)
        broken, notes = _checks.check(run, _held(site, seen))
    proofs = [
        row
        for name, host in seen.items()
        for row in proof.prove(name, host.drifts, host.observation.receipts, broken.get(name, {}), notes.get(name, {}))
    ]
    if as_json:
        print_document({**proof.document(proofs), "errors": {name: error.document() for name, error in errors.items()}})
    else:
        ui.show(proof.lines(proofs))
    _loop.tell(errors)
    return _loop.conclude(errors, len(site.hosts), otherwise=Exit.DONE if all(row.ok for row in proofs) else Exit.DRIFT)


def _held(site: "Site", seen: "dict[str, Seen]") -> "dict[str, Work]":
    """The components that hold by their receipts, by host."""
    from aimlsetup.engine.act import Work

    work = {}
    for name, host in seen.items():
        arguments = site.components(name)
        held = [drift.component for drift in host.drifts if drift.action == "="]
        work[name] = Work({component: arguments[component] for component in held})
    return work
