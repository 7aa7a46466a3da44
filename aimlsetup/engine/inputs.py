"""What a role is given: the lock's arguments with their secrets, and the input digest its receipt must show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aimlsetup import content
from aimlsetup.catalog import role_options
from aimlsetup.engine.secrets import Secrets, references, substitute
from aimlsetup.models.plan import Expected


@dataclass
class Given:
    """Variables for a run, and the names of those that hold secrets."""

    variables: dict[str, Any] = field(default_factory=dict)
    secret: set[str] = field(default_factory=set)


options = cache(role_options)


def declared(components: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """All references to secrets among the arguments of these components."""
    found = (references(arguments, options(component)) for component, arguments in components.items())
    return {reference for part in found for reference in part.values()}


def expected(components: Mapping[str, Mapping[str, Any]], secrets: Secrets) -> dict[str, Expected]:
    """What the receipts of these components must say. Secrets that would have to be asked for are not judged."""
    return {component: _expected(component, arguments, secrets) for component, arguments in components.items()}


def _expected(component: str, arguments: Mapping[str, Any], secrets: Secrets) -> Expected:
    known: dict[str, str] = {}
    for reference in references(arguments, options(component)).values():
        value = secrets.quietly(reference)
        if value is not None:
            known[reference] = value
    unknown = {path for path, found in references(arguments, options(component)).items() if found not in known}
    filled = _substituted(component, arguments, lambda reference: known.get(reference, reference))
    inputs = content.util("digest").role_inputs(filled, options(component), str(content.role(component)))
    return Expected(inputs["digest"], {path: value for path, value in inputs["secrets"].items() if path not in unknown})


def given(components: Mapping[str, Mapping[str, Any]], secrets: Secrets, host: str) -> Given:
    """The variables for running these components on a host, secrets resolved (asked for where need be)."""
    made = Given()
    for component, arguments in components.items():
        named = {path.split(".")[0].split("[")[0] for path in references(arguments, options(component))}
        made.secret |= named
        made.variables |= _substituted(component, arguments, lambda reference: secrets.resolve(reference, host))
    return made


def _substituted(component: str, arguments: Mapping[str, Any], resolve: Callable[[str], str]) -> dict[str, Any]:
    spec = {"type": "dict", "options": options(component)}
    filled: dict[str, Any] = substitute(dict(arguments), spec, resolve)
    return filled
