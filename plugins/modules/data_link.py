#!/usr/bin/python
"""Ansible module: directories that are links to dated directories."""

DOCUMENTATION = r"""
---
module: data_link
short_description: Make directories links to dated directories, or archive what they lead to
description:
  - With O(state=linked), each path becomes a link to a dated directory (V(logs) to V(logs-211126_143000), ddmmyy_HHMMSS
    in the host's local time). A directory that is there is moved with all it holds, by rename on one file system, by
    verified copy across file systems. Nothing is done to any path before all of them are found fit.
  - With O(state=archived), each link is flipped to a new dated directory with the same owner and mode.
  - A run killed at any moment loses nothing; the next one finishes it. See module_utils/datalink.py.
options:
  links:
    description: What is to be a link.
    type: list
    elements: dict
    required: true
    options:
      path:
        description: Absolute path of the link. Its parent directory must exist.
        type: str
        required: true
      store:
        description: Absolute directory the dated ones are made in. Unset means beside the link.
        type: str
      owner:
        description: Name of the dated directory's owner. Unset keeps; a new one gets its parent's.
        type: str
      group:
        description: Name of its group. Unset keeps; a new one gets its parent's.
        type: str
      mode:
        description: Its mode as octal text, such as V("2775"). Unset keeps; a new one gets its parent's.
        type: str
      directories:
        description: Directories each dated directory has, relative, with the same owner and mode.
        type: list
        elements: str
        default: []
      elsewhere_ok:
        description: Keep a link that leads to some other existing directory, instead of refusing it.
        type: bool
        default: false
  open_files_ok:
    description:
      - Consent to moving a directory while processes have files open in it. They go on writing to the same files, now
        in the dated directory. Unset refuses and names the processes; V(false) leaves the directory and says so.
        Across file systems open files are always refused.
    type: bool
  state:
    description: Whether links are made, or flipped to new dated directories.
    type: str
    choices: [linked, archived]
    default: linked
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Logs lie in dated directories
  codehub.aimlsetup.data_link:
    links:
      - {path: /aimldl-dat/logs, owner: codehub, group: codehub, mode: "2775", directories: [www/uploads]}
"""

RETURN = r"""
targets:
  description: "{path: dated directory it leads to}; without the paths that were left or are still to be made."
  type: dict
  returned: always
owns:
  description: All paths this makes and keeps up; the links, their dated directories, and those wanted in these.
  type: list
  elements: str
  returned: always
unowned:
  description: Marks of directories that would be moved, and of what is in the way, where no receipt owns them.
  type: list
  elements: dict
  returned: always
left:
  description: Paths that were left as they are because of open files, each with the processes.
  type: dict
  returned: always
"""

import datetime
import grp
import os
import pwd

from ansible_collections.codehub.aimlsetup.plugins.module_utils import datalink, inuse, unowned
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "links": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "path": {"type": "str", "required": True},
            "store": {"type": "str"},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "str"},
            "directories": {"type": "list", "elements": "str", "default": []},
            "elsewhere_ok": {"type": "bool", "default": False},
        },
    },
    "open_files_ok": {"type": "bool"},
    "state": {"type": "str", "choices": ["linked", "archived"], "default": "linked"},
}


def absolute(path):
    """The path without superfluous slashes; Refused for one that is relative, climbs, or is the root."""
    plain = os.path.normpath(path)
    if not path.startswith("/") or ".." in path.split("/") or not path.isprintable() or plain in ("/", "//"):
        raise datalink.Refused("%s is not an absolute path without '..' and control characters." % ascii(path))
    return plain


def with_parents(names):
    """Relative directories with those above them, outer ones first; Refused for a name that leaves the tree."""
    found = []
    for name in names:
        parts = name.split("/")
        if not name.isprintable() or "" in parts or "." in parts or ".." in parts:
            raise datalink.Refused("directory %s is not a plain relative path." % ascii(name))
        found += ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    return sorted(set(found))


def number(lookup, name, still_to_be_made):
    """Numeric id of an account; None for no wish, and in check mode for an account that is still to be made."""
    try:
        return None if name is None else lookup(name)[2]
    except KeyError:
        if still_to_be_made:
            return None
        raise datalink.Refused(
            "there is no account %s on this host. Add it to base_users or base_groups." % ascii(name)
        )


def link_of(entry, check_mode):
    """One of the module's O(links) as module_utils/datalink.py takes it."""
    path = absolute(entry["path"])
    try:
        mode = None if entry["mode"] is None else int(entry["mode"], 8)
    except ValueError:
        raise datalink.Refused("mode %s is not octal text such as '2775'." % ascii(entry["mode"]))
    return datalink.Link(
        path=path,
        store=absolute(entry["store"]) if entry["store"] else os.path.dirname(path),
        uid=number(pwd.getpwnam, entry["owner"], check_mode),
        gid=number(grp.getgrnam, entry["group"], check_mode),
        mode=mode,
        directories=with_parents(entry["directories"]),
        elsewhere_ok=entry["elsewhere_ok"],
    )


