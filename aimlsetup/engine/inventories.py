"""Existing inventories, read by Ansible itself: files, directories, scripts, plugins, vaulted variables."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aimlsetup import ui
from aimlsetup.engine import settings
from aimlsetup.engine.secrets import terminal_ask
from aimlsetup.engine.workspace import Workspace, workspace
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.inventory import Inventories, Listed

SECONDS = 300  # a plugin may ask a cloud for thousands of hosts
LINES = 8
QUESTION = "Vault password"
VAULTED = "__ansible_vault"
# Names of variables whose values are kept out of logs, and the shortest such value: a shorter one is a word like any.
SECRET = re.compile(r"pass|secret|token|vault|private", re.IGNORECASE)
SHORTEST = 5
HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}")
PLAIN = re.compile(r"[A-Za-z0-9:][A-Za-z0-9._:%-]*")
LOCAL = ("local", "ansible.builtin.local")
# What Ansible says without a password; ansible-vault asks, and nobody hears it.
NO_PASSWORD = re.compile(r"no vault secrets found|Vault password:")
WRONG_PASSWORD = re.compile(r"Decryption failed|HMAC|no vault secrets were found that could decrypt")
# Each plugin tells twice that it is not the one; the first one's reason is what is looked for.
NOISE = re.compile(r"Failed to parse inventory with '|^<<< caused by >>>$|^Origin: <inventory plugin")
NO_MATCH = re.compile(r"Could not match supplied host pattern, ignoring: (\S+)")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """`hosts` in the order of the inventory, and the names of all its `groups`, empty ones too."""

    hosts: dict[str, Listed] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()


def read(inventories: Inventories) -> Listing:
    """All hosts and groups. What can't be read is an `AimlsetupError` with exit code 2, and holds no secret."""
    for path in (*inventories.paths, inventories.vault_password_file):
        if path and not path.exists():
            raise AimlsetupError(
                "inventory-missing",
                f"{path}: there is no such file or directory",
                context=["expected: an inventory as Ansible takes it after -i, or a vault's password file"],
                exit_code=Exit.USAGE,
            )
    with workspace() as space:
        inventories, document = _opened(space, inventories)
    variables = document["_meta"]["hostvars"]
    hosts = {
        host: _listed(variables.get(host, {}), groups, inventories)
        for host, groups in groups_of(document).items()
        if _checked(host, inventories)
    }
    return Listing(hosts, frozenset(document) - {"_meta"})


def matching(inventories: Inventories, pattern: str) -> set[str]:
    """The hosts that a pattern of Ansible's names. A part of it that names none is an error (exit code 2)."""
    with workspace() as space:
        done = _ansible(space, inventories, "ansible-inventory", "--list", "--limit", pattern)
    if found := NO_MATCH.search(done.stderr):
        raise AimlsetupError(
            "limit-unknown",
            f"--limit: no host or group of profile and inventory matches {found[1]}",
            context=["expected: names of hosts and groups, or Ansible's patterns"],
            hint="See what there is: ansible-inventory --graph -i …",
            exit_code=Exit.USAGE,
        )
    if done.returncode:
        raise _failure(inventories, done.stderr)
    return set(groups_of(json.loads(done.stdout)))


def groups_of(document: Document) -> dict[str, list[str]]:
    """{host: its groups}, from the outermost to the innermost, those of one depth by name. Pure."""
    depths = {"all": 0}
    waiting = ["all"]
    while waiting:  # a group that is reached a second time, deeper, hands its depth on again
        group = waiting.pop(0)
        for child in document.get(group, {}).get("children", ()):
            if depths.get(child, 0) <= depths[group]:
                depths[child] = depths[group] + 1
                waiting.append(child)
    found: dict[str, list[str]] = {}
    for group in _walk(document, "all", set()):
        for host in document.get(group, {}).get("hosts", ()):
            found.setdefault(host, [])
    for group in sorted(depths, key=lambda name: (depths[name], name)):
        for host in _within(document, group):
            found[host].append(group)
    return found


def _walk(document: Document, group: str, seen: set[str]) -> Iterator[str]:
    """The group and those within it, each once, in the order of the inventory."""
    if group not in seen:
        seen.add(group)
        yield group
        for child in document.get(group, {}).get("children", ()):
            yield from _walk(document, child, seen)


def _within(document: Document, group: str) -> Iterable[str]:
    """The hosts of a group and of those within it, each once."""
    return dict.fromkeys(
        host for inner in _walk(document, group, set()) for host in document.get(inner, {}).get("hosts", ())
    )


def _checked(host: str, inventories: Inventories) -> bool:
    if HOST.fullmatch(host):
        return True
    raise AimlsetupError(
        "inventory-host",
        f"{_named(inventories)}: {host!r} is no name for a host",
        context=["expected: letters, digits, '.', '_', ':' and '-', beginning with a letter or digit"],
        exit_code=Exit.USAGE,
    )


