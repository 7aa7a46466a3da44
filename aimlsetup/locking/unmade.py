"""What a lock pins of the GPU stack that no role sets up. Pure."""

from collections.abc import Iterator, Mapping

from aimlsetup.catalog import Catalog
from aimlsetup.locking.stack.packages import APT, COMPONENTS
from aimlsetup.models.lock import HostClass, Pin


def unmade(found: HostClass, catalog: Catalog) -> list[str]:
    """What is to come from apt and has no role, such as `NVIDIA driver 595.112.07` or `CUDA toolkit 12.5 for py_3`."""
    return list(_unmade(found.pins, catalog))


def _unmade(pins: Mapping[str, Pin], catalog: Catalog) -> Iterator[str]:
    for name, pin in pins.items():
        scope, _dot, part = name.rpartition(".")
        channel = pins.get(f"{scope}.channel" if scope else "channel")
        component = COMPONENTS.get(part)
        there = any(reason.kind == "observed" for reason in pin.because)
        if component and component not in catalog.components and channel and channel.version in APT and not there:
            yield f"{catalog.parts[part].title} {pin.version}" + (f" for {scope}" if scope else "")
