"""What is read of a host's GPUs and its driver."""

from typing import Any

import pytest

from aimlsetup import catalog
from aimlsetup.locking.hardware import Hardware, Installed, hardware, newer

KNOWN = catalog.load()


def read(declared: list[str] | None = None, capabilities: dict[str, str] | None = None, **facts: Any) -> Hardware:
    return hardware(facts, declared, capabilities or {}, KNOWN)


def bus(*ids: str) -> list[dict[str, str]]:
    return [{"id": found} for found in ids]


def test_gpus_are_known_by_their_ids() -> None:
    found = read(gpus=bus("10de:2684", "10de:2684", "10de:1b06", "1002:744c"))
    assert [(gpu.chip, gpu.capability) for gpu in found.gpus] == [("AD102", "8.9"), ("GP102", "6.1")]
    assert found.fingerprint == "compute capability 6.1 8.9"


def test_what_the_profile_declares_stands_in_place_of_what_is_seen() -> None:
    assert [gpu.chip for gpu in read(["10de:2684"], gpus=bus("10de:1b06")).gpus] == ["AD102"]
    assert read([], gpus=bus("10de:1b06")).gpus == ()


def test_an_unknown_id_is_newer_than_everything_until_somebody_says_what_it_is() -> None:
    (gpu,) = read(gpus=bus("10de:9999")).gpus
    assert (gpu.chip, gpu.capability) == (None, newer(KNOWN))
    assert all(float(chip.capability) < float(newer(KNOWN)) for chip in KNOWN.gpus.chips)
    (gpu,) = read(gpus=bus("10de:9999"), capabilities={"10de:9999": "12.0"}).gpus
    assert gpu.capability == "12.0"
    assert "requests.gpu_capability" in str(gpu)


def test_switches_and_secure_boot() -> None:
    switch = next(iter(KNOWN.gpus.switches))
    found = read(gpus=bus("10de:2330"), nvswitches=[f"10de:{switch}"], secure_boot="on", kernel="6.8.0-40-generic")
    assert (found.nvswitch, found.secure_boot, found.kernel) == (True, True, "6.8")
    assert found.fingerprint == "compute capability 9.0, nvswitch, secure-boot"
    assert not read(secure_boot="unsupported").secure_boot


@pytest.mark.parametrize(
    ("nvidia", "expected"),
    [
        ({"driver": "1.2", "flavour": "open", "loaded": True, "library": "1.2"}, Installed("1.2", "open")),
        ({"driver": "1.2", "flavour": None, "loaded": True, "library": None}, Installed("1.2", None)),
        ({"driver": "1.2", "flavour": "open", "loaded": True, "library": "1.3"}, None),
        ({"driver": "1.2", "flavour": "open", "loaded": False, "library": "1.2"}, None),
        ({"driver": None, "flavour": None, "loaded": False, "library": None}, None),
        (None, None),
    ],
)
def test_a_driver_counts_that_works(nvidia: dict[str, Any] | None, expected: Installed | None) -> None:
    assert read(nvidia=nvidia).driver == expected
