"""What an environment of a molecule scenario holds: `python -m tests.requirement_lines FILE NAME==VERSION…` resolves
these for Debian 12 as a lock does, and writes the hashed lines to FILE as JSON. A file that is there is kept.
"""

import json
import sys
from pathlib import Path

from aimlsetup import catalog
from aimlsetup.locking import index


def main() -> None:
    """The command line."""
    path, *wishes = sys.argv[1:]
    release = next(each for each in catalog.load().releases if each.codename == "bookworm")
    if not Path(path).exists():
        target = index.Target(release.python, f"x86_64-{release.wheels}", None)
        found = index.resolve("of a scenario", wishes, [], target)
        Path(path).write_text(json.dumps([package.line for package in found]))


if __name__ == "__main__":
    main()
