"""One host's root file system and its life: mounted, given an identity, started, killed."""

import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aimlsetup.errors import AimlsetupError
from aimlsetup.sandbox import cgroup, machine
from aimlsetup.sandbox.command import run
from aimlsetup.sandbox.host import Bind, HostState
from aimlsetup.sandbox.network import NETNS
from aimlsetup.sandbox.ssh import CONSOLE, make_key

VOLATILE_SINCE = (5, 10)  # Linux; fs/overlayfs, "Volatile mount"
EXIT = "exit"  # systemd-nspawn's last status, once it has ended for good
START_LIMIT = 5  # seconds; a few milliseconds
POWEROFF_LIMIT = 30  # seconds; 2 are usual

# Arguments: exit file, the keeper's groups, --, the host's groups, --, the command. A reboot inside ends
# systemd-nspawn with 133. It moves itself by writing 0, so that no process of a host is ever outside its groups.
KEEPER = """
exit=$1; shift
while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done; shift
while :; do
    ( while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done; shift; exec "$@" )
    status=$?
    [ "$status" -eq 133 ] || break
done
echo "$status" >"$exit"
"""


def is_mounted(root: Path) -> bool:
    """Whether a host's file system is mounted."""
    return os.path.ismount(root)


def mount(directory: Path, lower: Sequence[Path]) -> Path:
    """Mount the host's own changes over `lower` (topmost first); returns where."""
    root = directory / "root"
    for part in ("root", "upper", "work"):
        (directory / part).mkdir(exist_ok=True)
    if not is_mounted(root):
        layers = ":".join(map(str, lower))
        options = f"lowerdir={layers},upperdir={directory / 'upper'},workdir={directory / 'work'}"
        options += _volatile(directory)
        run(["mount", "-t", "overlay", directory.name, "-o", options, root], doing=f"mounting {directory.name}")
    return root


def _volatile(directory: Path) -> str:
    """The mount option that lets every sync of a host return at once, where there is one: dpkg takes half the time.

    Only a crash of the whole machine could lose what a host has written, and then the kernel would refuse to mount its
    file system again; a host is there to be thrown away, so that mark is removed.
    """
    if tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2]) < VOLATILE_SINCE:
        return ""
    shutil.rmtree(directory / "work" / "work" / "incompat", ignore_errors=True)
    return ",volatile"


def unmount(root: Path) -> None:
    """Unmount a host's file system, however often it is mounted."""
    while is_mounted(root):
        run(["umount", root], doing=f"unmounting {root}")


def identify(directory: Path, name: str, public_key: str) -> str:
    """Give a new host its name, machine id, ssh keys and resolv.conf; returns its public host key.

    Done once: later boots keep what was changed inside.
    """
    root, key = directory / "root", directory / "ssh_host_ed25519_key"
    if key.with_name(f"{key.name}.pub").exists() and (directory / "identified").exists():
        return make_key(key, name)
    public = make_key(key, name)
    _put(root / "etc/hostname", f"{name}\n")
    _put(root / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost ip6-loopback\n")
    # An empty machine id means a first boot, in which systemd enables every unit by its presets.
    _put(root / "etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)
    _put(root / "etc/resolv.conf", machine.nameservers())
    _put(root / "etc/ssh" / key.name, key.read_text(), 0o600)
    _put(root / "etc/ssh" / f"{key.name}.pub", f"{public}\n")
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    _put(root / "root/.ssh/authorized_keys", f"{public_key}\n", 0o600)
    (directory / "identified").touch()
    return public


def start(directory: Path, unit: str, name: str, binds: Sequence[Bind]) -> None:
    """Start a host's keeper, which starts systemd-nspawn, again after each reboot inside."""
    (directory / EXIT).unlink(missing_ok=True)
    keeper, inner = cgroup.create(unit)
    arguments = [directory / EXIT, *keeper, "--", *inner, "--", *_nspawn(directory, unit, name, binds)]
    with (directory / CONSOLE).open("ab") as console:
        # A session and a parent of its own: it outlives the program that asked for it.
        subprocess.run(
            ["setsid", "--fork", "sh", "-c", KEEPER, "sandbox-keeper", *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=True, cwd="/",
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
            },
        )
    deadline = time.monotonic() + START_LIMIT
    while not cgroup.members(unit) and not (directory / EXIT).exists() and time.monotonic() < deadline:
        time.sleep(0.002)


def _nspawn(directory: Path, unit: str, name: str, binds: Sequence[Bind]) -> list[str]:
    """The command line. Never CAP_SYS_TIME: a clock set inside would be this machine's own."""
    return [
        "systemd-nspawn", "--quiet", f"--directory={directory / 'root'}", f"--machine={unit}", f"--hostname={name}",
        "--register=no", "--keep-unit", f"--network-namespace-path={NETNS / unit}", "--resolv-conf=off",
        "--timezone=off", "--link-journal=no", "--console=pipe", "--kill-signal=SIGRTMIN+3",
        "--capability=CAP_NET_ADMIN,CAP_BPF", "--system-call-filter=add_key keyctl bpf",
        *(f"--bind{'' if bind.writable else '-ro'}={bind.source}:{bind.target}" for bind in binds), "--boot",
    ]


def state_of(directory: Path, unit: str) -> HostState:
    """What the host is, from its processes and its last exit status."""
    if cgroup.members(unit):
        return "running"
    with suppress(FileNotFoundError):
        if (directory / EXIT).read_text().strip() == "0":
            return "stopped"
    return "crashed"


def power_off(unit: str, limit: float = POWEROFF_LIMIT) -> None:
    """Shut a host down as its power button does, and wait until it is off."""
    deadline = time.monotonic() + limit
    leader = cgroup.leader(unit)
    if leader is not None:
        os.kill(leader, signal.SIGTERM)
    while cgroup.members(unit):
        if time.monotonic() > deadline:
            raise AimlsetupError(
                "sandbox-poweroff", f"{unit} has not shut down within {limit:g} s",
                hint="`aimlsetup sandbox ssh NAME -- systemctl list-jobs` shows what it waits for.",
            )
        time.sleep(0.02)


def erase(directory: Path) -> None:
    """Delete a host's directory, never following into something still mounted below it."""
    root = directory / "root"
    if is_mounted(root):
        # A killed systemd-nspawn leaves its lock on the image behind.
        status = root.stat()
        Path("/run/systemd/nspawn/locks", f"inode-{status.st_dev}:{status.st_ino}").unlink(missing_ok=True)
    unmount(root)
    run(["rm", "-rf", "--one-file-system", directory], doing=f"deleting {directory}", timeout=300)


def _put(path: Path, text: str, mode: int = 0o644) -> None:
    # Replaced, not written through: the template's may be a link to somewhere else.
    if path.is_symlink() or path.exists():
        path.unlink()
    path.write_text(text)
    path.chmod(mode)


