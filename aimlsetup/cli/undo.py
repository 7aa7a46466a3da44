"""`aimlsetup undo`: take back what was done last."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, take_lock_option, yes_option

if TYPE_CHECKING:
    from aimlsetup.models.inventory import Inventories


@click.command()
@click.argument("components", nargs=-1, metavar="[COMPONENT]...")
@common
@inventory_options
@yes_option
@click.option("--check", is_flag=True, help="Only show what would be taken back.")
@click.option("--diff", is_flag=True, help="Show every single thing.")
@take_lock_option
def command(
    components: tuple[str, ...],
    profile: Path,
    limit: str | None,
    as_json: bool,
    inventories: "Inventories",
    yes: bool,
    check: bool,
    diff: bool,
    take_lock: bool,
) -> int:
    """Take back the last change of these COMPONENTs; without a name, all that the newest apply changed on each host.

    Files, links, owners, packages with their versions and holds, units and accounts become what they were before; what
    was made goes. Done again, it goes one more change back. Where somebody has edited a file since, or a package's old
    version is nowhere to be had, nothing is done and it is named.

    \b
    aimlsetup undo --check
    aimlsetup undo
    aimlsetup undo ai_service --limit gpu1
    """
    from aimlsetup.cli._back import LAST, take_back

    ways = {"as_json": as_json, "yes": yes, "check": check, "diff": diff, "take_lock": take_lock}
    return take_back(profile, limit, inventories, components, LAST, **ways)
