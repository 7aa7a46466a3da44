#!/usr/bin/python
"""Ansible module: who holds the GPU while its driver is about to change."""

DOCUMENTATION = r"""
---
module: driver_holders
short_description: List, and by consent stop, what holds the GPU
description:
  - Finds processes that have F(/dev/nvidia*) open. Display servers and the driver's own daemons are left out; anything
    else loses its GPU when the driver changes.
  - With consent services are stopped by systemctl, other processes by SIGTERM and, after O(patience), SIGKILL.
options:
  stop:
    description: Whether to stop them. Unset refuses and names them, V(false) leaves them and says so.
    type: bool
  patience:
    description: Seconds that a process has to end by itself.
    type: int
    default: 20
  root:
    description: Where F(/dev) is looked for.
    type: path
    default: /
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Install | Stop what holds the GPU
  codehub.aimlsetup.driver_holders:
    stop: true
"""

RETURN = r"""
holders:
  description: Each with pid, user, command and unit (null outside a service of the system's).
  type: list
  elements: dict
  returned: always
stopped:
  description: Services that were stopped and that nothing here starts again.
  type: list
  elements: str
  returned: always
"""

import contextlib
import os
import signal
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import driver, systemd
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "stop": {"type": "bool"},
    "patience": {"type": "int", "default": 20},
    "root": {"type": "path", "default": "/"},
}
BUSY = (
    "the driver is to change, and these processes hold the GPU:\n%s\nNothing was done.\nhint: end them and apply "
    "again; or set nvidia_driver_stop_processes to true (they are stopped: services by systemctl, others by SIGTERM, "
    "then SIGKILL) or false (they run on with the old driver, and fail at the next library they load)."
)
POLL = 0.2


def listed(holders):
    """All of them, one a line."""
    return "\n".join("  " + driver.described(entry) for entry in holders)


def signalled(holders, number):
    """Send a signal to those that still run."""
    for entry in holders:
        with contextlib.suppress(ProcessLookupError):
            os.kill(entry["pid"], number)


def gone(root, patience):
    """Wait for them to end; who is left."""
    end = time.monotonic() + patience
    while True:
        left = driver.holders(root)
        if not left or time.monotonic() > end:
            return left
        time.sleep(POLL)


def stop(module, holders):
    """Stop them all. Returns the services that were stopped."""
    units = sorted({entry["unit"] for entry in holders if entry["unit"]})
    if units:
        systemd.control("stop", "--", *units)
    root = module.params["root"]
    signalled(driver.holders(root), signal.SIGTERM)
    signalled(gone(root, module.params["patience"]), signal.SIGKILL)
    left = gone(root, 2)
    if left:
        module.fail_json(
            msg="these processes hold the GPU and do not end, not even by SIGKILL:\n%s\nThe driver was not changed.\n"
            "hint: what starts them again has to be stopped first; one that hangs in the driver needs a reboot."
            % listed(left),
            holders=left,
        )
    return units


def main():
    """Run the module."""
    module = writer(OPTIONS)
    consent = module.params["stop"]
    holders = driver.holders(module.params["root"])
    stopped = []
    if holders and consent is None:
        module.fail_json(msg=BUSY % listed(holders), consent="nvidia_driver_stop_processes", holders=holders)
    if holders and consent is False:
        module.warn("these processes run on with the old driver: %s" % "; ".join(map(driver.described, holders)))
    elif holders and not module.check_mode:
        try:
            stopped = stop(module, holders)
        except systemd.Failed as error:
            module.fail_json(msg="%s\nThe driver was not changed." % error, holders=holders)
    if stopped:
        module.warn("stopped for the driver's sake, to be started again by you: %s" % ", ".join(stopped))
    module.exit_json(
        changed=bool(holders and consent),
        holders=holders,
        stopped=stopped,
        diff={"before": listed(holders) + "\n", "after": ""} if holders and consent else {},
    )


if __name__ == "__main__":
    main()
