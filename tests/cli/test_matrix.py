"""`aimlsetup matrix`: TensorFlow's table of tested builds comes out of the solver again."""

import json

import pytest

from aimlsetup import catalog

from .conftest import Cli

# CUDA and cuDNN of tensorflow.org's "Tested build configurations", Linux GPU.
TESTED = {
    "2.21": ("12.5", "9.3"),
    "2.17": ("12.3", "8.9"),
    "2.15": ("12.2", "8.9"),
    "2.14": ("11.8", "8.7"),
    "2.13": ("11.8", "8.6"),
    "2.11": ("11.2", "8.1"),
    "2.4": ("11.0", "8.0"),
    "2.3": ("10.1", "7.6"),
    "2.0": ("10.0", "7.4"),
    "1.13": ("10.0", "7.4"),
}


def series(version: str) -> str:
    return ".".join(version.split(".")[:2])


def test_the_tested_builds_on_any_host(cli: Cli) -> None:
    document = json.loads(cli.done("matrix", "--framework", "tensorflow", "--json"))
    assert (document["version"], document["kind"], document["host"]) == (1, "matrix", None)
    found: dict[str, set[tuple[str, str]]] = {}
    for row in document["rows"]:
        found.setdefault(series(row["version"]), set()).add((row["cuda"], series(row["cudnn"])))
    assert {version: pair in found[version] for version, pair in TESTED.items()} == dict.fromkeys(TESTED, True)
    releases = {row["version"] for row in document["rows"]}
    assert releases == {
        release.version for release in catalog.load().frameworks["tensorflow"].releases if release.builds
    }
    (old,) = (row for row in document["rows"] if row["version"] == "1.14.0" and row["tensorrt"])
    assert (old["tensorrt"], old["driver"], old["distribution"]) == ("5.1.5", "410.48", "tensorflow-gpu")


def test_a_gpu_and_a_distribution_leave_what_goes_with_them(cli: Cli) -> None:
    cli.more["COLUMNS"] = "80"
    code, output, said = cli("matrix", "--framework", "tensorflow", "--gpu", "RTX 4090", "--distro", "ubuntu2204")
    head, *rows = output.rstrip().splitlines()
    assert code == 0
    assert head.split() == ["tensorflow", "Python", "CUDA", "cuDNN", "TensorRT", "driver", "from", "libraries"]
    assert {row.split()[1] for row in rows} == {"3.10"}
    assert min(row.split()[2] for row in rows) == "11.8"
    assert max(map(len, [head, *rows])) <= 80
    assert "why not another: aimlsetup explain --why-not tensorflow==VERSION --gpu 'RTX 4090'" in said


def test_one_channel(cli: Cli) -> None:
    document = json.loads(
        cli.done("matrix", "--framework", "pytorch", "--channel", "nvidia", "--gpu", "GTX 1080 Ti", "--json")
    )
    assert {channel for row in document["rows"] for channel in row["channels"]} == {"nvidia"}
    assert "GTX 1080 Ti" in document["host"]


def test_nothing_goes_with_a_gpu_that_is_too_old(cli: Cli) -> None:
    code, output, said = cli("matrix", "--framework", "tensorflow", "--gpu", "10de:0f06")
    assert (code, output) == (0, "")
    assert "0 of" in said


@pytest.mark.parametrize(
    ("gpu", "words"),
    [("GTX 1081", "GeForce GTX 1080"), ("GT 730", "GPUs of unlike capability are called 'GT 730'"), ("", "PCI id")],
)
def test_a_gpu_that_is_none(cli: Cli, gpu: str, words: str) -> None:
    code, output, said = cli("matrix", "--gpu", gpu)
    assert (code, output) == (2, "")
    assert words in said
    assert "Traceback" not in said
