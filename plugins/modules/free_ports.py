#!/usr/bin/python
"""Ansible module: whether TCP ports are free, or a unit's already. Reads only."""

DOCUMENTATION = r"""
---
module: free_ports
short_description: Refuse ports that another process listens on
description:
  - Fails where one of O(ports) is in use by anything but O(unit), and says by what. For roles that install packages
    before they start their service, so that nothing is installed for a service that could not start.
options:
  ports:
    description: TCP ports.
    type: list
    elements: int
    required: true
  unit:
    description: Name of the service's unit, with its suffix.
    type: str
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Preflight | Ports
  codehub.aimlsetup.free_ports:
    ports: [8500, 8501]
    unit: codehub-tf-serving.service
"""

RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import systemd

OPTIONS = {
    "ports": {"type": "list", "elements": "int", "required": True},
    "unit": {"type": "str", "required": True},
}


def taken(ports, held, unit):
    """Words about those of `ports` that somebody else holds, as `systemd.holders` says."""
    ours = "unit " + unit
    return ["port %d is in use by %s" % (port, held[port]) for port in ports if not held.get(port, ours).endswith(ours)]


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    found = taken(module.params["ports"], systemd.holders(), module.params["unit"])
    if found:
        module.fail_json(
            msg="%s: %s. Nothing was changed: stop that, or choose another port."
            % (module.params["unit"], "; ".join(found))
        )
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
