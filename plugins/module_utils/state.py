"""What an owned thing is now: packages, paths, virtualenvs, checkouts, units, programs, accounts, alternatives.

`take` answers for names; `differences` compares two such answers. The receipt module records with it, the observe
module checks with it: one meaning of "still holds". Standard library only, Python 3.6 syntax.
"""

import glob
import grp
import hashlib
import os
import pwd
import re
import stat
import subprocess

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import supervisor
except ImportError:  # observe run as a plain script
    import supervisor

HASH_LIMIT = 16 * 1024 * 1024  # larger files are compared by size and time unless asked for deep
UNIT_PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,MainPID,Environment"
STARTED_WITH = "AIMLSETUP_STARTED_WITH"
SYSTEMCTL = ["systemctl"] + ([] if os.geteuid() == 0 else ["--user"])
ALTERNATIVES = "/var/lib/dpkg/alternatives"  # a file per group: its mode, its link, then its choices


def environment(more=None):
    """Variables for a command: this process's, in English, and where a user's own systemd is asked."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "/run/user/%d" % os.geteuid())
    return dict(os.environ, LC_ALL="C", XDG_RUNTIME_DIR=runtime, **(more or {}))


def run(argv, env=None):
    """(exit status, standard output as text) of a command; 127 when there is no such command."""
    variables = environment(env)
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables, check=False)
    except OSError:
        return 127, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")


def packages(names, deep=False):
    """{name: {"version", "hold"} or None when not (wholly) installed}, from dpkg's own status."""
    del deep
    found = dict.fromkeys(names)
    if not names:
        return found
    _status, output = run(["dpkg-query", "-W", "-f", r"${Package}\t${Version}\t${db:Status-Abbrev}\n"] + sorted(names))
    for line in output.splitlines():
        name, version, abbreviation = line.split("\t")
        if abbreviation[1:2] == "i":
            found[name] = {"version": version, "hold": abbreviation[0] == "h"}
    return found


def sha256(path):
    """Hex digest of a file's content."""
    total = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def _name_of(lookup, number):
    try:
        return lookup(number)[0]
    except KeyError:
        return str(number)


def path_state(path, deep=False):
    """{"type", …} of one path, links not followed; None when nothing is there.

    type is file, directory, link or other. A link has `target`; the others `mode` (octal text), `owner`, `group`;
    a file `sha256`, or `size` and `mtime` beyond `HASH_LIMIT`.
    """
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(info.st_mode):
        return {"type": "link", "target": os.readlink(path)}
    state = {
        "mode": "%04o" % stat.S_IMODE(info.st_mode),
        "owner": _name_of(pwd.getpwuid, info.st_uid),
        "group": _name_of(grp.getgrgid, info.st_gid),
    }
    if stat.S_ISDIR(info.st_mode):
        return dict(state, type="directory")
    if not stat.S_ISREG(info.st_mode):
        return dict(state, type="other")
    if info.st_size > HASH_LIMIT and not deep:
        return dict(state, type="file", size=info.st_size, mtime=info.st_mtime_ns)
    return dict(state, type="file", sha256=sha256(path))


def paths(names, deep=False):
    """{path: `path_state`}."""
    return {path: path_state(path, deep) for path in names}


def _record_state(record, deep):
    """Version-independent mark of one installed distribution: its RECORD's size and time, or (deep) all its files."""
    if not deep:
        try:
            info = os.stat(record)
        except OSError:
            return "no RECORD"
        return "%d@%d" % (info.st_size, info.st_mtime_ns)
    total = hashlib.sha256()
    base = os.path.dirname(os.path.dirname(record))
    with open(record) as handle:
        for line in sorted(handle):
            path = os.path.join(base, line.rsplit(",", 2)[0].strip('"'))
            if not path.endswith(".pyc"):
                total.update(("%s %s\n" % (line, sha256(path) if os.path.isfile(path) else "gone")).encode())
    return total.hexdigest()


def venv_state(path, deep=False):
    """{"python": version, "usable": bool, "packages": {distribution: "version mark"}} of a virtualenv, or None."""
    try:
        with open(os.path.join(path, "pyvenv.cfg")) as handle:
            match = re.search(r"^version(?:_info)?\s*=\s*([0-9.]+)", handle.read(), re.MULTILINE)
    except OSError:
        return None
    installed = {}
    for info in glob.glob(os.path.join(glob.escape(path), "lib", "python*", "site-packages", "*.dist-info")):
        name, _dash, version = os.path.basename(info)[: -len(".dist-info")].rpartition("-")
        installed[name] = "%s %s" % (version, _record_state(os.path.join(info, "RECORD"), deep))
    return {
        "python": match.group(1) if match else "unknown",
        "usable": os.path.exists(os.path.join(path, "bin", "python")),
        "packages": installed,
    }


def venvs(names, deep=False):
    """{directory: `venv_state`}."""
    return {path: venv_state(path, deep) for path in names}


def checkout_state(path, deep=False):
    """{"head": commit} of a git checkout, read from its files (git itself need not be there); None when none is."""
    del deep
    directory = os.path.join(path, ".git")
    try:
        with open(os.path.join(directory, "HEAD")) as handle:
            head = handle.read().strip()
        if not head.startswith("ref: "):
            return {"head": head}
        return {"head": _ref(directory, head[len("ref: ") :])}
    except OSError:
        return None


def _ref(directory, name):
    loose = os.path.join(directory, name)
    if os.path.isfile(loose):
        with open(loose) as handle:
            return handle.read().strip()
    try:
        with open(os.path.join(directory, "packed-refs")) as handle:
            for line in handle:
                if line.rstrip("\n").endswith(" " + name):
                    return line.split(" ", 1)[0]
    except OSError:
        pass
    return "unborn"


