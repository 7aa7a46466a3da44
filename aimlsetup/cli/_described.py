"""Options for hosts that nobody can look at, which `explain` and `matrix` share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from aimlsetup.models.observation import Observation

Command = TypeVar("Command", bound=Callable[..., Any])

_gpu = click.option(
    "--gpu",
    "gpus",
    multiple=True,
    metavar="NAME",
    help="A host with this GPU (its name, or its PCI id); several times for several.",
)
_distro = click.option("--distro", metavar="NAME", help="A host of this distribution, such as ubuntu2204 or bookworm.")


def described_options(function: Command) -> Command:
    """`--gpu` and `--distro`."""
    return _gpu(_distro(function))


def observation(gpus: tuple[str, ...], distro: str | None) -> "Observation":
    """The host they describe; without a distribution, of the newest that aimlsetup sets up."""
    from aimlsetup import catalog
    from aimlsetup.locking import described

    known = catalog.load()
    usual = next(release for release in known.releases if release.sets_up)
    release = described.distribution(distro, known) if distro else usual
    return described.observation([described.gpu(name, known) for name in gpus], release)
