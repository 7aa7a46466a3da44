"""From a person, flags and files to a profile: what `init` and the guided run share."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from aimlsetup import catalog, content, files, sandbox, ui
from aimlsetup.catalog import profiles, schema
from aimlsetup.cli._loop import again
from aimlsetup.cli._site import reachable
from aimlsetup.engine import glance
from aimlsetup.engine.log import private, state_home
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.profile import Host
from aimlsetup.wizard.around import surroundings
from aimlsetup.wizard.interview import interview
from aimlsetup.wizard.profile import Document
from aimlsetup.wizard.prompt import Terminal
from aimlsetup.wizard.question import Surroundings
from aimlsetup.wizard.session import Answers, Session, lengthened

EXAMPLE = Path("examples") / "quickstart" / "aimlsetup.yml"
RELEASES = {
    "bookworm": "Debian 12 (bookworm)",
    "trixie": "Debian 13 (trixie)",
    "jammy": "Ubuntu 22.04 (jammy)",
    "noble": "Ubuntu 24.04 (noble)",
}


@dataclass(frozen=True)
class Request:
    """What a command was given. `path` is the profile to be written, and to start from where it exists."""

    path: Path
    answers: Path | None = None
    sets: tuple[str, ...] = ()
    interactive: bool = True


def collect(request: Request) -> Document:
    """The profile's document, from answers that are complete. Ctrl-C keeps what was answered (see `kept`)."""
    session = _session(request)
    if not request.interactive:
        return _check(session.profile(), request.path)
    screen = Terminal()
    if not request.answers:
        session.given |= _resumed(session, screen)
    try:
        interview(session, screen, look, partial(_check, path=request.path))
    except KeyboardInterrupt:
        _keep(session)
        raise
    return session.profile()


def text_of(document: Document) -> str:
    """The document as it is written to a file."""
    return files.dump(document, sort=False, header=[schema.comment("profile")])


def look(hosts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Facts of the first of these hosts of a profile; None for a sandbox host that does not run yet."""
    name, wanted = next(iter(hosts.items()))
    try:
        found = reachable({name: Host.model_validate(wanted)}, boot=False)
    except AimlsetupError:
        return None
    ui.show([ui.Line(f"  looking at {name} …", "dim")])
    return glance.facts(name, found[name])


def forget() -> None:
    """Drop the kept answers: they have become a profile."""
    _kept_path().unlink(missing_ok=True)


def _session(request: Request) -> Session:
    """A session with everything that was given, checked as far as it can be without the rest."""
    document = _profile(request.path)
    given: Answers = {}
    if request.answers:
        source = files.read(request.answers)
        if _is_flat(source.data):
            given = source.data
        else:
            profiles.accept(source)
            document = source.data
    session = Session(_around(), document=document, example=_example())
    session.given.update(lengthened(session.check(given, str(request.answers)), session.base))
    session.flags.update(lengthened(session.accept(_pairs(request.sets)), session.base))
    return session


def _profile(path: Path) -> Document | None:
    if not path.exists():
        return None
    source = files.read(path)
    profiles.accept(source)
    return source.data or {}


def _check(document: Document, path: Path) -> Document:
    """The document, if it is a profile; errors name the line it would have in the file."""
    profiles.accept(files.parse(text_of(document), path))
    return document


def _is_flat(data: Any) -> bool:
    """Whether a file holds answers by name rather than a profile."""
    if not isinstance(data, dict):
        raise AimlsetupError(
            "answers-form", "--answers: a mapping of answers, or a profile, is expected", exit_code=Exit.USAGE
        )
    return "version" not in data and not any(isinstance(value, dict) for value in data.values())


def _pairs(sets: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in sets:
        name, equals, value = text.partition("=")
        if not equals:
            raise AimlsetupError("answer-form", f"--set {name}: NAME=VALUE is expected", exit_code=Exit.USAGE)
        pairs[name.strip()] = value
    return pairs


def _around() -> Surroundings:
    lacks = sandbox.probe()
    lack = f"{lacks[0].found}. {lacks[0].remedy.rstrip('.')}" if lacks else None
    return surroundings(catalog.load(), {name: RELEASES[name] for name in sandbox.RELEASES}, lack)


def _example() -> Document:
    """The quickstart's profile without its hosts, which are asked."""
    data: Document = files.read(content.root() / EXAMPLE).data
    return {key: value for key, value in data.items() if key != "hosts"}


def _kept_path() -> Path:
    return state_home() / "answers.yml"


def _keep(session: Session) -> None:
    """Write down what was answered. No answer is a secret: those are references, and a password is never asked here."""
    answers = session.answered()
    if not answers:
        return
    private(state_home())
    files.write(_kept_path(), files.dump(answers, sort=False), mode=0o600)
    click.echo(f"\nYour answers so far are kept in {_kept_path()}\nGo on with them: {again()}", err=True)


def _resumed(session: Session, screen: Terminal) -> Answers:
    """The kept answers, if there are any and the person wants them."""
    path = _kept_path()
    if not path.exists():
        return {}
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
    if screen.choose(f"There are answers from {at}, when you left", ["Go on with them", "Begin anew"]):
        forget()
        return {}
    return session.check(files.read(path).data, str(path))
