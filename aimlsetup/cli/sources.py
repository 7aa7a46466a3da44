"""`aimlsetup sources`: what is fetched from where, and whether it answers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import json_option, print_document, profile_option
from aimlsetup.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimlsetup.locking.sources import Found
    from aimlsetup.models.source import Answer

AT_ONCE = 8

distro_option = click.option(
    "--distro",
    "distros",
    multiple=True,
    metavar="NAME",
    help="Fill addresses in for this distribution on x86_64, such as ubuntu2204, instead of for the lock's hosts.",
)


@click.group()
def command() -> None:
    """Show what the profile's hosts, and a lock, are fetched from, and whether it answers. Contacts no host.

    Addresses are the catalog's unless `sources:` in the profile says otherwise. They are filled in for the hosts of the
    lock; without a lock, for the distributions that are named.

    \b
    aimlsetup sources list
    aimlsetup sources check                       before a lock: --distro debian12
    """


@command.command("list")
@profile_option
@distro_option
@json_option
def show(profile: Path, distros: tuple[str, ...], as_json: bool) -> int:
    """Show which sources are used, for what, and where they are."""
    _print(_found(profile, distros), [], as_json=as_json)
    return Exit.DONE


@command.command()
@profile_option
@distro_option
@json_option
def check(profile: Path, distros: tuple[str, ...], as_json: bool) -> int:
    """Ask each source from this machine: signed indexes are read whole, as for a lock.

    Exit code 1 when one that is needed does not answer. It is asked through the profile's proxy, with its accounts and
    authorities; besides with those of your environment, your netrc file, git and ssh.
    """
    from aimlsetup import ui
    from aimlsetup.catalog import profiles
    from aimlsetup.cli._network import way_out

    found = _found(profile, distros)
    with way_out(profiles.read(profile)), ui.waiting("asking the sources"), ThreadPoolExecutor(AT_ONCE) as pool:
        said = list(pool.map(_ask, found))
    _print(found, said, as_json=as_json)
    lost = any(answer.answers is False and each.use.needed for each, answer in zip(found, said, strict=True))
    return Exit.FAILED if lost else Exit.DONE


def _ask(found: "Found") -> "Answer":
    from aimlsetup.locking.answers import answer
    from aimlsetup.models.source import Answer

    if isinstance(found.ask, str):
        return Answer(answers=None, said=found.ask)
    return answer(found.ask, found.otherwise)


def _found(path: Path, distros: tuple[str, ...]) -> "list[Found]":
    from aimlsetup import catalog
    from aimlsetup.catalog import profiles
    from aimlsetup.locking import described, file, sources

    known = catalog.load()
    releases = [described.distribution(name, known) for name in distros]
    return sources.used(profiles.read(path), file.read(file.path_of(path)), releases, known)


def _print(found: "Sequence[Found]", said: "Sequence[Answer]", *, as_json: bool) -> None:
    from aimlsetup import ui
    from aimlsetup.report import sources

    uses = [each.use for each in found]
    if as_json:
        print_document(sources.document(uses, said))
    elif uses:
        ui.show(sources.lines(uses, said))
    else:
        click.echo("this profile uses no named source; hosts install from what they are configured for", err=True)
