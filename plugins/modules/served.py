#!/usr/bin/python
"""Ansible module: how services of this host stand, and whether they answer."""

DOCUMENTATION = r"""
---
module: served
short_description: Tell of each service whether its unit runs and whether it answers
description:
  - Asks all O(services) at once on the host itself. Reads only.
options:
  services:
    description: The services.
    type: list
    elements: dict
    required: true
    options:
      unit:
        description: Name of its unit, with suffix.
        type: str
        required: true
      url:
        description: What answers 200 when it is healthy.
        type: str
        required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Ask
  codehub.aimlsetup.served:
    services:
      - {unit: codehub-ai@vidteq-rld-1.service, url: "http://127.0.0.1:4100/api/vision/v2/health"}
"""

RETURN = r"""
services:
  description: In the order of O(services), each with C(state) (of the unit) and C(said) (null when it answers 200).
  type: list
  elements: dict
  returned: always
"""

from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import health, systemd

OPTIONS = {
    "services": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"unit": {"type": "str", "required": True}, "url": {"type": "str", "required": True}},
    }
}
AT_ONCE = 16


def standing(service):
    """Its unit's state with what it says of itself, and what its URL says."""
    found = systemd.show(service["unit"], "ActiveState", "SubState", "StatusText")
    said = health.answer(service["url"])
    if said is not None and found.get("StatusText", "").startswith("not started"):
        said = found["StatusText"]
    return {"state": "%s (%s)" % (found.get("ActiveState", "?"), found.get("SubState", "?")), "said": said}


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        module.exit_json(changed=False, services=list(pool.map(standing, module.params["services"])))


if __name__ == "__main__":
    main()
