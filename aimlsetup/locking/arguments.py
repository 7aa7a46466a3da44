"""A value for every argument of every role: profile over solution over catalog over the role's defaults. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.errors import AimlsetupError, Exit

REFERENCE = re.compile(r"\{(roots|requests|sources|user)\.(\w+)\}")

# Such as {"roots": {"codehub": "/codehub"}, "requests": {"python": "3.11"}, "sources": {"pypi": None}}.
Shared = Mapping[str, Mapping[str, Any]]


def fill(
    component: str,
    section: Mapping[str, Any],
    solved: Mapping[str, Any],
    shared: Shared,
    catalog: Catalog,
    *,
    rootless: bool = False,
) -> dict[str, Any]:
    """All arguments of `component`'s role by full variable name. A required one without a value is an error.

    Where nobody is root, what the catalog has for that stands before its other values.
    """
    prefix, entry = f"{component}_", catalog.components[component]
    own = {name: expand(value, shared) for name, value in (entry.user or {}).items()} if rootless else {}
    templates = {name: expand(value, shared) for name, value in entry.arguments.items()} | own
    filled = {}
    for variable, option in catalog.options[component].items():
        name = variable.removeprefix(prefix)
        given = next((values[name] for values in (solved, section, templates) if name in values), None)
        default = catalog.defaults[component].get(variable, option.get("default"))
        filled[variable] = given if given is not None or name in section or name in own else default
        if filled[variable] is None and option.get("required"):
            raise AimlsetupError(
                "argument-missing",
                f"{component}.{name} has no value",
                context=[f"expected: {option.get('type', 'str')}"],
                hint=f"set '{name}' in the section '{component}:' of the profile",
                exit_code=Exit.USAGE,
            )
    return filled


def expand(value: Any, shared: Shared) -> Any:
    """A value of the catalog with its references filled in; what is filled in is not looked at again."""
    if isinstance(value, str):
        whole = REFERENCE.fullmatch(value)
        if whole:
            return shared[whole[1]][whole[2]]
        return REFERENCE.sub(lambda found: str(shared[found[1]][found[2]]), value)
    if isinstance(value, Mapping):
        return {key: expand(item, shared) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, shared) for item in value]
    return value
