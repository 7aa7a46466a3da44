"""`aimlsetup doctor`: what is wrong with a host's GPU stack."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aimlsetup.cli._options import PROFILE, json_option, print_document
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.models.profile import Host

HERE = "this machine"
EVIDENCE_VERSION = 1


@click.command()
@click.option("--host", metavar="NAME", help="A host of the profile, or any that ssh reaches; else this machine.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False),
    default=PROFILE,
    envvar="AIMLSETUP_PROFILE",
    help="Where --host is looked up first; it need not be there.",
)
@click.option("--env", metavar="DIRECTORY", help="Look into this virtualenv or conda environment on the host too.")
@click.option("--root", metavar="DIRECTORY", default="/", help="Read /proc, /sys and /dev below this directory.")
@click.option(
    "--script",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a program that a host which can't be reached runs itself (any Python from 3.6).",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Judge what that program printed.",
)
@json_option
def command(
    host: str | None,
    profile: Path,
    env: str | None,
    root: str,
    script: Path | None,
    evidence: Path | None,
    as_json: bool,
) -> int:
    """Say what is wrong with a host's GPU stack, why, and the one next command. Changes nothing.

    Needs no profile and no root. Exit code 3 when there is a problem, 0 when there are at most notes.

    \b
    aimlsetup doctor
    aimlsetup doctor --host gpu1 --env /virtualmachines/virtualenvs/py_3
    aimlsetup doctor --script look.pyz      there: python3 look.pyz > seen.json
    aimlsetup doctor --evidence seen.json
    """
    if script:
        from aimlsetup.engine.script import write

        write(script, "doctor")
        click.echo(f"wrote {script}; on the host: python3 {script.name} [--env DIRECTORY] > evidence.json", err=True)
        return 0
    if evidence:
        return _report(evidence.name, _read(evidence), as_json=as_json)
    if host:
        from aimlsetup.engine import glance

        seen = glance.evidence(host, _host(host, profile), env, root)
    else:
        seen = _look(env, root)
    if env and not seen["environment"]:
        raise AimlsetupError(
            "doctor-environment",
            f"{host or HERE}: {env} is no Python environment",
            context=["expected: a directory with lib/python3.*/site-packages in it"],
            hint="Name the directory that `import sys; print(sys.prefix)` prints.",
            exit_code=Exit.USAGE,
        )
    return _report(host or HERE, seen, as_json=as_json)


def _look(env: str | None, root: str) -> Mapping[str, Any]:
    """The evidence on this machine, from the program that runs elsewhere too."""
    from aimlsetup import content

    program = content.root() / "plugins" / "modules" / "doctor.py"
    argv = [sys.executable, "-I", str(program), "--root", root, *(["--env", env] if env else [])]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AimlsetupError(
            "doctor-failed", "this machine could not be examined", context=done.stderr.splitlines()[-5:]
        )
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def _read(path: Path) -> Mapping[str, Any]:
    """What the program printed on another machine."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        found, why = None, str(error)
    else:
        why = "it is another document, or of another version"
    if not isinstance(found, dict) or found.get("version") != EVIDENCE_VERSION or "keyrings" not in found:
        raise AimlsetupError(
            "doctor-evidence",
            f"{path}: this is not what the doctor's program prints",
            context=[why],
            hint="Make the program again with --script, and run it on the host.",
            exit_code=Exit.USAGE,
        )
    return found


def _host(name: str, profile: Path) -> "Host":
    """The profile's host of that name, else what ssh makes of the name."""
    from aimlsetup.catalog import profiles
    from aimlsetup.cli._site import reachable
    from aimlsetup.models.profile import Host

    known = profiles.read(profile).hosts if profile.exists() else {}
    if name in known:
        return reachable({name: known[name]}, boot=False)[name]
    return Host(connection="ssh", address=name)


def _report(name: str, evidence: Mapping[str, Any], *, as_json: bool) -> int:
    from aimlsetup import catalog, doctor, ui
    from aimlsetup.report import findings

    found = doctor.judge(evidence, catalog.load())
    if as_json:
        print_document(findings.document(name, found))
    else:
        ui.show(findings.lines(name, found))
    return Exit.DRIFT if any(finding.severity == "problem" for finding in found) else Exit.DONE