def busy(link, consent):
    """Processes because of which a directory is left; Refused where somebody has to decide."""
    openers = inuse.openers(link.path) if datalink.situation(link) == "directory" else []
    if openers and consent is None:
        raise datalink.Refused(
            "it is to become a link, but files in it are open: %s. Stop these, or set data_links_open_files_ok to true "
            "(move it; they go on writing to the moved files) or false (leave it as it is)." % "; ".join(openers[:10])
        )
    return openers if openers and consent is False else []


def meet(link, ledger):
    """Note what is there and nobody's. Raises unowned.Unasked."""
    now = datalink.situation(link)
    if now == "directory" and os.listdir(link.path):
        why = "what is in it would be moved to a dated directory in %s, with a link in its place" % link.store
        ledger.meet("paths", link.path, unowned.REPLACE, why)
    elif now == "other":
        ledger.meet("paths", link.path, unowned.IN_THE_WAY, "a file, where a link to a dated directory is to be")
    elif now == "right":
        target = datalink.target_of(link)
        there = [name for name in link.directories if os.path.isdir(os.path.join(target, name))]
        if datalink.furnish(link._replace(directories=there), target, check_mode=True):
            ledger.meet("paths", link.path, unowned.REPLACE, "owner or mode of its dated directory would be others")


def fit(link, consent, check_mode):
    """Processes the path is left for; raises Refused where nothing may be done."""
    if not os.path.isdir(os.path.dirname(link.path)):
        if check_mode:
            return []
        raise datalink.Refused("its parent directory is not there. Is it among base_roots, or a disk not mounted?")
    reason = datalink.refusal(link, datalink.situation(link))
    if reason:
        raise datalink.Refused(reason)
    return busy(link, consent)


def describe(link):
    """What is at the path, for diffs."""
    return "link to %s" % os.readlink(link.path) if os.path.islink(link.path) else datalink.situation(link)


def foreseen(link, state):
    """What check mode says: (changed, dated directory the path leads to now or None, description afterwards)."""
    now = datalink.situation(link)
    target = datalink.target_of(link) if now in ("right", "elsewhere") else None
    if state == "linked" and datalink.settled(link):
        return now == "right" and datalink.furnish(link, target, check_mode=True), target, describe(link)
    there = datalink.directories(link) if now == "missing" else []
    new = datalink.new_name(link, datetime.datetime.now())  # noqa: DTZ005 -- names are in local time
    return True, target, "link to %s" % datalink.text_of(link, (there or [new])[-1])


def bring_about(link, state):
    """Do it; as `foreseen`."""
    now = datetime.datetime.now()  # noqa: DTZ005 -- names are in local time
    if state == "archived":
        target, changed = datalink.archive(link, now), True
    else:
        target, changed = datalink.establish(link, now)
    return changed, target, describe(link)


def owned(link, target):
    """The link itself, the dated directory behind it, and the wanted directories, by names that outlive an archive."""
    if not target or datalink.situation(link) != "right":
        return [link.path]
    return [link.path, target] + ["%s/%s" % (link.path, name) for name in link.directories]


def note(result, link, done, before):
    """Add what was (or would be) done to the module's result."""
    changed, target, after = done
    result["changed"] = result["changed"] or changed
    result["owns"] += owned(link, target)
    if target:
        result["targets"][link.path] = target
    if changed:
        header = link.path + " (data link)"
        shown = {"before": "" if before == "missing" else before + "\n", "after": after + "\n"}
        result["diff"].append(dict(shown, before_header=header, after_header=header))


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params, check_mode = module.params, module.check_mode
    ledger = unowned.Ledger(module)
    result = {"changed": False, "targets": {}, "owns": [], "left": {}, "diff": [], "unowned": ledger.marks}
    path = "links"
    try:
        fitting = []
        for entry in params["links"]:
            path = entry["path"]
            link = link_of(entry, check_mode)
            meet(link, ledger)
            fitting.append((link, fit(link, params["open_files_ok"], check_mode)))
        for link, openers in fitting:
            path = link.path
            if openers:
                module.warn("%s was left as it is, files in it are open: %s" % (path, "; ".join(openers)))
                result["left"][path] = openers
                result["owns"].append(path)
                continue
            before = describe(link)
            note(result, link, (foreseen if check_mode else bring_about)(link, params["state"]), before)
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", **result)
    except (datalink.Refused, OSError) as error:
        module.fail_json(msg="%s: %s" % (ascii(path)[1:-1], error), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
