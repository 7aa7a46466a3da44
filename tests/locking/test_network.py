"""The profile's way out: what the lock makes of it for hosts, and how this machine asks with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import catalog, files
from aimlsetup.catalog import profiles
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import access, components, described, fetch, index, network, remotes, sources
from aimlsetup.locking.decision import Case
from aimlsetup.locking.platforms import Platform
from aimlsetup.models.profile import Profile
from tests.e2e import site as small
from tests.mirrors import Server, authority

KNOWN = catalog.load()
ADDRESS = "127.0.0.2"  # of this machine, and none that is never asked through a proxy
FINGERPRINT = "0" * 40
WAY: dict[str, Any] = {"proxy": "http://proxy.example:3128"}


def wish(**document: Any) -> Profile:
    return profiles.accept(files.parse(files.dump({"hosts": {"web": {}}, **document}), Path("aimlsetup.yml")))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, False),
        ({"components": ["base"]}, False),
        ({"components": ["base"], "network": WAY}, True),
        ({"network": {"no_proxy": []}}, False),
        ({"sources": {"debian": "http://mirror.example/debian"}}, True),
        ({"sources": {"pypi": "https://mirror.example/simple"}}, False),
        ({"components": ["network"]}, True),
    ],
)
def test_it_comes_by_itself_and_first_where_something_needs_it(document: dict[str, Any], expected: bool) -> None:
    chosen = components(wish(**document), KNOWN)
    assert ("network" in chosen) is expected
    assert chosen.index("network") == 0 if expected else chosen


def decided(document: dict[str, Any]) -> dict[str, Any]:
    platform = Platform(described.distribution("debian12", KNOWN), "x86_64", frozenset(), ())
    return network.decide(Case(wish(**document), platform, [], KNOWN)).arguments


def test_archives_that_the_profile_moves_and_no_other() -> None:
    mirrors = {"debian": "http://mirror.example/debian", "ubuntu": "http://mirror.example/ubuntu"}
    (found,) = decided({"sources": mirrors})["repositories"]
    assert (found["name"], found["uri"]) == ("debian", "http://mirror.example/debian")
    assert (found["suites"], found["architectures"]) == (["bookworm", "bookworm-updates"], ["amd64"])
    assert "main" in found["components"]
    assert found["keyring"].endswith("debian-archive-keyring.gpg")
    assert "key" not in found


def test_a_mirror_that_signs_by_itself_brings_its_key() -> None:
    mirror = {"url": "http://m.example/d", "key": "http://m.example/key", "fingerprints": [FINGERPRINT]}
    (found,) = decided({"sources": {"debian": mirror}})["repositories"]
    assert found["key"] == {"url": "http://m.example/key", "fingerprints": [FINGERPRINT]}


def test_certificates_reach_the_lock_and_not_the_path(tmp_path: Path) -> None:
    ca, _certificate, _key = authority(tmp_path, ADDRESS)
    assert decided({"network": {"ca_bundle": str(ca)}})["ca_bundle"] == ca.read_text()


@pytest.mark.parametrize(("text", "why"), [(None, "No such file"), ("no certificate", "there is no certificate in it")])
def test_a_bundle_that_is_none_is_told_with_its_path(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "ca.pem"
    if text:
        path.write_text(text)
    with pytest.raises(AimlsetupError, match=why) as caught:
        decided({"network": {"ca_bundle": str(path)}})
    assert (caught.value.exit_code, str(path) in caught.value.message) == (2, True)


def test_sources_show_the_way_out_with_the_accounts_name_alone() -> None:
    account = {"url": "http://mirror.example", "username": "site", "password": "env:SECRET"}
    document = {
        "network": {**WAY, "credentials": [account]},
        "sources": {"debian": "http://mirror.example/debian", "debian_security": "http://other.example/debian"},
    }
    release = described.distribution("debian12", KNOWN)
    found = {each.use.source: each.use for each in sources.used(wish(**document), None, [release], KNOWN)}
    assert (found["network.proxy"].kind, found["network.proxy"].url) == ("proxy", WAY["proxy"])
    assert (found["debian"].account, found["debian"].used_by) == ("site", ("network",))
    assert found["debian_security"].account is None
    assert "SECRET" not in repr(found)


@pytest.fixture(autouse=True)
def _no_way_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*access.PROXIES, "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server, Path]]:
    """A mirror with a certificate of its own, behind a proxy; and the authority's."""
    directory = tmp_path_factory.mktemp("servers")
    small.repository(directory)
    (directory / "file").write_text("content")
    ca, certificate, key = authority(directory, ADDRESS)
    places: dict[str, str | Path] = {"/files-of": directory.as_uri(), "/git": directory}
    with (
        Server(ADDRESS, ("me", "p@ss:word"), places, tls=(certificate, key)) as mirror,
        Server(ADDRESS, ("p", "q")) as proxy,
    ):
        yield mirror, proxy, ca


@contextmanager
def asking(servers: tuple[Server, Server, Path], directory: Path, **changes: Any) -> Iterator[None]:
    """Ask with what is right but for these changes."""
    mirror, proxy, ca = servers
    given = {"proxy": proxy.url, "mirror": "p@ss:word", "account": "q", "ca": ca.read_text(), **changes}
    credentials = [
        {"url": mirror.url, "username": "me", "password": given["mirror"]},
        {"url": proxy.url, "username": "p", "password": given["account"]},
    ]
    settings = {"proxy": given["proxy"], "no_proxy": [], "credentials": credentials}
    with access.using(access.Access(settings, given["ca"], directory)):
        yield


def test_files_and_git_come_through_the_proxy_with_account_and_authority(
    servers: tuple[Server, Server, Path], tmp_path: Path
) -> None:
    mirror, proxy, _ca = servers
    with asking(servers, tmp_path):
        assert fetch.fetch(f"{mirror.url}/files-of/file", 100) == b"content"
        assert "refs/heads/main" in remotes.references(f"{mirror.url}/git/app.git")[0]
    assert sum(line.startswith("CONNECT ") for line in proxy.asked) >= 2
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert access.current() == access.Access()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mirror": "wrong"}, "401"),
        ({"account": "wrong"}, "407"),
        ({"ca": None}, "certificate verify failed"),
        ({"proxy": "http://127.0.0.2:9"}, "Connection refused"),
    ],
)
def test_what_is_wrong_with_the_way_out_is_told(
    servers: tuple[Server, Server, Path], tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with asking(servers, tmp_path, **changes), pytest.raises(fetch.Silent, match=said) as caught:
        fetch.fetch(f"{servers[0].url}/files-of/file", 100)
    assert "p@ss" not in str(caught.value)


def test_the_users_own_proxy_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    found = access.Access({"proxy": "http://proxy.example:3128"})
    assert found.environment()["https_proxy"] == "http://proxy.example:3128"
    monkeypatch.setenv("https_proxy", "http://own.example:3128")
    assert found.environment() == {}


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("error: HTTP status client error (401 Unauthorized) for url (https://me:secret@x/simple)", "credentials"),
        ("error: invalid peer certificate: UnknownIssuer", "ca_bundle"),
        ("error: tcp connect error", "reachable"),
    ],
)
def test_an_index_that_refuses_is_told_with_what_to_do(output: str, hint: str) -> None:
    error = index._failure("py_3", index.Target("3.11", "x86_64", None), output)
    assert hint in (error.hint or "")
    assert "secret" not in str(error)
