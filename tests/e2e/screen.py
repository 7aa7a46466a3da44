"""What a refusal looks like to whoever gets it, and what a host is, so that both can be compared."""

import json
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from aimlsetup import sandbox
from tests.e2e.site import BIN, Site
from tests.remote import on

HEIGHT, WIDTH = 24, 120
SECONDS = 300

# Prints everything of a host that an apply could change. What changes by itself (logs, caches, package lists) is not
# part of it, neither are the insides of .git, which a mere fetch changes.
SNAPSHOT = r"""
import glob, hashlib, json, os, subprocess, sys

ROOTS = ["/etc", "/codehub", "/codehub-config", "/aimldl-dat", "/opt", "/virtualmachines", "/usr/local", "/srv"]
SKIPPED = ("__pycache__", ".git", "logs", "uv")

def entry(path):
    info = os.lstat(path)
    state = [oct(info.st_mode), info.st_uid, info.st_gid]
    if os.path.islink(path):
        return state + [os.readlink(path)]
    if os.path.isfile(path):
        with open(path, "rb") as handle:
            return state + [hashlib.sha256(handle.read()).hexdigest()]
    return state

def tree(root):
    found = {}
    for parent, directories, files in os.walk(root):
        directories[:] = [name for name in directories if name not in SKIPPED]
        found.update((path, entry(path)) for path in (os.path.join(parent, name) for name in directories + files))
    return found

def said(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()

paths = glob.glob("/var/lib/aimlsetup/receipts/*.json")
receipts = {os.path.basename(path)[: -len(".json")]: json.load(open(path)) for path in paths}
for receipt in receipts.values():
    receipt.pop("seal")  # it is of the mark too
heads = {path: open(path).read() for path in glob.glob("/codehub/apps/*/.git/HEAD")}
print(json.dumps({
    "unfinished": sorted(name for name in receipts if receipts[name].pop("dirty")),
    "receipts": receipts,
    "heads": heads,
    "packages": said("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Abbrev}\n"),
    "units": [line for line in said("systemctl", "list-unit-files", "--no-legend") if " transient " not in line],
    "services": said("systemctl", "list-units", "--no-legend", "--plain", "--no-pager", "codehub-ai@*"),
    "files": {path: state for root in ROOTS for path, state in tree(root).items()},
}))
"""


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said on its two channels."""

    status: int
    out: str
    err: str

    @property
    def screen(self) -> list[str]:
        """The lines of the error, which are the last ones."""
        lines = self.err.splitlines()
        return lines[next((at for at, line in enumerate(lines) if line.startswith("error:")), len(lines)) :]

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The error documents on standard output: of the command as a whole, or of each host."""
        document = json.loads(self.out)
        return [document] if document["kind"] == "error" else list(document["errors"].values())


def say(site: Site, *argv: str, env: dict[str, str] | None = None) -> Said:
    """Run a command on the profile, with documents on standard output and the screen on the other channel."""
    done = subprocess.run(
        [BIN / "aimlsetup", argv[0], "--profile", site.path.name, "--json", *argv[1:]],
        env={**site.environment(), "XDG_STATE_HOME": "state", **(env or {})},
        cwd=site.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def refused(
    site: Site,
    ref: str,
    *patterns: str,
    status: int,
    argv: tuple[str, ...] = ("apply", "--yes"),
    env: dict[str, str] | None = None,
) -> Said:
    """Run a command that must end in one error of the kind `ref`: one screen with all `patterns`, and its document."""
    said = say(site, *argv, env=env)
    screen = "\n".join(said.screen)
    assert said.status == status, f"exit {said.status}, expected {status}\n{said.out}\n{said.err}"
    assert f"[{ref}]" in said.screen[0], said.err
    for pattern in (*patterns, r"(?m)^\s*hint: |did you mean|→ "):
        assert re.search(pattern, screen), f"{pattern!r} is not on the screen\n{screen}"
    assert sum(1 + (len(line) - 1) // WIDTH for line in said.screen) <= HEIGHT, screen
    assert "Traceback" not in said.err
    (document,) = said.documents
    assert (document["version"], document["kind"], document["ref"]) == (1, "error", ref)
    assert document["message"] in said.screen[0]
    return said


def snapshot(host: sandbox.Host) -> dict[str, Any]:
    """Everything of the host that an apply could change; `unfinished` are receipts begun and not committed."""
    found: dict[str, Any] = json.loads(on(host, "python3", "-", stdin=SNAPSHOT))
    return found


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What differs between two snapshots, to be read by people; empty when nothing does."""
    found: dict[str, Any] = {}
    for key, was in before.items():
        now = after[key]
        if was == now:
            continue
        if isinstance(was, dict):
            names = was.keys() | now.keys()
            found[key] = {name: (was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name)}
        else:
            found[key] = [item for item in now if item not in was] + [("gone", item) for item in was if item not in now]
    return found
