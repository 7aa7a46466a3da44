"""A stand-in for NVIDIA's apt repository: flat, signed, with the names, versions and dependencies of `packages.yml`.

In a test, with a sandbox host::

    made = NvidiaRepository(directory)        # builds it: about two seconds; nothing outside `directory`
    made.deliver(host)                        # to /srv/nvidia there: `file:/srv/nvidia`, suite `/`
    with made.served(host) as url: ...        # or from here, over http on the sandbox network
    made.keys["first"].fingerprint            # signs it; made.keys["second"] is the next one
    made.sign("second")                       # rotation; then deliver again
    made.sign("first", valid_until=yesterday) # expired; made.sign(None): not signed

In a molecule scenario: include `../_shared/nvidia_repository.yml`, which runs this file's command line and copies the
result to the hosts. By hand::

    .venv/bin/python -m tests.gpu.nvidia_repository DIRECTORY [--sign second|expired|none]  # prints keys as JSON
    python3 -m http.server --directory DIRECTORY/repository

The keys lie beside the packages, as NVIDIA's do: `first.pub`, `second.pub`, and `retired.pub`, which signs nothing;
their fingerprints are in `keys.json`.
What is stood in for: payloads (libraries without functions, an nvcc whose programs only find the runtime and say that
there is no device), the keys, and all that packages need of the distribution.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from aimlsetup import sandbox
from aimlsetup.sandbox import Host
from tests import serving
from tests.gpu.elf import shared_object

PLACE = "/srv/nvidia"
PACKAGES = Path(__file__).with_name("packages.yml")
RELEASE = {
    "Origin": "NVIDIA", "Label": "NVIDIA CUDA", "Architectures": "amd64", "Description": "stand-in",
}  # fmt: skip
RELATIONS = ("depends", "provides", "conflicts", "replaces")
USERS = {name: f"stand-in <{name}@localhost>" for name in ("first", "second", "retired")}


@dataclass(frozen=True)
class Key:
    """A signing key: its full fingerprint and the name of its file in the repository."""

    fingerprint: str
    file: str


class NvidiaRepository:
    """The repository in `directory/repository`; its secret keys in `directory/secret`. Kept until its data change."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "repository"
        self._secret = directory / "secret"
        if _read(self.root / PACKAGES.name) != PACKAGES.read_bytes():
            for old in (self.root, self._secret):
                shutil.rmtree(old, ignore_errors=True)
            self.root.mkdir(parents=True)
            self._build()
            self._make_keys()
            self.sign("first")
            shutil.copy(PACKAGES, self.root)
        self.keys = {name: Key(**key) for name, key in json.loads((self.root / "keys.json").read_text()).items()}

    def sign(self, key: str | None, valid_until: datetime | None = None) -> None:
        """Sign it anew with a key by name; None leaves it unsigned."""
        for name in ("InRelease", "Release", "Release.gpg"):
            (self.root / name).unlink(missing_ok=True)
        options = [f"-o=APT::FTPArchive::Release::{field}={value}" for field, value in RELEASE.items()]
        release = _said("apt-ftparchive", *options, "release", self.root).decode()
        until = f"Valid-Until: {valid_until:%a, %d %b %Y %H:%M:%S} UTC\n" if valid_until else ""
        (self.root / "Release").write_text(until + release)
        if key:
            sign = ["--yes", "--local-user", f"{key}@localhost"]
            self._gpg(*sign, "--clearsign", "--output", self.root / "InRelease", self.root / "Release")
            self._gpg(*sign, "--armor", "--detach-sign", "--output", self.root / "Release.gpg", self.root / "Release")

    def archive(self) -> bytes:
        """All of it, as tar packs it."""
        return _said("tar", "-C", self.root, "-c", ".")

    def deliver(self, host: Host, place: str = PLACE) -> None:
        """Copy it to a host, in place of what is there."""
        archive = self.archive()
        script = f"rm -rf {place}; mkdir -p {place}; tar -C {place} -x --no-same-owner"
        subprocess.run(sandbox.ssh_argv(host, "sh", "-euc", script), input=archive, check=True, timeout=60)

    @contextmanager
    def served(self, host: Host) -> Iterator[str]:
        """Serve it on the sandbox network, to all its hosts; its URL."""
        with serving.served(self.root, serving.bridge(host)) as url:
            yield url

    def _build(self) -> None:
        with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(4) as pool:
            trees = [_tree(entry, Path(scratch)) for entry in packages()]
            list(pool.map(self._pack, trees))
        (self.root / "Packages").write_bytes(_said("apt-ftparchive", "packages", ".", cwd=self.root))

    def _pack(self, tree: Path) -> None:
        _said("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, self.root / f"{tree.name}_amd64.deb")

    def _make_keys(self) -> None:
        self._secret.mkdir(mode=0o700)
        keys = {}
        for name, user in USERS.items():
            self._gpg("--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", "0")
            listing = self._gpg("--with-colons", "--list-keys", f"{name}@localhost").decode()
            fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
            keys[name] = asdict(Key(fingerprint, f"{name}.pub"))
            (self.root / f"{name}.pub").write_bytes(self._gpg("--armor", "--export", f"{name}@localhost"))
        (self.root / "keys.json").write_text(json.dumps(keys, indent=2) + "\n")

    def _gpg(self, *arguments: str | Path) -> bytes:
        # gpg's agent listens beside its keys, and a socket's path must be short.
        with tempfile.TemporaryDirectory(prefix="gpg-") as home:
            shutil.copytree(self._secret, home, dirs_exist_ok=True)
            Path(home).chmod(0o700)
            try:
                said = _said("gpg", "--homedir", home, "--batch", "--quiet", *arguments)
            finally:
                subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)
            ignored = shutil.ignore_patterns("S.*", "*.lock", ".#*")
            shutil.copytree(home, self._secret, dirs_exist_ok=True, ignore=ignored)
        return said


