"""What the lock decides for `cuda`, `cudnn`, `tensorrt` and `nccl`: the exact packages of every stack. Pure."""

from typing import Any

from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.stack.packages import Delivery, stack_packages, wishes

TOOLKITS = "cuda"
COMPONENTS = ("cudnn", "tensorrt", "nccl")
# Where a channel's packages put a toolkit; the distribution's own is among its programs, and there is only one.
PLACES = {"nvidia": "/usr/local/cuda-{version}"}


def toolkits(case: Case) -> Decided:
    """Every toolkit that a stack asks for. `/usr/local/cuda` leads to the host's own or the first environment's, unless
    the profile says otherwise.
    """
    found = stack_packages(case.solution).components.get(TOOLKITS, ())
    arguments: dict[str, Any] = {"toolkits": [_toolkit(delivery) for delivery in found]}
    if "default" not in case.profile.sections.get(TOOLKITS, {}):
        arguments["default"] = found[0].version if found else None
    return Decided(arguments)


def _toolkit(delivery: Delivery) -> dict[str, Any]:
    place = PLACES.get(delivery.channel)
    return {
        "version": delivery.version,
        "packages": wishes(delivery.packages),
        "path": place and place.format(version=delivery.version),
    }


def siblings(component: str, case: Case) -> Decided:
    """The packages of a library: the same ones for all stacks that have it, as a host has one version of a package."""
    found = stack_packages(case.solution).components.get(component, ())
    return Decided({"packages": sorted({wish for delivery in found for wish in wishes(delivery.packages)})})
