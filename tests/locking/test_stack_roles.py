"""What roles of the GPU stack are given: packages in apt's notation, headers and modules of the host's own kernel."""

from typing import Any

import pytest

from aimlsetup import catalog, locking
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import kernels, platforms
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile

from .conftest import Index, Observe, Read

KNOWN = catalog.load()
JAMMY = {"id": "ubuntu", "version": "22.04", "codename": "jammy", "name": "Ubuntu"}
BOOKWORM = {"id": "debian", "version": "12", "codename": "bookworm", "name": "Debian"}
PYTHON = {"/usr/bin/python3.10": "3.10.12"}
ADA = {"id": "10de:2684"}
SWITCH = "10de:22a3"
H100 = {"id": "10de:2330"}


def values(profile: Read, more: str, host: Observation) -> dict[str, Any]:
    wished = profile("falcon", more=more).model_copy(update={"components": []})
    (found,) = locking.make(wished, {"web": host}).classes.values()
    return {name: value for arguments in found.components.values() for name, value in arguments.items()}


@pytest.mark.parametrize(
    ("release", "kernel", "name"),
    [
        (("debian", "12"), "6.1.0-56-amd64", "amd64"),
        (("debian", "12"), "6.1.0-56-cloud-amd64", "cloud-amd64"),
        (("debian", "13"), "6.12.48+deb13-amd64", "amd64"),
        (("debian", "12"), "6.1.102-somebodys", "amd64"),
        (("ubuntu", "22.04"), "5.15.0-105-generic", "generic"),
        (("ubuntu", "22.04"), "6.8.0-45-generic", "generic-hwe-22.04"),
        (("ubuntu", "22.04"), "5.15.0-1058-aws", "aws-lts-22.04"),
        (("ubuntu", "22.04"), "6.8.0-1015-aws", "aws"),
        (("ubuntu", "24.04"), "6.8.0-45-lowlatency", "lowlatency"),
        (("ubuntu", "22.04"), None, "generic"),
    ],
)
def test_packages_are_named_after_the_kernel(release: tuple[str, str], kernel: str | None, name: str) -> None:
    facts = {"release": dict(zip(("id", "version"), release, strict=True)), "arch": "x86_64", "gpus": [ADA]}
    if kernel:
        facts["kernel"] = kernel
    profile = Profile.model_validate({"hosts": {"web": {}}, "requests": {"device": "gpu"}})
    platform = platforms.platform("web", Observation(version=1, facts=facts), profile, KNOWN)
    assert kernels.named(platform) == name


def test_debians_driver_is_built_with_the_headers_of_its_kernel(
    profile: Read, observation: Observe, index: Index
) -> None:
    host = observation(release=BOOKWORM, gpus=[ADA], kernel="6.1.0-56-cloud-amd64")
    found = values(profile, "requests: {device: gpu, channel: distro, cuda: '11.8'}\n", host)
    assert found["nvidia_driver_version"] == "535.309.01"
    assert found["nvidia_driver_flavour"] == "proprietary"
    assert {"libcuda1=535.309.01-*", "nvidia-kernel-dkms=535.309.01-*"} <= set(found["nvidia_driver_packages"])
    assert found["nvidia_driver_headers"] == ["linux-headers-cloud-amd64"]
    assert found["nvidia_driver_persistence"]
    assert found["nvidia_driver_fabric_manager"] == []
    assert [(kit["version"], kit["path"]) for kit in found["cuda_toolkits"]] == [("11.8", None)]
    assert found["cuda_default"] == "11.8"
    other = "requests: {device: gpu, channel: distro, cuda: '11.8'}\ncuda: {default: null}\n"
    assert values(profile, other, host)["cuda_default"] is None


@pytest.mark.parametrize(
    ("more", "said"),
    [("", None), ("reboot_ok: true\n", True), ("reboot_ok: true\nnvidia_driver: {reboot_ok: false}\n", False)],
)
def test_a_reboot_is_consented_to_for_all_or_for_the_driver(
    profile: Read, observation: Observe, index: Index, more: str, said: bool | None
) -> None:
    host = observation(release=BOOKWORM, gpus=[ADA])
    found = values(profile, "requests: {device: gpu, channel: distro}\n" + more, host)
    assert found["nvidia_driver_reboot_ok"] is said


