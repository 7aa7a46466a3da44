"""The remotes of repositories, asked from this machine: the one door to git.

It asks as the user would, with the user's own ssh configuration, agent and credential helpers and the profile's
accounts, but nobody is prompted,
and a host key that is not known is not taken.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aimlsetup.content import util
from aimlsetup.locking import access

TIMEOUT = 60  # seconds
SHOWN = 160  # characters of what git said
CONNECT = ("BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ConnectTimeout=15")

References = tuple[dict[str, str], str | None]


class Silent(Exception):
    """A remote that can't be asked from here; says why."""


def references(url: str, known_hosts: Sequence[str] = ()) -> References:
    """({full name: commit}, full name of the default branch or None) of a repository. Raises Silent."""
    names = util("gitnames")
    command = ["git", "ls-remote", "--symref", "--", names.source(url)[1]]
    with tempfile.TemporaryDirectory(prefix="aimlsetup-git-") as directory:
        known = Path(directory) / "known_hosts"
        known.write_text(names.known_hosts(known_hosts))
        try:
            # In a session of its own there is no terminal that anything could ask on.
            done = subprocess.run(
                command, cwd="/", env=_environment(known), stdin=subprocess.DEVNULL, capture_output=True,
                text=True, errors="replace", timeout=TIMEOUT, start_new_session=True, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise Silent("git is not installed here") from None
        except subprocess.TimeoutExpired:
            raise Silent(f"it did not answer within {TIMEOUT} s") from None
    if done.returncode:
        raise Silent(_words(done.stderr))
    found: References = names.references(done.stdout)
    return found


def _environment(known_hosts: Path) -> dict[str, str]:
    options = [*CONNECT, f"UserKnownHostsFile=~/.ssh/known_hosts {known_hosts}"]
    ssh = " ".join([os.environ.get("GIT_SSH_COMMAND") or "ssh", *(shlex.quote(f"-o{option}") for option in options)])
    return {
        **os.environ,
        **access.current().environment(),
        "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_SSH_COMMAND": ssh,
    }


def _words(said: str) -> str:
    """The line that says what went wrong; what git adds for people comes after it."""
    lines = [line.removeprefix("fatal: ").strip() for line in said.splitlines() if line.strip()]
    first = next((line for line in lines if line), "git failed without a word")
    return "".join(letter for letter in first if letter.isprintable())[:SHOWN]
