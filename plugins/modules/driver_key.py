#!/usr/bin/python
"""Ansible module: hand this host's module signing key to the firmware, for Secure Boot."""

DOCUMENTATION = r"""
---
module: driver_key
short_description: Import DKMS' signing key for Secure Boot
description:
  - Where Secure Boot is on and does not know the key that DKMS signs with, C(mokutil --import) has the firmware ask for
    it at the next boot, with a one-time password. That is in a file which only root can read, and nowhere else.
  - Does nothing where Secure Boot is off, or the key is known or already waits.
options:
  root:
    description: Where F(/sys) is read.
    type: path
    default: /
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Build | Have the firmware ask for this host's key
  codehub.aimlsetup.driver_key:
"""

RETURN = r"""
password_file:
  description: Where the password of the waiting import is, null where none waits.
  type: str
  returned: always
"""

import os
import secrets
import string

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, driver, evidence, state
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

TOLD = (
    "the firmware asks for this host's signing key at the next boot: at the console choose `Enroll MOK`, `Continue`, "
    "`Yes`, type what `sudo cat %s` shows now, and `Reboot`"
)
LENGTH = 10  # of a password somebody types on a keyboard of unknown layout: letters and digits where all agree
LETTERS = "".join(letter for letter in string.ascii_lowercase if letter not in "azqwmyl")


def waits(key):
    """Whether the firmware will ask for this key at the next boot."""
    return "is already in the enrollment request" in state.run(["mokutil", "--test-key", key])[1]


def request(module):
    """Ask the firmware, by way of mokutil, which takes the password twice on its standard input."""
    password = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    atomic.write(driver.KEY_PASSWORD, (password + "\n").encode(), 0o600, 0, 0)
    status, output, error = module.run_command(
        ["mokutil", "--import", evidence.OWN_KEY], data="%s\n%s\n" % (password, password)
    )
    if status:
        os.unlink(driver.KEY_PASSWORD)
        said = (error or output).replace(password, "********").strip()
        module.fail_json(
            msg="mokutil --import %s: %s.\nhint: is mokutil installed, and the firmware's list of keys not full?"
            % (evidence.OWN_KEY, said)
        )


def main():
    """Run the module."""
    module = writer({"root": {"type": "path", "default": "/"}})
    boot = evidence.secure_boot(module.params["root"])
    wanted = boot["state"] == "on" and boot["validated"] and boot["enrolled"] is False
    if not wanted:
        if os.path.exists(driver.KEY_PASSWORD) and not module.check_mode:
            os.unlink(driver.KEY_PASSWORD)
        module.exit_json(changed=False, password_file=None)
    changed = not waits(evidence.OWN_KEY)
    if changed and not module.check_mode:
        request(module)
    module.warn(TOLD % driver.KEY_PASSWORD)
    module.exit_json(changed=changed, password_file=driver.KEY_PASSWORD)


if __name__ == "__main__":
    main()
