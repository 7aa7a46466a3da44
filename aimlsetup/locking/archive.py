"""One signed apt repository: its InRelease, checked with a key, and the packages that it vouches for."""

import gzip
import io
import lzma
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from aimlsetup.errors import AimlsetupError
from aimlsetup.locking.fetch import Silent, fetch, fetch_exact

RELEASE_BYTES = 16 << 20
INDEX_BYTES = 128 << 20
UNPACKED_BYTES = 1 << 30
TIMEOUT = 30  # seconds, for gpgv
PACKINGS = (".xz", ".gz", "")
ENTRY = re.compile(r"^ ([0-9a-f]{64}) +(\d+) +(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A suite of a repository, with the folders of it that hold packages (`non-free/binary-amd64/`; a flat one: ``).

    `keyring` are OpenPGP keys in binary; without `fingerprints` each of them will do.
    """

    url: str
    suite: str
    folders: tuple[str, ...]
    keyring: bytes
    fingerprints: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The URL of the folder with the InRelease."""
        folder = self.suite.lstrip("/") if self.suite.endswith("/") else f"dists/{self.suite}/"
        return f"{self.url.rstrip('/')}/{folder}"

    @property
    def name(self) -> str:
        """As people read it."""
        return f"{self.url} {self.suite}"


def packages(place: Place, now: datetime) -> Iterator[tuple[str, str]]:
    """(package, version) of all that is there. Raises Silent.

    A signature, a digest or a date that is wrong is an `AimlsetupError`.
    """
    release = _signed(place, fetch(f"{place.base}InRelease", RELEASE_BYTES))
    _valid(place, release, now)
    listed = {path: (int(size), digest) for digest, size, path in ENTRY.findall(release.partition("\nSHA256:")[2])}
    by_hash = bool(re.search(r"^Acquire-By-Hash: yes$", release, re.MULTILINE))
    paths = (f"{folder}Packages" for folder in place.folders)
    found = [path for path in paths if any(f"{path}{packing}" in listed for packing in PACKINGS)]
    if not found:
        raise Silent(f"{place.name} lists no packages")
    for path in found:
        yield from _index(place, path, listed, by_hash)


def _index(place: Place, path: str, listed: Mapping[str, tuple[int, str]], by_hash: bool) -> Iterator[tuple[str, str]]:
    packing = next(end for end in PACKINGS if f"{path}{end}" in listed)
    size, digest = listed[f"{path}{packing}"]
    if size > INDEX_BYTES:
        raise Silent(f"{place.name}: {path}{packing} has {size} bytes")
    folder = path.removesuffix("Packages")
    content = None
    if by_hash:  # a mirror that is being updated still has these; one that was copied by hand may not
        try:
            content = fetch_exact(f"{place.base}{folder}by-hash/SHA256/{digest}", size, digest)
        except Silent:
            content = None
    content = content or fetch_exact(f"{place.base}{path}{packing}", size, digest)
    if content is None:
        raise _distrusted(place, "index-tampered", f"{path}{packing} is not what the signed InRelease says it is")
    yield from _stanzas(place, _unpacked(content, packing))


def _unpacked(content: bytes, packing: str) -> Iterable[bytes]:
    packed = io.BytesIO(content)
    return lzma.open(packed) if packing == ".xz" else gzip.open(packed) if packing == ".gz" else packed


def _stanzas(place: Place, content: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """What each paragraph is of; signed or not, nobody's index fills the memory."""
    name, read = "", 0
    for line in content:
        read += len(line)
        if read > UNPACKED_BYTES:
            raise Silent(f"{place.name}: an index of more than {UNPACKED_BYTES} bytes")
        if line.startswith(b"Package: "):
            name = line[9:].strip().decode()
        elif line.startswith(b"Version: "):
            yield name, line[9:].strip().decode()


def _signed(place: Place, document: bytes) -> str:
    """What of an InRelease was signed, by one of the keys that are expected."""
    with tempfile.TemporaryDirectory(prefix="aimlsetup-index-") as directory:
        keyring, file, signed = (Path(directory) / name for name in ("keyring.gpg", "InRelease", "signed"))
        keyring.write_bytes(place.keyring)
        file.write_bytes(document)
        command: list[str | Path] = [
            "gpgv", "--homedir", directory, "--status-fd", "1", "--keyring", keyring, "--output", signed, file
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
        except FileNotFoundError:
            raise Silent("gpgv is not installed here, and nothing is believed unverified") from None
        except subprocess.TimeoutExpired:
            raise Silent(f"gpgv did not answer within {TIMEOUT} s") from None
        status = done.stdout.decode(errors="replace")
        if not set(_signers(status)) & set(place.fingerprints or _signers(status)):
            raise _distrusted(place, "index-signature", _why(place, status))
        return signed.read_text(encoding="utf-8", errors="replace")


def _signers(status: str) -> list[str]:
    """Fingerprints of the primary keys of good signatures; one that was altered spoils all."""
    if "[GNUPG:] BADSIG" in status:
        return []
    blocks = status.split("[GNUPG:] NEWSIG")[1:]
    return [
        line.split()[-1]
        for block in blocks
        if "[GNUPG:] GOODSIG" in block
        for line in block.splitlines()
        if line.startswith("[GNUPG:] VALIDSIG")
    ]


def _why(place: Place, status: str) -> str:
    if "BADSIG" in status:
        return "its signature does not fit its content"
    if expired := re.search(r"(?:EXPKEYSIG|REVKEYSIG) (\w+)", status):
        return f"it is signed with key {expired[1]}, which has expired or was revoked"
    if missing := re.findall(r"NO_PUBKEY (\w+)", status) or _signers(status):
        wanted = f" and not with {', '.join(place.fingerprints)}" if place.fingerprints else ""
        return f"it is signed with {', '.join(dict.fromkeys(missing))}{wanted}"
    return "it is not signed"


def _valid(place: Place, release: str, now: datetime) -> None:
    until = re.search(r"^Valid-Until: (.+)$", release, re.MULTILINE)
    try:
        ends = parsedate_to_datetime(until[1]) if until else None
    except ValueError:
        ends = datetime.min.replace(tzinfo=UTC)
    if ends and (ends if ends.tzinfo else ends.replace(tzinfo=UTC)) < now:
        raise _distrusted(place, "index-expired", f"its index was valid until {until[1] if until else ''}")


def _distrusted(place: Place, ref: str, why: str) -> AimlsetupError:
    return AimlsetupError(
        ref,
        f"the repository {place.name} is not to be trusted: {why}",
        context=[f"read: {place.base}InRelease"],
        hint="check this machine's clock and proxy, then the mirror; 'sources' in the profile may name another one",
    )
