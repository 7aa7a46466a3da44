"""What a host is: system, memory, disks, GPUs on the bus, kernel modules, Pythons, package locks.

Read from /proc, /sys and /etc alone, in milliseconds, without arguments; where NVIDIA's driver runs, nvidia-smi is
asked. Sizes are bytes. Standard library only, Python 3.6 syntax.
"""

import fcntl
import glob
import grp
import os
import platform
import pwd
import re
import socket
import struct

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import gpu, state
except ImportError:  # observe run as a plain script
    import gpu
    import state

GPU_VENDORS = ("0x10de", "0x1002", "0x8086")
DISPLAY_CLASSES = ("0x03", "0x12")  # display controllers and processing accelerators
GPU_MODULES = ("nvidia", "nvidia_drm", "nvidia_modeset", "nvidia_uvm", "nouveau", "nova_core")
SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
LINGER = "/var/lib/systemd/linger"
PACKAGE_LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")
PYTHON_PATTERNS = (
    "/usr/bin/python3.*",
    "/usr/local/bin/python3.*",
    "/opt/python/*/bin/python3.*",
)
PRIVATE_PYTHON = "/opt/aimlsetup/python"
SIOCGIFADDR = 0x8915  # linux/sockios.h: an interface's IPv4 address


def _read(path, default=""):
    try:
        with open(path) as handle:
            return handle.read()
    except OSError:
        return default


def release():
    """{"id", "version", "codename", "name"} of the distribution, from os-release."""
    entries = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', _read("/etc/os-release"), re.MULTILINE))
    return {
        "id": entries.get("ID", "unknown"),
        "version": entries.get("VERSION_ID", ""),
        "codename": entries.get("VERSION_CODENAME", ""),
        "name": entries.get("PRETTY_NAME", ""),
    }


def cpu():
    """{"count", "model", "flags"}: flags are what march choices and TensorFlow's AVX need are judged by."""
    text = _read("/proc/cpuinfo")
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.MULTILINE)
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return {
        "count": os.cpu_count() or 1,
        "model": model.group(1) if model else platform.machine(),
        "flags": sorted(flags.group(1).split()) if flags else [],
    }


