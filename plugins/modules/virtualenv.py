#!/usr/bin/python
"""Ansible module: the dated virtualenvs below a root, each behind its common name."""

DOCUMENTATION = r"""
---
module: virtualenv
short_description: Dated virtualenvs behind common names
description:
  - Makes the virtualenvs below O(root) exactly these. Each is built under a dated name (V(py_3-11_2026-11-21)) and
    reached by its common name (V(py_3)), a link that is flipped by one rename when the build is complete. A failed or
    killed build never flips it.
  - A dated name is chosen at the first build and kept while the inputs stay the same and everything installed is as it
    was; otherwise a new one is built beside. Nothing is ever changed inside one.
  - Only what is named with an exact version and a sha256 is installed. C(uv) takes wheels only, since a source
    distribution brings build requirements that nobody hashed; C(pip) builds with the environment's own setuptools.
  - Directories this module did not build are never touched.
options:
  root:
    description: Directory of the virtualenvs. Must exist, unless there are no O(environments).
    type: str
    required: true
  environments:
    description: The environments, all of them; generations of others that this module built are removed.
    type: list
    elements: dict
    required: true
    options:
      name:
        description: Common name.
        type: str
        required: true
      python:
        description: Version of an interpreter this host has (V(3.11)), or an absolute path.
        type: str
        required: true
      requirements:
        description: What is installed, all of it, as lines C(name==version --hash=sha256:…).
        type: list
        elements: str
        required: true
      installer:
        description: V(pip) for Pythons that uv can't serve.
        type: str
        choices: [uv, pip]
        default: uv
      keep:
        description: How many earlier generations stay besides the current one. One in use always stays.
        type: int
        default: 1
      download:
        description: Bytes of the files that the requirements name. Unset where nobody knows.
        type: int
      indexes:
        description: Package indexes (simple API) that have some of it, asked before O(index), in this order.
        type: list
        elements: str
        default: []
  existing:
    description:
      - Common names of virtualenvs that others keep up, and the directories they are to lead to. Nothing is changed in
        these.
    type: dict
    default: {}
  uv:
    description: Path of the uv executable. Needed by environments with installer uv.
    type: str
  cache:
    description: Directory of uv's cache.
    type: str
  index:
    description: Package index (simple API). Unset uses what the host is configured to use.
    type: str
  owner:
    description: Owner of what is built, unset who runs this.
    type: str
  group:
    description: Group of what is built, unset the own one of who runs this.
    type: str
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Build what is missing
  codehub.aimlsetup.virtualenv:
    root: /virtualmachines/virtualenvs
    uv: /opt/aimlsetup/uv/bin/uv
    environments:
      - name: py_3
        python: "3.11"
        requirements: ["six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"]
"""

RETURN = r"""
generations:
  description: Dated directory behind each common name; null in check mode where it is still to be built.
  type: dict
  returned: always
built:
  description: Common names that were (or would be) built anew.
  type: list
  elements: str
  returned: always
removed:
  description: Generations that were removed, cut-short builds included.
  type: list
  elements: str
  returned: always
unowned:
  description: Marks of common names that lead elsewhere, and of what is in the way, where no receipt owns them.
  type: list
  elements: dict
  returned: always
plan:
  description:
    - C(packages), what a build installs, as rows of name, from (null when new) and to; C(download), bytes; C(disk),
      bytes, C(estimated) from that by a measured ratio; C(unsized), environments whose size nobody knows.
  type: dict
  returned: always
space:
  description: What is claimed of file systems, as rows of path, device, free, need and least (bytes).
  type: list
  elements: dict
  returned: always
"""

import grp
import os
import pwd
import re
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
    atomic,
    generations,
    installers,
    shapes,
    space,
    unowned,
)
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "root": {"type": "str", "required": True},
    "environments": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "python": {"type": "str", "required": True},
            "requirements": {"type": "list", "elements": "str", "required": True},
            "installer": {"type": "str", "choices": ["uv", "pip"], "default": "uv"},
            "keep": {"type": "int", "default": 1},
            "download": {"type": "int"},
            "indexes": {"type": "list", "elements": "str", "default": []},
        },
    },
    "existing": {"type": "dict", "default": {}},
    "uv": {"type": "str"},
    "cache": {"type": "str"},
    "index": {"type": "str"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
}
# Indexes do not say what a wheel unpacks to. Measured: 390 MB of wheels around TensorFlow became 1.79 GB with bytecode,
# and 1.66 GB in uv's cache.
UNPACKED = 4.6
CACHED = 4.3
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9._, -]*\])?==(?P<version>[A-Za-z0-9.!+_-]+)"
    r"( *; *[A-Za-z0-9_ .'\"<>=!~()]+?)?( +--hash=sha256:[0-9a-f]{64})+ *"
)


