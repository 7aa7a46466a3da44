"""What NVIDIA's tools and their neighbours print, as data: nvidia-smi, dkms, mokutil, lspci, nvcc, ubuntu-drivers, apt.

Pure functions over their output in the C locale; what isn't there is None or left out, and none of them raises for
text it does not know. Standard library only, Python 3.6 syntax.
"""

import csv
import re
from xml.etree import ElementTree

PREBUILT = ("linux-modules-nvidia-", "linux-objects-nvidia-")  # signed by the distribution, no build on the host
OPEN, PROPRIETARY = "open", "proprietary"
NOT_GIVEN = ("", "N/A", "[N/A]", "[Not Supported]", "None")

# (what nvidia-smi says instead of an answer, a word for it)
FAILURES = (
    (r"Driver/library version mismatch", "mismatch"),
    (r"couldn't communicate with the NVIDIA driver", "no-driver"),
    (r"No devices were found|No supported GPUs were found", "no-devices"),
    (r"command not found|No such file or directory", "no-command"),
)
TABLE_HEAD = re.compile(r"NVIDIA-SMI \S+\s+Driver Version: (\S+)(?:\s+CUDA Version: (\S+))?")
TABLE_GPU = re.compile(
    r"^\|\s+(\d+)\s+(\S.*?)\s+(?:On|Off|N/A)\s*\|\s*([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d)", re.MULTILINE
)
LISTED = re.compile(r"^GPU (\d+): (.*?)(?: \(UUID: (\S+?)\))?$", re.MULTILINE)
DKMS = re.compile(
    r"^(?P<module>[^/,\s]+)(?:/|, )(?P<version>[^,:\s]+)(?:, (?P<kernel>[^,\s]+), (?P<arch>[^:,\s]+))?: "
    r"(?P<state>[\w-]+)(?P<rest>.*)$",
    re.MULTILINE,
)
PROC_VERSION = re.compile(r"^NVRM version: .*?\s(\d{3}\.\d+(?:\.\d+)?)\s", re.MULTILINE)
LSPCI = re.compile(
    r"^(?P<address>(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.\d) (?P<kind>[^:\[]+?)(?: \[(?P<code>[0-9a-f]{4})\])?: "
    r"(?P<name>.*?)(?: \[(?P<id>[0-9a-f]{4}:[0-9a-f]{4})\])?(?: \(rev \w+\))?(?: \(prog-if .*\))?$",
    re.MULTILINE,
)
NVCC = re.compile(r"release (\d+\.\d+), V(\S+)")
UNMET = re.compile(
    r"^ ?(?P<package>[a-z0-9][a-z0-9+.-]*)? *: Depends: (?P<needs>\S+) \((?P<relation>[<>=]+) (?P<version>[^)]+)\)"
    r"(?: but (?P<offered>\S+) is (?:to be )?installed)?|"
    r"^ +Depends: (?P<needs2>\S+) \((?P<relation2>[<>=]+) (?P<version2>[^)]+)\)"
    r"(?: but (?P<offered2>\S+) is (?:to be )?installed)?",
    re.MULTILINE,
)
UBUNTU_DRIVER = re.compile(r"^driver\s*: (\S+) - (\S+) (?:non-free|free)(.*)$", re.MULTILINE)


def given(text):
    """The text, or None where a tool says that there is nothing to say."""
    text = (text or "").strip()
    return None if text in NOT_GIVEN else text


def bus_address(text):
    """`0000:01:00.0`, as the kernel writes it, of any tool's way to write a PCI address."""
    found = re.match(r"(?:([0-9a-f]+):)?([0-9a-f]{2}:[0-9a-f]{2}\.\d)\Z", text.lower())
    return "%04x:%s" % (int(found.group(1) or "0", 16), found.group(2)) if found else text


def parse_smi_failure(text):
    """`mismatch`, `no-driver`, `no-devices` or `no-command` when that is all nvidia-smi has to say, else None."""
    return next((word for pattern, word in FAILURES if re.search(pattern, text)), None)


def parse_smi_table(text):
    """{"driver", "cuda", "gpus": [{"index", "name", "bus"}]} of plain nvidia-smi; names may be cut short there."""
    head = TABLE_HEAD.search(text)
    return {
        "driver": head.group(1) if head else None,
        "cuda": given(head.group(2)) if head else None,
        "gpus": [
            {"index": int(index), "name": name, "bus": bus_address(bus)} for index, name, bus in TABLE_GPU.findall(text)
        ],
    }


def parse_smi_list(text):
    """[{"index", "name", "uuid"}] of nvidia-smi -L."""
    return [{"index": int(index), "name": name, "uuid": uuid or None} for index, name, uuid in LISTED.findall(text)]


def parse_smi_parts(text):
    """{index of a GPU: [{"name": "1g.10gb", "uuid"}]} of the parts (MIG) that nvidia-smi -L lists below it."""
    found, index = {}, None
    for line in text.splitlines():
        whole = re.match(r"GPU (\d+):", line)
        part = re.match(r"\s+MIG (\S+)\s.*\(UUID: (MIG-[^)]+)\)", line)
        if whole:
            index = int(whole.group(1))
        elif part and index is not None:
            found.setdefault(index, []).append({"name": part.group(1), "uuid": part.group(2)})
    return found


