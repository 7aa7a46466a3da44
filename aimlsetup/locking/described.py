"""Hosts that nobody can look at: a GPU by the name it is sold under, a distribution by its name. Pure."""

import difflib
import re
from collections.abc import Iterable

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Release
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking.stack.facts import word
from aimlsetup.models.observation import Observation

PCI = "10de:"
NEAREST = 5


def observation(gpus: Iterable[str], release: Release, arch: str = "x86_64") -> Observation:
    """A host with these GPUs (PCI ids) that runs a distribution as it comes."""
    facts = {
        "release": {"id": release.id, "version": release.version},
        "arch": arch,
        "gpus": [{"id": found} for found in gpus],
    }
    return Observation(version=1, facts=facts)


def gpu(text: str, catalog: Catalog) -> str:
    """The PCI id (`10de:2684`) of a GPU, given as that or by a name (`RTX 4090`).

    A name that nobody knows, or under which GPUs of unlike capability are sold, is an error (exit code 2).
    """
    if text.lower().startswith(PCI):
        return text.lower()
    found = catalog.gpus.named(re.sub(r"^\s*nvidia\s", "", text, flags=re.IGNORECASE))
    by_capability = {chip.capability: device for device, chip in found.items()}
    if not found:
        near = _near(text, catalog)
        raise AimlsetupError(
            "gpu-unknown",
            f"no GPU named {text!r} is known",
            context=[f"the nearest: {', '.join(near)}"] if near else [],
            hint=f"Give its PCI id, such as {PCI}2684: `lspci -nd {PCI}` on the host shows it.",
            exit_code=Exit.USAGE,
        )
    if len(by_capability) > 1:
        raise AimlsetupError(
            "gpu-ambiguous",
            f"GPUs of unlike capability are called {text!r}",
            context=[
                f"{PCI}{device}: {found[device].devices[device]} ({found[device].architecture}, {found[device].chip}), "
                f"compute capability {capability}"
                for capability, device in by_capability.items()
            ],
            hint=f"Give the PCI id of the one that is meant: `lspci -nd {PCI}` on the host shows it.",
            exit_code=Exit.USAGE,
        )
    return f"{PCI}{next(iter(found))}"


def _near(text: str, catalog: Catalog) -> list[str]:
    """Names that look like it, or that share its number."""
    names = list(dict.fromkeys(name for chip in catalog.gpus.chips for name in chip.devices.values() if name))
    plain = {name.casefold().removeprefix("geforce "): name for name in names}
    wanted = text.casefold().removeprefix("nvidia ").removeprefix("geforce ")
    return [plain[found] for found in difflib.get_close_matches(wanted, plain, n=NEAREST, cutoff=0.5)]


def distribution(text: str, catalog: Catalog) -> Release:
    """A release by `ubuntu2204`, `ubuntu-22.04` or `jammy`. An unknown one is an error (exit code 2)."""
    wanted = "".join(character for character in text.casefold() if character.isalnum())
    for release in catalog.releases:
        if wanted in (word(release), release.codename):
            return release
    raise AimlsetupError(
        "distribution-unknown",
        f"no distribution named {text!r} is known",
        context=[f"expected: one of {', '.join(word(release) for release in catalog.releases)}"],
        exit_code=Exit.USAGE,
    )
