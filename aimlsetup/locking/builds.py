"""Standalone builds of Python: the one that modules run on, those of environments, and where their archives lie."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from packaging.specifiers import SpecifierSet

from aimlsetup.catalog import Catalog
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import fetch
from aimlsetup.locking.access import public
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.platforms import BUILDS
from aimlsetup.models.build import PythonBuild
from aimlsetup.models.lock import Pin, Reason
from aimlsetup.models.profile import Profile

COMPONENT = "base"
PIN = "private_python"
MOST = 1 << 28  # bytes of an archive; real ones are 20 to 40 MB


def decide(case: Case) -> Decided:
    """The private Python of hosts that have none which modules run on; what it was stays while it is offered."""
    source = case.catalog.python_builds
    fit = SpecifierSet(source.modules)
    chosen = pick((build for build in case.platform.builds if fit.contains(build.version)), case.kept.get(PIN))
    if chosen is None:
        return Decided({"python": None})
    text = f"for hosts without a Python that modules run on: ansible-core takes {source.modules}"
    reason = Reason(kind="fact", text=text, source=source.source)
    pin = Pin(version=chosen.name, because=[reason])
    return Decided({"python": entry(chosen, case.profile, case.catalog)}, {PIN: pin})


def pick(found: Iterable[PythonBuild], kept: str | None) -> PythonBuild | None:
    """The first of them, or the one that was locked."""
    known = list(found)
    return next((build for build in known if build.name == kept), known[0] if known else None)


def entry(build: PythonBuild, profile: Profile, catalog: Catalog) -> dict[str, Any]:
    """A build as roles take it."""
    return {"name": build.name, "url": address(build, profile, catalog), "sha256": build.sha256}


def address(build: PythonBuild, profile: Profile, catalog: Catalog) -> str:
    """Where its archive is. A mirror keeps the folders of the catalog's source; in a folder (`file:`) archives lie side
    by side, and so do a mirror's own builds that name their files.
    """
    place = (profile.url(BUILDS) or catalog.sources[BUILDS].url or "").rstrip("/")
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
