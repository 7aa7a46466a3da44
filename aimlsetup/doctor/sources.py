"""apt's sources: who owns a repository, and whether the key it is trusted by is still good."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.sources import Key
from aimlsetup.doctor._common import Evidence, command, note, problem
from aimlsetup.models.finding import Finding

GLOBAL = ("/etc/apt/trusted.gpg", "/etc/apt/trusted.gpg.d/")  # trusted for every source that names no key of its own
INLINE = "-----BEGIN PGP"
Entry = Mapping[str, Any]


def judge(evidence: Evidence, catalog: Catalog) -> Iterator[Finding]:
    """Findings about apt's sources and keyrings."""
    yield from _owners(evidence["sources"])
    yield from _missing(evidence)
    yield from _retired(evidence, catalog)


def place(entry: Entry) -> str:
    """`/etc/apt/sources.list.d/cuda.list:3`."""
    return f"{entry['file']}:{entry['line']}"


def _owners(sources: list[Entry]) -> Iterator[Finding]:
    repositories: dict[tuple[str, str], list[Entry]] = {}
    for entry in sources:
        repositories.setdefault((entry["uri"], entry["suite"]), []).append(entry)
    for (uri, suite), entries in repositories.items():
        # The one without a key of its own is the older way to write it, and mostly the forgotten one.
        spare = min(entries, key=lambda entry: entry["signed_by"] is not None)
        seen = [f"{place(entry)}: {_signed_by(entry)}" for entry in entries]
        if _conflict(entries):
            yield problem(
                "source-two-owners",
                f"{uri} {suite} is named with different keys",
                "apt refuses to read any source while two give the same repository another Signed-By "
                "(`Conflicting values set for option Signed-By`). One of them must go.",
                command("sudo", "sed", "-i.bak", f"{spare['line']}s/^/#/", spare["file"])
                if spare["file"].endswith(".list")
                else command("sudo", "mv", spare["file"], spare["file"] + ".disabled"),
                seen,
            )
        elif len(entries) > 1 and len({place(entry) for entry in entries}) > 1 and _overlap(entries):
            yield note(
                "source-twice",
                f"{uri} {suite} is named twice",
                "apt reads it once and warns each time.",
                command("sudoedit", spare["file"]),
                seen,
            )


def _conflict(entries: list[Entry]) -> bool:
    """Whether apt refuses these, in the order it reads them: it minds when one differs from a key it already has."""
    known = None
    for entry in entries:
        if known is not None and entry["signed_by"] != known:
            return True
        known = entry["signed_by"]
    return False


def _overlap(entries: list[Entry]) -> bool:
    components = [component for entry in entries for component in entry["components"] or [""]]
    return len(set(components)) < len(components)


def _signed_by(entry: Entry) -> str:
    if entry["signed_by"] is None:
        return "any key in /etc/apt/trusted.gpg.d"
    return "a key in the file itself" if INLINE in entry["signed_by"] else str(entry["signed_by"])


def _keyrings(entry: Entry, keyrings: Mapping[str, Any]) -> list[str]:
    """The keyring files that a source is trusted by."""
    if entry["signed_by"] is None:
        return [path for path in keyrings if path.startswith(GLOBAL)]
    if INLINE in entry["signed_by"]:
        return []
    return [word for word in re.split(r"[\s,]+", entry["signed_by"]) if word.startswith("/")]


def _missing(evidence: Evidence) -> Iterator[Finding]:
    for entry in evidence["sources"]:
        for path in _keyrings(entry, evidence["keyrings"]):
            if path not in evidence["keyrings"]:
                yield problem(
                    "key-missing",
                    f"the keyring {path} is not there, or can't be read",
                    f"{entry['uri']} is trusted by it alone, so apt refuses the repository.",
                    command("ls", "-l", path),
                    [place(entry)],
                )


def _retired(evidence: Evidence, catalog: Catalog) -> Iterator[Finding]:
    retired = {key.fingerprint: (name, key) for name, key in catalog.keys.items() if key.retired and key.fingerprint}
    for path, fingerprints in evidence["keyrings"].items():
        for fingerprint in fingerprints:
            if fingerprint in retired:
                yield _retired_in(path, fingerprints, *retired[fingerprint], evidence, catalog)


def _retired_in(
    path: str, fingerprints: list[str], name: str, key: Key, evidence: Evidence, catalog: Catalog
) -> Finding:
    """A problem where a repository that has changed keys is trusted by nothing newer than this one."""
    uses = [entry for entry in evidence["sources"] if path in _keyrings(entry, evidence["keyrings"])]
    left = [entry for entry in uses if _has_left(entry["uri"], name, catalog)]
    why = f"{key.owner}. It was replaced on {key.retired}: repositories signed with its successor fail with NO_PUBKEY"
    only = len(set(fingerprints)) == 1
    remove = ["sudo", "gpg", "--batch", "--yes", "--no-default-keyring", "--keyring", path, "--delete-keys"]
    return (problem if left else note)(
        "key-retired",
        f"{path} holds the retired key {name}",
        why + ", and whoever has the old key is still trusted here.",
        command("sudo", "rm", path) if only else command(*remove, str(key.fingerprint)),
        [f"{place(entry)}: {entry['uri']}" for entry in left or uses],
    )


def _has_left(uri: str, name: str, catalog: Catalog) -> bool:
    """Whether this is a repository of NVIDIA's that the catalog knows to be signed with another key."""
    for source in catalog.sources.values():
        prefix = (source.url or "").partition("{")[0].partition("//")[2]
        if source.apt and source.apt.keys and prefix and uri.partition("//")[2].startswith(prefix):
            return name not in source.apt.keys.values()
    return False
