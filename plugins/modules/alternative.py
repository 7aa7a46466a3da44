#!/usr/bin/python
"""Ansible module: which of several a link of update-alternatives leads to."""

DOCUMENTATION = r"""
---
module: alternative
short_description: Set a group of update-alternatives to one of its choices, for good
description:
  - Sets the group to manual, so that a package which is installed later does not take the link over, and registers
    O(path) first where no package has.
  - A directory, file or link of somebody's own at O(link) is refused, never replaced; a link that leads to O(path)
    already is taken over.
  - In check mode O(path) need not be there yet.
options:
  name:
    description: Name of the group.
    type: str
    required: true
  link:
    description: The link that the group is for.
    type: path
    required: true
  path:
    description: What it is to lead to.
    type: path
    required: true
  priority:
    description: Priority of O(path) in its group, where it has to be registered.
    type: int
    default: 50
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Configure | The default toolkit
  codehub.aimlsetup.alternative:
    name: cuda
    link: /usr/local/cuda
    path: /usr/local/cuda-12.4
"""

RETURN = r"""
unowned:
  description: A mark, where the group leads elsewhere and no receipt owns it.
  type: list
  elements: dict
  returned: always
before:
  description: The group as it was, C({"mode", "link", "path"}); null for none.
  type: dict
  returned: always
"""

import os

from ansible_collections.codehub.aimlsetup.plugins.module_utils import state, unowned
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "name": {"type": "str", "required": True},
    "link": {"type": "path", "required": True},
    "path": {"type": "path", "required": True},
    "priority": {"type": "int", "default": 50},
}
DIRECTORY = "/etc/alternatives"


def in_the_way(link, through, path):
    """What somebody else has put where the group's link belongs, in words; "" for nothing.

    `through` is the link that update-alternatives keeps in /etc/alternatives.
    """
    if not os.path.lexists(link):
        return ""
    if not os.path.islink(link):
        return "a directory" if os.path.isdir(link) else "a file"
    if os.readlink(link) == through or os.path.realpath(link) == os.path.realpath(path):
        return ""
    return "a link to %s" % os.readlink(link)


def refusal(name, link, path, before):
    """Why this group can't have this link, in words; "" where it can."""
    if before and before["link"] != link:
        return (
            "the alternatives group %s has the link %s already, expected %s.\nhint: name %s as the link, or remove the "
            "group: `update-alternatives --remove-all %s`." % (name, before["link"], link, before["link"], name)
        )
    what = in_the_way(link, os.path.join(DIRECTORY, name), path)
    if what:
        return (
            "%s is %s that update-alternatives does not know; expected nothing there, or the link of its group %s. "
            "Nothing was changed.\nhint: move it away (`mv %s %s.mine`), then apply again."
            % (link, what, name, link, link)
        )
    return ""


def choose(module, name, link, path, priority):
    """Make `path` the group's choice."""
    if not os.path.exists(path):
        module.fail_json(
            msg="%s is not there, so %s can't lead to it.\nhint: the path belongs to a package that is not installed, "
            "or the package puts its files elsewhere." % (path, link)
        )
    _status, choices, _error = module.run_command(["update-alternatives", "--list", name])
    if path not in choices.splitlines():
        argv = ["update-alternatives", "--install", link, name, path, str(priority)]
        module.run_command(argv, check_rc=True)
    module.run_command(["update-alternatives", "--set", name, path], check_rc=True)


def main():
    """Run the module."""
    module = writer(OPTIONS)
    name, link, path, priority = (module.params[key] for key in ("name", "link", "path", "priority"))
    before = state.alternatives([name])[name]
    wanted = {"mode": "manual", "link": link, "path": os.path.realpath(path)}
    refused = refusal(name, link, path, before)
    if refused:
        module.fail_json(msg=refused, before=before)
    ledger = unowned.Ledger(module)
    if before and before != wanted:
        try:
            why = "it would lead to %s (%s now)" % (wanted["path"], before["path"])
            ledger.meet("alternatives", name, unowned.REPLACE, why)
        except unowned.Unasked as error:
            module.fail_json(msg=str(error), before=before, consent="adopt", unowned=ledger.marks)
    if before != wanted and not module.check_mode:
        choose(module, name, link, path, priority)
    module.exit_json(
        changed=before != wanted, before=before, diff={"before": before, "after": wanted}, unowned=ledger.marks
    )


if __name__ == "__main__":
    main()
