"""Frameworks for GPUs: what their builds need is what was tested, and can be had."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from aimlsetup import catalog
from aimlsetup.catalog.parts import VERSIONS_OFFERED, WORDS_OFFERED
from aimlsetup.catalog.records import Build, FrameworkRelease, Need

KNOWN = catalog.load()
TENSORFLOW = {release.version: release for release in KNOWN.frameworks["tensorflow"].releases}
TORCH = {release.version: release for release in KNOWN.frameworks["pytorch"].releases}
BUILDS = [
    pytest.param(framework, release, build, id=f"{framework.framework}-{release.version}-{number}")
    for framework in KNOWN.frameworks.values()
    for release in framework.releases
    for number, build in enumerate(release.builds)
]

# TensorFlow's tested build configurations for Linux GPUs: release, Pythons, compiler, Bazel, cuDNN, CUDA.
TESTED = """
2.21.0  3.10-3.13 clang 18.1.8 7.4.1  9.3  12.5
2.20.0  3.9-3.13  clang 18.1.8 7.4.1  9.3  12.5
2.19.0  3.9-3.12  clang 18.1.8 6.5.0  9.3  12.5
2.18.0  3.9-3.12  clang 17.0.6 6.5.0  9.3  12.5
2.17.0  3.9-3.12  clang 17.0.6 6.5.0  8.9  12.3
2.16.1  3.9-3.12  clang 17.0.6 6.5.0  8.9  12.3
2.15.0  3.9-3.11  clang 16.0.0 6.1.0  8.9  12.2
2.14.0  3.9-3.11  clang 16.0.0 6.1.0  8.7  11.8
2.13.0  3.8-3.11  clang 16.0.0 5.3.0  8.6  11.8
2.12.0  3.8-3.11  gcc 9.3.1    5.3.0  8.6  11.8
2.11.0  3.7-3.10  gcc 9.3.1    5.3.0  8.1  11.2
2.10.0  3.7-3.10  gcc 9.3.1    5.1.1  8.1  11.2
2.9.0   3.7-3.10  gcc 9.3.1    5.0.0  8.1  11.2
2.8.0   3.7-3.10  gcc 7.3.1    4.2.1  8.1  11.2
2.7.0   3.7-3.9   gcc 7.3.1    3.7.2  8.1  11.2
2.6.0   3.6-3.9   gcc 7.3.1    3.7.2  8.1  11.2
2.5.0   3.6-3.9   gcc 7.3.1    3.7.2  8.1  11.2
2.4.0   3.6-3.8   gcc 7.3.1    3.1.0  8.0  11.0
2.3.0   3.5-3.8   gcc 7.3.1    3.1.0  7.6  10.1
2.2.0   3.5-3.8   gcc 7.3.1    2.0.0  7.6  10.1
2.1.0   3.5-3.7   gcc 7.3.1    0.27.1 7.6  10.1
2.0.0   3.3-3.7   gcc 7.3.1    0.26.1 7.4  10.0
1.15.0  3.3-3.7   gcc 7.3.1    0.26.1 7.4  10.0
1.14.0  3.3-3.7   gcc 4.8      0.24.1 7.4  10.0
1.13.1  3.3-3.7   gcc 4.8      0.19.2 7.4  10.0
1.12.0  3.3-3.6   gcc 4.8      0.15.0 7    9.0
1.9.0   3.3-3.6   gcc 4.8      0.11.0 7    9.0
"""

# Release, CUDA of the wheel on PyPI and the cuDNN it pins, CUDA of those on PyTorch's index, torchvision.
WHEELS = """
2.14.0  13.0 9.24.0 13.2,12.6      0.29.0
2.12.0  13.0 9.20.0 13.2,12.6      0.27.0
2.11.0  13.0 9.19.0 12.8,12.6      0.26.0
2.10.0  12.8 9.10.2 13.0,12.6      0.25.0
2.7.1   12.6 9.5.1  12.8,11.8      0.22.1
2.5.1   12.4 9.1.0  12.1,11.8      0.20.1
2.0.1   11.7 8.5.0  11.8           0.15.2
1.13.1  11.7 8.5.0  11.6           0.14.1
1.12.1  -    -      11.6,11.3,10.2 0.13.1
1.7.1   10.2 -      11.0,10.1,9.2  0.8.2
1.1.0   -    -      10.0,9.0       0.3.0
"""


@pytest.mark.parametrize("row", TESTED.split("\n")[1:-1], ids=lambda row: row.split()[0])
def test_a_tested_build_of_tensorflow_is_in_the_catalog(row: str) -> None:
    version, pythons, compiler, made, bazel, cudnn, cuda = row.split()
    release = TENSORFLOW[version]
    apt = next(build for build in release.builds if build.needs["channel"] == ["nvidia", "distro"])
    assert (apt.needs["cuda"], apt.needs["cudnn"]) == (f"=={cuda}.*", f"=={cudnn}.*")
    assert release.toolchain == {compiler: made, "bazel": bazel}
    for pip in (build for build in release.builds if build.needs["channel"] == ["pip"]):
        assert pip.needs["cuda"] == f"=={cuda}.*"
        assert str(pip.needs["cudnn"]).startswith(f"=={cudnn}.")
    # The table's lower ends are older than any wheel: 1.15 and 2.0 begin with 3.5 on PyPI.
    lowest, highest = map(Version, pythons.split("-"))
    wheels = [Version(python) for name in apt.distributions for python in release.wheels[name]["x86_64"]]
    assert lowest <= min(wheels)
    assert highest == max(wheels)


@pytest.mark.parametrize("row", WHEELS.split("\n")[1:-1], ids=lambda row: row.split()[0])
def test_wheels_of_torch_are_in_the_catalog(row: str) -> None:
    version, pypi, cudnn, index, vision = row.split()
    release = TORCH[version]
    assert [build.needs["cuda"] for build in release.builds if not build.index] == [
        f"=={cuda}.*" for cuda in [pypi] if cuda != "-"
    ]
    assert release.builds[0].needs.get("cudnn", "-") == (f"=={cudnn}.*" if cudnn != "-" else "-")
    assert {build.index: build.needs["cuda"] for build in release.builds if build.index} == {
        f"cu{cuda.replace('.', '')}": f"=={cuda}.*" for cuda in index.split(",")
    }
    assert release.requires["torchvision"] == f"=={vision}"


@pytest.mark.parametrize("framework", KNOWN.frameworks.values(), ids=lambda framework: framework.framework)
def test_releases_are_newest_first_and_known_on_this_architecture(framework: catalog.Framework) -> None:
    versions = [Version(release.version) for release in framework.releases]
    assert all(newer > older for newer, older in pairwise(versions))
    assert all("x86_64" in wheels for release in framework.releases for wheels in release.wheels.values())


@pytest.mark.parametrize(("framework", "release", "build"), BUILDS)
def test_names_and_words_of_builds_are_known(
    framework: catalog.Framework, release: FrameworkRelease, build: Build
) -> None:
    assert set(build.needs) <= {*KNOWN.parts, *VERSIONS_OFFERED, *WORDS_OFFERED}
    for name, words in WORDS_OFFERED.items():
        assert set(build.needs.get(name, [])) <= set(words)
    assert build.source in framework.sources
    assert build.distributions
    assert all(set(build.needs["arch"]) <= set(release.wheels[name]) for name in build.distributions)
    assert not (build.recalled and build.packages)


@pytest.mark.parametrize(("framework", "release", "build"), BUILDS)
def test_cudnn_is_what_the_packages_pin(framework: catalog.Framework, release: FrameworkRelease, build: Build) -> None:
    pinned = [version for name, version in build.packages.items() if name.startswith("nvidia-cudnn-")]
    assert all(meets(build.needs["cudnn"], str(version)) for version in pinned)
    assert bool(pinned) == (build.extra is not None or (build.needs.get("channel") == ["pip"] and not build.index))


@pytest.mark.parametrize(("framework", "release", "build"), BUILDS)
def test_what_a_build_needs_can_be_had_together(
    framework: catalog.Framework, release: FrameworkRelease, build: Build
) -> None:
    if build.needs.get("cudnn") in ("==6.*", "==5.1.*"):
        assert Version(release.version) < Version("1.5")  # cuDNN before 7 was recorded nowhere
        return
    assert any(
        together(build.needs, cuda_needs, cudnn_needs)
        for cuda, cuda_needs in offers("cuda", build.needs, {})
        for _cudnn, cudnn_needs in (
            offers("cudnn", build.needs, {"cuda": cuda}) if "cudnn" in build.needs else [("", {})]
        )
    )


@pytest.mark.parametrize("framework", KNOWN.frameworks.values(), ids=lambda framework: framework.framework)
def test_names_and_sources_of_gpu_rules_are_known(framework: catalog.Framework) -> None:
    for rule in framework.gpu_rules:
        assert rule.source in framework.sources
        assert {*rule.needs, *rule.beside} <= {*KNOWN.parts, *VERSIONS_OFFERED}
        assert any(meets(rule.versions, release.version) for release in framework.releases)


@pytest.mark.parametrize(
    ("version", "lowest", "tensorrt", "refused"),
    [
        ("1.12.0", "3.5", "4.1.2", "5.0.2"),
        ("1.13.1", "3.5", "5.1.5", "6.0.1"),
        ("2.1.0", "3.5", "6.0.1", "7.0.0"),
        ("2.11.0", "3.5", "7.2.2", "8.0.1"),
        ("2.12.0", "3.5", "8.4.3", "8.6.1"),
        ("2.16.2", "3.5", "8.6.1", "10.0.1"),
        ("2.17.1", "6.0", "8.6.1", "10.0.1"),
        ("2.18.0", "6.0", None, "8.6.1"),
    ],
)
def test_gpus_and_tensorrt_of_a_release(version: str, lowest: str, tensorrt: str | None, refused: str) -> None:
    rules = [rule for rule in KNOWN.frameworks["tensorflow"].gpu_rules if meets(rule.versions, version)]
    assert [rule.needs["gpu.lowest"] for rule in rules if "gpu.lowest" in rule.needs] == [f">={lowest}"]
    (beside,) = (rule.beside["tensorrt"] for rule in rules if rule.beside)
    assert tensorrt is None or meets(beside, tensorrt)
    assert not meets(beside, refused)


@pytest.mark.parametrize(
    ("release", "package", "fitting", "breaking"),
    [
        ("1.9.0", "keras", "2.2.2", "2.2.4"),
        ("1.12.0", "keras", "2.2.4", "2.3.0"),
        ("1.13.1", "keras", "2.2.3", "2.2.2"),
        ("1.13.1", "keras", "2.3.1", "2.4.0"),
        ("1.14.0", "keras", "2.2.4", "2.4.3"),
        ("1.9.0", "h5py", "2.10.0", "3.1.0"),
        ("2.1.0", "h5py", "2.10.0", "3.1.0"),
        ("1.13.1", "numpy", "1.18.5", "1.19.0"),
        ("2.9.0", "protobuf", "3.20.3", "4.21.0"),
        ("2.14.0", "numpy", "1.26.4", "2.0.0"),
        ("2.17.0", "keras", "3.2.0", "2.15.0"),
        ("2.15.0", "keras", "2.15.0", "3.0.0"),
    ],
)
def test_what_goes_with_tensorflow(release: str, package: str, fitting: str, breaking: str) -> None:
    bound = SpecifierSet(",".join(bounds("tensorflow", release, package)))
    assert fitting in bound
    assert breaking not in bound


def test_numpy_2_goes_with_torch_from_2_3_on() -> None:
    assert bounds("pytorch", "2.2.2", "numpy") == ["<2"]
    assert bounds("pytorch", "2.3.0", "numpy") == []


def test_pascal_gets_torch_from_the_index_of_cuda_12_6() -> None:
    """Capability 6.1: the wheel on PyPI is for 7.5 and newer, and 2.15 has no other."""
    fitting = {version: [b for b in TORCH[version].builds if meets(b.needs["gpu.lowest"], "6.1")] for version in TORCH}
    assert fitting["2.15.0"] == []
    assert [build.index for build in fitting["2.14.1"]] == ["cu126"]


def meets(need: Need, value: str) -> bool:
    """Whether a version is in a need's specifier, or in one of its alternatives."""
    return any(contains(item, value) for item in ([need] if isinstance(need, str) else need))


