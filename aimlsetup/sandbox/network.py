"""The bridge all hosts of a sandbox hang on, its way out, and each host's end of it."""

import json
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from aimlsetup.errors import AimlsetupError
from aimlsetup.sandbox.command import run
from aimlsetup.sandbox.host import address, free_subnet, mac
from aimlsetup.sandbox.state import MACHINE, State, lock, read_json, write_json

PREFERRED = "10.77.0.0/16"
MTU = 1400  # what survives most tunnels
NETNS = Path("/run/netns")
PROC_SYS = Path("/proc/sys")
# Every systemd needs a handful of inotify instances, and all hosts' roots are one user to the kernel.
SYSCTLS = {"net/ipv4/ip_forward": 1, "fs/inotify/max_user_instances": 1024}
SUBNET = "network.json"
RECORD = "sysctl.json"


def ensure(state: State) -> IPv4Network:
    """Make bridge, masquerading and forwarding unless they are there; returns the hosts' network.

    The bridge's address is made last, so that a bridge with an address means that all else was done.
    """
    with lock(MACHINE / "lock"):
        if subnet := _subnet(state):
            return subnet
        subnet = free_subnet(_used(state.tag), recorded(state))
        write_json(state.root / SUBNET, {"subnet": str(subnet)})
        raise_sysctls()
        gateway = address(subnet, 1)
        run(["nft", "-f", "-"], doing="making the masquerading rule", stdin=_rules(state.tag, subnet))
        if not Path("/sys/class/net", state.tag).exists():
            run(["ip", "link", "add", state.tag, "address", mac(gateway), "mtu", str(MTU), "type", "bridge"],
                doing="making the bridge")
        _ip(f"link set {state.tag} up\naddress add {gateway}/{subnet.prefixlen} dev {state.tag}")
        return subnet


def recorded(state: State) -> IPv4Network:
    """The network that this sandbox had last, or would prefer."""
    return IPv4Network((read_json(state.root / SUBNET) or {"subnet": PREFERRED})["subnet"])


def remove(state: State, unused: Callable[[], bool]) -> None:
    """Take bridge and rule away; the last sandbox of the machine also puts the kernel's settings back.

    `unused` is asked under the lock that `ensure` takes, so that a host that is just coming up keeps them.
    """
    with lock(MACHINE / "lock"):
        if not unused():
            return
        for device in sorted(path.name for path in Path("/sys/class/net").glob(f"{state.tag}*")):
            _delete_link(device)
        # Declaring it first makes the deletion succeed where it was never made.
        run(["nft", "-f", "-"], doing="removing the masquerading rule",
            stdin=f"table ip {state.tag}\ndelete table ip {state.tag}\n")
        if not any(Path("/sys/class/net").glob("aimlsb????")):
            restore_sysctls()


def attach(state: State, name: str, index: int, subnet: IPv4Network) -> IPv4Address:
    """Give a host its network namespace and address; does nothing where they are."""
    unit, ip, device = state.unit(name), address(subnet, index), state.device(index)
    if (NETNS / unit).exists() and Path("/sys/class/net", device).exists():
        return ip
    detach(state, name, index)
    with lock(MACHINE / "lock"):  # the first namespace of a machine turns /run/netns into a mount point
        run(["ip", "netns", "add", unit], doing=f"making the network namespace of {name}")
    _ip(
        f"link add {device} mtu {MTU} type veth peer name eth0 address {mac(ip)} mtu {MTU} netns {unit}\n"
        f"link set {device} master {state.tag} up"
    )
    _ip(
        f"link set lo up\naddress add {ip}/{subnet.prefixlen} dev eth0\nlink set eth0 up\n"
        f"route add default via {address(subnet, 1)}",
        "-n", unit,
    )
    return ip


def detach(state: State, name: str, index: int) -> None:
    """Remove a host's network: the veth first, or the bridge keeps its address in mind for seconds."""
    _delete_link(state.device(index))
    remove_namespace(state.unit(name))


