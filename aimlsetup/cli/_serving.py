"""What the lock has a host serve, next to what the host has to serve with."""

from collections.abc import Mapping
from typing import Any

from aimlsetup import serving
from aimlsetup.cli._site import Site
from aimlsetup.models.observation import Observation
from aimlsetup.report import serving as report
from aimlsetup.ui import Line

COMPONENT = "ai_service"


def services(site: Site, host: str) -> list[dict[str, Any]]:
    """What a host is to serve, as the lock has it."""
    found: Any = site.components(host).get(COMPONENT, {}).get(f"{COMPONENT}_services") or []
    return list(found)


def lines(site: Site, observed: Mapping[str, Observation]) -> list[Line]:
    """The assignment of every host, drawn."""
    found: list[Line] = []
    for host, observation in observed.items():
        ours = [service for service in services(site, host) if not service.get("unit")]
        declared = site.profile.hosts[host].gpus if host in site.profile.hosts else None
        found += report.lines(serving.usage(host, ours, serving.resources(observation.facts, declared)))
    return found
