"""What is wrong is said on one screen (what, where, what was expected, what to do), and the host stays as it was."""

import copy
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import sandbox
from tests.e2e import site as small
from tests.e2e.screen import changes, refused, say, snapshot
from tests.e2e.test_drift import answer
from tests.remote import on

pytestmark = [pytest.mark.host, pytest.mark.network]

Document = dict[str, Any]
ENVS = "/virtualmachines/virtualenvs"
ARCHIVES = "/var/cache/apt/archives"
PASSWORD = "correct {{ 7 * 7 }} 'horse' \"$(id)\" %n ü"
WHERE = r"aimlsetup\.yml:\d+:\d+: "
PYENV = Path.home() / ".pyenv" / "versions"
TOO_OLD = {minor: next(iter(sorted(PYENV.glob(f"{minor}.*"))), None) for minor in ("3.6", "3.7")}
RAISES = 'raise RuntimeError("this application does not start")\n'


def wished(host: sandbox.Host) -> Document:
    """The profile that the host converged to."""
    return small.profile(host.name)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[small.Site, sandbox.Host]]:
    """The site, applied, on a host with users, too old Pythons, and its environments on a file system of their own."""
    directory = tmp_path_factory.mktemp("bad")
    name = f"bad-{os.getpid()}"
    pythons = [f"{path}:/opt/old/{minor}" for minor, path in TOO_OLD.items() if path]
    try:
        bare = small.repository(directory)
        host = sandbox.up([name], "bookworm", binds=[*small.binds(bare), *pythons])[0]
        on(host, "mkdir", "-p", ENVS)
        on(host, "mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", ENVS)
        sandbox.add_user(host, "alice", PASSWORD)
        sandbox.add_user(host, "bob", PASSWORD)
        on(host, "gpasswd", "-d", "bob", "sudo")
        on(host, "tee", "/etc/environment", stdin="LANG=C.UTF-8\nLANGUAGE=de\n")  # sudo speaks German to them
        on(host, "tee", "/etc/ld.so.conf.d/old.conf", stdin="".join(f"/opt/old/{minor}/lib\n" for minor in TOO_OLD))
        on(host, "ldconfig")
        site = small.Site(directory)
        site.write(wished(host))
        site.run("apply", "--yes")
        yield site, host
    finally:
        sandbox.down([name])


@pytest.fixture(autouse=True)
def wish_again(site: small.Site, host: sandbox.Host) -> Iterator[None]:
    """Whatever a test wishes, the next one finds the first profile."""
    yield
    site.write(wished(host))


def with_service(document: Document, **changes: Any) -> Document:
    """The profile with its service changed."""
    document["ai_service"]["services"][0] |= changes
    return document


def twice(document: Document) -> Document:
    """A second service on the first one's port."""
    document["ai_service"]["services"].append({"model_key": "acme-rld-2", "port": small.PORT})
    return document


# What is seen in the file alone: how the profile is changed, and what the screen must say besides the place.
FILE: dict[str, tuple[Callable[[Document], Document], str]] = {
    "unknown key": (lambda wish: with_service(wish, helth_path="/"), r"(?s)'helth_path'.*did you mean 'health_path'"),
    "unknown component": (lambda wish: wish | {"components": ["bas"]}, r"(?s)'bas'.*did you mean 'base'"),
    "wrong type": (lambda wish: with_service(wish, port="4100"), r"port: expected a whole number, found text"),
    "duplicate port": (twice, r"port 4100 is taken by ai_service\.services\[0\]"),
    "relative root": (lambda wish: wish | {"roots": {"codehub": "code/hub"}}, r"roots\.codehub: an absolute path"),
    "malformed tag": (
        lambda wish: wish | {"repos": {"checkouts": [{"dest": "/codehub/apps/site", "url": "/a", "version": "v1..2"}]}},
        r"(?s)'v1\.\.2' is not accepted.*write a branch, tag or commit",
    ),
    "literal secret": (
        lambda wish: wish | {"codehub": {"databases": {"REDISCFG": {"password": "hunter2"}}}},
        r"(?s)a secret is a reference, never the value.*write env:NAME",
    ),
}


@pytest.mark.parametrize("row", FILE)
def test_a_profile_that_is_wrong(site: small.Site, host: sandbox.Host, row: str) -> None:
    change, expected = FILE[row]
    before = snapshot(host)
    site.write(change(copy.deepcopy(wished(host))))
    said = refused(site, "profile-invalid", WHERE, expected, status=2)
    assert "hunter2" not in said.err + said.out
    assert changes(before, snapshot(host)) == {}


