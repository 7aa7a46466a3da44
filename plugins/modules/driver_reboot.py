#!/usr/bin/python
"""Ansible module: whether the installed driver is the one at work, and by consent the way to a reboot."""

DOCUMENTATION = r"""
---
module: driver_reboot
short_description: Have the installed driver loaded, by a reboot where nothing else helps
description:
  - Without an NVIDIA GPU on the bus nothing has to be loaded. With one, the loaded module has to be the installed one,
    and nouveau must not have the device; a module that is only not loaded yet is loaded.
  - A reboot is for somebody else to do. With consent the module writes a note of how to recover at the console, which
    it shows too, and on O(local) machines a service that goes on with the apply after the next boot, once. A reboot
    that has not helped is not repeated.
options:
  reboot_ok:
    description: Consent. Unset refuses and explains, V(false) goes on with what is loaded and says so.
    type: bool
  local:
    description: Whether this is the machine that the playbook itself runs on, which would not outlive the reboot.
    type: bool
    default: false
  resume:
    description: How this apply is begun again; needed where O(local) is set.
    type: dict
    options:
      command:
        description: Its words.
        type: list
        elements: str
        required: true
      directory:
        description: Where it runs.
        type: path
        required: true
      environment:
        description: >-
          Its variables, {name: value} as JSON. A text, since each value of a mapping that may hold a proxy's password
          would be hidden wherever it occurs, and some are V(1).
        type: str
        default: "{}"
      keep:
        description: "{name: file}: what it reads, copied to F(/var/lib/aimlsetup/resume), root's alone."
        type: dict
        default: {}
  rebooted:
    description: Whether it has just been rebooted; what then still is not loaded is an error.
    type: bool
    default: false
  packages:
    description: Packages that the note says how to remove.
    type: list
    elements: str
    default: []
  root:
    description: Where F(/proc) and F(/sys) are read. Elsewhere than V(/) no module is loaded.
    type: path
    default: /
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Reboot | Look whether it is needed
  codehub.aimlsetup.driver_reboot:
    reboot_ok: true
"""

RETURN = r"""
needed:
  description: Why the installed driver is not at work; empty when it is.
  type: list
  elements: str
  returned: always
reboot:
  description: Whether the host is to be rebooted now.
  type: bool
  returned: always
gpus:
  description: PCI addresses of NVIDIA's GPUs.
  type: list
  elements: str
  returned: always
silent:
  description: What nvidia-smi does not answer for, in words; empty where it lists every GPU, or no module is loaded.
  type: str
  returned: always
"""

import json

from ansible_collections.codehub.aimlsetup.plugins.module_utils import driver, evidence, gpu, lease, resume, state
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "reboot_ok": {"type": "bool"},
    "local": {"type": "bool", "default": False},
    "resume": {
        "type": "dict",
        "options": {
            "command": {"type": "list", "elements": "str", "required": True},
            "directory": {"type": "path", "required": True},
            "environment": {"type": "str", "default": "{}", "no_log": True},
            "keep": {"type": "dict", "default": {}},
        },
    },
    "rebooted": {"type": "bool", "default": False},
    "packages": {"type": "list", "elements": "str", "default": []},
    "root": {"type": "path", "default": "/"},
}
ASKED = (
    "the driver is installed and not at work: %s. A reboot cures that.\nWith nvidia_driver_reboot_ok: true %s. With "
    "false the host goes on with what is loaded, and CUDA programs may fail until somebody reboots it."
)
REMOTE = "it is rebooted now, and the apply goes on when it answers again"
HERE = (
    "a note of how to recover at the console is written, this machine reboots when the other hosts are done, and the "
    "apply goes on by itself (aimlsetup-resume.service)"
)
USELESS = (
    "the host was rebooted, and still: %s.\nhint: the kernel's own words say why: sudo dmesg | grep -iE "
    "'nvrm|nvidia|lockdown' | tail -n 20; `aimlsetup doctor` knows more. How to recover is in %s."
)
ALONE = (
    "the driver is installed and not at work: %s. This is the machine that Ansible runs on, which can't wait for its "
    "own reboot.\nhint: reboot it (systemctl reboot) and run the same command again; `aimlsetup apply` would go on by "
    "itself. How to recover is in %s."
)
REBOOTS = "%sThis machine reboots when the other hosts are done, and then goes on by itself: journalctl -fu %s"


def reasons_of(module):
    """Why the installed driver is not at work, after a module that only nobody has loaded yet was loaded."""
    root = module.params["root"]
    found = driver.pending(root)
    if found == [driver.NOT_LOADED] and root == "/" and not module.check_mode:
        state.run(["modprobe", "nvidia"])  # whether that helped is what is looked at next
        found = driver.pending(root)
    return found


def tried(reasons):
    """Whether a reboot for these very reasons has been done already."""
    try:
        before = json.loads(gpu.read(resume.MARK) or "{}")
    except ValueError:
        return False
    return before.get("reasons") == reasons and before.get("boot") != lease.boot_id()


def prepare(module, reasons):
    """Write what is needed after the reboot; the note's text."""
    resume.remember({"reasons": reasons, "boot": lease.boot_id()})
    text = resume.note(reasons, module.params["packages"])
    resume.write_note(text)
    if module.params["local"] and module.params["resume"]:
        resume.enable(module.params["resume"])
    return text


def silence(root):
    """What nvidia-smi does not answer for, in words."""
    gpus = driver.on_bus(root)
    if root != "/" or not gpus or not driver.loaded():
        return ""
    found = evidence.answering()
    if found["failure"]:
        return "nvidia-smi fails (%s)" % found["failure"]
    return "" if found["gpus"] >= len(gpus) else "nvidia-smi lists %d of %d GPUs" % (found["gpus"], len(gpus))


def answer(module, reasons, **more):
    """The module's result."""
    params = module.params
    more.setdefault("changed", False)
    module.exit_json(
        needed=reasons,
        gpus=driver.on_bus(params["root"]),
        silent=silence(params["root"]),
        **dict({"reboot": False}, **more),
    )


def settle(module):
    """Nothing is needed any more: what was written for a reboot goes."""
    changed = resume.left() and not module.check_mode
    if changed:
        resume.forget()
    answer(module, [], changed=False)


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params, reasons = module.params, reasons_of(module)
    if not reasons:
        settle(module)
    said = "; ".join(reasons)
    if module.check_mode and params["reboot_ok"] is not False:
        answer(module, reasons, changed=True, plan={"reboot": True})
    if params["rebooted"] or (params["reboot_ok"] and tried(reasons)):
        resume.forget(note=False)
        module.fail_json(msg=USELESS % (said, resume.NOTE), needed=reasons)
    if params["reboot_ok"] is None:
        module.fail_json(
            msg=ASKED % (said, HERE if params["local"] else REMOTE), consent="nvidia_driver_reboot_ok", needed=reasons
        )
    if params["reboot_ok"] is False:
        if not module.check_mode:
            module.warn("the installed driver is not at work until a reboot: %s" % said)
        answer(module, reasons)
    text = prepare(module, reasons)
    if not params["local"]:
        answer(module, reasons, changed=True, reboot=True, note=text)
    if not params["resume"]:
        module.fail_json(msg=text + ALONE % (said, resume.NOTE), needed=reasons)
    module.fail_json(msg=REBOOTS % (text, resume.UNIT), resumes=resume.UNIT, needed=reasons)


if __name__ == "__main__":
    main()
