"""The one way this package runs another program."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from aimlsetup.errors import AimlsetupError

LAST_LINES = 12


def run(
    argv: Sequence[str | Path], *, doing: str, stdin: str | None = None, timeout: float = 60, hint: str | None = None
) -> str:
    """Run a program to its end and return its standard output.

    `doing` completes "... failed" in the error that a non-zero status, a missing program or more than
    `timeout` seconds raises; the program's last lines are shown with it.
    """
    command = [str(part) for part in argv]
    try:
        done = subprocess.run(
            command, input=stdin, text=True, errors="replace", capture_output=True, timeout=timeout, check=False,
            stdin=subprocess.DEVNULL if stdin is None else None,
        )
    except FileNotFoundError as error:
        raise AimlsetupError(
            "sandbox-no-program", f"{doing}: the program {command[0]} is not installed",
            hint="`aimlsetup sandbox probe` lists what this machine lacks.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise _failed(doing, command, f"no end after {timeout:g} s", "", hint) from error
    if done.returncode:
        raise _failed(doing, command, f"status {done.returncode}", done.stderr or done.stdout, hint)
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, stdin: str | None = None, timeout: float = 20) -> str | None:
    """None when the program ends well, else its last words (for checks whose failure is an answer)."""
    try:
        run(argv, doing="check", stdin=stdin, timeout=timeout)
    except AimlsetupError as error:
        return error.context[-1] if error.context else error.message
    return None


def _failed(doing: str, command: list[str], how: str, output: str, hint: str | None) -> AimlsetupError:
    lines = [line for line in output.splitlines() if line.strip()][-LAST_LINES:]
    return AimlsetupError(
        "sandbox-command", f"{doing} failed", context=(f"{command[0]}: {how}", *lines), hint=hint
    )
