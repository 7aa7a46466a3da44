"""The GPUs, and whether their driver is one for them and all of one version."""

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.parts import Chip
from aimlsetup.doctor._common import Evidence, command, driver_packages, gpus, note, problem, upstream
from aimlsetup.models.finding import Finding

PROFILE = command("aimlsetup", "init", "-o", "aimlsetup.yml")
FABRIC_MANAGER = "nvidia-fabricmanager"


def judge(evidence: Evidence, catalog: Catalog) -> Iterator[Finding]:
    """Findings about the GPUs on the bus and the driver."""
    if evidence["wsl"]["is"]:
        yield from _wsl(evidence)
        return
    there = gpus(evidence)
    if not there:
        yield note(
            "gpu-none",
            "there is no NVIDIA GPU on the bus",
            "Nothing here can compute with CUDA. A card that should be there is not seated, has no power, is not "
            "passed through to this machine, or is turned off in the firmware.",
            "lspci -nn -d 10de:",
        )
    chips = {device: _chip(device, catalog) for device in there}
    yield from _unknown(chips)
    yield from _suitable({device: chip for device, chip in chips.items() if chip}, evidence, catalog)
    if there:
        yield from _loaded(evidence)
    yield from _versions(evidence)
    yield from _fabric(evidence)
    yield from _holders(evidence)


def _chip(device: str, catalog: Catalog) -> Chip | None:
    return next((chip for chip in catalog.gpus.chips if device in chip.devices), None)


def _wsl(evidence: Evidence) -> Iterator[Finding]:
    """Windows' driver serves WSL; a Linux driver in it takes the place of the library that talks to that."""
    installed = driver_packages(evidence)
    if installed:
        yield problem(
            "wsl-driver",
            "a Linux driver is installed inside WSL",
            "Under Windows' Subsystem for Linux the GPU is served by the driver of Windows through /usr/lib/wsl/lib; "
            "a driver of Linux hides that one and can't work.",
            command("sudo", "apt-get", "purge", *installed),
            [f"{name} {version}" for name, version in installed.items()],
        )
    elif not evidence["wsl"]["library"]:
        yield problem(
            "wsl-no-driver",
            "Windows' driver is not here",
            "/usr/lib/wsl/lib/libcuda.so.1 is missing: NVIDIA's driver is installed in Windows, not in here.",
            "wsl.exe --update",
        )


def _unknown(chips: dict[str, Chip | None]) -> Iterator[Finding]:
    unknown = [f"10de:{device}" for device, chip in chips.items() if chip is None]
    if unknown:
        yield note(
            "gpu-unknown",
            "a GPU is not in the catalog",
            "It is taken for newer than all that the catalog knows, so drivers and toolkits can't be judged for it.",
            "lspci -nn -d 10de:",
            unknown,
        )


def _suitable(chips: dict[str, Chip], evidence: Evidence, catalog: Catalog) -> Iterator[Finding]:
    """Flavour and branch of the driver against what the GPUs need."""
    version, flavour = evidence["nvidia"]["driver"], _flavour(evidence)
    needs = {entry.name: entry.open_modules for entry in catalog.gpus.architectures}
    for device, chip in chips.items():
        name = f"10de:{device} ({chip.chip}, {chip.architecture})"  # a marketing name may belong to several chips
        if (flavour, needs[chip.architecture]) in (("proprietary", "required"), ("open", "never")):
            other, wanted = (
                ("open", "^nvidia-.*open") if flavour == "proprietary" else ("proprietary", "^nvidia-driver")
            )
            yield problem(
                "driver-flavour",
                f"{name} can't work with {flavour} kernel modules",
                f"{chip.architecture} {'needs' if other == 'open' else 'is not supported by'} the open ones: with the "
                f"wrong flavour the driver hangs, or nvidia-smi finds no devices. Install the {other} ones.",
                command("apt-cache", "search", "--names-only", wanted),
                [f"{flavour} modules {version or ''}".strip(), f"compute capability {chip.capability}"],
            )
        if version and (why := _refused(version, chip.capability, catalog)):
            yield problem(
                "driver-branch",
                f"driver {version} does not drive {name}",
                f"{why}. Install a branch that does.",
                PROFILE,
                [f"compute capability {chip.capability}"],
            )


def _flavour(evidence: Evidence) -> str | None:
    """Of the modules that are there, else of those that the installed packages would build."""
    known: str | None = evidence["nvidia"]["flavour"]
    installed = driver_packages(evidence)
    if known or not installed:
        return known
    kernel_side = [name for name in installed if not name.startswith("lib")]
    if not kernel_side:
        return None
    return "open" if any("open" in name.split("-") for name in kernel_side) else "proprietary"


