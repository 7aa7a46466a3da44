"""A control group per host: it holds every process of the host, so that none has to be found by its pid."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aimlsetup.errors import AimlsetupError

MOUNT = Path("/sys/fs/cgroup")
# Two groups per host: systemd-nspawn divides its own one, and may not share it with who started it.
KEEPER, HOST = "keeper", "host"


def hierarchies() -> list[Path]:
    """Where groups are made: the one unified tree, or systemd's own ones beside the old controllers."""
    if (MOUNT / "cgroup.controllers").exists():
        return [MOUNT]
    return [tree for tree in (MOUNT / "systemd", MOUNT / "unified") if (tree / "cgroup.procs").exists()]


def create(unit: str) -> tuple[list[Path], list[Path]]:
    """Make a host's groups; returns those of its keeper and those of the host itself."""
    made = [[tree / unit / part for tree in hierarchies()] for part in (KEEPER, HOST)]
    for directory in (*made[0], *made[1]):
        directory.mkdir(parents=True, exist_ok=True)
    return made[0], made[1]


def members(unit: str) -> set[int]:
    """The process ids in a host's groups."""
    return {
        int(pid) for tree in hierarchies() for listing in _below(tree / unit, "cgroup.procs")
        for pid in _read(listing).split()
    }


def leader(unit: str) -> int | None:
    """The process id of a host's systemd-nspawn: the one of its name that is not inside the host."""
    here = Path("/proc/self/ns/pid").readlink()
    for pid in sorted(members(unit)):
        process = Path("/proc", str(pid))
        with suppress(OSError):
            if (process / "comm").read_text().strip() == "systemd-nspawn" and (process / "ns/pid").readlink() == here:
                return pid
    return None


def kill(unit: str, limit: float = 10) -> None:
    """SIGKILL every process of a host and wait until none is left."""
    deadline = time.monotonic() + limit
    while alive := members(unit):
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise AimlsetupError(
                "sandbox-unkillable", f"processes of {unit} do not end", context=[f"process ids: {sorted(alive)}"],
                hint="They wait inside the kernel (disk, network file system); try again when it answers.",
            )
        time.sleep(0.01)


def remove(unit: str) -> None:
    """Delete a host's groups; its processes must be gone."""
    for tree in hierarchies():
        for directory in sorted(_below(tree / unit, ""), reverse=True):
            with suppress(FileNotFoundError):
                directory.rmdir()


def units(prefix: str) -> set[str]:
    """The hosts that have groups here, whether or not anything else is left of them."""
    return {path.name for tree in hierarchies() for path in tree.glob(f"{prefix}*") if path.is_dir()}


def _below(top: Path, name: str) -> Iterator[Path]:
    for directory, _, _ in os.walk(top):
        yield Path(directory, name)


def _read(path: Path) -> str:
    # A group may vanish, or refuse while it is being divided, between listing and reading.
    with suppress(OSError):
        return path.read_text()
    return ""
