#!/usr/bin/python
"""Ansible module: remove what a component's receipt owns and its role no longer names."""

DOCUMENTATION = r"""
---
module: retire
short_description: Remove what a receipt owns and the role no longer names
description:
  - Compares the receipt's owned things with O(owns). Units are stopped, disabled and forgotten by systemd, but for
    those that were there before, programs stopped and forgotten by their supervisord; files and links are deleted;
    directories only when empty; groups of
    update-alternatives choose for themselves again. A thing that another component's receipt owns too stays, it goes
    with the last. Packages, accounts, virtualenvs and checkouts are never removed here; their roles decide.
  - A list of apt's with entries that a mirror replaces gets these back, and stays.
  - A file that was changed since the receipt was written is somebody's edit and is refused, not deleted; unless a run
    that did not finish wrote it, in which case its content is kept beside the receipt.
options:
  component:
    description: Name of the component.
    type: str
    required: true
  owns:
    description: Names of what the role owns from now on, by kind, as for the receipt module.
    type: dict
    default: {}
  directory:
    description: Where receipts lie.
    type: path
    default: /var/lib/aimlsetup/receipts
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Retire | Remove what is no longer wanted
  codehub.aimlsetup.retire:
    component: ai_service
    owns: "{{ __ai_service_owns }}"
"""

RETURN = r"""
removed:
  description: Names that were (or would be) removed.
  type: list
  elements: str
  returned: always
packages:
  description:
    - Packages among those left that the component itself has installed, for the module packages to remove where the
      role wants that.
  type: list
  elements: str
  returned: always
left:
  description: Names that were left, each with the reason.
  type: list
  elements: str
  returned: always
"""

import os
import stat

from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
    aptmirror,
    aptplan,
    atomic,
    receipts,
    state,
    supervisor,
    systemd,
    trust,
)
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "component": {"type": "str", "required": True},
    "owns": {"type": "dict", "default": {}},
    "directory": {"type": "path", "default": receipts.DIRECTORY},
}
KEPT = {
    "packages": "packages stay installed",
    "accounts": "accounts and their files stay",
    "venvs": "virtualenvs are removed by their own retention",
    "checkouts": "a checkout may hold work of yours",
}


def superfluous(receipt, owns, others):
    """{kind: [names]} this receipt owns that neither `owns` nor another receipt names."""
    kept = owns
    for other in others:
        kept = receipts.union(kept, receipts.names(other.get("owned", {})))
    owned = receipts.names(receipt.get("owned", {}))
    return {kind: [name for name in names if name not in kept.get(kind, [])] for kind, names in owned.items()}


def brought(receipt, names):
    """Packages that were not there before the component's first apply."""
    before = receipt.get("before_first", {}).get("packages", {})
    return [name for name in names if name in before and before[name] is None]


def there_before(receipt, names):
    """Units that were there before the component's first apply: they are not ours to stop."""
    before = receipt.get("before_first", {}).get("units", {})
    return [name for name in names if before.get(name) is not None]


def edited(path, recorded):
    """Whether a file is not what the receipt recorded."""
    now = state.path_state(path)
    return now is not None and now["type"] == "file" and now.get("sha256") != (recorded or {}).get("sha256")


def edits(receipt, paths):
    """(paths somebody has edited, paths that only a run which never finished has written)."""
    changed = [path for path in paths if edited(path, receipt["owned"]["paths"][path])]
    unfinished = [path for path in changed if half_done(receipt, path)]
    return [path for path in changed if path not in unfinished], unfinished


def half_done(receipt, path):
    """Whether a file was as recorded when a run began that never finished: what it is now, that run has written."""
    before = ((receipt.get("dirty") or {}).get("before") or {}).get("paths", {}).get(path)
    recorded = receipt["owned"]["paths"][path]
    return bool(before and recorded) and before.get("sha256") == recorded.get("sha256")


def is_list(path):
    """Whether this is a list of the host's own, of which a component only sets entries aside."""
    with_entries = path.startswith(aptmirror.LISTS) and not path.startswith((aptmirror.OWN, aptplan.OWN))
    return with_entries and os.path.isfile(path)


def remove_path(path):
    """Delete a file or link, or an empty directory, or give a list its entries back; why it was left, or None."""
    try:
        if is_list(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as handle:
                text = aptmirror.restored(handle.read())
            info = os.stat(path)
            content = text.encode("utf-8", "surrogateescape")
            atomic.write(path, content, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)
        elif os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)
    except OSError as error:
        return "%s: %s" % (path, error.strerror.lower())
    return None


def chosen(names):
    """The groups of update-alternatives among these whose choice was made by hand."""
    return [name for name, group in state.alternatives(names).items() if group and group["mode"] == "manual"]


def take_away(module, directory, gone, unfinished):
    """Remove what is gone, (units, programs, paths, groups of alternatives); why some paths were left."""
    units, programs, paths, groups = gone
    # Should somebody have edited one since that run after all, the content is in `before/` beside the receipt.
    receipts.keep_contents(directory, {"paths": {path: state.path_state(path) for path in unfinished}})
    if units:  # at once: a socket left for later would start its service again
        systemd.control("disable", "--now", "--", *units)
    for name in programs:
        supervisor.take_away(name)
    left = [why for why in map(remove_path, paths) if why]
    trust.refresh(module, paths)
    for name in groups:
        module.run_command(["update-alternatives", "--auto", name], check_rc=True)
    if units:
        systemd.control("daemon-reload")
    return left


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    known = receipts.load_all(params["directory"])
    receipt = known.pop(params["component"], None)
    gone = superfluous(receipt or {}, params["owns"], known.values())
    theirs, unfinished = edits(receipt, [path for path in gone.get("paths", []) if not is_list(path)])
    if theirs:
        module.fail_json(
            msg="%s no longer wants these files, but they were changed since it wrote them: %s. Copy what you need and "
            "delete them, then apply again." % (params["component"], ", ".join(theirs))
        )
    left = ["%s: %s" % (name, why) for kind, why in KEPT.items() for name in gone.get(kind, [])]
    spared = there_before(receipt or {}, gone.get("units", []))
    left += ["%s: it was there before, and stays as it is" % name for name in spared]
    units = [name for name in gone.get("units", []) if name not in spared and state.units([name])[name]]
    groups = chosen(gone.get("alternatives", []))
    programs = [name for name in gone.get("programs", []) if state.programs([name])[name]]
    packages = brought(receipt or {}, gone.get("packages", []))
    paths = [path for path in sorted(gone.get("paths", []), reverse=True) if os.path.lexists(path)]
    if not module.check_mode:
        try:
            left += take_away(module, params["directory"], (units, programs, paths, groups), unfinished)
        except (systemd.Failed, supervisor.Failed) as error:
            module.fail_json(msg="%s: %s" % (params["component"], error))
    removed = units + programs + paths + groups
    module.exit_json(changed=bool(removed), removed=removed, left=left, packages=packages)


if __name__ == "__main__":
    main()
