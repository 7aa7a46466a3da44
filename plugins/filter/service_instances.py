"""Jinja filters `service_instances` and `framework_variables`: the replicas of services, and what each is told."""

DOCUMENTATION = r"""
---
name: service_instances
short_description: The replicas of services, one entry for each process
description:
  - Gives every replica of every service its name (C(instance)), its number (from 1), its port (those of a service
    follow each other) and its GPU (taken in turn). V(framework_variables) says which environment variables bound one to
    its GPU.
options:
  _input:
    description: The services, complete.
    type: list
    elements: dict
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
replicas: "{{ services | codehub.aimlsetup.service_instances }}"
"""

RETURN = r"""
_value:
  description: The services as often as they have replicas.
  type: list
  elements: dict
"""

from ansible_collections.codehub.aimlsetup.plugins.module_utils import serving


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"service_instances": serving.instances, "framework_variables": serving.framework_variables}
