"""Does the steps that `undo.decide` found, but for packages. What turns out to have to stay is told, not forced.

Standard library only, Python 3.6 syntax.
"""

import contextlib
import errno
import filecmp
import grp
import os
import pwd
import shutil

from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
    atomic,
    debs,
    generations,
    gitrun,
    receipts,
    state,
    supervisor,
    systemd,
    workcopy,
)

SKELETON = "/etc/skel"
NOBODYS = "nogroup"
REGENERATED = (".pyc", "__pycache__/")  # ignored files of a checkout that are nobody's work


class Failed(Exception):
    """A command that did not do what it should; says which, in its words."""


def run(*argv):
    """Run a command; Failed with its words where it fails."""
    status, output = state.run(list(argv))
    if status:
        raise Failed("%s: %s" % (" ".join(argv), output.strip() or "exit status %d" % status))


def ids(known):
    """(uid, gid) of a state's owner and group."""
    return _id(pwd.getpwnam, known["owner"]), _id(grp.getgrnam, known["group"])


def _id(lookup, name):
    try:
        return lookup(name)[2]
    except KeyError:
        if name.isdigit():
            return int(name)
        raise Failed("there is no account %s on this host any more" % name)


def dated(targets):
    """{path: why its directory can't be moved back, "" if it can} of directories that are links to dated ones now."""
    found = {}
    for name, was, ours in targets:
        link = state.path_state(name) or ours
        if (was or {}).get("type") == "directory" and (link or {}).get("type") == "link":
            behind = os.path.join(os.path.dirname(name), link["target"])
            if not os.path.isdir(behind):
                found[name] = "what it leads to, %s, is not there" % link["target"]
            else:
                same_disk = os.stat(behind).st_dev == os.stat(os.path.dirname(name)).st_dev
                found[name] = "" if same_disk else "%s lies on another file system: move it back by hand" % behind
    return found


def work(paths):
    """{checkout: what is in it that is nowhere else, as lines}; without those that have nothing such."""
    found = {}
    for path in paths:
        if workcopy.is_checkout(path):
            with _git(path) as git:
                ignored = git(path, "status", "--porcelain", "--ignored", "--untracked-files=normal")
                lines = [line for line in ignored.splitlines() if line.startswith("!! ")]
                found[path] = workcopy.local_work(git, path) + [
                    "ignored " + line[3:] for line in lines if not line.endswith(REGENERATED)
                ]
    return {path: lines for path, lines in found.items() if lines}


@contextlib.contextmanager
def _git(path):
    owner = pwd.getpwuid(os.stat(path).st_uid).pw_name
    access = gitrun.Access("file", "file://" + path, "none", None, "")
    with gitrun.session(gitrun.account_of(owner), access) as git:
        yield git


def stop(steps):
    """Stop and disable units that were not there, and stop those that did not run."""
    gone = [step["name"] for step in steps if step["do"] == "stop"]
    if gone:  # at once: a socket left for later would start its service again
        run(*state.SYSTEMCTL, "disable", "-q", "--now", "--", *gone)
        state.run(state.SYSTEMCTL + ["reset-failed", "--"] + gone)
    idle = [step["name"] for step in steps if step["do"] == "set" and step["was"]["active"] != "active"]
    if idle:
        run(*state.SYSTEMCTL, "stop", "--", *idle)


def touched(unit, written):
    """Whether a unit's file or one of its drop-ins is among these paths."""
    return not written.isdisjoint({os.path.join(systemd.UNITS, unit), os.path.join(systemd.UNITS, unit + ".d")})


def settle(steps, owned, files):
    """Units as they were, now that their files are; the names of those that had to be restarted.

    `files` are the steps of paths: a process that shows no mark is outdated by those of its own unit.
    """
    if not (steps or owned):
        return []
    run(*state.SYSTEMCTL, "daemon-reload")
    for step in [step for step in steps if step["do"] == "set"]:
        name, was, now = step["name"], step["was"], step["now"] or {}
        if was["enabled"] in ("enabled", "disabled") and was["enabled"] != now.get("enabled"):
            run(*state.SYSTEMCTL, was["enabled"][:-1], "-q", "--", name)
        if was["active"] == "active" and now.get("active") != "active":
            run(*state.SYSTEMCTL, "start", "--", name)
    written = {os.path.dirname(step["name"]) for step in files} | {step["name"] for step in files}
    outdated = [
        name
        for name, unit in state.units(owned).items()
        if unit and unit["active"] == "active"
        and (unit["current"] is False or (unit["current"] is None and touched(name, written)))
    ]
    if outdated:
        run(*state.SYSTEMCTL, "restart", "--", *outdated)
    return outdated


