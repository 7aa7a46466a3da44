#!/usr/bin/python
"""Ansible module: what `aimlsetup doctor` judges a host's GPU stack by. Reads only, and needs no root.

The same file also runs as a plain script (`python3 doctor.py [--env DIRECTORY] [--root DIRECTORY]`, Python 3.6 on) and
prints the document.
"""

DOCUMENTATION = r"""
---
module: doctor
short_description: Gather what a host's GPU stack is judged by
description:
  - Returns the GPUs, driver, kernel modules and their builds, packages, apt's sources and keys, libraries and, for one
    Python environment, what its frameworks were built for. Changes nothing, in check mode or not, and needs no root.
  - It judges nothing. C(aimlsetup doctor) does, with the catalog.
options:
  environment:
    description: Directory of a virtualenv or conda environment to look into.
    type: path
  root:
    description: Where /proc, /sys, /dev and /lib/modules are read; another one is an arranged copy.
    type: path
    default: /
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: See what the GPU stack is
  codehub.aimlsetup.doctor:
    environment: /virtualmachines/virtualenvs/py_3
  register: __site_doctor
"""

RETURN = r"""
evidence:
  description:
    - C({"version", "gpus", "nvidia", "dkms", "sources", "libraries", "environment", …}).
    - As C(plugins/module_utils/evidence.py) documents it.
  type: dict
  returned: always
"""

import json
import os
import sys

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import evidence
except ImportError:  # a plain script: what it shares with the other modules lies beside it
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "module_utils"))
    import evidence


def as_module():
    """Answer Ansible."""
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        argument_spec={"environment": {"type": "path"}, "root": {"type": "path", "default": "/"}},
        supports_check_mode=True,
    )
    found = evidence.gather(module.params["root"], module.params["environment"])
    module.exit_json(changed=False, evidence=found)


def as_script(arguments):
    """Print the document as JSON. A mistake in the arguments ends with argparse's words and status 2."""
    import argparse

    parser = argparse.ArgumentParser(description="What a host's GPU stack is judged by, as JSON.")
    parser.add_argument("--env", metavar="DIRECTORY", help="a Python environment to look into")
    parser.add_argument("--root", metavar="DIRECTORY", default="/", help="where /proc, /sys and /dev are read")
    chosen = parser.parse_args(arguments)
    json.dump(evidence.gather(chosen.root, chosen.env), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    if "evidence" in sys.modules and "ansible_collections" not in sys.modules:
        as_script(sys.argv[1:])
    else:
        as_module()
