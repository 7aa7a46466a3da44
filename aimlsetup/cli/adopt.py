"""`aimlsetup adopt`: a host that was set up by hand → the profile that describes it."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aimlsetup.cli._options import PROFILE, json_option, print_document, yes_option
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.adoption import Adopted, Documents, Generated, Places
    from aimlsetup.engine.session import Session
    from aimlsetup.models.observation import Observation

EXPORTS = "/etc/profile.d/codehub.sh"


@click.command()
@click.argument("name", metavar="HOST")
@click.option(
    "-o",
    "--profile",
    "--output",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=PROFILE,
    show_default=True,
    envvar="AIMLSETUP_PROFILE",
    help="The profile to write. If an existing one has the host, it says how the host is reached.",
)
@json_option
@yes_option
def command(name: str, path: Path, as_json: bool, yes: bool) -> int:
    """Look what a host has that was set up by hand, and write the profile that describes it. Changes nothing there.

    HOST is a host of the profile, `local` for this machine, a sandbox host, or a name that ssh knows. Edits in app.yml,
    paths.yml and exports become overrides, passwords references; a gunicorn unit becomes a service that is watched and
    never touched. What could not be described is listed with the reason. Then `aimlsetup plan` shows what would be
    adopted, and apply writes receipts and what is missing.

    \b
    aimlsetup adopt gpu1
    aimlsetup adopt local -o this-machine.yml
    """
    from aimlsetup.cli import init

    adopted = adopt(name, path)
    asks = sys.stdin.isatty() and not as_json
    changed = init.write(path, adopted.profile, yes=yes, asks=asks)
    if as_json:
        document = {"path": str(path), "changed": changed, "profile": adopted.profile}
        print_document(
            {"version": 1, "kind": "adopt", **document, "left": adopted.left, "notes": adopted.notes}
        )
    else:
        _tell(adopted, path, changed)
    return Exit.DONE


def adopt(name: str, path: Path) -> "Adopted":
    """Look at the host and describe it. The profile at `path` is only asked how the host is reached."""
    from aimlsetup import adoption
    from aimlsetup.adoption import tree
    from aimlsetup.cli import _loop, _site
    from aimlsetup.engine.session import session

    entry = _entry(name, path)
    hosts = _site.reachable({name: entry}, boot=False)
    with session(hosts) as run:
        observed = _loop.look(run, [name])
        if error := observed.errors.get(name):
            raise error
        found = observed.hosts[name]
        if found.bare:
            raise AimlsetupError(
                "adopt-bare", f"{name}: it has no Python yet, so there is nothing to look with", exit_code=Exit.USAGE
            )
        where = tree.places(found)
        documents, generated = _documents(run, name, where), _generated(run, name, found, where)
    host = entry.model_dump(mode="json", exclude_defaults=True)
    host |= {"connection": entry.connection} if entry.connection != "ssh" or not host else {}
    return adoption.adopt({name: host}, found, documents, generated)


def _entry(name: str, path: Path) -> Any:
    """How the host is reached: by the profile, as this machine, as a sandbox host, or by ssh."""
    from aimlsetup import sandbox
    from aimlsetup.catalog import profiles
    from aimlsetup.models.profile import Host

    if path.exists() and name in (known := profiles.read(path).hosts):
        return known[name]
    if name == "local":
        return Host(connection="local")
    if any(box.name == name for box in sandbox.hosts()):
        return Host(connection="sandbox")
    return Host(connection="ssh", address=name)


def _documents(run: "Session", name: str, where: "Places") -> "Documents":
    from aimlsetup import files
    from aimlsetup.adoption import Documents
    from aimlsetup.content import util
    from aimlsetup.engine.session import read

    def yaml(text: str, path: str) -> Any:
        return files.parse(text, Path(path)).data

    def shell(text: str, _path: str) -> Any:
        return util("exports").parsed(text)

    def parsed(path: str, parse: Callable[[str, str], Any]) -> Mapping[str, Any] | str | None:
        text = read(run, name, path)
        if text is None:
            return None
        try:
            data = parse(text, path)
        except (AimlsetupError, ValueError) as error:
            return getattr(error, "message", str(error))
        return data if isinstance(data, Mapping) else "it is no mapping of settings"

    config = where.roots["config"]
    return Documents(parsed(f"{config}/app.yml", yaml), parsed(f"{config}/paths.yml", yaml), parsed(EXPORTS, shell))


def _generated(run: "Session", name: str, found: "Observation", where: "Places") -> "Generated":
    """What the role would write, as it says itself."""
    from aimlsetup import catalog
    from aimlsetup.adoption import Generated, things
    from aimlsetup.engine import act
    from aimlsetup.locking.arguments import fill

    envs = things.environments(found, where).section.get("envs") or [{}]
    system = str(found.facts.get("pythons", {}).get("/usr/bin/python3", ""))
    python = envs[0].get("python") or ".".join(system.split(".")[:2]) or None
    shared = {"roots": where.roots, "requests": {"python": python, "environment": envs[0].get("name")}, "sources": {}}
    said = act.describe(run, name, fill("codehub", {}, {}, shared, catalog.load()))
    return Generated(said["app"], said["paths"], said["exports"])


def _tell(adopted: "Adopted", path: Path, changed: bool) -> None:
    from aimlsetup import ui
    from aimlsetup.ui import Line

    sections = adopted.profile
    counts = [
        f"{len(items)} {title}"
        for component, key, title in (
            ("data_links", "links", "data links"),
            ("python_env", "envs", "environments"),
            ("repos", "checkouts", "checkouts"),
            ("ai_service", "services", "services"),
        )
        if (items := sections.get(component, {}).get(key))
    ]
    lines = [Line(f"described: the tree of {sections['codehub']['owner']}, {', '.join(counts) or 'and nothing in it'}")]
    lines += [Line(f"note: {note}") for note in adopted.notes]
    lines += [Line("left out, and left alone:", "bold")] if adopted.left else []
    lines += [Line(f"  {name}: {why}", "change") for name, why in adopted.left.items()]
    ui.show(lines)
    click.echo(f"{path}: {'written' if changed else 'already says this'}\nnext: aimlsetup plan --profile {path}")
