"""Wheels of a few lines, and indexes of them in a directory."""

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build(
    directory: Path, name: str, version: str, requires: Iterable[str] = (), files: Mapping[str, bytes] | None = None
) -> Path:
    """A wheel in `directory` that installs `files` ({path below site-packages: content})."""
    stem = f"{name.replace('-', '_')}-{version}"
    wanted = "".join(f"Requires-Dist: {line}\n" for line in requires)
    content = {
        **(files or {}),
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wanted}".encode(),
        f"{stem}.dist-info/WHEEL": WHEEL.encode(),
    }
    record = ""
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    content[f"{stem}.dist-info/RECORD"] = f"{record}{stem}.dist-info/RECORD,,\n".encode()
    directory.mkdir(parents=True, exist_ok=True)
    wheel = directory / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return wheel


def digest(wheel: Path) -> str:
    """A wheel's sha256, as hashed requirements name it."""
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def publish(
    index: Path, name: str, version: str, requires: Iterable[str] = (), files: Mapping[str, bytes] | None = None
) -> Path:
    """Add a wheel to the simple index in the directory `index`."""
    directory = index / name
    wheel = build(directory, name, version, requires, files)
    links = (f'<a href="{path.name}#sha256={digest(path)}">{path.name}</a>' for path in sorted(directory.glob("*.whl")))
    (directory / "index.html").write_text("<!DOCTYPE html><html><body>" + "\n".join(links) + "</body></html>")
    return wheel