def parse_smi_csv(text, fields=None):
    """[{field: text}] of nvidia-smi --query-gpu=… --format=csv: one per GPU.

    `fields` are those asked for, of output with `noheader`; otherwise the first line names them, units cut off.
    """
    rows = [row for row in csv.reader(text.splitlines(), skipinitialspace=True) if row and not row[0].startswith("#")]
    if fields is None:
        fields, rows = [name.partition(" [")[0] for name in (rows[0] if rows else [])], rows[1:]
    return [dict(zip(fields, [value.strip() for value in row])) for row in rows if len(row) == len(fields)]


def parse_smi_xml(text):
    """{"driver", "cuda", "gpus"} of nvidia-smi -q -x.

    gpus: [{"bus", "name", "id" ("10de:2216"), "architecture", "memory" (MiB), "mig", "processes"}], processes being
    [{"pid", "name"}].
    """
    try:
        log = ElementTree.fromstring(text.strip())  # noqa: S314 - printed by the vendor's program a moment ago
    except ElementTree.ParseError:
        return {"driver": None, "cuda": None, "gpus": []}
    return {
        "driver": given(log.findtext("driver_version")),
        "cuda": given(log.findtext("cuda_version")),
        "gpus": [_smi_gpu(gpu) for gpu in log.findall("gpu")],
    }


def _smi_gpu(gpu):
    device = re.match(r"([0-9A-F]{4})10DE\Z", gpu.findtext("pci/pci_device_id") or "")
    memory = re.match(r"(\d+) MiB", gpu.findtext("fb_memory_usage/total") or "")
    return {
        "bus": bus_address(gpu.get("id", "0:0.0")),
        "name": given(gpu.findtext("product_name")),
        "id": "10de:" + device.group(1).lower() if device else None,
        "architecture": given(gpu.findtext("product_architecture")),
        "memory": int(memory.group(1)) if memory else None,
        "mig": given(gpu.findtext("mig_mode/current_mig")),
        "processes": [
            {"pid": int(process.findtext("pid")), "name": given(process.findtext("process_name"))}
            for process in gpu.findall("processes/process_info")
            if (process.findtext("pid") or "").isdigit()
        ],
    }


def parse_dkms(text):
    """[{"module", "version", "kernel", "arch", "state", "warning"}] of dkms status, in its forms from 2.x to 3.x.

    state: added (no kernel), built, installed or broken; warning is what follows (`WARNING! Diff between …`), or None.
    """
    return [
        {
            "module": row["module"],
            "version": row["version"],
            "kernel": row["kernel"],
            "arch": row["arch"],
            "state": row["state"],
            "warning": row["rest"].strip(" ()") or None,
        }
        for row in (match.groupdict() for match in DKMS.finditer(text))
        if row["module"] != "Error!"
    ]


def parse_secure_boot(text):
    """{"state": on, off, unsupported or unknown, "validated": bool} of mokutil --sb-state, standard error included.

    Not validated: Secure Boot is on, and shim was told to load what nobody signed.
    """
    if re.search(r"not supported on this system|doesn't support Secure Boot", text):
        state = "unsupported"
    else:
        found = re.search(r"^SecureBoot (enabled|disabled)$", text, re.MULTILINE)
        state = {"enabled": "on", "disabled": "off"}[found.group(1)] if found else "unknown"
    return {"state": state, "validated": state == "on" and "validation is disabled" not in text}


def parse_proc_version(text):
    """{"version", "flavour"} of the loaded module, from /proc/driver/nvidia/version; None where that says nothing."""
    found = PROC_VERSION.search(text)
    if not found:
        return None
    return {"version": found.group(1), "flavour": OPEN if "Open Kernel Module" in text else PROPRIETARY}


def flavour_of(licence):
    """Open or proprietary, from the licence that a module file names."""
    return {"NVIDIA": PROPRIETARY, "Dual MIT/GPL": OPEN}.get(licence)


def parse_modinfo(text):
    """{field: first value} of modinfo's output."""
    found = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def parse_lspci(text):
    """[{"address", "kind", "code" ("0300"), "id" ("10de:2684"), "name"}] of lspci, with -nn or without.

    Without -nn, code and id are None; an unknown device's name still ends in its number (`Device 2b85`).
    """
    return [match.groupdict() for match in LSPCI.finditer(text)]


def parse_nvcc(text):
    """{"release": "12.4", "version": "12.4.131"} of nvcc --version, or None."""
    found = NVCC.search(text)
    return {"release": found.group(1), "version": found.group(2)} if found else None


def parse_unmet(text):
    """[{"package", "needs", "version", "offered"}] of apt's complaint about dependencies on exact versions."""
    found, package = [], None
    for match in UNMET.finditer(text):
        package = match.group("package") or package
        found.append(
            {
                "package": package,
                "needs": match.group("needs") or match.group("needs2"),
                "version": match.group("version") or match.group("version2"),
                "offered": match.group("offered") or match.group("offered2"),
            }
        )
    return found


def parse_ubuntu_drivers(text):
    """[{"package", "origin", "recommended"}] of ubuntu-drivers devices; origin is distro or third-party."""
    return [
        {"package": package, "origin": origin, "recommended": "recommended" in rest}
        for package, origin, rest in UBUNTU_DRIVER.findall(text)
    ]


def builds(packages):
    """Whether a driver's packages (names) have its modules built on the host, by DKMS, or bring them."""
    return bool(packages) and not any(name.startswith(PREBUILT) for name in packages)
