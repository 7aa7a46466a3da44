"""The lock as an inventory for plain Ansible: a hosts file and one file of variables per host. Pure.

Every string is tagged `!unsafe`. A secret is left out, since a reference to one means nothing to plain Ansible; the
file says which variables are to be given by other means.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aimlsetup import files
from aimlsetup.catalog import Catalog
from aimlsetup.models.lock import Lock
from aimlsetup.models.profile import Host

HEADER = "Made by 'aimlsetup lock --vars-dir' from the profile: change that one, not this."


def inventory(lock: Lock, hosts: Mapping[str, Host], catalog: Catalog) -> dict[str, str]:
    """{relative path: text} of `hosts.yml` and `host_vars/<host>.yml`, for the locked ones of `hosts`."""
    written = {}
    locked = {name: found for name in sorted(hosts) if (found := lock.class_of(name))}
    connections = {"all": {"hosts": {name: _connection(hosts[name]) for name in locked}}}
    written["hosts.yml"] = files.dump_unsafe(connections, header=[HEADER])
    for name, found in locked.items():
        variables: dict[str, Any] = {"aimlsetup_components": [c for c in catalog.components if c in found.components]}
        missing: list[str] = []
        for component, arguments in found.components.items():
            for variable, value in arguments.items():
                option = catalog.options[component][variable]
                if _has_secret(value, option):
                    missing.append(variable)
                else:
                    variables[variable] = value
        written[f"host_vars/{name}.yml"] = files.dump_unsafe(variables, header=[HEADER, *_to_supply(missing)])
    return written


def _connection(host: Host) -> dict[str, Any]:
    """Ansible's own connection variables; what is not given is left to ssh's configuration."""
    become = host.become.method != "none"
    given = {
        "ansible_connection": "local" if host.connection == "local" else None,
        "ansible_host": host.address,
        "ansible_port": host.port,
        "ansible_user": host.user,
        "ansible_ssh_private_key_file": host.identity,
        "ansible_ssh_common_args": f"-F {host.ssh_config}" if host.ssh_config else None,
        "ansible_python_interpreter": host.python,
        "ansible_become": True if become else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _has_secret(value: Any, option: Mapping[str, Any]) -> bool:
    """Whether a value holds a reference to a secret, at any depth."""
    if option.get("no_log"):
        return value is not None
    parts: Iterable[Any] = value if isinstance(value, list) else [value]
    options = option.get("options") or {}
    return any(
        _has_secret(part[name], options[name])
        for part in parts
        if isinstance(part, Mapping)
        for name in part
        if name in options
    )


def _to_supply(missing: list[str]) -> list[str]:
    if not missing:
        return []
    return [
        "These hold secrets and are left out; give them in a vaulted file beside this one:",
        *(f"  {name}" for name in missing),
    ]
