"""What of a host decides its GPU stack: the GPUs by their PCI ids, and the driver that is there. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.parts import Chip

FLAVOURS = ("open", "proprietary")


@dataclass(frozen=True)
class Gpu:
    """One GPU. An id that the catalog does not know has no `chip`, and is taken for newer than all that it knows."""

    id: str
    chip: str | None
    sold_as: str | None
    capability: str

    @property
    def name(self) -> str:
        """As people call it."""
        unnamed = f"{self.chip} ({self.id})" if self.chip else f"{self.id}, which the catalog does not know"
        return self.sold_as or unnamed

    def __str__(self) -> str:
        if not self.chip:
            return f"{self.id} (which the catalog does not know: taken for newer than all that it knows)"
        return f"{self.sold_as or self.chip} ({self.id}, compute capability {self.capability})"


@dataclass(frozen=True)
class Installed:
    """The driver that is loaded and works, and dpkg's packages of it: (name, version)."""

    version: str
    flavour: str | None
    packages: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Hardware:
    """`gpus` are in the order of the bus, each kind once; `kernel` is its release series (`6.1`), `flavour` what its
    release ends with (`amd64`, `generic`).
    """

    gpus: tuple[Gpu, ...]
    nvswitch: bool
    secure_boot: bool
    kernel: str | None
    driver: Installed | None
    flavour: str | None = None

    @property
    def fingerprint(self) -> str:
        """What a lock was made for; not what may change under it, such as the kernel or the driver."""
        capabilities = " ".join(sorted({gpu.capability for gpu in self.gpus}))
        marks = [word for word, there in (("nvswitch", self.nvswitch), ("secure-boot", self.secure_boot)) if there]
        return ", ".join([f"compute capability {capabilities or 'none'}", *marks])


def hardware(
    facts: Mapping[str, Any], declared: Sequence[str] | None, capabilities: Mapping[str, str], catalog: Catalog
) -> Hardware:
    """From an observation's facts. `declared` ids stand in place of the observed; `capabilities` are of unknown ids."""
    observed = [entry["id"] for entry in facts.get("gpus", ())]
    on_bus = [*observed, *facts.get("nvswitches", ())]
    ids = [found for found in (observed if declared is None else declared) if found.startswith("10de:")]
    switches = [found for found in on_bus if found.removeprefix("10de:") in catalog.gpus.switches]
    kernel = re.match(r"(\d+\.\d+)[^-]*(?:-\d[^-]*)?(?:-([a-z].*))?$", facts.get("kernel", ""))
    return Hardware(
        gpus=tuple(_gpu(found, capabilities, catalog) for found in dict.fromkeys(ids) if found not in switches),
        nvswitch=bool(switches),
        secure_boot=facts.get("secure_boot") == "on",
        kernel=kernel[1] if kernel else None,
        driver=_installed(facts.get("nvidia") or {}),
        flavour=kernel[2] if kernel else None,
    )


def _gpu(found: str, capabilities: Mapping[str, str], catalog: Catalog) -> Gpu:
    device = found.removeprefix("10de:")
    chip = catalog.gpus.chip_of(device)
    if chip:
        return Gpu(found, chip.chip, chip.devices[device], capabilities.get(found, chip.capability))
    if found in capabilities:
        return Gpu(found, "requests.gpu_capability", None, capabilities[found])
    return Gpu(found, None, None, newer(catalog))


def newer(catalog: Catalog) -> str:
    """A compute capability above every one that the catalog knows."""
    return f"{max(int(capability.partition('.')[0]) for capability in known(catalog)) + 1}.0"


def known(catalog: Catalog) -> dict[str, Chip]:
    """{compute capability: one of its chips}, newest first."""
    chips = {chip.capability: chip for chip in reversed(catalog.gpus.chips)}
    return {name: chips[name] for name in sorted(chips, key=Version, reverse=True)}


def _installed(nvidia: Mapping[str, Any]) -> Installed | None:
    """Loaded, and of one version with its library; anything else is broken and nothing to keep."""
    version = nvidia.get("driver")
    works = nvidia.get("loaded") and version and nvidia.get("library") in (None, version)
    flavour = nvidia.get("flavour")
    packages = {name: found["version"] for name, found in (nvidia.get("packages") or {}).items() if _whole(found)}
    if not works:
        return None
    return Installed(str(version), flavour if flavour in FLAVOURS else None, tuple(sorted(packages.items())))


def _whole(package: Mapping[str, Any]) -> bool:
    return bool(package["status"] == "i")
