"""One environment's wishes and a platform's facts as a problem for the solver. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from packaging.requirements import Requirement as Line
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Framework, FrameworkRelease
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.wishes import Environment
from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Candidate, Choices, Fact, Problem, Requirement
from aimlsetup.solver.versions import Versions

PYTHON = "python"
ANY = Versions.matching("")
YES, NO = "1", "0"  # the versions of a feature that a machine has or lacks


def problem(env: Environment, platform: Platform, catalog: Catalog, preferred: Mapping[str, str]) -> Problem:
    """What has to be solved for `env`. `preferred` are versions to take first where they fit."""
    facts = (_python_fact(env, platform, catalog), *_machine_facts(platform, catalog))
    packages = {
        name: tuple(_candidates(name, framework))
        for framework in catalog.frameworks.values()
        for name in framework.distributions()
    }
    return Problem(
        wishes=tuple(_requirements(env)),
        facts=tuple(replace(fact, offers=_first(fact.offers, preferred)) for fact in facts),
        packages={name: Choices(_first(known, preferred)) for name, known in packages.items()},
    )


def minor(version: str) -> str:
    """`3.11` of `3.11.2`."""
    return ".".join(version.split(".")[:2])


def interpreter(version: str, platform: Platform) -> str:
    """How an environment names the chosen Python: its version where the system brings it, else the path found."""
    paths = [path for path, found in platform.pythons if minor(found) == version]
    system = version == platform.release.python or not paths or any(path.startswith("/usr/bin/") for path in paths)
    return version if system else paths[0]


def _requirements(env: Environment) -> Iterator[Requirement]:
    wished = env.python if env.python and not env.python.startswith("/") else None
    text = f"{env.python_origin}: {wished}" if wished else f"{env.name} needs an interpreter"
    yield Requirement(PYTHON, Versions.matching(wished or ""), Reason(kind="wish", text=text))
    for wish in env.wishes:
        line = Line(wish.line)
        if line.marker is None:  # with one, only the index knows whether it counts
            reason = Reason(kind="wish", text=f"{wish.origin}: {wish.line}")
            yield Requirement(wish.name, Versions.matching(str(line.specifier)), reason)


def _python_fact(env: Environment, platform: Platform, catalog: Catalog) -> Fact:
    offers = list(_pythons(platform))
    text = f"the host has Python {', '.join(candidate.version for candidate in offers)}"
    if env.python and env.python.startswith("/"):
        versions = [minor(version) for path, version in platform.pythons if path == env.python]
        offers = [_python(version, f"{env.python_origin}: {env.python}", "wish") for version in versions]
        text = f"{env.python_origin} is {env.python}, " + (
            f"Python {versions[0]}" if versions else "which the host does not have"
        )
    have = {candidate.version for candidate in offers}
    built = {
        version
        for framework in catalog.frameworks.values()
        for release in framework.releases
        for wheels in release.wheels.values()
        for version in wheels.get(platform.arch, ())
    }
    missing = sorted(built - have, key=Version, reverse=True)
    otherwise = tuple(_python(version, f"Python {version}, were it there", "observed") for version in missing)
    remedy = f"install Python {{version}} on the host and name its path in python_env.envs.{env.name}.python"
    return Fact(PYTHON, tuple(offers), otherwise, text, remedy)


def _pythons(platform: Platform) -> Iterator[Candidate]:
    """The distribution's own first, then what else is there, newest first."""
    own, release = platform.release.python, platform.release
    yield _python(own, f"default of {release.id} {release.version} ({release.codename})", "fact", release.source)
    found = {minor(version) for _path, version in platform.pythons} - {own}
    for version in sorted(found, key=Version, reverse=True):
        yield _python(version, f"Python {version} is on the host", "observed")


def _python(version: str, text: str, kind: str, source: str | None = None) -> Candidate:
    return Candidate(PYTHON, version, Reason.model_validate({"kind": kind, "text": text, "source": source}))


def _machine_facts(platform: Platform, catalog: Catalog) -> Iterator[Fact]:
    """Whether the machine has each architecture and CPU feature that a record may ask for."""
    architectures = {
        name
        for framework in catalog.frameworks.values()
        for release in framework.releases
        for wheels in release.wheels.values()
        for name in wheels
    }
    for name in sorted(architectures | {platform.arch}):
        yield _feature(f"arch.{name}", name == platform.arch, f"the host is {platform.arch}")
    for flag in sorted(catalog.features()):
        has = flag in platform.features
        yield _feature(f"cpu.{flag}", has, f"the host's CPU has {'' if has else 'no '}{flag.upper()}")


def _feature(name: str, present: bool, text: str) -> Fact:
    reason = Reason(kind="observed", text=text)
    offer, other = (Candidate(name, version, reason) for version in ((YES, NO) if present else (NO, YES)))
    return Fact(name, (offer,), (other,), text, f"use a host with {name.partition('.')[2]}")


def _candidates(name: str, framework: Framework) -> Iterator[Candidate]:
    """One per release and architecture: a wheel is what can be chosen."""
    newest = sorted(framework.releases, key=lambda release: Version(release.version), reverse=True)
    for release in newest:
        for arch, pythons in release.wheels.get(name, {}).items():
            if not release.recalled:
                text = f"newest {name} known that fits: {release.version}"
                requires = (*_wheel(name, release, arch, pythons, framework), *_bounds(name, release, arch, framework))
                yield Candidate(name, release.version, Reason(kind="fact", text=text, source=release.source), requires)


def _wheel(
    name: str, release: FrameworkRelease, arch: str, pythons: list[str], framework: Framework
) -> Iterator[Requirement]:
    source = framework.wheels_source
    text = f"{name} {release.version} has wheels for Python {', '.join(pythons)} on {arch}"
    reason = Reason(kind="fact", text=text, source=source)
    yield Requirement(PYTHON, Versions.one_of(pythons), reason)
    yield Requirement(f"arch.{arch}", Versions.matching(f"=={YES}"), reason)


def _bounds(name: str, release: FrameworkRelease, arch: str, framework: Framework) -> Iterator[Requirement]:
    for other, bound in release.requires.items():
        text = f"{name} {release.version} needs {other}{bound}"
        yield Requirement(other, Versions.matching(bound), Reason(kind="fact", text=text, source=release.source))
    for rule in framework.rules:
        applies = release.version in SpecifierSet(rule.versions) and arch in (rule.architectures or [arch])
        for other, bound in rule.requires.items() if applies and not rule.recalled else ():
            text = f"{name} {release.version} needs {other}{bound}: {rule.text}"
            yield Requirement(other, Versions.matching(bound), Reason(kind="fact", text=text, source=rule.source))


def _first(candidates: Iterable[Candidate], preferred: Mapping[str, str]) -> tuple[Candidate, ...]:
    return tuple(sorted(candidates, key=lambda candidate: preferred.get(candidate.name) != candidate.version))
