"""Jinja filter `without`: a mapping without some of its keys, at any depth."""

DOCUMENTATION = r"""
---
name: without
short_description: A mapping without the keys of these names
options:
  _input:
    description: The mapping.
    type: dict
    required: true
  names:
    description: Keys; those of inner mappings after the outer key and a dot. What is not there is no error.
    type: list
    elements: str
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
settings: "{{ {'a': 1, 'b': {'c': 2, 'd': 3}} | codehub.aimlsetup.without(['a', 'b.c']) }}"
"""

RETURN = r"""
_value:
  description: A new mapping.
  type: dict
"""


def without(mapping, names):
    """A copy of the mapping without these keys."""
    inner = {}
    for name in names:
        key, _dot, rest = name.partition(".")
        inner.setdefault(key, []).append(rest)
    return {
        key: without(value, [rest for rest in inner.get(key, []) if rest]) if isinstance(value, dict) else value
        for key, value in mapping.items()
        if "" not in inner.get(key, [])
    }


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"without": without}
