"""The lock as a file beside the profile."""

from pathlib import Path

from aimlsetup import files
from aimlsetup.catalog import schema
from aimlsetup.models.lock import Lock

HEADER = "Made by 'aimlsetup lock' from the profile beside it: change that one, not this."


def path_of(profile: Path) -> Path:
    """`aimlsetup.lock.yml` for `aimlsetup.yml`."""
    return profile.with_suffix(".lock.yml")


def read(path: Path) -> Lock | None:
    """The lock in a file, None where there is no file. Errors have exit code 2 and name file, line and column."""
    return files.check(files.read(path), Lock, "lock") if path.exists() else None


def text(lock: Lock) -> str:
    """The file's content: sorted, the same for the same lock."""
    return files.dump(lock.model_dump(mode="json"), header=[schema.comment("lock"), HEADER])


def write(path: Path, lock: Lock) -> None:
    """Write the file if it would change."""
    content = text(lock)
    if not (path.exists() and path.read_text(encoding="utf-8") == content):
        files.write(path, content)
