"""The exact packages of a solution, by the component that installs them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aimlsetup.catalog.records import Variant
from aimlsetup.solver.problem import Chosen, Solution

# What a lock pins besides an environment's packages, and the components that install it.
COMPONENTS = {"driver": "nvidia_driver", "cuda": "cuda", "cudnn": "cudnn", "tensorrt": "tensorrt", "nccl": "nccl"}
PINNED = (*COMPONENTS, "flavour", "channel", "gcc")
APT = ("nvidia", "distro")


@dataclass(frozen=True)
class Delivery:
    """One version of a part, from apt.

    `packages` are {name: exact version}; a trailing `*` stands for any rest, None for what only the index can say, and
    there are none where what is installed stays. `stacks` are the environments that it is for, empty for the host.
    """

    version: str
    channel: str
    packages: Mapping[str, str | None]
    stacks: tuple[str, ...]


@dataclass(frozen=True)
class StackPackages:
    """`sources` are the channels to have repositories of; `components` what each component that has work installs."""

    sources: tuple[str, ...]
    components: Mapping[str, tuple[Delivery, ...]]


def stack_packages(solution: Solution) -> StackPackages:
    """What apt is to install on a host; what comes as wheels is its environment's and not here."""
    components: dict[str, tuple[Delivery, ...]] = {}
    for component, found in _deliveries(solution.chosen):
        others = components.get(component, ())
        same = [entry for entry in others if _alike(entry, found)]
        stacks = tuple(stack for entry in (*same, found) for stack in entry.stacks)
        rest = (entry for entry in others if entry not in same)
        components[component] = (*rest, Delivery(found.version, found.channel, found.packages, stacks))
    channels = {entry.channel for entries in components.values() for entry in entries if entry.packages}
    return StackPackages(tuple(sorted(channels)), components)


def wishes(packages: Mapping[str, str | None]) -> list[str]:
    """In apt's notation: `name=version`, or only the name."""
    return [f"{name}={version}" if version else name for name, version in packages.items()]


def _alike(one: Delivery, other: Delivery) -> bool:
    return (one.version, one.channel, one.packages) == (other.version, other.channel, other.packages)


def from_apt(name: str, chosen: Mapping[str, Chosen]) -> Mapping[str, str | None] | None:
    """What apt is to install for one part of a solution; None where it does not come from apt."""
    scope, _dot, part = name.rpartition(".")
    channel = chosen.get(f"{scope}.channel" if scope else "channel")
    if part not in COMPONENTS or channel is None or channel.candidate.version not in APT:
        return None
    record = chosen[name].candidate.record
    return record.packages if isinstance(record, Variant) else {}


def _deliveries(chosen: Mapping[str, Chosen]) -> Iterator[tuple[str, Delivery]]:
    for name, found in chosen.items():
        packages = from_apt(name, chosen)
        if packages is not None:
            scope, _dot, part = name.rpartition(".")
            channel = chosen[f"{scope}.channel" if scope else "channel"].candidate.version
            stacks = (scope,) if scope else ()
            yield COMPONENTS[part], Delivery(found.candidate.version, channel, packages, stacks)
