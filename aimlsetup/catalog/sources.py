"""Shapes of `sources.yml`: the places things are fetched from, and the keys that sign what lies there."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from aimlsetup.catalog.records import SourceText
from aimlsetup.models.base import Document

Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Key(Document):
    """An OpenPGP key. Without `fingerprint` only `long_id` (its last 16 digits) or `short_id` (8) was read anywhere.

    From `retired` on it signs nothing but what still names it; since `weak_since` verifiers of `weak_for` refuse it.
    """

    owner: str
    short_id: Annotated[str, Field(pattern="^[0-9A-F]{8}$")]
    long_id: Annotated[str, Field(pattern="^[0-9A-F]{16}$")] | None = None
    fingerprint: Annotated[str, Field(pattern="^[0-9A-F]{40}$")] | None = None
    retired: Day | None = None
    weak_since: Day | None = None
    weak_for: str | None = None
    source: SourceText

    @model_validator(mode="after")
    def _one_key(self) -> "Key":
        longest = self.fingerprint or self.long_id or self.short_id
        if not all(longest.endswith(given) for given in (self.long_id, self.short_id) if given):
            raise ValueError("short_id, long_id and fingerprint are not of one key")
        return self


class Preference(Document):
    """A stanza of apt's preferences."""

    package: str
    pin: str
    priority: Annotated[str, Field(pattern=r"^-?\d+$")]


class Apt(Document):
    """An apt repository, as its `Types: deb` stanza and its keyring need it.

    `arches` are the host's names and those in the URL. `keys` are names in the file's `keys`, by distribution
    (`debian12`); where it is empty, `keyring` is the distribution's own and lies on every host of it. `lists` are
    files in sources.list.d that older instructions left for the same repository.

    `channel` is the one whose packages it has, for `distribution` (any that `keys` names); `stack` are the components
    that have some of them, all where it is empty.
    """

    channel: Annotated[str, Field(pattern="^(nvidia|distro)$")] | None = None
    distribution: str | None = None
    suites: list[str]
    components: list[str] = Field(default_factory=list)
    stack: list[str] = Field(default_factory=list)
    arches: dict[str, str] = Field(default_factory=dict)
    keys: dict[str, str] = Field(default_factory=dict)
    keyring: str
    key_url: str | None = None
    preferences: list[Preference] = Field(default_factory=list)
    lists: list[str] = Field(default_factory=list)


class Source(Document):
    """A place things are fetched from; `url` null means as the fetching machine is configured.

    `{distro}`, `{arch}`, `{codename}`, `{cuda}` and `{key}` stand for what the host and the solution say (`debian12`,
    `sbsa`, `bookworm`, `cu126`, `3bf863cc`). A profile's `sources` replaces `url` and may use the same names.
    """

    title: str
    url: str | None
    apt: Apt | None = None
    source: SourceText | None = None


class Sources(Document):
    """`sources.yml`."""

    keys: dict[str, Key]
    sources: dict[str, Source]


def fill(template: str, names: Mapping[str, str]) -> str:
    """A URL or suite with the names in braces replaced; what is not among `names` stays as it is."""
    for name, value in names.items():
        template = template.replace(f"{{{name}}}", value)
    return template
