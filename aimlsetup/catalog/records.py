"""Shapes of the catalog's files. Every record says where it was read; one that was only recalled pins nothing."""

from typing import Annotated, Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field

from aimlsetup.models.base import Document


def _specifier(value: str) -> str:
    try:
        SpecifierSet(value)
    except InvalidSpecifier:
        raise ValueError("a version specifier is expected, such as '>=2.16,<3'") from None
    return value


def _version(value: str) -> str:
    try:
        Version(value)
    except InvalidVersion:
        raise ValueError("a version is expected, such as '2.21.0'") from None
    return value


SpecifierText = Annotated[str, AfterValidator(_specifier)]
VersionText = Annotated[str, AfterValidator(_version)]
SourceText = Annotated[str, Field(min_length=8)]

# One specifier, or alternatives of which one must hold; of names whose values are words: the words that will do.
# The empty list is what nothing meets.
Need = SpecifierText | list[str]


class Component(Document):
    """What the catalog says of a component; its arguments themselves are described by its role.

    `arguments` are values for the role's arguments where the profile has none: `{roots.X}` and `{requests.X}` in them
    stand for the profile's shared parts, the latter as
    solved (`requests.environment` is the first environment's name). `solved` names arguments that the lock fills in
    (`envs.requirements` for a list's elements), which a profile may therefore leave out. With `device` it is part of
    sites that compute there and of no other. `user` are further values where nobody is root (`{user.X}` is the user's
    `home`, `state` and what runs `services`); a component without them needs root. An `implied` one comes by itself
    where a profile calls for it, an `optional` one only where a profile names it or has a section of it.
    """

    title: str
    device: Literal["gpu"] | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    solved: list[str] = Field(default_factory=list)
    user: dict[str, Any] | None = None
    implied: bool = False
    optional: bool = False


class Serving(Document):
    """`serving.yml`: where models are served by convention, and what services must leave of a machine (percent)."""

    ports: dict[str, int]
    range: tuple[int, int] = Field(strict=False)
    headroom: int
    gpu_headroom: int
    source: SourceText


class Release(Document):
    """A distribution release that hosts may run. Unless aimlsetup `sets_up` such hosts, it can only be solved for."""

    id: str
    version: str
    codename: str
    sets_up: bool = False
    python: VersionText
    glibc: VersionText
    wheels: str
    gcc: Annotated[tuple[VersionText, ...], Field(strict=False)]
    kernel: VersionText
    flavours: list[str]
    headers: str
    own_kernels: dict[str, str] = Field(default_factory=dict)
    newer_kernels: dict[str, str] = Field(default_factory=dict)
    source: SourceText


class Releases(Document):
    """`releases.yml`."""

    releases: list[Release]


class Variant(Document):
    """One way to get a release: what it needs besides (channel and distribution above all), and the exact packages.

    `packages` are apt's or pip's names with the exact version, or null where only an index can say it. `source` is a
    key of the file's `sources`.
    """

    needs: dict[str, Need]
    packages: dict[str, str | None] = Field(default_factory=dict)
    source: str
    recalled: bool = False


class Build(Variant):
    """A framework's wheels for GPUs, under one of the names in `distributions` (best first).

    `extra` is asked for with the wheel and brings `packages` (`tensorflow[and-cuda]`). `index` is the folder of the
    framework's own index of wheels (`cu126`) and their local version; without it they are on PyPI.
    """

    distributions: list[str]
    extra: str | None = None
    index: str | None = None


class FrameworkRelease(Document):
    """One release: {distribution: {architecture: [Python, …]}} of its wheels, and its bounds on other packages.

    `builds` are its ways onto a GPU, best first: a release without any has none. `toolchain` is what its GPU build was
    made and tested with ({bazel | gcc | clang: version}).
    """

    version: VersionText
    wheels: dict[str, dict[str, list[VersionText]]]
    requires: dict[str, SpecifierText] = Field(default_factory=dict)
    builds: list[Build] = Field(default_factory=list)
    toolchain: dict[str, VersionText] = Field(default_factory=dict)
    source: SourceText
    recalled: bool = False


class Rule(Document):
    """What the metadata of some releases leaves out. Without `architectures` it holds on all."""

    versions: SpecifierText
    architectures: list[str] = Field(default_factory=list)
    requires: dict[str, SpecifierText]
    text: str
    source: SourceText
    recalled: bool = False


class GpuRule(Document):
    """What the GPU builds of some releases need besides their own `needs`; `source` is a key of the file's `sources`.

    `beside` binds parts that they can use and do not need: it holds where something else asks for the part.
    """

    versions: SpecifierText
    needs: dict[str, Need] = Field(default_factory=dict)
    beside: dict[str, Need] = Field(default_factory=dict)
    text: str
    source: str
    recalled: bool = False


class Framework(Document):
    """`tensorflow.yml`, `pytorch.yml`; `devices` names, for each device, the distributions to prefer, best first.

    `sources` gives a short key to what builds and GPU rules refer to.
    """

    framework: str
    devices: dict[str, list[str]]
    wheels_source: SourceText
    sources: dict[str, SourceText] = Field(default_factory=dict)
    rules: list[Rule]
    gpu_rules: list[GpuRule] = Field(default_factory=list)
    releases: list[FrameworkRelease]

    def distributions(self) -> list[str]:
        """Every distribution of this framework, as the preferences name them."""
        return list(dict.fromkeys(name for names in self.devices.values() for name in names))
