"""Names for git: what could be an option, another transport or another place is refused."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(scope="session")
def names(checkout: Any) -> Any:
    return checkout.gitnames


@pytest.mark.parametrize(
    ("url", "transport", "meant"),
    [
        ("https://git.example.org/group/app.git", "https", None),
        ("https://git.example.org:8443/app", "https", None),
        ("ssh://git@host.example.org:2222/srv/app.git", "ssh", None),
        ("git@host.example.org:group/app.git", "ssh", None),
        ("git@host:/srv/git/app.git", "ssh", None),
        ("mirror:aimldl-cfg.git", "ssh", None),
        ("/srv/git/app.git", "file", "file:///srv/git/app.git"),
        ("file:///srv/git/app.git", "file", "file:///srv/git/app.git"),
        ("/srv/with space/", "file", "file:///srv/with space"),
    ],
)
def test_accepted_urls(names: Any, url: str, transport: str, meant: str | None) -> None:
    assert names.source(url) == (transport, meant or url)


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/pwned",
        "fd::17",
        "http://unverified.example.org/app.git",
        "git://unverified.example.org/app.git",
        "https://user:secret@git.example.org/app.git",
        "https://token@git.example.org/app.git",
        "--upload-pack=touch /tmp/pwned",
        "-oProxyCommand=touch:x",
        "ssh://-oProxyCommand=touch/x",
        "git@-oProxyCommand=touch:x",
        "git@host:-x",
        "git@host:../../etc",
        "/srv/../etc",
        "relative/path",
        "//host/share",
        "/srv/a\nb",
        "",
    ],
)
def test_refused_urls(names: Any, url: str) -> None:
    with pytest.raises(names.Bad):
        names.source(url)


@pytest.mark.parametrize("name", ["main", "v1.0", "rc-v3.1", "feature/x", "refs/tags/v1", "a" * 40, "ünïcode"])
def test_accepted_versions(names: Any, name: str) -> None:
    assert names.version(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-f",
        "--upload-pack=x",
        "a..b",
        "../x",
        "a b",
        "a\nb",
        "x~1",
        "x^{}",
        "a:b",
        "*",
        "x.lock",
        "/x",
        "x/",
        "@{u}",
        "@",
        ".",
    ],
)
def test_refused_versions(names: Any, name: str) -> None:
    with pytest.raises(names.Bad):
        names.version(name)


@pytest.mark.parametrize("path", ["relative", "/", "//", "/a/../b", "/a\nb", ""])
def test_refused_destinations(names: Any, path: str) -> None:
    with pytest.raises(names.Bad):
        names.destination(path)


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/*", "!a", "#a", "a\nb", "", "."])
def test_refused_sparse_directories(names: Any, path: str) -> None:
    with pytest.raises(names.Bad):
        names.sparse([path])


@pytest.mark.parametrize("line", ["", "host", "host ssh-ed25519", "host ssh-ed25519 AAAA\nother ssh-rsa BBBB"])
def test_refused_known_hosts(names: Any, line: str) -> None:
    with pytest.raises(names.Bad):
        names.known_hosts([line])


@given(st.text())
def test_what_is_accepted_can_be_no_option(names: Any, text: str) -> None:
    for accept in (names.version, names.destination, lambda url: names.source(url)[1]):
        try:
            accepted = accept(text)
        except names.Bad:
            continue
        assert not accepted.startswith("-")
        assert accepted.isprintable() or accept is names.version
        assert ".." not in accepted.replace(":", "/").split("/")


LISTING = (
    "ref: refs/heads/main\tHEAD\nc1\tHEAD\nc1\trefs/heads/main\nc2\trefs/heads/both\nc3\trefs/tags/both\n"
    "t4\trefs/tags/v1\nc4\trefs/tags/v1^{}\nc5\trefs/pull/7/head\n"
)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (None, ("branch", "refs/heads/main", "main", "c1")),
        ("main", ("branch", "refs/heads/main", "main", "c1")),
        ("v1", ("tag", "refs/tags/v1", "v1", "c4")),
        ("refs/tags/both", ("tag", "refs/tags/both", "both", "c3")),
        ("refs/pull/7/head", ("commit", "refs/pull/7/head", "7/head", "c5")),
        ("d" * 40, ("commit", None, "d" * 40, "d" * 40)),
    ],
)
def test_resolved(names: Any, name: str | None, wanted: tuple[str, ...]) -> None:
    assert tuple(names.resolve(name, *names.references(LISTING))) == wanted


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("both", "both a branch and a tag"),
        ("man", "Near: main"),
        ("abcdef1", "all of its 40 digits"),
        ("HEAD", "no branch"),
    ],
)
def test_not_resolved(names: Any, name: str, why: str) -> None:
    with pytest.raises(names.Bad, match=why):
        names.resolve(name, *names.references(LISTING))


def test_an_empty_repository(names: Any) -> None:
    with pytest.raises(names.Bad, match="no default branch"):
        names.resolve(None, *names.references(""))


def test_these_tests_touched_nothing() -> None:
    assert not Path("/tmp/pwned").exists()
