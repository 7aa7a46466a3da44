"""`aimlsetup` alone, in a terminal: questions, then lock, plan, confirmation, apply and proof."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from aimlsetup import catalog, sandbox
from aimlsetup.cli import _answers, _example
from aimlsetup.cli._options import PROFILE
from aimlsetup.cli._site import Site, open_site
from aimlsetup.cli.apply import apply
from aimlsetup.cli.init import write
from aimlsetup.cli.verify import verify
from aimlsetup.engine.log import private, state_home
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.wizard.profile import Document
from aimlsetup.wizard.prompt import Terminal

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what a service may listen on, not what this listens on


def guided(path: Path = PROFILE) -> int:
    """Ask, write the profile, boot what is wanted, apply with consent, prove. Returns the exit code."""
    document = _answers.collect(_answers.Request(path))
    if write(path, document, yes=False, asks=True):
        click.echo(f"{path}: written; it is all that is needed to do this again\n")
    _boot(document)
    done = apply(path, None) or verify(path, None)
    if done == Exit.DONE:
        for line in _try_it(open_site(path, None)):
            click.echo(line)
    return done


def _boot(document: Document) -> None:
    """Boot the profile's sandbox hosts, after saying what that changes here."""
    wanted = {name: host for name, host in document["hosts"].items() if host["connection"] == "sandbox"}
    running = {host.name for host in sandbox.hosts() if host.state == "running"} if wanted else set()
    missing = {name: host for name, host in wanted.items() if name not in running}
    if not missing:
        return
    click.echo(f"Booting the sandbox host {', '.join(missing)} changes this on this machine:")
    for change in sandbox.changes():
        click.echo(f"  - {change}")
    if Terminal().choose("Boot it?", ["Yes (`aimlsetup sandbox down` takes it back)", "No"]):
        raise AimlsetupError("sandbox-declined", "nothing was booted", exit_code=Exit.CONSENT)
    for name, host in missing.items():
        sandbox.up([name], host.get("release", "bookworm"), binds=_binds(document), progress=_say)


def _binds(document: Document) -> list[str]:
    """The example's repository, where the profile has the example."""
    urls = [checkout.get("url") for checkout in document.get("repos", {}).get("checkouts", [])]
    if _example.TARGET not in urls:
        return []
    return [f"{_example.repository(private(state_home() / 'quickstart'))}:{_example.TARGET}"]


def _say(line: str) -> None:
    click.echo(line, err=True)


def _try_it(site: Site) -> Iterator[str]:
    """A curl line per service, to the address it can be reached at from here."""
    options = catalog.load().options["ai_service"]["ai_service_services"]["options"]
    defaults = {name: option.get("default") for name, option in options.items()}
    for name, host in site.hosts.items():
        served: Any = site.components(name).get("ai_service", {}).get("ai_service_services", [])
        for service in (defaults | entry for entry in served):
            bound = service["address"]
            address = (_address(name, site) or host.address or "localhost") if bound in ANYWHERE else bound
            bracketed = f"[{address}]" if ":" in address else address
            yield f"try it: curl http://{bracketed}:{service['port']}{service['health_path']}"


def _address(name: str, site: Site) -> str | None:
    """Where a sandbox host is on the bridge; None for any other."""
    boxed = site.profile.hosts[name].connection == "sandbox"
    return sandbox.find(name).address if boxed else None
