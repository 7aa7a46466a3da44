"""What is on this host that no receipt owns and a component could touch, in the places where such things usually are.

Reads only, is bounded in depth, number and time, and never runs anything as root that somebody else has written.
Standard library only, Python 3.6 syntax.
"""

import glob
import os
import pwd
import re
import subprocess
import time

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import aptsources, gunicornunit, state, systemd
except ImportError:  # observe run as a plain script
    import aptsources
    import gunicornunit
    import state
    import systemd

ROOTS = ("/codehub*", "/aimldl-*", "/virtualmachines", "/external4docker")
CONFIGURATION = ("app.yml", "paths.yml")
EXPORTS = "/etc/profile.d/codehub.sh"
VIRTUALENVS = (
    "/virtualmachines/virtualenvs/*",
    "/codehub/virtualmachines/virtualenvs/*",
    "/home/*/virtualmachines/virtualenvs/*",
    "/home/*/.virtualenvs/*",
    "/root/.virtualenvs/*",
)
CHECKOUTS = ("/codehub/*", "/codehub/*/*", "/codehub/*/*/*", "/aimldl-*", "/aimldl-*/*", "/codehub-config")
UNITS = "/etc/systemd/system/*.service"
PACKAGES = re.compile(r"(nvidia|cuda|cudnn|libcudnn|libnvinfer|libnccl|tensorrt|nsight)")
NVIDIA = re.compile(r"nvidia|cuda", re.IGNORECASE)
ORIGIN = re.compile(r'^\[remote "origin"\]((?:\n(?!\[).*)*)', re.MULTILINE)
URL = re.compile(r"^\s*url\s*=\s*(.+?)\s*$", re.MULTILINE)
DISTRIBUTIONS = ("gunicorn", "tensorflow", "tensorflow_gpu", "keras", "torch")
MOST = 500  # of a kind
GIT_SECONDS = 5
ALL_SECONDS = 15


def gather(owned):
    """{kind: {name: what it is}} of everything but what is `owned` ({kind: names})."""
    deadline = time.monotonic() + ALL_SECONDS
    theirs = {kind: set(names) for kind, names in owned.items()}
    inside = tuple(os.path.join(path, "") for kind in ("venvs", "checkouts") for path in theirs.get(kind, ()))
    around = {parent for path in theirs.get("paths", ()) for parent in _parents(path)}
    found = {
        "paths": paths(),
        "venvs": virtualenvs(),
        "checkouts": checkouts(deadline),
        "units": units(),
        "ports": ports(theirs.get("units", ())),
        "sources": sources(theirs.get("paths", ())),
        "packages": packages(),
    }
    found["accounts"] = accounts(found)
    return {
        kind: {
            name: what
            for name, what in sorted(things.items())[:MOST]
            if name not in theirs.get(kind, ()) and not name.startswith(inside) and name not in around
        }
        for kind, things in found.items()
    }


def _parents(path):
    while path not in ("", "/"):
        path = os.path.dirname(path)
        yield path


def paths():
    """States of the roots, of what lies directly in them, and of generated configuration.

    Other files than those are not read: they have `size` alone.
    """
    roots = [path for pattern in ROOTS for path in glob.glob(pattern)]
    children = [os.path.join(root, name) for root in roots if not os.path.islink(root) for name in _names(root)]
    found = {}
    for path in roots + children + [EXPORTS]:
        found[path] = _state(path)
    for path, what in found.items():
        if what and what["type"] == "link":
            what["broken"] = not os.path.exists(path)
    return {path: what for path, what in found.items() if what}


def _state(path):
    """None of what is gone by now, or what only others may read."""
    try:
        if os.path.basename(path) in CONFIGURATION or path == EXPORTS or not os.path.isfile(path):
            return state.path_state(path)
        return {"type": "file", "size": os.stat(path).st_size}
    except OSError:
        return None


def accounts(found):
    """States of the accounts that what was found belongs to or runs as, but root."""
    owned = [what for kind in ("paths", "units") for what in found[kind].values()]
    users = {what.get(key) for what in owned for key in ("owner", "user")} - {None, "root"}
    groups = {what.get("group") for what in owned} - {None, "root"}
    known = state.accounts(["user:%s" % name for name in users])
    groups.update(account["group"] for account in known.values() if account)
    known.update(state.accounts(["group:%s" % name for name in groups]))
    return {name: account for name, account in known.items() if account}


def _names(directory):
    try:
        return sorted(os.listdir(directory))[:MOST]
    except OSError:
        return []


def virtualenvs():
    """{directory: {"python", "usable", "packages", "links"}}; links lead to it."""
    found, links = {}, {}
    for path in [path for pattern in VIRTUALENVS for path in glob.glob(pattern)]:
        if os.path.islink(path):
            links.setdefault(os.path.realpath(path), []).append(path)
        elif os.path.exists(os.path.join(path, "bin", "activate")):
            found[path] = _virtualenv(path)
    return {path: dict(what, links=sorted(links.get(os.path.realpath(path), []))) for path, what in found.items()}


