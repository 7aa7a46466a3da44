"""What the profile wishes of the GPU stack, and of every environment, as requirements. Pure."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from packaging.requirements import Requirement as Line

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.parts import Branch
from aimlsetup.locking.hardware import Installed
from aimlsetup.locking.stack.frameworks import PYTHON
from aimlsetup.locking.wishes import Environment
from aimlsetup.models.lock import Reason
from aimlsetup.models.profile import Prefer, Requests
from aimlsetup.solver.problem import Requirement
from aimlsetup.solver.versions import Versions

LIBRARIES = ("cuda", "cudnn", "tensorrt", "nccl")


@dataclass(frozen=True)
class Wished:
    """`firm` must hold, `hoped` gives way, the last first."""

    firm: list[Requirement] = field(default_factory=list)
    hoped: list[Requirement] = field(default_factory=list)

    def add(self, name: str, versions: Versions, reason: Reason, *, hoped: bool = False) -> None:
        """One more."""
        (self.hoped if hoped else self.firm).append(Requirement(name, versions, reason))

    def wish(self, name: str, versions: Versions, text: str, *, hoped: bool = False) -> None:
        """One of the profile's."""
        self.add(name, versions, Reason(kind="wish", text=text), hoped=hoped)

    def request(self, name: str, request: Any, origin: str, words: bool = False) -> None:
        """One of the profile's requests, a plain one or `Prefer`, where there is one."""
        given = request.prefer if isinstance(request, Prefer) else request
        if given is not None:
            versions = Versions.word([given]) if words else Versions.matching(given)
            self.wish(name, versions, f"{origin}: {given}", hoped=isinstance(request, Prefer))


def of_environment(env: Environment, wished: Wished) -> None:
    """Its interpreter and its packages. Of one with a marker only the index knows whether it counts."""
    asked = env.python if env.python and not env.python.startswith("/") else None
    text = f"{env.python_origin}: {asked}" if asked else f"{env.name} needs an interpreter"
    wished.wish(f"{env.name}.{PYTHON}", Versions.matching(asked or ""), text)
    for wish in env.wishes:
        line = Line(wish.line)
        if line.marker is None:
            name = f"{env.name}.{wish.name}"
            text = f"{wish.origin}: {wish.line}"
            wished.wish(name, Versions.matching(str(line.specifier)), text, hoped=wish.hoped)
            if wish.hoped:  # some version of it is wished for all the same
                wished.wish(name, Versions.matching(""), f"{wish.origin}: {wish.name}")


def of_stack(scope: str, requests: Requests, wished: Wished) -> None:
    """The libraries of one stack, and where they come from. A driver alone never comes as a wheel."""
    libraries = {name: wish for name in LIBRARIES if (wish := getattr(requests, name)) is not None}
    for name, wish in libraries.items():
        wished.request(f"{scope}{name}", wish, f"requests.{name}")
    if scope or libraries or requests.channel != "pip":
        wished.request(f"{scope}channel", requests.channel, "requests.channel", words=True)


def of_driver(
    requests: Requests,
    installed: Installed | None,
    catalog: Catalog,
    today: date | None,
    wished: Wished,
    *,
    fixed: bool,
) -> None:
    """A driver for the device; the one that is there and works, a branch of the wished track, one that is supported.

    Where it is `fixed` nobody can install another one.
    """
    driver, branches = requests.driver, catalog.parts["driver"].branches
    wished.wish("device", Versions.word(["gpu"]), "requests.device: gpu")
    wished.wish("driver", Versions.matching(""), "requests.device: gpu")
    wished.request("driver", driver.version, "requests.driver.version")
    wished.request("flavour", driver.flavour, "requests.driver.flavour", words=True)
    if installed:
        text = f"driver {installed.version} is installed and works"
        wished.add(
            "driver", Versions.matching(f"=={installed.version}"), Reason(kind="observed", text=text), hoped=not fixed
        )
    living = [name for name, branch in branches.items() if _supported(branch, today)]
    if driver.track:
        of_track = [name for name in living if driver.track in ("newest", branches[name].track)]
        wished.wish("driver", Versions.one_of(of_track), f"requests.driver.track: {driver.track}", hoped=True)
    else:
        reason = Reason(kind="fact", text=f"branches that NVIDIA supports: {', '.join(living)}")
        wished.add("driver", Versions.one_of(living), reason, hoped=True)


def _supported(branch: Branch, today: date | None) -> bool:
    """Whether the month in which a branch's support ends is not over."""
    ended = branch.eol is not None and today is not None and branch.eol < f"{today:%Y-%m}"
    return branch.track != "legacy" and not ended