@cache
def contains(specifier: str, version: str) -> bool:
    return SpecifierSet(specifier).contains(version)


def bounds(framework: str, version: str, package: str) -> list[str]:
    """What a release's metadata and the rules say of a package on x86_64."""
    known = KNOWN.frameworks[framework]
    (release,) = (release for release in known.releases if release.version == version)
    stated = [release.requires, *(rule.requires for rule in known.rules if meets(rule.versions, version))]
    return [requires[package] for requires in stated if package in requires]


def offers(part: str, needs: Mapping[str, Need], chosen: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Need]]]:
    """Releases of a part that `needs` asks for and that go with the versions chosen, with their variants' needs."""
    for release in KNOWN.parts[part].releases:
        every = [relation.needs for relation in release.relations if not relation.recalled]
        for variant in release.variants:
            stated = (*every, variant.needs)
            fits = all(meets(need[name], chosen[name]) for need in stated for name in chosen if name in need)
            if fits and not (release.recalled or variant.recalled) and meets(needs[part], release.version):
                yield release.version, variant.needs


def together(*needs: Mapping[str, Need]) -> bool:
    """Whether one channel, distribution and architecture is right for all."""
    for name in ("channel", "distro", "arch"):
        stated = [set(need[name]) for need in needs if name in need]
        if stated and not set.intersection(*stated):
            return False
    return True
