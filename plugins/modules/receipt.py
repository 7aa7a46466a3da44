#!/usr/bin/python
"""Ansible module: begin, commit or drop a component's receipt."""

DOCUMENTATION = r"""
---
module: receipt
short_description: Begin, commit or drop the receipt of a component
description:
  - A receipt says what aimlsetup did on this host for one component, and what was there before.
  - V(begin) marks it dirty and notes the state of everything the role is about to own; it never reports a change and
    writes nothing in check mode. V(commit) records the finished state; it reports a change only if the receipt differs
    apart from that mark. A run that is killed in between leaves a dirty receipt, never a false one.
options:
  component:
    description: Name of the component, as in its role.
    type: str
    required: true
  state:
    description: What to do.
    type: str
    choices: [begin, commit, absent]
    required: true
  inputs:
    description: Result of the filter P(codehub.aimlsetup.role_inputs#filter) for this role. Needed by begin and commit.
    type: dict
    no_log: true
  owns:
    description:
      - Names of what the role owns, by kind; kinds are packages, paths, venvs, checkouts, units, alternatives (groups
        of update-alternatives), accounts (V(user:NAME), V(group:NAME)), and caches (directories whose content can
        always be made again).
    type: dict
    default: {}
  outputs:
    description: What other components may depend on, such as the dated directory behind a link. Used by commit.
    type: dict
    default: {}
  output_files:
    description:
      - Files whose content is an output, by name of the output. Its value is keyed with the receipt's salt, so that it
        tells a change and nothing of a password in the file. Used by commit.
    type: dict
    default: {}
  consumes:
    description: Outputs of other components that this one depends on, as V(component.key).
    type: list
    elements: str
    default: []
  directory:
    description: Where receipts lie.
    type: path
    default: /var/lib/aimlsetup/receipts
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Begin
  codehub.aimlsetup.receipt:
    component: codehub
    state: begin
    inputs: "{{ role_path | codehub.aimlsetup.role_inputs }}"
    owns: "{{ __codehub_owns }}"
  register: __codehub_receipt
"""

RETURN = r"""
owned:
  description: What the receipt owned before, as {kind => {name => state}}.
  type: dict
  returned: state is begin
unfinished:
  description: Whether an earlier run began and did not commit, so that what it wrote may not have been taken in.
  type: bool
  returned: state is begin
unowned:
  description: Marks of what of O(owns) is there and no receipt owns.
  type: list
  elements: dict
  returned: state is begin
consumed:
  description: Values of the outputs named in O(consumes), null where there is none.
  type: dict
  returned: always
"""

import os

from ansible_collections.codehub.aimlsetup.plugins.module_utils import digest, packageset, receipts, state, unowned
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "component": {"type": "str", "required": True},
    "state": {"type": "str", "required": True, "choices": ["begin", "commit", "absent"]},
    "inputs": {"type": "dict", "no_log": True},
    "owns": {"type": "dict", "default": {}},
    "outputs": {"type": "dict", "default": {}},
    "output_files": {"type": "dict", "default": {}},
    "consumes": {"type": "list", "elements": "str", "default": []},
    "directory": {"type": "path", "default": receipts.DIRECTORY},
}


def fingerprint_of(receipt, secrets):
    """The stored fingerprint where the secrets are still the same, else a new one with a new salt."""
    stored = (receipt or {}).get("secrets")
    if stored and set(stored["prints"]) == set(secrets) and digest.same_secrets(stored, secrets):
        return stored
    return digest.fingerprint(secrets, os.urandom(16).hex())


def outdated_units(found):
    """Units whose process still runs with an older configuration than its unit file names."""
    return sorted(name for name, unit in found.get("units", {}).items() if unit and unit["current"] is False)


def begin(module, receipt, consumed):
    """Mark the receipt dirty and keep what is there."""
    params = module.params
    known = receipts.load_all(params["directory"])
    marks = unowned.existing(state.take(params["owns"]), known)
    if not module.check_mode:
        begun = receipts.begin(
            receipt, params["component"], params["run"], params["owns"], packageset.snapshot(), known
        )  # fmt: skip
        receipts.keep_contents(params["directory"], begun["dirty"]["before"])
        receipts.save(params["directory"], begun)
    module.exit_json(
        changed=False, owned=(receipt or {}).get("owned", {}), unfinished=bool((receipt or {}).get("dirty")),
        unowned=marks, consumed=consumed,
    )  # fmt: skip


def commit(module, receipt, consumed):
    """Record the finished state."""
    params = module.params
    if receipt is None and module.check_mode:
        module.exit_json(changed=True, consumed=consumed)
    if receipt is None or not (receipt["dirty"] or module.check_mode):
        module.fail_json(msg="receipt of %s: commit without begin; run the whole role." % params["component"])
    found = state.take(params["owns"])
    outdated = outdated_units(found)
    if outdated and not module.check_mode:
        module.fail_json(
            msg="%s: still running with an older configuration than the unit file names: %s. Flush the handlers that "
            "restart it before the commit." % (params["component"], ", ".join(outdated))
        )
    fingerprint = fingerprint_of(receipt, params["inputs"]["secrets"])
    inputs = (params["inputs"]["digest"], fingerprint)
    keyed = {name: digest.keyed(fingerprint["salt"], path) for name, path in params["output_files"].items()}
    outputs = dict(params["outputs"], **keyed)
    known = receipts.load_all(params["directory"])
    after = receipts.committed(receipt, inputs, found, outputs, consumed, packageset.snapshot(), known)
    quiet = ("dirty", "before_last", "before_first", "run", "serial", "first", "since")
    changed = any(receipt.get(key) != after[key] for key in after if key not in quiet)
    if not module.check_mode:
        if receipt["input_digest"] and receipt.get("serial") != after.get("serial"):
            receipts.remember(params["directory"], dict(receipt, dirty=None))
        receipts.save(params["directory"], after)
    module.exit_json(changed=changed, consumed=consumed)


def main():
    """Run the module."""
    module = writer(OPTIONS, required_if=[("state", "begin", ("inputs",)), ("state", "commit", ("inputs",))])
    params = module.params
    try:
        receipt = receipts.load(params["directory"], params["component"])
        consumed = receipts.consumed_outputs(params["directory"], params["consumes"])
    except ValueError as error:
        module.fail_json(msg="%s. Move the file away and apply again: the component is then made anew." % error)
    if params["state"] == "absent":
        changed = receipt is not None
        if changed and not module.check_mode:
            receipts.remove(params["directory"], params["component"])
        module.exit_json(changed=changed, consumed=consumed)
    try:
        (begin if params["state"] == "begin" else commit)(module, receipt, consumed)
    except OSError as error:
        module.fail_json(
            msg="the receipt of %s can't be written: %s. The role goes no further.\nhint: make room, or see that %s "
            "can be written, then apply again." % (params["component"], error, params["directory"])
        )


if __name__ == "__main__":
    main()
