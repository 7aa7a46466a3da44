"""The private Python of hosts that have none which modules run on: fetched here, handed to the role that unpacks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimlsetup import content, ui
from aimlsetup.cli._network import way_out
from aimlsetup.compare import BOOTSTRAP
from aimlsetup.engine.inventory import PRIVATE_PYTHON
from aimlsetup.engine.session import Session
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import builds
from aimlsetup.locking.access import public
from aimlsetup.locking.fetch import Silent
from aimlsetup.models.observation import Observation
from aimlsetup.models.plan import Effects
from aimlsetup.models.profile import Profile

if TYPE_CHECKING:
    from aimlsetup.engine.act import Work

PROGRAM = Path("files", "private_python.sh")
UNPACKED = 3  # about that many bytes on disk per byte of an archive


@dataclass
class Prepared:
    """By host: variables for the role, what the role will then do, and why a host can't have one."""

    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    effects: dict[tuple[str, str], Effects] = field(default_factory=dict)
    errors: dict[str, AimlsetupError] = field(default_factory=dict)

    def left(self, work: Mapping[str, "Work"]) -> dict[str, "Work"]:
        """The work on hosts that can have what they need."""
        return {name: part for name, part in work.items() if name not in self.errors}


def prepare(
    profile: Profile, session: Session, work: Mapping[str, "Work"], observed: Mapping[str, Observation]
) -> Prepared:
    """Fetch what the hosts in need of it are to get, and have modules run on it from then on. Where its source is
    silent, a host without any Python gets the distribution's from apt, as the role then does.
    """
    made = Prepared()
    for name, part in work.items():
        wanted = part.components.get(BOOTSTRAP, {}).get(f"{BOOTSTRAP}_python")
        if BOOTSTRAP not in part.components or not _needs(session, name, observed[name], wanted):
            continue
        try:
            program, size = _program(profile, session, wanted, observed[name].facts["arch"])
        except Silent as silent:
            _without(made, name, observed[name], str(silent))
        except AimlsetupError as error:
            made.errors[name] = error
        else:
            session.interpreters[name] = PRIVATE_PYTHON
            made.variables[name] = {"aimlsetup_private_python": {"program": str(program), "size": size}}
            made.effects[name, BOOTSTRAP] = _effects(size)
    return made


def _needs(session: Session, name: str, found: Observation, wanted: Mapping[str, Any] | None) -> bool:
    """Whether a host has no Python for modules, or runs them on another private one than it should."""
    other = wanted is not None and found.facts.get("private_python") != wanted["name"]
    return found.bare or (name in session.interpreters and other)


def _program(
    profile: Profile, session: Session, wanted: Mapping[str, Any] | None, arch: str
) -> tuple[Path, int]:
    """The role's script with the archive behind it, and the archive's size in bytes. Raises Silent."""
    if wanted is None:
        raise Silent(f"no standalone build of Python is known for {arch}")
    with way_out(profile), ui.waiting(f"fetching Python {wanted['name']}"):
        archive = builds.archive(wanted)
    path = session.space.root / f"python-{wanted['sha256']}.sh"
    if not path.exists():
        path.write_bytes((content.role(BOOTSTRAP) / PROGRAM).read_bytes() + archive)
    return path, len(archive)


def _without(made: Prepared, name: str, found: Observation, why: str) -> None:
    old = found.facts.get("python_old")
    if found.bare and not old:
        ui.warn(f"{name}: no private Python for it ({public(why)}); it gets the distribution's python3 by apt")
        return
    have = f"its Python is {old}, too old for modules" if old else "its private Python is not the one in the lock"
    made.errors[name] = AimlsetupError(
        "python-build-silent",
        f"{name}: {have}, and the build for it can't be had",
        context=[public(why), "expected: the archive that the lock names, at the source python_builds"],
        hint="Name a mirror or a folder that has it, 'sources: {python_builds: URL}', or a newer Python there as "
        "`python:` of the host in the profile.",
        exit_code=Exit.FAILED,
    )


def _effects(size: int) -> Effects:
    task = "Python | Install a private one in /opt/aimlsetup"
    return Effects(tasks=[task], untold=[task], download=size, disk=int(size * UNPACKED), estimated=True)
