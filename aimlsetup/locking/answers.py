"""Whether a source answers this machine, asked as a lock asks it: with signatures checked, and nobody prompted."""

import shutil
import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from aimlsetup.content import util
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import channels, checkouts, fetch, index, network, remotes
from aimlsetup.locking.access import public
from aimlsetup.locking.archive import packages
from aimlsetup.models.profile import Profile
from aimlsetup.models.source import Answer

PAGE_BYTES = 64 << 20  # the list of all projects of an index as large as PyPI

Ask = Callable[[], str]


class Unasked(Exception):
    """What can't be asked from this machine; says why."""


class Missing(Exception):
    """What this machine lacks to ask with: (what, what to do)."""


def answer(ask: Ask, otherwise: str) -> Answer:
    """What a source says; `otherwise` is what to do where it says nothing and nobody knows better."""
    try:
        return Answer(answers=True, said=ask())
    except (fetch.Silent, remotes.Silent) as silent:
        return Answer(answers=False, said=public(str(silent)), next=otherwise)
    except Unasked as unasked:
        return Answer(answers=None, said=str(unasked))
    except Missing as missing:
        return Answer(answers=False, said=missing.args[0], next=missing.args[1])
    except AimlsetupError as error:
        said = "; ".join([error.message, *error.context])
        return Answer(answers=False, said=public(said), next=error.hint or otherwise)


def apt(entry: Mapping[str, Any]) -> str:
    """A repository as `gpu_sources` takes it: every suite's index, which is read and checked whole."""
    if not shutil.which("gpgv"):
        raise Missing("gpgv is not installed here, and nothing is believed unverified", "install gpgv on this machine")
    keyring = Path(entry.get("signed_by", "/"))
    if not keyring.exists():
        raise Missing(
            f"{keyring} is not on this machine", f"install {keyring.stem} here: it is what this is checked with"
        )
    now = datetime.now(UTC)
    names = {name for place in channels.places(entry) for name, _version in packages(place, now)}
    return f"signed, {len(names)} packages"


def proxy(url: str) -> str:
    """A proxy, asked for a connection alone: whether it lets us through is seen by what is asked through it."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=fetch.SILENCE).close()
    except OSError as error:
        raise fetch.Silent(f"{parts.netloc}: {error.strerror or error}") from None
    return "accepts connections"


def authorities(profile: Profile) -> str:
    """The profile's CA bundle."""
    text = network.certificates(profile) or ""
    try:
        ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        raise Missing(f"it can't be read ({error.reason or error})", "ask for the certificate in PEM") from None
    return f"{text.count('-----BEGIN CERTIFICATE-----')} certificate(s), read into the lock when it is made"


def file(url: str) -> str:
    """A file that is downloaded whole, and checked by its digest then."""
    return f"is there, {fetch.size(url)} bytes"


def package(name: str, target: index.Target) -> str:
    """The index that everything comes from, asked for one package by uv, which knows how this machine is configured."""
    found = index.newest(name, target)
    return f"has {found.name} {found.version}"


def pages(url: str, project: str = "") -> str:
    """A further index (simple API), asked for a project's page, else for its list of projects."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise fetch.Silent(f"{url} is no URL") from None
    path = Path(url2pathname(parts.path), project)
    if parts.scheme == "file":
        if not path.is_dir():
            raise fetch.Silent(f"{path} is no directory of this machine")
    else:
        fetch.fetch("/".join(filter(None, (url.rstrip("/"), project))) + "/", PAGE_BYTES)
    return f"has {project}" if project else "lists its projects"


def remote(entry: Mapping[str, Any], profile: Profile) -> str:
    """A checkout's repository, with the credentials of who runs this."""
    url = entry["url"]
    try:
        if checkouts.on_hosts(url, profile, profile.hosts):
            raise Unasked("not asked: it is a path on the host")
        found, _default = remotes.references(url, entry.get("known_hosts") or ())
    except util("gitnames").Bad as bad:
        raise remotes.Silent(str(bad)) from None
    return f"{sum(name.startswith('refs/') for name in found)} branches and tags"
