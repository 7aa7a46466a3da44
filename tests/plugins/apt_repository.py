"""A small apt repository on a host: packages built here, indexed here, signed there."""

import hashlib
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from aimlsetup import sandbox
from aimlsetup.sandbox import Host

PLACE = "/srv/repository"
SOURCE = "/etc/apt/sources.list.d/test.sources"
KEY = "/etc/apt/keyrings/test.gpg"


def run(host: Host, script: str, stdin: bytes = b"") -> str:
    """Run a shell script on the host; fails with its output."""
    done = subprocess.run(
        sandbox.ssh_argv(host, "sh", "-euc", script), input=stdin, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


class Repository:
    """Packages in a directory here, and the way to get them to a host. Nothing on the host until `publish`."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.directory = directory

    def add(self, name: str, version: str, postinst: str = "", **fields: str) -> None:
        """Build a package; `fields` are further control fields (`Depends`, `Conflicts`, …)."""
        tree = self.directory / "trees" / f"{name}_{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "opt").mkdir()
        control = {
            "Package": name, "Version": version, "Architecture": "all", "Maintainer": "tests <t@localhost>",
            "Description": "test", "Installed-Size": "3", **fields,
        }  # fmt: skip
        (tree / "DEBIAN" / "control").write_text(_stanza(control))
        (tree / "opt" / name).write_text(version)
        if postinst:
            (tree / "DEBIAN" / "postinst").write_text(f"#!/bin/sh\n{postinst}\n")
            (tree / "DEBIAN" / "postinst").chmod(0o755)
        target = self.directory / "pool" / f"{name}_{version}_all.deb"
        target.parent.mkdir(exist_ok=True)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, target], check=True, capture_output=True)

    def publish(self, date: datetime | None = None, valid_until: datetime | None = None, signed: bool = True) -> None:
        """Index, copy, sign, and name it in the host's sources; other sources of the host stay."""
        pool = self.directory / "pool"
        (pool / "Packages").write_text("\n".join(_indexed(deb) for deb in sorted(pool.glob("*.deb"))))
        packages = (pool / "Packages").read_bytes()
        (pool / "Release").write_text(_release(packages, date or datetime.now(UTC), valid_until))
        archive = subprocess.run(["tar", "-C", pool, "-c", "."], check=True, capture_output=True).stdout
        run(self.host, f"rm -rf {PLACE}; mkdir -p {PLACE}; tar -C {PLACE} -x --no-same-owner", archive)
        if signed:
            run(self.host, f"cd {PLACE}; gpg --batch --yes -u test@localhost --clearsign -o InRelease Release")

    def name_it(self, uri: str = f"copy:{PLACE}") -> None:
        """Make it a source of the host."""
        run(self.host, f"printf 'Types: deb\\nURIs: {uri}\\nSuites: ./\\nSigned-By: {KEY}\\n' > {SOURCE}")

    def make_key(self) -> None:
        """A signing key on the host, and the keyring that names it."""
        run(
            self.host,
            "gpg --batch --passphrase '' --quick-gen-key test@localhost ed25519 sign 0; mkdir -p /etc/apt/keyrings;"
            f"gpg --export test@localhost > {KEY}",
        )


def _stanza(fields: Mapping[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def _indexed(deb: Path) -> str:
    control = subprocess.run(["dpkg-deb", "-f", deb], check=True, capture_output=True, text=True).stdout
    content = deb.read_bytes()
    file = {"Filename": f"./{deb.name}", "Size": str(len(content)), "SHA256": hashlib.sha256(content).hexdigest()}
    return control + _stanza(file)


def _release(packages: bytes, date: datetime, valid_until: datetime | None) -> str:
    stamp = "%a, %d %b %Y %H:%M:%S UTC"
    fields = {"Origin": "tests", "Suite": "./", "Date": date.strftime(stamp)}
    if valid_until:
        fields["Valid-Until"] = valid_until.strftime(stamp)
    return _stanza(fields) + f"SHA256:\n {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n"
