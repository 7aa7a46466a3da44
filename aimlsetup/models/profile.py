"""The profile: what the user wishes.

Sections of components (`codehub:`, `python_env:` …) have the keys of their role's argument spec without the prefix;
they are checked against it in `aimlsetup.catalog`, not here.
"""

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from aimlsetup.models.base import Document
from aimlsetup.models.build import PythonBuild

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
    groups: list[str] = Field(default_factory=list)  # of the profile's `groups`; what the last one says counts most


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
    """Where a source is instead. One that signs its repositories itself says with which key, and where that lies; one
    with builds of Python of its own says which, with their digests.
    """

    url: str
    key: str | None = None
    fingerprints: list[Fingerprint] = Field(default_factory=list)
    builds: list[PythonBuild] = Field(default_factory=list)


class Layer(Document):
    """What hosts of a group have otherwise than the profile: mappings key by key, anything else in its place."""

    components: list[str] = Field(default_factory=list)
    roots: Roots = Roots()
    requests: Requests = Requests()
    reboot_ok: bool | None = None
    sections: dict[str, dict[str, Any]] = Field(default_factory=dict)


def layered(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with another one laid over it, key by key at any depth."""
    made = dict(below)
    for key, value in above.items():
        beneath = made.get(key)
        both = isinstance(beneath, Mapping) and isinstance(value, Mapping)
        made[key] = layered(beneath, value) if both else value  # type: ignore[arg-type]
    return made


class Profile(Document):
    """`aimlsetup.yml`. `sections` is filled with the components' own parts by the reader of the file."""

    version: Literal[1] = 1
    preset: str | None = None  # wishes of the catalog's, beneath those given here
    hosts: dict[HostName, Host] = Field(default_factory=dict)
    components: list[str] = Field(default_factory=list)
    scope: Literal["system", "user"] = "system"  # `user` makes everything without root, below the prefix
    prefix: AbsolutePath | None = None  # `aimlsetup` in the user's home on the host, where it is left out
    roots: Roots = Roots()
    requests: Requests = Requests()
    sources: dict[str, str | Mirror] = Field(default_factory=dict)
    reboot_ok: bool | None = None
    groups: dict[str, Layer] = Field(default_factory=dict)
    sections: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def groups_of(self, host: str) -> tuple[str, ...]:
        """The groups of a host that this profile says something of, in the order in which they are laid over it."""
        named = self.hosts[host].groups if host in self.hosts else []
        return tuple(name for name in named if name in self.groups)

    def of(self, groups: Iterable[str]) -> "Profile":
        """What a host in these groups wishes."""
        layers = [self.groups[name].model_dump(exclude_unset=True) for name in groups]
        if not layers:
            return self
        own = {name: getattr(self, name) for name in ("components", "reboot_ok", "sections")}
        own |= {name: getattr(self, name).model_dump(exclude_unset=True) for name in ("roots", "requests")}
        made = reduce(layered, layers, own)
        made |= {"roots": Roots(**made["roots"]), "requests": Requests(**made["requests"])}
        return self.model_copy(update=made)

    def mirror(self, source: str) -> Mirror | None:
        """Where a source is instead of where the catalog has it."""
        given = self.sources.get(source)
        return Mirror(url=given) if isinstance(given, str) else given

    def url(self, source: str) -> str | None:
        """Its address alone."""
        mirror = self.mirror(source)
        return mirror.url if mirror else None
