"""What a lock pins of the GPU stack for hosts whose profile leaves out the component that installs it. Pure."""

from collections.abc import Container, Iterator, Mapping

from aimlsetup.catalog import Catalog
from aimlsetup.locking.stack.packages import APT, COMPONENTS
from aimlsetup.models.lock import HostClass, Pin


def unmade(found: HostClass, catalog: Catalog) -> list[str]:
    """What is to come from apt and is not chosen: `NVIDIA driver 595.112.07`, `CUDA toolkit 12.5 for py_3`."""
    return list(_unmade(found.pins, found.components, catalog))


def _unmade(pins: Mapping[str, Pin], chosen: Container[str], catalog: Catalog) -> Iterator[str]:
    for name, pin in pins.items():
        scope, _dot, part = name.rpartition(".")
        channel = pins.get(f"{scope}.channel" if scope else "channel")
        component = COMPONENTS.get(part)
        there = any(reason.kind == "observed" for reason in pin.because)
        if component and component not in chosen and channel and channel.version in APT and not there:
            yield f"{catalog.parts[part].title} {pin.version}" + (f" for {scope}" if scope else "")
