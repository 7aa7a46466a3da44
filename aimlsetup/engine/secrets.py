"""Secrets: references become values for one run, and values never reach a log.

A reference is `env:NAME`, `file:PATH` (on this machine), `prompt:LABEL` (asked, hidden, once), `vault:PATH` (a file
made by ansible-vault; its password comes from ANSIBLE_VAULT_PASSWORD_FILE or is asked by ansible-vault) or `host:PATH`
(a file on the host itself, read as root; so another run needs no secret that is not already there), of which
`host:PATH#KEY.KEY` takes one value of a YAML file. Of a file with a single line the line is the secret; of one with
more, such as a key, the whole content.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aimlsetup import files
from aimlsetup.content import util
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.profile import REFERENCE

HIDDEN = "********"
SHORTEST_LINE = 8  # lines of a long secret (a key) are hidden one by one from this length on
VAULT_SECONDS = 120

Ask = Callable[[str], str]
ReadHost = Callable[[str, str], str]


def is_reference(value: object) -> bool:
    """Whether this is a reference to a secret rather than anything else."""
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def references(arguments: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """{dotted path: reference} of a role's arguments, by its spec's `no_log` options."""
    digest = util("digest")
    spec = {"type": "dict", "options": options}
    _, secrets = digest.split_secrets(digest.normalise(dict(arguments), spec), spec)
    return {path: json.loads(value) for path, value in secrets.items() if is_reference(json.loads(value))}


def substitute(value: Any, option: Mapping[str, Any], resolve: Callable[[str], str]) -> Any:
    """The value with every reference in a `no_log` option replaced by what `resolve` gives for it."""
    if option.get("no_log"):
        return resolve(value) if is_reference(value) else value
    if option.get("options") and isinstance(value, list):
        element = {**option, "type": "dict"}
        return [substitute(item, element, resolve) for item in value]
    if option.get("options") and isinstance(value, dict):
        options = option["options"]
        return {key: substitute(item, options.get(key, {}), resolve) for key, item in value.items()}
    return value


@dataclass
class Secrets:
    """Resolves each reference once. `ask` prompts on the terminal; None where there is none.

    `declared` are the references that may be resolved: what they name in the environment no child needs to see.
    """

    ask: Ask | None = None
    read_host: ReadHost | None = None
    declared: set[str] = field(default_factory=set)
    _known: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def resolve(self, reference: str, host: str = "") -> str:
        """The secret itself. Raises AimlsetupError when it cannot be had; the message never holds it."""
        key = (reference, host if reference.startswith("host:") else "")
        if key not in self._known:
            self._known[key] = self._fetch(reference, host)
        return self._known[key]

    def quietly(self, reference: str) -> str | None:
        """The secret, if it can be had without asking anybody and without another trip to the host."""
        kind, _, rest = reference.partition(":")
        vault_ready = kind == "vault" and os.environ.get("ANSIBLE_VAULT_PASSWORD_FILE")
        there = (kind == "env" and rest in os.environ) or (kind == "file" and os.access(rest, os.R_OK))
        if (reference, "") in self._known or there or vault_ready:
            return self.resolve(reference)
        return None

    def environment_names(self) -> set[str]:
        """Variables of this process that hold secrets."""
        return {name.removeprefix("env:") for name in self.declared if name.startswith("env:")}

    def remember(self, values: Iterable[str]) -> None:
        """Secrets that came from elsewhere, to be scrubbed as well."""
        self._known |= {("", value): value for value in values}

    def scrub(self, text: str) -> str:
        """The text without any secret resolved so far, in any spelling a log may give it."""
        for spelling in sorted(self._spellings(), key=len, reverse=True):
            text = text.replace(spelling, HIDDEN)
        return text

    def _spellings(self) -> set[str]:
        return {spelling for value in self._known.values() for part in _parts(value) for spelling in _written(part)}

    def _fetch(self, reference: str, host: str) -> str:
        kind, _, rest = reference.partition(":")
        if kind == "env":
            return _from_environment(rest)
        if kind == "file":
            return _from_file(Path(rest))
        if kind == "vault":
            return _from_vault(Path(rest))
        if kind == "host" and self.read_host:
            path, _, keys = rest.partition("#")
            text = self.read_host(host, path)
            return _value(text, path, keys) if keys else _single(text)
        if self.ask is None:
            raise AimlsetupError(
                "secret-prompt",
                f"a secret has to be asked for, and there is no terminal: {reference}",
                hint="Run it in a terminal, or refer to the secret as env:NAME or file:PATH.",
                exit_code=Exit.USAGE,
            )
        return self.ask(rest)


def terminal_ask() -> Ask | None:
    """Ask on the terminal without echo; None where there is no terminal."""
    return _typed if sys.stdin.isatty() and sys.stderr.isatty() else None


@cache
def _typed(label: str) -> str:
    """What is typed, once in this process: a guided run goes from plan to proof without asking again."""
    from getpass import getpass  # only where somebody is asked

    return getpass(f"{label}: ", stream=sys.stderr)


def _parts(value: str) -> list[str]:
    """The secret, and each long line of one that has several: logs break lines."""
    return [value, *(line for line in value.splitlines() if len(line) >= SHORTEST_LINE)] if value else []


def _written(value: str) -> set[str]:
    """A secret in the spellings that programs print: plain, JSON, Python, base64, URL."""
    plain, ascii_only = json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1]
    twice = json.dumps(ascii_only)[1:-1]
    encoded = base64.b64encode(value.encode()).decode()
    return {value, plain, ascii_only, twice, repr(value)[1:-1], encoded, quote(value), quote(value, safe="")}


def _value(text: str, path: str, keys: str) -> str:
    """The text at `keys` (with dots between them) of a YAML file."""
    try:
        found = reduce(lambda data, key: data[key], keys.split("."), files.parse(text, Path(path)).data)
    except (AimlsetupError, KeyError, TypeError):
        found = None
    if not isinstance(found, str):
        hint = "Name the keys to it from the outermost, and check that what is there is text."
        raise _missing(f"host:{path}#{keys}", "there is no such value in the file", hint)
    return found


def _single(text: str) -> str:
    return text[:-1] if text.endswith("\n") and text.count("\n") == 1 else text


def _missing(reference: str, why: str, hint: str) -> AimlsetupError:
    return AimlsetupError(
        "secret-missing", f"the secret {reference} cannot be read: {why}", hint=hint, exit_code=Exit.USAGE
    )


def _from_environment(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        hint = f"Set it for this command: {name}=… aimlsetup …"
        raise _missing(f"env:{name}", "no such environment variable", hint) from None


def _from_file(path: Path) -> str:
    try:
        return _single(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(f"file:{path}", str(error), "Check the path and its mode.") from None


def _from_vault(path: Path) -> str:
    command = [str(Path(sys.executable).with_name("ansible-vault")), "view", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=VAULT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _missing(f"vault:{path}", type(error).__name__, "Run `ansible-vault view` on it by hand.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["ansible-vault failed"])[-1]
        raise _missing(f"vault:{path}", last, "Set ANSIBLE_VAULT_PASSWORD_FILE, or run in a terminal.")
    return _single(done.stdout)
