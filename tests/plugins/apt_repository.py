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
SIGNER = "test@localhost"


def run(host: Host, script: str, stdin: bytes = b"") -> str:
    """Run a shell script on the host; fails with its output."""
    done = subprocess.run(
        sandbox.ssh_argv(host, "sh", "-euc", script), input=stdin, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


def alone(host: Host) -> None:
    """Leave the host no source but the tests' own, and let its apt judge dates."""
    run(host, "rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; rm -rf /var/lib/apt/lists/*")
    run(host, "printf 'Acquire::Check-Valid-Until true; Acquire::Check-Date true; Acquire::Retries 0;' "
              "> /etc/apt/apt.conf.d/zz-tests")  # fmt: skip


class Repository:
    """Packages in a directory here, and the way to get them to a host. Nothing on the host until `publish`."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.directory = directory

    def add(self, name: str, version: str, postinst: str = "", postrm: str = "", **fields: str) -> None:
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
        for script, body in (("postinst", postinst), ("postrm", postrm)):
            if body:
                (tree / "DEBIAN" / script).write_text(f"#!/bin/sh\n{body}\n")
                (tree / "DEBIAN" / script).chmod(0o755)
        target = self.directory / "pool" / f"{name}_{version}_all.deb"
        target.parent.mkdir(exist_ok=True)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, target], check=True, capture_output=True)

    def publish(
        self, date: datetime | None = None, valid_until: datetime | None = None, signer: str | None = SIGNER
    ) -> None:
        """Index it, copy it to the host, and sign it there."""
        pool = self.directory / "pool"
        (pool / "Packages").write_text("\n".join(_indexed(deb) for deb in sorted(pool.glob("*.deb"))))
        packages = (pool / "Packages").read_bytes()
        (pool / "Release").write_text(_release(packages, date or datetime.now(UTC), valid_until))
        archive = subprocess.run(["tar", "-C", pool, "-c", "."], check=True, capture_output=True).stdout
        run(self.host, f"rm -rf {PLACE}; mkdir -p {PLACE}; tar -C {PLACE} -x --no-same-owner", archive)
        if signer:
            run(self.host, f"cd {PLACE}; gpg --batch --yes -u {signer} --clearsign -o InRelease Release")

    def name_it(self, uri: str = f"copy:{PLACE}") -> None:
        """Make it a source of the host."""
        run(self.host, f"printf 'Types: deb\\nURIs: {uri}\\nSuites: ./\\nSigned-By: {KEY}\\n' > {SOURCE}")

    def make_key(self) -> None:
        """A signing key on the host, and the keyring that names it."""
        run(
            self.host,
            f"gpg --batch --passphrase '' --quick-gen-key {SIGNER} ed25519 sign 0; mkdir -p /etc/apt/keyrings;"
            f"gpg --export {SIGNER} > {KEY}",
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
