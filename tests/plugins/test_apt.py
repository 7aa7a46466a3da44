"""What apt-get says, understood: transactions, what nobody planned, causes in words. The outputs are real ones."""

# ruff: noqa: E501 - quoted output stays as long as it is

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup import content

apt = content.util("apt")

SIMULATED = """\
Reading package lists...
The following packages will be REMOVED:
  exim4
The following NEW packages will be installed:
  git git-man postfix
The following packages will be DOWNGRADED:
  libssl3 openssl
2 upgraded, 3 newly installed, 2 downgraded, 1 to remove and 0 not upgraded.
Remv exim4 [4.96-15+deb12u5]
Inst libc6 [2.36-9+deb12u1] (2.36-9+deb12u10 Debian:12.15/oldstable [amd64]) []
Inst libssl3 [3.0.17-1] (3.0.14-1 Debian:12.15/oldstable [amd64])
Inst libc6:i386 [2.36-9+deb12u1] (2.36-9+deb12u10 Debian:12.15/oldstable [i386])
Inst git-man (1:2.39.5-0+deb12u3 Debian:12.15/oldstable [all])
Inst git (1:2.39.5-0+deb12u3 Debian:12.15/oldstable [amd64])
Conf git-man (1:2.39.5-0+deb12u3 Debian:12.15/oldstable [all])
"""
URIS = """\
'http://deb.debian.org/debian-security/pool/updates/main/p/perl/perl_5.36.0-7%2bdeb12u4_amd64.deb' perl_5.36.0-7+deb12u4_amd64.deb 239392 
'http://deb.debian.org/debian/pool/main/t/tree/tree_2.1.0-1_amd64.deb' tree_2.1.0-1_amd64.deb 52464 MD5Sum:a12f30705b94d891f14bd5199fe6f4f2
"""  # noqa: W291


def test_a_simulation_becomes_changes() -> None:
    changes = {change["name"]: (change["from"], change["to"]) for change in apt.parse_simulation(SIMULATED)}
    assert changes == {
        "exim4": ("4.96-15+deb12u5", None),
        "git": (None, "1:2.39.5-0+deb12u3"),
        "git-man": (None, "1:2.39.5-0+deb12u3"),
        "libc6": ("2.36-9+deb12u1", "2.36-9+deb12u10"),
        "libc6:i386": ("2.36-9+deb12u1", "2.36-9+deb12u10"),
        "libssl3": ("3.0.17-1", "3.0.14-1"),
    }
    assert apt.parse_downgraded(SIMULATED) == ["libssl3", "openssl"]


@pytest.mark.parametrize(
    ("wanted", "upgrades", "refused"),
    [
        ({"git"}, False, ["remove exim4", "upgrade libc6 ", "upgrade libc6:i386", "downgrade libssl3"]),
        ({"git"}, True, ["remove exim4", "downgrade libssl3"]),
        ({"git", "libc6", "libssl3"}, False, ["remove exim4"]),
        ({"git", "libc6", "libssl3", "exim4"}, True, ["remove exim4"]),
    ],
)
def test_what_nobody_planned_is_named(wanted: set[str], upgrades: bool, refused: list[str]) -> None:
    changes, downgraded = apt.parse_simulation(SIMULATED), apt.parse_downgraded(SIMULATED)
    found = [what for _name, what in apt.refusals(changes, dict.fromkeys(wanted), downgraded, upgrades)]
    assert len(found) == len(refused)
    assert all(line.startswith(start) for line, start in zip(found, refused, strict=True))


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"replaces": ["libc*", "exim?"]}, ["libssl3"]),
        ({"replaces": ["*"]}, []),
        ({"replaces": ["*"], "refuses": ["git-*"]}, ["git-man"]),
        ({"absent": {"exim4"}, "upgrades": True}, ["libssl3"]),
        ({"replaces": ["*"], "refuses": ["git", "libc6"]}, ["libc6", "libc6"]),
    ],
)
def test_what_may_be_replaced_and_what_must_not_come(options: dict[str, Any], refused: list[str]) -> None:
    changes, downgraded = apt.parse_simulation(SIMULATED), apt.parse_downgraded(SIMULATED)
    assert [name for name, _what in apt.refusals(changes, {"git": None}, downgraded, **options)] == refused


