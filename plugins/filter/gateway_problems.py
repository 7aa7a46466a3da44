"""Jinja filters of the role gateway: what of its options nginx could not be told, and what it asks for health."""

DOCUMENTATION = r"""
---
name: gateway_problems
short_description: What is wrong with a gateway's options
description:
  - Says in one sentence each which values nginx's configuration could not hold, and which are in each other's way.
options:
  _input:
    description: The models, complete.
    type: list
    elements: dict
    required: true
  settings:
    description: The role's other options by their names, numbers in V(numbers).
    type: dict
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
problems: "{{ models | codehub.aimlsetup.gateway_problems(settings) }}"
"""

RETURN = r"""
_value:
  description: One sentence per problem; none when all can be served.
  type: list
  elements: str
"""

from ansible_collections.codehub.aimlsetup.plugins.module_utils import shapes

SETTINGS = {"base_path": "base_path", "body_size": "body_size", "user": "account", "default_model": "model_key"}
OWN = "/gateway"  # below it nginx answers for its health
SECONDS = (1, 86400)
PORTS = (1, 65535)


def number(what, value, bounds):
    """Sentences about a number outside its bounds; none when it is in order."""
    low, high = bounds
    fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    return [] if fits else [f"{what} {value!r}: expected a number from {low} to {high}"]


def shaped(what, value, kind):
    """Sentences about a value that is not of its kind."""
    words = shapes.expected(kind, value)
    return [f"{what} {value!r}: expected {words}"] if words else []


def networks(values):
    """Sentences about what is neither an address nor a network."""
    found = {value: shapes.expected_network(value) for value in values}
    return [f"allow {value!r}: expected {words}" for value, words in found.items() if words]


def repeated(what, values):
    """Sentences about values that stand more than once."""
    several = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    return [f"{what} {value!r} is given {values.count(value)} times" for value in several]


def of_model(model):
    """Problems of one model."""
    key, servers = model["model_key"], model["servers"]
    found = shaped("model_key", key, "model_key") + shaped("health_path", model["health_path"], "url_path")
    if not servers:
        found.append("no server is named that serves it")
    for server in servers:
        words = shapes.expected_endpoint(server["address"])
        found += [f"address {server['address']!r}: expected {words}"] if words else []
        found += shaped("host", server["host"], "host_name") + number("port", server["port"], PORTS)
    found += repeated("the server", [f"{server['address']}:{server['port']}" for server in servers])
    return [f"{key}: {problem}" for problem in found]


def of_tools(tools, base_path):
    """Problems of the tools beside the API."""
    found = []
    for tool in tools:
        path = tool["path"]
        own = shaped("path", path, "tool_path") + shaped("url", tool["url"], "origin") + networks(tool["allow"])
        if any(path.startswith(taken + "/") or (taken + "/").startswith(path) for taken in (base_path, OWN)):
            own.append(f"it can't lie there, since {base_path}/ and {OWN}/ are the gateway's")
        found += [f"{path}: {problem}" for problem in own]
    return found + repeated("the path", [tool["path"] for tool in tools])


def gateway_problems(models, settings):
    """What is wrong with models and settings, one sentence each; an empty list when nothing is."""
    keys = [model["model_key"] for model in models]
    found = [problem for model in models for problem in of_model(model)] + repeated("model_key", keys)
    for name, kind in SETTINGS.items():
        found += shaped(name, settings[name], kind) if settings[name] is not None else []
    words = shapes.expected_address(settings["address"])
    found += [f"address {settings['address']!r}: expected {words}"] if words else []
    for port in settings["ports"]:
        found += number("port", port, PORTS)
    found += repeated("port", settings["ports"])
    for name, value in settings["numbers"].items():
        found += number(name, value, SECONDS)
    default = settings["default_model"]
    if default is not None and default not in keys:
        known = ", ".join(keys) or "the models, of which there is none"
        found.append(f"default_model {default!r}: expected one of {known}")
    return found + networks(settings["allow"]) + of_tools(settings["tools"], settings["base_path"])


def in_url(address):
    """An IP address or name as it stands before a port."""
    return f"[{address}]" if ":" in address else address


def gateway_health(models, origin):
    """[{"what", "url"}]: each model through the gateway at `origin`, and each of its servers by itself."""
    asked = []
    for model in models:
        key, path = model["model_key"], model["health_path"]
        asked.append({"what": f"{key} through the gateway", "url": f"{origin}/gateway/health/{key}"})
        asked += [
            {
                "what": f"{key} on {server['host']} ({in_url(server['address'])}:{server['port']})",
                "url": f"http://{in_url(server['address'])}:{server['port']}{path}",
            }
            for server in model["servers"]
        ]
    return asked


def gateway_silence(result):
    """What was asked, and how it did not answer, of one result of the module uri."""
    return f"{result['item']['what']}: {result.get('msg') or 'no answer'}"


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {
            "gateway_problems": gateway_problems,
            "gateway_health": gateway_health,
            "gateway_silence": gateway_silence,
            "in_url": in_url,
        }
