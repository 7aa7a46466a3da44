"""The program on a pseudo-terminal of its own."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import pexpect

DOWN, ENTER, SPACE, CTRL_C, CLEAR = "\x1b[B", "\r", " ", "\x03", "\x15"
RECOMMENDED, ONE_BY_ONE = ENTER, DOWN + ENTER


class Screen:
    """One run of the program."""

    def __init__(self, arguments: list[str], directory: Path) -> None:
        environment = os.environ | {
            "XDG_STATE_HOME": str(directory / "state"),
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        self.child: Any = pexpect.spawn(
            sys.executable,
            ["-m", "aimlsetup", *arguments],
            cwd=str(directory),
            env=environment,
            encoding="utf-8",
            timeout=60,
            dimensions=(60, 140),
        )

    def answer(self, expected: str, keys: str) -> None:
        """Wait for a prompt, then press keys."""
        self.child.expect_exact(expected)
        self.child.send(keys)

    def change(self, question: str, keys: str) -> None:
        """Wait for a question that the summary names too, there with wide space behind it; then press keys."""
        self.child.expect(rf"{re.escape(question)} [^ ]")
        self.child.send(keys)

    def sees(self, expected: str) -> None:
        self.child.expect_exact(expected)

    def ends(self, status: int = 0) -> str:
        """Wait for the end; returns what was still said."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus == status, self.child.before
        return str(self.child.before)