def end(steps):
    """End programs of a supervisord that were not there."""
    for step in steps:
        if step["do"] == "end":
            supervisor.take_away(step["name"])


def rerun(steps, owned):
    """Programs with their files as they are again; [(name, why it was left)]."""
    outdated = [name for name, program in state.programs(owned).items() if program and program["current"] is False]
    due = sorted({step["name"] for step in steps if step["do"] == "rerun"} | set(outdated))
    return [(name, why) for name, why in ((name, _taken_up(name)) for name in due) if why]


def _taken_up(name):
    try:
        supervisor.take_up(name)
    except supervisor.Failed as error:
        return str(error)
    return ""


def going(path):
    """What a checkout is called while it is deleted, so that a killed run leaves no half of one."""
    return os.path.join(os.path.dirname(path), ".%s.aimlsetup-gone" % os.path.basename(path))


def half(paths):
    """Virtualenvs among these that a killed run has only begun to remove."""
    return {path for path in paths if os.path.exists(generations.building(*os.path.split(path)))}


def checkouts(steps, names):
    """Delete and move checkouts; [(name, why it was left)]. `names` are all that were ever to be deleted."""
    left = []
    for step in steps:
        name, was = step["name"], step["was"]
        try:
            if step["do"] == "delete":
                os.rename(name, going(name))
                continue
            with _git(name) as git:
                to = ("-B", was["branch"]) if was.get("branch") else ("--detach",)
                git(name, "checkout", "--quiet", *to, was["head"], "--")
                if os.path.exists(os.path.join(name, ".gitmodules")):
                    git(name, "submodule", "--quiet", "update", "--recursive")
        except (gitrun.GitError, OSError) as error:
            left.append((name, str(error)))
    for name in names:
        shutil.rmtree(going(name), ignore_errors=True)
    return left


def paths(steps, directory):
    """Bring back files, links, directories and their owners; whatever has to go goes later, by `remove`."""
    for step in sorted(steps, key=lambda step: step["name"]):
        name, was = step["name"], step["was"]
        if step["do"] == "content":
            with open(os.path.join(directory, "before", was["sha256"]), "rb") as handle:
                os.makedirs(os.path.dirname(name), exist_ok=True)
                atomic.write(name, handle.read(), int(was["mode"], 8), *ids(was))
        elif step["do"] == "link":
            os.makedirs(os.path.dirname(name), exist_ok=True)
            atomic.link(name, was["target"])
        elif step["do"] == "directory":
            os.makedirs(name, exist_ok=True)
        elif step["do"] == "back":
            link = step["now"] or step["ours"]
            move_back(name, os.path.normpath(os.path.join(os.path.dirname(name), link["target"])))
        if step["do"] in ("attributes", "directory", "back"):
            os.chown(name, *ids(was))
            os.chmod(name, int(was["mode"], 8))  # after chown, which drops the setgid bit


def move_back(link, behind):
    """Put a directory in the place of the link that leads, or led, to it."""
    try:
        atomic.exchange(link, behind)
        os.unlink(behind)
    except OSError as error:
        if error.errno not in (errno.ENOENT, *atomic.CAN_NOT_EXCHANGE):
            raise
        if os.path.islink(link):
            os.unlink(link)
        os.rename(behind, link)
    atomic.sync_directory(os.path.dirname(link))


def virtualenvs(steps):
    """Discard generations; [(name, why it was left)]."""
    left = []
    for step in steps:
        root, generation = os.path.split(step["name"])
        if generations.running(root, [generation]):
            left.append((step["name"], "a process runs from it"))
        elif os.path.isdir(step["name"]):
            generations.discard(root, generation)
    return left


def empty(steps):
    """Remove caches with all they hold."""
    for step in steps:
        shutil.rmtree(step["name"], ignore_errors=True)


