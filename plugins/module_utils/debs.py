"""The `.deb` files of versions that were replaced, kept so that going back needs no source.

Standard library only, Python 3.6 syntax.
"""

import glob
import os
import shutil

from ansible_collections.codehub.aimlsetup.plugins.module_utils import aptrun

DIRECTORY = "/var/lib/aimlsetup/debs"
LIMIT = 4 * 1000**3  # bytes; beyond it the oldest go


def pattern(name, version):
    """What apt calls the file of a package, whatever its architecture."""
    package, _colon, architecture = name.partition(":")
    return "%s_%s_%s.deb" % (package, version.replace(":", "%3a"), architecture or "*")


def find(commands, name, version, directories=(DIRECTORY, aptrun.ARCHIVES)):
    """The file of a package in this version, whole, or None."""
    for directory in directories:
        for path in sorted(glob.glob(os.path.join(glob.escape(directory), pattern(name, version)))):
            status, output = commands.execute(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", path])
            if status == 0 and output == "%s %s" % (name.partition(":")[0], version):
                return path
    return None


def replaced(changes):
    """[(name, version)] that a transaction takes away."""
    return [(change["name"], change["from"]) for change in changes if change["from"]]


def offered(commands, name, version):
    """Whether a source has this version."""
    status, _output = commands.execute(["apt-get", "download", "--print-uris", "--", "%s=%s" % (name, version)])
    return status == 0


def lost(commands, changes):
    """Those that could not be kept: `name version` that is nowhere."""
    return [
        "%s %s" % pair for pair in replaced(changes) if not find(commands, *pair) and not offered(commands, *pair)
    ]


def keep(commands, changes):
    """Keep what a transaction is about to take away, as far as it can be had."""
    for name, version in replaced(changes):
        if find(commands, name, version, (DIRECTORY,)):
            continue
        os.makedirs(DIRECTORY, mode=0o700, exist_ok=True)
        there = find(commands, name, version, (aptrun.ARCHIVES,))
        if there:
            part = os.path.join(DIRECTORY, ".part")
            shutil.copyfile(there, part)
            os.rename(part, os.path.join(DIRECTORY, os.path.basename(there)))
        else:
            commands.execute(["apt-get", "-q", "download", "--", "%s=%s" % (name, version)], cwd=DIRECTORY)
    shrink()


def shrink():
    """Drop the oldest files beyond `LIMIT`."""
    files = sorted(glob.glob(os.path.join(DIRECTORY, "*.deb")), key=os.path.getmtime, reverse=True)
    total = 0
    for path in files:
        total += os.path.getsize(path)
        if total > LIMIT:
            os.unlink(path)
