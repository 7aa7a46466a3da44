"""What the lock decides for `network`: mirrors of the distribution's archives on one platform, and whom to trust."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.sources import Apt
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import repositories
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.platforms import Platform
from aimlsetup.models.profile import Profile

COMPONENT = "network"
CHANNEL = "distro"


def wanted(profile: Profile, catalog: Catalog) -> bool:
    """Whether hosts need it: the profile has something of it, or moves an archive of a distribution's."""
    moved = (source.apt for name, source in catalog.sources.items() if name in profile.sources)
    archive = any(apt and apt.channel == CHANNEL for apt in moved)
    return archive or COMPONENT in profile.components or any(profile.sections.get(COMPONENT, {}).values())


def decide(case: Case) -> Decided:
    """The archives that the profile has elsewhere, and the certificates in the file that it names."""
    found = [repository(name, apt, case) for name, apt in archives(case.platform, case.profile, case.catalog)]
    return Decided({"repositories": found, "ca_bundle": certificates(case.profile)})


def archives(platform: Platform, profile: Profile, catalog: Catalog) -> Iterator[tuple[str, Apt]]:
    """The distribution's own archives on a platform that the profile moves, by name."""
    for name, apt in repositories.repositories(CHANNEL, platform, catalog):
        if profile.mirror(name):
            yield name, apt


def repository(name: str, apt: Apt, case: Case) -> dict[str, Any]:
    """One as the role takes it. A mirror that signs by itself says with which key, and where that lies."""
    entry = repositories.repository(name, apt, case)
    del entry["signed_by"]
    given = case.profile.mirror(name)
    key = {"url": given.key, "fingerprints": given.fingerprints} if given and given.fingerprints else None
    return {**entry, "components": apt.components, "keyring": apt.keyring, **({"key": key} if key else {})}


def certificates(profile: Profile) -> str | None:
    """The content of the profile's CA bundle. A file that can't be read or holds none is an error (exit code 2)."""
    return read_certificates("network.ca_bundle", profile.sections.get(COMPONENT, {}).get("ca_bundle"))


def read_certificates(key: str, path: str | None) -> str | None:
    """What a key of the profile gives, certificates themselves or the path of a file with them. Errors as above."""
    if not path or not path.startswith("/"):
        return path
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(key, path, getattr(error, "strerror", None) or "it is no text") from None
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise _unusable(key, path, "there is no certificate in it")
    return text


def _unusable(key: str, path: str, why: str) -> AimlsetupError:
    return AimlsetupError(
        "ca-bundle",
        f"{key}: {path}: {why}",
        context=["expected: a file on this machine with certificates in PEM (-----BEGIN CERTIFICATE-----)"],
        hint="correct the path in the profile, or ask who made the certificate for it",
        exit_code=Exit.USAGE,
    )
