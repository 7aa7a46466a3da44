#!/usr/bin/python
"""Ansible module: see that no account is changed that was there before, unless that was agreed to."""

DOCUMENTATION = r"""
---
module: foreign_accounts
short_description: Look whether accounts that are nobody's would be changed
description:
  - Compares the groups and users of this host with what a role wishes them to be. One that is there, that no receipt
    owns and that would be changed ends the task, unless O(adopt) names it (V(user:NAME), V(group:NAME)).
  - Changes nothing itself.
options:
  groups:
    description: Groups as base_groups has them. Only a C(gid) that is given counts.
    type: list
    elements: dict
    default: []
  users:
    description: Users as base_users has them. Of C(groups) those count that the user is not in.
    type: list
    elements: dict
    default: []
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Accounts of somebody else stay as they are
  codehub.aimlsetup.foreign_accounts:
    users: "{{ base_users }}"
"""

RETURN = r"""
unowned:
  description: Marks of accounts that would be changed.
  type: list
  elements: dict
  returned: always
"""

from ansible_collections.codehub.aimlsetup.plugins.module_utils import state, unowned
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

DICTIONARIES = {"type": "list", "elements": "dict", "default": []}


def alterations(wanted, now):
    """What of an account would be another, as words. Pure; `now` as state.accounts has it."""
    found = [
        "%s %s → %s" % (key, now[key], wanted[key])
        for key in ("gid", "group", "home", "shell")
        if key in now and wanted.get(key) not in (None, "", now[key])
    ]
    joins = sorted(set(wanted.get("groups") or ()) - set(now.get("groups") or ()))
    return found + (["joins %s" % ", ".join(joins)] if joins else [])


def main():
    """Run the module."""
    module = writer({"groups": DICTIONARIES, "users": DICTIONARIES})
    ledger = unowned.Ledger(module)
    wanted = {"group:%s" % group["name"]: group for group in module.params["groups"]}
    wanted.update({"user:%s" % user["name"]: user for user in module.params["users"]})
    try:
        for name, now in sorted(state.accounts(wanted).items()):
            changed = alterations(wanted[name], now) if now else []
            if changed:
                ledger.meet("accounts", name, unowned.REPLACE, ", ".join(changed))
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", unowned=ledger.marks)
    module.exit_json(changed=False, unowned=ledger.marks)


if __name__ == "__main__":
    main()
