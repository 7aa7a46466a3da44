"""`aimlsetup apply`: make the hosts match the lock."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, print_document, take_lock_option, yes_option
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.cli._loop import Outcome, Seen
    from aimlsetup.cli._site import Site
    from aimlsetup.engine.session import Session
    from aimlsetup.models.inventory import Inventories
    from aimlsetup.models.plan import Plan
    from aimlsetup.ui import Style
    from aimlsetup.waves import Serial

STYLES: "dict[str, Style]" = {"failed": "bad", "untouched": "change", "done": "good", "unchanged": "good"}


def _serial(_context: click.Context, _option: click.Parameter, text: str | None) -> "Serial | None":
    from aimlsetup.waves import Serial

    try:
        return Serial.of(text) if text is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("saved", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=False, metavar="[PLAN]")
@common
@inventory_options
@yes_option
@click.option(
    "--replace",
    "replaced",
    metavar="NAME",
    multiple=True,
    help="With --yes: something that was there before and may be changed (path, unit or account, as the plan has it).",
)
@click.option("--check", is_flag=True, help="The same as `plan`: change nothing.")
@click.option(
    "--serial",
    metavar="NUMBER|PERCENT%",
    callback=_serial,
    help="Of several hosts one is changed and verified first; then so many at a time. Default: all the rest at once; "
    "behind a gateway at most half of those that serve the same model.",
)
@take_lock_option
def command(
    saved: Path | None,
    profile: Path,
    limit: str | None,
    as_json: bool,
    inventories: "Inventories",
    yes: bool,
    replaced: tuple[str, ...],
    check: bool,
    serial: "Serial | None",
    take_lock: bool,
) -> int:
    """Make the hosts match the lock; where there is none, or the profile has changed, it is solved first.

    Only what differs is touched. Stopped half-way, by whatever, the same command goes on from what the host is.
    Where several hosts differ, one is changed and verified first, then the others; the first failure stops (exit code
    6 if some are done by then).
    With a PLAN that `plan -o` saved, exactly that is done, or nothing (exit code 3) if the hosts have moved on.
    What was there before and no receipt owns is changed only where the plan that is confirmed says so (exit code 5).

    \b
    aimlsetup apply
    aimlsetup apply --yes --limit gpu1,gpu2
    aimlsetup apply --yes -i inventories/lab --limit gpus --serial 25%
    aimlsetup apply change.plan
    """
    if check:
        from aimlsetup.cli.plan import preview

        return preview(profile, limit, inventories, as_json=as_json)
    return apply(
        profile,
        limit,
        inventories,
        saved=saved,
        as_json=as_json,
        yes=yes,
        replaced=replaced,
        serial=serial,
        take_lock=take_lock,
    )


def apply(
    profile: Path,
    limit: str | None,
    inventories: "Inventories | None" = None,
    *,
    saved: Path | None = None,
    as_json: bool = False,
    yes: bool = False,
    replaced: Sequence[str] = (),
    serial: "Serial | None" = None,
    take_lock: bool = False,
) -> int:
    """Observe, compare, ask, act, until nothing drifts. Returns the exit code."""
    from aimlsetup.cli import _consent, _loop, _resume, _rotation, _site
    from aimlsetup.engine.failures import RESUMES
    from aimlsetup.engine.locks import held
    from aimlsetup.engine.session import session

    plan = _read_plan(saved) if saved else None
    site = _site.open_site(profile, limit, inventories, boot=True)
    reached = site.hosts | _rotation.beside(site)
    with held(site.hosts), session(reached, site.references(), rootless=site.rootless) as run:
        try:
            seen, errors = _loop.look_and_judge(site, run)
            if plan:
                _still_true(plan, site, seen)
            run.adopt = _consent.granted(plan) if plan else {name: list(replaced) for name in seen}
            outcomes = _act(site, run, seen, yes=yes, previewed=plan, serial=serial, take_lock=take_lock)
        except KeyboardInterrupt:
            raise AimlsetupError(
                "interrupted",
                "interrupted; no receipt says that more was done than was",
                hint=f"Go on with: {_loop.again()}",
                exit_code=Exit.INTERRUPTED,
            ) from None
        log = run.log.path if run.log.path.exists() else None
        errors |= {name: outcome.error for name, outcome in outcomes.items() if outcome.error}
        _show(outcomes, errors, log, as_json=as_json)
        _resume.reboot(run, [name for name, error in errors.items() if error.ref == RESUMES])
    return _loop.conclude(errors, len(site.hosts) - sum(outcome.untouched for outcome in outcomes.values()))


def _act(
    site: "Site",
    run: "Session",
    seen: dict[str, "Seen"],
    *,
    yes: bool,
    previewed: "Plan | None",
    serial: "Serial | None",
    take_lock: bool,
) -> dict[str, "Outcome"]:
    """Show what would change, ask, and do it."""
    from aimlsetup import ui
    from aimlsetup.cli import _consent, _loop, _waves
    from aimlsetup.report import plan as report

    if not _loop.work_of(site, seen):
        return {name: _loop.Outcome() for name in seen}
    if yes:
        ui.show(report.lines(_loop.outline(site, seen), undo=False), to_stderr=True)
        errors = _unasked(site, run, seen, previewed)
        if errors:
            return {name: _loop.Outcome(error=errors.get(name), untouched=name not in errors) for name in seen}
        return _waves.roll_out(site, run, seen, serial=serial, take_lock=take_lock)
    if not ui.interactive():
        raise AimlsetupError(
            "apply-consent",
            "there is something to change, and nobody to ask",
            hint="Look at `aimlsetup plan`, then add --yes.",
            exit_code=Exit.CONSENT,
        )
    made, errors = _loop.plan(site, run, seen)
    ui.show(report.lines(made, width=ui.width()), to_stderr=True)
    run.adopt = _consent.granted(made)
    errors |= _consent.refused(made, run.adopt, site.path)
    if errors:
        return {name: _loop.Outcome(error=errors.get(name)) for name in seen}
    if order := _waves.told(site, seen, serial):
        ui.show([ui.Line(order)], to_stderr=True)
    if not ui.confirm("Apply this?"):
        raise AimlsetupError("apply-declined", "nothing was changed", exit_code=Exit.CONSENT)
    return _waves.roll_out(site, run, seen, serial=serial, take_lock=take_lock)


def _unasked(
    site: "Site", run: "Session", seen: dict[str, "Seen"], previewed: "Plan | None"
) -> dict[str, AimlsetupError]:
    """Why nothing is touched: on these hosts nobody agreed to the change of something that no receipt owns.

    Whatever else a preview fails for, the apply itself will tell.
    """
    from aimlsetup.cli import _consent, _loop

    if previewed:
        return _consent.refused(previewed, run.adopt, site.path)
    unsure = {
        name: host
        for name, host in seen.items()
        if name in _loop.work_of(site, seen) and _consent.possible(site, name, host, run.adopt.get(name, ()))
    }
    if not unsure:
        return {}
    made, errors = _loop.plan(site, run, unsure)
    consents = {name: error for name, error in errors.items() if error.exit_code == Exit.CONSENT}
    return consents | _consent.refused(made, run.adopt, site.path)


def _read_plan(path: Path) -> "Plan":
    from aimlsetup import files
    from aimlsetup.models.plan import Plan
    from aimlsetup.report import page

    if page.is_page(path):
        raise AimlsetupError(
            "plan-page",
            f"{path}: a page to read, which can't be applied",
            hint="Save the plan beside it: aimlsetup plan -o change.plan -o change.html",
            exit_code=Exit.USAGE,
        )
    return files.check(files.read(path), Plan, "plan")


def _still_true(plan: "Plan", site: "Site", seen: dict[str, "Seen"]) -> None:
    """Stop unless lock and hosts are what the plan was made for."""
    from aimlsetup.cli import _site

    moved = [
        f"{name}: it is not as it was"
        for name, host in seen.items()
        if name in plan.hosts and plan.hosts[name].observed != host.basis
    ]
    moved += [f"{name}: the plan has nothing for it" for name in seen if name not in plan.hosts]
    moved += [f"{name}: it is in the plan but was not observed" for name in plan.hosts if name not in seen]
    if plan.lock != _site.digest(site.solved):
        moved.insert(0, "the lock has changed")
    if moved:
        raise AimlsetupError(
            "plan-outdated",
            "the plan no longer fits, so nothing was changed",
            context=moved,
            hint="Make a new one: aimlsetup plan -o FILE",
            exit_code=Exit.DRIFT,
        )


def _show(
    outcomes: dict[str, "Outcome"], errors: dict[str, AimlsetupError], log: Path | None, *, as_json: bool
) -> None:
    from aimlsetup import ui
    from aimlsetup.cli import _loop

    if as_json:
        hosts = {
            name: {"status": outcome.status, "applied": outcome.applied, "removed": outcome.removed}
            | ({"wave": outcome.wave} if outcome.wave else {})
            for name, outcome in outcomes.items()
        }
        failed = {name: error.document() for name, error in errors.items()}
        print_document(
            {
                "version": 1,
                "kind": "apply",
                "hosts": hosts,
                "errors": failed,
                "log": str(log) if log else None,
            }
        )
    else:
        ui.show(
            [
                ui.Line(f"{name}: {_sentence(outcome)}", STYLES[outcome.status])
                for name, outcome in outcomes.items()
            ]
        )
    _loop.tell(errors)


def _sentence(outcome: "Outcome") -> str:
    parts = [
        f"{done} {', '.join(names)}"
        for done, names in (("applied", outcome.applied), ("removed", outcome.removed))
        if names
    ]
    ends = {"failed": ["failed"], "untouched": ["untouched: another host failed before it"]}.get(outcome.status, [])
    return "; ".join([*parts, *ends]) or "nothing to do"
