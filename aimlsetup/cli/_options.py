"""Options that commands share."""

import functools
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
    "--limit",
    metavar="HOSTS",
    help="Only these hosts, with commas between them; of an --inventory also groups and Ansible's patterns.",
)
_inventory_option = click.option(
    "-i",
    "--inventory",
    "inventory",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="PATH",
    envvar="AIMLSETUP_INVENTORY",
    help="An existing Ansible inventory (file, directory, script) whose hosts come to those of the profile and are"
    " reached as it says. Several times for several.",
)
_vault_option = click.option(
    "--vault-password-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What opens the inventory's vault, where Ansible's own settings do not say.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print a versioned JSON document and nothing else.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
take_lock_option = click.option(
    "--take-lock", is_flag=True, help="Take a host over from another controller that is known to be dead."
)


def common(function: Command) -> Command:
    """`--profile`, `--limit` and `--json`."""
    return profile_option(limit_option(json_option(function)))


def inventory_options(function: Command) -> Command:
    """`--inventory` and `--vault-password-file`, as one argument `inventories`."""

    @functools.wraps(function)
    def gathered(
        *args: Any, inventory: tuple[Path, ...], vault_password_file: Path | None, **options: Any
    ) -> Any:
        from aimlsetup.models.inventory import Inventories

        return function(*args, inventories=Inventories(inventory, vault_password_file), **options)

    return _inventory_option(_vault_option(gathered))  # type: ignore[return-value]


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
