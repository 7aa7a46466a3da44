"""Jinja filter `value_problems`: which arguments of a role are not what they must be."""

DOCUMENTATION = r"""
---
name: value_problems
short_description: What is wrong with the values that end up in files
description:
  - Says of each value what was expected, by the same rules that profiles are read with. A value that is unset is none.
options:
  _input:
    description: The values, each a text, a number or a list of them, by the option's name.
    type: dict
    required: true
  kinds:
    description: What each must be, by the option's name; V(address), V(port), or a kind of F(module_utils/shapes.py).
    type: dict
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
problems: "{{ {'redis_port': redis_port} | codehub.aimlsetup.value_problems({'redis_port': 'port'}) }}"
"""

RETURN = r"""
_value:
  description: One sentence per value that is not accepted.
  type: list
  elements: str
"""

from ansible_collections.codehub.aimlsetup.plugins.module_utils import shapes


def expected(kind, value):
    """None when a value is of this kind, else what was expected."""
    if kind == "address":
        return shapes.expected_address(value)
    if kind == "port":
        return None if isinstance(value, int) and 1 <= value <= 65535 else "a port, from 1 to 65535"
    return shapes.expected(kind, value)


def value_problems(values, kinds):
    """Sentences about values that are not of their kind."""
    found = []
    for name, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            words = None if item is None else expected(kinds[name], item)
            if words:
                found.append(f"{name}: {str(item)[:60]!r} is not accepted, expected {words}")
    return found


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"value_problems": value_problems}
