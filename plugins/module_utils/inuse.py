"""What keeps a directory from being moved: mount points and processes, read from /proc. Python 3.6 syntax."""

import glob
import os
import re


def mounts(path):
    """Mount points at the path or below it."""
    with open("/proc/self/mountinfo") as handle:
        fields = [line.split()[4] for line in handle]
    points = [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), field) for field in fields]
    real = os.path.realpath(path)
    return sorted(point for point in points if point == real or point.startswith(real + "/"))


def openers(path):
    """["gunicorn (pid 4711): /aimldl-dat/logs/x.log"]: processes with files open or mapped there, or standing there."""
    real = os.path.realpath(path)
    found = {}
    for process in glob.glob("/proc/[0-9]*"):
        pid = os.path.basename(process)
        if int(pid) == os.getpid():
            continue
        names = [_readlink(entry) for entry in glob.glob(process + "/fd/*") + [process + "/cwd"]] + _mapped(process)
        for name in names:
            if name == real or name.startswith(real + "/"):
                found[pid] = "%s (pid %s): %s" % (_first_line(process + "/comm"), pid, name)
                break
    return [found[pid] for pid in sorted(found, key=int)]


def _readlink(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _mapped(process):
    try:
        with open(process + "/maps", errors="surrogateescape") as handle:
            return [line.rstrip("\n").split(None, 5)[5] for line in handle if "/" in line]
    except (OSError, IndexError):
        return []


def _first_line(path):
    try:
        with open(path, errors="replace") as handle:
            return handle.readline().strip()
    except OSError:
        return "?"
