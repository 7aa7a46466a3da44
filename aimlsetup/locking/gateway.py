"""What the lock decides for `gateway`: which hosts serve which models, and where a gateway reaches them. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from aimlsetup.content import util
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking.decision import Case, Decided, Serving
from aimlsetup.locking.network import read_certificates
from aimlsetup.models.lock import Lock
from aimlsetup.models.profile import Profile

COMPONENT = "gateway"
ANYWHERE = (None, "0.0.0.0", "::")  # noqa: S104 -- what services listen on, not what this does
Server = Mapping[str, Any]


def wanted(profile: Profile) -> bool:
    """Whether a profile has a gateway."""
    return COMPONENT in profile.components or COMPONENT in profile.sections


def earlier(old: Lock | None, hosts: Iterable[str]) -> list[tuple[str, Server]]:
    """(model, server) of hosts that were not looked at this time, as the old lock has them."""
    names = set(hosts)
    classes = old.classes.values() if old else ()
    models = [
        model for found in classes for model in found.components.get(COMPONENT, {}).get(f"{COMPONENT}_models") or []
    ]
    return [(model["model_key"], server) for model in models for server in model["servers"] if server["host"] in names]


def decide(case: Case) -> Decided:
    """Every model of the site with all its replicas, unless the profile says which there are; and the certificate.

    What a file of it holds is in the lock, so that a renewed one is a change.
    """
    section = case.profile.sections.get(COMPONENT, {})
    tls = section.get("tls")
    own = {}
    if tls:
        own = {"tls": {**tls, "certificate": read_certificates("gateway.tls.certificate", tls["certificate"])}}
    return Decided(own if section.get("models") else {**own, "models": _models(case)})


def _models(case: Case) -> list[dict[str, Any]]:
    models: dict[str, dict[str, Any]] = {}
    for served in case.fleet:
        for replica in _replicas(served):
            model = models.setdefault(replica["model_key"], {"model_key": replica["model_key"], "servers": []})
            if replica.get("health_path"):
                model["health_path"] = replica["health_path"]
            address = _address(served, replica)
            model["servers"].append({"host": served.host, "address": address, "port": replica["port"]})
    for key, server in case.elsewhere:
        found = models.setdefault(key, {"model_key": key, "servers": []})
        if server not in found["servers"]:
            found["servers"].append(dict(server))
    return list(models.values())


def _replicas(served: Serving) -> list[dict[str, Any]]:
    serving = util("serving")
    found: list[dict[str, Any]] = serving.instances([{"queue": False, **service} for service in served.services])
    return found


def _address(served: Serving, replica: Mapping[str, Any]) -> str:
    address = served.address if replica.get("address") in ANYWHERE else replica["address"]
    if address is None:
        raise AimlsetupError(
            "gateway-address",
            f"{served.host}: nobody knows at which address a gateway reaches it",
            hint=f"Say so in the profile: hosts.{served.host}.address.",
            exit_code=Exit.USAGE,
        )
    return str(address)