def login(host: sandbox.Host, **more: Any) -> Document:
    """The host reached over ssh like any other machine."""
    return {"connection": "ssh", "address": host.name, "ssh_config": str(host.ssh_config), **more}


def sudo(password: str | None) -> Document:
    """How alice or bob become root."""
    return {"method": "sudo"} | ({"password": password} if password else {})


# Ways not to get in: entries of the host in the profile, the kind of error, what it must say, the exit code.
ACCESS: dict[str, tuple[Document, str, str, int]] = {
    "wrong sudo password": (
        {"user": "alice", "become": sudo("env:WRONG_PASSWORD")},
        "become-password",
        "the password for sudo is wrong",
        2,
    ),
    "no sudo password": (
        {"user": "alice", "become": sudo(None)},
        "become-password-missing",
        "sudo wants a password",
        2,
    ),
    "unset reference": ({"user": "alice", "become": sudo("env:NOT_SET")}, "secret-missing", "env:NOT_SET", 2),
    "no root": ({"user": "bob"}, "no-root", "root is needed, and this is user id", 2),
    "not in the sudoers": (
        {"user": "bob", "become": sudo("env:RIGHT_PASSWORD")},
        "become-denied",
        "may not become root",
        2,
    ),
    "unknown user": ({"user": "mallory"}, "host-login", "ssh does not accept this user and key", 2),
    "unreachable": ({"port": 1}, "host-unreachable", "it does not answer on ssh", 1),
    "no such Python": ({"python": "/opt/nothing/python3"}, "python-missing", "no Python /opt/nothing/python3", 2),
    "unknown name": ({"address": "nowhere.invalid"}, "host-name", "its address is unknown", 2),
}


@pytest.mark.parametrize("row", ACCESS)
def test_a_host_that_does_not_let_us_in(site: small.Site, host: sandbox.Host, row: str) -> None:
    entry, ref, expected, status = ACCESS[row]
    before = snapshot(host)
    site.write(wished(host) | {"hosts": {host.name: login(host) | entry}})
    secrets = {"WRONG_PASSWORD": "wrong canary", "RIGHT_PASSWORD": PASSWORD}
    said = refused(site, ref, expected, status=status, env=secrets)
    assert not [secret for secret in secrets.values() if secret in said.err + said.out]
    assert changes(before, snapshot(host)) == {}


def test_the_right_password_whatever_is_in_it_and_whatever_sudo_speaks(site: small.Site, host: sandbox.Host) -> None:
    become = sudo("env:RIGHT_PASSWORD")
    site.write(wished(host) | {"hosts": {host.name: login(host, user="alice", become=become)}})
    on(host, "rm", "/codehub/config")
    said = say(site, "apply", "--yes", env={"RIGHT_PASSWORD": PASSWORD})
    assert said.status == 0, said.err
    assert "codehub" in json.loads(said.out)["hosts"][host.name]["applied"]
    assert "horse" not in said.err + said.out


@pytest.mark.parametrize("minor", [minor for minor, path in TOO_OLD.items() if path])
def test_a_python_that_is_too_old(site: small.Site, host: sandbox.Host, minor: str) -> None:
    before = snapshot(host)
    site.write(wished(host) | {"hosts": {host.name: login(host, user="root", python=f"/opt/old/{minor}/bin/python3")}})
    expected = r"expected: Python \d\.\d+ or newer"
    refused(site, "python-old", rf"{host.name}: its Python {re.escape(minor)}\.\d+ is too old", expected, status=2)
    assert changes(before, snapshot(host)) == {}


def test_a_release_that_is_not_supported(site: small.Site, host: sandbox.Host) -> None:
    release = on(host, "cat", "/etc/os-release")
    on(host, "cp", "--remove-destination", "/usr/lib/os-release", "/etc/os-release")
    on(host, "tee", "/etc/os-release", stdin=release.replace('VERSION_ID="12"', 'VERSION_ID="10"'))
    try:
        before = snapshot(host)
        said = f"{host.name}: debian 10 is not supported"
        refused(site, "release-unsupported", said, "expected: .*debian 12", "solved for with --host-facts", status=2)
        assert changes(before, snapshot(host)) == {}
    finally:
        on(host, "ln", "-sf", "../usr/lib/os-release", "/etc/os-release")


def failed(site: small.Site, host: sandbox.Host, component: str, *patterns: str, status: int = 1) -> None:
    """An apply that stops in a component: it says where and how to go on, and leaves the host as it was but for the
    note that this component's apply did not finish.
    """
    before = snapshot(host)
    where = (f"{host.name}: {component} failed", r"task: \w+", "go on with: aimlsetup apply")
    refused(site, "apply-failed", *where, *patterns, status=status)
    after = snapshot(host)
    assert component in after["unfinished"]
    after["unfinished"] = before["unfinished"]
    assert changes(before, after) == {}