class Refused(Exception):
    """Options that make no sense, or something of somebody else's in the way."""


def meet(root, environments, ledger):
    """Note what is there and nobody's in place of the common names; those that can be made. Raises unowned.Unasked."""
    known, possible = generations.finished(root), []
    for environment in environments:
        link = os.path.join(root, environment["name"])
        if os.path.lexists(link) and not os.path.islink(link):
            why = "the link to the current environment is to be there"
            if ledger.meet("paths", link, unowned.IN_THE_WAY, why):
                continue
        elif os.path.islink(link) and os.readlink(link) not in known:
            why = "a link to %s, which would lead to an environment that is built" % os.readlink(link)
            ledger.meet("paths", link, unowned.REPLACE, why)
        possible.append(environment)
    return possible


def lead(root, existing, ledger, check_mode):
    """Have common names lead to virtualenvs that others keep up; the names that had to be changed."""
    changed = []
    for name, path in sorted(existing.items()):
        link = os.path.join(root, name)
        if not NAME.fullmatch(name) or not os.path.isabs(path):
            raise Refused("existing %r: expected a common name, and the absolute path of a virtualenv" % name)
        if not os.path.exists(os.path.join(path, "bin", "python")):
            raise Refused("%s, which %s is to lead to, has no bin/python that can be run" % (path, link))
        if os.path.lexists(link) and os.path.realpath(link) == os.path.realpath(path):
            continue
        if os.path.lexists(link) and not os.path.islink(link):
            ledger.meet("paths", link, unowned.IN_THE_WAY, "a link to %s is to be there" % path)
            raise Refused("%s is no link. Move it away, or choose another common name." % link)
        if os.path.islink(link):
            why = "a link to %s, where one to %s is to be" % (os.readlink(link), path)
            ledger.meet("paths", link, unowned.REPLACE, why)
        changed.append(name)
        if not check_mode:
            atomic.link(link, os.path.basename(path) if os.path.dirname(path) == root else path)
    return changed


def check(root, environments):
    """Raise Refused for names and requirements that can't be data of an installer."""
    names = [environment["name"] for environment in environments]
    for environment in environments:
        name = environment["name"]
        if not NAME.fullmatch(name) or names.count(name) > 1:
            raise Refused("environment name %r: expected letters, digits, '_', '.' and '-', each name once" % name)
        for line in environment["requirements"]:
            if not REQUIREMENT.fullmatch(line):
                raise Refused(
                    "%s: requirement %r: expected name==version --hash=sha256:<64 hex digits>; `aimlsetup lock` "
                    "writes such lines" % (name, line[:200])
                )
        for position, url in enumerate(environment["indexes"]):
            words = shapes.expected("url", url)
            if words:  # the URL itself is not shown: there may be a password in it
                raise Refused("%s: indexes[%d] is not accepted: expected %s" % (name, position, words))
        link = os.path.join(root, name)
        if os.path.lexists(link) and not os.path.islink(link):
            raise Refused(
                "%s is to be the link to the current environment, but something else is there. Nothing was changed: "
                "move it away (`mv %s %s.old`) or choose another common name." % (link, link, link)
            )


def versions(environment):
    """{distribution: version} an environment asks for."""
    matches = [REQUIREMENT.fullmatch(line) for line in environment["requirements"]]
    return {match.group("name"): match.group("version") for match in matches}


def rows(environment, before):
    """What a build installs compared to the generation before, as plan rows."""
    wanted, had = versions(environment), versions(before or {"requirements": []})
    changed = sorted(name for name in set(wanted) | set(had) if wanted.get(name) != had.get(name))
    return [{"name": name, "from": had.get(name), "to": wanted.get(name)} for name in changed]


def claims(params, environments):
    """What building these claims of file systems: as much as is downloaded is certain to be unpacked there."""
    total = sum(one["download"] or 0 for one in environments)
    by_uv = sum(one["download"] or 0 for one in environments if one["installer"] == "uv")
    found = [space.claim(params["root"], total * UNPACKED, total)]
    return found + ([space.claim(params["cache"], by_uv * CACHED, 0)] if params["cache"] else [])


def plan(environments, packages, claimed):
    """What building these takes, for people who decide on it."""
    return {
        "packages": packages,
        "download": sum(one["download"] or 0 for one in environments),
        "disk": sum(one["need"] for one in claimed),
        "estimated": bool(environments),
        "unsized": [one["name"] for one in environments if one["download"] is None],
    }


def reserve(root, environment, version):
    """Choose a free dated name and note, durably, that it is being built; returns the name."""
    for generation in generations.candidates(environment["name"], version, time.localtime()):
        note = generations.building(root, generation)
        if not os.path.lexists(os.path.join(root, generation)) and not os.path.lexists(note):
            break
    atomic.write(note, "".join(line + "\n" for line in environment["requirements"]).encode(), 0o644)
    return generation


