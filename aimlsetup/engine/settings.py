"""Ansible's settings as environment variables: for hosts of the profile ours alone, for those of an existing inventory
the user's own too.
"""

import configparser
import os
import shutil
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from aimlsetup.engine.workspace import Workspace
from aimlsetup.models.inventory import Inventories

CONNECT_SECONDS = 10
PREFIX = "ANSIBLE_"
# A shared connection outlives one call only.
SSH_ARGS = "-C -o ControlMaster=auto -o ControlPersist=60s"
# A question from ssh would wait for ever on runner's terminal.
NO_QUESTION = "-o BatchMode=yes"
COLLECTIONS = "~/.ansible/collections:/usr/share/ansible/collections"


def own(space: Workspace) -> dict[str, str]:
    """Ours alone: the user's own configuration files do not change what a run does."""
    settings = _common(space) | {
        "COLLECTIONS_PATH": space.collections,
        "CONFIG": space.root / "ansible.cfg",  # none there
        "SSH_ARGS": f"{NO_QUESTION} {SSH_ARGS}",
        "TIMEOUT": CONNECT_SECONDS,
        "HOST_KEY_CHECKING": "True",
        "INVENTORY_ENABLED": "ansible.builtin.yaml",
    }
    return _environment(settings)


def theirs(space: Workspace, inventories: Inventories, *, password: bool = False) -> dict[str, str]:
    """The user's `ansible.cfg` and ANSIBLE_ variables hold, but for what would change what roles do.

    With `password` ssh is given one, which it takes only where it may ask.
    """
    given = {name: _from_here(name, value) for name, value in os.environ.items() if name.startswith(PREFIX)}
    config = configuration(inventories.paths, given)
    said = _read(config) if config else configparser.RawConfigParser()
    # Of an option given twice ssh takes the first: ours are for what theirs leave open, such as shared connections.
    ssh = f"{given.get('ANSIBLE_SSH_ARGS') or said.get('ssh_connection', 'ssh_args', fallback='')} {SSH_ARGS}".strip()
    collections = given.get("ANSIBLE_COLLECTIONS_PATH") or _paths(config, said) or COLLECTIONS
    settings = _common(space) | {
        "COLLECTIONS_PATH": f"{space.collections}:{collections}",
        "CONFIG": config or space.root / "ansible.cfg",
        "SSH_ARGS": ssh if password else f"{NO_QUESTION} {ssh}",
        "INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
        "STRATEGY": "ansible.builtin.linear",
        "HASH_BEHAVIOUR": "replace",
        "FORCE_HANDLERS": "False",
        "ANY_ERRORS_FATAL": "False",
    }
    if inventories.vault_password is not None:
        settings["VAULT_PASSWORD_FILE"] = space.write_vault_password(inventories.vault_password)
    elif inventories.vault_password_file:
        settings["VAULT_PASSWORD_FILE"] = inventories.vault_password_file.resolve()
    # A host that ssh jumps through must not ask either.
    quiet = {"SSH_ASKPASS": shutil.which("false") or "/bin/false", "SSH_ASKPASS_REQUIRE": "force"}
    return given | _environment(settings) | quiet


def _from_here(name: str, value: str) -> str:
    """The value; a vault's password file as it is found from the working directory, wherever Ansible looks from."""
    if name == "ANSIBLE_VAULT_PASSWORD_FILE" and value:
        return str(Path(value).expanduser().resolve())
    if name == "ANSIBLE_VAULT_IDENTITY_LIST":
        parts = (part.strip().rpartition("@") for part in value.split(","))
        there = ((label + at, path, Path(path).expanduser()) for label, at, path in parts)
        return ",".join(f"{label}{found.resolve() if found.exists() else path}" for label, path, found in there)
    return value


def inherited() -> dict[str, str]:
    """The environment of this process without Ansible's part of it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def configuration(paths: Iterable[Path], environment: dict[str, str]) -> Path | None:
    """The `ansible.cfg` that holds: where Ansible looks, and after the working directory also beside the inventories.

    One in a directory that anybody can write to is passed over, as by Ansible.
    """
    if named := environment.get("ANSIBLE_CONFIG"):
        given = Path(named).expanduser()
        return (given / "ansible.cfg" if given.is_dir() else given).resolve()
    beside = [folder for path in paths for folder in ([path, path.parent] if path.is_dir() else [path.parent])]
    places = [folder / "ansible.cfg" for folder in (Path.cwd(), *beside) if _trusted(folder)]
    places += [Path.home() / ".ansible.cfg", Path("/etc/ansible/ansible.cfg")]
    return next((place.resolve() for place in places if place.is_file()), None)


def _trusted(folder: Path) -> bool:
    return folder.is_dir() and not folder.stat().st_mode & stat.S_IWOTH


def _read(path: Path) -> configparser.RawConfigParser:
    """What the file says; one that can't be read says nothing here, and Ansible itself complains of it."""
    said = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    try:
        said.read(path)
    except (OSError, configparser.Error, UnicodeDecodeError):
        return configparser.RawConfigParser()
    return said


def _paths(config: Path | None, said: configparser.RawConfigParser) -> str:
    """Its path of collections; relative parts are relative to the file."""
    found = said.get("defaults", "collections_path", fallback="")
    folder = config.parent if config else Path()
    return ":".join(str(folder / Path(part).expanduser()) for part in found.split(":") if part)


def _common(space: Workspace) -> dict[str, object]:
    return {
        "HOME": space.root / "ansible",
        "LOCAL_TEMP": space.root / "ansible" / "tmp",
        "SSH_CONTROL_PATH_DIR": space.sockets,
        "PIPELINING": "True",
        "RETRY_FILES_ENABLED": "False",
        "DEPRECATION_WARNINGS": "False",
        "LOCALHOST_WARNING": "False",
        "NOCOLOR": "True",
    }


def _environment(settings: dict[str, object]) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {f"{PREFIX}{name}": str(value) for name, value in settings.items()} | {"PATH": path}
