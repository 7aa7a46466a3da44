"""Room on file systems for what is about to be written. Standard library only, Python 3.6 syntax."""

import os


def claim(path, need, least):
    """One claim on the file system that `path` is or will be on.

    {"path": nearest directory that is there, "device", "free", "need", "least"}; sizes are bytes. `need` is what is
    expected to be written, `least` what is certain to be.
    """
    there = os.path.realpath(path)
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    usage = os.statvfs(there)
    return {
        "path": there,
        "device": os.stat(there).st_dev,
        "free": usage.f_bavail * usage.f_frsize,
        "need": max(0, int(need)),
        "least": max(0, int(least)),
    }


def shortage(claims, key="least"):
    """Which file system has less free than its claims add up to, in words; "" when all have enough. Pure."""
    needs = {}
    for one in claims:
        needs[one["device"]] = needs.get(one["device"], 0) + one[key]
    for one in claims:
        if needs[one["device"]] > one["free"]:
            sizes = (one["path"], one["free"] // 10**6, needs[one["device"]] // 10**6)
            return "%s has %d MB free, and %d MB are needed" % sizes
    return ""
