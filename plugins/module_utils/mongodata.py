"""What can be told of a MongoDB data directory and of a mongod that runs, without asking one. Python 3.6 syntax.

The version that last wrote a data directory stands as plain text in `diagnostic.data`: each file there begins with a
BSON document that has `buildInfo`. Where its recording was turned off there is none. `WiredTiger.turtle` has
WiredTiger's own version, which is not that of MongoDB; the featureCompatibilityVersion lies in a collection that only
a mongod can read.
"""

import glob
import os
import re
import struct

# Series in the order in which data go from one to the next (MongoDB's manual, upgrade procedures).
SERIES = ("3.6", "4.0", "4.2", "4.4", "5.0", "6.0", "7.0", "8.0")
HEAD = 1 << 20  # bytes of a diagnostic file that are looked at
BUILD = b"\x03buildInfo\x00"
VERSION = b"\x02version\x00"


def series(version):
    """`8.0` of `8.0.4`."""
    return ".".join(version.split(".")[:2])


def number(version):
    """A version that can be compared."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def opens(wanted, found):
    """Whether a mongod of the series `wanted` opens what `found` has written: its own, and that of the one before."""
    if series(found) == wanted:
        return True
    older, newer = number(series(found)), number(wanted)
    between = [one for one in SERIES if older < number(one) < newer]
    return older < newer and not between


def written_by(directory):
    """The version of the mongod that last wrote into a data directory, or None."""
    files = glob.glob(os.path.join(glob.escape(directory), "diagnostic.data", "metrics.*"))
    for path in sorted(files, key=os.path.getmtime, reverse=True):
        with open(path, "rb") as handle:
            version = build_version(handle.read(HEAD))
        if version:
            return version
    return None


def build_version(content):
    """The version in the `buildInfo` of a diagnostic file, or None."""
    start = content.find(BUILD)
    place = content.find(VERSION, start) + len(VERSION)
    if start < 0 or place < len(VERSION) or len(content) < place + 4:
        return None
    size = struct.unpack("<i", content[place : place + 4])[0]
    text = content[place + 4 : place + 3 + size].decode("ascii", "replace") if 0 < size < 100 else ""
    return text if re.match(r"\d+\.\d+\.\d+", text) else None


def engine(directory):
    """What WiredTiger says of its own version in a data directory, or None where there are no data."""
    try:
        with open(os.path.join(directory, "WiredTiger.turtle"), errors="replace") as handle:
            text = handle.read()
    except OSError:
        return None
    found = re.search(r"WiredTiger (\d+\.\d+\.\d+)", text)
    return "WiredTiger " + found.group(1) if found else "WiredTiger"


def setting(text, *names):
    """A value of mongod's YAML, as far as its own files go: `setting(text, "storage", "dbPath")`; None without it."""
    inside = []
    for line in text.splitlines():
        found = re.match(r"( *)([\w.]+) *:(?:\s+(.*?))?\s*(?:#.*)?$", line)
        if not found:
            continue
        indent, name, value = len(found.group(1)), found.group(2), found.group(3)
        inside = [one for one in inside if one[0] < indent] + [(indent, name)]
        if ".".join(one[1] for one in inside) == ".".join(names) and value:
            return value.strip("\"'")
    return None


def started_as(pid):
    """{"dbPath", "port", "authorization"} of a running mongod, from its command and the file that this names."""
    with open("/proc/%s/cmdline" % pid, "rb") as handle:
        words = [os.fsdecode(word) for word in handle.read().split(b"\0")[:-1]]
    options = dict(word.lstrip("-").partition("=")[::2] for word in words if word.startswith("--") and "=" in word)
    options.update((word.lstrip("-"), value) for word, value in zip(words, words[1:]) if word.startswith("-"))
    path, text = options.get("config") or options.get("f"), ""
    if path and os.path.exists(path):
        with open(path, errors="replace") as handle:
            text = handle.read()
    keyed = "keyFile" in options or setting(text, "security", "keyFile") is not None
    return {
        "dbPath": options.get("dbpath") or setting(text, "storage", "dbPath") or "/data/db",
        "port": int(options.get("port") or setting(text, "net", "port") or 27017),
        "authorization": keyed or "--auth" in words or setting(text, "security", "authorization") == "enabled",
    }


def clients(port):
    """Who is connected to a port of this host: ["10.0.0.7", "127.0.0.1: gunicorn, pid 812"], each once."""
    rows = list(_connections())
    local = {(one["local"], one["remote"]): one["inode"] for one in rows}
    wanted = [one for one in rows if one["local"][1] == port]
    owners = _owners({local.get((one["remote"], one["local"])) for one in wanted})
    found = []
    for one in wanted:
        owner = owners.get(local.get((one["remote"], one["local"])))
        found.append("%s: %s" % (one["remote"][0], owner) if owner else one["remote"][0])
    return sorted(set(found))


def _connections():
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path) as handle:
                rows = [line.split() for line in handle.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            if row[3] == "01":
                yield {"local": _address(row[1]), "remote": _address(row[2]), "inode": row[9]}


def _address(text):
    """(address, port) of /proc/net/tcp's notation; an IPv4 address that was mapped is itself."""
    host, _colon, port = text.partition(":")
    words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
    packed = b"".join(words)
    mapped = packed[:12] == b"\0" * 10 + b"\xff\xff"
    if len(packed) == 4 or mapped:
        return ".".join(str(byte) for byte in packed[-4:]), int(port, 16)
    groups = ["%x" % (packed[at] << 8 | packed[at + 1]) for at in range(0, 16, 2)]
    return ("::1" if groups == ["0"] * 7 + ["1"] else ":".join(groups)), int(port, 16)


def _owners(inodes):
    wanted = {"socket:[%s]" % inode: inode for inode in inodes if inode}
    found = {}
    for path in glob.glob("/proc/[0-9]*/fd/*") if wanted else ():
        try:
            inode = wanted.get(os.readlink(path))
        except OSError:
            continue
        if inode:
            pid = path.split("/")[2]
            found[inode] = "%s, pid %s" % (_name(pid), pid)
    return found


def _name(pid):
    try:
        with open("/proc/%s/comm" % pid) as handle:
            return handle.read().strip()
    except OSError:
        return "a process that has just ended"
