"""`aimlsetup loadtest`: all services at once, and how they bear it."""

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, print_document
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.cli._sampling import Sampling
    from aimlsetup.cli._site import Site
    from aimlsetup.loadtest.child import Child
    from aimlsetup.loadtest.payloads import Payload
    from aimlsetup.models.inventory import Inventories
    from aimlsetup.models.load import LoadReport, Pressure, Target

GLANCE = 0.25  # seconds between looks at what came back
ONLY_URLS = "only URLs were given, and no profile that says whose services are behind them"


@click.command()
@common
@inventory_options
@click.option("--url", "urls", multiple=True, metavar="URL", help="Ask this instead, such as a gateway. Repeatable.")
@click.option("--rate", type=click.FloatRange(0.1), default=5, show_default=True, help="Requests a second, of each.")
@click.option("--users", type=click.IntRange(1), default=10, show_default=True, help="So many at once, of each.")
@click.option("--seconds", type=click.IntRange(1), default=30, show_default=True, help="For how long.")
@click.option("--timeout", type=click.IntRange(1, 600), default=30, show_default=True, help="When a request hangs.")
@click.option(
    "--scenario",
    type=click.Choice(["all", "image", "malformed", "nan", "empty"]),
    default="all",
    show_default=True,
    help="What is sent; `all` is mostly images, and some of each bad kind.",
)
@click.option(
    "--image",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="A PNG or JPEG to send in place of drawn digits.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Write report.json and report.html there.",
)  # fmt: skip
@click.option("--yes-really", is_flag=True, help="Ask for longer than 10 minutes, or more than 2000 times a second.")
def command(
    profile: Path,
    limit: str | None,
    as_json: bool,
    inventories: "Inventories",
    urls: tuple[str, ...],
    rate: float,
    users: int,
    seconds: int,
    timeout: int,
    scenario: str,
    image: Path | None,
    output: Path | None,
    yes_really: bool,
) -> int:
    """Ask every service of the lock at once, good images and bad ones, and report how they bear it.

    Good images are to be answered with 200, bad ones with a 4xx; anything else is an error. Only the site's own
    services are asked, or the URLs that are given. Exit code 1 when there were errors, 130 when it was interrupted;
    the report is written all the same.

    \b
    aimlsetup loadtest -o report
    aimlsetup loadtest --rate 50 --users 20 --seconds 60 --scenario image
    aimlsetup loadtest --url http://gateway:8100/api/vision/v2
    """
    from aimlsetup.loadtest import child, targets
    from aimlsetup.models.load import Pressure

    child.installed()
    pressure = Pressure(rate=rate, users=users, seconds=seconds, timeout=timeout)
    aim = _aim(profile, limit, inventories, urls)
    if not yes_really:
        targets.bounded(pressure, len(aim.targets))
    report = _test(aim, pressure, scenario, _payload(image) if image else None)
    _write(report, output)
    _show(report, as_json=as_json)
    if report.interrupted:
        return Exit.INTERRUPTED
    return Exit.FAILED if report.errors else Exit.DONE


@dataclass
class Aim:
    """Whom to ask, whose memory to look at, and what is to be said of both."""

    targets: "list[Target]" = field(default_factory=list)
    site: "Site | None" = None
    units: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # by host and service
    unmeasured: str | None = None


def _aim(profile: Path, limit: str | None, inventories: "Inventories", urls: Sequence[str]) -> Aim:
    from aimlsetup import ui
    from aimlsetup.cli import _site
    from aimlsetup.loadtest import targets

    given = [targets.of_url(url) for url in dict.fromkeys(urls)]
    if given and not profile.exists():
        return Aim(given, unmeasured=ONLY_URLS)
    try:
        site = _site.open_site(profile, limit, inventories)
        _site.locked(site)
        planned, deaf = _planned(site)
    except AimlsetupError as error:
        if not given:
            raise
        return Aim(given, unmeasured=error.message)
    for text in [] if given else deaf:
        ui.warn(f"{text}, so it is not asked")
    if not (given or planned):
        raise AimlsetupError(
            "loadtest-nothing",
            f"{profile}: its lock has no service that can be asked",
            hint="List some under ai_service.services and apply, or name what to ask with --url.",
            exit_code=Exit.USAGE,
        )
    return Aim(given or planned, site, _units(site))


def _services(site: "Site", host: str) -> Sequence[Mapping[str, object]]:
    arguments = site.components(host).get("ai_service", {})
    found = arguments.get("ai_service_services")
    return found if isinstance(found, list) else []


def _planned(site: "Site") -> "tuple[list[Target], list[str]]":
    from aimlsetup.loadtest import targets

    found, deaf = [], []
    for host, address in _addresses(site).items():
        own, silent = targets.of_host(host, address, _services(site, host))
        found += own
        deaf += silent
    return found, deaf


