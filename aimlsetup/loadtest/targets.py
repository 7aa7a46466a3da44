"""Who is asked: the services that the lock has for each host, or URLs that are given. Pure."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from aimlsetup.content import util
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.load import Pressure, Target

VISION = "/api/vision/v2"
PREDICT = "predict"
MOST_SECONDS = 600
MOST_RATE = 2000  # requests per second in all
MOST_USERS = 2000


def of_host(host: str, address: str, services: Iterable[Mapping[str, Any]]) -> tuple[list[Target], list[str]]:
    """The targets of a host that is reached at this address; and what can't be asked from here, in words."""
    targets, deaf = [], []
    for service in util("serving").instances([{"queue": False, **service} for service in services]):
        name, bound = f"{host}/{service['instance']}", str(service.get("address") or "0.0.0.0")  # noqa: S104
        place = _reached(bound, address)
        if place is None:
            deaf.append(f"{name} listens on {bound} alone")
            continue
        path = str(service.get("health_path") or f"{VISION}/health").rpartition("/")[0]
        targets.append(Target(name=name, url=f"http://{place}:{service['port']}{path}/{PREDICT}", service=name))
    return targets, deaf


def units_of(instance: str) -> list[str]:
    """The units behind a replica: its web side and its model server."""
    return [f"codehub-{side}@{instance}.service" for side in ("ai", "model")]


def _reached(bound: str, address: str) -> str | None:
    """Where a service that is bound there is asked; None for one that only its own host reaches."""
    listens = ip_address(bound)
    if listens.is_loopback and not _here(address):
        return None
    place = address if listens.is_unspecified or listens.is_loopback else bound
    return f"[{place}]" if ":" in place else place


def _here(address: str) -> bool:
    return address in ("127.0.0.1", "::1", "localhost")


def of_url(url: str) -> Target:
    """A target that is given by the URL that `predict` lies below, such as a gateway's."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        known = bool(plain and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url)
    except ValueError:
        known = False
    if not known:
        raise AimlsetupError(
            "loadtest-url",
            f"--url: {url!r} cannot be asked",
            context=[f"expected: http:// or https:// with a host, and the path that {PREDICT} lies below"],
            exit_code=Exit.USAGE,
        )
    if "@" in parts.netloc:
        raise AimlsetupError(
            "loadtest-url", "--url: a user or password in it would stand in the report", exit_code=Exit.USAGE
        )
    path = parts.path.rstrip("/") or VISION
    return Target(name=url, url=urlunsplit((parts.scheme, parts.netloc, f"{path}/{PREDICT}", "", "")))


def bounded(pressure: Pressure, targets: int) -> None:
    """Refuse what is more than a test on services in use should be."""
    rate, users = pressure.rate * targets, pressure.users * targets
    over = [
        f"{what}: {found:g} in all, at most {most}"
        for what, found, most in (
            ("seconds", pressure.seconds, MOST_SECONDS), ("requests per second", rate, MOST_RATE),
            ("users", users, MOST_USERS),
        )
        if found > most
    ]  # fmt: skip
    if over:
        raise AimlsetupError(
            "loadtest-bounds",
            f"this is more than is asked without being told twice, of {targets} targets",
            context=over,
            hint="Ask less, or add --yes-really.",
            exit_code=Exit.USAGE,
        )
