"""The profile: what the user wishes.

Sections of components (`codehub:`, `python_env:` …) have the keys of their role's argument spec without the prefix;
they are checked against it in `aimlsetup.catalog`, not here.
"""

import re
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from aimlsetup.models.base import Document

REFERENCE = re.compile(r"(env|file|prompt|vault|host):.+")


def _reference(value: Any) -> str:
    if not (isinstance(value, str) and REFERENCE.fullmatch(value)):
        # A type of its own, so that whoever reports it knows not to show the value.
        raise PydanticCustomError(
            "literal_secret",
            "a secret is a reference, never the value",
            {"hint": "write env:NAME, file:PATH, prompt:LABEL, vault:PATH or host:PATH"},
        )
    return value


def _absolute(value: str) -> str:
    if not value.startswith("/") or ".." in value.split("/") or "\n" in value or "\0" in value:
        hint = "begin it with '/', and name every directory on the way"
        raise PydanticCustomError("value_error", "an absolute path without '..' is expected", {"hint": hint})
    return value


def _matching(pattern: str, expected: str, hint: str) -> AfterValidator:
    """A check of text that becomes words of a command line, where `-` begins an option and a space another word."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("value_error", "{expected} is expected", {"expected": expected, "hint": hint})
        return value

    return AfterValidator(check)


def _host_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise ValueError("letters, digits, '.', '_' and '-' are expected, beginning with a letter or digit")
    return value


SecretReference = Annotated[
    str, BeforeValidator(_reference), WithJsonSchema({"type": "string", "pattern": f"^{REFERENCE.pattern}$"})
]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
HostName = Annotated[str, AfterValidator(_host_name)]
Address = Annotated[
    str,
    _matching(r"[A-Za-z0-9:][A-Za-z0-9._:%-]*", "a host name or an IP address", "user and port are keys of their own"),
]
UserName = Annotated[
    str, _matching(r"[A-Za-z0-9_][A-Za-z0-9_.@\\+-]*", "the name of a user", "write a name that can log in there")
]
Interpreter = Annotated[
    AbsolutePath, _matching(r"[A-Za-z0-9_./+-]+", "the path of a Python", "write one such as /usr/bin/python3.11")
]


PciId = Annotated[str, _matching(r"10de:[0-9a-f]{4}", "a PCI id of NVIDIA's", "write it as lspci -n does: '10de:2684'")]
Capability = Annotated[str, _matching(r"\d{1,2}\.\d", "a compute capability", "write it as text, such as '8.9'")]
Fingerprint = Annotated[str, _matching(r"[0-9A-F]{40}", "a key's full fingerprint", "write all 40 digits, as gpg does")]
Channel = Literal["nvidia", "distro", "pip"]
Wished = TypeVar("Wished")


class Prefer(Document, Generic[Wished]):
    """A wish that gives way where it can't be met."""

    prefer: Wished


class Become(Document):
    """How root is reached: not at all (already root), or by sudo, with a password by reference or without."""

    method: Literal["none", "sudo"] = "none"
    password: SecretReference | None = None


class Host(Document):
    """One machine. `local` is this machine; `ssh` is reached with the user's own ssh configuration; `sandbox` is the
    sandbox host of the same name on this machine, whose address and key are looked up when it is needed.
    """

    connection: Literal["ssh", "local", "sandbox"] = "ssh"
    release: str | None = None  # of a sandbox host when it is first booted
    address: Address | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    user: UserName | None = None
    identity: AbsolutePath | None = None
    ssh_config: AbsolutePath | None = None
    python: Interpreter | None = None
    become: Become = Become()
    gpus: list[PciId] | None = None  # in place of those observed: for images, and hosts not yet racked


class Roots(Document):
    """The root directories users have; every role takes its paths from here unless told otherwise."""

    codehub: AbsolutePath = "/codehub"
    config: AbsolutePath = "/codehub-config"
    data: AbsolutePath = "/aimldl-dat"
    mnt: AbsolutePath = "/aimldl-mnt"
    doc: AbsolutePath = "/aimldl-doc"
    rpt: AbsolutePath = "/aimldl-rpt"
    kbank: AbsolutePath = "/aimldl-kbank"
    virtualenvs: AbsolutePath = "/virtualmachines/virtualenvs"


class DriverWish(Document):
    """NVIDIA's driver: which versions, whose support to rely on, and whose kernel modules."""

    version: str | Prefer[str] | None = None
    track: Literal["lts", "production", "newest"] | None = None  # gives way by nature
    flavour: Literal["open", "proprietary"] | None = None


class Requests(Document):
    """Wishes the solver turns into pins; version wishes are PEP 440 specifiers (`>=2.16`, `==2.21.0`, `2.21`).

    What is wished must be met, unless it is written `{prefer: …}`. Without an environment that computes on the GPU,
    `cuda` and the libraries are the host's own.
    """

    device: Literal["cpu", "gpu"] = "cpu"
    python: str | None = None
    framework: dict[Literal["tensorflow", "pytorch"], str | Prefer[str] | None] = Field(default_factory=dict)
    keras: str | Prefer[str] | None = None
    channel: Channel | Prefer[Channel] | None = None
    driver: DriverWish = DriverWish()
    cuda: str | Prefer[str] | None = None
    cudnn: str | Prefer[str] | None = None
    tensorrt: str | Prefer[str] | None = None
    nccl: str | Prefer[str] | None = None
    gpu_capability: dict[PciId, Capability] = Field(default_factory=dict)  # of GPUs that the catalog does not know


class Mirror(Document):
    """Where a source is instead. One that signs its repositories itself says with which key, and where that lies."""

    url: str
    key: str | None = None
    fingerprints: list[Fingerprint] = Field(default_factory=list)


class Profile(Document):
    """`aimlsetup.yml`. `sections` is filled with the components' own parts by the reader of the file."""

    version: Literal[1] = 1
    preset: str | None = None  # wishes of the catalog's, beneath those given here
    hosts: dict[HostName, Host] = Field(default_factory=dict)
    components: list[str] = Field(default_factory=list)
    roots: Roots = Roots()
    requests: Requests = Requests()
    sources: dict[str, str | Mirror] = Field(default_factory=dict)
    reboot_ok: bool | None = None
    sections: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def mirror(self, source: str) -> Mirror | None:
        """Where a source is instead of where the catalog has it."""
        given = self.sources.get(source)
        return Mirror(url=given) if isinstance(given, str) else given

    def url(self, source: str) -> str | None:
        """Its address alone."""
        mirror = self.mirror(source)
        return mirror.url if mirror else None
