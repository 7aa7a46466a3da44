"""What a host offers, as facts for the solver: what is there, what could be, and how it would come to be."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Release
from aimlsetup.locking.hardware import Hardware, known
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.stack.frameworks import PYTHON
from aimlsetup.locking.wishes import Environment
from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Candidate, Fact, Requirement
from aimlsetup.solver.versions import Versions, parse

YES, NO = "1", "0"  # the versions of a CPU feature that a machine has or lacks


def minor(version: str) -> str:
    """`3.11` of `3.11.2`."""
    return ".".join(version.split(".")[:2])


def python(env: Environment, platform: Platform, catalog: Catalog) -> Fact:
    """The interpreters an environment may have: the distribution's own first. Standalone builds are for what is wished
    and not there; for the sake of a package none is brought unasked.
    """
    offers = list(_pythons(platform))
    text = f"the host has Python {', '.join(candidate.version for candidate in offers)}"
    if env.python and env.python.startswith("/"):
        versions = [minor(version) for path, version in platform.pythons if path == env.python]
        offers = [_python(version, f"{env.python_origin}: {env.python}", "wish") for version in versions]
        text = f"{env.python_origin} is {env.python}, " + (
            f"Python {versions[0]}" if versions else "which the host does not have"
        )
    elif env.python and not any(found.version in Versions.matching(env.python) for found in offers):
        offers += _builds(platform, catalog)
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
    place = f"python_env.envs.{env.name}.python"
    remedy = f"install Python {{version}} on the host and name its path in {place}"
    if not env.python and platform.builds:
        remedy = f"ask for Python {{version}} in {place}, or name the path of one there"
    return Fact(f"{env.name}.{PYTHON}", tuple(offers), otherwise, text, remedy)


def _pythons(platform: Platform) -> Iterator[Candidate]:
    """The distribution's own first, then what else is there, newest first."""
    own, release = platform.release.python, platform.release
    yield _python(own, f"default of {release.id} {release.version} ({release.codename})", "fact", release.source)
    found = {minor(version) for _path, version in platform.pythons} - {own}
    for version in sorted(found, key=Version, reverse=True):
        yield _python(version, f"Python {version} is on the host", "observed")


def _builds(platform: Platform, catalog: Catalog) -> Iterator[Candidate]:
    """What could be brought, newest first."""
    for version in dict.fromkeys(build.minor for build in platform.builds):
        text = f"there is a standalone build of Python {version} for {platform.arch}"
        yield _python(version, text, "fact", catalog.python_builds.source)


def _python(version: str, text: str, kind: str, source: str | None = None) -> Candidate:
    return Candidate(PYTHON, version, Reason.model_validate({"kind": kind, "text": text, "source": source}))


def machine(platform: Platform, catalog: Catalog) -> Iterator[Fact]:
    """Architecture, and the CPU features that a record may ask for."""
    architectures = {
        name
        for framework in catalog.frameworks.values()
        for release in framework.releases
        for wheels in release.wheels.values()
        for name in wheels
    }
    others = sorted(architectures - {platform.arch})
    yield fact("arch", [platform.arch], others, f"the host is {platform.arch}", "use a host with {version}")
    for flag in sorted(catalog.features()):
        has = flag in platform.features
        text = f"the host's CPU has {'' if has else 'no '}{flag.upper()}"
        yield fact(f"cpu.{flag}", [YES if has else NO], [NO if has else YES], text, f"use a host with {flag}")


def distribution(
    platform: Platform, catalog: Catalog, python_facts: Sequence[Fact], gcc_facts: Sequence[Fact]
) -> Iterator[Fact]:
    """Which it is, its glibc, and its kernel where a host was looked at. Another one comes with all of its own."""
    own = platform.release
    others = [release for release in catalog.releases if release is not own]
    text = f"the host runs {own.id} {own.version} ({own.codename})"
    along = ["glibc", "kernel", *(found.name for found in (*python_facts, *gcc_facts))]
    found = fact("distro", [word(own)], [word(release) for release in others], text, "use a host with {version}")
    instead = tuple(_instead(release, python_facts, gcc_facts) for release in others)
    yield replace(found, instead=instead, along=frozenset(along))
    glibcs = {release.glibc for release in others} - {own.glibc}
    text, remedy = f"{text}, whose glibc is {own.glibc}", "use a distribution with glibc {version}"
    yield fact("glibc", [own.glibc], _newest(glibcs), text, remedy)
    kernel = platform.hardware.kernel if platform.hardware and platform.hardware.kernel else own.kernel
    kernels = {release.kernel for release in others} - {kernel}
    yield fact("kernel", [kernel], _newest(kernels), f"the host's kernel is {kernel}", "use kernel {version}")


