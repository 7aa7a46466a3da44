"""Reading a profile: its own keys, the components' sections as their roles describe them, and what goes together."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, create_model

from aimlsetup import catalog, files
from aimlsetup.catalog import checks
from aimlsetup.catalog.sections import section_model
from aimlsetup.models.base import Document
from aimlsetup.models.profile import Layer, Profile


@cache
def file_model() -> type[BaseModel]:
    """The whole of `aimlsetup.yml`: the profile's own keys, and one optional section per component."""
    known = catalog.load()
    sections: dict[str, Any] = {
        name: (section_model(name, known.options[name], entry.solved) | None, None)
        for name, entry in known.components.items()
    }
    group: Any = create_model("Group", __base__=Document, __doc__=Layer.__doc__, **_own(Layer), **sections)
    fields = _own(Profile) | {"groups": (dict[str, group], Profile.model_fields["groups"])}
    model: type[BaseModel] = create_model("Profile", __base__=Document, __doc__="aimlsetup.yml", **fields, **sections)
    return model


def _own(model: type[Document]) -> dict[str, Any]:
    """The fields but for the components' sections."""
    return {name: (info.annotation, info) for name, info in model.model_fields.items() if name != "sections"}


def read(path: Path) -> Profile:
    """The profile in a file. Errors have exit code 2 and name file, line and column."""
    return accept(files.read(path))


def accept(source: files.YamlFile) -> Profile:
    """The same for a file that is already parsed."""
    files.check(source, file_model(), "profile")
    known = catalog.load()
    data = source.data or {}
    found = list(checks.problems(data, known))
    if found:
        raise source.error("profile-invalid", found)
    groups = {name: _with_sections(group, known) for name, group in (data.get("groups") or {}).items()}
    return Profile.model_validate(_with_sections({**data, "groups": groups}, known))


def _with_sections(data: Mapping[str, Any], known: catalog.Catalog) -> dict[str, Any]:
    """The components' sections under a key of their own."""
    own = {key: value for key, value in data.items() if key not in known.components}
    sections = {key: value for key, value in data.items() if key in known.components and value is not None}
    return {**own, "sections": sections}
