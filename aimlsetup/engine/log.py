"""Where a run is written down: `~/.local/state/aimlsetup/runs/<time>/log`, 0600, without secrets.

The directory is made with the first line, so that a command that only looks leaves nothing.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import TextIO


def state_home() -> Path:
    """Where this user's runs and locks lie."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "aimlsetup"


def private(directory: Path) -> Path:
    """The directory, made where it is missing, for this user alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


@dataclass
class RunLog:
    """The log of one run. Every line passes `scrub` before it is written. `name` tells the run from all others."""

    scrub: Callable[[str], str]
    name: str = field(default_factory=lambda: time.strftime("%Y-%m-%d_%H%M%S-") + token_hex(4))
    _handle: TextIO | None = None

    @property
    def path(self) -> Path:
        """The log file, whether or not anything has been written yet."""
        return state_home() / "runs" / self.name / "log"

    def line(self, text: str) -> None:
        """Append a line; it is on disk before anything else happens."""
        if self._handle is None:
            private(state_home() / "runs")
            private(self.path.parent)
            self._handle = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w")
        self._handle.write(self.scrub(text) + "\n")
        self._handle.flush()

    def close(self) -> None:
        """End the log."""
        if self._handle:
            self._handle.close()
