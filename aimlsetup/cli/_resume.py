"""Going on after a reboot of this machine itself: what begins the apply again, and the reboot."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aimlsetup.cli._site import Site
from aimlsetup.engine import act
from aimlsetup.engine.session import Session
from aimlsetup.locking import file as lock_file
from aimlsetup.models.inventory import Inventories

# Where the host keeps profile and lock as they were; plugins/module_utils/resume.py writes them there, root's alone.
KEPT = Path("/var/lib/aimlsetup/resume")
PROFILE = "aimlsetup.yml"
# What of the environment a network, its proxies and its certificates may need. Secrets are never among it.
NAMES = {"PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"}
PROXIES = {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"}
PREFIXES = ("AIMLSETUP_", "PIP_", "UV_")


def variables(site: Site, session: Session) -> dict[str, dict[str, Any]]:
    """{host: variables that say how its apply is begun again} of the hosts that are this machine.

    What was agreed to stays agreed.
    """
    here = [name for name, host in site.hosts.items() if host.connection == "local"]
    secret = session.secrets.environment_names()
    options = {
        name: [*_options(site), *(word for agreed in session.adopt.get(name, ()) for word in ("--replace", agreed))]
        for name in here
    }
    return {
        name: {"aimlsetup_resume": recipe(site.path, name, os.environ, secret, options[name])} for name in here
    }


def _options(site: Site) -> list[str]:
    """Those that name inventories, from wherever it is begun again."""
    given = site.inventories
    file = given.vault_password_file.resolve() if given.vault_password_file else None
    return Inventories(tuple(path.resolve() for path in given.paths), file).options()


def recipe(
    profile: Path, host: str, environment: Mapping[str, str], secret: Iterable[str], options: Iterable[str] = ()
) -> dict[str, Any]:
    """Command, directory, environment (as JSON), and the files to keep until then."""
    path = profile.resolve()
    arguments = ["apply", "--yes", "--profile", str(KEPT / PROFILE), "--limit", host, *options]
    carried = {name: value for name, value in environment.items() if name not in {*secret} and _carried(name)}
    return {
        "command": [sys.executable, "-m", "aimlsetup", *arguments],
        "directory": str(Path.cwd()),
        "environment": json.dumps({"HOME": "/root", **carried}),
        "keep": {PROFILE: str(path), lock_file.path_of(Path(PROFILE)).name: str(lock_file.path_of(path))},
    }


def _carried(name: str) -> bool:
    return name in NAMES or name.lower() in PROXIES or name.startswith(PREFIXES)


def reboot(session: Session, hosts: Iterable[str]) -> None:
    """Reboot these hosts, which have what they need to go on by themselves."""
    names = list(hosts)
    if names:
        act.reboot(session, names)
