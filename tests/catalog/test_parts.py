"""The GPU stack's parts agree with themselves, with each other and with the distributions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from aimlsetup import catalog, content, files
from aimlsetup.catalog.parts import VERSIONS_OFFERED, WORDS_OFFERED, Part, PartRelease
from aimlsetup.catalog.records import Need, Variant

KNOWN = catalog.load()
PARTS = KNOWN.parts
DISTROS = {f"{release.id}{release.version.replace('.', '')}" for release in KNOWN.releases}
WORDS = {**WORDS_OFFERED, "distro": tuple(DISTROS)}
VERSIONS = {*VERSIONS_OFFERED, *PARTS}
EVERY = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
TEXTS = [*sorted((catalog.HERE / "parts").glob("*.yml")), catalog.HERE / "gpus.yml", catalog.HERE / "releases.yml"]


def needs_of(part: Part) -> Iterator[tuple[str, str, Need]]:
    """(release, name, what is needed of it) of all relations and variants."""
    for release in part.releases:
        for needs in (record.needs for kind in (release.relations, release.variants) for record in kind):
            yield from ((release.version, name, need) for name, need in needs.items())


def alternatives(need: Need) -> list[str]:
    return [need] if isinstance(need, str) else need


def admits(release: PartRelease | Variant, name: str, version: str) -> bool:
    """Whether a release's relations, or a variant, let `name` be `version`."""
    records: list[Any] = [release] if isinstance(release, Variant) else list(release.relations)
    return all(
        any(version in SpecifierSet(text) for text in alternatives(record.needs[name]))
        for record in records
        if name in record.needs
    )


def carried(release: PartRelease, channel: str, distro: str) -> list[Variant]:
    return [
        variant
        for variant in release.variants
        if channel in variant.needs["channel"] and distro in variant.needs.get("distro", [distro])
    ]


def test_files_are_named_after_their_parts() -> None:
    assert {"driver", "cuda", "cudnn", "tensorrt", "nccl"} <= set(PARTS)
    assert all(part.part == name for name, part in PARTS.items())


@EVERY
def test_versions_are_unique_and_newest_first(part: Part) -> None:
    versions = [Version(release.version) for release in part.releases]
    assert versions == sorted(set(versions), reverse=True)


@EVERY
def test_every_record_has_a_source_and_every_source_is_used(part: Part) -> None:
    records: list[Any] = [*part.branches.values(), *part.known_bad, *part.traps]
    for release in part.releases:
        records += [release, *release.relations, *release.variants]
    assert {record.source for record in records} == set(part.sources)


@EVERY
def test_what_was_only_recalled_says_so_and_pins_nothing(part: Part) -> None:
    recalled = {key for key, text in part.sources.items() if text.startswith("recalled")}
    for release in part.releases:
        records: list[Any] = [release, *release.relations, *release.variants]
        assert all(record.recalled or record.source not in recalled for record in records)
        pins = [variant for variant in release.variants if variant.packages]
        assert not any(variant.recalled or release.recalled for variant in pins)


@EVERY
def test_needs_name_what_the_solve_knows(part: Part) -> None:
    for version, name, need in needs_of(part):
        where = f"{part.part} {version}: {name}: {need}"
        if name in WORDS:
            assert set(alternatives(need)) <= set(WORDS[name]), where
        else:
            assert name in VERSIONS, where
            assert all(SpecifierSet(text) for text in alternatives(need)), where


@EVERY
def test_needs_of_parts_are_met_by_some_release(part: Part) -> None:
    for version, name, need in needs_of(part):
        if name in PARTS and need != []:
            known = [release.version for release in PARTS[name].releases]
            met = [found for found in known for text in alternatives(need) if found in SpecifierSet(text)]
            assert met, f"{part.part} {version}: no {name} is {need}"


@EVERY
def test_every_release_says_where_it_comes_from(part: Part) -> None:
    """Without variants a release would be had everywhere."""
    assert [release.version for release in part.releases if not release.variants] == []
    assert all("channel" in variant.needs for release in part.releases for variant in release.variants)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_versions_are_quoted(path: Path) -> None:
    def plain(node: yaml.Node) -> Iterator[str]:
        if isinstance(node, yaml.ScalarNode):
            yield from [node.value] if node.style is None and re.match(r"\d+(\.|$)", node.value) else []
        else:
            for child in node.value:
                for part in child if isinstance(child, tuple) else [child]:
                    yield from plain(part)

    root = yaml.compose(path.read_text(), yaml.CSafeLoader)
    assert root is not None
    assert list(plain(root)) == []


