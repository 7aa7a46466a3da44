"""What of a host its services share, as far as they ask for it. Pure."""

from typing import Any

from aimlsetup import serving
from aimlsetup.catalog import Catalog
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile

COMPONENT = "ai_service"
REDIS_PORT = 6379


def wanted(profile: Profile) -> list[dict[str, Any]]:
    """The profile's services, where it has that component."""
    chosen = not profile.components or COMPONENT in profile.components
    found: list[dict[str, Any]] = profile.sections.get(COMPONENT, {}).get("services") or []
    return found if chosen else []


def resources(host: str, observation: Observation, profile: Profile, catalog: Catalog) -> serving.Resources | None:
    """What a host has to serve with, as far as its services ask for that: hosts alike in it share one solution."""
    services = wanted(profile)
    if not services:
        return None
    declared = profile.hosts[host].gpus if host in profile.hosts else None
    found = serving.resources(observation.facts, declared)
    gpus = profile.requests.device == "gpu" or any(service.get("gpus") for service in services)
    listening = any(service.get("queue") or not service.get("port") for service in services)
    return serving.Resources(
        memory=found.memory if any(service.get("memory_max") for service in services) else None,
        gpus=found.gpus if gpus else (),
        ports=_ports(observation, catalog) if listening else (),
    )


def _ports(observation: Observation, catalog: Catalog) -> tuple[tuple[int, str], ...]:
    """Ports that something else listens on, and that a service could want: (number, who)."""
    found = observation.found.get("ports", {})
    there = {int(name.removeprefix("port ")): port["holder"] for name, port in found.items()}
    first, last = catalog.serving.range
    return tuple((port, str(there[port])) for port in sorted(there) if first <= port <= last or port == REDIS_PORT)
