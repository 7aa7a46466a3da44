"""The quickstart's application as a git repository, which is how a user's own would come."""

import shutil
import subprocess
from pathlib import Path

from aimlsetup import content
from aimlsetup.errors import AimlsetupError

SOURCE = Path("examples") / "quickstart" / "app"
TARGET = "/srv/quickstart/app.git"
IDENTITY = ("-c", "user.name=quickstart", "-c", "user.email=quickstart@localhost")
SECONDS = 60


def repository(home: Path) -> Path:
    """Make or refresh `home/app.git`; its head moves only when the application has changed. Returns its path."""
    place = home / "app.git"
    if not place.exists():
        fresh = home / "app.git.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _git("-c", "init.defaultBranch=main", "init", "--quiet", "--bare", str(fresh))
        _commit(fresh)
        fresh.rename(place)
    else:
        _commit(place)
    return place


def _commit(place: Path) -> None:
    tree = (f"--git-dir={place}", f"--work-tree={content.root() / SOURCE}", *IDENTITY)
    _git(*tree, "add", "--all", "--", ".", ":(exclude,glob)**/__pycache__/**")
    if _git(*tree, "diff", "--cached", "--name-only"):
        _git(*tree, "commit", "--quiet", "--message=Quickstart application")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
    except FileNotFoundError:
        raise AimlsetupError("git-missing", "git is needed on this machine", hint="apt-get install git") from None
    if done.returncode:
        raise AimlsetupError(
            "example-repository", "the quickstart's repository could not be made", context=done.stderr.splitlines()[-5:]
        )
    return done.stdout
