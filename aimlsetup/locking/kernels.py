"""What the packages of a host's kernel are called. Pure."""

from packaging.version import Version

from aimlsetup.catalog.records import Release
from aimlsetup.locking.platforms import Platform

DPKG = {"x86_64": "amd64", "aarch64": "arm64"}
IN_NAMES = "{kernel}"


def named(platform: Platform) -> str:
    """`amd64`, `generic`, `generic-hwe-22.04`: of the running kernel where it is one of the distribution's, else of the
    distribution's default.
    """
    release, hardware, flavours = platform.release, platform.hardware, _flavours(platform)
    if not hardware or not hardware.kernel or hardware.flavour not in flavours:
        return flavours[0] + release.own_kernels.get(flavours[0], "")
    return hardware.flavour + _series(release, hardware.kernel).get(hardware.flavour, "")


def headers(platform: Platform, *, running: bool) -> str:
    """The package of its headers; with {kernel} in it, which the role fills in, where modules are for the `running` one
    and the package that follows the kernel would bring another.
    """
    known = platform.hardware and platform.hardware.flavour in _flavours(platform)
    name = platform.release.headers if running and known else "linux-headers-{flavour}"
    return name.replace("{flavour}", named(platform))


def _flavours(platform: Platform) -> list[str]:
    return [flavour.replace("{arch}", DPKG[platform.arch]) for flavour in platform.release.flavours]


def _series(release: Release, kernel: str) -> dict[str, str]:
    return release.newer_kernels if Version(kernel) > Version(release.kernel) else release.own_kernels


def filled(package: str, kernel: str) -> str:
    """A package's name as the catalog has it, for a kernel that is `named` so."""
    return package.replace(IN_NAMES, kernel)
