"""Asks the frameworks of a Python environment for their GPUs, and the loader for what they load.

A script for the environment's own interpreter, which may be a Python 3.6: it gets {"frameworks": [names], "libraries":
{name: path, or the name again}} as JSON in its only argument, and prints as JSON {"frameworks": {name: {"version",
"devices"} or {"error"}}, "libraries": {name: None, or why it does not load}}. Standard library only.
"""

import ctypes
import importlib
import json
import os
import sys


def _tensorflow(module):
    config = getattr(module, "config", None)
    listing = getattr(config, "list_physical_devices", None)  # 2.1 and later
    if listing is None:  # 1.14 to 2.0
        listing = getattr(getattr(config, "experimental", None), "list_physical_devices", None)
    if listing is not None:
        return [device.name for device in listing("GPU")]
    listed = importlib.import_module("tensorflow.python.client.device_lib").list_local_devices()
    return [device.name for device in listed if device.device_type == "GPU"]


def _torch(module):
    return [module.cuda.get_device_name(number) for number in range(module.cuda.device_count())]


DEVICES = {"tensorflow": _tensorflow, "torch": _torch}


def framework(name):
    """{"version", "devices"} of a framework, or {"error"}."""
    try:
        module = importlib.import_module(name)
        return {"version": str(module.__version__), "devices": DEVICES[name](module)}
    except Exception as error:  # noqa: BLE001 - a broken framework fails in ways of its own
        return {"error": "%s: %s" % (type(error).__name__, error)}


def library(path):
    """None, or why the loader does not load it."""
    try:
        ctypes.CDLL(path)
    except OSError as error:
        return str(error)
    return None


def main():
    """Answer on standard output, where frameworks have nothing to say."""
    answer = os.dup(1)
    os.dup2(2, 1)
    asked = json.loads(sys.argv[1])
    found = {"frameworks": {name: framework(name) for name in asked["frameworks"]}}
    found["libraries"] = {name: library(path) for name, path in asked["libraries"].items()}
    with os.fdopen(answer, "w") as output:
        json.dump(found, output)


if __name__ == "__main__":
    main()
