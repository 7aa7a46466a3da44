"""Reading a profile: its own keys, the components' sections as their roles describe them, and what goes together."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, create_model

from aimlsetup import catalog, files
from aimlsetup.catalog import checks
from aimlsetup.catalog.sections import section_model
from aimlsetup.models.base import Document
from aimlsetup.models.profile import Profile


@cache
def file_model() -> type[BaseModel]:
    """The whole of `aimlsetup.yml`: the profile's own keys, and one optional section per component."""
    known = catalog.load()
    fields: dict[str, Any] = {
        name: (info.annotation, info) for name, info in Profile.model_fields.items() if name != "sections"
    }
    fields |= {
        name: (section_model(name, known.options[name], entry.solved) | None, None)
        for name, entry in known.components.items()
    }
    model: type[BaseModel] = create_model("Profile", __base__=Document, __doc__="aimlsetup.yml", **fields)
    return model


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
    own = {key: value for key, value in data.items() if key not in known.components}
    sections = {key: value for key, value in data.items() if key in known.components and value is not None}
    return Profile.model_validate({**own, "sections": sections})
