"""What the lock decides for `nvidia_driver`: driver, kernel modules, headers, fabric manager. Pure."""

from collections.abc import Iterator, Mapping

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.kernels import named
from aimlsetup.locking.stack.packages import Delivery, stack_packages, wishes
from aimlsetup.locking.stack.records import versions_of

COMPONENT = "nvidia_driver"
PREBUILT = "linux-modules-nvidia-"  # how packages of modules begin that are built and signed by the distribution
FABRIC_MANAGER = "fabric_manager"


def decide(case: Case) -> Decided:
    """No packages where the driver that is there stays. Without a GPU on the bus there is no driver, and no case."""
    (delivery,) = stack_packages(case.solution).components[COMPONENT]
    flavour = case.solution.chosen["flavour"].candidate.version
    prebuilt = any(name.startswith(PREBUILT) for name in delivery.packages)
    builds = delivery.packages and not prebuilt
    return Decided(
        {
            "version": delivery.version,
            "flavour": flavour,
            "packages": wishes(delivery.packages),
            "headers": [f"linux-headers-{named(case.platform)}"] if builds else [],
            FABRIC_MANAGER: list(_fabric_manager(delivery, case)),
        }
    )


def _fabric_manager(delivery: Delivery, case: Case) -> Iterator[str]:
    """What keeps NVSwitches running, where there are any and the driver is not one that stays as it is."""
    hardware, given = case.platform.hardware, case.profile.sections.get(COMPONENT, {}).get(FABRIC_MANAGER)
    if given is not None or not delivery.packages or not hardware or not hardware.nvswitch:
        yield from given or ()
        return
    offered = {"driver": delivery.version, "channel": delivery.channel}
    for companion in case.catalog.parts["driver"].fabric_manager:
        if _holds(companion.needs, offered):
            branch = delivery.version.partition(".")[0]
            yield from wishes({name.format(branch=branch): f"{delivery.version}-*" for name in companion.packages})
            return
    raise AimlsetupError(
        "fabric-manager-unknown",
        f"the host has an NVSwitch, and no package of a fabric manager is known for driver {delivery.version} from the "
        f"channel {delivery.channel}",
        context=["without a fabric manager of exactly the driver's version CUDA ends with error 802"],
        hint=f"ask for 'channel: nvidia', or name it: {COMPONENT}: {{{FABRIC_MANAGER}: [package=version]}}",
        exit_code=Exit.NO_SOLUTION,
    )


def _holds(needs: Mapping[str, str | list[str]], offered: Mapping[str, str]) -> bool:
    return all(offered[name] in versions_of(name, need) for name, need in needs.items())
