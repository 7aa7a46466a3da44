"""Keys, strictly checked host keys and the command line to reach a host."""

import shlex
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aimlsetup.errors import AimlsetupError
from aimlsetup.sandbox.command import run
from aimlsetup.sandbox.host import Host
from aimlsetup.sandbox.state import State, lock, write

CONSOLE = "console.log"
BOOT_LIMIT = 90  # seconds; half a second is usual


def make_key(path: Path, comment: str) -> str:
    """Make an Ed25519 key pair unless it is there; returns the public line."""
    public = path.with_name(f"{path.name}.pub")
    if not public.exists():
        path.unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path], doing="making an ssh key")
    return public.read_text().strip()


def client_key(state: State) -> str:
    """The sandbox's public key; the pair, and the configuration naming it, are made when first asked for."""
    with lock(state.root / "lock"):
        write(state.ssh_config, f"Include {state.hosts}/*/ssh_config\n")
        return make_key(state.ssh_key, "aimlsetup-sandbox")


def write_client_files(state: State, name: str, address: str, host_key: str) -> None:
    """A host's known_hosts, and its fragment of the sandbox's ssh_config."""
    directory = state.hosts / name
    write(directory / "known_hosts", f"{name},{address} {' '.join(host_key.split()[:2])}\n")
    write(directory / "ssh_config", (
        f"Host {name}\n  HostName {address}\n  User root\n  IdentityFile {state.ssh_key}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {directory / 'known_hosts'}\n  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n  ConnectTimeout 10\n  LogLevel ERROR\n"
    ))


def ssh_argv(host: Host, *command: str, user: str = "root") -> list[str]:
    """The command line that runs `command` on a host (a shell without one).

    The words of the command reach the host as they are: no shell there expands them.
    """
    argv = ["ssh", "-F", str(host.ssh_config), "-l", user, host.name]
    return [*argv, "--", shlex.join(command)] if command else argv


def wait_ready(host: Host, alive: Callable[[], bool], limit: float = BOOT_LIMIT) -> None:
    """Wait until sshd answers and systemd has started everything (`running`, or `degraded`).

    `alive` tells whether the host still runs; when it does not, or after `limit` seconds, the error
    shows the end of its console.
    """
    deadline = time.monotonic() + limit

    def wait(reason: str) -> None:
        if time.monotonic() > deadline or not alive():
            console = (host.root.parent / CONSOLE).read_text(errors="replace").splitlines()
            raise AimlsetupError(
                "sandbox-boot", f"the sandbox host {host.name} ({host.release}) does not come up",
                context=[f"{host.address}: {reason}", *(f"console: {line}" for line in console[-8:])],
                hint=f"`aimlsetup sandbox down {host.name}` removes it; its console is {host.root.parent / CONSOLE}.",
            )
        time.sleep(0.02)

    while not _answers(host.address):
        wait("sshd does not answer")
    while True:
        # Its status says whether units failed; only the word tells whether the boot is over.
        argv = ssh_argv(host, "sh", "-c", "systemctl is-system-running --wait || true")
        word = "ssh does not let us in"
        with suppress(AimlsetupError):
            word = run(argv, doing="waiting for systemd", timeout=limit).strip()
        if word in {"running", "degraded"}:
            return
        wait(f"systemd says {word!r}")


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=2):
            return True
    except OSError:
        return False