def _virtualenv(path):
    libraries = sorted(glob.glob(os.path.join(glob.escape(path), "lib", "python3*")))
    packages = {}
    for info in glob.glob(os.path.join(glob.escape(path), "lib", "python3*", "site-packages", "*.dist-info")):
        name, _dash, version = os.path.basename(info)[: -len(".dist-info")].rpartition("-")
        if name.lower() in DISTRIBUTIONS:
            packages[name.lower()] = version
    python = os.path.join(path, "bin", "python")
    return {
        "python": os.path.basename(libraries[-1])[len("python") :] if libraries else None,
        "usable": os.path.isfile(python) and os.access(python, os.X_OK),
        "packages": packages,
    }


def checkouts(deadline):
    """{directory: {"url", "branch", "head", "owner", "changed" (None where git could not tell)}}."""
    places = [path for pattern in CHECKOUTS for path in glob.glob(pattern + "/.git")]
    places = [os.path.dirname(path) for path in places if os.path.isdir(path) and not os.path.islink(path)]
    return {path: _checkout(path, deadline) for path in places[:MOST]}


def _checkout(path, deadline):
    text = _text(os.path.join(path, ".git", "HEAD")).strip()
    remote = ORIGIN.search(_text(os.path.join(path, ".git", "config")))
    url = URL.search(remote.group(1) if remote else "")
    try:
        owner = pwd.getpwuid(os.lstat(os.path.join(path, ".git")).st_uid).pw_name
    except KeyError:
        owner = None
    return {
        "url": re.sub(r"(?<=://)[^/@]*:[^/@]*@", "***@", url.group(1)) if url else None,
        "branch": text[len("ref: refs/heads/") :] if text.startswith("ref: refs/heads/") else None,
        "head": (state.checkout_state(path) or {}).get("head"),
        "owner": owner,
        "changed": _changed(path, owner) if owner and time.monotonic() < deadline else None,
    }


def _changed(path, owner):
    """Whether git sees local work, asked as the repository's owner, for git runs what its configuration names."""
    git = ["git", "-C", path, "-c", "core.fsmonitor=false", "status", "--porcelain"]
    argv = ["timeout", str(GIT_SECONDS)] + ([] if os.getuid() else ["runuser", "-u", owner, "--"]) + git
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "GIT_OPTIONAL_LOCKS": "0", "HOME": "/nonexistent"},
            check=False,
        )
    except OSError:
        return None
    return bool(done.stdout.strip()) if done.returncode == 0 else None


def units():
    """{unit: what it serves, or {"problem"}} of hand-written units that run gunicorn, with how they stand.

    `served` as gunicornunit has it; "file", "active", "enabled", "pid" besides.
    """
    found = {}
    for path in sorted(glob.glob(UNITS)):
        try:
            with open(path) as handle:
                text = handle.read()
            served = gunicornunit.served(text + _dropins(path), _text)
        except (OSError, UnicodeDecodeError, gunicornunit.Unclear) as error:
            served = {"problem": getattr(error, "strerror", None) or str(error)}
        if served:
            found[os.path.basename(path)] = dict(served, file=path)
    for name, what in found.items():
        shown = systemd.show(name, "ActiveState", "UnitFileState", "MainPID")
        what.update(active=shown.get("ActiveState"), enabled=shown.get("UnitFileState"), pid=shown.get("MainPID"))
    return found


def _dropins(path):
    return "".join("\n" + _text(name) for name in sorted(glob.glob(glob.escape(path) + ".d/*.conf")))


def ports(owned):
    """{"port N": who listens}, but for units that are owned."""
    found = {"port %d" % port: who for port, who in systemd.holders().items() if who}
    return {port: {"holder": who} for port, who in found.items() if not any(unit in who for unit in owned)}


def sources(owned):
    """{"FILE:LINE": {"uri", "suite"}} of NVIDIA's repositories among apt's sources."""
    found = {}
    for entry in aptsources.entries():
        if NVIDIA.search(entry["uri"]) and entry["file"] not in owned:
            found["%s:%d" % (entry["file"], entry["line"])] = {"uri": entry["uri"], "suite": entry["suite"]}
    return found


def packages():
    """{package: {"version", "hold"}} of NVIDIA's packages, and of all that are held."""
    _status, output = state.run(["dpkg-query", "-W", "-f", r"${Package}\t${Version}\t${db:Status-Abbrev}\n"])
    found = {}
    for line in output.splitlines():
        name, version, abbreviation = line.split("\t")
        hold = abbreviation[:1] == "h"
        if abbreviation[1:2] == "i" and (hold or PACKAGES.search(name)):
            found[name] = {"version": version, "hold": hold}
    return found


def _text(path):
    try:
        with open(path, errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""
