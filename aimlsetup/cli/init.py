"""`aimlsetup init`: questions → profile."""

import difflib
import sys
from pathlib import Path

import click

from aimlsetup import files
from aimlsetup.cli import _answers
from aimlsetup.cli._options import PROFILE, json_option, print_document, yes_option
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.wizard.profile import Document
from aimlsetup.wizard.prompt import Terminal


@click.command()
@click.option(
    "-o",
    "--profile",
    "--output",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=PROFILE,
    show_default=True,
    envvar="AIMLSETUP_PROFILE",
    help="The profile to write; an existing one gives the defaults.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Answers by name, or a written profile. Nothing is asked.",
)
@click.option("--set", "sets", metavar="NAME=VALUE", multiple=True, help="One answer; goes before all others.")
@json_option
@yes_option
def command(path: Path, answers: Path | None, sets: tuple[str, ...], as_json: bool, yes: bool) -> int:
    """Answer questions (or give --answers) and write a profile.

    \b
    aimlsetup init                                   asks, in a terminal
    aimlsetup init --answers aimlsetup.yml           the same profile again
    aimlsetup init --yes --set where=local --set start=none
    aimlsetup init --set where=ssh --set 'hosts=gpu1 gpu2' --set services.1.port=4110
    """
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not (answers or as_json or yes)
    document = _answers.collect(_answers.Request(path, answers, sets, interactive=asks))
    changed = write(path, document, yes=yes, asks=sys.stdin.isatty() and not as_json)
    if as_json:
        print_document({"version": 1, "kind": "init", "path": str(path), "changed": changed, "profile": document})
    else:
        click.echo(f"{path}: {'written' if changed else 'already says this'}\nnext: aimlsetup plan --profile {path}")
    return Exit.DONE


def write(path: Path, document: Document, *, yes: bool, asks: bool) -> bool:
    """Write the profile; False if it is there already. One that says something else is replaced only with consent."""
    text = _answers.text_of(document)
    if path.exists():
        before = files.read(path)
        if before.data == document:
            _answers.forget()
            return False
        if not yes:
            _consent(path, "\n".join(before.lines) + "\n", text, asks=asks)
    files.write(path, text)
    _answers.forget()
    return True


def _consent(path: Path, before: str, after: str, *, asks: bool) -> None:
    if asks:
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
        for line in list(lines)[2:]:  # without the names of the two sides
            click.secho(line, fg={"+": "green", "-": "red"}.get(line[:1]))
        if Terminal().confirm(f"Replace {path}?"):
            return
    raise AimlsetupError(
        "profile-exists",
        f"{path} is there and says something else",
        hint="Add --yes to replace it, or -o FILE to write another.",
        exit_code=Exit.CONSENT,
    )
