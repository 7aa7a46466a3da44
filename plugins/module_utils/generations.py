"""Dated virtualenvs behind common names: `py_3` links to `py_3-11_2026-11-21`, built beside and flipped by one rename.

A finished generation holds `aimlsetup.json`, written last: what it was built from and what it then was. While one is
built, `.<generation>.building` lies beside it; a build that was killed is recognised by that. Directories without
either are somebody else's and never touched. Standard library only, Python 3.6 syntax.
"""

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, state

MARKER = "aimlsetup.json"
VERSION = 1
LOCK_SECONDS = 900


class Busy(Exception):
    """Another build in the same root goes on."""


def inputs_digest(environment):
    """What an environment is made of: its requirements in any order, its Python as wished, its installer."""
    content = {"requirements": sorted(environment["requirements"])}
    content.update((key, environment[key]) for key in ("python", "installer"))
    return "sha256:" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def candidates(name, version, now):
    """Dated names for a build at the local time `now`, in order of preference; endless.

    `py_3` and Python 3.11.2 give `py_3-11_2026-11-21`, then `py_3-11_2026-11-21_143000`; a name that does not end in
    the major version gets it too (`tools-3-11_…`).
    """
    major, minor = version.split(".")[:2]
    stem = "%s-%s" % (name if name.endswith("_" + major) else "%s-%s" % (name, major), minor)
    yield time.strftime(stem + "_%Y-%m-%d", now)
    while True:
        yield time.strftime(stem + "_%Y-%m-%d_%H%M%S", now)
        now = time.localtime(time.mktime(now) + 1)


@contextlib.contextmanager
def exclusive(root, seconds=LOCK_SECONDS):
    """Holds the root for one builder; yields the lock's descriptor.

    Handed to the installer (`pass_fds`), it keeps the root held while an installer outlives its killed module.
    """
    descriptor = os.open(root, os.O_RDONLY)
    deadline = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            if time.monotonic() > deadline:
                raise Busy("another build in %s has been going on for %d s" % (root, seconds))
            time.sleep(0.2)
        yield descriptor
    finally:
        os.close(descriptor)


def building(root, generation):
    """The file that lies beside a generation while it is built."""
    return os.path.join(root, ".%s.building" % generation)


def finished(root):
    """{generation: its `aimlsetup.json`} of everything finished below the root."""
    found = {}
    for path in glob.glob(os.path.join(glob.escape(root), "*", MARKER)):
        directory = os.path.dirname(path)
        generation = os.path.basename(directory)
        if os.path.islink(directory) or os.path.exists(building(root, generation)):
            continue
        try:
            with open(path) as handle:
                record = json.load(handle)
        except (OSError, ValueError):
            continue
        if record.get("version") == VERSION:
            found[generation] = record
    return found


def finish(root, generation, record):
    """Declare a generation finished: everything is on the disk, then the marker, then the building file goes."""
    directory = os.path.join(root, generation)
    record = dict(record, version=VERSION, built=time.time(), state=state.venv_state(directory))
    state.run(["sync", "-f", directory])
    content = json.dumps(record, indent=1, sort_keys=True).encode() + b"\n"
    atomic.write(os.path.join(directory, MARKER), content, 0o644)
    os.unlink(building(root, generation))
    atomic.sync_directory(root)


def holds(root, generation, record):
    """Whether a finished generation still is what it was."""
    return state.venv_state(os.path.join(root, generation)) == record["state"]


def current(root, name):
    """The generation behind a common name, or None; also None when the link leads elsewhere."""
    try:
        target = os.readlink(os.path.join(root, name))
    except OSError:
        return None
    return target if os.path.basename(target) == target else None


def fitting(root, environment, known):
    """The finished generation that is what `environment` asks for and still holds; the current one if it is."""
    inputs = inputs_digest(environment)
    mine = [key for key in known if known[key]["name"] == environment["name"] and known[key]["inputs"] == inputs]
    behind = current(root, environment["name"])
    mine.sort(key=lambda key: (key == behind, known[key]["built"]), reverse=True)
    return next((key for key in mine if holds(root, key, known[key])), None)


def discard(root, generation):
    """Remove a generation; killed half-way, it is an unfinished one and the next sweep removes the rest."""
    directory, note = os.path.join(root, generation), building(root, generation)
    if not os.path.exists(note):  # a disk that a build has filled takes no other file
        atomic.write(note, b"")
    if os.path.isdir(directory):
        shutil.rmtree(directory)
    os.unlink(note)


def unfinished(root):
    """Generations whose build (or removal) was cut short."""
    found = glob.glob(os.path.join(glob.escape(root), ".*.building"))
    return sorted(os.path.basename(path)[1 : -len(".building")] for path in found)


def superfluous(known, keep, currents, used):
    """Generations that may go. Pure.

    known: {generation: record}. keep: {name: how many besides the current one}; a name that is not in it is no longer
    wanted at all. currents: generations behind the names. used: generations that something else needs.
    """
    gone = []
    for name in sorted({record["name"] for record in known.values()}):
        mine = [key for key in known if known[key]["name"] == name and (key not in currents or name not in keep)]
        mine.sort(key=lambda key: known[key]["built"], reverse=True)
        gone += [key for key in mine[keep.get(name, 0) :] if key not in used]
    return gone


def linked(root, names):
    """Generations that links below the root other than the common `names` lead to."""
    links = [path for path in glob.glob(os.path.join(glob.escape(root), "*")) if os.path.islink(path)]
    return {os.path.basename(os.path.realpath(path)) for path in links if os.path.basename(path) not in names}


def running(root, generations):
    """Generations that a running process was started from or has files of mapped."""
    found = set()
    for process in glob.glob("/proc/[0-9]*"):
        text = _text(os.path.join(process, "cmdline")) + _text(os.path.join(process, "maps"))
        found.update(key for key in generations if os.path.join(os.path.realpath(root), key, "") in text)
        found.update(key for key in generations if os.path.join(root, key, "") in text)
    return found


def _text(path):
    try:
        with open(path, "rb") as handle:
            return handle.read().decode("utf-8", "replace")
    except OSError:
        return ""
