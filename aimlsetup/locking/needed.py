"""Packages that environments need for what is to run in them, beside those that the profile names. Pure."""

from collections.abc import Iterator
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aimlsetup.catalog import Catalog
from aimlsetup.locking.capacity import COMPONENT, wanted
from aimlsetup.models.profile import Profile

ENVIRONMENTS = "python_env"
OF_KIND = {"redis": "redis", "mongodb": "pymongo"}  # of a service's needs


def with_needed(profile: Profile, catalog: Catalog) -> Profile:
    """The profile whose environments hold what its services are asked with before they start."""
    section = profile.sections.get(ENVIRONMENTS, {})
    packages: dict[str, list[str]] = {}
    for env, package in _packages(profile, catalog):
        packages.setdefault(env, []).append(package)
    if not packages:
        return profile
    envs = [_with(entry, packages.get(entry["name"], [])) for entry in section.get("envs") or []]
    return profile.model_copy(update={"sections": {**profile.sections, ENVIRONMENTS: {**section, "envs": envs}}})


def _packages(profile: Profile, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """(environment, package)."""
    default = catalog.options[COMPONENT][f"{COMPONENT}_services"]["options"]["env"]["default"]
    for service in wanted(profile):
        needs = list(service.get("needs") or [])
        if service.get("queue") and not any(need["kind"] == "redis" for need in needs):
            needs.append({"kind": "redis", "config": "REDISCFG"})
        for need in needs:
            packages = [OF_KIND[need["kind"]]] if need["kind"] in OF_KIND else []
            for package in [*packages, *(["pyyaml"] if need.get("config") else [])]:
                yield service.get("env") or default, package


def _with(entry: dict[str, Any], packages: list[str]) -> dict[str, Any]:
    """An environment with packages that it does not name; one that others keep up stays as it is."""
    lines = list(entry.get("requirements") or [])
    named = {canonicalize_name(Requirement(line).name) for line in lines}
    more = [package for package in dict.fromkeys(packages) if package not in named]
    return entry if entry.get("existing") or not more else {**entry, "requirements": [*lines, *more]}
