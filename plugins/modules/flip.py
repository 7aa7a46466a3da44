#!/usr/bin/python
"""Ansible module: flip a component's links to the previous dated directories, and back."""

DOCUMENTATION = r"""
---
module: flip
short_description: Flip a component's links to the previous dated directories, and back
description:
  - Virtualenvs and data directories are dated directories behind links. Each link goes to the newest dated directory
    other than the one it leads to, with one rename; called again, it goes back. Nothing is built or removed.
  - The receipt then says what the link leads to, so that components which depend on it drift, and are restarted by
    running their roles.
options:
  component:
    description: Name of the component, V(python_env) or V(data_links).
    type: str
    required: true
  links:
    description: Paths of the links to flip. Empty means all of the component's that have somewhere else to go.
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
- name: Go to the previous environment
  codehub.aimlsetup.flip:
    component: python_env
"""

RETURN = r"""
flipped:
  description: "{link: {from, to}}, names of the dated directories."
  type: dict
  returned: always
dependents:
  description: Components whose receipts say that they depend on what was (or would be) flipped.
  type: list
  elements: str
  returned: always
"""

import os

from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
    atomic,
    datalink,
    generations,
    packageset,
    receipts,
    state,
)
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "component": {"type": "str", "required": True},
    "links": {"type": "list", "elements": "str", "default": []},
    "directory": {"type": "path", "default": receipts.DIRECTORY},
}
FLIPPED = "flipped"  # the input digest of a receipt that no arguments have led to


class Refused(Exception):
    """There is nothing to flip; says why."""


def other_generation(path):
    """The newest whole virtualenv of this name other than the current one, or None; its absolute path."""
    root, name = os.path.split(path)
    known, now = generations.finished(root), generations.current(root, name)
    if now not in known:
        return None
    mine = [key for key in known if known[key]["name"] == name and key != now]
    mine = [key for key in mine if generations.holds(root, key, known[key])]
    return os.path.join(root, max(mine, key=lambda key: known[key]["built"])) if mine else None


def other_dated(path):
    """The newest dated directory of a data link other than the current one, or None."""
    target = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
    link = datalink.Link(path, os.path.dirname(target), None, None, None, (), False)
    if not datalink.stamp_of(link, os.path.basename(target)):
        return None
    others = [found for found in datalink.directories(link) if found != target]
    return others[-1] if others else None


def choose(receipt, wanted):
    """{link: (current, other)} as absolute paths. Raises Refused where a wanted one has no other."""
    owned = [path for path, known in receipt["owned"].get("paths", {}).items() if (known or {}).get("type") == "link"]
    missing = [path for path in wanted if path not in owned]
    if missing:
        raise Refused("%s has no links %s; it has %s" % (receipt["component"], ", ".join(missing), ", ".join(owned)))
    found = {}
    for path in wanted or owned:
        other = (other_generation(path) or other_dated(path)) if os.path.islink(path) else None
        if other:
            found[path] = (os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path))), other)
    lacking = [path for path in wanted if path not in found]
    if lacking or not found:
        what = ", ".join(lacking) or receipt["component"]
        raise Refused("%s: there is no other dated directory to go to" % what)
    return found


def renamed(names, flips):
    """{kind: [names]} with the dated directories flipped to instead of those flipped from."""
    instead = dict(flips.values())
    return {kind: sorted({instead.get(name, name) for name in entries}) for kind, entries in names.items()}


def outputs(receipt, flips):
    """The receipt's outputs after the flip: a virtualenv's by its common name, a data link's by its path."""
    after = dict(receipt.get("outputs", {}))
    for path, (_now, other) in flips.items():
        for key, value in ((os.path.basename(path), os.path.basename(other)), (path, other)):
            if key in after:
                after[key] = value
    return after


def digest_for(receipt, after, directory):
    """The input digest that has led to these outputs before, else one that none leads to."""
    if receipt["component"] == "data_links":
        return receipt["input_digest"]  # which dated directory it is, no argument says
    known = [receipt] + receipts.history(directory, receipt["component"])
    return next((one["input_digest"] for one in known if one.get("outputs") == after), FLIPPED)


def dependents(component, flips, known):
    """Components that consume an output of this one, or keep files behind its links."""
    behind = tuple(path + "/" for path in flips)
    return [
        name
        for name, receipt in known.items()
        if name != component
        and (
            any(reference.startswith(component + ".") for reference in receipt.get("consumed", {}))
            or any(path.startswith(behind) for path in receipt.get("owned", {}).get("paths", {}))
        )
    ]


def flip(params, receipt, flips, known):
    """Do it, and have the receipt say so."""
    directory = params["directory"]
    owns = receipts.names(receipt["owned"])
    after = renamed(owns, flips)
    begun = receipts.begin(
        receipt, params["component"], params["run"], receipts.union(owns, after), packageset.snapshot(), known
    )
    receipts.keep_contents(directory, begun["dirty"]["before"])
    receipts.save(directory, begun)
    for path, (_now, other) in flips.items():
        beside = os.path.dirname(path) == os.path.dirname(other)
        atomic.link(path, os.path.basename(other) if beside else other)
    now = outputs(receipt, flips)
    inputs = (digest_for(receipt, now, directory), receipt["secrets"])
    finished = receipts.committed(
        begun, inputs, state.take(after), now, receipt.get("consumed", {}), packageset.snapshot(), known
    )
    receipts.remember(directory, dict(begun, dirty=None))
    receipts.save(directory, finished)


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    try:
        known = receipts.load_all(params["directory"])
        receipt = known.get(params["component"])
        if not receipt or receipt["dirty"]:
            raise Refused("%s is not applied on this host, or not wholly: apply it first" % params["component"])
        flips = choose(receipt, params["links"])
        if not module.check_mode:
            flip(params, receipt, flips, known)
    except (Refused, ValueError) as error:
        module.fail_json(msg="%s. Nothing was changed." % error)
    before, after = ({path: os.path.basename(pair[side]) for path, pair in flips.items()} for side in (0, 1))
    module.exit_json(
        changed=True,
        flipped={path: {"from": before[path], "to": after[path]} for path in flips},
        dependents=dependents(params["component"], flips, known),
        diff={"before": before, "after": after},
    )


if __name__ == "__main__":
    main()
