"""Packages as they were: exact versions, what was not there, holds and auto marks, in one simulated transaction.

Goals are {name: {"version", "hold", "auto"} or None}, `version` None for left configuration files, as
`packageset.snapshot` gives them. Standard library only, Python 3.6 syntax.
"""

import hashlib
import os
import re

from ansible_collections.codehub.aimlsetup.plugins.module_utils import apt, aptrun, debs, packageset

DEPENDS = ("apt-cache", "--installed", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
           "--no-breaks", "--no-replaces", "--no-enhances", "depends", "--")  # fmt: skip
SIMULATE = ("apt-get", "-q", "-y", "-s", "-o", "Debug::NoLocking=1", "-o", "APT::Ignore-Hold=1", *aptrun.OPTIONS)
DATA = ("/var/lib/", "/var/log/", "/var/spool/", "/var/opt/", "/srv/", "/opt/")


class Way:
    """How to get there: `specs` for apt-get, its `changes`, `left` and `refused` as (name, why), what to purge."""

    def __init__(self):
        self.specs, self.changes, self.left, self.refused, self.purge = [], [], [], [], []


def find_way(commands, goals, installed, ours):
    """The `Way` to the goals from what is installed. `ours` are names whose holds are aimlsetup's own."""
    way = Way()
    due = {name: was for name, was in goals.items() if _version(was) != _version(installed.get(name))}
    theirs = [name for name in due if (installed.get(name) or {}).get("hold") and name not in ours]
    way.refused += [(name, "somebody holds it (apt-mark hold)") for name in sorted(theirs)]
    going = [name for name in sorted(due) if _version(due[name]) is None]
    needed = needed_by_others(commands, going, due)
    way.left += [(name, "%s needs it" % needed[name]) for name in going if name in needed]
    way.specs = [name + "-" for name in going if name not in needed]
    for name in sorted(set(due) - set(going)):
        version = due[name]["version"]
        file = debs.find(commands, name, version)
        if not file and not debs.offered(commands, name, version):
            why = "version %s is not kept in %s, and no source has it" % (version, debs.DIRECTORY)
            way.refused.append((name, why))
        way.specs.append(file or "%s=%s" % (name, version))
    if way.specs and not way.refused:
        status, output = commands.execute([*SIMULATE, *aptrun.INSTALL, *way.specs])
        way.changes = apt.parse_simulation(output)
        if status:
            way.refused.append(("packages", apt.explanation("simulating " + " ".join(way.specs), output)))
        way.refused += [
            (change["name"], "it would become %s with the others" % (change["to"] or "absent"))
            for change in way.changes
            if change["name"] not in due or _version(due[change["name"]]) != change["to"]
        ]
    new = [name for name, was in sorted(goals.items()) if was is None and installed.get(name)]
    way.purge = [name for name in new if name not in needed]
    return way


def _version(package):
    return (package or {}).get("version")


def needed_by_others(commands, going, due):
    """{name: by whom} of packages that something needs which is not to be changed."""
    if not going:
        return {}
    status, output = commands.execute([*SIMULATE, "--allow-change-held-packages", "remove", "--", *going])
    others = sorted(apt.removals(output) - {name.partition(":")[0] for name in due}) if status == 0 else []
    if not others:
        return {}
    needs = {line.strip() for line in commands.execute([*DEPENDS, *others])[1].splitlines() if line[:1].strip()}
    return {name: ", ".join(others[:3]) for name in going if name in needs}


def go(commands, way, goals):
    """Do it; [(name, why it is not wholly as it was)]. Ends the module where apt-get fails."""
    data = {name: own_data(commands, name) for name in way.purge}
    if way.specs:
        status, output = commands.patiently(
            ["apt-get", "-q", "-y", "-o", "APT::Ignore-Hold=1", *aptrun.OPTIONS, *aptrun.INSTALL, *way.specs]
        )
        if status:
            commands.fail(apt.explanation("going back with " + " ".join(way.specs), output))
    left = []
    for name in way.purge:
        edited = edited_settings(commands, name)
        if data[name] or edited:
            left.append((name, "removed, and not purged: there is %s" % ", ".join((data[name] + edited)[:3])))
    purge = [name for name in way.purge if name not in dict(left)]
    if purge:
        status, output = commands.patiently(["dpkg", "--purge", "--", *purge])
        if status:
            commands.fail(apt.explanation("dpkg --purge", output))
    mark(commands, goals)
    return left


def mark(commands, goals):
    """Holds and auto marks as they were."""
    now = packageset.snapshot()
    for key, set_it, clear in (("hold", "hold", "unhold"), ("auto", "auto", "manual")):
        there = {name: was for name, was in goals.items() if was and now.get(name) and key in was}
        for value, verb in ((True, set_it), (False, clear)):
            names = [name for name in sorted(there) if there[name][key] == value != now[name][key]]
            if names:
                status, output = commands.patiently(["apt-mark", verb, "--", *names])
                if status:
                    commands.fail(apt.explanation("apt-mark", output))


def own_data(commands, name):
    """Directories of a package below which lie files that it did not bring: purging it might delete them."""
    _status, output = commands.execute(["dpkg-query", "--listfiles", name])
    brought = set(output.splitlines())
    found = []
    for directory in sorted(path for path in brought if path.startswith(DATA) and os.path.isdir(path)):
        files = [os.path.join(above, file) for above, _names, files in os.walk(directory) for file in files]
        if any(path not in brought for path in files):
            found.append(directory)
    return found


def edited_settings(commands, name):
    """Configuration files of a removed package that somebody has changed."""
    _status, output = commands.execute(["dpkg-query", "-W", "-f", "${Conffiles}", "--", name])
    pairs = re.findall(r"^ (/.*) ([0-9a-f]{32})(?: obsolete)?$", output, re.MULTILINE)
    return [path for path, digest in pairs if os.path.isfile(path) and md5(path) != digest]


def md5(path):
    """What dpkg notes of a configuration file."""
    with open(path, "rb") as handle:
        return hashlib.md5(handle.read()).hexdigest()  # noqa: S324 - dpkg's own
