"""What a host has to serve with, read off its facts, and where models are served by convention."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MIB, GIB = 1 << 20, 1 << 30


@dataclass(frozen=True)
class Gpu:
    """One that a process can be given: a whole GPU by its index, or a part of a partitioned one by its UUID.

    `memory` is in bytes; None where nobody has said it, as before the driver runs.
    """

    id: str
    name: str
    memory: int | None = None


@dataclass(frozen=True)
class Resources:
    """`memory` (bytes) and `cpus` are None where they are not known. `ports` are taken by what is none of ours."""

    memory: int | None = None
    cpus: int | None = None
    gpus: tuple[Gpu, ...] = ()
    ports: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Conventions:
    """Ports by `<problem_id>-<rel_num>`, the range for all others, and the percentages that services must leave."""

    ports: Mapping[str, int]
    first: int
    last: int
    headroom: int
    gpu_headroom: int


def resources(facts: Mapping[str, Any], declared: list[str] | None = None) -> Resources:
    """From an observation's facts. `declared` PCI ids, as of GPUs not yet built in, stand for those that were seen."""
    seen = facts.get("gpu_devices") or []
    on_bus = [found["id"] for found in facts.get("gpus", ()) if found["id"].startswith("10de:")]
    gpus = [gpu for device in seen for gpu in _parts(device)]
    if declared is not None or not seen:
        ids = on_bus if declared is None else declared
        gpus = [Gpu(str(index), found) for index, found in enumerate(ids)]
    return Resources(
        memory=(facts.get("memory") or {}).get("total"), cpus=(facts.get("cpu") or {}).get("count"), gpus=tuple(gpus)
    )


def _parts(device: Mapping[str, Any]) -> list[Gpu]:
    """A GPU, or the parts that it is divided into: these are taken as they are found."""
    parts = [Gpu(part["uuid"], f"{device['name']} {part['name']}", _of_profile(part["name"])) for part in device["mig"]]
    memory = device["memory"]
    return parts or [Gpu(str(device["index"]), device["name"], memory * MIB if memory else None)]


def _of_profile(name: str) -> int | None:
    """Bytes of a part, as NVIDIA's names of its kinds say (`1g.10gb`)."""
    found = re.search(r"\.(\d+)gb", name)
    return int(found[1]) * GIB if found else None
