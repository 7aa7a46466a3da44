"""A site without root: one user whose services supervisord runs, one with a systemd of the user's own, on one host."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import sandbox
from tests.conftest import HostFactory, factory
from tests.e2e import site as small
from tests.remote import on

pytestmark = [pytest.mark.host, pytest.mark.network]

PORTS = {"ann": 4100, "ben": 4110}
MANAGERS = {"ann": "supervisord", "ben": "systemd"}
# Everything but homes and what a login leaves: its own records, the systemd of a user, the caches of the system.
ELSEWHERE = (
    "find / -xdev -newer /root/begin -not -path '/home/*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/run/*' "
    "-not -path '/tmp/*' -not -path '/var/log/*' -not -path '/var/lib/systemd/*' -type f"
)


@dataclass
class Users:
    """The host, and each user's site."""

    host: sandbox.Host
    sites: dict[str, small.Site]


@dataclass
class Client:
    """Asks a port all the while; `failures` are the requests that were not answered."""

    url: str
    failures: list[str] = field(default_factory=list)
    answered: int = 0

    def __enter__(self) -> "Client":
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.02):
            try:
                with urllib.request.urlopen(self.url, timeout=20) as response:
                    response.read()
                self.answered += 1
            except OSError as error:
                self.failures.append(str(error))


def profile(user: str, host: sandbox.Host) -> dict[str, Any]:
    """The small site for a user of the host."""
    checkout = f"/home/{user}/aimlsetup/codehub/apps/site"
    reached = {"address": host.name, "user": user, "ssh_config": str(host.ssh_config)}
    made = small.profile(host.name, scope="user", hosts={host.name: reached})
    del made["data_links"]  # its links would be the system's
    made["repos"]["checkouts"][0]["dest"] = checkout
    made["ai_service"]["services"][0] |= {
        "port": PORTS[user], "checkout": checkout, "app_dir": f"{checkout}/apps/www/od/wsgi-bin",
    }  # fmt: skip
    return made


def prepared(made: HostFactory, directory: Path) -> sandbox.Host:
    """A host as its administrator hands it out: Python, git, and two users."""
    host = made("bookworm", binds=small.binds(small.repository(directory))[:1])
    install = "DEBIAN_FRONTEND=noninteractive apt-get -qq -y install git python3-venv dbus-user-session >/dev/null"
    on(host, "sh", "-c", install)
    for user in PORTS:
        sandbox.add_user(host, user)
        on(host, "rm", f"/etc/sudoers.d/{user}")
        on(host, "gpasswd", "-d", user, "sudo")
    on(host, "loginctl", "enable-linger", "ben")
    on(host, "sh", "-c", "dpkg -l > /root/packages; touch /root/begin")
    return host


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    """Both sites, applied at the same time: one user's lease is nothing to the other."""
    directory = tmp_path_factory.mktemp("users")
    with factory() as made:
        host = prepared(made, directory)
        sites = {}
        for user in PORTS:
            (directory / user).mkdir()
            sites[user] = small.Site(directory / user)
            sites[user].write(profile(user, host))
        running = {user: found.start("apply", "--yes") for user, found in sites.items()}
        for user, process in running.items():
            said = "".join(process.communicate(timeout=600))
            assert process.returncode == 0, f"{user}: {said}"
        yield Users(host, sites)


def url(users: Users, user: str, path: str = "models") -> str:
    return f"http://{users.host.address}:{PORTS[user]}/api/vision/v2/{path}"


@pytest.mark.parametrize("user", PORTS)
def test_the_model_is_served_and_a_second_apply_has_nothing_to_do(users: Users, user: str) -> None:
    with urllib.request.urlopen(url(users, user), timeout=20) as response:
        assert json.load(response)["model"] == small.KEY
    lock = users.sites[user].directory / "aimlsetup.lock.yml"
    assert f"ai_service_service_manager: {MANAGERS[user]}" in lock.read_text()
    users.sites[user].run("verify")
    assert "nothing to do" in users.sites[user].run("apply", "--yes")


def test_nothing_is_changed_outside_of_the_homes(users: Users) -> None:
    assert on(users.host, "sh", "-c", ELSEWHERE).split() == []
    on(users.host, "sh", "-c", "dpkg -l | diff /root/packages -")


@pytest.mark.parametrize("user", PORTS)
def test_a_restart_refuses_no_request(users: Users, user: str) -> None:
    site = users.sites[user]
    document = profile(user, users.host)
    document["ai_service"]["services"][0]["timeout"] = 61
    site.write(document)
    with Client(url(users, user, "slow")) as client:
        site.run("apply", "--yes")
    assert client.failures == []
    assert client.answered > 10


def test_an_application_that_does_not_load_leaves_the_one_that_runs(users: Users) -> None:
    site = users.sites["ann"]
    document = profile("ann", users.host)
    document["ai_service"]["services"][0] |= {"timeout": 61, "app": "web_server:missing"}
    site.write(document)
    said = site.run("apply", "--yes", expect=1)
    assert "its application does not load" in said
    assert "web_server" in said
    with urllib.request.urlopen(url(users, "ann"), timeout=20) as response:
        assert json.load(response)["model"] == small.KEY


def test_a_program_that_is_gone_is_drift_and_comes_back(users: Users) -> None:
    site = users.sites["ann"]
    document = profile("ann", users.host)
    document["ai_service"]["services"][0]["timeout"] = 61
    site.write(document)
    on(users.host, "sh", "-c", "kill $(cat /home/ann/aimlsetup/codehub-config/supervisor/supervisord.pid)")
    time.sleep(2)  # it ends its programs first
    assert site.drifted(users.host.name) == ["ai_service"]
    site.run("apply", "--yes")
    site.run("verify")


@pytest.mark.parametrize("user", PORTS)
def test_what_is_no_longer_wanted_is_taken_away(users: Users, user: str) -> None:
    site = users.sites[user]
    document = profile(user, users.host)
    document["components"].remove("ai_service")
    site.write(document)
    site.run("apply", "--yes")
    assert on(users.host, "pgrep", "-u", user, "-f", "gunicorn|supervisord", check=False) == ""
    site.run("remove", "--all", "--yes")
    left = f"find /home/{user}/aimlsetup /home/{user}/.local/state/aimlsetup/receipts -mindepth 1 2>/dev/null"
    assert [path for path in on(users.host, "sh", "-c", left, check=False).split() if "/aimldl-dat" not in path] == []


def test_root_is_not_meant(users: Users) -> None:
    site = users.sites["ann"]
    document = profile("ann", users.host)
    document["hosts"][users.host.name]["user"] = "root"
    site.write(document)
    assert "`scope: user`, and this is root" in site.run("plan", expect=2)
