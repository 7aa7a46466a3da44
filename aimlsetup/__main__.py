"""Entry point: runs a command and turns what it raises into one screen and an exit code."""

import json
import os
import sys

import click

from aimlsetup.cli import LazyGroup
from aimlsetup.errors import AimlsetupError, Exit


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version  # slow to import; asked for once

        click.echo(f"aimlsetup {version('aimlsetup')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Without a command, in a terminal: questions, then plan, confirmation, apply and proof.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Take a Linux host from bare to a serving AI API.

    \b
    aimlsetup                          questions, plan, apply, proof
    aimlsetup init -o aimlsetup.yml    only the questions; writes a profile
    aimlsetup plan                     what would change, as a diff
    aimlsetup apply                    make it so
    aimlsetup verify                   does everything still hold, and work?
    """
    if ctx.invoked_subcommand is None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            click.echo(ctx.get_help())
            ctx.exit(Exit.USAGE)
        from aimlsetup.cli.guided import guided  # only this path needs the wizard

        ctx.exit(guided())


def main(argv: list[str] | None = None) -> int:
    """Run the command line. Returns the exit code (see `aimlsetup.errors.Exit`)."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        colour = False if os.environ.get("NO_COLOR") else None  # None: where there is a terminal
        result = cli.main(args=arguments, prog_name="aimlsetup", standalone_mode=False, color=colour)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except AimlsetupError as error:
        if "--json" in arguments:
            click.echo(json.dumps(error.document(), indent=2, sort_keys=True))
        click.echo(str(error), err=True)
        return error.exit_code
    return int(result or 0)


if __name__ == "__main__":
    sys.exit(main())