def sweep(names):
    """Remove files in which nothing is left; [(name, why it was left)]."""
    empty = [name for name in names if os.path.isfile(name) and not os.path.getsize(name)]
    return remove(empty) + [(name, "not aimlsetup's own") for name in names if os.path.lexists(name)]


def remove(names):
    """Remove files, links and empty directories, the innermost first; [(name, why it was left)]."""
    left = []
    for name in sorted(names, reverse=True):
        directory = os.path.isdir(name) and not os.path.islink(name)
        there = sorted(os.listdir(name)) if directory else []
        if there or os.path.ismount(name):
            left.append((name, "it holds %s" % ", ".join(there[:5]) if there else "a disk is mounted there"))
        elif directory:
            os.rmdir(name)
        elif os.path.lexists(name):
            os.unlink(name)
    return left


def accounts(steps, staying):
    """Delete and change accounts, users first; [(name, why it was left)]. `staying` are directories that stay."""
    left = []
    for step in sorted(steps, key=lambda step: step["name"], reverse=True):
        kind, _colon, name = step["name"].partition(":")
        try:
            if step["do"] == "modify":
                home, uid = step["now"].get("home", ""), step["now"].get("uid")
                moved = home != step["was"].get("home") and home_state(home, uid) == "pristine"
                _modify(kind, name, step["was"])
                if moved:
                    shutil.rmtree(home)
            elif state.accounts([step["name"]])[step["name"]]:
                home = step["now"].get("home", "")
                mine = home_state(home, step["now"].get("uid"))
                kept = [path for path in staying + ([home] if mine == "used" else []) if _has(path, kind, step["now"])]
                if kept:
                    left.append((step["name"], "files of it stay, in %s" % ", ".join(sorted(kept)[:5])))
                    continue
                if kind == "user" and "group:" + name not in {one["name"] for one in steps}:
                    run("usermod", "-g", NOBODYS, name)  # userdel would take the group of the same name along
                run({"user": "userdel", "group": "groupdel"}[kind], name)
                if mine == "pristine":
                    shutil.rmtree(home)
        except Failed as error:
            left.append((step["name"], str(error)))
    return left


def _modify(kind, name, was):
    if kind == "group":
        run("groupmod", "-g", str(was["gid"]), name)
    else:
        run("usermod", "-g", was["group"], "-G", ",".join(was["groups"]), "-s", was["shell"], "-d", was["home"], name)


def home_state(home, uid):
    """`none`, `pristine` (nothing but what a new home has) or `used`."""
    if uid is None or not os.path.isdir(home) or os.stat(home).st_uid != uid:
        return "none"
    for directory, _names, files in os.walk(home):
        for name in files:
            path = os.path.join(directory, name)
            like = os.path.join(SKELETON, os.path.relpath(path, home))
            if not os.path.isfile(like) or not filecmp.cmp(path, like, shallow=False):
                return "used"
    return "pristine"


def _has(path, kind, account):
    """Whether something in a tree belongs to an account."""
    for directory, names, files in os.walk(path):
        for entry in [directory] + [os.path.join(directory, name) for name in names + files]:
            info = os.lstat(entry)
            if (info.st_uid == account["uid"]) if kind == "user" else (info.st_gid == account["gid"]):
                return True
    return False


def alternatives(steps):
    """Have groups of update-alternatives choose as they did."""
    for step in steps:
        was = step["was"]
        if was["mode"] == "auto":
            run("update-alternatives", "--auto", step["name"])
        else:
            run("update-alternatives", "--set", step["name"], was["path"])


def reinstate(directory, parts):
    """Let the receipts say what is so again. With the last of them goes all that was kept for going back."""
    for part in parts:
        if part.then:
            receipts.save(directory, part.then)
        else:
            receipts.remove(directory, part.component)
            shutil.rmtree(receipts.history_of(directory, part.component), ignore_errors=True)
        if part.file:
            os.unlink(part.file)
    with contextlib.suppress(ValueError):  # an earlier receipt that somebody edited keeps what all of them tell of
        receipts.prune(directory)
    if not receipts.load_all(directory):
        for place in (os.path.join(directory, receipts.BEFORE), os.path.join(directory, "history"), debs.DIRECTORY):
            shutil.rmtree(place, ignore_errors=True)
        remove([directory, os.path.dirname(directory)])
