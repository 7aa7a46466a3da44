"""A distribution's archive from a mirror: which of a host's own entries that replaces, and setting them aside.

Set aside means commented out, line by line with a mark that is taken off again; files keep their places. Pure.
Standard library only, Python 3.6 syntax.
"""

import os

from ansible_collections.codehub.aimlsetup.plugins.module_utils import aptsources

MARK = "#aimlsetup# "
LISTS = "/etc/apt/sources.list"  # and those in sources.list.d
OWN = "/etc/apt/sources.list.d/mirror-"
SOURCES = OWN + "%s.sources"
HEADER = "# Written by aimlsetup (network), and again by the next apply.\n"


def restored(text):
    """A file's text as it was before entries of it were set aside."""
    return "".join(line[len(MARK) :] if line.startswith(MARK) else line for line in text.splitlines(True))


def aside(path, text, repositories):
    """(text with the entries that these repositories replace set aside, those entries)."""
    found = [entry for entry in aptsources.parsed(path, text) if any(same(entry, one) for one in repositories)]
    places = {uri.rstrip("/") for entry in found for uri in entry["uris"]}
    gone = [
        entry
        for entry in aptsources.parsed(path, text)
        if entry in found or places & {uri.rstrip("/") for uri in entry["uris"]}
    ]
    lines = text.splitlines(True)
    for entry in gone:
        for number in range(entry["line"] - 1, _end(path, lines, entry["line"] - 1)):
            lines[number] = MARK + lines[number]
    return "".join(lines), found


def _end(path, lines, start):
    """Where the entry that begins at this line ends."""
    if path.endswith(".list"):
        return start + 1
    return next((number for number in range(start, len(lines)) if not lines[number].strip()), len(lines))


def same(entry, repository):
    """Whether a host's entry is of the archive that a repository mirrors: its suites, parts and keyring."""
    keyring = os.path.basename(repository["keyring"]).partition(".")[0]
    signed_by = entry["signed_by"] or ""
    own_key = signed_by and os.path.basename(signed_by).partition(".")[0] != keyring
    return (
        bool(set(entry["suites"]) & set(repository["suites"]))
        and set(entry["components"]) <= set(repository["components"])
        and not own_key
    )


def stanzas(repository, replaced, keyring):
    """[{field: value}] for the mirror: the parts that the host's own entries had, all where it had none."""
    groups, anywhere = {}, {part for entry in replaced for part in entry["components"]}
    for suite in repository["suites"]:
        had = {part for entry in replaced if suite in entry["suites"] for part in entry["components"]} or anywhere
        parts = tuple(part for part in repository["components"] if part in had or not had)
        groups.setdefault(parts, []).append(suite)
    return [
        {
            "Types": "deb",
            "URIs": repository["uri"],
            "Suites": " ".join(suites),
            "Components": " ".join(parts),
            "Architectures": " ".join(repository["architectures"]),
            "Signed-By": keyring,
        }
        for parts, suites in sorted(groups.items(), key=lambda group: group[1])
    ]


def written(found):
    """Text of the mirror's file."""
    return HEADER + "\n".join("".join("%s: %s\n" % item for item in fields.items() if item[1]) for fields in found)
