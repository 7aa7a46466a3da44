#!/usr/bin/python
"""Ansible module: git checkouts at a branch, tag or commit."""

DOCUMENTATION = r"""
---
module: checkout
short_description: Check out git repositories at a branch, tag or commit
description:
  - Works over the git command, as the owner of the checkouts. A first clone is made beside its place and renamed; later
    changes are made in place, so that ignored files (weights, caches) stay. A run killed at any moment is finished by
    the next.
  - Local work is never thrown away. Where a change is due and there are changed or untracked files, stashes, or commits
    that only exist here, it stops and shows them.
  - Every version is looked up on its remote, and every destination is found fit, before anything is changed.
options:
  checkouts:
    description: What is to be checked out.
    type: list
    elements: dict
    required: true
    options:
      dest:
        description: Absolute directory of the checkout. Nothing but empty directories may be there.
        type: str
        required: true
      url:
        description: V(https://HOST/PATH), V(ssh://[USER@]HOST/PATH), V([USER@]HOST:PATH) or an absolute path.
        type: str
        required: true
      version:
        description: Branch, tag, commit (all of its digits) or full reference name. Unset is the default branch.
        type: str
      commit:
        description:
          - Commit that O(checkouts[].version) is to be, whatever it is on the remote by now. Unset is what it is there.
        type: str
      submodules:
        description: Check out submodules too, at every depth.
        type: bool
        default: false
      sparse:
        description: Directories to have in the work tree. Empty is all of them.
        type: list
        elements: str
        default: []
      lfs:
        description: Fetch the contents of large files by git-lfs, which must be installed.
        type: bool
        default: false
      known_hosts:
        description: Lines of a known_hosts file to trust besides the host's own.
        type: list
        elements: str
        default: []
  deploy_keys:
    description:
      - Private keys without a passphrase, as text, by the destinations of the checkouts they are for. Each is given to
        an ssh agent and never written anywhere. An option of its own, because what modules log leaves out whole options
        reliably, but not texts of several lines within them.
    type: dict
    default: {}
  agent_for:
    description: Destinations of the checkouts to log in for with the ssh agent that was forwarded to this host.
    type: list
    elements: str
    default: []
  owner:
    description: User that git runs as and that owns the checkouts. Unset is the user the module runs as.
    type: str
  group:
    description: Group of the checkouts. Unset is the owner's own.
    type: str
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Mask R-CNN at its pinned tag
  codehub.aimlsetup.checkout:
    owner: codehub
    checkouts:
      - {dest: /codehub/external/Mask_RCNN, url: "{{ mask_rcnn_url }}", version: rc-v3.1}
"""

RETURN = r"""
heads:
  description: "{destination: commit that is checked out, or in check mode would be}; without those not known yet."
  type: dict
  returned: always
unowned:
  description: Marks of checkouts that would be changed, and of what is in the way, where no receipt owns them.
  type: list
  elements: dict
  returned: always
notes:
  description: What somebody should know, such as where the work of an interrupted change is kept.
  type: list
  elements: str
  returned: always
"""

import collections
import os
import shutil

from ansible_collections.codehub.aimlsetup.plugins.module_utils import gitnames, gitrun, unowned, workcopy
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "checkouts": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "dest": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "version": {"type": "str"},
            "commit": {"type": "str"},
            "submodules": {"type": "bool", "default": False},
            "sparse": {"type": "list", "elements": "str", "default": []},
            "lfs": {"type": "bool", "default": False},
            "known_hosts": {"type": "list", "elements": "str", "default": []},
        },
    },
    "deploy_keys": {"type": "dict", "default": {}, "no_log": True},
    "agent_for": {"type": "list", "elements": "str", "default": []},
    "owner": {"type": "str"},
    "group": {"type": "str"},
}
EXPECTED = (gitnames.Bad, gitrun.GitError, workcopy.Refused, OSError)

# One of the module's O(checkouts), validated.
Entry = collections.namedtuple("Entry", "dest version commit access shape")
# What is to be done for one. due: reasons, empty for nothing. before: commit that is checked out now, or None.
Task = collections.namedtuple("Task", "entry wanted due before")


def login(dest, params):
    """(kind, key) of a checkout's credentials. Raises gitnames.Bad."""
    if dest not in params["deploy_keys"]:
        return ("agent" if dest in params["agent_for"] else "none"), None
    key = params["deploy_keys"][dest]
    if not isinstance(key, str) or not key.strip():
        raise gitnames.Bad("credentials of kind deploy_key need the key")
    return "deploy_key", key


def entry_of(given, params):
    """Validate one of O(checkouts). Raises gitnames.Bad."""
    transport, url = gitnames.source(given["url"])
    kind, key = login(given["dest"], params)
    if kind != "none" and transport != "ssh":
        raise gitnames.Bad("credentials are for ssh, but %s is not reached by it" % ascii(given["url"]))
    return Entry(
        dest=gitnames.destination(given["dest"]),
        version=None if given["version"] is None else gitnames.version(given["version"]),
        commit=None if given["commit"] is None else gitnames.commit(given["commit"]),
        access=gitrun.Access(transport, url, kind, key, gitnames.known_hosts(given["known_hosts"])),
        shape=workcopy.Shape(given["submodules"], gitnames.sparse(given["sparse"]), given["lfs"]),
    )


def check_place(dest, account):
    """Raise Refused where a checkout can't be at its destination."""
    if os.path.islink(dest) or (os.path.lexists(dest) and not os.path.isdir(dest)):
        raise workcopy.Refused("a file or link is in the way. Move it away")
    if not os.path.isdir(dest) or workcopy.only_directories(dest):
        return
    if not workcopy.is_checkout(dest):
        held = ", ".join(sorted(os.listdir(dest))[:5])
        raise workcopy.Refused("it holds files but no repository: %s. Move them away" % held)
    uid = os.lstat(os.path.join(dest, ".git")).st_uid
    if uid != account.uid:
        raise workcopy.Refused(
            "the repository there belongs to uid %d, git runs as %s. Give it to that user (chown -R) or name another "
            "owner" % (uid, account.name)
        )


