"""The NVIDIA driver on one host: which kernels it is for, whether its modules are there, what still has to load.

`root` is where /proc and /sys are read; kernel modules and headers are always this host's. Standard library only,
Python 3.6 syntax.
"""

import glob
import os
import re
import shutil

from ansible_collections.codehub.aimlsetup.plugins.module_utils import evidence, facts, gpu, nvidia, state

MODULES = "/lib/modules"
KEY_PASSWORD = "/root/aimlsetup-mok-password"  # noqa: S105 - the file that holds one
COMPILER = re.compile(r'^CONFIG_CC_VERSION_TEXT="(\S+) ', re.MULTILINE)
NOT_LOADED = "no NVIDIA module is loaded"
NOUVEAU = ("nouveau", "nova_core")
# Their own programs, which the driver's packages stop and start themselves.
OWN_DAEMONS = ("nvidia-persistenced", "nv-fabricmanager")
KERNEL_PACKAGES = ("linux-image-*", "linux-headers-*", "linux-generic*", "linux-modules-[0-9]*", "linux-modules-extra*")
UNITS = ("nvidia-persistenced.service", "nvidia-fabricmanager.service")
DISPLAY = ("Xorg", "X", "Xwayland", "Xvfb", "gnome-shell", "kwin_wayland", "kwin_x11", "gdm-x-session", "sddm")


def kernels(which, root="/", modules=MODULES):
    """Kernels that are to have modules: the running one, or every one with headers on this host."""
    if which == "running":
        return [gpu.kernel(root)]
    return sorted(os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(modules, "*", "build")))


def without_headers(names, modules=MODULES):
    """Those of these kernels that nothing can be built for."""
    return [name for name in names if not os.path.isdir(os.path.join(modules, name, "build"))]


def compiler(kernel, modules=MODULES):
    """The compiler that a kernel was built with (`gcc-12`), as its headers name it; None where they do not."""
    found = COMPILER.search(gpu.read(os.path.join(modules, kernel, "build", ".config")))
    return os.path.basename(found.group(1)) if found else None


def package_of(compiler):
    """The package that a compiler which is not on this host comes in, where apt knows one; None otherwise."""
    found = re.search(r"gcc-\d+\Z", compiler or "")
    if not found or shutil.which(compiler) or state.run(["apt-cache", "show", "--", found.group(0)])[0]:
        return None
    return found.group(0)


def misfit(kernel, found, version, flavour):
    """What is wrong with a kernel's module file (as `gpu.module_file`), in words; None when nothing is."""
    if found is None:
        return "kernel %s has no NVIDIA module" % kernel
    if version and found["version"] != version:
        return "kernel %s has module %s, expected %s" % (kernel, found["version"], version)
    if flavour and found["flavour"] != flavour:
        return "kernel %s has the %s module %s, expected the %s one" % (
            kernel, found["flavour"] or "unknown", found["version"], flavour
        )  # fmt: skip
    return None


def on_bus(root="/"):
    """PCI addresses of NVIDIA's GPUs."""
    found = facts.gpus(os.path.join(root, "sys/bus/pci/devices"))
    return [entry["address"] for entry in found if entry["id"].startswith("10de:")]


def loaded(root="/"):
    """{"version", "flavour"} of the loaded module, None when none is."""
    found = nvidia.parse_proc_version(gpu.read(os.path.join(root, "proc/driver/nvidia/version")))
    version = gpu.read(os.path.join(root, "sys/module/nvidia/version")).strip()
    return found or ({"version": version, "flavour": None} if version else None)


def unloaded(gpus, modules, running, there):
    """Why the driver that is installed is not the one at work, in words; empty when it is, or without a GPU.

    `running` is the loaded module, `there` the module file of the running kernel, `modules` what is loaded.
    """
    if not gpus or there is None:
        return []
    reasons = ["%s has the GPU" % name for name in NOUVEAU if name in modules]
    if running is None:
        return reasons or [NOT_LOADED]
    if running["version"] != there["version"]:
        reasons.append("module %s is loaded, %s is installed" % (running["version"], there["version"]))
    elif running["flavour"] not in (None, there["flavour"]):
        reasons.append("the %s module is loaded, the %s one is installed" % (running["flavour"], there["flavour"]))
    return reasons


def pending(root="/"):
    """`unloaded` of this host as it is now."""
    there = gpu.module_file(gpu.kernel(root))
    return unloaded(on_bus(root), facts.modules(root), loaded(root), there)


def holders(root="/"):
    """[{"pid", "user", "command", "unit"}] of what would lose its GPU; display servers and own daemons left out."""
    found = []
    for entry in evidence.holders(os.path.join(root, "dev/nvidia")):
        program = os.path.basename((entry["command"].split() or [""])[0])
        if program not in DISPLAY + OWN_DAEMONS:
            found.append(dict(entry, unit=unit_of(entry["pid"])))
    return found


def unit_of(pid):
    """The system's service that a process belongs to, None for anything else (sessions, containers)."""
    found = re.search(r":/system\.slice/(?:.*/)?([^/\n]+\.service)$", gpu.read("/proc/%d/cgroup" % pid), re.MULTILINE)
    return found.group(1) if found else None


def described(entry):
    """One holder, for people."""
    unit = " (%s)" % entry["unit"] if entry["unit"] else ""
    return "pid %d, user %s: %s%s" % (entry["pid"], entry["user"], entry["command"], unit)


def container():
    """The kind of container this host is, None on a machine with a kernel of its own."""
    status, output = state.run(["systemd-detect-virt", "--container"])
    return output.strip() if status == 0 else None


def installed(version, families):
    """Names of the installed packages of these families that are of this driver version."""
    return sorted(
        name
        for name, entry in gpu.packages(families).items()
        if entry["status"] == "i" and upstream(entry["version"]) == version
    )


def upstream(version):
    """`535.261.03` of `535.261.03-1~deb12u1`."""
    return version.rpartition(":")[2].partition("-")[0]


def kernel_packages():
    """Names of the installed packages of kernels and their headers."""
    return sorted(name for name, entry in gpu.packages(KERNEL_PACKAGES).items() if entry["status"] == "i")


def units():
    """The driver's services that are there."""
    return [name for name, found in state.units(UNITS).items() if found]
