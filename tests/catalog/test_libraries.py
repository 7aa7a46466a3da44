"""cuDNN, TensorRT and NCCL: exact packages that go together and were really seen."""

import re
from collections.abc import Iterator
from itertools import product

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from aimlsetup import catalog
from aimlsetup.catalog import recorded
from aimlsetup.catalog.parts import Part, PartRelease
from aimlsetup.catalog.records import Need, Variant

PARTS = {name: catalog.load().parts[name] for name in ("cudnn", "tensorrt", "nccl")}
# Sources that show exact strings which no recorded file holds.
FACTS = {
    "cudnn": {"tf-gpu", "redist-deb", "notes"},
    "tensorrt": {"tf-gpu", "tf-images", "deepstream", "apt-log", "issue-34759", "ml-1804"},
    "nccl": {"tf-gpu"},
}
each_part = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)


def _apt(part: Part) -> list[tuple[PartRelease, Variant]]:
    """The ways through apt's packages."""
    return [
        (release, variant)
        for release in part.releases
        for variant in release.variants
        if "pip" not in variant.needs["channel"]
    ]


def _words(need: Need) -> list[str]:
    return [need] if isinstance(need, str) else need


def _unrecorded(variant: Variant) -> Iterator[str]:
    for distro, arch in product(variant.needs["distro"], variant.needs["arch"]):
        seen = recorded.index(distro, arch)
        for package, version in variant.packages.items():
            if not seen.find(package, version):
                yield f"{package}={version} on {distro} {arch}"


@each_part
def test_the_packages_of_a_variant_share_one_string_of_their_release(part: Part) -> None:
    for release, variant in _apt(part):
        strings = set(variant.packages.values())
        assert len(strings) == 1, (release.version, strings)
        assert re.match(rf"{re.escape(release.version)}[.-]", str(*strings)), (release.version, strings)


@each_part
def test_the_suffix_is_of_a_cuda_major_that_the_variant_takes(part: Part) -> None:
    for release, variant in _apt(part):
        built_for = {found for text in variant.packages.values() for found in re.findall(r"\+cuda(\d+)", text or "")}
        taken = {found for need in _words(variant.needs["cuda"]) for found in re.findall(r"^[>=]=(\d+)", need)}
        assert built_for <= taken, (release.version, variant.needs)
        assert len(taken) == 1, (release.version, variant.needs)


@each_part
def test_an_exact_string_was_recorded_or_names_its_fact(part: Part) -> None:
    """A text that ends in a star is no exact string: only an index can say."""
    standing_in = set()
    for release, variant in _apt(part):
        missing = (
            [] if all((text or "*").endswith("*") for text in variant.packages.values()) else list(_unrecorded(variant))
        )
        assert not missing or variant.source in FACTS[part.part], (release.version, missing)
        standing_in |= {variant.source} if missing else set()
    assert standing_in == FACTS[part.part]


@each_part
def test_a_known_bad_pin_is_in_no_variant(part: Part) -> None:
    bad = {(entry.package, entry.version) for entry in part.known_bad}
    assert not bad & {
        pair for release in part.releases for variant in release.variants for pair in variant.packages.items()
    }


@each_part
def test_every_release_can_be_had_somewhere_and_says_which_cuda_it_takes(part: Part) -> None:
    for release in part.releases:
        assert release.variants, release.version
        assert any("cuda" in relation.needs for relation in release.relations), release.version
        assert all("cuda" in variant.needs for variant in release.variants), release.version


@each_part
def test_a_release_and_its_variants_can_agree_on_a_cuda(part: Part) -> None:
    series = [release.version for release in catalog.load().parts["cuda"].releases]
    for release in part.releases:
        stated = [relation.needs["cuda"] for relation in release.relations if "cuda" in relation.needs]
        for variant in release.variants:
            fitting = [
                one
                for one in series
                if all(
                    any(Version(one) in SpecifierSet(need) for need in _words(needs))
                    for needs in [*stated, variant.needs["cuda"]]
                )
            ]
            assert fitting, (release.version, variant.needs)