def test_branches_are_those_of_the_releases() -> None:
    driver = PARTS["driver"]
    assert set(driver.branches) == {release.version.partition(".")[0] for release in driver.releases}
    assert not any(part.branches for name, part in PARTS.items() if name != "driver")


def test_every_track_has_a_branch_that_can_be_had() -> None:
    driver = PARTS["driver"]
    had = {
        release.version.partition(".")[0]
        for release in driver.releases
        if any(variant.packages for variant in release.variants)
    }
    for track in ("lts", "production", "newest"):
        assert [name for name, branch in driver.branches.items() if branch.track == track and name in had]


def test_a_channel_that_has_a_toolkit_has_a_driver_for_it() -> None:
    for toolkit in PARTS["cuda"].releases:
        for variant in toolkit.variants:
            for distro in variant.needs.get("distro", ()) if "nvidia" in variant.needs["channel"] else ():
                fitting = [
                    driver.version
                    for driver in PARTS["driver"].releases
                    if admits(toolkit, "driver", driver.version) and carried(driver, "nvidia", distro)
                ]
                assert fitting, f"no driver for CUDA {toolkit.version} on {distro}"


def test_kernel_modules_by_generation() -> None:
    """Open modules from branch 515 on and from Turing on; Blackwell has no others."""
    for release in PARTS["driver"].releases:
        for variant in release.variants:
            flavour = variant.needs.get("flavour", [])
            if flavour == ["open"]:
                assert Version(release.version) >= Version("515")
                assert not admits(variant, "gpu.lowest", "7.0")
                assert admits(variant, "gpu.lowest", "7.5")
                assert not admits(variant, "kernel", "4.4")
            elif flavour:
                assert flavour == ["proprietary"]
                assert not (admits(release, "gpu.highest", "12.0") and admits(variant, "gpu.highest", "12.0"))


@pytest.mark.parametrize(
    ("capability", "toolkits", "newest_driver"),
    [
        ("2.0", ("8.0", "8.0"), "390"),
        ("3.0", ("8.0", "10.2"), "470"),
        ("3.7", ("8.0", "11.8"), "470"),
        ("6.1", ("8.0", "12.9"), "580"),
        ("7.0", ("9.0", "12.9"), "580"),
        ("7.5", ("10.0", "13.4"), "620"),
        ("8.0", ("11.0", "13.4"), "620"),
        ("8.6", ("11.1", "13.4"), "620"),
        ("8.9", ("11.8", "13.4"), "620"),
        ("9.0", ("11.8", "13.4"), "620"),
        ("10.3", ("12.9", "13.4"), "620"),
        ("12.0", ("12.8", "13.4"), "620"),
        ("12.1", ("12.9", "13.4"), "620"),
    ],
)
def test_reach_of_a_capability(capability: str, toolkits: tuple[str, str], newest_driver: str) -> None:
    def reach(part: str) -> list[str]:
        ends = ("gpu.lowest", "gpu.highest")
        return [
            release.version for release in PARTS[part].releases if all(admits(release, end, capability) for end in ends)
        ]

    cuda = reach("cuda")
    assert (cuda[-1], cuda[0]) == toolkits
    assert reach("driver")[0].partition(".")[0] == newest_driver


@pytest.mark.parametrize(
    ("series", "minimum"),
    [
        ("8.0", "375.26"),
        ("9.0", "384.81"),
        ("9.1", "390.46"),
        ("9.2", "396.37"),
        ("10.0", "410.48"),
        ("10.1", "418.39"),
        ("10.2", "440.33"),
        ("11.8", "450.80.02"),
        ("12.8", "525.60.13"),
        ("13.0", "580.65.06"),
    ],
)
def test_oldest_driver_of_a_toolkit(series: str, minimum: str) -> None:
    release = next(release for release in PARTS["cuda"].releases if release.version == series)
    assert admits(release, "driver", minimum)
    older = [driver.version for driver in PARTS["driver"].releases if Version(driver.version) < Version(minimum)]
    assert not any(admits(release, "driver", version) for version in older)


