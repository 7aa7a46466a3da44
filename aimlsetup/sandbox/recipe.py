"""What goes into a root file system, as data. Pure: the same inputs give the same key."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from aimlsetup.errors import AimlsetupError, Exit

VERSION = 1  # raise it when template.py builds something else out of the same recipe

# A server as its installer leaves it: no compiler, no pip, no web server.
PACKAGES = (
    "apt", "ca-certificates", "cron", "curl", "dbus", "gnupg", "iproute2", "kmod", "libpam-systemd",
    "openssh-server", "procps", "sudo", "systemd", "systemd-sysv", "tzdata",
)
PYTHON = ("python3", "python3-apt")

# Units that fight for the outer machine's devices, wait for a network that is already there, or start by the clock.
MASKED = (
    "apt-daily-upgrade.timer", "apt-daily.timer", "console-getty.service", "getty@.service",
    "serial-getty@.service", "systemd-firstboot.service", "systemd-networkd-wait-online.service",
    "systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "systemd-udevd.service",
)
SSHD = "MaxStartups 100\nMaxSessions 100\nUseDNS no\n"
# OpenSSH 9.8 and later answer many quick connections from one address, which is what Ansible makes, with a pause.
NO_PENALTIES = "PerSourcePenalties no\n"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Keyring:
    """The keys that sign an archive: where their package puts them, and that package."""

    path: str
    package: str
    deb: str = ""
    """Its path on the mirror, where other distributions do not have the package."""
    sha256: str = ""


@dataclass(frozen=True)
class Distribution:
    """Where a family of releases comes from; the mirrors are the canonical ones."""

    mirror: str
    security_mirror: str
    components: str
    keyring: Keyring


@dataclass(frozen=True)
class Release:
    """One release that can be booted."""

    distribution: str
    sshd: str = SSHD


DISTRIBUTIONS = {
    "debian": Distribution(
        "http://deb.debian.org/debian", "http://security.debian.org/debian-security",
        "main contrib non-free non-free-firmware",
        Keyring("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    ),
    "ubuntu": Distribution(
        "http://archive.ubuntu.com/ubuntu", "http://security.ubuntu.com/ubuntu", "main restricted universe",
        # Its archive keys are 790BC727…C0B21F32 (2012) and F6ECB376…991BC93C (2018).
        Keyring(
            "/usr/share/keyrings/ubuntu-archive-keyring.gpg", "ubuntu-keyring",
            "pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb",
            "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8",
        ),
    ),
}
RELEASES = {
    "bookworm": Release("debian"),
    "trixie": Release("debian", SSHD + NO_PENALTIES),
    "jammy": Release("ubuntu"),
    "noble": Release("ubuntu"),
}


@dataclass(frozen=True)
class Machine:
    """What hosts take over from the machine they are built on, so that apt, pip and uv work alike."""

    mirrors: Mapping[str, tuple[str, str]]
    """Distribution → main and security mirror, where this machine has its own."""
    apt: str
    """apt.conf lines: proxies, TLS, date checks."""
    certificates: Mapping[str, str]
    """File name → PEM text of locally trusted authorities."""
    pip: Mapping[str, str]
    """Settings of pip's `[global]` section that make sense elsewhere."""


@dataclass(frozen=True)
class Recipe:
    """All that decides a root file system's content."""

    release: str
    packages: tuple[str, ...]
    sources: str
    apt: str
    keyring: Keyring
    files: Mapping[str, str]
    masked: tuple[str, ...] = MASKED
    version: int = VERSION

    @property
    def key(self) -> str:
        """The release, and a digest over everything above: another input is another template."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{self.release}-{digest[:12]}"

    @property
    def kind(self) -> str:
        """What this recipe is one version of."""
        return self.release + ("" if set(PYTHON) <= set(self.packages) else " without Python")

    @property
    def sources_file(self) -> str:
        """Where the sources lie inside, relative to the root."""
        return f"etc/apt/sources.list.d/{RELEASES[self.release].distribution}.sources"

    @property
    def mirrors(self) -> dict[str, str]:
        """Mirror → a suite that it must have."""
        stanzas = [dict(line.split(": ", 1) for line in stanza.splitlines()) for stanza in self.sources.split("\n\n")]
        return {stanza["URIs"]: stanza["Suites"].split()[0] for stanza in stanzas}


def release(name: str) -> Release:
    """A known release, or an error that names them all."""
    if name not in RELEASES:
        raise AimlsetupError(
            "sandbox-release", f"{name!r} is not a release that the sandbox can boot",
            context=[f"expected one of: {', '.join(RELEASES)}"], exit_code=Exit.USAGE,
        )
    return RELEASES[name]


def recipe(name: str, machine: Machine, mirror: str | None = None, *, python: bool = True) -> Recipe:
    """The recipe of a release on this machine.

    `mirror` is the main archive's URL, or two URLs separated by a blank: the main one and the security one.
    """
    known = release(name)
    source = DISTRIBUTIONS[known.distribution]
    main, security = machine.mirrors.get(known.distribution, (source.mirror, source.security_mirror))
    if mirror:
        main, security = [*mirror.split(), security][:2]
    return Recipe(
        release=name, packages=tuple(sorted(PACKAGES + (PYTHON if python else ()))),
        sources=_sources(name, source, main, security), apt=machine.apt,
        keyring=source.keyring, files=_files(known, machine),
    )


def _sources(name: str, source: Distribution, main: str, security: str) -> str:
    """Two deb822 stanzas, as the distributions' own installers write them."""
    return "\n\n".join(
        f"Types: deb\nURIs: {uri.rstrip('/')}\nSuites: {suites}\nComponents: {source.components}\n"
        f"Signed-By: {source.keyring.path}"
        for uri, suites in ((main, f"{name} {name}-updates"), (security, f"{name}-security"))
    ) + "\n"


def _files(known: Release, machine: Machine) -> dict[str, str]:
    """Path in the root file system → content."""
    environment, pip = {}, dict(machine.pip)
    if machine.certificates:
        # Python programs bring their own list of authorities unless they are pointed to the system's.
        pip["cert"] = BUNDLE
        environment = {"SSL_CERT_FILE": BUNDLE, "REQUESTS_CA_BUNDLE": BUNDLE}
        environment |= {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}  # its new name and its old one
    if "index-url" in pip:
        environment["UV_DEFAULT_INDEX"] = pip["index-url"]
    files = {f"usr/local/share/ca-certificates/{file}": pem for file, pem in machine.certificates.items()}
    files["etc/ssh/sshd_config.d/aimlsetup-sandbox.conf"] = known.sshd
    if pip:
        files["etc/pip.conf"] = "[global]\n" + "".join(f"{key} = {value}\n" for key, value in sorted(pip.items()))
    if environment:
        files["etc/environment"] = "".join(f'{key}="{value}"\n' for key, value in sorted(environment.items()))
    return files
