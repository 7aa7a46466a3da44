"""What services take of a host, replica by replica."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aimlsetup.content import util
from aimlsetup.serving.resources import GIB, Gpu, Resources


@dataclass(frozen=True)
class Share:
    """One process of a replica: its web side, or its model server. Sizes in bytes, None where nothing bounds them."""

    name: str
    model_key: str
    port: int | None
    gpu: str | None
    workers: int
    memory: int | None
    gpu_memory: int | None
    queue: bool = False


@dataclass(frozen=True)
class Usage:
    """All of a host's shares beside what there is."""

    host: str
    has: Resources
    shares: tuple[Share, ...]

    @property
    def memory(self) -> int:
        """Bytes of memory that services are bounded by, together."""
        return sum(share.memory or 0 for share in self.shares)

    def of_gpu(self, gpu: Gpu) -> int:
        """Bytes of a GPU's memory, likewise."""
        return sum(share.gpu_memory or 0 for share in self.shares if share.gpu == gpu.id)


def usage(host: str, services: Sequence[Mapping[str, Any]], has: Resources) -> Usage:
    """Of services whose ports and GPUs are assigned."""
    return Usage(host, has, tuple(share for service in services for share in of_service(service)))


def of_service(service: Mapping[str, Any]) -> list[Share]:
    """A share for each process of each replica. With a queue the model server has the GPU, and as much memory again."""
    serving = util("serving")
    defaults = {"queue": False, "workers": 1, "model_server": ["python"], **service}
    found = []
    for replica in serving.instances([defaults]):
        none = serving.NO_GPU
        gpu = replica["gpu"] if replica["gpu"] not in (None, none) else None
        apart = bool(replica["queue"] and replica["model_server"])
        memory = serving.size(replica.get("memory_max"))
        gpu_memory = serving.size(replica.get("gpu_memory")) if gpu else None
        workers = replica["workers"] or 1
        name, key, port = replica["instance"], replica["model_key"], replica["port"]
        own = (None, None) if apart else (gpu, gpu_memory)
        found.append(Share(name, key, port, own[0], workers, memory, own[1], bool(replica["queue"])))
        if apart:
            found.append(Share(f"{name} (model server)", key, None, gpu, 1, memory, gpu_memory, queue=True))
    return found


def gib(size: int) -> str:
    """Bytes for people, as systemd counts them: `1.5 GiB`."""
    return f"{size / GIB:.1f} GiB"
