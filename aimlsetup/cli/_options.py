"""Options that commands share."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from aimlsetup.errors import AimlsetupError, Exit

Command = TypeVar("Command", bound=Callable[..., Any])

PROFILE = Path("aimlsetup.yml")

profile_option = click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False),
    default=PROFILE,
    show_default=True,
    envvar="AIMLSETUP_PROFILE",
    help="The profile; its lock lies beside it.",
)
limit_option = click.option(
    "--limit", metavar="HOSTS", help="Only these hosts of the profile, with commas between them."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print a versioned JSON document and nothing else.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def common(function: Command) -> Command:
    """`--profile`, `--limit` and `--json`."""
    return profile_option(limit_option(json_option(function)))


def chosen(names: Iterable[str], limit: str | None) -> list[str]:
    """The hosts that `--limit` leaves; naming one that is not there is an error."""
    known = list(names)
    if limit is None:
        return known
    wanted = [name.strip() for name in limit.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise AimlsetupError(
            "limit-unknown",
            f"--limit: no such host in the profile: {', '.join(unknown) or '(none given)'}",
            context=[f"expected: one or more of {', '.join(known) or '(the profile names no host)'}"],
            exit_code=Exit.USAGE,
        )
    return [name for name in known if name in wanted]


def print_document(document: object) -> None:
    """A document on standard output."""
    click.echo(json.dumps(document, indent=2, sort_keys=True))
