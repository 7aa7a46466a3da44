#!/usr/bin/python
"""Ansible module: standalone builds of Python, unpacked below a root."""

DOCUMENTATION = r"""
---
module: python_build
short_description: Standalone builds of Python below a root
description:
  - Makes the builds below O(root) exactly these; what is not called as a build is left alone.
  - An archive is fetched by the host, checked, unpacked under a hidden name, started once, and gets its name by one
    rename; what a killed run left is removed by the next.
  - A build that a virtualenv below O(environments) was made with stays, wanted or not.
options:
  root:
    description: Directory of the builds. Made where some are wanted.
    type: path
    required: true
  builds:
    description: The builds, all of them.
    type: list
    elements: dict
    required: true
    options:
      name:
        description: Name of its directory, such as V(3.12.15-20261021).
        type: str
        required: true
      url:
        description: Where its archive is (http, https or file), a .tar.gz with one directory in it.
        type: str
        required: true
      sha256:
        description: Digest of the archive.
        type: str
        required: true
  environments:
    description: Directory of the virtualenvs that may use them.
    type: path
    required: true
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Bring a Python that the distribution does not have
  codehub.aimlsetup.python_build:
    root: /opt/aimlsetup/pythons
    environments: /virtualmachines/virtualenvs
    builds:
      - name: 3.12.15-20261021
        url: https://mirror.example.org/20261021/cpython-3.12.15.tar.gz
        sha256: 6d7521138fd33afddc1ccd08abb007d9a2829e38117c2576f9efdc0ec73ce772
"""

RETURN = r"""
added:
  description: Builds that were (or would be) unpacked.
  type: list
  elements: str
  returned: always
removed:
  description: Builds that were (or would be) removed.
  type: list
  elements: str
  returned: always
plan:
  description:
    - C(packages), rows of name, from and to; C(download), bytes; C(disk), bytes, C(estimated); C(unsized), builds
      whose source does not tell their size.
  type: dict
  returned: always
space:
  description: What is claimed of file systems, as rows of path, device, free, need and least (bytes).
  type: list
  elements: dict
  returned: always
"""

import contextlib
import fcntl
import glob
import hashlib
import http.client
import os
import re
import shutil
import ssl
import urllib.error
import urllib.request

from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
    atomic,
    installers,
    network,
    shapes,
    space,
    state,
)
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "root": {"type": "path", "required": True},
    "builds": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "sha256": {"type": "str", "required": True},
        },
    },
    "environments": {"type": "path", "required": True},
}
UNPACKED = 3  # about that many bytes on disk per byte of an archive
SILENCE = 30  # seconds without an answer
CHUNK = 1 << 18
STARTS = ["-I", "-c", "import ctypes, ssl, venv, zlib"]


class Failed(Exception):
    """A build that can't be had or does not run, in words."""


def check(builds):
    """Raise Failed for what can't be a build."""
    for one in builds:
        for key, kind in (("name", "build"), ("url", "url"), ("sha256", "sha256")):
            words = shapes.expected(kind, one[key])
            if words:
                raise Failed("builds: %s is not accepted: expected %s" % (key, words))


def used(environments):
    """Interpreters' directories that virtualenvs name as theirs."""
    found = set()
    for path in glob.glob(os.path.join(glob.escape(environments), "*", "pyvenv.cfg")):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as handle:
            found.update(re.findall(r"^home *= *(.+?) *$", handle.read(), re.MULTILINE))
    return found


def superfluous(root, wanted, homes):
    """Builds below the root that are neither wanted nor any virtualenv's."""
    there = sorted(os.listdir(root)) if os.path.isdir(root) else []
    builds = [name for name in there if shapes.expected("build", name) is None]
    return [name for name in builds if name not in wanted and os.path.join(root, name, "bin") not in homes]


def opened(url, method="GET"):
    """The answer of a URL, with the host's own certificates trusted."""
    bundle = os.environ.get("SSL_CERT_FILE", installers.BUNDLE)
    context = ssl.create_default_context(cafile=bundle if os.path.exists(bundle) else None)
    request = urllib.request.Request(url, method=method)  # noqa: S310 - `check` has seen it
    way_out = network.load()
    login = network.basic(url, way_out)
    if login:
        request.add_unredirected_header("Authorization", login)
    return network.opener(url, way_out, context).open(request, timeout=SILENCE)