def _listed(variables: Document, groups: list[str], inventories: Inventories) -> Listed:
    """The host, with what is known of it without a template having been filled in."""
    address, port = (variables.get(name) for name in ("ansible_host", "ansible_port"))
    python = variables.get("ansible_python_interpreter")
    hidden = {value for name, value in variables.items() if SECRET.search(name) and _is_secret(value)}
    return Listed(
        groups=groups,
        connection="local" if variables.get("ansible_connection") in LOCAL else "ssh",
        address=address if isinstance(address, str) and PLAIN.fullmatch(address) else None,
        port=port if isinstance(port, int) and 0 < port < 65536 else None,
        python=python if isinstance(python, str) and re.fullmatch(r"/[A-Za-z0-9_./+-]+", python) else None,
        inventories=inventories,
        defines=frozenset(variables),
        hidden=frozenset(hidden),
        asks_password=not {"ansible_password", "ansible_ssh_pass", "ansible_ssh_password"}.isdisjoint(variables),
    )


def _is_secret(value: object) -> bool:
    return isinstance(value, str) and len(value) >= SHORTEST and "{{" not in value


def _opened(space: Workspace, inventories: Inventories) -> tuple[Inventories, Document]:
    """What Ansible reads, vaulted variables included; with the vault's password where that had to be asked for."""
    done = _ansible(space, inventories, "ansible-inventory", "--list")
    if done.returncode and NO_PASSWORD.search(done.stderr) and (ask := terminal_ask()):
        inventories = replace(inventories, vault_password=ask(QUESTION))
        done = _ansible(space, inventories, "ansible-inventory", "--list")
    if done.returncode:
        raise _failure(inventories, done.stderr)
    document: Document = json.loads(done.stdout)
    return _unlocked(space, inventories, document)


def _unlocked(space: Workspace, inventories: Inventories, document: Document) -> tuple[Inventories, Document]:
    """The same with single vaulted values opened: a password that does not fit them shows before any host is asked."""
    variables = document["_meta"]["hostvars"]
    opened: dict[str, str] = {}
    texts = [_vaulted(value) for each in variables.values() for value in each.values()]
    for text in dict.fromkeys(filter(None, texts)):
        done = _decrypted(space, inventories, text)
        if done.returncode and NO_PASSWORD.search(done.stderr) and (ask := terminal_ask()):
            inventories = replace(inventories, vault_password=ask(QUESTION))
            done = _decrypted(space, inventories, text)
        if done.returncode:
            raise _failure(inventories, done.stderr)
        opened[text] = done.stdout
    filled = {
        host: {name: opened.get(_vaulted(value), value) for name, value in each.items()}
        for host, each in variables.items()
    }
    return inventories, {**document, "_meta": {"hostvars": filled}}


def _vaulted(value: object) -> str:
    """The text of a value that is in the vault by itself; empty of any other."""
    return str(value[VAULTED]) if isinstance(value, dict) and VAULTED in value else ""


def _decrypted(space: Workspace, inventories: Inventories, text: str) -> subprocess.CompletedProcess[str]:
    return _run(space, inventories, ["ansible-vault", "decrypt", "--output", "-"], text)


def _ansible(
    space: Workspace, inventories: Inventories, program: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    sources = [word for path in inventories.paths for word in ("-i", str(path.resolve()))]
    return _run(space, inventories, [program, *sources, *arguments])


def _run(
    space: Workspace, inventories: Inventories, argv: list[str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    environment = {**settings.inherited(), **settings.theirs(space, inventories)}
    command = [str(Path(sys.executable).with_name(argv[0])), *argv[1:]]
    try:
        with ui.waiting("reading the inventory"):
            return subprocess.run(
                command,
                input=stdin,
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
                start_new_session=True,  # without a terminal to ask on
            )
    except subprocess.TimeoutExpired:
        raise AimlsetupError(
            "inventory-slow",
            f"{_named(inventories)}: Ansible has not read it in {SECONDS} s",
            hint="Try it by hand: ansible-inventory --list -i …",
            exit_code=Exit.USAGE,
        ) from None
    finally:
        space.forget()


def _failure(inventories: Inventories, said: str) -> AimlsetupError:
    """Why Ansible could not read them."""
    named = _named(inventories)
    if NO_PASSWORD.search(said):
        return AimlsetupError(
            "vault-password-missing",
            f"{named}: some of its variables are in a vault, and there is no password for it",
            hint="Give it with --vault-password-file, ANSIBLE_VAULT_PASSWORD_FILE or ansible.cfg; in a terminal it is "
            "asked for.",
            exit_code=Exit.USAGE,
        )
    if WRONG_PASSWORD.search(said):
        return AimlsetupError(
            "vault-password",
            f"{named}: the password does not open its vault",
            hint="Check it by hand with `ansible-vault view`.",
            exit_code=Exit.USAGE,
        )
    lines = list(dict.fromkeys(line.rstrip() for line in said.splitlines() if line.strip() and not NOISE.search(line)))
    return AimlsetupError(
        "inventory-unreadable",
        f"{named}: Ansible can't read it",
        context=lines if len(lines) <= LINES else [*lines[: LINES - 1], "…", lines[-1]],
        hint="Try it by hand: ansible-inventory --list -i …",
        exit_code=Exit.USAGE,
    )


def _named(inventories: Inventories) -> str:
    return ", ".join(map(str, inventories.paths))