def _delete_link(device: str) -> None:
    """Delete a link; the kernel takes a veth away by itself, at a moment of its own, when its namespace is gone."""
    try:
        if Path("/sys/class/net", device).exists():
            run(["ip", "link", "delete", device], doing=f"removing {device}")
    except AimlsetupError as error:
        if "Cannot find device" not in str(error):
            raise


def remove_namespace(unit: str) -> None:
    """Delete a network namespace if it exists, mounted or (after the machine's own restart) not."""
    if (NETNS / unit).exists():
        run(["ip", "netns", "delete", unit], doing=f"removing the network namespace {unit}")


def namespaces(prefix: str) -> set[str]:
    """Names of the network namespaces that start so."""
    return {path.name for path in NETNS.glob(f"{prefix}*")}


def changes(state: State) -> list[str]:
    """In words, what `ensure` would change now."""
    if _subnet(state):
        return []
    sysctls = [f"sets {key.replace('/', '.')} from {was} to {SYSCTLS[key]} until the last sandbox is removed"
               for key, was in _too_low().items()]
    return [
        f"adds the bridge {state.tag} with a private network (10.77.0.0/16 where that is free)",
        f"adds the nftables table `ip {state.tag}`, which masquerades that network's traffic", *sysctls,
    ]


def _rules(tag: str, subnet: IPv4Network) -> str:
    return (
        f"table ip {tag}\nflush table ip {tag}\n"
        f"table ip {tag} {{ chain out {{ type nat hook postrouting priority srcnat;\n"
        f'ip saddr {subnet} oifname != "{tag}" masquerade\n}}\n}}\n'
    )


def _ip(commands: str, *options: str) -> None:
    run(["ip", *options, "-batch", "-"], doing="setting up the sandbox's network", stdin=commands + "\n")


def _query(*arguments: str) -> list[dict[str, Any]]:
    text = run(["ip", "-json", *arguments], doing="reading this machine's network")
    documents: list[dict[str, Any]] = json.loads(text or "[]")
    return documents


def _subnet(state: State) -> IPv4Network | None:
    if not Path("/sys/class/net", state.tag).exists():
        return None
    for link in _query("-4", "address", "show", "dev", state.tag):
        for entry in link.get("addr_info", []):
            return IPv4Network((entry["local"], entry["prefixlen"]), strict=False)
    return None


def _used(own: str) -> list[IPv4Network]:
    """Networks that other interfaces or routes of this machine cover."""
    used = [
        IPv4Network((entry["local"], entry["prefixlen"]), strict=False)
        for link in _query("-4", "address", "show") if link.get("ifname") != own for entry in link.get("addr_info", [])
    ]
    for route in _query("-4", "route", "show", "table", "all"):
        if route.get("dev") != own and route["dst"] != "default":
            with suppress(ValueError):
                used.append(IPv4Network(route["dst"]))
    return used


def _too_low() -> dict[str, int]:
    values = {key: int((PROC_SYS / key).read_text()) for key in SYSCTLS}
    return {key: value for key, value in values.items() if value < SYSCTLS[key]}


def raise_sysctls() -> None:
    """Raise what is too low, and remember for the whole machine what it was."""
    changed = _too_low()
    # Recorded before it is changed; an older record is of the machine without any sandbox.
    write_json(MACHINE / RECORD, {**changed, **(read_json(MACHINE / RECORD) or {})})
    for key in changed:
        (PROC_SYS / key).write_text(f"{SYSCTLS[key]}\n")


def restore_sysctls() -> None:
    """Put back what `raise_sysctls` changed, except what somebody else has set since."""
    for key, was in (read_json(MACHINE / RECORD) or {}).items():
        if int((PROC_SYS / key).read_text()) == SYSCTLS[key]:
            (PROC_SYS / key).write_text(f"{was}\n")
    (MACHINE / RECORD).unlink(missing_ok=True)
