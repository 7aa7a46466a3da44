"""GPUs: every PCI id leads to one chip, and every chip to what it needs."""

from typing import Any

import pytest

from aimlsetup import catalog
from aimlsetup.catalog.parts import Chip

GPUS = catalog.load().gpus
CAPABILITIES = {
    "Fermi": {"2.0", "2.1"},
    "Kepler": {"3.0", "3.5", "3.7"},
    "Maxwell": {"5.0", "5.2"},
    "Pascal": {"6.0", "6.1"},
    "Volta": {"7.0"},
    "Turing": {"7.5"},
    "Ampere": {"8.0", "8.6"},
    "Ada": {"8.9"},
    "Hopper": {"9.0"},
    "Blackwell": {"10.0", "10.3", "11.0", "12.0", "12.1"},
}


def chips_named(name: str) -> list[str]:
    return sorted({chip.chip for chip in GPUS.named(name).values()})


def test_an_id_is_of_one_chip_and_no_switch() -> None:
    devices = [device for chip in GPUS.chips for device in chip.devices]
    assert len(devices) >= 949
    assert len(set(devices)) == len(devices)
    assert not set(devices) & set(GPUS.switches)


def test_a_chip_is_there_once() -> None:
    chips = [chip.chip for chip in GPUS.chips]
    assert len(set(chips)) == len(chips)


def test_generations_are_newest_first_and_all_used() -> None:
    order = [architecture.name for architecture in GPUS.architectures]
    assert order == list(reversed(CAPABILITIES))
    assert list(dict.fromkeys(chip.architecture for chip in GPUS.chips)) == order


def test_every_record_has_a_source() -> None:
    records: list[Any] = [*GPUS.architectures, *GPUS.chips, *GPUS.switches.values(), *GPUS.traps]
    named = {record.source for record in records} | {chip.capability_source for chip in GPUS.chips}
    assert named == set(GPUS.sources)


@pytest.mark.parametrize("chip", GPUS.chips, ids=lambda chip: chip.chip)
def test_a_capability_is_one_of_its_generation(chip: Chip) -> None:
    assert chip.capability in CAPABILITIES[chip.architecture]
    assert chip.recalled == GPUS.sources[chip.capability_source].startswith("recalled")


def test_a_generation_decides_about_kernel_modules() -> None:
    flavours = {architecture.name: architecture.open_modules for architecture in GPUS.architectures}
    assert {name for name, flavour in flavours.items() if flavour == "required"} == {"Blackwell"}
    assert {name for name, flavour in flavours.items() if flavour == "never"} == {
        "Fermi",
        "Kepler",
        "Maxwell",
        "Pascal",
        "Volta",
    }


@pytest.mark.parametrize(
    ("device", "chip", "capability"),
    [
        ("2684", "AD102", "8.9"),  # GeForce RTX 4090
        ("1b06", "GP102", "6.1"),  # GeForce GTX 1080 Ti
        ("102d", "GK210", "3.7"),  # Tesla K80
        ("1eb8", "TU104", "7.5"),  # Tesla T4
        ("20b7", "GA100", "8.0"),  # A30
        ("2330", "GH100", "9.0"),  # H100
        ("2b85", "GB202", "12.0"),  # GeForce RTX 5090
        ("2e12", "GB20B", "12.1"),  # GB10 of a DGX Spark
    ],
)
def test_known_devices(device: str, chip: str, capability: str) -> None:
    found = GPUS.chip_of(device)
    assert found
    assert (found.chip, found.capability) == (chip, capability)


@pytest.mark.parametrize(
    ("name", "chips"),
    [
        ("RTX 4090", ["AD102"]),
        ("rtx 4090 laptop", ["AD103"]),
        ("GTX 1080 Ti", ["GP102"]),
        ("Tesla V100", ["GV100"]),
        ("GeForce GT 730", ["GF108", "GK107", "GK208"]),
        ("RTX PRO 6000 Blackwell", ["GB202"]),
        ("GeForce RTX 99999", []),
        ("409", []),
        ("", []),
    ],
)
def test_names_lead_to_chips(name: str, chips: list[str]) -> None:
    """More than one is why a name decides nothing."""
    assert chips_named(name) == chips


def test_a_name_leads_to_its_ids_and_back() -> None:
    found = GPUS.named("RTX 4090")
    assert {device: chip.devices[device] for device, chip in found.items()} == {"2684": "GeForce RTX 4090"}
    for chip in GPUS.chips:
        assert all(GPUS.named(name)[device] is chip for device, name in chip.devices.items() if name)


def test_traps_speak_of_what_is_there() -> None:
    for name in ("GeForce GT 730", "GeForce GT 640 OEM", "GeForce GTX 750 v2", "GeForce RTX 3050 A Laptop GPU"):
        assert chips_named(name)
        assert any(trap.about == name for trap in GPUS.traps)


def test_switches_of_the_machines_that_have_them() -> None:
    assert GPUS.switches["1af1"].name == "A100 NVSwitch"
    assert GPUS.switches["22a3"].name == "H100 NVSwitch"
