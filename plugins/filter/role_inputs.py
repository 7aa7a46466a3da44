"""Jinja filter `role_inputs`: the input digest of the role that runs."""

DOCUMENTATION = r"""
---
name: role_inputs
short_description: What the running role was given, as a digest
description:
  - Reads the role's argument spec, looks up each argument among the variables in scope, and returns the input digest
    and the secrets apart, as the receipt module takes them.
options:
  _input:
    description: The role's directory, V(role_path).
    type: path
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
inputs: "{{ role_path | codehub.aimlsetup.role_inputs }}"
"""

RETURN = r"""
_value:
  description: C({"digest", "secrets"}).
  type: dict
"""

from pathlib import Path

import jinja2
import yaml
from ansible_collections.codehub.aimlsetup.plugins.module_utils import digest


@jinja2.pass_context
def role_inputs(context, role_path):
    """`{"digest": "sha256:…", "secrets": {…}}` of the role at `role_path`, from the variables in scope."""
    spec = yaml.safe_load(Path(role_path, "meta", "argument_specs.yml").read_text())
    options = spec["argument_specs"]["main"]["options"]
    arguments = {name: context.resolve_or_missing(name) for name in options}
    known = {name: digest.plain(value) for name, value in arguments.items() if value is not jinja2.runtime.missing}
    return digest.role_inputs(known, options, role_path)


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"role_inputs": role_inputs}
