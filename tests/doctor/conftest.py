"""A booted host on which things are arranged that go wrong, and the kernel side of machines that are not there."""

import io
import json
import shlex
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from aimlsetup import catalog, doctor, sandbox
from aimlsetup.catalog import Catalog
from aimlsetup.engine.script import write
from aimlsetup.models.finding import Finding
from tests.conftest import factory

PROGRAM = "/srv/doctor.pyz"
MACHINE = "/srv/machine"
KERNEL = "6.1.0-40-amd64"


@dataclass
class Patient:
    """A host, and what the doctor says of it."""

    host: sandbox.Host
    catalog: Catalog

    def run(self, script: str) -> str:
        """Standard output of a shell script as root."""
        done = subprocess.run(
            sandbox.ssh_argv(self.host, "sh", "-eu"), input=script, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def put(self, files: Mapping[str, str | bytes], links: Mapping[str, str] | None = None) -> None:
        """Files and links, with the directories above them."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path, content in files.items():
                data = content.encode() if isinstance(content, str) else content
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mode = len(data), 0o644
                archive.addfile(entry, io.BytesIO(data))
            for path, target in (links or {}).items():
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.type, entry.linkname = tarfile.SYMTYPE, target
                archive.addfile(entry)
        argv = sandbox.ssh_argv(self.host, "tar", "-xC", "/")
        subprocess.run(argv, input=packed.getvalue(), check=True, capture_output=True)

    def machine(self, files: Mapping[str, str | bytes], links: Mapping[str, str] | None = None) -> None:
        """The kernel's side of another machine: paths are below its root; there is nothing else on it."""
        self.run(f"rm -rf {MACHINE}")
        every = {"proc/sys/kernel/osrelease": KERNEL + "\n", "proc/modules": "", **files}
        self.put({f"{MACHINE}/{path}": content for path, content in every.items()})
        self.put({}, {f"{MACHINE}/{path}": target for path, target in (links or {}).items()})

    def package(self, name: str, version: str, postinst: str = "") -> None:
        """Install an empty package; its script may fail."""
        control = (
            f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: t <t@localhost>\nDescription: t\n"
        )
        self.put({"/srv/deb/DEBIAN/control": control})
        script = f"printf '%s' {shlex.quote(postinst)} > /srv/deb/DEBIAN/postinst; chmod 755 /srv/deb/DEBIAN/postinst; "
        self.run(
            f"rm -f /srv/deb/DEBIAN/postinst; {script if postinst else ''} chmod 755 /srv/deb /srv/deb/DEBIAN; "
            "dpkg-deb --root-owner-group -b /srv/deb /srv/made.deb > /dev/null; dpkg -i /srv/made.deb 2>&1 || true"
        )

    def evidence(self, *flags: str, user: str = "nobody") -> dict[str, Any]:
        """What the program prints on the host, run by somebody who is not root."""
        words = shlex.join(["runuser", "-u", user, "--", "python3", PROGRAM, *flags])
        found: dict[str, Any] = json.loads(self.run(f"cd /; {words}"))
        return found

    def found(self, *flags: str, user: str = "nobody", known: Catalog | None = None) -> dict[str, Finding]:
        """{ref: finding}."""
        judged = doctor.judge(self.evidence(*flags, user=user), known or self.catalog)
        return {finding.ref: finding for finding in judged}

    def on_machine(self, *flags: str, user: str = "nobody") -> dict[str, Finding]:
        """The same, with the arranged machine's kernel side."""
        return self.found("--root", MACHINE, *flags, user=user)


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    """A host with dkms and a compiler; each test undoes what it arranged."""
    program = tmp_path_factory.mktemp("doctor") / "doctor.pyz"
    write(program, "doctor")
    with factory() as hosts:
        found = Patient(hosts("bookworm"), catalog.load())
        found.put({PROGRAM: program.read_bytes()})
        found.run(
            "DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends dkms libc6-dev > /dev/null"
        )
        yield found


def gpu(device: str, address: str = "0000:01:00.0", kind: str = "0x030000") -> dict[str, str]:
    """The files of an NVIDIA device below /sys."""
    place = f"sys/bus/pci/devices/{address}"
    fields = {"class": kind, "vendor": "0x10de", "device": f"0x{device}", "subsystem_vendor": "0x1458"}
    return {f"{place}/{name}": f"{value}\n" for name, value in {**fields, "subsystem_device": "0x4090"}.items()}


def loaded(version: str, flavour: str = "proprietary") -> dict[str, str]:
    """The files of a loaded module."""
    what = "NVIDIA UNIX Open Kernel Module for x86_64" if flavour == "open" else "NVIDIA UNIX x86_64 Kernel Module"
    return {"proc/driver/nvidia/version": f"NVRM version: {what}  {version}  Release Build\nGCC version:  gcc 12\n"}
