"""What a person is asked for: the arguments that are yes, no, or not said yet."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

MARKUP = re.compile(r"\b[A-Z]\(([^)]*)\)")  # of Ansible's documentation: V(false)


class Consent(NamedTuple):
    """One argument that gives or refuses consent; None is neither."""

    name: str
    given: bool | None
    meaning: str


def consents(arguments: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]]) -> list[Consent]:
    """The consents among a component's arguments. `options` is its argument spec: a switch that has no default."""
    return [
        Consent(name, arguments.get(name), _meaning(option))
        for name, option in options.items()
        if option.get("type") == "bool" and option.get("default") is None and not option.get("required")
    ]


def _meaning(option: Mapping[str, Any]) -> str:
    text = option.get("description", "")
    return MARKUP.sub(r"\1", text if isinstance(text, str) else " ".join(text))
