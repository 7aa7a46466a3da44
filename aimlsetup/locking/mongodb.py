"""What the lock decides for `mongodb`: its makers' repository on one platform, and the package of the wanted version.

Whether that has an exact version shows on the host: the index is MongoDB's own, and of one package.
"""

import re
from collections.abc import Iterator

from aimlsetup.catalog.sources import Apt
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import repositories
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.stack.facts import word
from aimlsetup.models.lock import Pin, Reason

COMPONENT = "mongodb"
PACKAGE = "mongodb-org-server"
NAME = re.compile(r"mongodb_(\d+)_(\d+)_\w+")


def decide(case: Case) -> Decided:
    """Nothing without a version: a database is asked for, it does not come because all components do."""
    wish: str | None = (case.profile.sections.get(COMPONENT) or {}).get("version")
    if not wish:
        return Decided({"packages": [], "repositories": []})
    found = dict(offers(case))
    series = ".".join(wish.split(".")[:2])
    if series not in found:
        raise _none(case, wish, list(found))
    name, apt = found[series]
    exact = wish if wish.count(".") > 1 else f"{wish}.*"
    reasons = [
        Reason(kind="wish", text=f"the profile wants MongoDB {wish}"),
        Reason(kind="fact", text=f"{name} has it for this platform", source=case.catalog.sources[name].source),
    ]
    return Decided(
        {
            "packages": [f"{PACKAGE}={exact}"],
            "repositories": [repositories.repository(name, apt, case)],
        },
        {COMPONENT: Pin(version=wish, because=reasons)},
    )


def offers(case: Case) -> Iterator[tuple[str, tuple[str, Apt]]]:
    """{series: (source, repository)} for the platform, the newest first."""
    found = []
    for name, source in case.catalog.sources.items():
        matched, apt = NAME.fullmatch(name), source.apt
        if matched and apt and case.platform.arch in apt.arches and word(case.platform.release) in apt.keys:
            found.append(((int(matched[1]), int(matched[2])), name, apt))
    for (major, minor), name, apt in sorted(found, key=lambda one: one[0], reverse=True):
        yield f"{major}.{minor}", (name, apt)


def _none(case: Case, wish: str, there: list[str]) -> AimlsetupError:
    platform = f"{word(case.platform.release)} on {case.platform.arch}"
    return AimlsetupError(
        "mongodb-unavailable",
        f"MongoDB has no repository of {wish} for {platform}",
        context=[f"expected: {', '.join(there)}"] if there else [f"there is none for {platform}"],
        hint="ask for one that there is as mongodb.version, or leave it out of the profile",
        exit_code=Exit.NO_SOLUTION,
    )