def look_up(git, entry):
    """What the version means: on the remote now, or as pinned. A commit that is named in full is not asked for."""
    is_commit = bool(entry.version and gitnames.COMMIT.match(entry.version))
    if is_commit and workcopy.is_checkout(entry.dest) and workcopy.head(git, entry.dest) == entry.version:
        return gitnames.Wanted("commit", None, entry.version, entry.version)
    listed = git("/", "ls-remote", "--symref", "--", entry.access.url, remote=True)
    found = gitnames.resolve(entry.version, *gitnames.references(listed))
    return found._replace(commit=entry.commit) if entry.commit else found


def examine(entry, account):
    """The `Task` for one entry; raises where it can't or must not be done. Reads only."""
    check_place(entry.dest, account)
    with gitrun.session(account, entry.access) as git:
        if entry.shape.lfs and git.ask("/", "lfs", "version") is None:
            raise workcopy.Refused("git-lfs is not installed here. Add it to base_packages")
        wanted = look_up(git, entry)
        if not workcopy.is_checkout(entry.dest):
            return Task(entry, wanted, ["new"], None)
        due = workcopy.due(git, entry.dest, wanted.commit, entry.shape, entry.access.url)
        if "url" in due:
            refuse_foreign(git, entry)
        if due and "interrupted" not in due:
            workcopy.refuse_local_work(git, entry.dest, ", ".join(due))
        return Task(entry, wanted, due, workcopy.head(git, entry.dest))


def refuse_foreign(git, entry):
    """Raise Refused where there is a checkout of another repository that was not put there by this module."""
    if git.ask(entry.dest, "rev-parse", "--verify", "--quiet", workcopy.HEAD) is None:
        there = git.ask(entry.dest, "config", "--get", "remote.origin.url")
        raise workcopy.Refused("there is a checkout of %s, not of %s. Move it away" % (there, entry.access.url))


def meet(task, ledger):
    """Note a checkout that is there, nobody's, and would be changed. Raises unowned.Unasked."""
    if task.due and "new" not in task.due:
        ledger.meet("checkouts", task.entry.dest, unowned.REPLACE, "its %s would be another" % ", ".join(task.due))


def make_parents(path, account):
    """Missing directories above a checkout; they get its owner and group."""
    if not os.path.isdir(path):
        make_parents(os.path.dirname(path), account)
        workcopy.prepare(path, account, path)


def bring_about(task, account):
    """Do what is due; (commit, notes)."""
    entry = task.entry
    with gitrun.session(account, entry.access) as git:
        if "new" not in task.due:
            change = workcopy.Change(git, entry.dest, account, entry.shape)
            return change.bring(task.wanted, entry.access.url), change.notes
        parent, name = os.path.split(entry.dest)
        beside = os.path.join(parent, ".%s.aimlsetup-clone" % name)
        make_parents(parent, account)
        workcopy.prepare(beside, account, entry.dest)
        workcopy.initialise(git, beside)
        change = workcopy.Change(git, beside, account, entry.shape)
        commit = change.bring(task.wanted, entry.access.url)
        workcopy.land(beside, entry.dest)
        return commit, change.notes


def shown(task, commit):
    """One entry of Ansible's diff."""
    header = "%s (checkout)" % task.entry.dest
    before = "commit %s\n" % task.before if task.before else ""
    after = "commit %s\n" % commit
    if before == after:
        after += "%s\n" % ", ".join(task.due)
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def promised(given):
    """One entry of Ansible's diff for a checkout that can't be looked at yet."""
    header = "%s (checkout)" % given["dest"]
    after = "%s of %s\n" % (given["commit"] or given["version"] or "the default branch", given["url"])
    return {"before_header": header, "after_header": header, "before": "", "after": after}


def still_to_be_made(owner, group):
    """What a host lacks that other roles are about to give it, None when nothing."""
    try:
        gitrun.account_of(owner, group)
    except KeyError as error:
        return "there is no such account here (%s). Add it to base_users or base_groups" % error.args[0]
    if shutil.which("git") is None:
        return "git is not installed here. Add it to base_packages"
    return None


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    ledger = unowned.Ledger(module)
    result = {"changed": False, "heads": {}, "notes": [], "diff": [], "unowned": ledger.marks}
    lacking = still_to_be_made(params["owner"], params["group"])
    if lacking and module.check_mode:
        foreseen = [promised(given) for given in params["checkouts"]]
        module.exit_json(**dict(result, changed=bool(foreseen), diff=foreseen))
    if lacking:
        module.fail_json(msg=lacking + ".", **result)
    account = gitrun.account_of(params["owner"], params["group"])
    dest = "checkouts"
    try:
        tasks = []
        for given in params["checkouts"]:
            dest = given["dest"]
            tasks.append(examine(entry_of(given, params), account))
            meet(tasks[-1], ledger)
        for task in tasks:
            dest, commit = task.entry.dest, task.wanted.commit
            if task.due:
                if not module.check_mode:
                    commit, notes = bring_about(task, account)
                    result["notes"] += notes
                result["changed"] = True
                result["diff"].append(shown(task, commit))
            result["heads"][dest] = commit
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", **result)
    except EXPECTED as error:
        module.fail_json(msg="%s: %s." % (ascii(dest)[1:-1], str(error).rstrip(".")), **result)
    for note in result["notes"]:
        module.warn(note)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
