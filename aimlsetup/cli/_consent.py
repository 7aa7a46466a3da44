"""What is on a host that no receipt owns: whether it may be touched, asked before anything is changed there."""

import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aimlsetup.cli._site import Site
from aimlsetup.compare import WAY_OUT
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.observation import Observation
from aimlsetup.models.plan import HostPlan, Met, Plan
from aimlsetup.models.profile import Roots

if TYPE_CHECKING:
    from aimlsetup.cli._loop import Seen

TOUCHED = ("paths", "venvs", "checkouts", "units", "sources")  # kinds that a component may meet
SHOWN = 8


def granted(made: Plan) -> dict[str, list[str]]:
    """{host: names} that whoever confirms this plan agrees to have replaced."""
    return {name: [met.name for met in host.met("replace")] for name, host in made.hosts.items()}


def refused(made: Plan, allowed: Mapping[str, Collection[str]], profile: Path) -> dict[str, AimlsetupError]:
    """Hosts where something is in the way, or would be replaced and is not among the names `allowed` for the host."""
    found = {name: _refusal(name, host, allowed.get(name, ()), profile) for name, host in made.hosts.items()}
    return {name: error for name, error in found.items() if error}


def _refusal(name: str, host: HostPlan, allowed: Collection[str], profile: Path) -> AimlsetupError | None:
    stuck = host.met("in the way")
    unasked = [met for met in host.met("replace") if met.name not in allowed]
    if stuck:
        return AimlsetupError(
            "in-the-way",
            f"{name}: something is in the way that no receipt owns, so nothing was changed",
            context=_shown(stuck),
            hint="Move it away, or name another place in the profile.",
            exit_code=Exit.CONSENT,
        )
    if not unasked:
        return None
    more = shlex.join(word for met in unasked[:SHOWN] for word in ("--replace", met.name))
    return AimlsetupError(
        "unowned",
        f"{name}: this would change what was there before and no receipt owns, so nothing was changed",
        context=_shown(unasked),
        hint=f"Keep it: aimlsetup adopt {name} writes a profile that describes it. Or agree: aimlsetup plan -o FILE "
        f"--profile {profile}, then aimlsetup apply FILE --yes; or add {more}",
        exit_code=Exit.CONSENT,
    )


def _shown(marks: Collection[Met]) -> list[str]:
    lines = [f"{met.mark}: {met.name}: {met.why}" for met in list(marks)[:SHOWN]]
    return lines + ([f"… and {len(marks) - SHOWN} more"] if len(marks) > SHOWN else [])


def possible(site: Site, name: str, host: "Seen", allowed: Collection[str]) -> bool:
    """Whether an apply could meet something there that no receipt owns and that is not `allowed` to be replaced; where
    it could, it is previewed first.

    Only the usual places were looked at; where the profile has others, that is not known. A component that is only
    repaired touches nothing but what it owns.
    """
    receipts, found = host.observation.receipts, host.observation.found
    new = [
        component
        for component, wanted in host.expected.items()
        if component not in receipts
        or receipts[component].dirty
        or receipts[component].input_digest != wanted.digest
    ]
    # The distribution's own lists are not among what is looked for.
    unusual = site.profile.roots != Roots() or WAY_OUT in new
    met = any(thing not in allowed for kind in TOUCHED for thing in found.get(kind, ()))
    return bool(new) and (unusual or met or _port_taken(site, name, found))


def _port_taken(site: Site, name: str, found: Mapping[str, Mapping[str, object]]) -> bool:
    services = site.components(name).get("ai_service", {}).get("ai_service_services")
    wanted = {f"port {service['port']}" for service in services} if isinstance(services, list) else set()
    return not wanted.isdisjoint(found.get("ports", {}))


def kept(host: HostPlan, observation: Observation) -> list[Met]:
    """What is there, unowned, and no component of this plan touches. Of directories the outermost alone."""
    met = {found.name for drift in host.drifts for found in drift.effects.unowned}
    told: list[Met] = []
    for kind, things in _outermost(observation.found).items():
        told += [Met(kind=kind, name=name, mark="keep") for name in things if name not in met]
    return told


def _outermost(found: Mapping[str, Mapping[str, object]]) -> dict[str, list[str]]:
    """Names by kind, without ports, packages that nobody holds, and what lies in a thing that is named itself."""
    names = {kind: list(found.get(kind, {})) for kind in TOUCHED}
    names["packages"] = [name for name, what in found.get("packages", {}).items() if _held(what)]
    roots = {name for name in names["paths"] if str(Path(name).parent) not in names["paths"]}
    return names | {"paths": sorted(roots)}


def _held(what: object) -> bool:
    return isinstance(what, Mapping) and bool(what.get("hold"))
