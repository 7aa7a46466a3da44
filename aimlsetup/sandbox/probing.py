"""What this machine lacks to boot hosts, and what booting them changes on it."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimlsetup.errors import AimlsetupError
from aimlsetup.sandbox import cgroup, lifecycle, network, template
from aimlsetup.sandbox.command import run, succeeds
from aimlsetup.sandbox.recipe import DISTRIBUTIONS
from aimlsetup.sandbox.state import current

# Program → the Debian and Ubuntu package that has it.
PROGRAMS = {
    "systemd-nspawn": "systemd-container", "mmdebstrap": "mmdebstrap", "zstd": "zstd", "nft": "nftables",
    "ip": "iproute2", "ssh": "openssh-client", "ssh-keygen": "openssh-client", "gpg": "gnupg",
}
# Keys that cannot be fetched from their archive, which Ubuntu machines do not have by themselves → their package.
KEYRINGS = {known.keyring.path: known.keyring.package for known in DISTRIBUTIONS.values() if not known.keyring.deb}
OWN_NETWORK = ("unshare", "--net")
OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private")
NFT = 'table ip probe { chain out { type nat hook postrouting priority srcnat; oifname != "lo" masquerade; }; }\n'


@dataclass(frozen=True)
class Lack:
    """Something this machine lacks: what for, what was seen, and what to do."""

    name: str
    why: str
    found: str
    remedy: str


@dataclass(frozen=True)
class Need:
    """Something a sandbox needs, and a check that says what is wrong with it, or None."""

    name: str
    why: str
    remedy: str
    check: Callable[[], str | None]


def probe(*, releases: Sequence[str] = (), boot: bool = False) -> list[Lack]:
    """What is lacking, in the order to cure it; nothing is left behind.

    Each check is made in a namespace of its own. `releases` are those whose archives must answer, too. `boot`
    also boots and removes one host, which needs the root file system and so builds it the first time.
    """
    archives = [archive(release) for release in releases]
    stages = [BASICS, KERNEL, archives, [BOOT] if boot else []]
    return next(filter(None, (list(_failing(needs)) for needs in stages)), [])


def changes() -> list[str]:
    """In words, what `up` changes on this machine, leaving out what is already so."""
    state = current()
    packages = missing_packages()
    return [
        *([f"needs these packages installed: {' '.join(packages)}"] if packages else []),
        *([] if packages else network.changes(state)),
        f"keeps root file systems (about 400 MB a release) and hosts below {state.root}",
    ]


def missing_packages() -> list[str]:
    """Packages whose programs or keys are not on this machine, sorted."""
    programs = {package for program, package in PROGRAMS.items() if shutil.which(program) is None}
    return sorted(programs | {package for path, package in KEYRINGS.items() if not Path(path).exists()})


def _failing(needs: list[Need]) -> Iterator[Lack]:
    for need in needs:
        if found := need.check():
            yield Lack(need.name, need.why, found, need.remedy)


def _root() -> str | None:
    return f"running as uid {os.geteuid()}" if os.geteuid() else None


def _packages() -> str | None:
    packages = missing_packages()
    return f"missing: {' '.join(packages)}" if packages else None


def _overlay() -> str | None:
    root = current().root
    existing = next(path for path in (root, *root.parents) if path.is_dir())
    with tempfile.TemporaryDirectory(prefix=".aimlsetup-probe-", dir=existing) as name:
        parts = {part: Path(name, part) for part in ("lower", "upper", "work", "merged")}
        for path in parts.values():
            path.mkdir()
        options = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
        return succeeds([*OWN_MOUNTS, "mount", "-t", "overlay", "probe", "-o", options, parts["merged"]])


def _masquerade() -> str | None:
    return succeeds([*OWN_NETWORK, "nft", "-f", "-"], stdin=NFT)


def _cgroup() -> str | None:
    unit = f"aimlsetup-probe-{os.getpid()}"
    if not cgroup.hierarchies():
        return f"neither cgroup version 2 nor systemd's own hierarchy is mounted below {cgroup.MOUNT}"
    try:
        cgroup.create(unit)
        cgroup.remove(unit)
    except OSError as error:
        return str(error)
    return None


def _settings() -> str | None:
    closed = [key for key in network.SYSCTLS if not os.access(network.PROC_SYS / key, os.W_OK)]
    if closed or os.statvfs(network.PROC_SYS).f_flag & os.ST_RDONLY:
        return f"{network.PROC_SYS} is read-only"
    return None


def _forwarding() -> str | None:
    """A chain of another table that drops by default: what our own table accepts cannot undo that."""
    tag = current().tag
    ruleset = json.loads(run(["nft", "-j", "list", "ruleset"], doing="reading the firewall"))["nftables"]
    foreign = [entry for entry in ruleset if all(body.get("table") != tag for body in entry.values())]
    dropping = [
        f"{chain['family']} {chain['table']} {chain['name']}" for chain in (entry.get("chain", {}) for entry in foreign)
        if chain.get("hook") == "forward" and chain.get("policy") == "drop"
    ]
    if not dropping or f'"{tag}"' in json.dumps(foreign):
        return None
    return f"dropping what is forwarded: {', '.join(dropping)}; bridge: {tag}"


def archive(release: str) -> Need:
    """That the mirrors of a release answer."""

    def answers() -> str | None:
        with tempfile.TemporaryDirectory(prefix="aimlsetup-probe-") as name:
            try:
                template.ask_mirrors(lifecycle.local_recipe(release), Path(name))
            except AimlsetupError as error:
                return "; ".join([error.message, *error.context[-1:]])
        return None

    why = "its root file system and packages come from there"
    return Need(f"archive of {release}", why, template.OTHER_MIRROR, answers)


def _boots() -> str | None:
    name = f"probe-{os.getpid()}"
    try:
        lifecycle.up([name])
    except AimlsetupError as error:
        return str(error)
    finally:
        lifecycle.down([name])
    return None


BASICS = [
    Need("root", "namespaces, mounts and the bridge are root's", "Run the same command with sudo.", _root),
    Need("packages", "they hold the programs and keys that build and boot hosts",
         "script/bootstrap --hosts, or apt-get install them.", _packages),
]
KERNEL = [
    Need("overlay", "each host writes over a shared root file system",
         "Use a kernel with overlayfs, and a directory on a disk's file system: AIMLSETUP_SANDBOX_DIR.", _overlay),
    Need("bridge", "hosts reach each other over it", "Load the kernel module bridge.",
         lambda: succeeds([*OWN_NETWORK, "ip", "link", "add", "probe", "type", "bridge"])),
    Need("veth", "it connects a host to the bridge", "Load the kernel module veth.",
         lambda: succeeds([*OWN_NETWORK, "ip", "link", "add", "probe", "type", "veth"])),
    Need("masquerade", "hosts reach package mirrors through this machine",
         "Load the kernel modules nft_chain_nat and nft_masq.", _masquerade),
    Need("forwarding", "hosts reach package mirrors through this machine",
         "Accept forwarding for the bridge; with Docker: iptables -I DOCKER-USER -i BRIDGE -j ACCEPT, and -o BRIDGE.",
         _forwarding),
    Need("settings", "forwarding must be switched on",
         "Use a machine or container whose /proc/sys is writable.", _settings),
    Need("cgroup", "it holds a host's processes together",
         "Use a machine or container whose /sys/fs/cgroup is writable.", _cgroup),
]
BOOT = Need("boot", "everything above works, but does a host come up?", "The message says what to look at.", _boots)
