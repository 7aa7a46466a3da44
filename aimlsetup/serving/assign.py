"""Assign ports and GPUs to services, and refuse what a machine does not hold, with the arithmetic."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aimlsetup.content import util
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.serving.resources import Conventions, Gpu, Resources
from aimlsetup.serving.view import gib, of_service

Service = Mapping[str, Any]
LINES = 12  # of arithmetic in an error


def assign(
    host: str,
    services: Sequence[Service],
    has: Resources,
    conventions: Conventions,
    *,
    device: str = "cpu",
    kept: Mapping[str, Service] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """The services with `port`, `gpus` and `gpu_fraction` said wherever that can be.

    What others keep up stays as it is. A model keeps the port and the GPUs that it was given before (`kept`, by key)
    where they are still free. Where the `device` is a GPU, a service that says nothing of GPUs gets, for each replica,
    the one with most memory left. What can't be is an `AimlsetupError` with exit code 2, and nothing was changed then.
    """
    placed = _on_gpus(host, _with_ports(host, services, has, conventions, kept), has, device, kept)
    _fits(host, placed, has, conventions)
    return placed


def _serving() -> Any:
    return util("serving")


def _with_ports(
    host: str, services: Sequence[Service], has: Resources, conventions: Conventions, kept: Mapping[str, Service]
) -> list[dict[str, Any]]:
    """Ports for those without: the conventional one, the one it had, or the first that has room for all replicas."""
    taken: dict[int, str] = {}
    for service in services:
        if service.get("port"):
            _claim(host, service, service["port"], taken)
    without = [service["model_key"] for service in services if not service.get("port")]
    theirs = {key: kept[key].get("port") for key in without if key in kept}
    made = []
    for service in services:
        port = service.get("port")
        if not port:
            key, number = service["model_key"], _serving().replicas(service)
            port = conventions.ports.get(key.partition("-")[2]) or (kept.get(key) or {}).get("port")
            others = {*taken, *dict(has.ports), *(had for other, had in theirs.items() if had and other != key)}
            if not port or (key in kept and not taken.keys().isdisjoint(range(port, port + number))):
                port = _free(host, service, number, others, conventions)
            _claim(host, service, port, taken)
        made.append({**service, "port": port})
    return made


def _claim(host: str, service: Service, port: int, taken: dict[int, str]) -> None:
    number = _serving().replicas(service)
    for own in range(port, port + number):
        if own in taken:
            raise AimlsetupError(
                "serving-port",
                f"{host}: {service['model_key']} and {taken[own]} are both to be served on port {own}",
                context=[f"{service['model_key']} has {number} replicas, on ports {port} to {port + number - 1}"]
                if number > 1
                else [],
                hint="Give one of them another `port` in ai_service.services; replicas take the ports after it.",
                exit_code=Exit.USAGE,
            )
        taken[own] = service["model_key"]


def _free(host: str, service: Service, number: int, taken: Iterable[int], conventions: Conventions) -> int:
    busy = set(taken)
    for port in range(conventions.first, conventions.last - number + 2):
        if busy.isdisjoint(range(port, port + number)):
            return port
    raise AimlsetupError(
        "serving-port",
        f"{host}: no {number} free ports in a row for {service['model_key']}",
        context=[f"looked from {conventions.first} to {conventions.last}"],
        hint="Give it a `port` in ai_service.services.",
        exit_code=Exit.USAGE,
    )


def _on_gpus(
    host: str, services: Sequence[Service], has: Resources, device: str, kept: Mapping[str, Service]
) -> list[dict[str, Any]]:
    """GPUs for each replica; a fraction where the memory of its GPU is known."""
    known = {gpu.id: gpu for gpu in has.gpus}
    claims: Counter[str] = Counter()
    for service in services:
        for gpu in service.get("gpus") or []:
            if gpu not in known:
                raise _no_gpu(host, service, gpu, has)
        claims.update(_claimed(service))
    made = []
    for service in services:
        own = dict(service)
        if service.get("gpus") is None and device == "gpu" and known and not service.get("unit"):
            before = (kept.get(service["model_key"]) or {}).get("gpus") or []
            own["gpus"] = _chosen(own, known.values(), claims, before)
        made.append(own | _fraction(own, known))
    return made


def _claimed(service: Service) -> Counter[str]:
    """{GPU: bytes}; a process without a budget counts as one, so that those are spread as well."""
    found: Counter[str] = Counter()
    for share in of_service(service):
        if share.gpu:
            found[share.gpu] += share.gpu_memory or 1
    return found


def _chosen(service: Service, gpus: Collection[Gpu], claims: Counter[str], before: Sequence[str]) -> list[str]:
    """A GPU for each replica: those it had, else each time the one with most memory left."""
    number = service.get("replicas") or 1
    if len(before) == number and {gpu.id for gpu in gpus}.issuperset(before):
        claims.update(_claimed({**service, "gpus": [*before]}))
        return [*before]
    chosen: list[str] = []
    for _ in range(number):
        roomiest = max(gpus, key=lambda gpu: (gpu.memory or 0) - claims[gpu.id])
        chosen.append(roomiest.id)
        claims.update(_claimed({**service, "replicas": 1, "gpus": [roomiest.id]}))
    return chosen


def _fraction(service: Service, known: Mapping[str, Gpu]) -> dict[str, float]:
    """The budget as a fraction of the smallest of its GPUs, unless it is said."""
    budget = _serving().size(service.get("gpu_memory"))
    sizes = [known[gpu].memory for gpu in service.get("gpus") or []]
    if service.get("gpu_fraction") or not budget or not sizes or None in sizes:
        return {}
    return {"gpu_fraction": round(min(1.0, budget / min(size for size in sizes if size)), 4)}


def _no_gpu(host: str, service: Service, gpu: str, has: Resources) -> AimlsetupError:
    there = [f"{found.id}: {found.name}" + (f", {gib(found.memory)}" if found.memory else "") for found in has.gpus]
    return AimlsetupError(
        "serving-gpu",
        f"{host}: {service['model_key']} is to compute on GPU {gpu}, and there is none",
        context=["the host has " + (there[0] if len(there) == 1 else "these:" if there else "no GPU")]
        + (there if len(there) > 1 else []),
        hint="Name one of these in `gpus`, or leave it out.",
        exit_code=Exit.USAGE,
    )


def _fits(host: str, services: Sequence[Service], has: Resources, conventions: Conventions) -> None:
    """Refuse more memory than the host or one of its GPUs has."""
    shares = [share for service in services if not service.get("unit") for share in of_service(service)]
    if has.memory:
        rows = [(share.name, share.memory) for share in shares if share.memory]
        what = f"{host} has {gib(has.memory)} of memory"
        _within(what, rows, has.memory, conventions.headroom, "memory_max", host)
    for gpu in has.gpus:
        rows = [(share.name, share.gpu_memory) for share in shares if share.gpu == gpu.id and share.gpu_memory]
        if gpu.memory:
            what = f"GPU {gpu.id} ({gpu.name}) has {gib(gpu.memory)}"
            _within(what, rows, gpu.memory, conventions.gpu_headroom, "gpu_memory", host)


def _within(
    what: str, rows: Sequence[tuple[str, int]], there: int, headroom: int, option: str, host: str
) -> None:
    wanted, usable = sum(size for _name, size in rows), there * (100 - headroom) // 100
    if wanted <= usable:
        return
    raise AimlsetupError(
        "serving-memory",
        f"{host}: its services are to have more memory than there is; nothing was changed",
        context=[
            *_arithmetic(rows),
            f"{gib(wanted):>10}  together",
            f"{what}, of which {headroom} % stay free: {gib(usable)}",
        ],
        hint=f"Give them a smaller `{option}`, fewer `replicas`, or another host.",
        exit_code=Exit.USAGE,
    )


def _arithmetic(rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    for name, size in rows[:LINES]:
        yield f"{gib(size):>10}  {name}"
    if len(rows) > LINES:
        yield f"{gib(sum(size for _name, size in rows[LINES:])):>10}  and {len(rows) - LINES} more"
