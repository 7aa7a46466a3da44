"""Everything `aimlsetup doctor` judges by, from one look at a host. Reads only, and needs no root.

`root` is where /proc, /sys, /dev and /lib/modules lie: `/`, or an arranged copy of another machine's. Packages, apt's
sources and libraries are always this host's. Standard library only, Python 3.6 syntax.
"""

import glob
import os
import pwd

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
        aptsources,
        facts,
        gpu,
        libraries,
        nvidia,
        state,
    )
except ImportError:  # doctor run as a plain script
    import aptsources
    import facts
    import gpu
    import libraries
    import nvidia
    import state

VERSION = 1
UNFINISHED = "HUFWt"  # second letters of dpkg's status: half-installed, unpacked, half-configured, waiting for triggers
OWN_KEY = "/var/lib/dkms/mok.pub"
SOURCE = "/var/lib/dkms/%s/%s/source"
MAKE_LOGS = "/var/lib/dkms/nvidia*/*/build/make.log"
COMPILERS = ("/usr/local/cuda-*/bin/nvcc", "/usr/bin/nvcc")
ALTERNATIVE = "/var/lib/dpkg/alternatives/cuda"
WORDS = 2  # of a command line: the program and what it runs; the rest may hold a password


def kernels(root="/"):
    """{release: whether its headers are there} of the installed kernels, the running one always among them."""
    places = glob.glob(os.path.join(root, "lib/modules/*/kernel"))
    found = {os.path.basename(os.path.dirname(place)) for place in places} | {gpu.kernel(root)}
    return {name: os.path.isdir(os.path.join(root, "lib/modules", name, "build")) for name in sorted(found)}


def dkms():
    """{"modules": as `nvidia.parse_dkms`, NVIDIA's alone; "log": the last errors of a build}."""
    _status, output = state.run(["dkms", "status"])
    rows = [row for row in nvidia.parse_dkms(output) if row["module"].startswith("nvidia")]
    for row in rows:
        source = SOURCE % (row["module"], row["version"])
        if os.path.islink(source) and not os.path.exists(source):
            row["state"] = "broken"  # which dkms itself says from 3.0.11 on
    logs = sorted(glob.glob(MAKE_LOGS), key=os.path.getmtime)
    errors = [line for line in gpu.read(logs[-1]).splitlines() if "rror" in line] if logs else []
    return {"modules": rows, "log": errors[-5:]}


def secure_boot(root="/"):
    """{"state", "validated", "enrolled"}: whether this host's own signing key is enrolled, None when it has none."""
    found = {"state": facts.secure_boot(root), "validated": False, "enrolled": None}
    if found["state"] == "on":
        _status, output = state.run(["mokutil", "--sb-state"])
        found["validated"] = nvidia.parse_secure_boot(output)["validated"] if output else True
        if os.path.exists(OWN_KEY):
            found["enrolled"] = "already enrolled" in state.run(["mokutil", "--test-key", OWN_KEY])[1]
    return found


def unfinished():
    """[{"name", "status"}] of packages that dpkg has left half done; status is dpkg's three letters."""
    _status, output = state.run(["dpkg-query", "-W", "-f", r"${binary:Package}\t${db:Status-Abbrev}\n"])
    rows = [line.split("\t") for line in output.splitlines()]
    return [{"name": name, "status": status} for name, status in rows if status[1] in UNFINISHED or "R" in status]


def holders(prefix="/dev/nvidia"):
    """[{"pid", "user", "command"}] of processes with such a device open; of other users' only root sees them."""
    found = []
    for process in sorted(glob.glob("/proc/[0-9]*"), key=lambda path: int(os.path.basename(path))):
        try:
            opened = [os.readlink(entry) for entry in glob.glob(process + "/fd/*")]
            user = os.stat(process).st_uid
        except OSError:
            continue
        if any(name.startswith(prefix) for name in opened):
            words = gpu.read(process + "/cmdline").split("\0")[:WORDS]
            found.append(
                {"pid": int(os.path.basename(process)), "user": _user(user), "command": " ".join(words).strip()}
            )
    return found


def _user(number):
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def toolkits():
    """{"installed": [{"path", "release"}], "link": where /usr/local/cuda leads, "auto": whether apt may move it}."""
    found = []
    for pattern in COMPILERS:
        for path in sorted(glob.glob(pattern)):
            said = nvidia.parse_nvcc(state.run([path, "--version"])[1])
            if said:
                found.append({"path": os.path.dirname(os.path.dirname(path)), "release": said["release"]})
    link = "/usr/local/cuda"
    return {
        "installed": found,
        "link": os.path.realpath(link) if os.path.islink(link) else None,
        "auto": gpu.read(ALTERNATIVE).startswith("auto"),
    }


def answering():
    """{"gpus": how many answer, "failure": as `nvidia.parse_smi_failure`}, asked of nvidia-smi, which may hang."""
    status, output = state.run(["timeout", "20", "nvidia-smi", "-L"])
    failure = "no-command" if status == 127 else "silent" if status == 124 else nvidia.parse_smi_failure(output)
    return {"gpus": len(nvidia.parse_smi_list(output)), "failure": failure}


def recommended():
    """The driver package that Ubuntu's own tool would take, or None."""
    rows = nvidia.parse_ubuntu_drivers(state.run(["timeout", "20", "ubuntu-drivers", "devices"])[1])
    return next((row["package"] for row in rows if row["recommended"]), None)


def gather(root="/", environment=None):
    """The whole document; `environment` is the directory of a Python environment to look into."""
    driver = gpu.driver(root)
    found, dangling = libraries.on_host(os.environ.get("LD_LIBRARY_PATH"))
    gpus = facts.gpus(os.path.join(root, "sys/bus/pci/devices"))
    running = gpu.kernel(root)
    sources = aptsources.entries()
    return {
        "version": VERSION,
        "release": facts.release(),
        "arch": os.uname().machine,
        "uid": os.getuid(),
        "kernel": running,
        "kernels": kernels(root),
        "wsl": {"is": gpu.wsl(root), "library": os.path.exists(os.path.join(gpu.WSL_LIBRARIES, "libcuda.so.1"))},
        "gpus": gpus,
        "nvswitches": gpu.switches(os.path.join(root, "sys/bus/pci/devices")),
        "modules": facts.modules(root),
        "nvidia": driver,
        "module_file": gpu.module_file(running, root),
        "answering": answering() if driver["loaded"] and root == "/" else None,
        "recommended": recommended() if gpus and not driver["driver"] else None,
        "dkms": dkms(),
        "secure_boot": secure_boot(root),
        "unfinished": unfinished(),
        "sources": sources,
        "keyrings": aptsources.keyrings(aptsources.named_keyrings(sources)),
        "toolkits": toolkits(),
        "libraries": found,
        "dangling": dangling,
        "environment": libraries.environment(environment) if environment else None,
        "holders": holders(os.path.join(root, "dev/nvidia")),
    }
