"""Real repositories to check out, apart from Ansible."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def checkout(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.modules import checkout

    return checkout


class Repository:
    """A work tree with two tagged commits, whose second removes, adds and changes files and a submodule."""

    def __init__(self, directory: Path, files: int = 3) -> None:
        self.path = directory / "source"
        self.library = directory / "library"
        for path in (self.library, self.path):
            path.mkdir()
            self.git("init", "-q", "-b", "main", cwd=path)
        self.commit(self.library, {"lib.txt": "library"}, "library")
        self.git("submodule", "--quiet", "add", str(self.library), "sub")
        self.commit(self.path, {f"src/{n}": f"one {n}\n" * 50 for n in range(files)} | {"old": "old"}, "one")
        self.git("tag", "v1")
        (self.path / "old").unlink()
        self.git("rm", "-q", "sub")
        self.git("submodule", "--quiet", "add", str(self.library), "other")
        changed = {f"src/{n}": f"two {n}\n" * 50 for n in range(0, files, 2)}
        self.commit(self.path, changed | {f"new/{n}": "new\n" * 50 for n in range(files)}, "two")
        self.git("tag", "-a", "v2", "-m", "two")
        self.git("branch", "dev", "v1")

    def git(self, *argv: str, cwd: Path | None = None) -> str:
        """Run git in the work tree."""
        settings = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "protocol.file.allow=always")
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
        done = subprocess.run(
            ["git", *settings, *argv], cwd=cwd or self.path, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, path: Path, files: dict[str, str], message: str) -> None:
        """Write files and commit everything."""
        for name, text in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
        self.git("add", "-A", cwd=path)
        self.git("commit", "-q", "-m", message, cwd=path)

    def tree(self, version: str) -> set[str]:
        """Names of all files of a version, submodules' included."""
        names = self.git("ls-tree", "-r", "--name-only", version).splitlines()
        return {f"{name}/lib.txt" if name in ("sub", "other") else name for name in names}


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory, where syncing costs nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="aimlsetup-test-") as directory:
        yield Path(directory)


@pytest.fixture
def source(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def given(source: Repository, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """One of the module's `checkouts`, of `source` at `tmp_path/work`."""

    def make(**options: Any) -> dict[str, Any]:
        entry = {"dest": str(tmp_path / "work"), "url": str(source.path), "version": None, "commit": None}
        return {**entry, "submodules": False, "sparse": [], "lfs": False, "known_hosts": [], **options}

    return make


@pytest.fixture
def apply(checkout: Any) -> Callable[[dict[str, Any]], list[str]]:
    """Examine one entry and do what is due; returns what was."""

    def run(entry: dict[str, Any]) -> list[str]:
        account = checkout.gitrun.account_of(None)
        task = checkout.examine(checkout.entry_of(entry, {"deploy_keys": {}, "agent_for": []}), account)
        if task.due:
            checkout.bring_about(task, account)
        due: list[str] = task.due
        return due

    return run
