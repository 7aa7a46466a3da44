"""What this machine knows about reaching the outside, for its hosts to take over."""

import configparser
import os
import re
from pathlib import Path

from aimlsetup.sandbox.command import run
from aimlsetup.sandbox.recipe import Machine

CERTIFICATES = Path("/usr/local/share/ca-certificates")
PIP_FILES = (Path("/etc/pip.conf"), Path("~/.pip/pip.conf"), Path("~/.config/pip/pip.conf"))
PIP_KEYS = {"index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries"}
# Not the hooks, caches and language settings that a machine's images bring along.
APT_KEYS = re.compile(r"Acquire::(https?|ftp|Check-|Force|Retries|Max-ValidTime|Min-ValidTime)")
SUITE_URI = r"^'(https?://\S+)/dists/([^/\s]+)/InRelease'"
RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))


def inspect() -> Machine:
    """Read this machine's apt, pip and certificate settings."""
    return Machine(mirrors=_mirrors(), apt=_apt(), certificates=_certificates(), pip=_pip())


def nameservers() -> str:
    """A resolv.conf for the hosts: this machine's, behind its local stub resolver when there is one."""
    for path in RESOLVERS:
        if path.exists():
            lines = path.read_text(errors="replace").splitlines()
            return "".join(f"{line}\n" for line in lines if not re.match(r"nameserver\s+(127\.|::1)", line))
    return ""


def parse_mirrors(uris: str, codename: str) -> tuple[str, str] | None:
    """The main and the security mirror out of `apt-get update --print-uris`, if the main one is there."""
    by_suite = {suite: uri for uri, suite in reversed(re.findall(SUITE_URI, uris, re.MULTILINE))}
    if codename not in by_suite:
        return None
    main = by_suite[codename]
    return main, by_suite.get(f"{codename}-security", main)


def parse_pip(texts: list[str], environment: dict[str, str]) -> dict[str, str]:
    """The effective pip settings, later sources winning, without those that point into this machine's files."""
    settings: dict[str, str] = {}
    for text in texts:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        if parser.has_section("global"):
            settings |= {key.replace("_", "-"): value for key, value in parser["global"].items()}
    settings |= {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environment.items() if name.startswith("PIP_")
    }
    kept = {key: " ".join(word for word in value.split() if not word.startswith(("file:", "/", ".")))
            for key, value in settings.items() if key in PIP_KEYS}
    return {key: value for key, value in kept.items() if value}


def _mirrors() -> dict[str, tuple[str, str]]:
    system = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    uris = run(["apt-get", "update", "--print-uris"], doing="reading apt's sources")  # fetches nothing
    own = parse_mirrors(uris, system.get("VERSION_CODENAME", "").strip('"'))
    return {system["ID"].strip('"'): own} if own else {}


def _apt() -> str:
    lines = run(["apt-config", "dump"], doing="reading apt's configuration").splitlines()
    return "".join(f"{line}\n" for line in lines if APT_KEYS.match(line) and not line.endswith(' "";'))


def _certificates() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(CERTIFICATES.glob("*.crt"))}


def _pip() -> dict[str, str]:
    texts = [path.expanduser().read_text() for path in PIP_FILES if path.expanduser().exists()]
    return parse_pip(texts, dict(os.environ))
