#!/usr/bin/python
"""Ansible module: run something once as a systemd unit, and leave nothing of it behind."""

DOCUMENTATION = r"""
---
module: run_unit
short_description: Run a oneshot unit to its end and remove it
description:
  - Runs what a service's own bounds and account would let it do, to see whether it can. The task fails with the unit's
    last words. Nothing of the unit is left.
options:
  unit:
    description: Name of the unit, with suffix. It must not be one that is there already.
    type: str
    required: true
  text:
    description: Text of a unit of C(Type=oneshot), which has to bound its own time.
    type: str
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Look
  codehub.aimlsetup.run_unit:
    unit: codehub-ai-vidteq-rld-1-device.service
    text: "{{ lookup('ansible.builtin.template', 'device.j2') }}"
"""

RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import systemd

OPTIONS = {"unit": {"type": "str", "required": True}, "text": {"type": "str", "required": True}}


def main():
    """Run the module. It runs in check mode as well, as it changes nothing that stays."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        systemd.run_once(module.params["unit"], module.params["text"])
    except systemd.Failed as failure:
        module.fail_json(msg="%s: %s" % (module.params["unit"], failure))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
