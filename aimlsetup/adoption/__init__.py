"""What a host has that was made by hand → the profile that describes it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aimlsetup.adoption import things, tree
from aimlsetup.adoption.overrides import Documents, Generated
from aimlsetup.adoption.tree import Places
from aimlsetup.models.observation import Observation

__all__ = ["Adopted", "Documents", "Generated", "Places", "adopt"]
ORDER = ("base", "codehub", "data_links", "python_env", "repos", "ai_service")


@dataclass
class Adopted:
    """A profile; what was left out of it, each with the reason; and what its reader should know."""

    profile: dict[str, Any]
    left: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def adopt(host: Mapping[str, Any], found: Observation, documents: Documents, generated: Generated) -> Adopted:
    """Describe what was `found`. `host` is the profile's entry, {name: how it is reached}.

    `documents` are its configuration files' contents, `generated` what aimlsetup would write without overrides.
    """
    places = tree.places(found)
    made = Adopted({"version": 1, "hosts": dict(host)})
    sections: dict[str, dict[str, Any]] = {"base": tree.base(found, places), "codehub": tree.codehub(found, places)}
    overrides = documents.overrides(generated, places)
    sections["codehub"] |= overrides.section
    made.notes += overrides.notes
    for component, part in (
        ("data_links", things.links(found, places)),
        ("python_env", things.environments(found, places)),
        ("repos", things.checkouts(found)),
        ("ai_service", things.services(found)),
    ):
        made.left |= part.left
        made.notes += part.notes
        if part.section:
            sections[component] = part.section
    made.left |= overrides.left | things.others(found, places)
    made.profile["components"] = [name for name in ORDER if name in sections]
    if wished := places.wished():
        made.profile["roots"] = wished
    made.profile |= {name: sections[name] for name in ORDER if name in sections}
    return made
