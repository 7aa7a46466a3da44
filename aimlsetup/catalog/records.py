"""Shapes of the catalog's files. Every record says where it was read; one that was only recalled pins nothing."""

from typing import Annotated, Any

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


class Component(Document):
    """What the catalog says of a component; its arguments themselves are described by its role.

    `arguments` are values for the role's arguments where the profile has none: `{roots.X}` and `{requests.X}` in them
    stand for the profile's shared parts, the latter as
    solved (`requests.environment` is the first environment's name). `solved` names arguments that the lock fills in
    (`envs.requirements` for a list's elements), which a profile may therefore leave out.
    """

    title: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    solved: list[str] = Field(default_factory=list)


class Release(Document):
    """A distribution release that hosts may run."""

    id: str
    version: str
    codename: str
    python: VersionText
    wheels: str
    source: SourceText


class Releases(Document):
    """`releases.yml`."""

    releases: list[Release]


class Source(Document):
    """A place things are fetched from; `url` null means as the fetching machine is configured."""

    title: str
    url: str | None


class Sources(Document):
    """`sources.yml`."""

    sources: dict[str, Source]


class FrameworkRelease(Document):
    """One release: {distribution: {architecture: [Python, …]}} of its wheels, and its bounds on other packages."""

    version: VersionText
    wheels: dict[str, dict[str, list[VersionText]]]
    requires: dict[str, SpecifierText] = Field(default_factory=dict)
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


class Framework(Document):
    """`tensorflow.yml`; `devices` names, for each device, the distributions to prefer, best first."""

    framework: str
    devices: dict[str, list[str]]
    wheels_source: SourceText
    rules: list[Rule]
    releases: list[FrameworkRelease]

    def distributions(self) -> list[str]:
        """Every distribution of this framework, as the preferences name them."""
        return list(dict.fromkeys(name for names in self.devices.values() for name in names))