@pytest.mark.parametrize(
    ("kernel", "kernels", "headers"),
    [
        ("6.12.48+deb13-amd64", "running", "linux-headers-{kernel}"),
        ("6.12.48+deb13-amd64", "installed", "linux-headers-amd64"),
        ("6.1.102-somebodys", "running", "linux-headers-amd64"),
    ],
)
def test_headers_that_would_bring_another_kernel_are_those_of_the_running_one(
    profile: Read, observation: Observe, index: Index, kernel: str, kernels: str, headers: str
) -> None:
    trixie = {"id": "debian", "version": "13", "codename": "trixie", "name": "Debian"}
    host = observation(release=trixie, pythons={"/usr/bin/python3.13": "3.13.5"}, gpus=[ADA], kernel=kernel)
    wish = f"requests: {{device: gpu, channel: distro}}\nnvidia_driver: {{kernels: {kernels}}}\n"
    assert values(profile, wish, host)["nvidia_driver_headers"] == [headers]


def test_ubuntus_signed_modules_are_those_of_the_hosts_kernel(
    profile: Read, observation: Observe, index: Index
) -> None:
    host = observation(release=JAMMY, pythons=PYTHON, gpus=[ADA], kernel="6.8.0-45-generic", secure_boot="on")
    found = values(profile, "requests: {device: gpu, channel: distro, driver: {version: '580'}}\n", host)
    assert "linux-modules-nvidia-580-server-open-generic-hwe-22.04" in found["nvidia_driver_packages"]
    assert found["nvidia_driver_headers"] == []


def test_a_driver_that_works_stays_and_is_only_recorded(profile: Read, observation: Observe, index: Index) -> None:
    there = {"driver": "570.124.06", "flavour": "open", "loaded": True, "library": "570.124.06", "packages": {}}
    host = observation(release=JAMMY, pythons=PYTHON, gpus=[ADA], nvidia=there)
    found = values(profile, "requests: {device: gpu}\n", host)
    assert found["nvidia_driver_version"] == "570.124.06"
    assert found["nvidia_driver_packages"] == found["nvidia_driver_headers"] == []
    assert not found["nvidia_driver_persistence"]


def test_a_driver_of_known_packages_stays_and_is_held_by_them(
    profile: Read, observation: Observe, index: Index
) -> None:
    version = "580.159.04"
    packages = {"nvidia-open-580": {"version": f"{version}-1ubuntu1", "status": "i", "hold": False}}
    there = {"driver": version, "flavour": "open", "loaded": True, "library": version, "packages": packages}
    noble = {"id": "ubuntu", "version": "24.04", "codename": "noble", "name": "Ubuntu"}
    host = observation(release=noble, pythons={"/usr/bin/python3.12": "3.12.3"}, gpus=[ADA], nvidia=there)
    found = values(profile, "requests: {device: gpu, channel: nvidia}\n", host)
    assert found["nvidia_driver_version"] == version
    assert [wish.partition("=")[0] for wish in found["nvidia_driver_packages"]] == ["nvidia-open-580"]


@pytest.mark.parametrize(
    ("driver", "package"),
    [("550.54.15", "nvidia-fabricmanager-550=550.54.15-*"), ("580.95.05", "nvidia-fabricmanager=580.95.05-*")],
)
def test_switches_have_a_fabric_manager_of_the_drivers_version(
    profile: Read, observation: Observe, index: Index, driver: str, package: str
) -> None:
    host = observation(release=JAMMY, pythons=PYTHON, gpus=[H100], nvswitches=[SWITCH])
    wish = f"requests: {{device: gpu, channel: nvidia, driver: {{version: '{driver}'}}}}\n"
    assert values(profile, wish, host)["nvidia_driver_fabric_manager"] == [package]


def test_switches_without_a_known_fabric_manager_are_refused(
    profile: Read, observation: Observe, index: Index
) -> None:
    host = observation(release=BOOKWORM, gpus=[H100], nvswitches=[SWITCH])
    wish = "requests: {device: gpu, channel: distro}\n"
    with pytest.raises(AimlsetupError, match="NVSwitch") as caught:
        values(profile, wish, host)
    assert caught.value.exit_code == 4
