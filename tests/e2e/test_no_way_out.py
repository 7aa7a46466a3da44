"""A controller and a host that reach each other and the bridge, and nothing else: provisioned to the served model.

The mirrors on the bridge ask for passwords, one has a certificate of an authority made for the occasion, and all are
reached through a forward proxy. What the two send elsewhere is counted twice: by the kernels of both, as packets
without a route, and on the way to this machine's uplink.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from aimlsetup import sandbox
from aimlsetup.sandbox.machine import inspect
from tests.e2e import site as small
from tests.e2e.test_drift import answer
from tests.mirrors import Server, authority

pytestmark = [pytest.mark.host, pytest.mark.network]
PASSWORDS = {"archive": "c4nary-of-the-archive", "index": "c4nary:of/the@index", "proxy": "c4nary-of-the-proxy"}
MEANT = {"/etc/aimlsetup/network.json", "/etc/apt/auth.conf.d/90aimlsetup-network.conf"}
HOME = "/root/site"


@dataclass
class Closed:
    """The two hosts and their mirrors."""

    controller: sandbox.Host
    target: sandbox.Host
    archive: Server
    index: Server
    proxy: Server

    def profile(self, **changes: object) -> dict[str, object]:
        """The small site, from the mirrors."""
        git = f"{self.index.url}/git/app.git"
        return {
            **small.profile(),
            "hosts": {self.target.name: {"address": self.target.address, "user": "root"}},
            "repos": {"checkouts": [{"dest": "/codehub/apps/site", "url": git, "version": "main"}]},
            "sources": {
                "debian": f"{self.archive.url}/debian",
                "debian_security": f"{self.archive.url}/debian-security",
                "pypi": f"{self.index.url}/simple",
            },
            "network": {
                "proxy": self.proxy.url,
                "ca_bundle": f"{HOME}/authority.pem",
                "credentials": [
                    {"url": server.url, "username": server.account[0], "password": f"file:/root/keys/{name}"}
                    for name, server in (("archive", self.archive), ("index", self.index), ("proxy", self.proxy))
                ],
            },
            **changes,
        }

    def write(self, profile: dict[str, object]) -> None:
        """Write the profile on the controller."""
        put(self.controller, f"{HOME}/aimlsetup.yml", yaml.safe_dump(profile, sort_keys=False))

    def run(self, *argv: str, expect: int = 0) -> str:
        """What aimlsetup prints on the controller."""
        command = shlex.join([str(small.BIN / "aimlsetup"), *argv])
        done = on(self.controller, f"cd {HOME} && {command}", limit=600)
        assert done.returncode == expect, f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def on(host: sandbox.Host, script: str, limit: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a shell script, which travels by standard input."""
    argv = sandbox.ssh_argv(host, "sh", "-s")
    return subprocess.run(argv, input=script, capture_output=True, text=True, timeout=limit, check=False)


def put(host: sandbox.Host, path: str, text: str) -> None:
    """Write a file that root alone can read."""
    script = f"umask 077; mkdir -p {Path(path).parent}; cat > {path}"
    subprocess.run(sandbox.ssh_argv(host, "sh", "-c", script), input=text, text=True, check=True, timeout=60)


def upstream() -> str:
    """The package index that this machine uses."""
    asked = ["uv", "pip", "compile", "--quiet", "--no-header", "--emit-index-url", "-"]
    said = subprocess.run([small.BIN / asked[0], *asked[1:]], input="", capture_output=True, text=True, check=True)
    return re.search(r"^--index-url (\S+)", said.stdout, re.MULTILINE)[1].rstrip("/")  # type: ignore[index]


@contextmanager
def mirrors(directory: Path, address: str) -> Iterator[tuple[Server, Server, Server]]:
    """Archive, index with repositories, and proxy."""
    _ca, certificate, key = authority(directory, address)
    cache = Path(small.cached("mirrors", "/").partition(":")[0])
    archives = dict(zip(("/debian", "/debian-security"), inspect().mirrors["debian"], strict=True))
    with (
        Server(address, ("a", PASSWORDS["archive"]), archives, cache=cache) as archive,
        Server(
            address, ("i", PASSWORDS["index"]), {"/simple": upstream(), "/git": directory},
            tls=(certificate, key), cache=cache,
        ) as index,
        Server(address, ("p", PASSWORDS["proxy"])) as proxy,
    ):  # fmt: skip
        yield archive, index, proxy


@contextmanager
def uplink(addresses: list[str], bridge: str) -> Iterator[str]:
    """An nft table that counts what these hosts send beyond the bridge; its name."""
    table = f"closed{os.getpid()}"
    rule = f'ip saddr {{ {", ".join(addresses)} }} oifname != "{bridge}" counter'
    text = f"table ip {table} {{ chain out {{ type filter hook forward priority 0;\n{rule}\n}}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)
    try:
        yield table
    finally:
        subprocess.run(["nft", "delete", "table", "ip", table], check=True)


