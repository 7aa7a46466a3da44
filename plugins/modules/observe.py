#!/usr/bin/python
"""Ansible module: what this host is, and whether every receipt on it still holds. Reads only.

The same file also runs as a plain script (`python3 observe.py [--deep]`, Python 3.6 on) and prints the document.
"""

DOCUMENTATION = r"""
---
module: observe
short_description: What a host is now, in one read-only call
description:
  - Returns facts (system, memory, disks, GPUs on the bus, kernel modules, Pythons, package locks) and, for every
    receipt, whether what it owns still is as recorded; and what is there that no receipt owns and a component could
    touch. Needs no arguments and changes nothing, in check mode or not.
options:
  deep:
    description: Hash every owned file, those of virtualenvs included, instead of comparing sizes and times.
    type: bool
    default: false
  directory:
    description: Where receipts lie.
    type: path
    default: /var/lib/aimlsetup/receipts
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: See what the host is
  codehub.aimlsetup.observe:
  register: __site_observation
"""

RETURN = r"""
observation:
  description:
    - C({"version", "facts", "lease", "receipts", "found"}). C(found) is what no receipt owns, by kind and name, as
      plugins/module_utils/found.py documents it. Each receipt has C(input_digest), C(secrets), C(outputs),
      C(consumed), C(dirty) (bool), C(owned) (names by kind) and C(differences) (rows of kind, name, field, expected,
      found; empty where everything still holds).
  type: dict
  returned: always
"""

import json
import os
import sys

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import facts, found, lease, receipts, state, unowned
except ImportError:  # a plain script: what it shares with the other modules lies beside it
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "module_utils"))
    import facts
    import found
    import lease
    import receipts
    import state
    import unowned

VERSION = 1


def examine(receipt, taken):
    """One receipt's summary; `taken` is the state of everything any receipt owns."""
    owned = receipt.get("owned", {})
    return {
        "input_digest": receipt.get("input_digest"),
        "secrets": receipt.get("secrets"),
        "outputs": receipt.get("outputs", {}),
        "consumed": receipt.get("consumed", {}),
        "dirty": bool(receipt.get("dirty")),
        "owned": receipts.names(owned),
        "differences": state.differences(owned, taken),
    }


def observation(directory, deep=False):
    """The whole document. Raises ValueError for a file among the receipts that is none."""
    known = receipts.load_all(directory)
    names = {}
    for receipt in known.values():
        names = receipts.union(names, receipts.names(receipt.get("owned", {})))
    taken = state.take(names, deep)
    return {
        "version": VERSION,
        "facts": facts.gather(),
        "lease": lease.read(),
        "receipts": {component: examine(receipt, taken) for component, receipt in known.items()},
        "found": found.gather(unowned.ours(known)),
    }


def as_module():
    """Answer Ansible."""
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        argument_spec={
            "deep": {"type": "bool", "default": False},
            "directory": {"type": "path", "default": receipts.DIRECTORY},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, observation=observation(module.params["directory"], module.params["deep"]))
    except ValueError as error:
        module.fail_json(msg="%s. Move the file away and apply again: the component is then made anew." % error)


def as_script(arguments):
    """Print the document as JSON."""
    json.dump(observation(receipts.DIRECTORY, "--deep" in arguments), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    if "facts" in sys.modules and "ansible_collections" not in sys.modules:
        as_script(sys.argv[1:])
    else:
        as_module()
