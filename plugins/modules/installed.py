#!/usr/bin/python
"""Ansible module: whether packages are exactly as wished, and their GPU libraries can be loaded. Reads only."""

DOCUMENTATION = r"""
---
module: installed
short_description: Check that packages are exactly as wished and their GPU libraries can be loaded
description:
  - Compares what dpkg says with O(packages), version and hold.
  - Every GPU library that these packages have installed is then loaded by its name, each in a process of its own, as a
    framework would. What cannot be loaded is named with the loader's words, which name a missing dependency.
options:
  packages:
    description: What is to be installed, as V(name), V(name=version) or V(name=begins-so*).
    type: list
    elements: str
    required: true
  hold:
    description: Whether dpkg is to hold them. Unset does not look.
    type: bool
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Verify | cuDNN
  codehub.aimlsetup.installed:
    packages: [libcudnn8=8.9.6.50-1+cuda11.8]
    hold: true
"""

RETURN = r"""
libraries:
  description: Libraries that could be loaded, by name, with their files.
  type: dict
  returned: always
  sample: {libcudnn.so.8: /usr/lib/x86_64-linux-gnu/libcudnn.so.8}
problems:
  description: What is not as it should be, in words.
  type: list
  elements: str
  returned: always
"""

import os
import subprocess
import sys

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import apt, libraries, state

PATIENCE = 60  # seconds to load one library; the largest are half a gigabyte
LOAD = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"


def package_problems(wishes, found, hold):
    """What differs between wishes and `state.packages`, in words."""
    problems = []
    for name, version in sorted(wishes.items()):
        if found[name] is None:
            problems.append("%s is not installed, expected %s" % (name, version or "any version"))
        elif not apt.fits(found[name]["version"], version):
            problems.append("%s is %s, expected %s" % (name, found[name]["version"], version))
        elif hold is not None and found[name]["hold"] != hold:
            problems.append("%s is %s" % (name, "not held, expected held" if hold else "held, expected not held"))
    return problems


def of_files(files, known):
    """({soname: path}, [files the loader does not know]) of the GPU libraries among `files`.

    `known` is {soname: path}, all that the loader knows. Links count as the file that they lead to.
    """
    mine = {os.path.realpath(path) for path in files if libraries.NAME.match(os.path.basename(path))}
    sonames = {name: path for name, path in known.items() if os.path.realpath(path) in mine}
    unknown = mine - {os.path.realpath(path) for path in sonames.values()}
    return sonames, sorted(unknown)


def trouble(soname):
    """Why a library can't be loaded, in the loader's words; "" when it can."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    argv = [sys.executable, "-c", LOAD, soname]
    try:
        done = subprocess.run(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "it took more than %d s" % PATIENCE
    words = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it ended with %d" % done.returncode]
    return words[-1].replace("OSError: ", "", 1) if done.returncode else ""


def look(wishes, hold):
    """({soname: path} that can be loaded, problems in words)."""
    found = state.packages(wishes)
    problems = package_problems(wishes, found, hold)
    there = sorted(name for name in wishes if found[name])
    _status, listing = state.run(["dpkg-query", "-L"] + there) if there else (0, "")
    sonames, unknown = of_files(listing.splitlines(), libraries.on_host()[0])
    problems += [
        "%s is %s" % (path, "not in the loader's cache (ldconfig)" if os.path.exists(path) else "gone")
        for path in unknown
    ]
    troubles = {name: trouble(name) for name in sonames}
    problems += ["%s can't be loaded: %s" % item for item in sorted(troubles.items()) if item[1]]
    return {name: path for name, path in sonames.items() if not troubles[name]}, problems


def main():
    """Run the module."""
    options = {"packages": {"type": "list", "elements": "str", "required": True}, "hold": {"type": "bool"}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    try:
        wishes = dict(apt.parse_wish(text) for text in module.params["packages"])
    except ValueError as error:
        module.fail_json(msg="packages: %s." % error)
    loaded, problems = look(wishes, module.params["hold"])
    if problems:
        hint = "hint: apply this component again; a library that another one needs belongs to a component before it."
        module.fail_json(msg="\n".join(problems + [hint]), libraries=loaded, problems=problems)
    module.exit_json(changed=False, libraries=loaded, problems=[])


if __name__ == "__main__":
    main()
