"""`aimlsetup apply`: make the hosts match the lock."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, print_document, yes_option
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.cli._loop import Outcome, Seen
    from aimlsetup.cli._site import Site
    from aimlsetup.engine.session import Session
    from aimlsetup.models.plan import Plan


@click.command()
@click.argument("saved", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=False, metavar="[PLAN]")
@common
@yes_option
@click.option("--check", is_flag=True, help="The same as `plan`: change nothing.")
@click.option(
    "--take-lock", is_flag=True, help="Take a host over from another controller's apply that is known to be dead."
)
def command(
    saved: Path | None, profile: Path, limit: str | None, as_json: bool, yes: bool, check: bool, take_lock: bool
) -> int:
    """Make the hosts match the lock; where there is none, or the profile has changed, it is solved first.

    Only what differs is touched. Stopped half-way, by whatever, the same command goes on from what the host is.
    With a PLAN that `plan -o` saved, exactly that is done, or nothing (exit code 3) if the hosts have moved on.

    \b
    aimlsetup apply
    aimlsetup apply --yes --limit gpu1,gpu2
    aimlsetup apply change.plan
    """
    if check:
        from aimlsetup.cli.plan import preview

        return preview(profile, limit, as_json=as_json)
    return apply(profile, limit, saved=saved, as_json=as_json, yes=yes, take_lock=take_lock)


def apply(
    profile: Path,
    limit: str | None,
    *,
    saved: Path | None = None,
    as_json: bool = False,
    yes: bool = False,
    take_lock: bool = False,
) -> int:
    """Observe, compare, ask, act, until nothing drifts. Returns the exit code."""
    from aimlsetup.cli import _loop, _resume, _site
    from aimlsetup.engine.failures import RESUMES
    from aimlsetup.engine.locks import held
    from aimlsetup.engine.session import session

    plan = _read_plan(saved) if saved else None
    site = _site.open_site(profile, limit, boot=True)
    with held(site.hosts), session(site.hosts, site.references()) as run:
        try:
            seen, errors = _loop.look_and_judge(site, run)
            if plan:
                _still_true(plan, site, seen)
            outcomes = _act(site, run, seen, yes=yes, take_lock=take_lock)
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
    return _loop.conclude(errors, len(site.hosts))


def _act(site: "Site", run: "Session", seen: dict[str, "Seen"], *, yes: bool, take_lock: bool) -> dict[str, "Outcome"]:
    """Show what would change, ask, and do it."""
    from aimlsetup import ui
    from aimlsetup.cli import _loop
    from aimlsetup.report import plan as report

    if not _loop.work_of(site, seen):
        return {name: _loop.Outcome() for name in seen}
    if yes:
        ui.show(report.lines(_loop.outline(site, seen), undo=False), to_stderr=True)
        return _loop.converge(site, run, seen, take_lock=take_lock)
    if not ui.interactive():
        raise AimlsetupError(
            "apply-consent",
            "there is something to change, and nobody to ask",
            hint="Look at `aimlsetup plan`, then add --yes.",
            exit_code=Exit.CONSENT,
        )
    made, errors = _loop.plan(site, run, seen)
    ui.show(report.lines(made, width=ui.width()), to_stderr=True)
    if errors:
        return {name: _loop.Outcome(error=errors.get(name)) for name in seen}
    if not ui.confirm("Apply this?"):
        raise AimlsetupError("apply-declined", "nothing was changed", exit_code=Exit.CONSENT)
    return _loop.converge(site, run, seen, take_lock=take_lock)


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
                ui.Line(f"{name}: {_sentence(outcome)}", "bad" if outcome.error else "good")
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
    return "; ".join([*parts, *(["failed"] if outcome.error else [])]) or "nothing to do"
