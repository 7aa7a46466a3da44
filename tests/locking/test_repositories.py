"""What apt is to read on a GPU host: the repositories of what was solved, their keys, and exact pins; else nothing."""

from typing import Any

from aimlsetup import locking
from aimlsetup.models.profile import Mirror

from .conftest import Index, Observe, Read

JAMMY = {"id": "ubuntu", "version": "22.04", "codename": "jammy", "name": "Ubuntu"}
BOOKWORM = {"id": "debian", "version": "12", "codename": "bookworm", "name": "Debian"}
ADA = {"id": "10de:2684"}


def decided(profile: Read, host: Any, more: str, sources: dict[str, Any] | None = None) -> dict[str, Any]:
    wished = profile("falcon", more=more)
    changes = {"sources": {**wished.sources, **(sources or {})}, "components": []}
    lock = locking.make(wished.model_copy(update=changes), {"web": host})
    return next(iter(lock.classes.values())).components["gpu_sources"]


def test_nvidias_repository_with_its_key_and_a_pin_for_each_package(
    profile: Read, observation: Observe, index: Index
) -> None:
    host = observation(release=JAMMY, pythons={"/usr/bin/python3.10": "3.10.12"}, gpus=[ADA])
    found = decided(profile, host, "requests: {device: gpu, channel: nvidia, cuda: '12.4'}\n")
    (repository,) = found["gpu_sources_repositories"]
    assert repository["uri"].endswith("/ubuntu2204/x86_64")
    assert repository["architectures"] == ["amd64"]
    assert [len(text) for text in repository["key"]["fingerprints"]] == [40]
    pinned = {name: pin["version"] for pin in found["gpu_sources_pins"] if "version" in pin for name in pin["packages"]}
    assert pinned["cuda-toolkit-12-4"].startswith("12.4.")
    assert found["gpu_sources_retired_keys"] == ["7fa2af80"]


def test_a_mirror_has_the_key_beside_its_index(profile: Read, observation: Observe, index: Index) -> None:
    host = observation(release=JAMMY, pythons={"/usr/bin/python3.10": "3.10.12"}, gpus=[ADA])
    mirror = {"nvidia_cuda": "http://192.0.2.7/nvidia/{distro}"}
    found = decided(profile, host, "requests: {device: gpu, channel: nvidia, cuda: '12.4'}\n", mirror)
    (repository,) = found["gpu_sources_repositories"]
    assert repository["uri"] == "http://192.0.2.7/nvidia/ubuntu2204"
    assert repository["key"]["url"] == "http://192.0.2.7/nvidia/ubuntu2204/3bf863cc.pub"


def test_a_mirror_that_signs_by_itself_says_with_which_key(profile: Read, observation: Observe, index: Index) -> None:
    host = observation(release=JAMMY, pythons={"/usr/bin/python3.10": "3.10.12"}, gpus=[ADA])
    url = "http://192.0.2.7/nvidia"
    mirror = Mirror(url=url, key="http://192.0.2.7/keys/{arch}.asc", fingerprints=["AB" * 20])
    found = decided(profile, host, "requests: {device: gpu, channel: nvidia, cuda: '12.4'}\n", {"nvidia_cuda": mirror})
    (repository,) = found["gpu_sources_repositories"]
    assert repository["uri"] == url
    assert repository["key"] == {"url": "http://192.0.2.7/keys/x86_64.asc", "fingerprints": ["AB" * 20]}


def test_debians_own_archive_is_known_by_its_keyring(profile: Read, observation: Observe, index: Index) -> None:
    host = observation(release=BOOKWORM, gpus=[ADA])
    found = decided(profile, host, "requests: {device: gpu, channel: distro, cuda: '11.8'}\n")
    assert {entry["signed_by"] for entry in found["gpu_sources_repositories"]} == {
        "/usr/share/keyrings/debian-archive-keyring.gpg"
    }
    assert all("non-free" in entry["components"] for entry in found["gpu_sources_repositories"])


def test_without_a_gpu_the_component_is_not_there(profile: Read, observation: Observe, index: Index) -> None:
    lock = locking.make(profile("falcon").model_copy(update={"components": []}), {"web": observation()})
    assert "gpu_sources" not in next(iter(lock.classes.values())).components