def memory():
    """{"total", "available", "swap"} in bytes."""
    lines = re.findall(r"^(\w+):\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    entries = {name: int(size) * 1024 for name, size in lines}
    return {
        "total": entries.get("MemTotal", 0),
        "available": entries.get("MemAvailable", 0),
        "swap": entries.get("SwapTotal", 0),
    }


def disks():
    """[{"mount", "type", "size", "free"}] of file systems that hold data."""
    found = {}
    for line in _read("/proc/mounts").splitlines():
        device, mount, kind = line.split()[:3]
        mount = mount.replace("\\040", " ")
        if device.startswith("/dev/") or kind in ("overlay", "zfs", "btrfs", "nfs", "nfs4"):
            try:
                usage = os.statvfs(mount)
            except OSError:
                continue
            if os.path.isdir(mount):
                found[mount] = {
                    "mount": mount,
                    "type": kind,
                    "size": usage.f_blocks * usage.f_frsize,
                    "free": usage.f_bavail * usage.f_frsize,
                }
    return [found[mount] for mount in sorted(found)]


def gpus(devices="/sys/bus/pci/devices"):
    """[{"address", "id": "10de:2684", "subsystem", "driver"}] of graphics controllers on the PCI bus."""
    found = []
    for device in sorted(glob.glob(os.path.join(devices, "*"))):
        kind = _read(os.path.join(device, "class")).strip()
        vendor = _read(os.path.join(device, "vendor")).strip()
        if kind.startswith(DISPLAY_CLASSES) and vendor in GPU_VENDORS:
            ids = [
                _read(os.path.join(device, name)).strip()[2:]
                for name in ("device", "subsystem_vendor", "subsystem_device")
            ]
            driver = os.path.join(device, "driver")
            found.append(
                {
                    "address": os.path.basename(device),
                    "id": "%s:%s" % (vendor[2:], ids[0]),
                    "subsystem": "%s:%s" % (ids[1], ids[2]),
                    "driver": os.path.basename(os.path.realpath(driver)) if os.path.exists(driver) else None,
                }
            )
    return found


def modules(root="/"):
    """{module: version or ""} of the GPU kernel modules that are loaded."""
    loaded = [line.split()[0] for line in _read(os.path.join(root, "proc/modules")).splitlines()]
    versions = os.path.join(root, "sys/module/%s/version")
    return {name: _read(versions % name).strip() for name in GPU_MODULES if name in loaded}


def secure_boot(root="/"):
    """State of Secure Boot: `on`, `off`, or `unsupported` where the firmware has no such variable."""
    try:
        with open(os.path.join(root, SECURE_BOOT), "rb") as handle:
            return "on" if handle.read()[4:5] == b"\x01" else "off"
    except OSError:
        return "unsupported"


def pythons():
    """{path: "3.11.2"} of CPython 3 interpreters in the usual places, asked only where the name can't tell."""
    found = {}
    for pattern in PYTHON_PATTERNS:
        for path in glob.glob(pattern):
            real = os.path.realpath(path)
            if re.search(r"/python3\.\d+$", path) and os.access(path, os.X_OK) and real not in found:
                _status, output = state.run(
                    [path, "-I", "-S", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]
                )
                if output.strip():
                    found[real] = output.strip()
    return found


def private_python(link=PRIVATE_PYTHON):
    """The build that is this host's private Python, such as "3.13.17-20261021"; None where there is none."""
    try:
        return os.path.basename(os.readlink(link)).replace("python-", "", 1)
    except OSError:
        return None
def account():
    """{"name", "group", "home"} of who looks: whose things they are where nobody is root."""
    home = os.path.realpath(os.path.expanduser("~"))
    try:
        entry = pwd.getpwuid(os.getuid())
        return {"name": entry.pw_name, "group": grp.getgrgid(entry.pw_gid).gr_name, "home": home}
    except KeyError:  # a number alone, as containers may be run with
        return {"name": None, "group": None, "home": home}


def user_services():
    """Whether a systemd of the user's own runs and outlives the user's last session (loginctl enable-linger)."""
    runs = os.path.exists("/run/user/%d/systemd/private" % os.getuid())
    return runs and os.path.exists(os.path.join(LINGER, account()["name"] or ""))


def address():
    """The IPv4 address that others reach this host at: of the interface with its default route, else of any other.

    None without one. Nothing is sent, nor is a route asked for: what has none would count as an attempt.
    """
    rows = [line.split() for line in _read("/proc/net/route").splitlines()[1:]]
    ordered = sorted((row[1] != "00000000", int(row[6]), row[0]) for row in rows if len(row) > 6)
    found = [_address_of(name) for _other, _metric, name in ordered]
    return next((known for known in found if known), None)


def _address_of(interface):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            found = fcntl.ioctl(asked.fileno(), SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(found[20:24])


def package_locks():
    """Paths of apt's and dpkg's locks that some process holds now."""
    held = []
    for path in PACKAGE_LOCKS:
        try:
            with open(path, "rb") as handle:
                query = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                answer = struct.unpack("hhqqi", fcntl.fcntl(handle, fcntl.F_GETLK, query))
        except (OSError, ValueError):
            continue
        if answer[0] != fcntl.F_UNLCK:
            held.append(path)
    return held


def gather():
    """All of the above in one mapping."""
    return {
        "hostname": socket.gethostname(),
        "address": address(),
        "release": release(),
        "kernel": platform.release(),
        "arch": platform.machine(),
        "cpu": cpu(),
        "memory": memory(),
        "disks": disks(),
        "gpus": gpus(),
        "nvswitches": gpu.switches(),
        "nvidia": gpu.driver(),
        "gpu_devices": gpu.devices(),
        "modules": modules(),
        "secure_boot": secure_boot(),
        "pythons": pythons(),
        "private_python": private_python(),
        "package_locks": package_locks(),
        "systemd": os.path.isdir("/run/systemd/system"),
        "uid": os.getuid(),
        "account": account(),
        "user_services": user_services(),
    }
