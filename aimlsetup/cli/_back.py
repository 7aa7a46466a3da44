"""The way back: what `undo` and `remove` share."""

from collections.abc import Sequence
from pathlib import Path

from aimlsetup import ui
from aimlsetup.cli import _loop, _site
from aimlsetup.cli._options import print_document
from aimlsetup.engine import act, harvest
from aimlsetup.engine.locks import held
from aimlsetup.engine.session import Session, session
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.inventory import Inventories
from aimlsetup.models.plan import Undoing
from aimlsetup.report import undoing as report

LAST, FIRST = "last", "first"


def take_back(
    profile: Path,
    limit: str | None,
    inventories: Inventories,
    components: Sequence[str],
    to: str,
    *,
    as_json: bool = False,
    yes: bool = False,
    check: bool = False,
    diff: bool = False,
    take_lock: bool = False,
) -> int:
    """Show what would be taken back, ask, and do it. Returns the exit code."""
    site = _site.open_site(profile, limit, inventories)
    with held(site.hosts), session(site.hosts) as run:
        chosen = {name: list(components) for name in site.hosts}
        done: dict[str, Undoing] = {}
        errors: dict[str, AimlsetupError] = {}
        if not yes:
            done, errors = _run(run, chosen, to, check=True)
            ui.show(report.lines(done, detail=diff, width=ui.width()), to_stderr=not check or as_json)
            chosen = {name: found.components for name, found in done.items() if found.components}
            if chosen and not check:
                ask("Take this back?")
        if chosen and not check:
            done, failed = _run(run, chosen, to, check=False, take_lock=take_lock)
            errors |= failed
            ui.show(report.lines(done, done=True, detail=diff, width=ui.width()), to_stderr=as_json)
    if as_json:
        print_document(_document(done, errors, check=check))
    _loop.tell(errors)
    return _loop.conclude(errors, len(site.hosts))


def ask(question: str) -> None:
    """Go on only with somebody's consent to what was shown."""
    if not ui.interactive():
        raise AimlsetupError(
            "undo-consent",
            "there is something to do, and nobody to ask",
            hint="The lines above say what; add --yes.",
            exit_code=Exit.CONSENT,
        )
    if not ui.confirm(question):
        raise AimlsetupError("undo-declined", "nothing was changed", exit_code=Exit.CONSENT)


def _run(
    run: Session, chosen: dict[str, list[str]], to: str, *, check: bool, take_lock: bool = False
) -> tuple[dict[str, Undoing], dict[str, AimlsetupError]]:
    with ui.waiting("looking" if check else "taking back"):
        result = act.undo(run, chosen, to, check=check, take_lock=take_lock)
    errors = _loop.errors_of(run, result, chosen)
    found = harvest.undoings(result.events, run.secrets.scrub)
    return {name: undoing for name, undoing in found.items() if name not in errors}, errors


def _document(done: dict[str, Undoing], errors: dict[str, AimlsetupError], *, check: bool) -> dict[str, object]:
    return {
        "version": 1,
        "kind": "undo",
        "done": not check,
        "hosts": {name: found.model_dump(mode="json") for name, found in done.items()},
        "errors": {name: error.document() for name, error in errors.items()},
    }
