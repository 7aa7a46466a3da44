"""Versions of NVIDIA's apt packages that were once seen: what a lock falls back on where no index can be read.

One file for each distribution and architecture, read when it is asked for: `recorded/ubuntu1804-x86_64.yml`.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from aimlsetup import files
from aimlsetup.catalog.records import SourceText
from aimlsetup.models.base import Document

FOLDER = Path(__file__).parent / "recorded"


class Recorded(Document):
    """`packages` are apt's exact versions by name, newest first, without those that look like typing mistakes.

    `sources` says where they were read; one version may be in several of them.
    """

    distro: str
    arch: str
    sources: dict[str, SourceText]
    packages: dict[str, list[str]]

    def versions(self, package: str) -> list[str]:
        """What was seen of a package, newest first; nothing where it never was."""
        return self.packages.get(package, [])

    def find(self, package: str, wanted: str | None) -> str | None:
        """The newest version that a variant's text means: that one, one that begins so (`11.8.89*`), any (null)."""
        return next(iter(fitting(self.versions(package), wanted)), None)


@cache
def index(distro: str, arch: str) -> Recorded:
    """What was recorded for `ubuntu1804` and `x86_64`; no packages where nothing was."""
    path = FOLDER / f"{distro}-{arch}.yml"
    if not path.is_file():
        return Recorded(distro=distro, arch=arch, sources={}, packages={})
    return files.check(files.read(path), Recorded, "catalog")


def fitting(versions: Iterable[str], wanted: str | None) -> list[str]:
    """Those that a variant's text means: that one, all that begin so (`11.8.89*`), any (null)."""
    if wanted is None:
        return list(versions)
    start = wanted.removesuffix("*")
    return [version for version in versions if version == wanted or (start != wanted and version.startswith(start))]
