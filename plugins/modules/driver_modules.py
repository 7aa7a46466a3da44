#!/usr/bin/python
"""Ansible module: kernel modules of the NVIDIA driver, for every kernel that is to have them."""

DOCUMENTATION = r"""
---
module: driver_modules
short_description: Have the driver's modules for every wanted kernel, and nouveau out of the initramfs
description:
  - Looks for a module of exactly this version and flavour for each kernel. Where one is missing DKMS builds it, with
    the compiler that the kernel was built with; a build that fails is refused with the end of its F(make.log).
  - Renews the initramfs where it is older than O(blacklist).
  - In check mode nothing is built, and what is missing is reported as a change.
options:
  version:
    description: Version of the driver.
    type: str
    required: true
  flavour:
    description: Flavour of its modules.
    type: str
    choices: [open, proprietary]
    required: true
  packages:
    description: Names of the driver's packages, which say whether its modules are built here or come signed.
    type: list
    elements: str
    required: true
  families:
    description: Patterns of package names that belong to a driver.
    type: list
    elements: str
    default: []
  kernels:
    description: For which kernels modules are wanted.
    type: str
    choices: [running, installed]
    default: running
  blacklist:
    description: The file that keeps nouveau from loading.
    type: path
  trouble:
    description: What went wrong when the packages were installed. Fails with it, and with the end of a build's log.
    type: str
  root:
    description: Where F(/proc) is read.
    type: path
    default: /
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Build | Modules for the running kernel
  codehub.aimlsetup.driver_modules:
    version: 550.54.15
    flavour: open
    packages: [nvidia-driver-550-open]
"""

RETURN = r"""
built:
  description: Kernels whose modules were (or would be) built.
  type: list
  elements: str
  returned: always
initramfs:
  description: Initramfs images that were (or would be) renewed.
  type: list
  elements: str
  returned: always
modules:
  description: "{kernel: version, flavour and signer of its module, or null}."
  type: dict
  returned: always
packages:
  description: Those of O(packages) that are installed, and the installed ones of O(families) that are of this version.
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
import subprocess
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import driver, gpu, nvidia, state
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "version": {"type": "str", "required": True},
    "flavour": {"type": "str", "choices": ["open", "proprietary"], "required": True},
    "packages": {"type": "list", "elements": "str", "required": True},
    "families": {"type": "list", "elements": "str", "default": []},
    "kernels": {"type": "str", "choices": ["running", "installed"], "default": "running"},
    "blacklist": {"type": "path"},
    "trouble": {"type": "str"},
    "root": {"type": "path", "default": "/"},
}
IMAGES = "/boot/initrd.img-*"
LOG = "/var/lib/dkms/%s/%s/build/make.log"
LOG_LINES = 7
ERROR = re.compile(r"\berror:|#error|\*\*\*|ERROR:", re.IGNORECASE)  # not a compiler's options, such as -Werror=
UNSIGNED = (
    "%s.\nThe packages bring signed modules (%s), and none of them is for that kernel.\nhint: a meta-package such as "
    "linux-modules-nvidia-550-generic follows the kernel's own one; boot the newest installed kernel, or lock again."
)
MISSING = (
    "%s, and DKMS knows no nvidia module of version %s.\nhint: the packages (%s) should bring its source below "
    "/usr/src; `dkms status` shows what is known."
)


def misfits(module, names):
    """{kernel: what is wrong with its module}."""
    params = module.params
    found = {name: driver.misfit(name, gpu.module_file(name), params["version"], params["flavour"]) for name in names}
    return {name: wrong for name, wrong in found.items() if wrong}


def source(rows, version, flavour):
    """DKMS' name for this driver's source; of two (Debian's flavours) the one of this flavour; None without one."""
    names = sorted({row["module"] for row in rows if row["module"].startswith("nvidia") and row["version"] == version})
    fitting = [name for name in names if name.endswith("-open") == (flavour == "open")]
    return (fitting or names or [None])[0]


def last_lines(path, since=0):
    """The end of a build's log, errors first of all; nothing for a log that is older."""
    if not os.path.exists(path) or os.path.getmtime(path) < since:
        return []
    lines = [line.rstrip() for line in gpu.read(path).splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.search(line)]
    return ["end of %s:" % path] + ["  " + line[:200] for line in (errors or lines)[-LOG_LINES:]]


def newest_log():
    """The make.log that was written last."""
    return max(glob.glob(LOG % ("nvidia*", "*")) or [""], key=lambda path: os.path.getmtime(path) if path else 0)


def build(module, kernel, wrong):
    """Have DKMS build and install the module for one kernel, with that kernel's compiler."""
    version, flavour = module.params["version"], module.params["flavour"]
    name = source(nvidia.parse_dkms(state.run(["dkms", "status"])[1]), version, flavour)
    if name is None:
        module.fail_json(msg=MISSING % (wrong, version, ", ".join(module.params["packages"])))
    compiler, started = driver.compiler(kernel), time.time() - 1
    environment = dict(os.environ, LC_ALL="C", **({"CC": compiler} if compiler and shutil.which(compiler) else {}))
    argv = ["dkms", "install", "--force", "-m", name, "-v", version, "-k", kernel]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False
    )
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()[-3:]
        log = last_lines(LOG % (name, version), started)
        module.fail_json(
            msg="\n".join(
                ["the driver's module could not be built for kernel %s: %s" % (kernel, " ".join(argv))]
                + (log or ["  " + line for line in said])
                + ["hint: an older driver does not build for a newer kernel: take a newer branch, or an older kernel."]
            )
        )


def stale(blacklist):
    """Initramfs images that were made before nouveau was blacklisted."""
    if not blacklist or not os.path.exists(blacklist):
        return []
    written = os.path.getmtime(blacklist)
    return sorted(path for path in glob.glob(IMAGES) if os.path.getmtime(path) < written)


def renew(module, images):
    """Make these images anew."""
    for image in images:
        module.run_command(["update-initramfs", "-u", "-k", image.partition("img-")[2]], check_rc=True)


def there(names):
    """Those of these packages that are installed."""
    return [name for name, found in state.packages(names).items() if found]


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    if params["trouble"]:
        module.fail_json(msg="\n".join([params["trouble"].strip()] + last_lines(newest_log(), time.time() - 3600)))
    names = driver.kernels(params["kernels"], params["root"])
    wrong, images = misfits(module, names), stale(params["blacklist"])
    if wrong and not nvidia.builds(params["packages"]) and not module.check_mode:
        module.fail_json(msg=UNSIGNED % ("; ".join(wrong.values()), ", ".join(params["packages"])))
    if not module.check_mode:
        for kernel in wrong:
            build(module, kernel, wrong[kernel])
        left = misfits(module, names)
        if left:
            module.fail_json(
                msg="DKMS built it, and still: %s.\nhint: `dkms status` and `modinfo -k KERNEL nvidia` show which file "
                "is in the way." % "; ".join(left.values())
            )
        renew(module, images)
    module.exit_json(
        changed=bool(wrong or images),
        built=sorted(wrong),
        initramfs=images,
        modules={name: gpu.module_file(name) for name in names},
        packages=sorted({*driver.installed(params["version"], params["families"]), *there(params["packages"])}),
        kernel_packages=driver.kernel_packages(),
        units=driver.units(),
        diff={"before": "".join("%s\n" % text for text in wrong.values()), "after": ""},
    )


if __name__ == "__main__":
    main()
