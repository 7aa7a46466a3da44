"""What a sandbox host is: its name, its number on the bridge and what is mounted into it. Pure."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

from aimlsetup.errors import AimlsetupError, Exit

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
# nspawn separates with `:`, and a control character would end up in its messages.
BIND_PATH = re.compile(r"/[^:\x00-\x1f\x7f]*")
FIRST_INDEX = 2  # 1 is the bridge

HostState = Literal["running", "stopped", "crashed"]


@dataclass(frozen=True)
class Host:
    """A booted (or once booted) host, with all that is needed to reach it as root over ssh."""

    name: str
    address: str
    release: str
    state: HostState
    ssh_key: Path
    ssh_config: Path
    known_hosts: Path
    root: Path
    """Its file system as seen from outside, while it is mounted."""


@dataclass(frozen=True)
class Bind:
    """A directory or file of this machine that a host sees."""

    source: Path
    target: Path
    writable: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.target}" + (":rw" if self.writable else "")


def check_name(name: str, what: str = "host") -> str:
    """The name itself, or an error: it becomes a host name and part of file and namespace names."""
    if not NAME.fullmatch(name):
        raise AimlsetupError(
            "sandbox-name", f"{name!r} cannot be the name of a sandbox {what}",
            context=["expected: a lower-case letter, then at most 30 lower-case letters, digits or dashes"],
            exit_code=Exit.USAGE,
        )
    return name


def parse_bind(text: str) -> Bind:
    """Read `SOURCE:TARGET[:rw|:ro]`; both paths absolute, read-only unless told otherwise."""
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    absolute = all(BIND_PATH.fullmatch(path) and ".." not in Path(path).parts for path in (source, target))
    if not absolute or target == "/" or mode not in {"", "ro", "rw"} or text.endswith(":"):
        raise AimlsetupError(
            "sandbox-bind", f"cannot read the bind mount {text!r}",
            context=["expected: SOURCE:TARGET or SOURCE:TARGET:rw, two absolute paths without `..` and `:`"],
            exit_code=Exit.USAGE,
        )
    return Bind(Path(source), Path(target), writable=mode == "rw")


def address(subnet: IPv4Network, index: int) -> IPv4Address:
    """The address of the host with this index; the bridge has index 1."""
    if not 1 <= index < subnet.num_addresses - 1:
        raise AimlsetupError("sandbox-full", f"the sandbox network {subnet} has no address number {index}")
    return subnet.network_address + index


def mac(ip: IPv4Address) -> str:
    """A fixed hardware address: with random ones, stale neighbour entries stall a reused address for seconds."""
    return "02:77:" + ":".join(f"{octet:02x}" for octet in ip.packed)


def free_index(taken: set[int]) -> int:
    """The lowest index that no host has."""
    return next(index for index in range(FIRST_INDEX, len(taken) + FIRST_INDEX + 1) if index not in taken)


def free_subnet(used: list[IPv4Network], preferred: IPv4Network) -> IPv4Network:
    """The preferred network, else the first of 10.77/16 … 10.127/16 that overlaps none in use."""
    for candidate in [preferred, *(IPv4Network(f"10.{second}.0.0/16") for second in range(77, 128))]:
        if not any(candidate.overlaps(network) for network in used):
            return candidate
    raise AimlsetupError(
        "sandbox-subnet", "no network is free for the sandbox's bridge",
        context=["tried: 10.77.0.0/16 to 10.127.0.0/16", f"in use here: {', '.join(map(str, used))}"],
        hint="Remove a route or interface that covers one of them.",
    )
