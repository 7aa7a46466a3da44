"""What of NVIDIA a host has: driver, kernel modules on disk, libraries, packages, NVSwitches.

Read from files first, so that it takes milliseconds and needs no root, and works where the driver does not. `root` is
where /proc, /sys and /lib/modules lie. Standard library only, Python 3.6 syntax.
"""

import glob
import os
import platform
import re

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import nvidia, state
except ImportError:  # observe run as a plain script
    import nvidia
    import state

NVIDIA = "0x10de"
BRIDGE = "0x0680"  # what an NVSwitch calls itself; so do other bridges, but none of NVIDIA's in a server
WSL_LIBRARIES = "/usr/lib/wsl/lib"
LIBRARY_DIRECTORIES = (
    "/usr/lib/*-linux-gnu",
    "/usr/lib/*-linux-gnu/nvidia/current",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/nvidia/lib64",
    WSL_LIBRARIES,
)
RENAMED = re.compile(r"^install nvidia modprobe -i (\S+)", re.MULTILINE)
LIBRARIES = ("libnvidia-ml.so.1", "libcuda.so.1")  # both carry the driver's version in the name of the real file
PACKAGES = (
    "nvidia-*", "libnvidia-*", "xserver-xorg-video-nvidia*", "linux-modules-nvidia-*", "linux-objects-nvidia-*",
    "cuda*", "libcuda*", "libcudnn*", "cudnn*", "libnvinfer*", "libnvonnxparsers*", "libnvparsers*", "tensorrt*",
    "python3-libnvinfer*", "libnccl*", "dkms",
)  # fmt: skip


def read(path):
    """A file's text, or nothing where it can't be read."""
    try:
        with open(path, errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def switches(devices="/sys/bus/pci/devices"):
    """PCI ids of the NVSwitches on the bus (`10de:22a3`)."""
    return [
        "10de:" + read(device + "/device").strip()[2:]
        for device in sorted(glob.glob(os.path.join(devices, "*")))
        if read(device + "/vendor").strip() == NVIDIA and read(device + "/class").startswith(BRIDGE)
    ]


def wsl(root="/"):
    """Whether this is Windows' Subsystem for Linux, where the driver is that of Windows."""
    return "microsoft" in read(os.path.join(root, "proc/sys/kernel/osrelease")).lower()


def library():
    """Version of the driver's libraries, from the file that their links lead to; None without any."""
    for pattern in LIBRARY_DIRECTORIES:
        for directory in sorted(glob.glob(pattern)):
            for name in LIBRARIES:
                found = re.search(r"\.so\.(\d{3}\.[\d.]+)\Z", os.path.realpath(os.path.join(directory, name)))
                if found:
                    return found.group(1)
    return None


def packages(patterns=PACKAGES):
    """{name: {"version", "hold", "status"}} of NVIDIA's packages, or of those that fit other patterns.

    status is dpkg's second letter (`i` installed).
    """
    form = r"${binary:Package}\t${Version}\t${db:Status-Abbrev}\n"
    _status, output = state.run(["dpkg-query", "-W", "-f", form] + list(patterns))
    found = {}
    for line in output.splitlines():
        name, version, abbreviation = line.split("\t")
        if version and abbreviation[1:2] not in ("n", "c"):
            found[name.partition(":")[0]] = {
                "version": version,
                "hold": abbreviation[0] == "h",
                "status": abbreviation[1],
            }
    return found


def kernel(root="/"):
    """The running kernel's release."""
    return read(os.path.join(root, "proc/sys/kernel/osrelease")).strip() or platform.release()


def module_name(root="/"):
    """What the driver's main module is called: Debian has several side by side and says which in modprobe's files."""
    found = RENAMED.search(read(os.path.join(root, "etc/modprobe.d/nvidia.conf")))
    return found.group(1) if found else "nvidia"


def module_file(running, root="/"):
    """{"version", "flavour", "signer"} of the module that this kernel would load, or None: there is no such file."""
    if not os.path.isdir(os.path.join(root, "lib/modules", running)):
        return None
    status, output = state.run(["/sbin/modinfo", "-b", root, "-k", running, module_name(root)])
    fields = nvidia.parse_modinfo(output) if status == 0 else {}
    if "version" not in fields:
        return None
    return {
        "version": fields["version"],
        "flavour": nvidia.flavour_of(fields.get("license")),
        "signer": fields.get("signer") or None,
    }


def driver(root="/"):
    """{"driver", "flavour", "loaded", "library", "packages"}: what nvidia-smi would need, without asking it.

    driver and flavour are those of the loaded module, else of the one that would be loaded; None where there is none.
    """
    module = nvidia.parse_proc_version(read(os.path.join(root, "proc/driver/nvidia/version"))) or {}
    version = read(os.path.join(root, "sys/module/nvidia/version")).strip() or module.get("version")
    installed = packages()
    there = module_file(kernel(root), root) if installed and not version else None
    return {
        "driver": version or (there or {}).get("version"),
        "flavour": module.get("flavour") or (there or {}).get("flavour"),
        "loaded": bool(version),
        "library": library(),
        "packages": installed,
    }


def devices(root="/"):
    """[{"index", "uuid", "name", "memory" (MiB or None), "mig": [{"uuid", "name"}]}] of GPUs whose driver runs."""
    if not os.path.exists(os.path.join(root, "proc/driver/nvidia/version")):
        return []
    fields = ["index", "uuid", "name", "memory.total"]
    query = ["nvidia-smi", "--query-gpu=" + ",".join(fields), "--format=csv,noheader,nounits"]
    rows = nvidia.parse_smi_csv(state.run(query)[1], fields)
    parts = nvidia.parse_smi_parts(state.run(["nvidia-smi", "-L"])[1])
    return [
        {
            "index": int(row["index"]),
            "uuid": row["uuid"],
            "name": row["name"],
            "memory": int(row["memory.total"]) if row["memory.total"].isdigit() else None,
            "mig": parts.get(int(row["index"]), []),
        }
        for row in rows
        if row["index"].isdigit()
    ]
