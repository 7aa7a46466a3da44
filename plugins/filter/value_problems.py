"""Jinja filter `value_problems`: role arguments that a unit, a configuration file or the network could not hold."""

DOCUMENTATION = r"""
---
name: value_problems
short_description: What is wrong with single role arguments
description:
  - Says of each argument whether it is of its kind, so that a role refuses it before it changes anything. A value of
    null is in order.
options:
  _input:
    description:
      - For each argument's name a list of its kind and its value, or values. Kinds are those of the plugin utility
        C(shapes), V(address), V(client), V(port) and V(seconds).
    type: dict
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
problems: "{{ {'jupyter_port': ['port', jupyter_port]} | codehub.aimlsetup.value_problems }}"
"""

RETURN = r"""
_value:
  description: One sentence per problem; none when all is in order.
  type: list
  elements: str
"""

from ansible_collections.codehub.aimlsetup.plugins.module_utils import shapes

NUMBERS = {"port": (1, 65535), "seconds": (1, 86400)}


def expected(kind, value):
    """None when a value is of this kind, else what was expected."""
    if kind in NUMBERS:
        low, high = NUMBERS[kind]
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"a number from {low} to {high}"
    addresses = {"address": shapes.expected_address, "client": shapes.expected_client}
    return addresses[kind](value) if kind in addresses else shapes.expected(kind, value)


def value_problems(arguments):
    """One sentence for each argument that is not of its kind. A secret's value is not in it."""
    found = []
    for name, (kind, given) in arguments.items():
        for value in given if isinstance(given, list) else [given]:
            words = None if value is None else expected(kind, value)
            if words:
                shown = "" if kind == "token" else f" {value!r}"
                found.append(f"{name}{shown}: expected {words}")
    return found


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"value_problems": value_problems}