def packages() -> Iterator[dict[str, Any]]:
    """Every package of `packages.yml`, its repetitions filled in."""
    yield from _repeated(yaml.safe_load(PACKAGES.read_text()), {})


def _repeated(entries: list[dict[str, Any]], names: dict[str, str]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        if "for" in entry:
            for more in entry["for"]:
                yield from _repeated(entry["packages"], names | more)
        else:
            yield _filled(entry, names)


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_filled(key, names): _filled(item, names) for key, item in value.items()}
    for name, text in names.items():
        value = value.replace(f"{{{name}}}", text)
    return value


def _tree(entry: dict[str, Any], scratch: Path) -> Path:
    """A package's unpacked content, ready for dpkg-deb."""
    tree = scratch / f"{entry['package']}_{entry['version']}"
    control = {
        "Package": entry["package"], "Version": entry["version"], "Architecture": "amd64",
        "Section": "multiverse/devel", "Maintainer": "stand-in <first@localhost>", "Installed-Size": "3",
        **{name.title(): entry[name] for name in RELATIONS if name in entry}, "Description": "stand-in",
    }  # fmt: skip
    _write(tree / "DEBIAN" / "control", "".join(f"{name}: {value}\n" for name, value in control.items()))
    if "libraries" in entry:
        _write(tree / "DEBIAN" / "triggers", "activate-noawait ldconfig\n")
    for name, body in entry.get("scripts", {}).items():
        _write(tree / "DEBIAN" / name, f"#!/bin/sh\nset -e\n{body}\n", 0o755)
    for path, content in entry.get("files", {}).items():
        _write(tree / path[1:], content)
    for path, body in entry.get("programs", {}).items():
        _write(tree / path[1:], f"#!/bin/sh\n{body}", 0o755)
    for path, soname in entry.get("libraries", {}).items():
        _write(tree / path[1:], shared_object(soname))
    for path, target in entry.get("links", {}).items():
        (tree / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tree / path[1:]).symlink_to(target)
    return tree


def _write(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _said(*argv: str | Path, cwd: Path | None = None) -> bytes:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


def main() -> None:
    """Build it, or sign it anew; pack it beside itself, and print its keys."""
    parser = argparse.ArgumentParser(description="A stand-in for NVIDIA's apt repository.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--sign", choices=[*USERS, "expired", "none"], help="sign it anew: by whom, or how wrongly")
    chosen = parser.parse_args()
    made = NvidiaRepository(chosen.directory.resolve())
    if chosen.sign == "expired":
        made.sign("first", valid_until=datetime.now(UTC) - timedelta(days=2))
    elif chosen.sign:
        made.sign(None if chosen.sign == "none" else chosen.sign)
    (chosen.directory / "repository.tar").write_bytes(made.archive())
    print(json.dumps({name: asdict(key) for name, key in made.keys.items()}))


if __name__ == "__main__":
    main()
