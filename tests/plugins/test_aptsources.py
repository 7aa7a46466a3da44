"""apt's sources and keyrings, as this reads them and as apt and gpg mean them."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from aimlsetup import content

aptsources = content.util("aptsources")

ONE_LINE = """\
# comment
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://a/debian/ stable main contrib  # and more
deb-src http://a/debian stable main
  deb http://b/flat/ /

garbage
"""
DEB822 = """\
# comment
Types: deb deb-src
URIs: http://a/debian
 http://b/debian
Suites: stable stable-updates
Components: main
Signed-By: /usr/share/keyrings/x.gpg

Types: deb
Enabled: no
URIs: http://off
Suites: /

Types: deb
URIs: http://c/flat
Suites: /
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQ==
 -----END PGP PUBLIC KEY BLOCK-----
"""


def test_both_formats(tmp_path: Path) -> None:
    """One entry for each URL and suite of binary packages; disabled stanzas and other files are left out."""
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://z stable main\n")
    (parts / "a.list").write_text(ONE_LINE)
    (parts / "b.sources").write_text(DEB822)
    (parts / "c.list.save").write_text("deb http://saved stable main\n")
    found = [
        (Path(entry["file"]).name, entry["line"], entry["uri"], entry["suite"])
        for entry in aptsources.entries(str(tmp_path))
    ]
    assert found == [
        ("sources.list", 1, "http://z", "stable"),
        ("a.list", 2, "http://a/debian", "stable"),
        ("a.list", 4, "http://b/flat", "/"),
        ("b.sources", 2, "http://a/debian", "stable"),
        ("b.sources", 2, "http://a/debian", "stable-updates"),
        ("b.sources", 2, "http://b/debian", "stable"),
        ("b.sources", 2, "http://b/debian", "stable-updates"),
        ("b.sources", 14, "http://c/flat", "/"),
    ]
    entries = aptsources.entries(str(tmp_path))
    assert aptsources.named_keyrings(entries) == ["/usr/share/keyrings/x.gpg"]
    assert "BEGIN PGP" in entries[-1]["signed_by"]


@pytest.mark.parametrize("armor", [True, False])
def test_fingerprints_are_those_that_gpg_prints(tmp_path: Path, armor: bool) -> None:
    """Several keys in one file, of different kinds, subkeys not counted."""
    tmp_path.chmod(0o700)
    gpg = ["gpg", "--homedir", str(tmp_path), "--batch", "-q"]
    for name, kind in (("a@localhost", "rsa2048"), ("b@localhost", "ed25519")):
        made = [*gpg, "--passphrase", "", "--quick-generate-key", name, kind]
        subprocess.run(made, check=True, capture_output=True)
    listed = subprocess.run([*gpg, "--with-colons", "-k"], capture_output=True, text=True, check=True).stdout
    lines = [line.split(":") for line in listed.splitlines()]
    wanted = [after[9] for line, after in pairwise(lines) if line[0] == "pub"]
    exported = subprocess.run([*gpg, *(["--armor"] * armor), "--export"], capture_output=True, check=True).stdout
    assert aptsources.fingerprints(exported) == wanted
    assert len(wanted) == 2


@pytest.mark.parametrize(
    "content", [b"", b"\x99", b"\xff" * 40, b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!\n-----END"]
)
def test_what_is_no_keyring_has_no_keys(content: bytes) -> None:
    assert aptsources.fingerprints(content) == []