def sent(table: str) -> int:
    """Packets counted."""
    said = subprocess.run(["nft", "list", "table", "ip", table], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"counter packets (\d+)", said)[1])  # type: ignore[index]


def without_route(host: sandbox.Host) -> int:
    """Packets that programs of a host wanted to send and its kernel had no route for."""
    names, values = re.findall(r"^Ip: (.*)$", on(host, "cat /proc/net/snmp").stdout, re.MULTILINE)
    return int(dict(zip(names.split(), values.split(), strict=True))["OutNoRoutes"])


@contextmanager
def watching() -> Iterator[list[str]]:
    """Look at the arguments of all processes, the hosts' too, all the time."""
    leaks: list[str] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.2):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    words = (process / "cmdline").read_bytes()
                except OSError:
                    continue
                leaks.extend(f"{words[:200]!r}" for word in PASSWORDS.values() if word.encode() in words)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield leaks
    finally:
        ended.set()
        watcher.join()


def prepare(controller: sandbox.Host, target: sandbox.Host, directory: Path) -> None:
    """What a controller has: git, the way to log in to the other host, passwords and the authority in files."""
    assert on(controller, "apt-get -q install -y --no-install-recommends git").returncode == 0
    put(controller, "/root/.ssh/id_ed25519", target.ssh_key.read_text())
    put(controller, "/root/.ssh/known_hosts", target.known_hosts.read_text())
    put(controller, f"{HOME}/authority.pem", (directory / "ca.pem").read_text())
    for name, password in PASSWORDS.items():
        put(controller, f"/root/keys/{name}", password)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    """Both hosts, cut off."""
    directory = tmp_path_factory.mktemp("closed")
    small.repository(directory)
    names = [f"closed-{os.getpid()}-{role}" for role in ("controller", "target")]
    inside = {str(small.ROOT), sys.prefix, sys.base_prefix}
    try:
        controller = sandbox.up(names[:1], "bookworm", binds=[f"{path}:{path}" for path in sorted(inside)])[0]
        target = sandbox.up(names[1:], "bookworm")[0]
        route = on(target, "ip route show default").stdout.split()
        with mirrors(directory, route[route.index("via") + 1]) as servers:
            prepare(controller, target, directory)
            for host in (controller, target):
                assert on(host, "ip route del default; rm -rf /var/lib/apt/lists/*; ip route").stdout.count("\n") == 1
            yield Closed(controller, target, *servers)
    finally:
        sandbox.down(names)


def kept(host: sandbox.Host) -> set[str]:
    """Files, journal and processes of a host that hold a password. The patterns travel by standard input."""
    put(host, "/dev/shm/patterns", "\n".join([*PASSWORDS.values(), "c4nary%3Aof%2Fthe%40index"]))
    script = (
        "cd /; grep -rlaFf /dev/shm/patterns etc home opt root run srv tmp var codehub* 2>/dev/null | sed s,^,/,;"
        "journalctl --no-pager -o export | grep -aFf /dev/shm/patterns;"
        "grep -laFf /dev/shm/patterns /proc/[0-9]*/cmdline 2>/dev/null; rm /dev/shm/patterns"
    )
    return {line for line in on(host, script).stdout.splitlines() if not line.startswith("/root/keys/")}


def test_provisioned_to_the_served_model(closed: Closed) -> None:
    addresses = [closed.controller.address, closed.target.address]
    bridge = next(
        link["ifname"]
        for link in json.loads(subprocess.run(["ip", "-json", "-4", "address"], capture_output=True, check=True).stdout)
        for entry in link["addr_info"]
        if entry["local"] == closed.archive.address
    )
    hosts = (closed.controller, closed.target)
    before = [without_route(host) for host in hosts]
    closed.write(closed.profile())
    with ExitStack() as stack:
        table = stack.enter_context(uplink(addresses, bridge))
        leaks = stack.enter_context(watching())
        said = closed.run("sources", "check", "--distro", "debian12")
        refused = closed.run("apply", "--yes", expect=5)
        assert "entries would be set aside for a mirror" in refused
        said += refused + closed.run("apply", "--yes", "--replace", "/etc/apt/sources.list.d/debian.sources")
        said += closed.run("verify")
        assert answer(closed.target)["model"] == small.KEY
        assert f"{closed.target.name}: nothing to do" in closed.run("apply", "--yes")
        assert sent(table) == 0
    assert [without_route(host) for host in hosts] == before
    assert leaks == []
    assert kept(closed.controller) == set()
    assert kept(closed.target) == MEANT
    assert not any(password in said for password in PASSWORDS.values())
    assert any("/pool/" in line for line in closed.proxy.asked)
    assert any(line.startswith("CONNECT ") for line in closed.proxy.asked)
    assert any("git-upload-pack" in line for line in closed.index.asked)
    assert any(".whl" in line for line in closed.index.asked)
