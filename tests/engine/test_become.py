"""Becoming root on real hosts: sudo with and without a password, sudo-rs, and another language."""

from collections.abc import Iterator

import pytest

from aimlsetup import sandbox
from aimlsetup.engine.observe import Observed, observe
from aimlsetup.engine.session import session
from aimlsetup.models.profile import Become, Host
from tests.cli.conftest import on
from tests.conftest import factory

pytestmark = [pytest.mark.host, pytest.mark.network]

PASSWORD = "pa{{ 7*7 }}ss'\"$(id)w"
GERMAN = """
apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq -y install locales sudo-rs >/dev/null 2>&1
echo 'de_DE.UTF-8 UTF-8' > /etc/locale.gen; locale-gen >/dev/null; echo LANG=de_DE.UTF-8 > /etc/default/locale
cp -p /usr/bin/sudo /usr/bin/sudo.c
"""
EXCHANGE = {
    "sudo": "rm /usr/bin/sudo; cp -p /usr/bin/sudo.c /usr/bin/sudo",
    "sudo-rs": "rm /usr/bin/sudo; ln -s sudo-rs /usr/bin/sudo",
}


@pytest.fixture(scope="module")
def host() -> Iterator[sandbox.Host]:
    """A host in German, with both sudos, a user with a password and one whom sudo asks nothing."""
    with factory() as hosts:
        made = hosts("trixie")
        on(made, GERMAN)
        sandbox.add_user(made, "op", password=PASSWORD)
        sandbox.add_user(made, "free")
        yield made


@pytest.fixture(params=list(EXCHANGE))
def either(request: pytest.FixtureRequest, host: sandbox.Host) -> sandbox.Host:
    """The same host with one or the other as `sudo`."""
    on(host, EXCHANGE[request.param])
    return host


def look(host: sandbox.Host, user: str, become: Become) -> Observed:
    reached = Host(address=host.name, user=user, ssh_config=str(host.ssh_config), become=become)
    with session({"one": reached}) as run:
        return observe(run, ["one"])


def with_password(monkeypatch: pytest.MonkeyPatch, password: str) -> Become:
    monkeypatch.setenv("SUDO_PASSWORD", password)
    return Become(method="sudo", password="env:SUDO_PASSWORD")


@pytest.mark.parametrize("user", ["op", "free"])
def test_the_right_password_and_one_nobody_asks_for(
    either: sandbox.Host, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    observed = look(either, user, with_password(monkeypatch, PASSWORD))
    assert observed.errors == {}
    assert observed.hosts["one"].facts["uid"] == 0


def test_a_wrong_password(either: sandbox.Host, monkeypatch: pytest.MonkeyPatch) -> None:
    error = look(either, "op", with_password(monkeypatch, "wrong c4nary")).errors["one"]
    assert (error.ref, error.exit_code) == ("become-password", 2)
    assert "c4nary" not in str(error)


def test_no_password_where_one_is_asked_for(either: sandbox.Host) -> None:
    error = look(either, "op", Become(method="sudo")).errors["one"]
    assert (error.ref, error.exit_code) == ("become-password-missing", 2)


def test_no_sudo_at_all(host: sandbox.Host) -> None:
    error = look(host, "op", Become()).errors["one"]
    assert (error.ref, error.exit_code) == ("no-root", 2)
