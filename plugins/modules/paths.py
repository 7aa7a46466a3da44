#!/usr/bin/python
"""Ansible module: many directories, files and links in one call."""

DOCUMENTATION = r"""
---
module: paths
short_description: Make many directories, files and links as described
description:
  - Works through O(entries) in order; each is left alone when it already is as described. Files are written beside and
    renamed; links are flipped with one rename. Something of another type in the way is refused, never removed.
options:
  entries:
    description: What is to be there.
    type: list
    elements: dict
    required: true
    options:
      path:
        description: Absolute path. Missing parent directories are made with mode 0755, owned by root.
        type: str
        required: true
      type:
        description: What it is to be. V(absent) removes a file, a link, or an empty directory.
        type: str
        choices: [directory, file, link, absent]
        default: directory
      mode:
        description: Octal text, such as V("0750"). Unset keeps an existing one's; new directories get 0755, files 0644.
        type: str
      owner:
        description: Name of the owner. Unset keeps.
        type: str
      group:
        description: Name of the group. Unset keeps.
        type: str
      content:
        description: Whole content of a file, as text.
        type: str
      target:
        description: What a link points to.
        type: str
      sensitive:
        description: Leave this file's content out of diffs.
        type: bool
        default: false
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Tree
  codehub.aimlsetup.paths:
    entries:
      - {path: /codehub/apps, owner: codehub, group: codehub, mode: "2775"}
      - {path: /codehub/config, type: link, target: /codehub-config}
"""

RETURN = r"""
paths:
  description: Paths that were (or, in check mode, would be) changed.
  type: list
  elements: str
  returned: always
"""

import grp
import os
import pwd

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, state
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "entries": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "path": {"type": "str", "required": True},
            "type": {"type": "str", "choices": ["directory", "file", "link", "absent"], "default": "directory"},
            "mode": {"type": "str"},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "content": {"type": "str", "no_log": False},
            "target": {"type": "str"},
            "sensitive": {"type": "bool", "default": False},
        },
    },
}


class Refused(Exception):
    """An entry that can't be made without destroying something, or that makes no sense."""


def account_id(lookup, name, missing_ok):
    """Numeric id of an account; -1 (leave) for None, and in check mode for one that is still to be made."""
    if name is None:
        return -1
    try:
        return lookup(name)[2]
    except KeyError:
        if missing_ok:
            return -1
        raise Refused("no such account: %s" % name)


def wanted_state(entry, now):
    """What `state.path_state` will say of this path once the entry is made; None for absent."""
    if entry["type"] == "absent":
        return None
    if entry["type"] == "link":
        return {"type": "link", "target": entry["target"]}
    default = {"directory": "0755", "file": "0644"}[entry["type"]]
    before = now or {"mode": default, "owner": "root", "group": "root"}
    wanted = {
        "type": entry["type"],
        "mode": "%04o" % int(entry["mode"], 8) if entry["mode"] else before["mode"],
        "owner": entry["owner"] or before["owner"],
        "group": entry["group"] or before["group"],
    }
    if entry["type"] == "file":
        wanted["sha256"] = state.hashlib.sha256((entry["content"] or "").encode()).hexdigest()
    return wanted


def check(entry, now):
    """Raise Refused for what can't be made."""
    path = entry["path"]
    if not os.path.isabs(path) or ".." in path.split("/") or "\0" in path:
        raise Refused("%r is not an absolute path without '..'" % path)
    if entry["type"] == "link" and not entry["target"]:
        raise Refused("%s is to be a link but has no target" % path)
    if now and entry["type"] != "absent" and now["type"] != entry["type"]:
        raise Refused(
            "%s is to be a %s but a %s is in the way. Nothing was changed there: move it away, or name another path."
            % (path, entry["type"], now["type"])
        )
    if entry["type"] == "absent" and now and now["type"] == "directory" and os.listdir(path):
        raise Refused("%s is to be absent but the directory is not empty" % path)


def make(entry, now, ids):
    """Bring one entry about."""
    path, mode = entry["path"], entry["mode"]
    parent = os.path.dirname(path)
    if entry["type"] != "absent":
        os.makedirs(parent, mode=0o755, exist_ok=True)
    if entry["type"] == "absent":
        (os.rmdir if now["type"] == "directory" else os.unlink)(path)
    elif entry["type"] == "link":
        atomic.link(path, entry["target"])
    elif entry["type"] == "file":
        info = os.lstat(path) if now else None
        uid = ids[0] if ids[0] >= 0 or not info else info.st_uid
        gid = ids[1] if ids[1] >= 0 or not info else info.st_gid
        permissions = int(mode or (now or {}).get("mode", "0644"), 8)
        atomic.write(path, (entry["content"] or "").encode(), permissions, uid, gid)
    else:
        if not now:
            os.mkdir(path, 0o700)
        os.chown(path, *ids)
        os.chmod(path, int(mode or (now or {}).get("mode", "0755"), 8))  # after chown, which drops the setgid bit


def difference(entry, now, wanted):
    """One entry of Ansible's diff."""
    header = "%s (%s)" % (entry["path"], entry["type"])
    if entry["type"] == "file" and not entry["sensitive"] and (now or {}).get("sha256") != wanted["sha256"]:
        before = ""
        if now:
            with open(entry["path"], "rb") as handle:
                before = handle.read().decode("utf-8", "replace")
        return {"before_header": header, "after_header": header, "before": before, "after": entry["content"] or ""}
    return {"before_header": header, "after_header": header, "before": now, "after": wanted}


def apply(entry, check_mode):
    """Make one entry if it is not so; the diff entry, or None when nothing was to do."""
    now = state.path_state(entry["path"])
    check(entry, now)
    wanted = wanted_state(entry, now)
    ids = (
        account_id(pwd.getpwnam, entry["owner"], check_mode),
        account_id(grp.getgrnam, entry["group"], check_mode),
    )
    if now == wanted:
        return None
    shown = difference(entry, now, wanted)
    if not check_mode:
        make(entry, now, ids)
    return shown


def main():
    """Run the module."""
    module = writer(OPTIONS)
    done, diffs = [], []
    for entry in module.params["entries"]:
        try:
            shown = apply(entry, module.check_mode)
        except (Refused, OSError) as error:
            module.fail_json(msg="%s: %s" % (entry["path"], error), changed=bool(done), paths=done)
        if shown:
            done.append(entry["path"])
            diffs.append(shown)
    module.exit_json(changed=bool(done), paths=done, diff=diffs)


if __name__ == "__main__":
    main()
