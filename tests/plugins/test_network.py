"""A host's way out as data: who is asked with which account, what apt is told, and which entries a mirror replaces."""

import json
from types import ModuleType
from typing import Any

import pytest

from aimlsetup import content

network = content.util("network")

MIRROR = "https://mirror.example:443"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SETTINGS: dict[str, Any] = {
    "proxy": "http://proxy.example:3128",
    "no_proxy": ["near.example"],
    "ca_bundle": f"a comment\r\n{PEM}{PEM.replace('MIIB', 'MIIC')}",
    "credentials": [
        {"url": "https://mirror.example/", "username": "me", "password": "p@ss:/w"},
        {"url": "http://mirror.example:8080", "username": "plain", "password": "other"},
        {"url": "http://proxy.example:3128", "username": "p", "password": "q"},
    ],
}


@pytest.fixture
def files() -> ModuleType:
    """What the files say."""
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import networkfiles

    return networkfiles


@pytest.fixture
def mirror() -> ModuleType:
    """What a mirror replaces."""
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import aptmirror

    return aptmirror


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://mirror.example/simple/", "https://me:p%40ss%3A%2Fw@mirror.example/simple/"),
        ("https://mirror.example:443/simple/", "https://me:p%40ss%3A%2Fw@mirror.example:443/simple/"),
        ("http://mirror.example:8080/x", "http://plain:other@mirror.example:8080/x"),
        ("http://mirror.example/x", "http://mirror.example/x"),
        ("https://mirror.example:8443/x", "https://mirror.example:8443/x"),
        ("https://sub.mirror.example/x", "https://sub.mirror.example/x"),
        ("https://you:own@mirror.example/x", "https://you:own@mirror.example/x"),
        ("file:///srv/simple", "file:///srv/simple"),
        ("https://mirror.example:port/", "https://mirror.example:port/"),
    ],
)
def test_an_account_is_for_one_server_and_port(url: str, expected: str) -> None:
    assert network.authorized(url, SETTINGS) == expected
    assert network.authorized(url, {}) == url


def test_programs_are_told_the_proxy_with_its_account_and_what_is_near() -> None:
    told = network.variables(SETTINGS)
    assert told["https_proxy"] == told["HTTP_PROXY"] == "http://p:q@proxy.example:3128"
    assert told["no_proxy"] == "localhost,127.0.0.1,near.example"
    assert network.variables({"credentials": SETTINGS["credentials"]}) == {}


def test_git_logs_in_from_a_file(mirror: ModuleType) -> None:
    assert network.git_store(SETTINGS).splitlines()[0] == "https://me:p%40ss%3A%2Fw@mirror.example"
    assert "p%40ss" not in network.git_settings(SETTINGS, "/run/x")
    assert network.git_settings({}, "/run/x") == network.git_store({}) == ""


def test_apt_is_told_no_secret_in_the_open_and_sends_none_in_the_clear(files: ModuleType) -> None:
    text = files.apt_text(SETTINGS)
    assert 'Acquire::https::Proxy "http://proxy.example:3128/";' in text
    assert 'Acquire::http::Proxy::near.example "DIRECT";' in text
    assert not any(one["password"] in text for one in SETTINGS["credentials"] if len(one["password"]) > 1)
    accounts = files.accounts_text(SETTINGS, "0" * 32)
    assert "machine mirror.example login me password p@ss:/w\n" in accounts
    assert "machine mirror.example:443 login me" in accounts
    assert "machine http://mirror.example:8080 login plain password other\n" in accounts
    assert "http://mirror.example login" not in accounts


def test_files_with_passwords_have_a_salt_that_stays(files: ModuleType) -> None:
    salt = "0123456789abcdef" * 2
    text = files.own_text(SETTINGS, salt)
    assert files.salt_of(text) == files.salt_of(files.accounts_text(SETTINGS, salt)) == salt
    assert json.loads(text)["credentials"] == SETTINGS["credentials"]
    assert files.own_text({**SETTINGS, "proxy": None, "no_proxy": [], "credentials": []}, salt) == ""
    assert files.salt_of("") is None


