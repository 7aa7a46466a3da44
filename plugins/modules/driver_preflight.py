#!/usr/bin/python
"""Ansible module: whether this host can take an NVIDIA driver, and what it is for."""

DOCUMENTATION = r"""
---
module: driver_preflight
short_description: Refuse what can't become a working NVIDIA driver, before anything is changed
description:
  - Reads only. Refuses WSL (the driver there is that of Windows), a container (its kernel is another machine's),
    kernels without headers where modules are to be built, a driver that was to be kept and is another one, and a Secure
    Boot that would not load what DKMS signs.
options:
  version:
    description: Driver version the host is to have, such as V(550.54.15). Unset leaves it open.
    type: str
  packages:
    description: Names of the driver's packages. None means that the installed driver is kept.
    type: list
    elements: str
    default: []
  planned:
    description: Names of packages that will be installed, headers among them. Unset leaves headers for a later call.
    type: list
    elements: str
  headers:
    description: Names of the header packages that were asked for, for the error's text.
    type: list
    elements: str
    default: []
  kernels:
    description: For which kernels modules are wanted.
    type: str
    choices: [running, installed]
    default: running
  secure_boot_ok:
    description:
      - Consent to a key of this host for Secure Boot, which somebody at its console has to confirm. Unset refuses and
        explains, V(false) goes on without.
    type: bool
  families:
    description: Patterns of package names that belong to a driver.
    type: list
    elements: str
    default: []
  root:
    description: Where F(/proc) and F(/sys) are read.
    type: path
    default: /
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Preflight | Look whether this host can take the driver
  codehub.aimlsetup.driver_preflight:
    version: 550.54.15
    packages: [nvidia-driver-550]
    planned: [linux-headers-amd64, linux-headers-6.1.0-56-amd64, nvidia-driver-550]
"""

RETURN = r"""
kernels:
  description: Kernels that are to have modules, as far as they are there already.
  type: list
  elements: str
  returned: always
compiler:
  description: The compiler these kernels were built with (V(gcc-12)), null where they differ, or it can't be had.
  type: str
  returned: always
compiler_package:
  description: The package to install for that compiler, null where it is here or no repository has one.
  type: str
  returned: always
packages:
  description: Installed packages of O(families) that are of this version.
  type: list
  elements: str
  returned: always
kernel_packages:
  description: Installed packages of kernels and their headers.
  type: list
  elements: str
  returned: always
units:
  description: Services of the driver that are there.
  type: list
  elements: str
  returned: always
"""

import glob
import os
import re
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import driver, evidence, gpu, nvidia, space

