"""Indexes of apt repositories and builds of Python, fetched to this machine: bounded in time and size, kept by digest.

Proxies and certificates are those of the environment (`http_proxy`, `no_proxy`, `SSL_CERT_FILE`), accounts those of the
user's netrc file; beside them what the profile says (`aimlsetup.locking.access`).
"""

import base64
import hashlib
import netrc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request

from aimlsetup.content import util
from aimlsetup.locking import access

SCHEMES = ("http", "https", "file")
SILENCE = 15  # seconds without an answer
SECONDS = 120  # for one file
CHUNK = 1 << 18
KEPT_DAYS = 30  # that nobody has asked for a file


class Silent(Exception):
    """What could not be fetched; says why."""


def fetch(url: str, most: int) -> bytes:
    """The file at a URL, of at most that many bytes. Raises Silent."""
    with _telling(url):
        content = _read(url, most)
    if content is None:
        raise Silent(f"{url}: not within {SECONDS} s and {most} bytes")
    return content


def size(url: str) -> int:
    """Bytes of the file at a URL, which is not fetched. Raises Silent."""
    with _telling(url), _opened(url, "HEAD") as answer:
        return int(answer.headers.get("Content-Length") or 0)


@contextmanager
def _telling(url: str) -> Iterator[None]:
    """Whatever goes wrong with a URL is Silent."""
    place = urlsplit(url).hostname or url
    if urlsplit(url).scheme not in SCHEMES:
        raise Silent(f"{url} is none of {', '.join(SCHEMES)}")
    try:
        yield
    except HTTPError as error:
        error.close()
        raise Silent(f"{url}: {error.code} {error.reason}") from None
    except URLError as error:
        raise Silent(f"{place}: {getattr(error.reason, 'strerror', None) or error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise Silent(f"{place}: {getattr(error, 'strerror', None) or error}") from None


def fetch_exact(url: str, size: int, sha256: str) -> bytes | None:
    """The file of a digest, from an earlier time or a URL; None where the URL has something else. Raises Silent."""
    kept = cache_home() / sha256
    if kept.is_file():
        content = kept.read_bytes()
        if _is(content, size, sha256):
            kept.touch()
            return content
    content = fetch(url, size)
    if not _is(content, size, sha256):
        return None
    _keep(kept, content)
    return content


def fetch_digest(url: str, most: int, sha256: str) -> tuple[bytes, str]:
    """A file of at most that many bytes, and its own digest: what was kept of that digest, or whatever the URL has now.

    Only what has that digest is kept. Raises Silent.
    """
    kept = cache_home() / sha256
    content = kept.read_bytes() if kept.is_file() else b""
    if hashlib.sha256(content).hexdigest() == sha256:
        kept.touch()
        return content, sha256
    content = fetch(url, most)
    found = hashlib.sha256(content).hexdigest()
    if found == sha256:
        _keep(kept, content)
    return content, found


def cache_home() -> Path:
    """Where this user's fetched files lie."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "aimlsetup" / "indexes"


def _read(url: str, most: int) -> bytes | None:
    ends, content = time.monotonic() + SECONDS, bytearray()
    with _opened(url) as answer:
        while chunk := answer.read(CHUNK):
            content += chunk
            if len(content) > most or time.monotonic() > ends:
                return None
    return bytes(content)


def _opened(url: str, method: str = "GET") -> Any:
    request = Request(url, method=method)  # noqa: S310 - one of SCHEMES
    way = access.current()
    if authorization := way.login(url) or _authorization(urlsplit(url).hostname):
        request.add_unredirected_header("Authorization", authorization)
    return way.opener(url).open(request, timeout=SILENCE)


def _authorization(host: str | None) -> str | None:
    try:
        found = netrc.netrc().hosts.get(host or "")
    except (OSError, netrc.NetrcParseError):
        return None
    return "Basic " + base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode() if found else None


def _is(content: bytes, size: int, sha256: str) -> bool:
    return len(content) == size and hashlib.sha256(content).hexdigest() == sha256


def _keep(path: Path, content: bytes) -> None:
    """To keep it is a convenience: a full or read-only disk is no reason to fail."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        util("atomic").write(str(path), content, 0o644)
        for old in path.parent.iterdir():
            if old.stat().st_mtime < time.time() - KEPT_DAYS * 86400:
                old.unlink()
    except OSError:
        return
