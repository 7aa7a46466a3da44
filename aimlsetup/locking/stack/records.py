"""The catalog's records as the solver takes them: what a release needs, with the reason in words."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.parts import WORDS_OFFERED, Part, PartRelease
from aimlsetup.catalog.records import Need, Variant
from aimlsetup.locking.availability import Availability
from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Candidate, Choices, Requirement
from aimlsetup.solver.versions import Versions

DISTRO = "distro"
APT = "apt:"
ABSENT = "none"  # the version of a part that is not there, beside something that it would have to go with
CHANNELS = {"nvidia": "NVIDIA's repositories", "distro": "the distribution", "pip": "wheels"}
LABELS = {
    "gpu.lowest": "compute capability",
    "gpu.highest": "compute capability",
    "driver": "driver",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
    "tensorrt": "TensorRT",
    "nccl": "NCCL",
    "gcc": "gcc",
    "kernel": "kernel",
    "glibc": "glibc",
}


@cache
def part_choices(catalog: Catalog, name: str, available: Availability | None = None, several: bool = False) -> Choices:
    """Every way to get every release of a part, newest first. Made once for all hosts that have the same `available`.

    Where a host has `several` stacks, each way also says which version of which apt package it takes.
    """
    part = catalog.parts[name]
    return Choices(tuple(chain.from_iterable(_release(part, release, available, several) for release in part.releases)))


@cache
def apt_choices(
    catalog: Catalog, parts: tuple[str, ...], available: Availability | None = None
) -> Mapping[str, Choices]:
    """{apt:package: its versions}: of each a host has one."""
    versions: dict[str, dict[str, None]] = {}
    for name in parts:
        for candidate in part_choices(catalog, name, available, several=True).candidates:
            for requirement in candidate.requires:
                if requirement.name.startswith(f"/{APT}"):
                    versions.setdefault(requirement.name[1:], {}).update(dict.fromkeys(requirement.versions.words))
    reason = Reason(kind="fact", text="a host has one version of a package")
    return {
        name: Choices(tuple(Candidate(name, version, reason) for version in found)) for name, found in versions.items()
    }


@cache
def optional_choices(
    catalog: Catalog, name: str, available: Availability | None = None, several: bool = False
) -> Choices:
    """The same of a part that may be absent."""
    reason = Reason(kind="fact", text="nothing asks for it")
    return Choices((*part_choices(catalog, name, available, several).candidates, Candidate(name, ABSENT, reason)))


def beside(what: str, needs: Mapping[str, Need], source: str, text: str) -> Iterator[Requirement]:
    """Parts that must be of these versions if they are there at all."""
    for requirement in requirements(what, needs, source, text):
        need = needs[requirement.name]
        versions = Versions.either([need] if isinstance(need, str) else need, ABSENT)
        yield Requirement(requirement.name, versions, requirement.reason)


def _release(part: Part, release: PartRelease, available: Availability | None, several: bool) -> Iterator[Candidate]:
    """One candidate per way to get it; what was only recalled pins nothing."""
    what = f"{part.title} {release.version}"
    common = tuple(
        requirement
        for relation in release.relations
        if not relation.recalled
        for requirement in requirements(what, relation.needs, part.sources[relation.source], relation.text)
    )
    reason = Reason(kind="fact", text=f"{what} is the first choice that fits", source=part.sources[release.source])
    ways = [variant for variant in release.variants if not variant.recalled]
    if not release.recalled and not release.variants:
        yield Candidate(part.part, release.version, reason, common)
    for variant in ways if not release.recalled else ():
        source = part.sources[variant.source]
        exact, there = available.judged(what, variant, source) if available else (variant, [])
        own = [*requirements(what, variant.needs, source), *(_apt(what, exact, source) if several else ())]
        yield Candidate(part.part, release.version, reason, (*common, *own, *there), exact)


def _apt(what: str, variant: Variant, source: str) -> Iterator[Requirement]:
    """The packages that a host can have for one stack alone."""
    if "pip" not in variant.needs.get("channel", ()):
        for name, version in variant.packages.items():
            if version:
                text = f"{what} is {name} {version}, and a host has one version of a package"
                yield Requirement(
                    f"/{APT}{name}", Versions.word([version]), Reason(kind="fact", text=text, source=source)
                )


def requirements(
    what: str, needs: Mapping[str, Need], source: str | None, text: str | None = None
) -> Iterator[Requirement]:
    """One for each name that `what` needs; `text` says why in general.

    The distribution is told with the channel, since alone it says little.
    """
    for name, need in needs.items():
        versions = versions_of(name, need)
        told = _text(what, name, versions, needs.get("channel"))
        if text:
            told = text if what.split()[-1] in text else f"{told}: {text}"
        yield Requirement(name, versions, Reason(kind="fact", text=told, source=source))


def versions_of(name: str, need: Need) -> Versions:
    """A record's need as a set."""
    if name in WORDS_OFFERED or name == DISTRO:
        return Versions.word([need] if isinstance(need, str) else need)
    return Versions.matching(need) if isinstance(need, str) else Versions.either(need)


def _text(what: str, name: str, versions: Versions, channels: Need | None) -> str:
    if name == "channel":
        places = [CHANNELS[word] for word in CHANNELS if word in versions.words]
        return f"{what} comes from {' or '.join(places)}" if places else f"no index is known to carry {what}"
    if name == DISTRO:
        words = [channels] if isinstance(channels, str) else channels or []
        carriers = " or ".join(CHANNELS[word] for word in words)
        return f"{what} from {carriers} is for {versions.text.replace(' or ', ', ')}"
    if name == "arch":
        return f"{what} is built for {versions.text}"
    if name == "flavour":
        return f"{what} has {versions.text} kernel modules here"
    if not versions.text:
        return f"{what} goes with no {LABELS.get(name, name)}"
    return f"{what} needs {LABELS.get(name, name)} {versions.text}"
