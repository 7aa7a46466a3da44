"""The command line: one file per command, imported only when that command runs.

A command is a module here with a Click command named `command`; its first docstring line is listed
below so that `aimlsetup --help` imports none of them.
"""

from importlib import import_module

import click

COMMANDS = {
    "init": "Answer questions (or give --answers) and write a profile.",
    "adopt": "Write the profile that describes a host which was set up by hand.",
    "lock": "Solve the profile: exact pins, each with its reason.",
    "plan": "Show what apply would change, as a diff.",
    "apply": "Make the hosts match the lock.",
    "verify": "Check that the hosts match, and that what runs really works.",
    "models": "List what is served where, and whether it is healthy.",
    "loadtest": "Ask all services at once: how fast they are, what fails, what memory they take.",
    "undo": "Take back what the last apply did, or what was done for single components.",
    "flip": "Go to the previous environment or data directory, and back.",
    "remove": "Remove components, leaving the host as it was found.",
    "observe": "Show what the hosts are now.",
    "explain": "Say why a pin is what it is, and why not otherwise.",
    "matrix": "Show which versions of a framework go with which CUDA, driver and Python.",
    "doctor": "Say what is wrong with a host's GPU stack, and what to do.",
    "sources": "Show what is fetched from where, and check that it answers.",
    "sandbox": "Disposable Debian and Ubuntu hosts on this machine.",
    "completion": "Print the shell completion script for bash, zsh or fish.",
}


class LazyGroup(click.Group):
    """Lists commands from the table above and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of use, not of the alphabet."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"aimlsetup.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table above, without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