def checkouts(names, deep=False):
    """{directory: `checkout_state`}."""
    return {path: checkout_state(path, deep) for path in names}


def started_with(pid, environment):
    """Whether the running process was started with what its unit says now: True, False, or None when not marked.

    A unit marks its configuration as `Environment=AIMLSETUP_STARTED_WITH=<digest>`; the truth is what the process
    itself was given, so a handler lost after a failed run shows. A process that has written over its environment, as
    redis does with its title, can't tell either.
    """
    wanted = re.search(r"(?:^|\s)\"?%s=([^\s\"]+)" % STARTED_WITH, environment)
    if not wanted:
        return None
    try:
        with open("/proc/%s/environ" % pid, "rb") as handle:
            given = handle.read().split(b"\0")
    except OSError:
        return False
    mark = ("%s=%s" % (STARTED_WITH, wanted.group(1))).encode()
    if mark in given or _in_command(pid, mark):
        return True
    return False if any(b"=" in entry for entry in given) else None


def _in_command(pid, mark):
    """Whether a process has a mark in its command line; nginx, say, writes its title over its environment."""
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as handle:
            return mark in handle.read()
    except OSError:
        return False


def units(names, deep=False):
    """{unit: {"enabled", "active", "current"} or None when there is no such unit}.

    `enabled` is systemd's UnitFileState, `active` its ActiveState, `current` as in `started_with`.
    """
    del deep
    found = dict.fromkeys(names)
    if not names:
        return found
    ordered = sorted(names)
    _status, output = run(SYSTEMCTL + ["show", "-p", UNIT_PROPERTIES] + ["--"] + ordered)
    blocks = [
        dict(line.partition("=")[::2] for line in block.splitlines()) for block in output.split("\n\n") if block.strip()
    ]
    for name, block in zip(ordered, blocks):
        if block.get("LoadState") in ("loaded", "masked"):
            current = (
                started_with(block.get("MainPID"), block.get("Environment", ""))
                if block.get("MainPID", "0") != "0"
                else None
            )
            found[name] = {
                "enabled": block.get("UnitFileState"),
                "active": block.get("ActiveState"),
                "current": current,
            }
    return found


def programs(names, deep=False):
    """{program: {"active", "current"} or None when its supervisord does not know it, or does not run}.

    A program is named by its path below its supervisord's directory. `active` is its state there in lower case,
    `current` as in `started_with`.
    """
    del deep
    return {name: _program(name) for name in names}


def _program(name):
    found = supervisor.program(name)
    if found is None:
        return None
    return {
        "active": found["statename"].lower(),
        "current": started_with(found["pid"], supervisor.mark(name)) if found["pid"] else None,
    }


def accounts(names, deep=False):
    """{"user:NAME" or "group:NAME": {…} or None}; a user has uid, group, home, shell, groups; a group has gid."""
    del deep
    return {name: _account(*name.split(":", 1)) for name in names}


def _account(kind, name):
    try:
        if kind == "group":
            return {"gid": grp.getgrnam(name).gr_gid}
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return {
        "uid": entry.pw_uid,
        "group": _name_of(grp.getgrgid, entry.pw_gid),
        "home": entry.pw_dir,
        "shell": entry.pw_shell,
        "groups": sorted(group.gr_name for group in grp.getgrall() if name in group.gr_mem),
    }


def alternatives(names, deep=False):
    """{name: {"mode": "auto" or "manual", "link", "path"} or None} of groups of update-alternatives.

    `path` is what the link leads to in the end, so that any link on the way shows when it is flipped by hand.
    """
    del deep
    return {name: _alternative(name) for name in names}


def _alternative(name):
    try:
        with open(os.path.join(ALTERNATIVES, name)) as handle:
            mode, link = handle.read().split("\n")[:2]
    except FileNotFoundError:
        return None
    return {"mode": mode, "link": link, "path": os.path.realpath(link)}


def caches(names, deep=False):
    """{directory: {}}: what lies in a cache can be made again, so whatever becomes of it is no difference."""
    del deep
    return {path: {} for path in names}


KINDS = {
    "packages": packages,
    "paths": paths,
    "venvs": venvs,
    "checkouts": checkouts,
    "units": units,
    "programs": programs,
    "accounts": accounts,
    "alternatives": alternatives,
    "caches": caches,
}


def take(owns, deep=False):
    """The state of everything named: {kind: {name: state}} for {kind: [names]}. Unknown kinds raise KeyError."""
    return {kind: KINDS[kind](sorted(set(names)), deep) for kind, names in owns.items() if names}


def differences(expected, found):
    """[{"kind", "name", "field", "expected", "found"}], one entry per field of each expected thing that differs."""
    rows = []
    for kind in sorted(expected):
        for name in sorted(expected[kind]):
            rows += _field_differences(kind, name, expected[kind][name], found.get(kind, {}).get(name))
    return rows


def _field_differences(kind, name, expected, found):
    if expected == found:
        return []
    if not isinstance(expected, dict) or not isinstance(found, dict):
        return [_row(kind, name, "", "present" if expected else "absent", "present" if found else "absent")]
    rows = []
    for field in sorted(set(expected) | set(found)):
        before, now = expected.get(field), found.get(field)
        if isinstance(before, dict) and isinstance(now, dict):
            rows += [
                _row(kind, name, "%s %s" % (field, key), before.get(key), now.get(key))
                for key in sorted(set(before) | set(now))
                if before.get(key) != now.get(key)
            ]
        elif before != now:
            rows.append(_row(kind, name, field, before, now))
    return rows


def _row(kind, name, field, expected, found):
    return {"kind": kind, "name": name, "field": field, "expected": expected, "found": found}