@pytest.mark.parametrize(
    ("series", "channel", "distro", "packages"),
    [
        ("9.0", "nvidia", "ubuntu1804", None),
        ("9.0", "nvidia", "ubuntu1604", {"cuda-toolkit-9-0": "9.0.176-1"}),
        ("10.0", "nvidia", "ubuntu1804", {"cuda-toolkit-10-0": "10.0.130-1"}),
        (
            "10.1",
            "nvidia",
            "ubuntu1804",
            {"cuda-toolkit-10-1": "10.1.243-1", "libcublas10": "10.2.1.243-1", "libcublas-dev": "10.2.1.243-1"},
        ),
        ("11.8", "nvidia", "ubuntu2404", None),
        ("12.4", "nvidia", "ubuntu2204", {"cuda-toolkit-12-4": "12.4.1-1"}),
        ("11.8", "distro", "debian12", {"nvidia-cuda-toolkit": "11.8.89~11.8.0-5*"}),
        ("12.4", "distro", "debian13", {"nvidia-cuda-toolkit": "12.4.131~12.4.1-2*"}),
        ("13.0", "nvidia", "ubuntu2004", None),
    ],
)
def test_who_carries_a_toolkit(series: str, channel: str, distro: str, packages: dict[str, str] | None) -> None:
    release = next(release for release in PARTS["cuda"].releases if release.version == series)
    found = [variant.packages for variant in carried(release, channel, distro)]
    assert found == ([packages] if packages else [])


@pytest.mark.parametrize(
    ("version", "flavour", "channel", "distro", "packages"),
    [
        ("410.48", "proprietary", "nvidia", "ubuntu1604", {"nvidia-410": "410.48-*"}),
        ("410.48", "proprietary", "nvidia", "ubuntu1804", {"nvidia-driver-410": "410.48-*"}),
        ("450.51.05", "proprietary", "nvidia", "ubuntu2004", {"cuda-drivers-450": "450.51.05-1"}),
        ("535.104.05", "open", "nvidia", "ubuntu2204", {"nvidia-driver-535-open": "535.104.05-*"}),
        ("580.95.05", "open", "nvidia", "ubuntu2404", {"nvidia-open-580": "580.95.05-*"}),
        (
            "595.58.03",
            "proprietary",
            "nvidia",
            "ubuntu2604",
            {"nvidia-driver-pinning-595": None, "cuda-drivers": "595.58.03-1ubuntu1"},
        ),
        (
            "550.163.01",
            "open",
            "distro",
            "debian13",
            {
                "nvidia-driver": "550.163.01-*",
                "nvidia-open-kernel-dkms": "550.163.01-*",
                "libcuda1": "550.163.01-*",
                "nvidia-persistenced": None,
                "nvidia-smi": "550.163.01-*",
            },
        ),
        (
            "580.173.02",
            "open",
            "distro",
            "ubuntu2404",
            {
                "linux-modules-nvidia-580-server-open-{kernel}": None,
                "nvidia-driver-580-server-open": "580.173.02-*",
            },
        ),
    ],
)
def test_names_of_a_driver(
    version: str, flavour: str, channel: str, distro: str, packages: dict[str, str | None]
) -> None:
    release = next(release for release in PARTS["driver"].releases if release.version == version)
    variants = [found for found in carried(release, channel, distro) if found.needs["flavour"] == [flavour]]
    assert variants[0].packages == packages, "the first choice"


def test_driver_packages_are_of_their_release() -> None:
    """An apt version begins with the driver's, so a package can't drift to another release."""
    for release in PARTS["driver"].releases:
        for variant in release.variants:
            for package, version in variant.packages.items():
                assert version is None or version.startswith(f"{release.version}-"), f"{release.version}: {package}"


def test_a_toolkit_brings_no_driver() -> None:
    """`cuda`, `cuda-<X>-<Y>` and `cuda-runtime-<X>-<Y>` do."""
    names = {name for release in PARTS["cuda"].releases for variant in release.variants for name in variant.packages}
    assert not [name for name in names if re.fullmatch(r"cuda(-runtime)?(-\d+(-\d+)?)?|cuda-drivers.*", name)]


def test_hosts_without_a_gpu_read_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    read = files.read

    def note(path: Path) -> files.YamlFile:
        seen.append(path)
        return read(path)

    monkeypatch.setattr(files, "read", note)
    known = catalog.load.__wrapped__()
    for component in known.components:
        assert content.role(component).is_dir()
    assert not [path for path in seen if path.parent.name == "parts" or path.name == "gpus.yml"]
    assert known.gpus.chips
    assert known.parts.keys() == PARTS.keys()
    assert len([path for path in seen if path.parent.name == "parts"]) == len(PARTS)
