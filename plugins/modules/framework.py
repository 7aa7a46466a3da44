#!/usr/bin/python
"""Ansible module: whether the frameworks of a Python environment use the host's GPUs. Reads only."""

DOCUMENTATION = r"""
---
module: framework
short_description: Whether frameworks use the host's GPUs
description:
  - Imports the frameworks with the environment's own interpreter, counts the GPUs that each sees against those of
    NVIDIA's on the bus, and loads every library that they load by name when they start.
  - Fails with everything that is missing and what brings it. Changes nothing, in check mode or not.
  - Where no GPU is on the bus none has to be seen, and the driver's libraries are not asked for; it says so.
options:
  path:
    description: Directory of the virtualenv.
    type: path
    required: true
  frameworks:
    description: Modules that have to use the GPUs.
    type: list
    elements: str
    choices: [tensorflow, torch]
    required: true
  libraries:
    description: What they load.
    type: list
    elements: dict
    default: []
    options:
      name:
        description: The library's name, such as V(libcudnn.so.9).
        type: str
        required: true
      part:
        description: What it is of.
        type: str
        choices: [driver, cuda, cudnn]
        required: true
      package:
        description: What brings it. Unset where nobody knows.
        type: str
  seconds:
    description: How long the frameworks may take.
    type: int
    default: 300
  root:
    description: Where /sys is read; another one is an arranged copy.
    type: path
    default: /
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: See that TensorFlow uses the GPUs
  codehub.aimlsetup.framework:
    path: /virtualmachines/virtualenvs/py_3
    frameworks: [tensorflow]
    libraries:
      - {name: libcudnn.so.9, part: cudnn, package: nvidia-cudnn-cu12==9.3.0.75}
"""

RETURN = r"""
gpus:
  description: PCI ids of NVIDIA's GPUs on the bus.
  type: list
  elements: str
  returned: always
frameworks:
  description: By name C({"version", "devices"}), or C({"error"}) instead.
  type: dict
  returned: always
libraries:
  description: The path of each library, or its name alone where the loader knows it; null where it does not load.
  type: dict
  returned: always
note:
  description: What could not be checked on this host, and why. None where all was.
  type: str
  returned: success
"""

import inspect
import json
import os
import signal
import subprocess

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import facts, gpuprobe, libraries

OPTIONS = {
    "path": {"type": "path", "required": True},
    "frameworks": {"type": "list", "elements": "str", "choices": ["tensorflow", "torch"], "required": True},
    "libraries": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "part": {"type": "str", "choices": ["driver", "cuda", "cudnn"], "required": True},
            "package": {"type": "str"},
        },
    },
    "seconds": {"type": "int", "default": 300},
    "root": {"type": "path", "default": "/"},
}
NVIDIA = "10de:"
SAID = 6  # last lines of what frameworks have to say
TOLD = "%s. Apply python_env and the libraries' components; `aimlsetup doctor --env %s` on the host tells more."


class Failed(Exception):
    """The environment's interpreter did not answer."""


def ask(python, frameworks, paths, seconds):
    """(what `gpuprobe` found, the last lines on standard error). Raises Failed."""
    question = json.dumps({"frameworks": frameworks, "libraries": paths})
    argv = [python, "-I", "-B", "-c", inspect.getsource(gpuprobe), question]
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed("it did not answer within %d s: a GPU or its driver may hang" % seconds) from None
    except OSError as error:
        raise Failed("%s does not start: %s" % (python, error.strerror)) from None
    said = [line.rstrip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()][-SAID:]
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise Failed("it was ended by %s: %s" % (name, " / ".join(said)))
    if done.returncode:
        raise Failed("it failed (exit %d): %s" % (done.returncode, " / ".join(said)))
    return json.loads(done.stdout.decode()), said


def framework_problem(name, built, found, gpus):
    """What keeps a framework from using the GPUs, or None. Pure.

    built: its entry of `libraries.environment`, or None; found: its entry of the probe's answer.
    """
    if built is None:
        return "%s is not installed in it" % name
    title = "%s %s" % (built["distribution"], built["version"])
    if built["gpu"] is False:
        return "%s was built for the CPU alone: it never looks for a GPU. Expected: a build for CUDA" % title
    if "error" in found:
        return "%s does not import: %s" % (title, found["error"])
    if len(found["devices"]) < len(gpus):
        seen = ", ".join(found["devices"]) or "none"
        return "%s sees %d of the %d GPUs on the bus (%s): %s" % (
            title, len(found["devices"]), len(gpus), ", ".join(gpus), seen,
        )  # fmt: skip
    return None


def library_problem(library, said):
    """What is wrong with a library that does not load for the reason `said`, and what brings it. Pure."""
    name = library["name"]
    what = "is not found" if said.startswith(name + ": cannot open shared object") else "does not load: %s" % said
    return "%s %s" % (name, what) + (" (%s brings it)" % library["package"] if library["package"] else "")


def note(gpus, environment):
    """What could not be checked, or None."""
    if gpus:
        return None
    return "%s: this host has no GPU of NVIDIA's on the bus, so none was looked for" % environment


def examine(params):
    """(the module's result, its problems, what the frameworks themselves had to say)."""
    path, wanted = params["path"], params["frameworks"]
    devices = os.path.join(params["root"], "sys/bus/pci/devices")
    gpus = [found["id"] for found in facts.gpus(devices) if found["id"].startswith(NVIDIA)]
    there = libraries.environment(path)
    if there is None:
        raise Failed("there is no Python environment")
    asked = [library for library in params["libraries"] if gpus or library["part"] != "driver"]
    known = dict(there["libraries"], **there["wheels"])
    paths = {library["name"]: known.get(library["name"], library["name"]) for library in asked}
    found, said = ask(os.path.join(path, "bin", "python"), wanted, paths, params["seconds"])
    built = {entry["name"]: entry for entry in there["frameworks"]}
    problems = [framework_problem(name, built.get(name), found["frameworks"][name], gpus) for name in wanted]
    failing = [library for library in asked if found["libraries"][library["name"]]]
    problems += [library_problem(library, found["libraries"][library["name"]]) for library in failing]
    loaded = {name: None if found["libraries"][name] else paths[name] for name in paths}
    result = {"gpus": gpus, "frameworks": found["frameworks"], "libraries": loaded}
    return result, [problem for problem in problems if problem], said


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    path = module.params["path"]
    try:
        result, problems, said = examine(module.params)
    except Failed as failed:
        module.fail_json(msg=TOLD % ("%s: %s" % (path, failed), path))
    if problems:
        told = TOLD % ("%s can't use a GPU: %s" % (path, "; ".join(problems)), path)
        module.fail_json(msg="\n".join([told] + said), **result)
    module.exit_json(changed=False, note=note(result["gpus"], path), **result)


if __name__ == "__main__":
    main()
