"""The environments as the profile wishes them, the requested framework included. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement as Line
from packaging.utils import canonicalize_name

from aimlsetup.catalog import Catalog, presets
from aimlsetup.catalog.records import Framework
from aimlsetup.models.profile import Prefer, Profile


@dataclass(frozen=True)
class Wish:
    """A requirement as uv reads it, and the key of the profile that it comes from.

    One that is only `hoped` for gives way. `framework` is the one that was wished for without naming a distribution of
    it: any that computes on the device will do.
    """

    line: str
    origin: str
    hoped: bool = False
    framework: str | None = None

    @property
    def name(self) -> str:
        """The distribution's normalised name."""
        return canonicalize_name(Line(self.line).name)

    @property
    def extras(self) -> frozenset[str]:
        """Those it names."""
        return frozenset(Line(self.line).extras)


@dataclass(frozen=True)
class Environment:
    """One environment. `python` is a version wish, an interpreter's absolute path, or None for any."""

    name: str
    python: str | None
    python_origin: str
    wishes: tuple[Wish, ...]


def built(profile: Profile) -> list[Mapping[str, Any]]:
    """Environments of the profile that are to be built, not those that are there and kept up by others."""
    entries: list[Mapping[str, Any]] = profile.sections.get("python_env", {}).get("envs") or []
    return [entry for entry in entries if not entry.get("existing")]


def environments(profile: Profile, arch: str, catalog: Catalog) -> list[Environment]:
    """All of them, in the profile's order."""
    entries = built(profile)
    own = [
        [Wish(line, f"python_env.envs.{entry['name']}") for line in entry.get("requirements") or []]
        for entry in entries
    ]
    for framework in catalog.frameworks.values():
        for wishes in _receivers(own, framework, profile):
            wishes.append(_framework_wish(wishes, framework, profile, arch))
    packages = presets.load()[profile.preset].packages if profile.preset else []
    if profile.requests.keras or packages:
        requested = [wishes for wishes in own if any(wish.origin.startswith("requests.") for wish in wishes)]
        for wishes in requested or own[:1]:
            if profile.requests.keras:
                wishes.append(request("keras", profile.requests.keras, "requests.keras"))
            named = {wish.name for wish in wishes}
            preset = [Wish(line, f"preset {profile.preset}") for line in packages]
            wishes += [wish for wish in preset if wish.name not in named]
    return [_environment(entry, wishes, profile) for entry, wishes in zip(entries, own, strict=True)]


def _environment(entry: Mapping[str, Any], wishes: list[Wish], profile: Profile) -> Environment:
    name = entry["name"]
    if entry.get("python"):
        return Environment(name, entry["python"], f"python_env.envs.{name}.python", tuple(wishes))
    return Environment(name, profile.requests.python, "requests.python", tuple(wishes))


def _receivers(own: list[list[Wish]], framework: Framework, profile: Profile) -> Iterator[list[Wish]]:
    """The environments that get a requested framework: those that name it, else the first."""
    if framework.framework in profile.requests.framework:
        naming = [wishes for wishes in own if any(wish.name in framework.distributions() for wish in wishes)]
        yield from naming or own[:1]


def _framework_wish(wishes: list[Wish], framework: Framework, profile: Profile, arch: str) -> Wish:
    """The distribution that is already named, else the first of the device's that has wheels for the machine."""
    device = profile.requests.device
    preferred = framework.devices[device]
    named = [wish.name for wish in wishes if wish.name in framework.distributions()]
    built = [name for name in preferred if any(arch in release.wheels.get(name, ()) for release in framework.releases)]
    wished = next(found for name, found in profile.requests.framework.items() if name == framework.framework)
    free = framework.framework if device == "gpu" and not named else None
    return request((named or built or preferred)[0], wished, f"requests.framework.{framework.framework}", free)


def request(name: str, wished: str | Prefer[str] | None, origin: str, framework: str | None = None) -> Wish:
    """A package as the requests wish it."""
    hoped = isinstance(wished, Prefer)
    specifier = wished.prefer if isinstance(wished, Prefer) else wished or ""
    text = f"=={specifier}.*" if specifier[:1].isdigit() else specifier
    return Wish(f"{name}{text}", origin, hoped, framework)
