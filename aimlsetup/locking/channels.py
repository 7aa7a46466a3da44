"""What the channels of hosts' packages have now, as far as their repositories answer."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aimlsetup.content import util
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking.archive import Place, packages
from aimlsetup.locking.availability import TITLES, Availability, Index, newest_first
from aimlsetup.locking.decision import Case
from aimlsetup.locking.fetch import Silent, fetch
from aimlsetup.locking.kernels import named
from aimlsetup.locking.repositories import repositories, repository
from aimlsetup.locking.stack.facts import word

KEY_BYTES = 1 << 20


def asked(cases: Mapping[str, Case]) -> dict[str, Case]:
    """The cases with what can be had for them, where they compute on GPUs. Every platform is asked for once."""
    found: dict[tuple[str, str], Availability] = {}
    kernels: dict[tuple[str, str, str], Availability] = {}
    made = dict(cases)
    for name, case in cases.items():
        if case.platform.hardware:
            platform, kernel = (word(case.platform.release), case.platform.arch), named(case.platform)
            if platform not in found:
                found[platform] = availability(case)
            same = kernels.setdefault((*platform, kernel), replace(found[platform], kernel=kernel))
            kept = case.kept_packages
            made[name] = replace(case, available=replace(same, kept=kept) if kept else same)
    return made


def availability(case: Case) -> Availability:
    """Indexes of both channels for a case's platform, from the profile's sources.

    A channel is read whole or not at all. A repository that is signed by somebody else, altered or out of date is an
    `AimlsetupError`; one that does not answer is silent.
    """
    with ThreadPoolExecutor(len(TITLES)) as pool:
        found = dict(zip(TITLES, pool.map(lambda channel: _channel(channel, case), TITLES), strict=True))
    return Availability(
        word(case.platform.release),
        case.platform.arch,
        named(case.platform),
        live={channel: answer for channel, answer in found.items() if isinstance(answer, Index)},
        silent={channel: answer for channel, answer in found.items() if isinstance(answer, str)},
    )


def _channel(channel: str, case: Case) -> Index | str:
    """Its index, or why there is none."""
    found: dict[str, list[str]] = {}
    try:
        read = list(_places(channel, case))
        for place in read:
            for package, version in packages(place, datetime.now(UTC)):
                found.setdefault(package, []).append(version)
    except Silent as silent:
        return str(silent)
    if not read:
        return f"no repository is known for {word(case.platform.release)} on {case.platform.arch}"
    source = "; ".join(place.name for place in read)
    return Index({package: newest_first(versions) for package, versions in found.items()}, source)


def _places(channel: str, case: Case) -> Iterator[Place]:
    """The repositories as hosts are to use them."""
    for name, apt in repositories(channel, case.platform, case.catalog):
        yield from places(repository(name, apt, case))


def places(entry: Mapping[str, Any]) -> Iterator[Place]:
    """The suites of a repository as the role takes it. Fetches its key. Raises Silent, else as `availability`."""
    arch = entry["architectures"][0]
    folders = tuple(f"{component}/binary-{arch}/" for component in entry["components"]) or ("",)
    keyring, fingerprints = _keys(entry)
    for suite in entry["suites"]:
        yield Place(entry["uri"], suite, folders, keyring, fingerprints)


def _keys(entry: Mapping[str, Any]) -> tuple[bytes, tuple[str, ...]]:
    """(keyring, fingerprints): the distribution's own as it lies on this machine, else the repository's key."""
    if "signed_by" in entry:
        try:
            return Path(entry["signed_by"]).read_bytes(), ()
        except OSError:
            raise Silent(
                f"{entry['signed_by']}, which {entry['uri']} is checked with, is not on this machine"
            ) from None
    key = entry["key"]
    wanted = tuple(key["fingerprints"])
    if not wanted:
        raise Silent(f"the fingerprint of the key that signs {entry['uri']} is not known")
    found = util("aptsources").blocks(fetch(key["url"], KEY_BYTES))
    if not set(wanted) & set(found):
        raise AimlsetupError(
            "index-key",
            f"the key of {entry['uri']} is not the expected one",
            context=[f"read: {key['url']}", f"found: {', '.join(found) or 'no key'}", f"expected: {', '.join(wanted)}"],
            hint="somebody stands between, or the key was changed: ask those who run the repository",
        )
    return b"".join(block for fingerprint, block in found.items() if fingerprint in wanted), wanted
