"""What services of one environment, such as JupyterLab, need in it: the lock adds it where the profile leaves it out.

Pure.
"""

from collections.abc import Container, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aimlsetup.models.profile import Profile

ENVIRONMENTS = "python_env"
# The package that each has its program from; of jupyter's two programs, by which the profile chooses.
PACKAGES = {"tensorboard": "tensorboard", "jupyter": "jupyterlab"}
OTHERS = {("jupyter", "jupyter-server"): "jupyter-server"}


def equipped(profile: Profile, chosen: Container[str]) -> Profile:
    """The profile with what the `chosen` components need in the environments that they run in.

    An environment that others keep up stays as it is: there the role says what is missing.
    """
    section = profile.sections.get(ENVIRONMENTS, {})
    envs = list(section.get("envs") or [])
    for tool in PACKAGES:
        if tool in chosen and envs:
            own = profile.sections.get(tool, {})
            name, package = own.get("env") or envs[0]["name"], needed(tool, own)
            envs = [_with(entry, package) if entry["name"] == name else entry for entry in envs]
    if envs == list(section.get("envs") or []):
        return profile
    sections = {**profile.sections, ENVIRONMENTS: {**section, "envs": envs}}
    return profile.model_copy(update={"sections": sections})


def needed(tool: str, own: Mapping[str, Any]) -> str:
    """The package that has the program which a tool's section asks for."""
    return OTHERS.get((tool, own.get("command", "")), PACKAGES[tool])


def _with(entry: Mapping[str, Any], package: str) -> Mapping[str, Any]:
    """An environment with a package, in any version, unless it names it itself."""
    lines = list(entry.get("requirements") or [])
    named = {canonicalize_name(Requirement(line).name) for line in lines}
    if entry.get("existing") or package in named:
        return entry
    return {**entry, "requirements": [*lines, package]}
