"""A hand-written unit that runs gunicorn, read as what it serves. Pure but for `read`. Python 3.6 syntax."""

import os
import re
import shlex

SHELLS = ("sh", "bash", "dash")
KEY = re.compile(r"""API_MODEL_KEY\s*=\s*['"]([^'"]+)['"]""")
QUEUE = re.compile(r"""QUEUE\s*=\s*['"](\w+)['"]""")
BIND = re.compile(r"""^\s*bind\s*=\s*['"]([^'"]+)['"]""", re.MULTILINE)
# Options of gunicorn's that take a value in the next word.
SHORT = {
    "-b": "bind", "-w": "workers", "-t": "timeout", "-c": "config", "-e": "env", "-u": "user", "-g": "group",
    "-k": "worker-class", "-n": "name", "-p": "pid", "-m": "umask",
}  # fmt: skip
LONG = {
    *SHORT.values(), "chdir", "threads", "log-level", "log-file", "access-logfile", "error-logfile", "log-config",
    "graceful-timeout", "keep-alive", "worker-tmp-dir", "max-requests", "max-requests-jitter", "worker-connections",
    "backlog", "pythonpath", "certfile", "keyfile", "access-logformat", "forwarded-allow-ips", "limit-request-line",
}  # fmt: skip
DEFAULT_BIND = "127.0.0.1:8000"


class Unclear(Exception):
    """What can't be told from the unit; says what."""


def settings(text):
    """[(section, key, value)] of a unit file's text; lines that go on are joined."""
    found, section = [], ""
    for line in map(str.strip, re.sub(r"\\\n\s*", " ", text).splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith(("#", ";")):
            key, _sign, value = line.partition("=")
            found.append((section, key.strip(), value.strip()))
    return found


def words_of(command):
    """The words of an ExecStart, those of a shell's script in place of the shell. Raises Unclear."""
    try:
        words = shlex.split(command.lstrip("-@:+!").replace("%%", "%"))
        if os.path.basename(words[0]) in SHELLS and "-c" in words:
            words = shlex.split(words[words.index("-c") + 1])
    except (ValueError, IndexError):
        raise Unclear("its ExecStart can't be read")
    return words


def options(words):
    """({option: value}, the application) of gunicorn's own words. Raises Unclear."""
    found, rest, waiting = {}, [], None
    for word in words:
        name, sign, value = word.partition("=")
        if waiting:
            found[waiting], waiting = word, None
        elif word.startswith("--"):
            found[name[2:]] = value
            waiting = name[2:] if not sign and name[2:] in LONG else None
        elif word[:2] in SHORT:
            found[SHORT[word[:2]]] = word[2:]
            waiting = None if word[2:] else SHORT[word[:2]]
        else:
            rest.append(word)
    applications = [word for word in rest if ":" in word]
    if not applications:
        raise Unclear("it names no application as module:function")
    return found, applications[0]


def address_of(bind):
    """(address, port). Raises Unclear."""
    host, _colon, port = bind.rpartition(":")
    if not port.isdigit():
        raise Unclear("it listens on %s, which is no TCP port" % bind)
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what gunicorn makes of it


def served(text, config=None):
    """What a unit serves; None where it runs no gunicorn. `config` gives the text of gunicorn's configuration file.

    {"model_key", "queue", "address", "port", "app", "app_dir", "user", "group", "program", "environment" (names)}
    Raises Unclear.
    """
    service = [(key, value) for section, key, value in settings(text) if section == "Service"]
    last = dict(service)
    if "gunicorn" not in last.get("ExecStart", ""):
        return None
    words = words_of(last["ExecStart"])
    programs = [index for index, word in enumerate(words) if os.path.basename(word).startswith("gunicorn")]
    if not programs:
        raise Unclear("its ExecStart can't be read")
    given, application = options(words[programs[0] + 1 :])
    pairs = [pair for key, value in service if key == "Environment" for pair in _pairs(value)]
    bind = given.get("bind") or _configured(given, config) or DEFAULT_BIND
    address, port = address_of(bind)
    key = KEY.search(application) or KEY.search(" ".join("%s='%s'" % pair for pair in pairs))
    queue = QUEUE.search(application)
    return {
        "model_key": key.group(1) if key else None,
        "queue": bool(queue and queue.group(1).lower() == "true"),
        "address": address,
        "port": port,
        "app": application.partition("(")[0],
        "app_dir": given.get("chdir") or last.get("WorkingDirectory", "").lstrip("-") or None,
        "user": last.get("User") or "root",
        "group": last.get("Group"),
        "program": words[programs[0]],
        "environment": sorted({name for name, _value in pairs}),
    }


def _pairs(value):
    try:
        return [tuple(word.split("=", 1)) for word in shlex.split(value) if "=" in word]
    except ValueError:
        return []


def _configured(given, config):
    found = BIND.search(config(given["config"]) or "") if given.get("config") and config else None
    return found.group(1) if found else None