def give(directory, uid, gid):
    """Hand a whole tree to its owner, links themselves rather than what they lead to."""
    os.lchown(directory, uid, gid)
    for parent, directories, files in os.walk(directory):
        for name in directories + files:
            os.lchown(os.path.join(parent, name), uid, gid)


def build(params, environment, lock):
    """Build one generation; its name. Raises installers.Failed, with nothing of the build left."""
    root = params["root"]
    interpreter, version = installers.interpreter(environment["python"])
    uid = pwd.getpwnam(params["owner"]).pw_uid if params["owner"] else os.geteuid()
    gid = grp.getgrnam(params["group"]).gr_gid if params["group"] else os.getegid()
    generation = reserve(root, environment, version)
    directory = os.path.join(root, generation)
    try:
        sources = (params["index"], environment["indexes"])
        install = installers.Installer(environment["installer"], params["uv"], params["cache"], sources, lock)
        install(interpreter, directory, generations.building(root, generation))
        give(directory, uid, gid)
        record = {key: environment[key] for key in ("name", "python", "installer", "requirements")}
        generations.finish(root, generation, dict(record, inputs=generations.inputs_digest(environment)))
    except BaseException:
        generations.discard(root, generation)
        raise
    return generation


def prune(root, environments, known):
    """Remove generations that may go; their names."""
    keep = {environment["name"]: environment["keep"] for environment in environments}
    ours = {record["name"] for record in known.values()}
    for name in ours - set(keep):
        if generations.current(root, name) in known:
            os.unlink(os.path.join(root, name))
    currents = {generations.current(root, name) for name in keep}
    used = generations.linked(root, ours) | generations.running(root, known)
    gone = generations.superfluous(known, keep, currents, used)
    for generation in gone:
        generations.discard(root, generation)
    return gone


def sweep(root):
    """Remove what is left of builds that were cut short; their names."""
    swept = generations.unfinished(root)
    for generation in swept:
        generations.discard(root, generation)
    return swept


def bring_about(params, fits, lock):
    """Build, flip, prune; returns (generations by name, names removed)."""
    root, environments = params["root"], params["environments"]
    result = {}
    for environment in environments:
        name = environment["name"]
        result[name] = fits[name] or build(params, environment, lock)
        if generations.current(root, name) != result[name]:
            atomic.link(os.path.join(root, name), result[name])
    return result, prune(root, environments, generations.finished(root))


def work(module, lock, ledger):
    """Compare, then act unless in check mode; the module's result."""
    root = module.params["root"]
    environments = meet(root, module.params["environments"], ledger)
    check(root, environments)
    known = generations.finished(root)
    before = {environment["name"]: generations.current(root, environment["name"]) for environment in environments}
    fits = {environment["name"]: generations.fitting(root, environment, known) for environment in environments}
    due = [environment for environment in environments if fits[environment["name"]] is None]
    packages = [row for one in due for row in rows(one, known.get(before[one["name"]]))]
    removed = [] if module.check_mode else sweep(root)
    claimed = claims(module.params, due)
    short = space.shortage(claimed)
    if short:
        raise Refused("%s. Nothing was built, the environments in use are untouched: free some space first." % short)
    result = dict(fits)
    if not module.check_mode:
        result, pruned = bring_about(module.params, fits, lock)
        removed += pruned
    led = lead(root, module.params["existing"], ledger, module.check_mode)
    before.update(dict.fromkeys(led))
    result.update({name: os.path.basename(path) for name, path in module.params["existing"].items()})
    before.update({name: result[name] for name in module.params["existing"] if name not in led})
    changed = bool(due or removed or result != before)
    shown = {name: result[name] or "(to be built)" for name in result}
    return {
        "changed": changed,
        "generations": result,
        "built": [environment["name"] for environment in due],
        "removed": removed,
        "plan": plan(due, packages, claimed),
        "space": claimed,
        "unowned": ledger.marks,
        "diff": {"before": before, "after": shown} if changed else {},
    }


def main():
    """Run the module."""
    module = writer(OPTIONS)
    root, environments = module.params["root"], module.params["environments"]
    if not os.path.isdir(root) and environments and not module.check_mode:
        module.fail_json(msg="%s: no such directory; the root of the virtualenvs is made before them." % root)
    ledger = unowned.Ledger(module)
    try:
        if os.path.isdir(root):
            with generations.exclusive(root) as lock:
                result = work(module, lock, ledger)
        else:
            result = work(module, None, ledger)
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", unowned=ledger.marks)
    except (Refused, installers.Failed, generations.Busy) as error:
        module.fail_json(msg=str(error))
    except (OSError, KeyError) as error:
        module.fail_json(msg="virtualenvs in %s: %s. The environments in use are untouched." % (root, error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