OPTIONS = {
    "version": {"type": "str"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "planned": {"type": "list", "elements": "str"},
    "headers": {"type": "list", "elements": "str", "default": []},
    "kernels": {"type": "str", "choices": ["running", "installed"], "default": "running"},
    "secure_boot_ok": {"type": "bool"},
    "families": {"type": "list", "elements": "str", "default": []},
    "root": {"type": "path", "default": "/"},
}
HEADERS = re.compile(r"linux-headers-(\d.*)")
WSL = (
    "this is Windows' Subsystem for Linux: its driver is the one installed in Windows, and a Linux driver in here "
    "would replace the libraries that lead to it. Nothing was done.\nhint: leave nvidia_driver out here "
    "(`components`), and install NVIDIA's driver in Windows."
)
CONTAINER = (
    "this is a container (%s): kernel %s belongs to the machine around it, and its driver has to be installed there. "
    "Nothing was done.\nhint: apply nvidia_driver to that machine; or, for an image that will boot by itself, set "
    "nvidia_driver_kernels: installed."
)
HEADLESS = (
    "the headers of kernel %s are not there, and %s would not bring them, so no module could be built for it. Nothing "
    "was done.\nexpected: /lib/modules/%s/build, from the package linux-headers-%s.\nhint: add that package to "
    "nvidia_driver_headers; where no repository has it any longer, boot the newest installed kernel first."
)
NO_KERNEL = (
    "there are no kernel headers on this host and %s would not bring any, so no module could be built. Nothing was "
    "done.\nexpected: a directory /lib/modules/VERSION/build.\nhint: name a package of headers in "
    "nvidia_driver_headers, such as linux-headers-amd64 (Debian) or linux-headers-generic (Ubuntu)."
)
KEPT = (
    "driver %s was to be kept, and this host has %s. Nothing was done.\nhint: solve again for the host as it is now: "
    "aimlsetup lock."
)
SECURE_BOOT = (
    "Secure Boot is on, and this host's own signing key is not enrolled: the kernel would refuse the module that DKMS "
    "builds here. Nothing was done. What would happen with nvidia_driver_secure_boot_ok: true:\n"
    "  1. the driver is built and signed with a key of this host's (/var/lib/dkms/mok.pub);\n"
    "  2. `mokutil --import` hands that key to the firmware, with a one-time password that only root finds in %s;\n"
    "  3. at the next boot somebody at the console chooses `Enroll MOK`, `Continue`, `Yes`, types it, and `Reboot`.\n"
    "With false the driver is installed and does not load until that has been done by hand. Without either: use the "
    "distribution's signed modules (Ubuntu's linux-modules-nvidia-*), or turn Secure Boot off."
)

FULL = (
    "%s: for %s. Nothing was done.\nhint: `apt-get autoremove --purge` takes away kernels that are no longer used, and "
    "`apt-get clean` downloaded packages."
)
INITRAMFS = "/boot/initrd.img-*"
# What DKMS has at once of one kernel's modules, sources and all: measured with 535 and 550, rounded up.
BUILD = 700 * 10**6


def refuse_place(module):
    """Refuse hosts whose kernel is not their own."""
    params = module.params
    if gpu.wsl(params["root"]):
        module.fail_json(msg=WSL)
    kind = driver.container() if params["kernels"] == "running" else None
    if kind and kind != "wsl":
        module.fail_json(msg=CONTAINER % (kind, gpu.kernel(params["root"])))


def refuse_kept(module):
    """Refuse another driver than the one that was to be kept."""
    version, there = module.params["version"], gpu.driver(module.params["root"])["driver"]
    if version and there != version:
        module.fail_json(msg=KEPT % (version, there or "none"))


def refuse_headless(module, names):
    """Refuse kernels that no module can be built for."""
    planned = module.params["planned"]
    coming = {found.group(1) for found in map(HEADERS.fullmatch, planned) if found}
    said = ", ".join(module.params["headers"]) or "nvidia_driver_headers (empty)"
    for name in driver.without_headers(names):
        if name not in coming:
            module.fail_json(msg=HEADLESS % (name, said, name, name))
    if not names and not coming:
        module.fail_json(msg=NO_KERNEL % said)


def refuse_full(module, names):
    """Refuse where a build, or an initramfs that is written beside the one that is there, would fill a disk."""
    images = [os.path.getsize(path) for path in glob.glob(INITRAMFS)]
    for path, size, why in (
        ("/var/lib/dkms", BUILD * max(1, len(names)), "building the kernel's modules"),
        ("/boot", max(images, default=0), "a new initramfs beside the old one"),
    ):
        short = space.shortage([space.claim(path, size, size)])
        if short:
            module.fail_json(msg=FULL % (short, why))


def refuse_unsigned(module):
    """Ask before a module is built that Secure Boot will not load."""
    boot = evidence.secure_boot(module.params["root"])
    if boot["state"] != "on" or not boot["validated"] or boot["enrolled"]:
        return
    if module.params["secure_boot_ok"] is None:
        module.fail_json(msg=SECURE_BOOT % driver.KEY_PASSWORD, consent="nvidia_driver_secure_boot_ok")
    if module.params["secure_boot_ok"] is False:
        module.warn("Secure Boot will refuse the driver's module until this host's key is enrolled")


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    names = driver.kernels(params["kernels"], params["root"])
    if not params["packages"]:
        refuse_kept(module)
    else:
        refuse_place(module)
        if nvidia.builds(params["packages"]) and params["planned"] is not None:
            refuse_headless(module, names)
            if params["planned"]:
                refuse_full(module, names)
            refuse_unsigned(module)
    compilers = {driver.compiler(name) for name in names}
    compiler = compilers.pop() if len(compilers) == 1 else None
    package = driver.package_of(compiler) if nvidia.builds(params["packages"]) else None
    module.exit_json(
        changed=False,
        kernels=names,
        compiler=compiler if compiler and (package or shutil.which(compiler)) else None,
        compiler_package=package,
        packages=driver.installed(params["version"], params["families"]),
        kernel_packages=driver.kernel_packages(),
        units=driver.units(),
    )


if __name__ == "__main__":
    main()
