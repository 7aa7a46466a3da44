"""`aimlsetup matrix`: which versions go together."""

import shlex

import click

from aimlsetup import catalog, ui
from aimlsetup.cli import _described
from aimlsetup.cli._options import json_option, print_document
from aimlsetup.locking import matrix
from aimlsetup.locking.hardware import hardware
from aimlsetup.models.observation import Observation
from aimlsetup.report import matrix as report


@click.command()
@click.option("--framework", "frameworks", multiple=True, type=click.Choice(catalog.FRAMEWORKS), help="Only this one.")
@_described.described_options
@click.option(
    "--channel", "channels", multiple=True, type=click.Choice(matrix.CHANNELS), help="Libraries only from there."
)
@json_option
def command(
    frameworks: tuple[str, ...], gpus: tuple[str, ...], distro: str | None, channels: tuple[str, ...], as_json: bool
) -> int:
    """Show which releases of a framework go with which Python, CUDA, cuDNN, TensorRT and driver, as the solver has it.

    Libraries come from pip (wheels; only the driver is on the host), nvidia (NVIDIA's repositories) or distro (the
    distribution's packages). The driver is the oldest that will do; the rest is the newest that goes with the release.

    \b
    aimlsetup matrix --framework tensorflow
    aimlsetup matrix --gpu "RTX 4090" --distro ubuntu2204
    """
    known = catalog.load()
    host = _described.observation(gpus, distro)
    tables = {
        name: matrix.rows(name, host, known, anywhere=distro is None, channels=channels or matrix.CHANNELS)
        for name in frameworks or catalog.FRAMEWORKS
    }
    words = _words(host, distro)
    if as_json:
        print_document(report.document([row for rows in tables.values() for row in rows], words))
        return 0
    for name, rows in tables.items():
        ui.show([*report.lines(name, rows), ui.Line("")] if rows else [])
        _tell_rest(name, len({row.version.partition("+")[0] for row in rows}), words, shlex.join(_flags(gpus, distro)))
    return 0


def _words(host: Observation, distro: str | None) -> str | None:
    """Which host it is for; None for any."""
    gpus = [str(gpu) for gpu in hardware(host.facts, None, {}, catalog.load()).gpus]
    release = [f"{host.facts['release']['id']} {host.facts['release']['version']}"] if distro else []
    return ", ".join([*gpus, *release]) or None


def _flags(gpus: tuple[str, ...], distro: str | None) -> list[str]:
    return [*(word for gpu in gpus for word in ("--gpu", gpu)), *(["--distro", distro] if distro else [])]


def _tell_rest(name: str, shown: int, host: str | None, flags: str) -> None:
    """How many releases are in the table, and how to find out why another is not."""
    total = matrix.releases(name, catalog.load())
    click.echo(f"{name}: {shown} of {total} releases" + (f" go with {host}" if host else ""), err=True)
    if flags and shown < total:
        click.echo(f"why not another: aimlsetup explain --why-not {name}==VERSION {flags}", err=True)
