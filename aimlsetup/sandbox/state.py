"""Where the sandbox keeps its files, what its kernel objects are called, and its locks."""

import fcntl
import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimlsetup.errors import AimlsetupError, Exit

DEFAULT = "/var/lib/aimlsetup-sandbox"
# mount(8) and mmdebstrap's hooks give `,`, `:` and blanks a meaning.
PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/+-]+")
# Shared by all state directories of this machine; /run is emptied when the kernel's settings are reset.
MACHINE = Path("/run/aimlsetup-sandbox")


@dataclass(frozen=True)
class State:
    """One sandbox: a directory, and a tag from which its bridge, namespaces and cgroups are named.

    Different directories are different sandboxes, side by side on one machine.
    """

    root: Path

    @property
    def tag(self) -> str:
        """Ten characters; every kernel object of this sandbox is the tag, or starts with it and a dash."""
        return "aimlsb" + hashlib.sha256(str(self.root).encode()).hexdigest()[:4]

    @property
    def hosts(self) -> Path:
        """One directory per host."""
        return self.root / "hosts"

    @property
    def templates(self) -> Path:
        """One directory per root file system; only a cache."""
        return self.root / "templates"

    @property
    def layers(self) -> Path:
        """Saved changes of hosts: one JSON file per name, and their trees."""
        return self.root / "layers"

    @property
    def ssh_key(self) -> Path:
        """The key that every host's root accepts."""
        return self.root / "id_ed25519"

    @property
    def ssh_config(self) -> Path:
        """Includes each host's own fragment: `ssh -F <this> NAME`."""
        return self.root / "ssh_config"

    def unit(self, name: str) -> str:
        """The name of a host's network namespace, cgroups and nspawn machine."""
        return f"{self.tag}-{name}"

    def device(self, index: int) -> str:
        """The outer end of a host's veth pair (at most 15 characters)."""
        return f"{self.tag}-{index:x}"


def current() -> State:
    """The sandbox that AIMLSETUP_SANDBOX_DIR names, else the machine's own."""
    root = os.environ.get("AIMLSETUP_SANDBOX_DIR") or DEFAULT
    if not PLAIN_PATH.fullmatch(root) or ".." in Path(root).parts:
        raise AimlsetupError(
            "sandbox-dir", f"{root!r} cannot be the sandbox's directory",
            context=["where: AIMLSETUP_SANDBOX_DIR",
                     "expected: an absolute path of letters, digits and . _ + - (mount options allow no more)"],
            exit_code=Exit.USAGE,
        )
    return State(Path(root))


def require_root() -> None:
    """Namespaces, mounts and the bridge are root's; say so before anything else fails."""
    if os.geteuid():
        raise AimlsetupError(
            "sandbox-not-root", "the sandbox needs root on this machine",
            context=[f"running as uid {os.geteuid()}; it makes namespaces, mounts and a bridge"],
            hint="Run the same command with sudo.", exit_code=Exit.USAGE,
        )


@contextmanager
def lock(path: Path, *, remove: bool = False) -> Iterator[None]:
    """Hold an exclusive lock on the file `path` (made if missing), waiting for other processes.

    `remove` deletes the file at the end; a waiter then notices and locks its successor instead.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_still(path, descriptor):
                continue
            try:
                yield
            finally:
                if remove:
                    path.unlink(missing_ok=True)
            return
        finally:
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    return False


def write_json(path: Path, document: object) -> None:
    """Replace a file in one step, so that a reader or a crash never sees half of it."""
    write(path, json.dumps(document, indent=1, sort_keys=True) + "\n")


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step."""
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)


def read_json(path: Path) -> Any:
    """The document in a file, None when there is none."""
    with suppress(FileNotFoundError):
        return json.loads(path.read_text())
    return None
