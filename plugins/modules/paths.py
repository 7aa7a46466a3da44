#!/usr/bin/python
"""Ansible module: many directories, files and links in one call."""

DOCUMENTATION = r"""
---
module: paths
short_description: Make many directories, files and links as described
description:
  - Works through O(entries) in order; each is left alone when it already is as described. Files are written beside and
    renamed; links are flipped with one rename. Something of another type in the way is refused, never removed.
  - What is there and no receipt owns is changed only with consent (O(adopt)); an empty directory needs none.
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
      keep:
        description:
          - What is there keeps its owner, group and mode, whatever else is said here; where a directory is wanted, a
            link to one will do.
        type: bool
        default: false
      sensitive:
        description: Leave this file's content out of diffs.
        type: bool
        default: false
  contents:
    description:
      - Whole contents of files among O(entries) by their path, for those that hold secrets. An option of its own,
        because what modules log leaves out whole options reliably.
    type: dict
    default: {}
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
unowned:
  description: Marks of what is there, owned by no receipt, and would be changed or is in the way.
  type: list
  elements: dict
  returned: always
lost:
  description: Sentences about what no undo brings back, since it is too large to be kept.
  type: list
  elements: str
  returned: success
"""

import grp
import os
import pwd

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, receipts, state, unowned
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
            "keep": {"type": "bool", "default": False},
            "sensitive": {"type": "bool", "default": False},
        },
    },
    "contents": {"type": "dict", "default": {}, "no_log": True},
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


def kept(entry):
    """The entry as it is meant where something is there that keeps its owner, group and mode."""
    if not (entry["keep"] and os.path.lexists(entry["path"])):
        return entry
    if entry["type"] == "directory" and os.path.islink(entry["path"]) and os.path.isdir(entry["path"]):
        entry = dict(entry, type="link", target=os.readlink(entry["path"]))
    return dict(entry, mode=None, owner=None, group=None)


def meet(entry, ledger):
    """Note what is there and nobody's; False where that makes the entry impossible. Raises unowned.Unasked."""
    now = state.path_state(entry["path"])
    wanted = wanted_state(entry, now)
    if not now or now == wanted:
        return True
    if wanted and now["type"] != wanted["type"]:
        why = "a %s, where a %s is to be" % (now["type"], wanted["type"])
        return not ledger.meet("paths", entry["path"], unowned.IN_THE_WAY, why)
    if not (now["type"] == "directory" and not os.listdir(entry["path"])):
        ledger.meet("paths", entry["path"], unowned.REPLACE, alteration(now, wanted))
    return True


def alteration(now, wanted):
    """What of a thing would be another, in words."""
    if wanted is None:
        return "it would be removed"
    named = {"sha256": "content"}
    changed = [key for key in sorted(wanted) if wanted[key] != now.get(key)]
    return ", ".join(
        named[key] if key in named else "%s %s → %s" % (key, now.get(key), wanted[key]) for key in changed
    )


def unkept(entry):
    """Whether a content would go that receipts do not keep."""
    now = state.path_state(entry["path"])
    if not now or now["type"] != "file" or os.path.getsize(entry["path"]) <= receipts.KEEP_LIMIT:
        return False
    wanted = wanted_state(entry, now) or {}
    return wanted.get("sha256") != now["sha256"]


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
    ledger = unowned.Ledger(module)
    done, diffs, lost = [], [], []
    entry = {"path": "entries"}
    try:
        entries = []
        for entry in module.params["entries"]:
            check(entry, None)
            entry["content"] = module.params["contents"].get(entry["path"], entry["content"])
            if meet(kept(entry), ledger):
                entries.append(kept(entry))
        for entry in entries:
            large = unkept(entry)
            shown = apply(entry, module.check_mode)
            if shown and large:
                lost.append("%s: %s" % (entry["path"], receipts.TOO_LARGE))
            if shown:
                done.append(entry["path"])
                diffs.append(shown)
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", unowned=ledger.marks)
    except (Refused, OSError) as error:
        module.fail_json(msg="%s: %s" % (entry["path"], error), changed=bool(done), paths=done)
    module.exit_json(changed=bool(done or ledger.marks), paths=done, diff=diffs, unowned=ledger.marks, lost=lost)


if __name__ == "__main__":
    main()
