"""Frameworks' releases as the solver takes them: a wheel for a CPU, or a build for GPUs with all that it needs."""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Build, Framework, FrameworkRelease
from aimlsetup.locking.stack.records import beside, requirements
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
    catalog: Catalog, framework: str, distributions: tuple[str, ...], asked: frozenset[str] = frozenset()
) -> Choices:
    """One per release, build, distribution and architecture. `asked` are the parts that are asked for too.

    A release that has nothing for GPUs under these names is there for explanations: it is for another device.
    """
    found = catalog.frameworks[framework]
    return Choices(
        tuple(chain.from_iterable(_of_gpu(found, release, distributions, asked) for release in _newest(found)))
    )


def _of_gpu(
    framework: Framework, release: FrameworkRelease, distributions: tuple[str, ...], asked: frozenset[str]
) -> list[Candidate]:
    built = [
        _candidate(
            framework, distribution, release, arch, _build(framework, distribution, release, build, asked), build
        )
        for build in release.builds
        if not build.recalled
        for distribution in build.distributions
        if distribution in distributions
        for arch in release.wheels.get(distribution, {})
        if arch in build.needs.get("arch", arch)
    ]
    return built or [
        _candidate(framework, distribution, release, arch, _no_build(distribution, release))
        for distribution in distributions
        for arch in release.wheels.get(distribution, {})
    ]


def _newest(framework: Framework) -> list[FrameworkRelease]:
    """Newest first; what was only recalled pins nothing."""
    releases = (release for release in framework.releases if not release.recalled)
    return sorted(releases, key=lambda release: Version(release.version), reverse=True)


def _candidate(
    framework: Framework,
    distribution: str,
    release: FrameworkRelease,
    arch: str,
    further: Iterable[Requirement] = (),
    build: Build | None = None,
) -> Candidate:
    version = f"{release.version}+{build.index}" if build and build.index else release.version
    bounds = _bounds(framework, distribution, release, arch)
    needs = [*_wheel(framework, distribution, release, arch), *bounds, *further]
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
    framework: Framework, name: str, release: FrameworkRelease, build: Build, asked: frozenset[str]
) -> Iterator[Requirement]:
    what, sources = f"{name} {release.version}", framework.sources
    needs = {part: need for part, need in build.needs.items() if part != "arch"}
    yield from requirements(what, needs, sources[build.source])
    for rule in framework.gpu_rules:
        if _within(release.version, rule.versions) and not rule.recalled:
            yield from requirements(what, rule.needs, sources[rule.source], rule.text)
            others = {part: need for part, need in rule.beside.items() if part in asked}
            yield from beside(what, others, sources[rule.source], rule.text)


def _no_build(name: str, release: FrameworkRelease) -> Iterator[Requirement]:
    others = {distribution: None for build in release.builds for distribution in build.distributions}
    text = f"{name} {release.version} has no build for GPUs" + "".join(f", {other} has" for other in others)
    yield Requirement("device", Versions.word(["cpu"]), Reason(kind="fact", text=text, source=release.source))


def _within(version: str, specifier: str) -> bool:
    return version in Versions.matching(specifier)
