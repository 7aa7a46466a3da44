"""What NVIDIA's tools print: our own samples, and what others recorded where that lies beside the checkout."""

from pathlib import Path

import pytest

from aimlsetup import content

nvidia = content.util("nvidia")
SAMPLES = Path(__file__).with_name("samples")


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def test_table() -> None:
    assert nvidia.parse_smi_table(sample("nvidia-smi-two.txt")) == {
        "driver": "580.95.05",
        "cuda": "13.0",
        "gpus": [
            {"index": 0, "name": "NVIDIA GeForce RTX 4090", "bus": "0000:01:00.0"},
            {"index": 1, "name": "Quadro RTX 4000", "bus": "0001:82:00.0"},
        ],
    }


def test_xml() -> None:
    found = nvidia.parse_smi_xml(sample("nvidia-smi-two.xml"))
    assert (found["driver"], found["cuda"]) == ("580.95.05", "13.0")
    assert found["gpus"] == [
        {
            "bus": "0000:01:00.0",
            "name": "NVIDIA GeForce RTX 4090",
            "id": "10de:2684",
            "architecture": "Ada Lovelace",
            "memory": 24564,
            "mig": None,
            "processes": [{"pid": 4711, "name": "/usr/bin/python3"}],
        },
        {
            "bus": "0001:82:00.0",
            "name": "NVIDIA A100-SXM4-80GB",
            "id": None,
            "architecture": None,
            "memory": None,
            "mig": "Enabled",
            "processes": [],
        },
    ]


def test_csv_of_several_gpus() -> None:
    """One line for each GPU, with its header or, when the fields are known, without."""
    text = sample("nvidia-smi-two.csv")
    with_header = nvidia.parse_smi_csv(text)
    assert [row["compute_cap"] for row in with_header] == ["8.9", "7.5"]
    fields = ["index", "name", "compute_cap", "memory.total"]
    assert nvidia.parse_smi_csv(text.partition("\n")[2], fields) == with_header


def test_list_leaves_out_mig_devices() -> None:
    assert [(gpu["index"], gpu["name"]) for gpu in nvidia.parse_smi_list(sample("nvidia-smi-L.txt"))] == [
        (0, "NVIDIA A100-SXM4-80GB"),
        (1, "NVIDIA GeForce RTX 4090"),
    ]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.261", "mismatch"),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "no-driver"),
        ("No devices were found", "no-devices"),
        ("sh: 1: nvidia-smi: command not found", "no-command"),
        ("GPU 0: NVIDIA A100 (UUID: GPU-1)", None),
    ],
)
def test_what_nvidia_smi_says_when_it_fails(said: str, word: str | None) -> None:
    assert nvidia.parse_smi_failure(said) == word


def test_dkms_in_all_its_forms() -> None:
    rows = nvidia.parse_dkms(sample("dkms-status.txt"))
    assert [(row["module"], row["version"], row["kernel"], row["state"]) for row in rows] == [
        ("nvidia", "470.82.01", "5.10.0-30-amd64", "installed"),
        ("nvidia-current", "535.261.03", "6.1.0-40-amd64", "installed"),
        ("nvidia", "580.95.05", None, "added"),
        ("nvidia", "575.57.08", None, "broken"),
    ]
    assert [bool(row["warning"]) for row in rows] == [False, True, False, False]


@pytest.mark.parametrize(
    ("said", "state", "validated"),
    [
        ("SecureBoot enabled\n", "on", True),
        ("SecureBoot enabled\nSecureBoot validation is disabled in shim\n", "on", False),
        ("SecureBoot disabled\n", "off", False),
        ("EFI variables are not supported on this system\n", "unsupported", False),
        ("This system doesn't support Secure Boot\n", "unsupported", False),
        ("Cannot determine secure boot state.\n", "unknown", False),
    ],
)
def test_secure_boot(said: str, state: str, validated: bool) -> None:
    assert nvidia.parse_secure_boot(said) == {"state": state, "validated": validated}


def test_loaded_module() -> None:
    opened = nvidia.parse_proc_version(sample("proc-version-open.txt"))
    closed = nvidia.parse_proc_version(sample("proc-version-proprietary.txt"))
    assert opened == {"version": "580.95.05", "flavour": "open"}
    assert closed == {"version": "535.261.03", "flavour": "proprietary"}
    assert nvidia.parse_proc_version("") is None


def test_lspci() -> None:
    found = nvidia.parse_lspci(sample("lspci-nn.txt"))
    assert [(device["address"], device["code"], device["id"]) for device in found] == [
        ("00:02.0", "0300", "8086:3e92"),
        ("01:00.0", "0300", "10de:2684"),
        ("01:00.1", "0403", "10de:22ba"),
        ("0001:82:00.0", "0302", "10de:20b2"),
        ("c4:00.0", "0680", "10de:22a3"),
        ("21:00.0", None, None),
    ]
    assert found[1]["name"] == "NVIDIA Corporation AD102 [GeForce RTX 4090]"
    assert found[-1]["name"] == "NVIDIA Corporation Device 2b85"


def test_nvcc() -> None:
    assert nvidia.parse_nvcc(sample("nvcc.txt")) == {"release": "11.8", "version": "11.8.89"}


def test_unmet_dependencies() -> None:
    """The package that asks, what it asks for, and the sibling that apt would take instead."""
    rows = nvidia.parse_unmet(sample("apt-unmet.txt"))
    assert [tuple(row.values()) for row in rows] == [
        ("libnvinfer-dev", "libnvinfer5", "5.1.5-1+cuda10.0", "5.1.5-1+cuda10.1"),
        ("libnvinfer-dev", "libnvinfer-plugin5", "5.1.5", None),
        ("tensorrt", "libnvinfer-dev", "5.1.5-1+cuda10.0", None),
    ]


def test_ubuntu_drivers() -> None:
    found = nvidia.parse_ubuntu_drivers(sample("ubuntu-drivers.txt"))
    assert [row["package"] for row in found if row["recommended"]] == ["nvidia-driver-580-open"]
    assert [row["origin"] for row in found] == ["distro", "third-party", "distro"]
