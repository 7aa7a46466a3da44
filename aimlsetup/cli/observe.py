"""`aimlsetup observe`: what the hosts are now."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, print_document

if TYPE_CHECKING:
    from aimlsetup.models.inventory import Inventories


@click.command()
@common
@inventory_options
@click.option("--deep", is_flag=True, help="Hash every owned file instead of comparing sizes and times.")
@click.option(
    "--script",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a program that a host which can't be reached runs itself (any Python from 3.6).",
)
def command(
    profile: Path, limit: str | None, as_json: bool, inventories: "Inventories", deep: bool, script: Path | None
) -> int:
    """Show what the hosts are now: system, memory, GPUs, whether each receipt still holds, and what is there that none
    owns. Changes nothing.

    \b
    aimlsetup observe --json
    aimlsetup observe --script look.pyz    copy it to a host, run `python3 look.pyz > facts.json` there as root
    """
    if script:
        from aimlsetup.engine.script import write

        write(script)
        click.echo(f"wrote {script}; on the host, as root: python3 {script.name} > facts.json", err=True)
        return 0
    return _observe(profile, limit, inventories, as_json=as_json, deep=deep)


def _observe(profile: Path, limit: str | None, inventories: "Inventories", *, as_json: bool, deep: bool) -> int:
    from aimlsetup import ui
    from aimlsetup.cli import _loop, _site
    from aimlsetup.engine.session import session
    from aimlsetup.report import observation

    site = _site.open_site(profile, limit, inventories)
    with session(site.hosts, site.references(), rootless=site.rootless) as run:
        observed = _loop.look(run, site.hosts, deep=deep)
    errors = {name: error.document() for name, error in observed.errors.items()}
    if as_json:
        print_document(observation.document(observed.hosts, errors))
    else:
        ui.show(observation.lines(observed.hosts))
    _loop.tell(observed.errors)
    return _loop.conclude(observed.errors, len(site.hosts))
