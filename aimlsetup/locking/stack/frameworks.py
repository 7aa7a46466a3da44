"""Frameworks' releases as the solver takes them: a wheel for a CPU, or a build for GPUs with all that it needs."""

from collections.abc import Iterator
from functools import cache

from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Build, Framework, FrameworkRelease
from aimlsetup.locking.stack.records import requirements
from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Candidate, Choices, Requirement
from aimlsetup.solver.versions import Versions

PYTHON = "python"


@cache
def cpu_choices(catalog: Catalog, framework: str, distribution: str) -> Choices:
    """One per release and architecture: a wheel is what can be chosen."""
    found = catalog.frameworks[framework]
    return Choices(
        tuple(
            _candidate(found, distribution, release, arch)
            for release in _newest(found)
            for arch in release.wheels.get(distribution, {})
        )
    )


@cache
def gpu_choices(
    catalog: Catalog, framework: str, distributions: tuple[str, ...], beside: frozenset[str] = frozenset()
) -> Choices:
    """One per release, build, distribution and architecture. `beside` are the parts that are asked for too."""
    found = catalog.frameworks[framework]
    return Choices(
        tuple(
            _candidate(found, distribution, release, arch, build, beside)
            for release in _newest(found)
            for build in release.builds
            if not build.recalled
            for distribution in build.distributions
            if distribution in distributions
            for arch in release.wheels.get(distribution, {})
            if arch in build.needs.get("arch", arch)
        )
    )


def _newest(framework: Framework) -> list[FrameworkRelease]:
    """Newest first; what was only recalled pins nothing."""
    releases = (release for release in framework.releases if not release.recalled)
    return sorted(releases, key=lambda release: Version(release.version), reverse=True)


def _candidate(
    framework: Framework,
    distribution: str,
    release: FrameworkRelease,
    arch: str,
    build: Build | None = None,
    beside: frozenset[str] = frozenset(),
) -> Candidate:
    version = f"{release.version}+{build.index}" if build and build.index else release.version
    needs = [*_wheel(framework, distribution, release, arch), *_bounds(framework, distribution, release, arch)]
    if build:
        needs += _build(framework, distribution, release, build, beside)
    text = f"{distribution} {version} is the first choice that fits"
    return Candidate(distribution, version, Reason(kind="fact", text=text, source=release.source), tuple(needs), build)


def _wheel(framework: Framework, name: str, release: FrameworkRelease, arch: str) -> Iterator[Requirement]:
    pythons = release.wheels[name][arch]
    text = f"{name} {release.version} has wheels for Python {', '.join(pythons)} on {arch}"
    reason = Reason(kind="fact", text=text, source=framework.wheels_source)
    yield Requirement(PYTHON, Versions.one_of(pythons), reason)
    yield Requirement("arch", Versions.word([arch]), reason)


def _bounds(framework: Framework, name: str, release: FrameworkRelease, arch: str) -> Iterator[Requirement]:
    for other, bound in release.requires.items():
        text = f"{name} {release.version} needs {other}{bound}"
        yield Requirement(other, Versions.matching(bound), Reason(kind="fact", text=text, source=release.source))
    for rule in framework.rules:
        applies = _within(release.version, rule.versions) and arch in (rule.architectures or [arch])
        for other, bound in rule.requires.items() if applies and not rule.recalled else ():
            text = f"{name} {release.version} needs {other}{bound}: {rule.text}"
            yield Requirement(other, Versions.matching(bound), Reason(kind="fact", text=text, source=rule.source))


def _build(
    framework: Framework, name: str, release: FrameworkRelease, build: Build, beside: frozenset[str]
) -> Iterator[Requirement]:
    what, sources = f"{name} {release.version}", framework.sources
    needs = {part: need for part, need in build.needs.items() if part != "arch"}
    yield from requirements(what, needs, sources[build.source])
    for rule in framework.gpu_rules:
        if _within(release.version, rule.versions) and not rule.recalled:
            needs = {**rule.needs, **{part: need for part, need in rule.beside.items() if part in beside}}
            yield from requirements(what, needs, sources[rule.source], rule.text)


def _within(version: str, specifier: str) -> bool:
    return version in Versions.matching(specifier)
