#!/usr/bin/python
"""Ansible module: take or give back the host's lease."""

DOCUMENTATION = r"""
---
module: lease
short_description: Take or give back the lease that keeps a second apply off this host
description:
  - Writing modules renew the lease by themselves; a play takes it first and gives it back last. It lies in /run, names
    its holder, and never outlives a boot. Not a change of the host, so never reported as one.
options:
  state:
    description: Whether to take or to give back.
    type: str
    choices: [held, released]
    default: held
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Give the lease back
  codehub.aimlsetup.lease:
    state: released
"""

RETURN = r"""#"""

from ansible_collections.codehub.aimlsetup.plugins.module_utils import lease
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer


def main():
    """Run the module."""
    module = writer({"state": {"type": "str", "choices": ["held", "released"], "default": "held"}})
    if module.params["state"] == "released" and not module.check_mode:
        lease.release(module.params["run"])
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
