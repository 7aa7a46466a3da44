"""A whole site that is quick to apply: every component, an environment of one package, the smallest application."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
APP = Path(__file__).parent / "app"
GUEST_APP = "/srv/site/app.git"
KEY = "acme-rld-1"
PORT = 4100
HEALTH = "/api/vision/v2/health"



def git(*argv: str, cwd: Path) -> str:
    """Run git with an identity of its own."""
    who = ("-c", "user.name=tests", "-c", "user.email=tests@localhost", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *argv], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(directory: Path) -> Path:
    """The application as a bare git repository, which a host sees at `GUEST_APP`; returns its directory."""
    work, bare = directory / "app", directory / "app.git"
    shutil.copytree(APP, work, ignore=shutil.ignore_patterns("__pycache__"))
    git("init", "-q", cwd=work)
    git("add", "-A", cwd=work)
    git("commit", "-qm", "Application", cwd=work)
    git("tag", "v1", cwd=work)
    git("commit", "-q", "--allow-empty", "-m", "Second", cwd=work)
    git("clone", "-q", "--bare", str(work), str(bare), cwd=directory)
    return bare


def binds(bare: Path) -> list[str]:
    """What a host of the site sees of this machine: the repository, and a cache of packages, downloaded once."""
    return [f"{bare}:{GUEST_APP}", cached("uv", "/var/cache/aimlsetup/uv")]


def cached(name: str, guest: str) -> str:
    """A bind of a directory of a host to one that outlives it, for what is to be downloaded once."""
    cache = Path(os.environ.get("AIMLSETUP_TEST_CACHE") or Path.home() / ".cache/aimlsetup/tests") / name
    cache.mkdir(parents=True, exist_ok=True)
    return f"{cache}:{guest}:rw"


def profile(*hosts: str, **changes: Any) -> dict[str, Any]:
    """The site's profile for sandbox hosts of these names; `changes` replace whole sections."""
    return {
        "version": 1,
        "hosts": {name: {"connection": "sandbox"} for name in hosts},
        "components": ["base", "codehub", "data_links", "python_env", "repos", "ai_service"],
        "data_links": {"links": [{"path": "/aimldl-dat/logs"}, {"path": "/aimldl-dat/data-mongodb"}]},
        "python_env": {"envs": [{"name": "py_3", "requirements": ["gunicorn"]}]},
        "repos": {"checkouts": [{"dest": "/codehub/apps/site", "url": GUEST_APP, "version": "main"}]},
        "ai_service": {
            "services": [
                {
                    "model_key": KEY,
                    "port": PORT,
                    "env": "py_3",
                    "app_dir": "/codehub/apps/site/apps/www/od/wsgi-bin",
                    "checkout": "/codehub/apps/site",
                    "health_path": HEALTH,
                    "weights": False,
                }
            ]
        },
        **changes,
    }


@dataclass
class Site:
    """A profile in a directory, and the command line on it, with a state directory of its own."""

    directory: Path

    @property
    def path(self) -> Path:
        """The profile."""
        return self.directory / "aimlsetup.yml"

    def write(self, document: dict[str, Any]) -> None:
        """Write the profile."""
        self.path.write_text(yaml.safe_dump(document, sort_keys=False))

    def environment(self) -> dict[str, str]:
        """What a command sees."""
        return {**os.environ, "XDG_STATE_HOME": str(self.directory / "state")}

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own, so that it can be killed with its children."""
        return subprocess.Popen(
            [BIN / "aimlsetup", argv[0], "--profile", self.path, *argv[1:]],
            env=self.environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *argv: str, expect: int | tuple[int, ...] = 0, limit: float = 600) -> str:
        """Run a command to its end within `limit` seconds; fails with its output on another exit code than expected.

        Returns what it printed; with `--json` that is the document alone, without what is said on standard error.
        """
        process = self.start(*argv)
        output, said = process.communicate(timeout=limit)
        expected = (expect,) if isinstance(expect, int) else expect
        assert process.returncode in expected, f"{argv}: exit {process.returncode}, expected {expected}\n{output}{said}"
        return output if "--json" in argv else output + said

    def drifted(self, host: str) -> list[str]:
        """Components of the host that an apply would change."""
        drifts = json.loads(self.run("plan", "--json"))["hosts"][host]["drifts"]
        return [drift["component"] for drift in drifts if drift["action"] != "="]
