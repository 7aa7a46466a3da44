"""Standalone builds of Python: those for a platform, where their archives lie, and the one modules run on."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import fetch
from aimlsetup.locking.answers import public
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.platforms import Platform
from aimlsetup.models.build import PythonBuild
from aimlsetup.models.lock import Pin, Reason
from aimlsetup.models.profile import Profile

COMPONENT = "base"
SOURCE = "python_builds"
PIN = "private_python"
MOST = 1 << 28  # bytes of an archive; real ones are 20 to 40 MB


def offered(profile: Profile, platform: Platform, catalog: Catalog) -> list[PythonBuild]:
    """The builds that run on a platform, newest first: the profile's own where it has some, else the catalog's."""
    known = catalog.python_builds
    given = profile.mirror(SOURCE)
    if Version(platform.release.glibc) < Version(known.glibc):
        return []
    found = [build for build in (given and given.builds) or known.builds if build.arch == platform.arch]
    return sorted(found, key=lambda build: (Version(build.version), build.build), reverse=True)


def decide(case: Case) -> Decided:
    """The private Python of hosts that have none which modules run on; what it was stays while it is offered."""
    source = case.catalog.python_builds
    fit = SpecifierSet(source.modules)
    found = [build for build in offered(case.profile, case.platform, case.catalog) if fit.contains(build.version)]
    chosen = next((build for build in found if build.name == case.kept.get(PIN)), found[0] if found else None)
    if chosen is None:
        return Decided({"python": None})
    text = f"for hosts without a Python that modules run on: ansible-core takes {source.modules}"
    reason = Reason(kind="fact", text=text, source=source.source)
    pin = Pin(version=chosen.name, because=[reason])
    return Decided({"python": entry(chosen, case.profile, case.catalog)}, {PIN: pin})


def entry(build: PythonBuild, profile: Profile, catalog: Catalog) -> dict[str, Any]:
    """A build as roles take it."""
    return {"name": build.name, "url": address(build, profile, catalog), "sha256": build.sha256}


def address(build: PythonBuild, profile: Profile, catalog: Catalog) -> str:
    """Where its archive is. A mirror keeps the folders of the catalog's source; in a folder (`file:`) archives lie side
    by side, and so do a mirror's own builds that name their files.
    """
    place = (profile.url(SOURCE) or catalog.sources[SOURCE].url or "").rstrip("/")
    side_by_side = build.file or place.startswith("file:")
    return "/".join([place, *([] if side_by_side else [build.build]), quote(build.archive)])


def archive(wanted: Mapping[str, Any]) -> bytes:
    """The archive of an `entry`, from an earlier time or its URL. Raises Silent where it can't be had.

    One with another digest is an `AimlsetupError`: it is neither kept nor used.
    """
    content, found = fetch.fetch_digest(wanted["url"], MOST, wanted["sha256"])
    if found != wanted["sha256"]:
        raise AimlsetupError(
            "python-build-digest",
            f"{public(wanted['url'])} is not the build of Python that is known",
            context=[f"expected: sha256 {wanted['sha256']}", f"found: sha256 {found}", "nothing of it was used"],
            hint="Find out who changed it; another source can be named under `sources: {python_builds: …}`.",
            exit_code=Exit.FAILED,
        )
    return content
