"""Which files of a pylock.toml are downloaded, and how large they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aimlsetup.locking import wheels
from tests import serving

LINUX = "x86_64-manylinux_2_36"


def pylock(*files: str) -> str:
    listed = ", ".join(f"{{ {file} }}" for file in files)
    return f'[[packages]]\nname = "a"\nversion = "1"\nwheels = [{listed}]\n'


def wheel(tag: str, size: int | None = None, where: str = "https://a.invalid") -> str:
    return f'url = "{where}/a-1-{tag}.whl"' + ("" if size is None else f", size = {size}")


@pytest.mark.parametrize(
    ("python", "platform", "expected"),
    [
        ("3.11", LINUX, 1),
        ("3.12", LINUX, 2),
        ("3.11", "x86_64-manylinux_2_16", 4),
        ("3.11", "aarch64-manylinux_2_36", 8),
    ],
)
def test_the_installer_takes_the_wheel_that_fits_best(python: str, platform: str, expected: int) -> None:
    found = [
        wheel("py3-none-any", 8),
        wheel("cp38-abi3-manylinux2014_x86_64", 2),
        wheel("cp311-cp311-manylinux_2_28_x86_64", 1),
        wheel("cp310-abi3-manylinux_2_12_x86_64.manylinux2010_x86_64", 4),
        wheel("cp311-cp311-win_amd64", 16),
    ]
    if platform == LINUX and python == "3.12":
        found.pop(3)
    assert wheels.download(pylock(*found), python, platform) == expected


def test_a_name_in_a_url_is_read_as_it_is_meant() -> None:
    named = 'url = "https://a.invalid/a-1%2Bcpu-py3-none-any.whl", size = 3'
    assert wheels.download(pylock(named, wheel("py2-none-any", 9)), "3.11", LINUX) == 3


def test_a_source_distribution_counts_where_no_wheel_fits() -> None:
    sdist = 'sdist = { url = "https://a.invalid/a-1.tar.gz", size = 5 }\n'
    assert wheels.download(pylock(wheel("cp27-none-any", 9)) + sdist, "3.11", LINUX) == 5


def test_nothing_to_install_is_nothing_to_download() -> None:
    assert wheels.download('lock-version = "1.0"', "3.11", LINUX) == 0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """An address that serves a wheel of 12 bytes."""
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"x" * 12)

    with serving.served(tmp_path) as url:
        yield url


def test_sizes_that_the_index_does_not_tell_are_asked_for(served: str, tmp_path: Path) -> None:
    both = pylock(wheel("py3-none-any", None, served)) + pylock(wheel("py3-none-any", None, tmp_path.as_uri()))
    assert wheels.download(both, "3.11", LINUX) == 24


@pytest.mark.parametrize("where", ["http://127.0.0.1:9", "file:///nowhere", "ftp://a.invalid"])
def test_a_size_nobody_tells_is_unknown(where: str) -> None:
    assert wheels.download(pylock(wheel("py3-none-any", None, where)), "3.11", LINUX) is None
