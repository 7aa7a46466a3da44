"""The private directory of one run: inventory, ssh sockets, runner's files. In memory, this user's, gone afterwards.

Its name carries the process id and start time, so that the next run can tell which ones a killed run left behind.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimlsetup import content

PREFIX = "aimlsetup-"
TMPFS = "tmpfs"
MEMORY = "/dev/shm"  # noqa: S108 - made there with a mode and name of its own


@dataclass(frozen=True)
class Workspace:
    """Paths of one run. `inventory` is a directory of YAML files; `sockets` is short, as ssh's limit asks.

    `in_memory` is False where only a disk was writable, which is worth a warning before a secret is written.
    """

    root: Path
    in_memory: bool = True

    @property
    def inventory(self) -> Path:
        """Read by Ansible as a whole."""
        return self.root / "inventory"

    @property
    def collections(self) -> Path:
        """Where Ansible finds the collection."""
        return self.root / "collections"

    @property
    def vault_password(self) -> Path:
        """What a typed password lies in until Ansible has read it."""
        return self.root / "vault-password"

    @property
    def sockets(self) -> Path:
        """Where ssh puts the sockets of shared connections."""
        return self.root / "s"

    def write(self, name: str, text: str) -> Path:
        """Write an inventory file, readable by this user alone."""
        return self._write(self.inventory / name, text)

    def write_vault_password(self, password: str) -> Path:
        """Write the password, readable by this user alone."""
        return self._write(self.vault_password, password)

    def forget(self, *names: str) -> None:
        """Delete these inventory files, and the vault's password."""
        for path in (self.vault_password, *(self.inventory / name for name in names)):
            path.unlink(missing_ok=True)

    @staticmethod
    def _write(path: Path, text: str) -> Path:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(text)
        return path


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A fresh private directory; it and the ssh connections kept in it end with the block."""
    parent, in_memory = _parent()
    sweep(parent)
    root = parent / f"{PREFIX}{os.getpid()}-{_started(os.getpid())}"
    if root.exists():  # this process's second one at the same time
        root = Path(tempfile.mkdtemp(prefix=f"{root.name}-", dir=parent))
    root.mkdir(mode=0o700, exist_ok=True)
    space = Workspace(root, in_memory)
    space.inventory.mkdir(mode=0o700)
    space.sockets.mkdir(mode=0o700)
    content.collections_dir(space.collections)
    try:
        yield space
    finally:
        remove(root)


def remove(root: Path) -> None:
    """End the shared ssh connections of a run and delete its directory."""
    for socket in (root / "s").glob("*"):
        if socket.is_socket():
            subprocess.run(
                ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "none"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=10,
                check=False,
            )
    shutil.rmtree(root, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Delete what killed runs of this user left: directories whose process is gone."""
    for root in parent.glob(f"{PREFIX}*-*"):
        pid, started = root.name.removeprefix(PREFIX).split("-")[:2]
        info = root.lstat()
        ours = root.is_dir() and not root.is_symlink() and info.st_uid == os.getuid()
        if ours and pid.isdigit() and _started(int(pid)) != started:
            remove(root)


def _started(pid: int) -> str | None:
    started: str | None = content.util("lease").process_started(pid)
    return started


def _parent() -> tuple[Path, bool]:
    """Where to make the directory, and whether that is in memory: secrets written there never reach a disk."""
    for candidate in (os.environ.get("XDG_RUNTIME_DIR"), MEMORY):
        if candidate and os.access(candidate, os.W_OK) and _file_system(Path(candidate)) == TMPFS:
            return Path(candidate), True
    return Path(tempfile.gettempdir()), False


def _file_system(path: Path) -> str:
    """Type of the file system a path is on."""
    kinds = {}
    for line in Path("/proc/mounts").read_text().splitlines():
        _device, mount, kind = line.split()[:3]
        kinds[mount.replace("\\040", " ")] = kind
    resolved = path.resolve()
    return next(kinds[str(part)] for part in (resolved, *resolved.parents) if str(part) in kinds)