def _choices(part: str, **offered: str) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Releases and packages whose words and CUDA fit, newest first."""
    for release in PARTS[part].releases:
        for variant in release.variants:
            words = {name: need for name, need in variant.needs.items() if name in ("channel", "distro", "arch")}
            cuda = variant.needs["cuda"]
            if all(offered[name] in need for name, need in words.items()) and any(
                Version(offered["cuda"]) in SpecifierSet(need) for need in _words(cuda)
            ):
                yield release.version, variant.packages


UBUNTU_1804 = {"channel": "nvidia", "distro": "ubuntu1804", "arch": "x86_64"}


def test_the_users_mask_rcnn_gets_tensorrt_of_cuda_10_0_and_nothing_of_10_1() -> None:
    found = dict(_choices("tensorrt", cuda="10.0", **UBUNTU_1804))
    assert found["5.1.5"] == {"libnvinfer5": "5.1.5-1+cuda10.0", "libnvinfer-dev": "5.1.5-1+cuda10.0"}
    assert "cuda10.1" not in str(found)
    assert dict(_choices("cudnn", cuda="10.0", **UBUNTU_1804))["7.6.4"]["libcudnn7"] == "7.6.4.38-1+cuda10.0"


@pytest.mark.parametrize(
    ("part", "cuda", "distro", "release", "package", "version"),
    [
        ("cudnn", "9.0", "ubuntu1604", "7.2.1", "libcudnn7", "7.2.1.38-1+cuda9.0"),
        ("cudnn", "11.2", "ubuntu2004", "8.1.1", "libcudnn8", "8.1.1.33-1+cuda11.2"),
        ("cudnn", "11.8", "ubuntu2204", "8.6.0", "libcudnn8", "8.6.0.163-1+cuda11.8"),
        ("cudnn", "12.3", "ubuntu2204", "8.9.6", "libcudnn8", "8.9.6.50-1+cuda12.2"),
        ("cudnn", "12.5", "ubuntu2204", "9.3.0", "libcudnn9-cuda-12", "9.3.0.75-1"),
        ("cudnn", "13.0", "ubuntu2404", "9.14.0", "libcudnn9-headers-cuda-13", "9.14.0.64-1"),
        ("tensorrt", "11.2", "ubuntu1804", "7.2.2", "libnvinfer7", "7.2.2-1+cuda11.1"),
        ("tensorrt", "11.8", "ubuntu2004", "8.5.3", "libnvinfer8", "8.5.3-1+cuda11.8"),
        ("tensorrt", "12.3", "ubuntu2204", "8.6.1", "libnvinfer-plugin8", "8.6.1.6-1+cuda12.0"),
        ("tensorrt", "12.8", "ubuntu2204", "10.8.0", "libnvinfer10", "10.8.0.43-1+cuda12.8"),
        ("nccl", "12.2", "ubuntu2204", "2.19.3", "libnccl2", "2.19.3-1+cuda12.2"),
    ],
)
def test_the_naming_of_each_era(part: str, cuda: str, distro: str, release: str, package: str, version: str) -> None:
    found = dict(_choices(part, channel="nvidia", distro=distro, arch="x86_64", cuda=cuda))
    assert found[release][package] == version


@pytest.mark.parametrize(
    ("part", "cuda", "package", "version"),
    [
        ("cudnn", "12.3", "nvidia-cudnn-cu12", "8.9.7.29"),
        ("cudnn", "12.5", "nvidia-cudnn-cu12", "9.3.0.75"),
        ("cudnn", "11.8", "nvidia-cudnn-cu11", "8.7.0.84"),
        ("cudnn", "13.2", "nvidia-cudnn-cu13", "9.26.0.51"),
        ("nccl", "12.8", "nvidia-nccl-cu12", "2.27.5"),
        ("tensorrt", "11.8", "tensorrt", "8.5.3.1"),
    ],
)
def test_wheels_that_frameworks_pin_are_there(part: str, cuda: str, package: str, version: str) -> None:
    found = [packages.get(package) for _release, packages in _choices(part, cuda=cuda, channel="pip", arch="x86_64")]
    assert version in found


def test_old_gpus_end_with_cudnn_9_10() -> None:
    lowest = {
        release.version: need
        for release in PARTS["cudnn"].releases
        for relation in release.relations
        if (need := relation.needs.get("gpu.lowest"))
    }
    assert Version("7.0") in SpecifierSet(str(lowest["9.10.2"]))
    assert all(need == ">=7.5" for version, need in lowest.items() if Version(version) >= Version("9.11"))