def test_every_certificate_has_a_file_of_its_own(files: ModuleType) -> None:
    found = files.authorities(SETTINGS["ca_bundle"])
    assert sorted(text.split("\n")[1] for text in found.values()) == ["MIIB", "MIIC"]
    assert files.authorities(PEM).items() <= found.items()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"proxy": "socks5://proxy.example:1080"}, "proxy: "),
        ({"proxy": "http://me:secret@proxy.example"}, "proxy: "),
        ({"no_proxy": ["10.0.0.0/8"]}, "no_proxy: "),
        ({"ca_bundle": "-----BEGIN NOTHING-----"}, "ca_bundle: there is no certificate"),
        ({"credentials": [{"url": "https://x/", "username": "u", "password": "s3 cret"}]}, "the password for https://x/"),
        ({"credentials": [{"url": "https://x", "username": "u:v", "password": "s"}]}, "credentials.username: "),
        ({"credentials": [{"url": "ftp://x", "username": "u", "password": "s"}]}, "credentials.url: "),
        ({"credentials": [SETTINGS["credentials"][0], {**SETTINGS["credentials"][0], "url": MIRROR}]}, "two for"),
    ],
)
def test_what_makes_no_sense_is_told(files: ModuleType, mirror: ModuleType, change: dict[str, Any], said: str) -> None:
    problems = list(files.problems({**SETTINGS, **change}))
    assert any(said in text for text in problems)
    assert not any("s3 cret" in text for text in problems)
    assert list(files.problems(SETTINGS)) == []


DEBIAN = {
    "name": "debian",
    "uri": "http://mirror.example/debian",
    "suites": ["bookworm", "bookworm-updates"],
    "components": ["main", "contrib", "non-free"],
    "architectures": ["amd64"],
    "keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
}
DEB822 = """# mine
Types: deb deb-src
URIs: http://far.example/debian
Suites: bookworm
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.pgp

Types: deb
URIs: http://far.example/debian/
Suites: bookworm-backports
Components: main

Types: deb
URIs: http://docker.example
Suites: bookworm
Components: stable
"""
LIST = """deb http://far.example/debian bookworm main # the archive
deb [signed-by=/usr/share/keyrings/other.gpg] http://other.example bookworm main
deb-src http://far.example/debian bookworm-updates main
deb http://security.example/ bookworm-security main
"""


def test_entries_of_the_same_archive_are_set_aside_and_come_back(mirror: ModuleType) -> None:
    text, replaced = mirror.aside("x.sources", DEB822, [DEBIAN])
    assert [entry["components"] for entry in replaced] == [["main", "contrib"]]
    left = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert left == DEB822.splitlines()[-4:]
    assert mirror.restored(text) == DEB822
    assert mirror.aside("x.sources", mirror.restored(text), [DEBIAN])[0] == text
    assert mirror.aside("x.sources", DEB822, [])[0] == DEB822


def test_lines_of_others_stay(mirror: ModuleType) -> None:
    text, _replaced = mirror.aside("x.list", LIST, [DEBIAN])
    marked = [line.startswith(mirror.MARK) for line in text.splitlines()]
    assert marked == [True, False, True, False]
    assert mirror.restored(text) == LIST


def test_a_mirror_gives_the_parts_that_the_host_had(mirror: ModuleType) -> None:
    replaced = mirror.aside("x.sources", DEB822, [DEBIAN])[1]
    found = mirror.stanzas(DEBIAN, replaced, DEBIAN["keyring"])
    assert [(one["Suites"], one["Components"]) for one in found] == [("bookworm bookworm-updates", "main contrib")]
    assert mirror.stanzas(DEBIAN, [], DEBIAN["keyring"])[0]["Components"] == "main contrib non-free"
    assert "URIs: http://mirror.example/debian\n" in mirror.written(found)
