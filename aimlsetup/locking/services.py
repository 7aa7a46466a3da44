"""What the lock decides for `ai_service`: ports, GPUs and shares of their memory, for one host. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from aimlsetup import serving
from aimlsetup.catalog import Catalog
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking.capacity import COMPONENT, REDIS_PORT, wanted
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.models.profile import Profile

REDIS = "redis"
NVIDIA_DEVICES = ["char-nvidia*"]  # the GPUs, their control device and unified memory, by systemd's patterns
HERE = (None, "127.0.0.1", "::1", "localhost")


def conventions(catalog: Catalog) -> serving.Conventions:
    """The catalog's."""
    known = catalog.serving
    return serving.Conventions(known.ports, *known.range, known.headroom, known.gpu_headroom)


def decide(case: Case) -> Decided:
    """The services with everything assigned. A machine that does not hold them is an error (exit code 2)."""
    profile, services, name = case.profile, wanted(case.profile), ", ".join(case.hosts)
    has = case.platform.resources or serving.Resources()
    _refuse_queues_without_redis(name, services, profile, has)
    before = case.old.components.get(COMPONENT, {}).get(f"{COMPONENT}_services") if case.old else None
    made = serving.assign(
        name, services, has, conventions(case.catalog), device=profile.requests.device,
        kept={service["model_key"]: service for service in before or []},
    )  # fmt: skip
    arguments: dict[str, Any] = {"services": made}
    given = profile.sections.get(COMPONENT, {}).get("devices")
    if not given and any(service.get("gpus") for service in made):
        arguments["devices"] = NVIDIA_DEVICES
    return Decided(arguments)


def _refuse_queues_without_redis(
    host: str, services: Sequence[Mapping[str, Any]], profile: Profile, has: serving.Resources
) -> None:
    queued = [service for service in services if service.get("queue") and not service.get("unit")]
    configured = (profile.sections.get("codehub", {}).get("databases") or {}).get("REDISCFG") or {}
    for service in queued:
        needs = [need for need in service.get("needs") or [] if need["kind"] == REDIS]
        named = [need.get("host") or configured.get("host") for need in needs] or [configured.get("host")]
        there = REDIS in profile.components or any(port == REDIS_PORT for port, _who in has.ports)
        if not there and all(place in HERE for place in named):
            raise AimlsetupError(
                "serving-queue",
                f"{host}: {service['model_key']} works through a queue, and there is no redis",
                context=["expected: the component redis, one that listens already, or the address of another host's"],
                hint="Add 'redis' to the components, or say where it is in codehub.databases.REDISCFG.host.",
                exit_code=Exit.USAGE,
            )
