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

from ansible_collections.codehub.aimlsetup.plugins.module_utils import serving, shapes

# What a service's own arguments and the role's other ones must be; kinds as `shapes` has them.
SERVICE = {
    "model_key": "model_key", "env": "common_name", "app": "app", "app_dir": "path", "health_path": "health_path",
    "memory_max": "memory", "unit": "unit", "cpu_quota": "cpu_quota", "gpu_memory": "size",
}  # fmt: skip
SETTINGS = {"paths": "path", "accounts": "account", "devices": "device"}
NUMBERS = {"port": (1, 65535), "workers": (1, 1024), "timeout": (1, 86400), "ready_seconds": (1, 86400)}
MOST_REPLICAS = 64
NEED = {"config": "setting", "host": "host"}


def of_service(service):
    """Problems of one service by itself."""
    given = {key: kind for key, kind in SERVICE.items() if service.get(key) is not None}
    checked = {key: shapes.expected(kind, service[key]) for key, kind in given.items()}
    checked["address"] = shapes.expected_address(service["address"])
    found = [f"{key} {service[key]!r}: expected {words}" for key, words in checked.items() if words]
    found += [
        f"{key} {service[key]!r}: expected a number from {low} to {high}"
        for key, (low, high) in NUMBERS.items()
        if not (isinstance(service[key], int) and low <= service[key] <= high)
    ]
    for name, value in service["environment"].items():
        if shapes.expected("variable", name) or "\0" in str(value):
            found.append(f"environment {name!r}: expected a variable's name, and a value without NUL")
    found += [problem for need in service.get("needs") or [] for problem in of_need(need)]
    return found + of_gpus(service) + (of_release(service["release"]) if service.get("release") else [])


def of_need(need):
    """Problems of what a service says it needs."""
    given = {key: shapes.expected(kind, need[key]) for key, kind in NEED.items() if need.get(key)}
    found = [f"needs.{key} {need[key]!r}: expected {words}" for key, words in given.items() if words]
    if need["kind"] == "http" and not str(need.get("url") or "").startswith(("http://", "https://")):
        found.append(f"needs.url {need.get('url')!r}: expected the URL that {need['kind']} asks")
    if need["kind"] == "tcp" and not (need.get("port") or need.get("config")):
        found.append("needs.port: tcp has to be told which")
    return found


def of_gpus(service):
    """Problems of replicas and of what they compute on."""
    found = []
    number = service.get("replicas")
    if number is not None and not 1 <= number <= MOST_REPLICAS:
        found.append(f"replicas {number!r}: expected a number from 1 to {MOST_REPLICAS}")
    words = {gpu: shapes.expected("gpu", gpu) for gpu in service.get("gpus") or []}
    found += [f"gpus {gpu!r}: expected {word}" for gpu, word in words.items() if word]
    fraction = service.get("gpu_fraction")
    if fraction is not None and not 0 < fraction <= 1:
        found.append(f"gpu_fraction {fraction!r}: expected a number above 0, and at most 1")
    return found + of_model_server(service)


def of_model_server(service):
    """Problems of the model server's command; the first word must not be something else to env."""
    words = service.get("model_server") or []
    program = words[0] if words else "python"
    if not program or program.startswith("-") or "=" in program or any("\0" in word for word in words):
        return [f"model_server {words!r}: expected a program and its arguments, without NUL"]
    return []


def of_release(release):
    """Problems of how a release is made."""
    found = []
    if shapes.expected("relative_path", release["creates"]):
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
    for key, kind in SETTINGS.items():
        checked = {value: shapes.expected(kind, value) for value in settings[key]}
        found += [f"{value!r}: expected {words}" for value, words in checked.items() if words]
    return found + taken_twice(services, "model_key") + taken_twice(serving.instances(services), "port")


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"service_problems": service_problems}