def test_a_sibling_built_for_another_cuda_is_refused() -> None:
    changes = [
        {"name": "libnvinfer5", "from": None, "to": "5.1.5-1+cuda10.0"},
        {"name": "libnvinfer-plugin5", "from": None, "to": "5.1.5-1+cuda10.1"},
        {"name": "libc-bin", "from": None, "to": "2.31"},
    ]
    found = apt.refusals(changes, {"libnvinfer5": "5.1.5-1+cuda10.0"})
    assert found == [("libnvinfer-plugin5", "install libnvinfer-plugin5 5.1.5-1+cuda10.1")]
    assert not apt.refusals(changes, {"libnvinfer5": None})


STANZAS = """\
Package: cuda-11-8
Version: 11.8.0-1
Depends: cuda-runtime-11-8 (>= 11.8.0), cuda-toolkit-11-8 (>= 11.8.0),
 cuda-demo-suite-11-8

Package: cuda-runtime-11-8
Depends: cuda-drivers (>= 520.61.05) | nvidia-any

Package: cuda-toolkit-11-8
Depends: cuda-compiler-11-8

Package: cuda-drivers
Pre-Depends: cuda-drivers-branch

Package: cuda-drivers-580
Provides: cuda-drivers-branch, other (= 1)
"""


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("cuda-drivers", "cuda-11-8 cuda-runtime-11-8 cuda-drivers"),
        ("cuda-drivers-580", "cuda-11-8 cuda-runtime-11-8 cuda-drivers cuda-drivers-580"),
        ("cuda-11-8", "cuda-11-8"),
        ("unknown", ""),
    ],
)
def test_who_asks_for_a_package(name: str, chain: str) -> None:
    assert apt.chain(STANZAS, {"cuda-11-8": None}, name) == chain.split()


def test_sizes() -> None:
    assert apt.parse_download(URIS) == 239392 + 52464
    assert apt.parse_installed_sizes("Package: a\nInstalled-Size: 3\n\nPackage: b\nInstalled-Size: 4\n") == 7 * 1024


def test_wishes() -> None:
    assert apt.parse_wish("git") == ("git", None)
    assert apt.parse_wish("libnvinfer8=8.6.1.6-1+cuda12.0") == ("libnvinfer8", "8.6.1.6-1+cuda12.0")
    assert apt.parse_wish("nvidia-smi=535.261.03-*") == ("nvidia-smi", "535.261.03-*")


@given(st.text())
def test_whatever_is_no_package_name_is_refused(text: str) -> None:
    if re.fullmatch(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](=[A-Za-z0-9.+:~-]+\*?)?", text):
        assert apt.parse_wish(text)[0]
    else:
        with pytest.raises(ValueError, match="is no package"):
            apt.parse_wish(text)


@pytest.mark.parametrize("text", ["-o", "--purge", "git;id", "git=1 -o x", "git=*1", "git*", "a b", "git-", "../x", "git=", "git\n", "Git"])
def test_options_and_shell_are_no_package_names(text: str) -> None:
    with pytest.raises(ValueError, match="is no package"):
        apt.parse_wish(text)


def test_pending_is_what_is_missing_or_in_another_version() -> None:
    installed = {"a": {"version": "1"}, "b": None, "c": {"version": "1"}, "d": {"version": "1"}}
    assert apt.pending({"a": None, "b": None, "c": "2", "d": "1"}, installed) == ["b", "c"]
    assert apt.pending({"a": "1*", "c": "1-*", "d": "*"}, installed) == ["c"]


