"""Presets: named wish lists that a profile may begin with."""

from functools import cache
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import AfterValidator, Field

from aimlsetup import catalog, files
from aimlsetup.catalog.records import SourceText
from aimlsetup.models.base import Document
from aimlsetup.models.profile import Requests


def _requirement(value: str) -> str:
    try:
        Requirement(value)
    except InvalidRequirement:
        raise ValueError("a requirement is expected, such as 'keras==2.2.4'") from None
    return value


class Preset(Document):
    """Wishes as in a profile, and requirements for the environment that gets the framework.

    Only the keys of `requests` that the preset itself has are its wishes: `requests.model_fields_set`.
    """

    title: str
    description: str
    requests: Requests
    packages: list[Annotated[str, AfterValidator(_requirement)]] = Field(default_factory=list)
    source: SourceText


class Presets(Document):
    """`presets.yml`."""

    presets: dict[str, Preset]


@cache
def load() -> dict[str, Preset]:
    """All of them by name, in the order in which to offer them."""
    return files.check(files.read(catalog.HERE / "presets.yml"), Presets, "catalog").presets
