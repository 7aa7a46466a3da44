"""What the lock decides for `nvidia_driver`: driver, kernel modules, headers, fabric manager. Pure."""

from collections.abc import Iterator, Mapping

from aimlsetup.content import util
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.kernels import headers
from aimlsetup.locking.stack.packages import stack_packages, wishes
from aimlsetup.locking.stack.records import versions_of

COMPONENT = "nvidia_driver"


def decide(case: Case) -> Decided:
    """No packages where the driver that is there stays as it is."""
    chosen = case.solution.chosen
    version = chosen["driver"].candidate.version
    delivery = next(iter(stack_packages(case.solution).components.get(COMPONENT, ())), None)
    packages = delivery.packages if delivery else {}
    builds = util("nvidia").builds(packages)
    channel = delivery.channel if delivery and packages else None
    own = case.profile.sections.get(COMPONENT, {})
    running = own.get("kernels", "running") == "running"
    # The daemon comes with every driver that is installed here; one that stays may lack it.
    return Decided(
        {
            "version": version,
            "flavour": chosen["flavour"].candidate.version,
            "packages": wishes(packages),
            "headers": [headers(case.platform, running=running)] if builds else [],
            "fabric_manager": list(_fabric_manager(version, channel, case)) if channel else [],
            "persistence": own.get("persistence", bool(packages)),
            "reboot_ok": own.get("reboot_ok", case.profile.reboot_ok),
        }
    )


def _fabric_manager(version: str, channel: str, case: Case) -> Iterator[str]:
    """What keeps NVSwitches running, where there are any."""
    if not (case.platform.hardware and case.platform.hardware.nvswitch):
        return
    offered = {"driver": version, "channel": channel}
    for companion in case.catalog.parts["driver"].fabric_manager:
        if _holds(companion.needs, offered):
            branch = version.partition(".")[0]
            yield from wishes({name.format(branch=branch): f"{version}-*" for name in companion.packages})
            return
    raise AimlsetupError(
        "fabric-manager-unknown",
        f"the host has an NVSwitch, and no fabric manager is known for driver {version} from the channel {channel}",
        context=["without one of exactly the driver's version every CUDA program there ends with error 802"],
        hint="ask for 'channel: nvidia' in `requests`",
        exit_code=Exit.NO_SOLUTION,
    )


def _holds(needs: Mapping[str, str | list[str]], offered: Mapping[str, str]) -> bool:
    return all(offered[name] in versions_of(name, need) for name, need in needs.items())
