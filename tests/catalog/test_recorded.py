"""The recorded apt versions: their files, their order, and what is looked up in them."""

import re
from pathlib import Path

import pytest

from aimlsetup.catalog import recorded
from aimlsetup.catalog.recorded import Recorded

FILES = sorted(recorded.FOLDER.glob("*.yml"))


def _of(path: Path) -> Recorded:
    distro, arch = path.stem.split("-")
    return recorded.index(distro, arch)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_holds_what_its_name_says_newest_first(path: Path) -> None:
    found = _of(path)
    assert (found.distro, found.arch) == tuple(path.stem.split("-"))
    assert found.arch in {"x86_64", "aarch64"}
    assert found.sources
    assert found.packages
    for versions in found.packages.values():
        assert len(set(versions)) == len(versions)
        assert versions == sorted(versions, key=_numbers, reverse=True)
        assert not [version for version in versions if not re.fullmatch(r"(\d:)?\d+(\.\d+)+(-[\w.+~]+)?", version)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_package_of_one_cuda_series_has_versions_of_that_series(path: Path) -> None:
    """Of those packages whose version is the toolkit's own; the libraries count by themselves."""
    for name, versions in _of(path).packages.items():
        if series := re.fullmatch(r"cuda-(?:cudart|toolkit|libraries|minimal-build)-(\d+)-(\d+)", name):
            assert all(version.startswith(f"{series[1]}.{series[2]}.") for version in versions), name


def test_the_users_tensorrt_was_seen_beside_the_tempting_newer_one() -> None:
    found = recorded.index("ubuntu1804", "x86_64")
    assert found.versions("libnvinfer5")[:2] == ["5.1.5-1+cuda10.1", "5.1.5-1+cuda10.0"]
    assert found.find("libnvinfer5", "5.1.5-1+cuda10.0") == "5.1.5-1+cuda10.0"


def test_a_wanted_text_is_exact_a_beginning_or_anything() -> None:
    found = recorded.index("ubuntu2204", "x86_64")
    assert found.find("cuda-cudart-12-4", "12.4.127-1") == "12.4.127-1"
    assert found.find("cuda-cudart-12-4", "12.4.*") == found.versions("cuda-cudart-12-4")[0]
    assert found.find("cuda-cudart-12-4", None) == found.versions("cuda-cudart-12-4")[0]
    assert found.find("cuda-cudart-12-4", "12.4") is None
    assert found.find("no-such-package", None) is None


def test_where_nothing_was_recorded_nothing_is_known() -> None:
    assert recorded.index("debian13", "x86_64").versions("libcudnn8") == []


def test_one_file_is_read_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    original = recorded.files.read
    monkeypatch.setattr(recorded.files, "read", lambda path: (read.append(path), original(path))[1])
    recorded.index.cache_clear()
    for _again in range(2):
        recorded.index("ubuntu2404", "aarch64")
    assert read == [recorded.FOLDER / "ubuntu2404-aarch64.yml"]


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("libcudnn8", "8.5.0.39-1+cuda11.0"),
        ("libcudnn8-dev", "8.2.4.12-1+cuda11.4"),
        ("libnpp-11-3", "11.3.3.4-1"),
        ("libnvinfer10", "10.12.0.36-1+cuda12.8"),
    ],
)
def test_likely_typing_mistakes_were_left_out(package: str, version: str) -> None:
    assert not [path.stem for path in FILES if version in _of(path).versions(package)]
