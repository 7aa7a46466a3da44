"""A stand-in for a standalone build of Python: an archive of the same layout, made of a Python under `~/.pyenv`.

Real ones lie where tests do not reach. This one is found the same way (a mirror with builds of its own), has another
digest, and finds its libraries, those that a bare host lacks among them, by paths relative to itself too.
"""

import hashlib
import io
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

PYENV = Path.home() / ".pyenv" / "versions"
BUILD = "20200101"
LEFT_OUT = re.compile(r"/(test|tests|idlelib|tkinter|turtledemo|__pycache__|config-[^/]*|site-packages)(/|$)|\.a$")
BROUGHT = re.compile(r"(/\S*/lib(?:ffi|sqlite3|bz2|lzma|ssl|crypto|z|uuid|crypt)\.so\S*)")


def installed(minor: str) -> Path | None:
    """The Python of that minor version under `~/.pyenv`."""
    return next(iter(sorted(PYENV.glob(f"{minor}.*"))), None)


def build(directory: Path, minor: str) -> dict[str, Any]:
    """Put the archive for a minor version into a directory; returns its entry for a mirror's `builds`."""
    prefix = installed(minor)
    assert prefix, f"no Python {minor} under {PYENV}"
    name = f"cpython-{prefix.name}-stand-in.tar.gz"
    kept = _cache() / name
    if not kept.exists():
        part = kept.with_suffix(f".{os.getpid()}")
        _write(part, prefix, minor)
        part.rename(kept)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).symlink_to(kept)
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    return {"version": prefix.name, "build": BUILD, "arch": os.uname().machine, "sha256": digest, "file": name}


def _cache() -> Path:
    base = os.environ.get("AIMLSETUP_TEST_CACHE") or Path.home() / ".cache/aimlsetup/tests"
    made = Path(base) / "standalone"
    made.mkdir(parents=True, exist_ok=True)
    return made


def _write(target: Path, prefix: Path, minor: str) -> None:
    wanted = [prefix / "bin" / f"python{minor}", *(prefix / "lib").rglob("*")]
    brought: set[str] = set()
    with tarfile.open(target, "w:gz", compresslevel=3) as archive:
        for path in wanted:
            inside = path.relative_to(prefix)
            if LEFT_OUT.search(f"/{inside}") or path.is_dir():
                continue
            info = archive.gettarinfo(path, f"python/{inside}")
            content = path.read_bytes() if info.isreg() else b""
            if content.startswith(b"\x7fELF"):
                brought |= _libraries(path)
                content = _relative(content, prefix, inside)
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for library in sorted(brought):
            archive.add(os.path.realpath(library), f"python/lib/{Path(library).name}")
        link = tarfile.TarInfo("python/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, f"python{minor}"
        archive.addfile(link)


def _libraries(path: Path) -> set[str]:
    done = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    return set(BROUGHT.findall(done.stdout))


def _relative(content: bytes, prefix: Path, inside: Path) -> bytes:
    """The program or library with its search path for libraries relative to where it lies."""
    before = f"{prefix}/lib".encode()
    after = b"$ORIGIN/" + b"../" * (len(inside.parts) - 1) + b"lib"
    assert len(after) <= len(before)
    return content.replace(before + b"\0", after.ljust(len(before), b"\0") + b"\0")
