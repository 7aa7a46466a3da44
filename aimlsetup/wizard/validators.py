"""What answers must be like: each function takes a value and the scene, and says what was expected instead. Pure.

The profile's types and the catalog decide wherever they can; here stands what a person should hear before a whole
profile is read.
"""

import re
from collections.abc import Callable
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import TypeAdapter, ValidationError

from aimlsetup.catalog import values
from aimlsetup.models.profile import Address, HostName
from aimlsetup.wizard.question import Scene

Validator = Callable[[Any, Scene], str | None]

LONGEST = 50  # of a list that is asked item by item


def anything(_value: Any, _scene: Scene) -> None:
    """Whatever the kind allows."""


def fits(annotation: Any, *, optional: bool = False) -> Validator:
    """What a type of the profile's models accepts."""
    adapter = TypeAdapter(annotation)

    def check(value: Any, _scene: Scene) -> str | None:
        if optional and value is None:
            return None
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError as error:
            return error.errors()[0]["msg"].removeprefix("Value error, ")
        return None

    return check


def shaped(kind: str, *, optional: bool = False) -> Validator:
    """Text, or a list of texts, of a kind that the catalog knows (`aimlsetup.catalog.values`)."""

    def check(value: Any, _scene: Scene) -> str | None:
        texts = value if isinstance(value, list) else [value or ""]
        faults = (values.expected(kind, text) for text in texts)
        words = None if optional and value is None else next((fault for fault in faults if fault), None)
        return f"{words} is expected" if words else None

    return check


def matches(pattern: str, expected: str) -> Validator:
    """Text that a regular expression matches whole."""
    return lambda value, _scene: None if re.fullmatch(pattern, value or "") else f"{expected} expected"


def count(value: Any, _scene: Scene) -> str | None:
    """How many items of a list to ask for."""
    good = value is not None and value <= LONGEST
    return None if good else f"a number up to {LONGEST} is expected; write the profile by hand for more"


ADDRESS = fits(Address)
HOST_NAME = fits(HostName)


def addresses(value: Any, scene: Scene) -> str | None:
    """Host names, addresses or names of the user's ssh configuration."""
    if not value:
        return "at least one host name or address is expected"
    for word in value:
        fault = ADDRESS(word, scene) or HOST_NAME(host_name(word), scene)
        if fault:
            return f"{fault}; several are separated by blanks"
    return None if len(set(map(host_name, value))) == len(value) else "each host once is expected"


def host_name(address: str) -> str:
    """What a host of this address is called in the profile."""
    return address.replace(":", "-")


def version_wish(value: Any, _scene: Scene) -> str | None:
    """A version or PEP 440 specifiers."""
    if value is None:
        return None
    try:
        Version(value)
    except InvalidVersion:
        try:
            SpecifierSet(value)
        except InvalidSpecifier:
            return "a version such as 3.11, or specifiers such as >=2.16,<2.21 are expected"
    return None


def requirements(value: Any, _scene: Scene) -> str | None:
    """PEP 508 requirements."""
    for word in value:
        try:
            Requirement(word)
        except InvalidRequirement:
            return "requirements such as falcon>=4 gunicorn are expected, each without blanks or in quotes"
    return None


def port_of(item: int) -> Validator:
    """A port no other service in these answers has."""

    def check(value: Any, scene: Scene) -> str | None:
        if value is None or not 1 <= value <= 65535:
            return "a port from 1 to 65535 is expected"
        others = (other for other in range(1, item) if scene.answers.get(f"services.{other}.port") == value)
        clash = next(others, None)
        return f"a port of its own is expected: service {clash} has this one" if clash else None

    return check
