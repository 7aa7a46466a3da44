"""`aimlsetup lock`: exact pins for what the profile wishes, each with its reason."""

from collections.abc import Container, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._options import common, inventory_options, print_document
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.cli._site import Site
    from aimlsetup.models.inventory import Inventories
    from aimlsetup.models.lock import Change, Lock
    from aimlsetup.models.observation import Observation


@click.command()
@common
@inventory_options
@click.option(
    "--host-facts",
    "facts",
    multiple=True,
    metavar="[HOST=]FILE",
    help="Take facts from a file instead of from the host: what `aimlsetup observe --json` or the program of"
    " `observe --script` printed.",
)
@click.option(
    "--upgrade", is_flag=True, help="Take the newest versions of packages that fit instead of keeping the locked ones."
)
@click.option(
    "--vars-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write an inventory for plain ansible-playbook there.",
)
def command(
    profile: Path,
    limit: str | None,
    as_json: bool,
    inventories: "Inventories",
    facts: tuple[str, ...],
    upgrade: bool,
    vars_dir: Path | None,
) -> int:
    """Solve the profile for its hosts and write the lock beside it. Changes nothing on any host.

    Packages keep the versions they had where these still fit. Branches and tags of repositories are looked up anew, as
    far as their remotes can be asked from here; nothing else ever moves them.

    \b
    aimlsetup lock
    aimlsetup lock --upgrade
    aimlsetup lock --host-facts facts.json            a host that can't be reached; of several: web=facts.json
    aimlsetup lock --vars-dir inventories/lab         then: ansible-playbook codehub.aimlsetup.site -i inventories/lab
    """
    from aimlsetup.cli import _loop, _site
    from aimlsetup.locking import changes, file

    site = _site.open_site(profile, limit, inventories)
    described = _described(site, facts)
    observed, errors = _observations(site, described)
    made = refresh(site, observed, upgrade=upgrade, follow=True, described=described) if observed else None
    if made and vars_dir:
        _write_inventory(vars_dir, site, made)
    if made and as_json:
        print_document(_document(file.path_of(profile), changes.changes(site.lock, made), errors))
    elif made:
        _print(file.path_of(profile), changes.changes(site.lock, made), same=made == site.lock)
    if made:
        _site.tell_unmade(made, observed)
    _loop.tell(errors)
    return _loop.conclude(errors, len(site.hosts))


def refresh(
    site: "Site",
    observed: "Mapping[str, Observation]",
    *,
    upgrade: bool = False,
    follow: bool = False,
    described: Container[str] = (),
) -> "Lock":
    """Solve for these hosts and write the lock beside the profile; what it had is kept unless `upgrade` or `follow`.

    The facts of `described` hosts come from files.
    """
    from aimlsetup import locking, ui
    from aimlsetup.cli._network import way_out
    from aimlsetup.locking import file

    with way_out(site.profile), ui.waiting("solving"):
        made = locking.make(
            site.profile,
            observed,
            site.lock,
            upgrade=upgrade,
            follow=follow,
            described=described,
            today=datetime.now(UTC).date(),
        )
    file.write(file.path_of(site.path), made)
    return made


def _described(site: "Site", facts: tuple[str, ...]) -> "dict[str, Observation]":
    """The chosen hosts that files tell of."""
    return {name: found for option in facts for name, found in _read_facts(site, option).items()}


def _observations(
    site: "Site", described: "Mapping[str, Observation]"
) -> "tuple[dict[str, Observation], dict[str, AimlsetupError]]":
    """Of every chosen host: as it is described, or from the host itself."""
    from aimlsetup.cli import _loop
    from aimlsetup.engine.session import session

    hosts = {name: host for name, host in site.hosts.items() if name not in described}
    if not hosts:
        return dict(described), {}
    with session(hosts, site.references(), rootless=site.rootless) as run:
        observed = _loop.look(run, hosts)
    return {**described, **observed.hosts}, dict(observed.errors)


def _read_facts(site: "Site", option: str) -> "dict[str, Observation]":
    """Of one `--host-facts`: a host's own file, or one of several hosts that says which is which."""
    name, equals, path = option.partition("=")
    name, path = (name, path) if equals else ("", option)
    found = _read(path)
    if "" in found and len(site.hosts) == 1:
        found = {next(iter(site.hosts)): found[""]}
    elif "" in found and name:
        found = {name: found[""]}
    known = {host: facts for host, facts in found.items() if host in site.hosts and name in ("", host)}
    if not known or (name and name not in known):
        raise AimlsetupError(
            "host-facts-host",
            f"--host-facts {option}: it names no chosen host of the profile",
            context=[f"expected: HOST=FILE with one of {', '.join(site.hosts)}"],
            exit_code=Exit.USAGE,
        )
    return known


def _read(path: str) -> "dict[str, Observation]":
    """{host: facts} of a file, under an empty name where it does not say whose they are."""
    import json

    from aimlsetup.models.observation import Observation

    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        several = isinstance(document, dict) and document.get("kind") == "observation"
        found = document["hosts"] if several else {"": document}
        return {name: Observation.model_validate(facts) for name, facts in found.items()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not what the observe module prints"
        raise AimlsetupError(
            "host-facts-file",
            f"{path}: {reason}",
            hint="Make it on the host: aimlsetup observe --script look.pyz, then python3 look.pyz > facts.json there",
            exit_code=Exit.USAGE,
        ) from error


def _write_inventory(directory: Path, site: "Site", lock: "Lock") -> None:
    from aimlsetup import catalog, files
    from aimlsetup.locking import variables

    for name, text in variables.inventory(lock, site.hosts, catalog.load()).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, text, 0o640)


def _document(path: Path, found: "list[Change]", errors: Mapping[str, AimlsetupError]) -> dict[str, object]:
    return {
        "version": 1,
        "kind": "lock-changes",
        "lock": str(path),
        "changes": [change.model_dump(mode="json") for change in found],
        "errors": {name: error.document() for name, error in errors.items()},
    }


def _print(path: Path, found: "list[Change]", *, same: bool) -> None:
    from aimlsetup import ui
    from aimlsetup.report import lock

    ui.show(lock.lines(found))
    summary = "nothing changed" if same else f"{len(found)} pins changed" if found else "the same pins, other arguments"
    click.echo(f"{path}: {summary}", err=True)
