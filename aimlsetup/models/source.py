"""The sources that a profile uses, and what each of them answers."""

from typing import Literal

from aimlsetup.models.base import Document


class Use(Document):
    """One place that something is fetched from, filled in for a platform where it differs between them.

    `source` is its name in the catalog, or the key of the profile that has it; `url` is None where it is as the machine
    that fetches is configured. `used_by` are `lock` and components; what is not `needed` is only asked for what it has.
    `account` is the name it is asked with, where the profile has one for it.
    """

    source: str
    kind: Literal["apt", "index", "git", "download", "proxy", "authority"]
    title: str
    url: str | None
    origin: Literal["catalog", "profile", "machine"]
    platform: str | None = None
    used_by: tuple[str, ...] = ()
    needed: bool = True
    account: str | None = None


class Answer(Document):
    """What a source said: `answers` is None where it was not asked. `next` is what to do about it."""

    answers: bool | None
    said: str
    next: str | None = None
