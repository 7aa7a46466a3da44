"""Files that are written together and put back together. Python 3.6 syntax.

An entry is {"path", "content" (text), "mode" (octal text), "group" (name, or None)}; the owner is who runs this.
"""

import grp
import os
import stat

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic


def content_of(path):
    """Bytes of a file, None when there is none."""
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def group_id(name, missing_ok):
    """Numeric id of a group, this process's own for None; None for one that is still to be made in check mode."""
    if name is None:
        return os.getegid()
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        if missing_ok:
            return None
        raise


def as_wanted(entry, check_mode):
    """Whether a file is already as its entry says."""
    if content_of(entry["path"]) != entry["content"].encode():
        return False
    info = os.stat(entry["path"])
    wanted = (int(entry["mode"], 8), os.geteuid(), group_id(entry["group"], check_mode))
    return (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) == wanted


def write(entry):
    """Write one file, its directory too when missing."""
    os.makedirs(os.path.dirname(entry["path"]), mode=0o755, exist_ok=True)
    owner = (os.geteuid(), group_id(entry["group"], False))
    atomic.write(entry["path"], entry["content"].encode(), int(entry["mode"], 8), *owner)


def snapshot(entries):
    """{path: (content, stat) or None} of what entries are about to replace."""
    contents = {entry["path"]: content_of(entry["path"]) for entry in entries}
    return {path: None if content is None else (content, os.stat(path)) for path, content in contents.items()}


def put_back(before):
    """Every file as the snapshot has it."""
    for path, earlier in before.items():
        if earlier:
            content, info = earlier
            atomic.write(path, content, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)
        elif os.path.exists(path):
            os.unlink(path)
            if path.endswith(".conf") and not os.listdir(os.path.dirname(path)):
                os.rmdir(os.path.dirname(path))


def differences(entries):
    """Ansible's diff of the files."""
    before = [(content_of(entry["path"]) or b"").decode("utf-8", "replace") for entry in entries]
    return [
        {"before_header": entry["path"], "after_header": entry["path"], "before": text, "after": entry["content"]}
        for entry, text in zip(entries, before)
    ]
