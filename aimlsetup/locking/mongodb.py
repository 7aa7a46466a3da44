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
    """Nothing where the profile names neither a version nor the component; its newest series where it names none."""
    wish: str | None = (case.profile.sections.get(COMPONENT) or {}).get("version")
    if not wish and COMPONENT not in case.profile.components:
        return Decided({"packages": [], "repositories": []})
    found = dict(offers(case))
    series = ".".join(wish.split(".")[:2]) if wish else next(iter(found), None)
    if series is None or series not in found:
        raise _none(case, wish, list(found))
    name, apt = found[series]
    version = wish or series
    exact = version if version.count(".") > 1 else f"{version}.*"
    newest = f"{series} is the newest series for {word(case.platform.release)}"
    text = f"the profile wants MongoDB {wish}" if wish else newest
    reasons = [
        Reason(kind="wish" if wish else "fact", text=text, source=None if wish else case.catalog.sources[name].source),
        Reason(kind="fact", text=f"{name} has it for this platform", source=case.catalog.sources[name].source),
    ]
    return Decided(
        {
            "version": version,
            "packages": [f"{PACKAGE}={exact}"],
            "repositories": [repositories.repository(name, apt, case)],
        },
        {COMPONENT: Pin(version=version, because=reasons)},
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


def _none(case: Case, wish: str | None, there: list[str]) -> AimlsetupError:
    platform = f"{word(case.platform.release)} on {case.platform.arch}"
    return AimlsetupError(
        "mongodb-unavailable",
        f"MongoDB has no repository of {wish or 'any series'} for {platform}",
        context=[f"expected: {', '.join(there)}"] if there else [f"there is none for {platform}"],
        hint="ask for one that there is as mongodb.version, or leave mongodb out of the profile's components",
        exit_code=Exit.NO_SOLUTION,
    )
