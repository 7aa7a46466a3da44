"""What has to be remembered of a thing so that it can come back: its state, and what comparing it has no use for.

Standard library only, Python 3.6 syntax.
"""

import os

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import state
except ImportError:  # observe run as a plain script
    import state

ROOTED = ("paths", "checkouts", "caches")  # kinds of things for which directories are made on the way to them


def take(owns):
    """As `state.take`, and a checkout has its `branch` (None when detached), a cache None where none is.

    Directories that are still to be made on the way to a path are among the paths, as None.
    """
    found = state.take(owns)
    for path, checkout in found.get("checkouts", {}).items():
        if checkout:
            checkout["branch"] = branch(path)
    if "caches" in found:
        found["caches"] = {path: {} if os.path.isdir(path) else None for path in found["caches"]}
    missing = {above for kind in ROOTED for path in found.get(kind, {}) for above in missing_above(path)}
    if missing:
        found["paths"] = dict(dict.fromkeys(missing), **found.get("paths", {}))
    return found


def branch(path):
    """The branch a checkout is on."""
    try:
        with open(os.path.join(path, ".git", "HEAD")) as handle:
            head = handle.read().strip()
    except OSError:
        return None
    return head[len("ref: refs/heads/") :] if head.startswith("ref: refs/heads/") else None


def missing_above(path):
    """Directories that are not there, above a path."""
    found, above = [], os.path.dirname(path)
    while above != os.path.dirname(above) and not os.path.lexists(above):
        found.append(above)
        above = os.path.dirname(above)
    return found


def same(kind, one, other):
    """Whether two states of one thing say the same as far as both say something."""
    if kind == "packages" and None in (one, other):
        return _version(one) == _version(other)
    if one is None or other is None:
        return one is other
    fields = (set(one) & set(other)) - ({"current"} if kind in ("units", "programs") else set())
    return all(one[field] == other[field] for field in fields)


def _version(package):
    return (package or {}).get("version")
