"""Every package of a host at one moment: version, hold and auto mark. Two such moments tell a whole transaction.

Standard library only, Python 3.6 syntax.
"""

import re

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import state
except ImportError:  # observe run as a plain script
    import state

AUTOMATIC = "/var/lib/apt/extended_states"
QUERY = r"${Package}\t${Architecture}\t${Version}\t${db:Status-Abbrev}\n"


def snapshot():
    """{name: {"version", "hold", "auto"}} of what is there; {} for a host without dpkg.

    `version` is None where only configuration files are left. Packages of a foreign architecture are `name:arch`.
    """
    status, output = state.run(["dpkg-query", "-W", "-f", QUERY])
    if status:
        return {}
    _status, native = state.run(["dpkg", "--print-architecture"])
    try:
        with open(AUTOMATIC) as handle:
            marks = handle.read()
    except OSError:
        marks = ""
    return parse(output, native.strip(), marks)


def parse(output, native, marks):
    """The snapshot, from lines of `QUERY`, the host's architecture and apt's extended_states. Pure."""
    automatic = automatically(marks, native)
    found = {}
    for line in output.splitlines():
        package, architecture, version, status = line.split("\t")
        name = _name(package, architecture, native)
        if status[1:2] == "n":
            continue
        gone = status[1:2] == "c"
        found[name] = {
            "version": None if gone else version,
            "hold": status[0] == "h" and not gone,
            "auto": name in automatic and not gone,
        }
    return found


def automatically(marks, native):
    """Names of what apt holds for installed automatically."""
    found = set()
    for stanza in re.split(r"\n\s*\n", marks):
        fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", stanza, re.MULTILINE))
        if fields.get("Auto-Installed") == "1":
            found.add(_name(fields["Package"], fields.get("Architecture", native), native))
    return found


def _name(package, architecture, native):
    return package if architecture in (native, "all") else "%s:%s" % (package, architecture)


def changed(before, now):
    """{name: what it was, None where it was not there} of every package that is not as it was."""
    return {name: before.get(name) for name in set(before) | set(now) if before.get(name) != now.get(name)}
