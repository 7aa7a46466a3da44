"""Jinja filter `service_problems`: what can't be served, before anything is changed."""

DOCUMENTATION = r"""
---
name: service_problems
short_description: What is wrong with a list of services
description:
  - Says of each service and setting what a unit file or the network could not hold, and which services are in each
    other's way.
options:
  _input:
    description: The services, complete.
    type: list
    elements: dict
    required: true
  settings:
    description: The role's other arguments that unit files hold, by kind (V(paths), V(accounts), V(devices)).
    type: dict
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
problems: "{{ services | codehub.aimlsetup.service_problems({'paths': [], 'accounts': [], 'devices': []}) }}"
"""

RETURN = r"""
_value:
  description: One sentence per problem; none when all can be served.
  type: list
  elements: str
"""

import ipaddress
import re

KEY = r"[A-Za-z0-9]\w{0,62}-[A-Za-z0-9]\w{0,62}-[0-9]{1,9}"
# systemd reads a few paths unquoted, with wildcards, and Ansible expands variables in one.
PATH = r"/[^\x00-\x1f\x7f\"\\*?\[\]$]*(?<!\s)"
SERVICE = {
    "model_key": (KEY, "<org>-<problem_id>-<rel_num>, such as vidteq-rld-1"),
    "env": (r"[A-Za-z0-9][\w.-]*", "the common name of a virtualenv, such as py_3"),
    "app": (r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", "module:function, such as web_server:main"),
    "app_dir": (PATH, "an absolute path"),
    "health_path": (r"/[!-~]*", "the path of a URL, beginning with /"),
    "memory_max": (r"[0-9]+[KMGT]?|[0-9]{1,3}%|infinity", "a size such as 4G"),
}
NUMBERS = {"port": (1, 65535), "workers": (1, 1024), "timeout": (1, 86400), "ready_seconds": (1, 86400)}
SETTINGS = {
    "paths": (PATH, "an absolute path without quotes, backslashes, $, wildcards and control characters"),
    "accounts": (r"[a-z_][a-z0-9_-]{0,31}", "the name of an account"),
    "devices": (r"/dev/[\w./-]+|(char|block)-[\w*-]+", "a device such as /dev/nvidia0 or char-nvidia-uvm"),
}


def matches(pattern, value):
    """Whether the whole of a value is of a pattern; a path that climbs (`..`) never is."""
    text = str(value)
    return bool(re.fullmatch(pattern, text, re.ASCII)) and ".." not in text.split("/")


def is_address(value):
    """Whether a value is an IP address."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def of_service(service):
    """Problems of one service by itself."""
    found = [
        f"{key} {service[key]!r}: expected {expected}"
        for key, (pattern, expected) in SERVICE.items()
        if service.get(key) is not None and not matches(pattern, service[key])
    ]
    found += [
        f"{key} {service[key]!r}: expected a number from {low} to {high}"
        for key, (low, high) in NUMBERS.items()
        if not (isinstance(service[key], int) and low <= service[key] <= high)
    ]
    if not is_address(service["address"]):
        found.append(f"address {service['address']!r}: expected an IP address, such as 127.0.0.1")
    for name, value in service["environment"].items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or "\0" in str(value):
            found.append(f"environment {name!r}: expected a variable's name, and a value without NUL")
    return found + (of_release(service["release"]) if service.get("release") else [])


def of_release(release):
    """Problems of how a release is made."""
    found = []
    if release["creates"].startswith("/") or ".." in release["creates"].split("/"):
        found.append(f"release.creates {release['creates']!r}: expected a path inside the release's directory")
    program = (release["command"] or [""])[0]
    if not program or program.startswith("-") or "=" in program:
        found.append(f"release.command {release['command']!r}: expected a program and its arguments")
    return found


def taken_twice(services, key):
    """Sentences about services that want the same `key`."""
    values = [service[key] for service in services]
    return [
        f"{key} {value!r} is wanted by {values.count(value)} services; each needs its own"
        for value in dict.fromkeys(values)
        if values.count(value) > 1
    ]


def service_problems(services, settings):
    """What is wrong with the services and settings, one sentence each; an empty list when nothing is."""
    found = [f"{service['model_key']}: {problem}" for service in services for problem in of_service(service)]
    for kind, (pattern, expected) in SETTINGS.items():
        found += [f"{value!r}: expected {expected}" for value in settings[kind] if not matches(pattern, value)]
    return found + taken_twice(services, "model_key") + taken_twice(services, "port")


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"service_problems": service_problems}
