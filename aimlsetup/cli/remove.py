"""`aimlsetup remove`: leave the host as it was found."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, take_lock_option, yes_option
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.models.inventory import Inventories


@click.command()
@click.argument("components", nargs=-1, metavar="[COMPONENT]...")
@common
@inventory_options
@yes_option
@click.option("--all", "everything", is_flag=True, help="Every component that was ever applied.")
@click.option("--check", is_flag=True, help="Only show what would be removed.")
@click.option("--diff", is_flag=True, help="Show every single thing.")
@take_lock_option
def command(
    components: tuple[str, ...],
    profile: Path,
    limit: str | None,
    as_json: bool,
    inventories: "Inventories",
    yes: bool,
    everything: bool,
    check: bool,
    diff: bool,
    take_lock: bool,
) -> int:
    """Remove COMPONENTs as if they had never been applied. With --all the host is left as it was found.

    What was there before comes back; what the user's own programs have written since stays, and is listed. The profile
    is not changed: an apply would make them again, unless they are left out of its `components`.

    \b
    aimlsetup remove --all --check
    aimlsetup remove --all
    aimlsetup remove cuda cudnn --limit gpu1
    """
    from aimlsetup.cli._back import FIRST, take_back

    if bool(components) == everything:
        raise AimlsetupError(
            "remove-what",
            "remove takes either components or --all",
            hint="aimlsetup remove ai_service, or aimlsetup remove --all",
            exit_code=Exit.USAGE,
        )
    ways = {"as_json": as_json, "yes": yes, "check": check, "diff": diff, "take_lock": take_lock}
    return take_back(profile, limit, inventories, components, FIRST, **ways)
