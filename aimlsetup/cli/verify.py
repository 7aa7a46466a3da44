"""`aimlsetup verify`: does everything hold, and does it work?"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, print_document
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.cli._loop import Seen
    from aimlsetup.cli._site import Site
    from aimlsetup.engine.session import Session


@click.command()
@common
@click.option("--deep", is_flag=True, help="Hash every owned file instead of comparing sizes and times.")
def command(profile: Path, limit: str | None, as_json: bool, deep: bool) -> int:
    """Check that the hosts match the lock, and that what is there works. Changes nothing.

    Prints the proof: component, wanted, found, ok. Exit code 3 when one is not.

    \b
    aimlsetup verify
    aimlsetup verify --deep --json
    """
    return verify(profile, limit, as_json=as_json, deep=deep)


def verify(profile: Path, limit: str | None, *, as_json: bool = False, deep: bool = False) -> int:
    """Observe, compare, run the functional checks, print the proof. Returns the exit code."""
    from aimlsetup import ui
    from aimlsetup.cli import _loop, _site
    from aimlsetup.engine.session import session
    from aimlsetup.report import proof

    site = _site.open_site(profile, limit)
    with session(site.hosts, site.references()) as run:
        seen, errors = _loop.look_and_judge(site, run, deep=deep, solve=False)
        broken, notes = _check(site, run, seen)
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


def _check(
    site: "Site", run: "Session", seen: dict[str, "Seen"]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """{host: {component: what its functional check said}} of those that hold by their receipts: where it failed, and
    where it could not check everything.
    """
    from aimlsetup.cli import _loop
    from aimlsetup.engine import harvest
    from aimlsetup.engine.act import Work, functional
    from aimlsetup.engine.failures import broken

    work = {}
    for name, host in seen.items():
        arguments = site.components(name)
        held = [drift.component for drift in host.drifts if drift.action == "="]
        work[name] = Work({component: arguments[component] for component in held})
    work = {name: part for name, part in work.items() if part}
    if not work:
        return {}, {}
    result = _loop.watched(run, "checking", work, lambda: functional(run, work))
    found = {
        name: broken(result.failures(name), list(part.components), run.secrets.scrub) for name, part in work.items()
    }
    silent = [name for name in result.failed | result.unreachable if not found.get(name)]
    if silent or (result.status and not result.failed):
        raise AimlsetupError(
            "verify-failed", "the functional checks did not get to their end", context=[f"log: {run.log.path}"]
        )
    return found, {name: harvest.notes(result.events, name, run.secrets.scrub) for name in work}
