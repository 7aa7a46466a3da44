"""`aimlsetup plan`: what apply would change."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, print_document
from aimlsetup.errors import Exit

if TYPE_CHECKING:
    from aimlsetup.cli._loop import Seen
    from aimlsetup.cli._site import Site
    from aimlsetup.models.inventory import Inventories
    from aimlsetup.models.plan import Plan
    from aimlsetup.report.plan import Detail
    from aimlsetup.ui import Line

DETAIL: "dict[bool | None, Detail]" = {None: "changes", True: "all", False: "none"}


@click.command()
@common
@inventory_options
@click.option(
    "-o",
    "--output",
    "outputs",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    multiple=True,
    help="Save the plan: `aimlsetup apply FILE` does exactly that, or stops. One that ends in .md or .html is a "
    "page to attach to a change ticket. May be given several times.",
)
@click.option("--exit-code", "drift_code", is_flag=True, help="Exit with 3 when something would change.")
@click.option(
    "--diff/--no-diff",
    default=None,
    help="Diffs of everything, what is made anew included; or none. Otherwise of what changes.",
)
def command(
    profile: Path,
    limit: str | None,
    as_json: bool,
    inventories: "Inventories",
    outputs: tuple[Path, ...],
    drift_code: bool,
    diff: bool | None,
) -> int:
    """Show what apply would change, as a diff. Changes nothing.

    Per host and component: + to be made, ~ differs, - to be removed, = holds; why, what it downloads and needs on
    disk, what restarts, and how it can be taken back.

    \b
    aimlsetup plan
    aimlsetup plan --diff | less
    aimlsetup plan -o change.plan && aimlsetup apply change.plan
    aimlsetup plan -o change.plan -o change.html
    aimlsetup plan --exit-code --json > plan.json
    """
    return preview(
        profile, limit, inventories, as_json=as_json, outputs=outputs, drift_code=drift_code, diff=diff
    )


def preview(
    profile: Path,
    limit: str | None,
    inventories: "Inventories | None" = None,
    *,
    as_json: bool = False,
    outputs: Sequence[Path] = (),
    drift_code: bool = False,
    diff: bool | None = None,
) -> int:
    """Make a plan and show it. Returns the exit code."""
    from aimlsetup import ui
    from aimlsetup.cli import _loop, _site
    from aimlsetup.engine.session import session
    from aimlsetup.report import plan as report

    site = _site.open_site(profile, limit, inventories)
    with session(site.hosts, site.references(), rootless=site.rootless) as run:
        seen, errors = _loop.look_and_judge(site, run)
        if site.lock is None:  # no host answered, so there was nothing to solve for
            _loop.tell(errors)
            return _loop.conclude(errors, len(site.hosts))
        made, refused = _loop.plan(site, run, seen)
    errors |= refused
    if outputs:
        from aimlsetup.cli import _saved

        _saved.save(outputs, site, limit, made, errors)
    if as_json:
        print_document(made.model_dump(mode="json"))
    else:
        ui.show(report.lines(made, detail=DETAIL[diff], width=ui.width()))
        ui.show(_served(site, seen, made))
    _loop.tell(errors)
    return _loop.conclude(errors, len(site.hosts), otherwise=Exit.DRIFT if drift_code and made.drifted else Exit.DONE)


def _served(site: "Site", seen: "Mapping[str, Seen]", made: "Plan") -> "list[Line]":
    """Which model goes where, of hosts whose services would change."""
    from aimlsetup.cli import _serving

    changing = [
        name
        for name, host in made.hosts.items()
        if any(part.component == _serving.COMPONENT and part.action in "+~" for part in host.drifts)
    ]
    return _serving.lines(site, {name: seen[name].observation for name in changing})
