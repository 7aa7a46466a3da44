"""Whether the driver's kernel modules are built, may be loaded, and find the device free."""

from collections.abc import Iterator, Mapping
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.doctor._common import Evidence, command, gpus, problem
from aimlsetup.models.finding import Finding

BLACKLIST = "/etc/modprobe.d/blacklist-nouveau.conf"


def judge(evidence: Evidence, _catalog: Catalog) -> Iterator[Finding]:
    """Findings about kernels, DKMS, Secure Boot and nouveau."""
    if evidence["wsl"]["is"]:
        return
    yield from _nouveau(evidence)
    yield from _builds(evidence)
    yield from _broken(evidence)
    yield from _secure_boot(evidence)


def named(row: Mapping[str, Any]) -> str:
    """A module as dkms itself names it: `nvidia/535.261.03`."""
    return f"{row['module']}/{row['version']}"


def _nouveau(evidence: Evidence) -> Iterator[Finding]:
    taken = [gpu["address"] for gpu in evidence["gpus"] if gpu["driver"] in ("nouveau", "nova_core")]
    if taken or (gpus(evidence) and "nouveau" in evidence["modules"]):
        yield problem(
            "nouveau-loaded",
            "nouveau has the GPU",
            "The kernel's own driver took the device when it booted, so NVIDIA's can't. It must be kept from loading, "
            "in the initramfs too.",
            rf"printf 'blacklist nouveau\noptions nouveau modeset=0\n' | sudo tee {BLACKLIST}"
            " && sudo update-initramfs -u && sudo reboot",
            taken or ["the module nouveau is loaded"],
        )


def _builds(evidence: Evidence) -> Iterator[Finding]:
    """Every installed kernel needs a build of its own, and that needs its headers."""
    rows = [row for row in evidence["dkms"]["modules"] if row["state"] != "broken"]
    if not rows:
        return
    built = {row["kernel"] for row in rows if row["state"] == "installed"}
    for kernel, headers in evidence["kernels"].items():
        running = kernel == evidence["kernel"]
        if kernel in built or (running and evidence["module_file"]):
            continue
        now = "which is running" if running else "which the next boot may take"
        if not headers:
            yield problem(
                "headers-missing",
                f"the headers of kernel {kernel} are missing",
                f"DKMS can't build the driver for this kernel, {now}, without them.",
                command("sudo", "apt-get", "install", f"linux-headers-{kernel}"),
                [f"{named(row)}: {row['state']}" for row in rows],
            )
        else:
            yield problem(
                "dkms-not-built",
                f"the driver is not built for kernel {kernel}",
                f"DKMS knows the driver and has no module installed for this kernel, {now}.",
                command("sudo", "dkms", "autoinstall", "-k", kernel),
                [f"{' '.join(filter(None, (named(row), row['kernel'])))}: {row['state']}" for row in rows]
                + [f"make.log: {line}" for line in evidence["dkms"]["log"]],
            )


def _broken(evidence: Evidence) -> Iterator[Finding]:
    for row in evidence["dkms"]["modules"]:
        name = named(row)
        if row["state"] == "broken":
            yield problem(
                "dkms-broken",
                f"DKMS has lost the source of {name}",
                "Its source directory is gone: it is built for no kernel any more, and other modules' builds stop.",
                command("sudo", "rm", "-r", f"/var/lib/dkms/{name}"),
            )
        elif row["warning"]:
            yield problem(
                "dkms-differs",
                f"the module of kernel {row['kernel']} is not the one DKMS built",
                "Another package or a copy by hand put its own module in the place of DKMS's.",
                command("sudo", "dkms", "install", "--force", name, "-k", row["kernel"] or evidence["kernel"]),
                [row["warning"]],
            )


def _secure_boot(evidence: Evidence) -> Iterator[Finding]:
    boot, module = evidence["secure_boot"], evidence["module_file"]
    if not (boot["state"] == "on" and boot["validated"] and module) or evidence["nvidia"]["loaded"]:
        return
    if not module["signer"]:
        yield problem(
            "secure-boot-unsigned",
            "Secure Boot is on, and the module is not signed",
            "The kernel refuses what nobody signed (`Key was rejected by service`). Ubuntu's linux-modules-nvidia "
            "packages are signed; a module of DKMS is signed with this host's own key once that is made.",
            command("sudo", "dkms", "autoinstall", "-k", evidence["kernel"]),
        )
    elif boot["enrolled"] is False:
        yield problem(
            "secure-boot-key",
            "Secure Boot is on, and this host's signing key is not enrolled",
            "The module is signed with a key that the firmware does not know. Importing it asks for a password, which "
            "the blue screen of the next boot asks for again.",
            "sudo mokutil --import /var/lib/dkms/mok.pub",
            [f"signed by {module['signer']}"],
        )
