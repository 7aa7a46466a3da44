"""Jinja filter `spec_defaults`: a role argument with what its spec says of suboptions filled in."""

DOCUMENTATION = r"""
---
name: spec_defaults
short_description: A role argument as its spec means it
description:
  - Ansible checks a role's arguments against the spec but leaves suboptions that the caller omitted undefined. This
    fills in their defaults and coerces types, so that the spec is the only place that says them.
options:
  _input:
    description: Value of the argument.
    type: raw
    required: true
  role_path:
    description: The role's directory, V(role_path).
    type: path
    required: true
  argument:
    description: Name of the argument.
    type: str
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
services: "{{ ai_service_services | codehub.aimlsetup.spec_defaults(role_path, 'ai_service_services') }}"
"""

RETURN = r"""
_value:
  description: The argument, complete.
  type: raw
"""

from pathlib import Path

import yaml
from ansible_collections.codehub.aimlsetup.plugins.module_utils import digest


def spec_defaults(value, role_path, argument):
    """`value` of the role's `argument`, suboptions' defaults and types as `meta/argument_specs.yml` says."""
    spec = yaml.safe_load(Path(role_path, "meta", "argument_specs.yml").read_text())
    return digest.normalise(value, spec["argument_specs"]["main"]["options"][argument])


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"spec_defaults": spec_defaults}
