"""How this machine asks sources: through the profile's proxy, with its accounts, trusting its authorities too.

Where the user's own environment names a proxy, that one is used. Set by the command line for as long as it asks.
"""

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import OpenerDirector

from aimlsetup.content import util

CREDENTIALS = re.compile(r"(?<=://)(?:[^/@\s:]*:[^/@\s]*|(?<=https://)[^/@\s]+|(?<=http://)[^/@\s]+)@")
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def public(text: str) -> str:
    """Text without the credentials that a URL in it may have."""
    return CREDENTIALS.sub("***@", text)


@dataclass(frozen=True)
class Access:
    """`settings` are those of `plugins/module_utils/network.py`, passwords and all.

    `directory`, which this user alone can read, holds what programs take from files.
    """

    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    certificates: str | None = None
    directory: Path | None = None

    def authorized(self, url: str) -> str:
        """The URL with its server's account, for the environment of a program."""
        found: str = util("network").authorized(url, self.settings)
        return found

    def login(self, url: str) -> str | None:
        """The header that logs in at a URL."""
        found: str | None = util("network").basic(url, self.settings)
        return found

    def environment(self) -> dict[str, str]:
        """What programs see beside this process's own environment."""
        found = {} if _own_proxy() else dict(util("network").variables(self.settings))
        if self.directory and self.certificates:
            found |= dict.fromkeys(("SSL_CERT_FILE", "GIT_SSL_CAINFO"), str(self.directory / "authorities.pem"))
        if self.directory and self.settings.get("credentials"):
            number = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
            found |= {
                "GIT_CONFIG_COUNT": str(number + 1),
                f"GIT_CONFIG_KEY_{number}": "credential.helper",
                f"GIT_CONFIG_VALUE_{number}": f"store --file={self.directory / 'git-credentials'}",
            }
        return found

    def opener(self, url: str) -> OpenerDirector:
        """What opens a URL."""
        context = ssl.create_default_context()
        if self.certificates:
            context.load_verify_locations(cadata=self.certificates)
        found: OpenerDirector = util("network").opener(url, {} if _own_proxy() else self.settings, context)
        return found

    def write(self) -> None:
        """Write what programs read."""
        if self.directory:
            own = [os.environ.get("SSL_CERT_FILE"), *BUNDLES]
            system = next((Path(path).read_text() for path in own if path and Path(path).is_file()), "")
            content = util("network").git_store(self.settings)
            for name, text in (("authorities.pem", system + (self.certificates or "")), ("git-credentials", content)):
                path = self.directory / name
                path.touch(mode=0o600)
                path.write_text(text)


def _own_proxy() -> bool:
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in PROXIES)


_NOW = [Access()]


def current() -> Access:
    """How to ask now."""
    return _NOW[-1]


@contextmanager
def using(access: Access) -> Iterator[None]:
    """Ask like this, for as long as it lasts, in all threads."""
    access.write()
    _NOW.append(access)
    try:
        yield
    finally:
        _NOW.remove(access)