def test_a_tag_that_is_not_there(site: small.Site, host: sandbox.Host) -> None:
    document = wished(host)
    document["repos"]["checkouts"][0]["version"] = "v99"
    site.write(document)
    failed(site, host, "repos", r"/codehub/apps/site: there is no branch or tag v99\. Near: main, v1")
    assert answer(host)["model"] == small.KEY


def test_a_port_that_is_taken(site: small.Site, host: sandbox.Host) -> None:
    on(host, "systemd-run", "--unit=squatter", "python3", "-m", "http.server", "4200")
    try:
        site.write(with_service(wished(host), port=4200))
        before = snapshot(host)
        refused(site, "in-the-way", "port 4200", r"python3, pid \d+, unit squatter\.service", status=5)
        assert changes(before, snapshot(host)) == {}
        assert answer(host)["model"] == small.KEY
    finally:
        on(host, "systemctl", "stop", "squatter")


def test_an_application_that_does_not_start(site: small.Site, host: sandbox.Host) -> None:
    on(host, "mkdir", "-p", "/srv/broken")
    on(host, "tee", "/srv/broken/web_server.py", stdin=RAISES)
    site.write(with_service(wished(host), app_dir="/srv/broken"))
    words = ("its application does not load", "it still answers", "this application does not start", "journalctl -u")
    failed(site, host, "ai_service", *words)
    assert answer(host)["model"] == small.KEY, "the service that worked before answers"


def size(host: sandbox.Host, text: str) -> None:
    """Give the environments' file system another size."""
    on(host, "mount", "-o", f"remount,size={text}", ENVS)


@pytest.mark.parametrize(
    ("package", "left", "words"),
    [
        ("pip", 600, ("has 0 MB free", "Nothing was built, the environments in use are untouched")),
        ("setuptools", 3000, ("[Nn]o space left", "disk is full", "environment in use is untouched")),
    ],
    ids=["known beforehand", "found on the way"],
)
def test_a_full_disk_under_the_environments(
    site: small.Site, host: sandbox.Host, package: str, left: int, words: tuple[str, ...]
) -> None:
    used = int(on(host, "df", "--output=used", "-B1K", ENVS).split()[-1])
    document = wished(host)
    document["python_env"]["envs"][0]["requirements"] = ["gunicorn", package]
    site.write(document)
    size(host, f"{used + left}k")
    try:
        failed(site, host, "python_env", *words)
        assert answer(host)["model"] == small.KEY
    finally:
        size(host, "256m")
    site.run("apply", "--yes")
    assert on(host, f"{ENVS}/py_3/bin/python", "-c", f"import {package}") == ""
    assert answer(host)["model"] == small.KEY


def test_a_full_disk_under_apt_and_then_a_lock_that_is_held(site: small.Site, host: sandbox.Host) -> None:
    """The disk is full, then free; what is left to do waits for another user of dpkg, and says for whom."""
    document = wished(host)
    document["base"] = {"packages": ["git", "git-lfs", "openssh-client", "python3", "python3-venv", "tree"]}
    site.write(document)
    on(host, "mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", ARCHIVES)
    try:
        failed(site, host, "base", f"the disk is full: {ARCHIVES} has", "apt-get clean")
    finally:
        on(host, "umount", ARCHIVES)
    argv = sandbox.ssh_argv(host, "python3", "-c", HOLD)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holding:
        assert holding.stdout
        assert holding.stdout.readline() == "held\n"
        said = say(site, "apply", "--yes")
        assert said.status == 0, said.err
        assert re.search(rf"{host.name}: apt or dpkg is in use there .*/var/lib/dpkg/lock-frontend", said.err)
        assert re.search(r"waiting for process \d+ \(python3\), which uses apt or dpkg", said.err), said.err
    assert "install ok installed" in on(host, "dpkg-query", "-W", "-f", "${Status}", "tree")


# Holds the lock as dpkg does, until an installing apt-get has come upon it.
HOLD = """
import fcntl, glob, time

def installing():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = open(path, "rb").read().split(b"\\0")
        except OSError:
            continue
        if words[0] == b"apt-get" and b"--no-remove" in words:
            return True

handle = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(handle, fcntl.LOCK_EX)
print("held", flush=True)
deadline = time.monotonic() + 120
while not installing() and time.monotonic() < deadline:
    time.sleep(0.01)
time.sleep(1)
"""
