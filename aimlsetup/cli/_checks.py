"""The components' functional checks on hosts, and what they said."""

from collections.abc import Mapping

from aimlsetup.cli import _loop
from aimlsetup.engine import harvest
from aimlsetup.engine.act import Work, functional
from aimlsetup.engine.failures import broken
from aimlsetup.engine.session import Session
from aimlsetup.errors import AimlsetupError

Said = dict[str, dict[str, str]]


def check(run: Session, work: Mapping[str, Work], title: str = "checking") -> tuple[Said, Said]:
    """{host: {component: what its functional check said}}: where it failed, and where it could not check everything."""
    work = {name: part for name, part in work.items() if part}
    if not work:
        return {}, {}
    result = _loop.watched(run, title, work, lambda: functional(run, work))
    found = {
        name: broken(result.failures(name), list(part.components), run.secrets.scrub) for name, part in work.items()
    }
    silent = [name for name in result.failed | result.unreachable if not found.get(name)]
    if silent or (result.status and not result.failed):
        raise AimlsetupError(
            "verify-failed", "the functional checks did not get to their end", context=[f"log: {run.log.path}"]
        )
    return found, {name: harvest.notes(result.events, name, run.secrets.scrub) for name in work}