def size(url):
    """Bytes of what lies at a URL; None where it does not tell."""
    try:
        with opened(url, "HEAD") as answer:
            return int(answer.headers.get("Content-Length") or 0) or None
    except (OSError, ValueError, http.client.HTTPException):
        return None


def fetch(build, path):
    """Write the archive to a path. Raises Failed where it is not the one that is known."""
    digest = hashlib.sha256()
    try:
        with opened(build["url"]) as answer, open(path, "wb") as handle:
            for chunk in iter(lambda: answer.read(CHUNK), b""):
                digest.update(chunk)
                handle.write(chunk)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        why = getattr(error, "reason", None) or error
        raise Failed(
            "Python %s can't be fetched from %s: %s. A mirror that this host reaches can be named under "
            "`sources: {python_builds: URL}`." % (build["name"], build["url"], why)
        )
    if digest.hexdigest() != build["sha256"]:
        raise Failed(
            "%s is not the build of Python that is known. Expected: sha256 %s; found: sha256 %s. Nothing of it was "
            "used: find out who changed it." % (build["url"], build["sha256"], digest.hexdigest())
        )


def unpack(root, build):
    """Bring one build. Raises Failed, with nothing of it left."""
    name = build["name"]
    archive, new = (os.path.join(root, ".%s.%s" % (name, end)) for end in ("tar.gz", "new"))
    try:
        fetch(build, archive)
        os.mkdir(new, 0o755)
        status, said = state.run(["tar", "-xzf", archive, "-C", new, "--no-same-owner", "--strip-components=1"])
        if status != 0:
            raise Failed("Python %s can't be unpacked in %s: %s" % (name, root, said.strip()[-500:]))
        if not runs(new):
            raise Failed(
                "Python %s does not run in %s: it must not be mounted noexec, and the build must be for %s."
                % (name, root, os.uname().machine)
            )
        state.run(["sync", "-f", new])
        os.rename(new, os.path.join(root, name))
        atomic.sync_directory(root)
    finally:
        clean(root)


def runs(directory):
    """Whether the build in a directory starts."""
    program = os.path.join(directory, "bin", "python3")
    return os.access(program, os.X_OK) and state.run([program] + STARTS)[0] == 0


def clean(root):
    """Remove what is half done."""
    for path in glob.glob(os.path.join(glob.escape(root), ".*")):
        (shutil.rmtree if os.path.isdir(path) and not os.path.islink(path) else os.unlink)(path)


def plan(due, claimed, sizes):
    """What bringing these takes, for people who decide on it."""
    rows = [{"name": "Python", "from": None, "to": one["name"]} for one in due]
    unsized = ["Python %s" % one["name"] for one, found in zip(due, sizes) if found is None]
    download = sum(found or 0 for found in sizes)
    disk = sum(one["need"] for one in claimed)
    return {"packages": rows, "download": download, "disk": disk, "estimated": bool(due), "unsized": unsized}


def work(module):
    """Compare, then act unless in check mode; the module's result."""
    root, builds = module.params["root"], module.params["builds"]
    check(builds)
    due = [one for one in builds if not runs(os.path.join(root, one["name"]))]
    gone = superfluous(root, [one["name"] for one in builds], used(module.params["environments"]))
    sizes = [size(one["url"]) for one in due]
    total = sum(found or 0 for found in sizes)
    claimed = [space.claim(root, total * UNPACKED, total)] if due else []
    short = space.shortage(claimed)
    if short:
        raise Failed("%s. Nothing was fetched: free some space first." % short)
    if not module.check_mode:
        for name in gone:
            shutil.rmtree(os.path.join(root, name))
        for one in due:
            shutil.rmtree(os.path.join(root, one["name"]), ignore_errors=True)
            unpack(root, one)
        if os.path.isdir(root) and not os.listdir(root):
            os.rmdir(root)
    return {
        "changed": bool(due or gone),
        "added": [one["name"] for one in due],
        "removed": gone,
        "plan": plan(due, claimed, sizes),
        "space": claimed,
    }


def main():
    """Run the module."""
    module = writer(OPTIONS)
    root = module.params["root"]
    try:
        if module.check_mode or not (module.params["builds"] or os.path.isdir(root)):
            module.exit_json(**work(module))
        os.makedirs(root, 0o755, exist_ok=True)
        descriptor = os.open(root, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        clean(root)
        result = work(module)
    except Failed as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg="builds of Python in %s: %s. What is in use is untouched." % (root, error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
