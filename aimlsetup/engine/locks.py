"""One controller never runs two applies on one host at once: a lock file per host, freed by the kernel on any death."""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from aimlsetup.engine.log import private, state_home
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.profile import Host


@contextmanager
def held(hosts: Mapping[str, Host]) -> Iterator[None]:
    """Hold the locks of these hosts; raises when another process of this user has one."""
    with ExitStack() as stack:
        for key, name in sorted((_key(name, host), name) for name, host in hosts.items()):
            stack.enter_context(_lock(key, name))
        yield


def _key(name: str, host: Host) -> str:
    """One file name per host, whatever the profile calls it."""
    if host.connection == "local":
        return "local"
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{host.address or name}_{host.port or ''}")


@contextmanager
def _lock(key: str, name: str) -> Iterator[None]:
    path = private(state_home() / "locks") / key
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AimlsetupError(
                "host-busy",
                f"{name}: another apply of yours is at work on this host",
                context=[f"process: {handle.read().strip() or 'unknown'}"],
                hint="Wait for it to end, then apply again.",
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
