"""Passwords given to a run, then looked for everywhere: while it runs, and after success, failure and kill."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from aimlsetup import sandbox
from tests.cli.conftest import Cli, on
from tests.conftest import HostFactory

pytestmark = [pytest.mark.host]

SUDO = "c4nary{{ 7*7 }}'\"$(id)s"
DATABASE = "c4nary;`id` {{ lookup('pipe','id') }}\\d"
WRONG = "c4nary-of-another"
MEANT = "/codehub-config/app.yml"  # where the service reads its database password
RUNTIME = Path("/dev/shm")  # where private directories of runs lie


def spellings() -> list[str]:
    """The canaries as files and logs could have them."""
    return [
        text
        for secret in (SUDO, DATABASE, WRONG)
        for text in (secret, json.dumps(secret)[1:-1], quote(secret), base64.b64encode(secret.encode()).decode())
    ]


def holds(content: bytes) -> bool:
    return any(text.encode() in content for text in spellings())


def process_leaks(allowed: set[int]) -> list[str]:
    """Processes of this machine that show a canary among their arguments or in their environment.

    A fork of an allowed process shows that one's arguments and environment until it becomes another program.
    """
    known = {seen(pid, "cmdline") for pid in allowed}
    others = [int(process.name) for process in Path("/proc").glob("[0-9]*") if int(process.name) not in allowed]
    return [
        f"{name} of {seen(pid, 'cmdline')[:300]!r}"
        for pid in others
        if seen(pid, "cmdline") not in known
        for name in ("cmdline", "environ")
        if holds(seen(pid, name))
    ]


def seen(pid: int, name: str) -> bytes:
    """What /proc shows of a process; nothing when it is gone."""
    try:
        return Path("/proc", str(pid), name).read_bytes()
    except OSError:
        return b""


@contextmanager
def watching(pid: int) -> Iterator[list[str]]:
    """Look at all processes all the time. The command itself may have what its user put into its environment."""
    leaks: list[str] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.2):
            leaks.extend(process_leaks({pid, os.getpid()}))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield leaks
    finally:
        ended.set()
        watcher.join()


def file_leaks(*directories: Path) -> list[str]:
    """Files below that hold a canary. What goes while it is looked at, as a killed run's children end, holds none."""
    paths = (
        Path(parent) / name
        for directory in directories
        for parent, _directories, names in os.walk(directory)
        for name in names
    )
    found = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink() and holds(path.read_bytes()):
                found.append(str(path))
    return found


def host_leaks(host: sandbox.Host) -> list[str]:
    """Where the host keeps a canary: files, journal, processes. The patterns travel by standard input."""
    patterns = "\n".join(spellings())
    script = (
        "cat > /dev/shm/patterns; cd /; "
        "grep -rlaFf /dev/shm/patterns /etc /home /opt /root /run /srv /tmp /var /codehub* 2>/dev/null; "
        "journalctl --no-pager -o export | grep -aFf /dev/shm/patterns; "
        "grep -laFf /dev/shm/patterns /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; "
        "rm /dev/shm/patterns"
    )
    done = subprocess.run(
        sandbox.ssh_argv(host, "sh", "-c", script), input=patterns, capture_output=True, text=True, check=False
    )
    return [line for line in done.stdout.splitlines() if line != MEANT]


@pytest.fixture
def guarded(tmp_path: Path, host_factory: HostFactory) -> tuple[Cli, sandbox.Host]:
    """A host where root is reached with a password, and a profile with a database password."""
    host = host_factory("bookworm")
    sandbox.add_user(host, "op", password=SUDO)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "sudo").write_text(f"{SUDO}\n")
    cli = Cli(tmp_path, {"CANARY_DB": DATABASE, "XDG_RUNTIME_DIR": ""})
    become = {"method": "sudo", "password": f"file:{tmp_path}/keys/sudo"}
    reached = {"address": host.name, "user": "op", "ssh_config": str(host.ssh_config), "become": become}
    databases = {"ANNONCFG": {"host": "db", "username": "me", "password": "env:CANARY_DB"}}
    cli.profile({"guarded": reached}, codehub={"databases": databases})
    return cli, host


def kept(cli: Cli, output: str) -> list[str]:
    """Leaks on this machine after a command, its own output among them."""
    state = cli.directory / "state"
    homes = [Path.home() / ".ansible", state, *(path for path in cli.directory.glob("*") if path.name != "keys")]
    files = [path for path in homes if path.is_file() and holds(path.read_bytes())]
    runs = [path for path in RUNTIME.glob("aimlsetup-*") if path.is_dir()]
    return [
        *map(str, files),
        *file_leaks(*(path for path in homes if path.is_dir()), *runs),
        *(["output"] if holds(output.encode()) else []),
    ]


def test_a_run_that_succeeds(guarded: tuple[Cli, sandbox.Host]) -> None:
    cli, host = guarded
    cli.done("plan", "--json", "-o", "change.plan", "-o", "change.html", "-o", "change.md")
    assert not any(b"c4nary" in path.read_bytes() for path in cli.directory.glob("change.*"))
    process = cli.start("apply", "--yes")
    with watching(process.pid) as leaks:
        output, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert leaks == []
    assert kept(cli, output + said) == []
    assert host_leaks(host) == []
    assert yaml.safe_load(on(host, f"cat {MEANT}"))["DBCFG"]["ANNONCFG"]["password"] == DATABASE
    assert kept(cli, cli.done("plan") + cli.done("verify") + cli.done("observe", "--json")) == []
    cli.more["CANARY_DB"] = "another canary"
    assert "a secret changed" in cli.done("plan", "--no-diff")


def test_a_run_that_fails(guarded: tuple[Cli, sandbox.Host]) -> None:
    cli, host = guarded
    on(host, "mkdir -p /codehub-config; mkdir /codehub-config/app.yml")
    process = cli.start("apply", "--yes")
    with watching(process.pid) as leaks:
        output, said = process.communicate(timeout=300)
    assert process.returncode in (1, 5), said
    assert leaks == []
    assert kept(cli, output + said) == []
    assert host_leaks(host) == []


def test_a_wrong_password(guarded: tuple[Cli, sandbox.Host]) -> None:
    cli, host = guarded
    (cli.directory / "keys" / "sudo").write_text(WRONG)
    process = cli.start("apply", "--yes")
    with watching(process.pid) as leaks:
        output, said = process.communicate(timeout=300)
    assert (process.returncode, "become-password" in said) == (2, True)
    assert leaks == []
    assert kept(cli, output + said) == []
    assert host_leaks(host) == []


def test_a_run_that_is_killed(guarded: tuple[Cli, sandbox.Host]) -> None:
    cli, host = guarded
    process = cli.start("apply", "--yes")
    assert process.stderr
    with watching(process.pid) as leaks:
        said = ""
        while "codehub …" not in said:  # what holds the password is about to be written
            said += (line := process.stderr.readline())
            assert line, said
        os.kill(process.pid, signal.SIGKILL)
        output, rest = process.communicate(timeout=60)
    assert leaks == []
    assert kept(cli, output + said + rest) == []
    assert host_leaks(host) == []
    cli.done("apply", "--yes")
    assert not list(RUNTIME.glob(f"aimlsetup-{process.pid}-*")), "the next run sweeps what a killed one left"
