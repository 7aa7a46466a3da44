"""The inventory as data: how each host is reached, and the lock's arguments as its variables. Pure.

Every string is tagged `!unsafe` when it is written (`aimlsetup.files.dump_unsafe`): to Ansible all of it is data,
never a template.
"""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from aimlsetup.models.inventory import Listed
from aimlsetup.models.profile import Host

# Asking Ansible to look for an interpreter costs every host a round trip.
PYTHON = "/usr/bin/python3"
INTERPRETER = "ansible_python_interpreter"
# What `base` installs where that is missing or too old.
PRIVATE_PYTHON = "/opt/aimlsetup/python/bin/python3"
# Ansible hands its prompt to sudo as the fourth word and waits for it, but sudo-rs prints one of its own. There the
# prompt is printed for it, unless sudo asks nothing: a password nobody asked for would be read by what sudo starts.
# Why sudo refuses is understood in English.
ENGLISH = "env LC_ALL=C.UTF-8 LANGUAGE=C"
SUDO = (
    f"{ENGLISH} sh -c 'case $(sudo --version 2>&1) in sudo-rs*) "
    'if sudo -n true 2>/dev/null; then shift 4; exec sudo -H -n "$@"; fi; '
    'printf %s "$4" >&2; shift 4; exec sudo -H -S -p "" "$@";; '
    """esac; exec sudo "$@"' sudo"""
)
SUDO_FLAGS = "-H -S"


def document(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An inventory of these hosts with their variables."""
    return {"all": {"hosts": {name: dict(variables) for name, variables in hosts.items()}}}


def connection(name: str, host: Host, python: str | None = None) -> dict[str, Any]:
    """Variables that say how Ansible reaches a host, runs modules there (on `python` unless the profile names an
    interpreter) and becomes root; of one that stands in an existing inventory only what that leaves to be looked for.
    """
    if isinstance(host, Listed):
        return {} if INTERPRETER in host.defines and not python else {INTERPRETER: python or PYTHON}
    variables: dict[str, Any] = {
        "ansible_connection": host.connection,
        INTERPRETER: host.python or python or PYTHON,
        "ansible_become": host.become.method != "none",
        "ansible_become_method": "ansible.builtin.sudo",
    }
    if host.become.password:
        variables |= {"ansible_become_exe": SUDO, "ansible_become_flags": SUDO_FLAGS}
    elif host.become.method == "sudo":
        variables["ansible_become_exe"] = f"{ENGLISH} sudo"
    if host.connection == "ssh":
        variables |= {
            "ansible_host": host.address or name,
            "ansible_port": host.port,
            "ansible_user": host.user,
            "ansible_ssh_private_key_file": host.identity,
            "ansible_ssh_common_args": shlex.join(["-F", host.ssh_config]) if host.ssh_config else None,
        }
    return {key: value for key, value in variables.items() if value is not None}


def split(variables: Mapping[str, Any], secret: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(variables that anybody may see, those holding secrets)."""
    names = set(secret)
    return (
        {name: value for name, value in variables.items() if name not in names},
        {name: value for name, value in variables.items() if name in names},
    )