def _units(site: "Site") -> dict[str, dict[str, list[str]]]:
    from aimlsetup.content import util
    from aimlsetup.loadtest.targets import units_of

    units = {}
    for host in site.hosts:
        replicas = util("serving").instances([{"queue": False, **service} for service in _services(site, host)])
        found = {
            f"{host}/{each['instance']}": [str(each["unit"])] if each.get("unit") else units_of(each["instance"])
            for each in replicas
        }
        if found:
            units[host] = found
    return units


def _addresses(site: "Site") -> dict[str, str]:
    """Where each host is reached from here."""
    wished = {name: site.profile.hosts[name] for name in site.hosts}
    boxes: dict[str, str] = {}
    if any(host.connection == "sandbox" for host in wished.values()):
        from aimlsetup import sandbox

        boxes = {box.name: box.address for box in sandbox.hosts()}
    return {
        name: boxes[name] if host.connection == "sandbox"
        else "127.0.0.1" if host.connection == "local"
        else host.address or name
        for name, host in wished.items()
    }  # fmt: skip


def _payload(image: Path) -> "Payload":
    from aimlsetup.loadtest.payloads import Payload, kind_of

    content = image.read_bytes()
    kind = kind_of(content)
    if kind is None:
        raise AimlsetupError(
            "loadtest-image", f"--image: {image} is neither PNG nor JPEG", exit_code=Exit.USAGE
        )
    return Payload(content, kind)


def _test(aim: Aim, pressure: "Pressure", scenario: str, image: "Payload | None") -> "LoadReport":
    """The test from the first request to the figures."""
    from aimlsetup.cli._sampling import sampling
    from aimlsetup.loadtest import child, payloads

    hosts = aim.site.hosts if aim.site else {}
    rootless = bool(aim.site and aim.site.rootless)
    started = datetime.now(UTC)
    environment = dict(os.environ)  # before the thread that measures: a run of Ansible takes variables out meanwhile
    bodies = payloads.bodies(image)
    with (
        sampling(hosts, aim.units, rootless=rootless) as memory,
        child.started(aim.targets, pressure, payloads.shares(scenario), bodies, environment) as running,
    ):
        interrupted = _watch(running, pressure, aim.targets)
        ended = time.time()
        running.end()
        if interrupted and not running.samples:
            raise KeyboardInterrupt
        running.check()
    took = min(ended - (running.began or ended), pressure.seconds)
    return _figured(aim, pressure, scenario, running, memory, f"{started:%Y-%m-%d %H:%M:%S} UTC", took, interrupted)


def _watch(running: "Child", pressure: "Pressure", targets: "Sequence[Target]") -> bool:
    """Say how it goes until it has ended. Returns whether it was interrupted."""
    from aimlsetup import ui
    from aimlsetup.loadtest.figures import latency

    click.echo(
        f"asking {', '.join(target.name for target in targets)} for {pressure.seconds} s,"
        f" {pressure.rate:g} requests/s each", err=True,
    )  # fmt: skip
    try:
        with ui.ticker() as say:
            while running.running():
                if running.began:
                    now = time.time() - running.began
                    late = latency([sample for sample in running.samples if sample.at > now - 5]).p95
                    wrong = sum(sample.error is not None for sample in running.samples)
                    p95 = "" if late is None else f", p95 {late:.0f} ms"
                    say(f"{now:.0f} of {pressure.seconds} s: {len(running.samples)} requests{p95}, {wrong} errors")
                time.sleep(GLANCE)
    except KeyboardInterrupt:
        return True
    return False


def _figured(
    aim: Aim, pressure: "Pressure", scenario: str, running: "Child", memory: "Sampling", started: str, took: float,
    interrupted: bool,
) -> "LoadReport":  # fmt: skip
    from aimlsetup.loadtest import figures
    from aimlsetup.models.load import LoadReport, Measured

    measured: dict[str, list[Measured]] = defaultdict(list)
    for each in sorted(memory.taken, key=lambda taken: taken.when):
        measured[each.service].append(Measured(each.when - (running.began or 0), each.bytes))
    return LoadReport(
        started=started,
        took=round(took, 2),
        interrupted=interrupted,
        pressure=pressure,
        scenario=scenario,
        targets=figures.asked(aim.targets, running.samples, took),
        memory=figures.memory(measured, took),
        unmeasured=aim.unmeasured or memory.why_not(),
    )


def _write(report: "LoadReport", directory: Path | None) -> None:
    if directory is None:
        return
    from importlib.metadata import version

    from aimlsetup.report.load import page

    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.json").write_text(report.model_dump_json(indent=1) + "\n")
    (directory / "report.html").write_text(page.render(report, version("aimlsetup")))
    click.echo(f"wrote {directory / 'report.json'} and {directory / 'report.html'}", err=True)


def _show(report: "LoadReport", *, as_json: bool) -> None:
    from aimlsetup import ui
    from aimlsetup.report.load import told

    if as_json:
        print_document(report.model_dump(mode="json"))
    else:
        ui.show(told.lines(report))