def _instead(release: Release, python_facts: Sequence[Fact], gcc_facts: Sequence[Fact]) -> Candidate:
    """Another distribution, with the interpreter and the compilers that it has."""
    reason = Reason(kind="fact", text=f"{release.id} {release.version} has them", source=release.source)
    needs: dict[str, list[str]] = {"glibc": [release.glibc], "kernel": [release.kernel]}
    needs |= {f"/{found.name}": [release.python] for found in python_facts}
    needs |= {f"/{found.name}": list(release.gcc) for found in gcc_facts}
    requires = tuple(Requirement(name, Versions.one_of(versions), reason) for name, versions in needs.items())
    return Candidate("distro", word(release), reason, requires)


def word(release: Release) -> str:
    """As records name a distribution: `ubuntu1804`."""
    return f"{release.id}{release.version.replace('.', '')}"


def compilers(scope: str, platform: Platform, catalog: Catalog) -> Fact:
    """The distribution's compilers, its default first; each stack takes its own, and that last."""
    own = platform.release
    majors = {major for release in catalog.releases for major in release.gcc} - set(own.gcc)
    text = f"{own.id} {own.version} has gcc {', '.join(own.gcc)}"
    remedy = "use a distribution that has gcc {version}"
    return fact("gcc", own.gcc, _newest(majors), text, remedy, prefix=scope, late=True)


def gpus(hardware: Hardware, catalog: Catalog) -> Iterator[Fact]:
    """Compute capabilities of the oldest and the newest GPU, the switches between them, and Secure Boot."""
    text = _gpus_text(hardware)
    present = sorted({gpu.capability for gpu in hardware.gpus}, key=Version)
    chips = known(catalog)
    for name, offers in (("gpu.lowest", present[:1]), ("gpu.highest", present[-1:])):
        others = [capability for capability in chips if capability not in offers]
        yield fact(name, offers, others, text, _gpu_remedy(name, hardware))
    for name, there, what in (
        ("nvswitch", hardware.nvswitch, "NVSwitch"),
        ("secure_boot", hardware.secure_boot, "Secure Boot"),
    ):
        yes, no = ("yes", "no") if name == "nvswitch" else ("on", "off")
        offers, others = ([yes], [no]) if there else ([no], [yes])
        yield fact(name, offers, others, f"the host has {what}: {offers[0]}", f"use a host with {what} {{version}}")


def _gpus_text(hardware: Hardware) -> str:
    if not hardware.gpus:
        return "no NVIDIA GPU was seen on the host's bus"
    return f"the host has {' and '.join(str(gpu) for gpu in hardware.gpus)}"


def _gpu_remedy(name: str, hardware: Hardware) -> str:
    if not hardware.gpus:
        return "name the GPUs the host will have in the profile, such as gpus: ['10de:2684'] under its name"
    unknown = [gpu.id for gpu in hardware.gpus if not gpu.chip]
    if unknown:
        return f"say in requests.gpu_capability what it is, such as {{{{'{unknown[0]}': '{{version}}'}}}}"
    only = "only " if len({gpu.capability for gpu in hardware.gpus}) > 1 else ""
    bound = "newer" if name == "gpu.lowest" else "older"
    return f"use {only}GPUs of compute capability {{version}} or {bound}"


def fact(
    name: str,
    offers: Sequence[str],
    others: Sequence[str],
    text: str,
    remedy: str,
    *,
    prefix: str = "",
    late: bool = False,
) -> Fact:
    """What there is and what there could be, all for the same reason."""
    reason = Reason(kind="observed", text=text)
    made = [tuple(Candidate(name, version, reason) for version in versions) for versions in (offers, others)]
    return Fact(f"{prefix}{name}", made[0], made[1], text, remedy, late)


def _newest(versions: set[str]) -> list[str]:
    return sorted(versions, key=lambda version: parse(version) or Version("0"), reverse=True)