def _refused(version: str, capability: str, catalog: Catalog) -> str | None:
    """Why the branch of this driver does not serve a compute capability."""
    branch = version.partition(".")[0]
    for release in catalog.parts["driver"].releases:
        if release.version.partition(".")[0] == branch:
            for relation in release.relations:
                for name, need in relation.needs.items():
                    wanted = [need] if isinstance(need, str) else need
                    if name.startswith("gpu.") and not any(capability in SpecifierSet(text) for text in wanted):
                        return relation.text or f"Branch {branch} needs compute capability {' or '.join(wanted)}"
            return None
    return None


def _loaded(evidence: Evidence) -> Iterator[Finding]:
    """Whether a driver is there and runs."""
    nvidia, installed = evidence["nvidia"], driver_packages(evidence)
    if not nvidia["loaded"] and not installed and not nvidia["library"]:
        package = evidence["recommended"]
        yield problem(
            "driver-missing",
            "no NVIDIA driver is installed",
            "There is a GPU on the bus and nothing to drive it for CUDA.",
            command("sudo", "apt-get", "install", package) if package else PROFILE,
        )
    elif not nvidia["loaded"]:
        yield problem(
            "driver-not-loaded",
            "the NVIDIA kernel module is not loaded",
            "nvidia-smi then says that it couldn't communicate with the driver. The kernel's own words say why it "
            "did not load; a missing build, nouveau and Secure Boot have findings of their own.",
            "sudo modprobe nvidia; sudo dmesg | grep -iE 'nvrm|nvidia' | tail -n 20",
            [f"module for this kernel: {(evidence['module_file'] or {}).get('version', 'none')}"],
        )
    answering = evidence["answering"]
    if answering and answering["failure"] in ("silent", "no-devices"):
        yield problem(
            "gpu-silent",
            "the driver is loaded and no GPU answers",
            "nvidia-smi hangs or finds no devices: the GPU has fallen off the bus, or the modules are not for it.",
            "sudo dmesg | grep -i xid | tail -n 20",
        )
    elif answering and answering["failure"] is None and answering["gpus"] < len(gpus(evidence)):
        yield problem(
            "gpu-lost",
            f"{answering['gpus']} of {len(gpus(evidence))} GPUs answer",
            "One is on the bus and the driver does not list it: it may have fallen off, or be of another generation.",
            "sudo dmesg | grep -i xid | tail -n 20",
        )


def _versions(evidence: Evidence) -> Iterator[Finding]:
    """The loaded module against the libraries, which must be of exactly the same version."""
    nvidia = evidence["nvidia"]
    if not nvidia["loaded"] or nvidia["library"] in (None, nvidia["driver"]):
        return
    on_disk = (evidence["module_file"] or {}).get("version")
    cured = on_disk in (None, nvidia["library"])
    yield problem(
        "nvml-mismatch",
        f"the loaded module is {nvidia['driver']}, its libraries are {nvidia['library']}",
        "An upgrade replaced the libraries under the running module: every new program fails with `Failed to "
        "initialize NVML: Driver/library version mismatch`. "
        + ("A reboot loads the new module." if cured else "A reboot won't do: the module on disk is another one too."),
        "sudo reboot" if cured else command("sudo", "dkms", "autoinstall", "-k", evidence["kernel"]),
        [f"module on disk: {on_disk or 'unknown'}"],
    )


def _fabric(evidence: Evidence) -> Iterator[Finding]:
    """NVSwitches need a fabric manager of exactly the driver's version."""
    version = evidence["nvidia"]["driver"]
    if not evidence["nvswitches"] or not version:
        return
    found = {
        name: entry["version"]
        for name, entry in evidence["nvidia"]["packages"].items()
        if name.startswith(FABRIC_MANAGER)
    }
    if version not in map(upstream, found.values()):
        package = f"{FABRIC_MANAGER}-{version.partition('.')[0]}"
        yield problem(
            "fabric-manager",
            f"no fabric manager of version {version}",
            "There are NVSwitches on the bus: without a fabric manager of exactly the driver's version CUDA fails "
            "with error 802, system not yet initialized.",
            command("apt-cache", "policy", *(found or [package, FABRIC_MANAGER])),
            [f"{name} {entry}" for name, entry in found.items()] or ["none is installed"],
        )


def _holders(evidence: Evidence) -> Iterator[Finding]:
    held = evidence["holders"]
    if held:
        yield note(
            "gpu-held",
            f"{len(held)} processes hold a GPU",
            "The driver can't be replaced or unloaded while they run, and they take its memory."
            + ("" if evidence["uid"] == 0 else " Those of other users are only seen by root."),
            command("ps", "-fp", ",".join(str(process["pid"]) for process in held)),
            [f"pid {process['pid']}, {process['user']}: {process['command']}" for process in held],
        )
