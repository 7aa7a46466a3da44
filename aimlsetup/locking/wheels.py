"""How much installing hashed requirements downloads: the sizes of the files that an installer would choose.

Uv names the files; their sizes come from the index where it tells them, else from whoever serves the files.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

SECONDS = 10  # for one file's headers
AT_ONCE = 8
SCHEMES = ("https", "http", "file")


def download(pylock: str, python: str, platform: str) -> int | None:
    """Bytes of all files for one environment, from a pylock.toml; None where a file's size can't be found out."""
    chosen = [_chosen(package, python, platform) for package in tomllib.loads(pylock).get("packages", [])]
    told = sum(file["size"] for file in chosen if "size" in file)
    silent = [file.get("url", "") for file in chosen if "size" not in file]
    # One that does not answer speaks for all: they mostly come from the same place.
    if silent and _asked(silent[0]) is None:
        return None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sizes = list(pool.map(_asked, silent))
    return None if None in sizes else told + sum(size for size in sizes if size)


def _chosen(package: Mapping[str, Any], python: str, platform: str) -> Mapping[str, Any]:
    """The file of a package that an installer takes: the wheel whose tag stands first, else the source."""
    order = _order(python, platform)
    ranked = [(min(ranks), wheel) for wheel in package.get("wheels", []) if (ranks := _ranks(wheel, order))]
    found: Mapping[str, Any] = min(ranked, key=lambda pair: pair[0])[1] if ranked else package.get("sdist", {})
    return found


def _ranks(wheel: Mapping[str, Any], order: Mapping[Tag, int]) -> list[int]:
    name = wheel.get("name") or unquote(urlsplit(wheel.get("url", "")).path).rsplit("/", 1)[-1]
    return [order[tag] for tag in parse_wheel_filename(name)[3] if tag in order]


@cache
def _order(python: str, platform: str) -> Mapping[Tag, int]:
    """{tag: rank} of all wheels that run on a platform as uv names it (`x86_64-manylinux_2_36`), best first."""
    version = [int(part) for part in python.split(".")[:2]]
    arch, _, newest = platform.partition("-manylinux_2_")
    platforms = list(_platforms(arch, int(newest)))
    tags = [
        *cpython_tags(version, platforms=platforms),
        *compatible_tags(version, f"cp{version[0]}{version[1]}", platforms),
    ]
    return {tag: rank for rank, tag in enumerate(tags)}


def _platforms(arch: str, newest: int) -> Iterator[str]:
    legacy = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    for minor in range(newest, 4, -1):
        yield f"manylinux_2_{minor}_{arch}"
        if minor in legacy:
            yield f"{legacy[minor]}_{arch}"
    yield f"linux_{arch}"


def _asked(url: str) -> int | None:
    """A file's size from its headers."""
    if urlsplit(url).scheme not in SCHEMES:
        return None
    try:
        request = Request(url, method="HEAD")  # noqa: S310 - one of SCHEMES
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - the same
            length = answer.headers.get("Content-Length", "")
    except (OSError, HTTPException, ValueError):
        return None
    return int(length) if re.fullmatch(r"\d+", length) else None