def test_half_done_packages() -> None:
    assert apt.unfinished("ii \ta\niU \tb\niF \tc\nrc \td\nit \te\nhi \tf\n") == ["b", "c", "e"]


@pytest.mark.parametrize(
    ("output", "holder"),
    [
        (("E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (unattended-upgr)\n"
         "E: Unable to lock directory /var/lib/apt/lists/"), "process 4711 (unattended-upgr)"),
        ("dpkg: error: dpkg frontend lock was locked by another process with pid 12\n", "process 12"),
        ("E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
         "another process"),
    ],
)  # fmt: skip
def test_who_holds_a_lock(output: str, holder: str) -> None:
    assert apt.locked(output)
    assert apt.lock_holder(output) == holder


CAUSES = [
    (("W: GPG error: http://x stable InRelease: The following signatures couldn't be verified because the public key is "
     "not available: NO_PUBKEY A4B469963BF863CC"), "key A4B469963BF863CC, which this host does not know"),
    ("E: The repository 'file:/srv/repo ./ Release' is not signed.", "not signed (file:/srv/repo ./ Release)"),
    (("E: Release file for http://x/InRelease is expired (invalid since 3d 4h 5min 6s). Updates for this repository will "
     "not be applied."), "expired 3d 4h 5min 6s ago"),
    (("E: Release file for http://x/InRelease is not valid yet (invalid for another 1y 2d). Updates for this repository "
     "will not be applied."), "1y 2d in the future"),
    ("Err:1 http://nowhere.invalid x InRelease\n  Could not resolve 'nowhere.invalid'", "the name nowhere.invalid does not"),
    ("  Temporary failure resolving 'deb.debian.org'", "the name deb.debian.org does not resolve"),
    ("  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)", "reached (127.0.0.1:9)"),
    ("E: You don't have enough free space in /var/cache/apt/archives/.", "disk is full (/var/cache/apt/archives/.)"),
    ("dpkg: error processing archive x.deb (--unpack):\n cannot copy: No space left on device", "the disk is full"),
    ("E: Unable to locate package nonesuch", "no repository of this host has a package nonesuch"),
    ("E: Package 'ghost' has no installation candidate", "offers package ghost"),
    ("E: Version '9' for 'git' was not found", "has git in version 9"),
    ("Err:1 http://x y/a.deb\n  404  Not Found [IP: 1.2.3.4 80]", "not (any longer) where the source says"),
    ("W: Failed to fetch http://x EXPKEYSIG 3BF863CC test", "expired (3BF863CC)"),
    (("  Sub-process /usr/bin/sqv returned an error code (1), error message is: Signing key on 4E505 is not bound:      "
     "      No binding signature at time 2026-04-08T16:18:52Z"), "key 4E505, which this host does not accept"),
    (('  Sub-process /usr/bin/sqv returned an error code (1), error message is: Error: Failed to parse keyring "/e/x.gpg"'
     "  Caused by: No such file"), "the keyring /e/x.gpg can't be read"),
    ("  SSL connection failed: error:0A000086:SSL routines::certificate verify failed / Success [IP: 1.2.3.4 443]",
     "TLS certificate is not trusted"),
    (("dpkg: error processing package foo (--configure):\n installed foo package post-installation script subprocess "
     "returned error exit status 1"), "own script failed"),
    ("E: something new", "apt-get failed"),
]  # fmt: skip


@pytest.mark.parametrize(("output", "words"), CAUSES, ids=[words for _output, words in CAUSES])
def test_causes_in_words(output: str, words: str) -> None:
    what, hint = apt.diagnose(output)
    assert words in what
    assert hint
    told = apt.explanation("apt-get update", output)
    assert output.splitlines()[0].strip()[:40] in told or output.splitlines()[-1].strip()[:40] in told
    assert told.splitlines()[-1] == f"hint: {hint}."


@given(st.text())
def test_no_output_breaks_the_explanation(output: str) -> None:
    assert apt.explanation("x", output).startswith("x: ")
