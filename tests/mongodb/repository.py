"""A stand-in for MongoDB's apt repository: its layout, its package names and its unit, signed by a key of its own.

The mongod in its packages is `mongod.py` beside this file. By hand::

    .venv/bin/python -m tests.mongodb.repository DIRECTORY     # makes DIRECTORY/repository.tar, prints the fingerprint

On a host the archive is unpacked to /srv/mongodb: `file:/srv/mongodb`, suite `bookworm/mongodb-org/8.0`, component
main, key /srv/mongodb/server.asc.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSIONS = ("7.0.14", "8.0.4", "8.0.5")
CODENAMES = ("bookworm",)
UNIT = """\
[Unit]
Description=MongoDB Database Server
Documentation=https://docs.mongodb.org/manual
After=network-online.target
Wants=network-online.target

[Service]
User=mongodb
Group=mongodb
EnvironmentFile=-/etc/default/mongod
Environment="MONGODB_CONFIG_OVERRIDE_NOFORK=1"
ExecStart=/usr/bin/mongod --config /etc/mongod.conf
RuntimeDirectory=mongodb
LimitNOFILE=64000

[Install]
WantedBy=multi-user.target
"""
CONFIG = """\
storage:
  dbPath: /var/lib/mongodb
systemLog:
  destination: file
  logAppend: true
  path: /var/log/mongodb/mongod.log
net:
  port: 27017
  bindIp: 127.0.0.1
"""
POSTINST = """\
#!/bin/sh
set -e
getent group mongodb >/dev/null || groupadd --system mongodb
getent passwd mongodb >/dev/null ||
    useradd --system --gid mongodb --home-dir /home/mongodb --no-create-home --shell /usr/sbin/nologin mongodb
mkdir -p /var/lib/mongodb /var/log/mongodb
chown mongodb:mongodb /var/lib/mongodb /var/log/mongodb
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
"""
CONTROL = """\
Package: mongodb-org-server
Version: {version}
Architecture: amd64
Maintainer: stand-in <mongodb@localhost>
Depends: python3-bson
Section: database
Description: stand-in
"""


def said(*argv: str | Path, cwd: Path | None = None) -> bytes:
    """What a command prints; fails with its words."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


def package(version: str, scratch: Path, target: Path) -> None:
    """Build one."""
    tree = scratch / version
    program = Path(__file__).with_name("mongod.py").read_text().replace("@VERSION@", version)
    files = {
        "DEBIAN/control": CONTROL.format(version=version), "DEBIAN/conffiles": "/etc/mongod.conf\n",
        "DEBIAN/postinst": POSTINST, "usr/bin/mongod": program, "etc/mongod.conf": CONFIG,
        "lib/systemd/system/mongod.service": UNIT,
    }  # fmt: skip
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755 if name in ("DEBIAN/postinst", "usr/bin/mongod") else 0o644)
    target.mkdir(parents=True, exist_ok=True)
    said("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, target / f"mongodb-org-server_{version}_amd64.deb")


def sign(root: Path, home: Path) -> str:
    """Make a key, sign every suite with it; its fingerprint."""
    gpg = ("gpg", "--homedir", home, "--batch", "--quiet")
    said(*gpg, "--passphrase", "", "--quick-gen-key", "MongoDB stand-in <mongodb@localhost>", "ed25519", "sign", "0")
    for release in root.glob("dists/*/*/*/Release"):
        said(*gpg, "--clearsign", "--output", release.with_name("InRelease"), release)
    (root / "server.asc").write_bytes(said(*gpg, "--armor", "--export"))
    listing = said(*gpg, "--with-colons", "--list-keys").decode()
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)
    return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))


def make(directory: Path) -> str:
    """The repository as `directory/repository.tar`; its key's fingerprint, which is kept beside it."""
    kept = directory / "fingerprint"
    if kept.exists():
        return kept.read_text()
    root = directory / "repository"
    shutil.rmtree(root, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="m-") as scratch:
        for version in VERSIONS:
            for codename in CODENAMES:
                suite = f"dists/{codename}/mongodb-org/{version.rpartition('.')[0]}"
                package(version, Path(scratch), root / suite / "main/binary-amd64")
        for packages in root.glob("dists/*/*/*/main/binary-amd64"):
            place = packages.relative_to(root)
            (packages / "Packages").write_bytes(said("apt-ftparchive", "packages", place, cwd=root))
            suite_root = packages.parents[1]
            release = said(
                "apt-ftparchive", "-o=APT::FTPArchive::Release::Origin=mongodb",
                f"-o=APT::FTPArchive::Release::Suite={'/'.join(suite_root.relative_to(root / 'dists').parts)}",
                "-o=APT::FTPArchive::Release::Components=main", "-o=APT::FTPArchive::Release::Architectures=amd64",
                "release", suite_root,
            )  # fmt: skip
            (suite_root / "Release").write_bytes(release)
        home = Path(scratch) / "gpg"
        home.mkdir(mode=0o700)
        fingerprint = sign(root, home)
    said("tar", "-C", root, "-cf", directory / "repository.tar", ".")
    kept.write_text(fingerprint)
    return fingerprint


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
