"""Changing several hosts: one first, and proven to work; then the rest, wave after wave, until one fails."""

from collections.abc import Iterable, Mapping

import click

from aimlsetup.cli import _checks, _loop, _rotation
from aimlsetup.cli._loop import Outcome, Seen
from aimlsetup.cli._rotation import Served
from aimlsetup.cli._site import Site
from aimlsetup.engine.act import Work
from aimlsetup.engine.session import Session
from aimlsetup.errors import AimlsetupError
from aimlsetup.waves import Serial, waves


def roll_out(
    site: Site, run: Session, seen: Mapping[str, Seen], *, serial: Serial | None = None, take_lock: bool = False
) -> dict[str, Outcome]:
    """Converge the hosts. Where several are to be changed, each wave must hold and work before the next begins.

    Hosts behind a gateway are out of its rotation while they are changed, until they are proven to work.
    """
    planned, gateways = _planned(site, seen, serial), _rotation.served(site)
    if len(planned) < 2 and not _rotation.at(gateways, planned[0] if planned else []):
        return _loop.converge(site, run, seen, take_lock=take_lock)
    outcomes = {name: Outcome() for name in seen}
    for number, names in enumerate(planned, 1):
        title = f"wave {number} of {len(planned)}"
        click.echo(f"{title}: changing {', '.join(names)}", err=True)
        made = _wave(site, run, {name: seen[name] for name in names}, gateways, title, take_lock=take_lock)
        for name in names:
            outcomes[name] = made[name]
            outcomes[name].wave = number if len(planned) > 1 else None
        if any(outcome.error for outcome in made.values()):
            _leave(outcomes, (name for later in planned[number:] for name in later))
            break
    return outcomes


def _wave(
    site: Site, run: Session, there: Mapping[str, Seen], gateways: Served, title: str, *, take_lock: bool
) -> dict[str, Outcome]:
    """Take the hosts of a wave out of rotation, change them, prove that they work, and put them back."""
    try:
        _rotation.take_out(run, gateways, list(there), take_lock=take_lock)
    except AimlsetupError as error:
        return {name: Outcome(error=error) for name in there}
    made = _loop.converge(site, run, there, take_lock=take_lock, title=f"applying, {title}")
    _prove(site, run, made, title)
    _rotation.put_back(site, run, gateways, made, take_lock=take_lock)
    return made


def _planned(site: Site, seen: Mapping[str, Seen], serial: Serial | None) -> list[list[str]]:
    gateways = _rotation.served(site)
    sharing = [hosts for behind in gateways.values() for hosts in behind.values()]
    return waves(list(_loop.work_of(site, seen)), serial, last=gateways, sharing=sharing)


def told(site: Site, seen: Mapping[str, Seen], serial: Serial | None = None) -> str:
    """In which order several hosts will be changed; empty where there are not several."""
    first, *others = _planned(site, seen, serial) or [[]]
    if not others:
        return ""
    rest = sum(map(len, others))
    at_once = f", at most {max(map(len, others))} at a time" if len(others) > 1 else ""
    return f"first {first[0]} alone, then {'the other' if rest == 1 else f'the other {rest}'}{at_once}"


def _prove(site: Site, run: Session, made: Mapping[str, Outcome], title: str) -> None:
    """Run the functional checks of hosts that hold; one that fails is the host's error."""
    work = {name: Work(site.components(name)) for name, outcome in made.items() if not outcome.error}
    if work:
        click.echo(f"{title}: checking {', '.join(work)}", err=True)
    try:
        broken, _notes = _checks.check(run, work, f"checking, {title}")
    except AimlsetupError as error:  # what was done is told all the same
        for name in work:
            made[name].error = error
        return
    for name, said in broken.items():
        if said:
            made[name].error = AimlsetupError(
                "apply-broken",
                f"{name}: it is as it should be, and {', '.join(said)} does not work",
                context=[f"{component}: {text}" for component, text in said.items()],
                hint=f"Set this right, see it with `aimlsetup verify`, then go on with: {_loop.again()}",
            )


def _leave(outcomes: Mapping[str, Outcome], names: Iterable[str]) -> None:
    for name in names:
        outcomes[name].untouched = True
