#!/usr/bin/python
"""Ansible module: take components back to what was there before aimlsetup changed it."""

DOCUMENTATION = r"""
---
module: restore
short_description: Take components back to what was there before
description:
  - From their receipts, brings back files, links, owners and modes, directories that had become links, packages with
    version, hold and auto mark, checkouts, units, accounts and alternatives; virtualenvs, checkouts and directories
    that were made go. Afterwards the receipts say what they said then, or are gone.
  - All is decided before anything is done. A file that somebody has changed since, work that is nowhere else, a package
    that somebody holds or whose version is nowhere to be had refuses the whole, by name. Directories with something in
    them stay, with the accounts that own it, and are named.
  - Killed at any moment, the same call goes on.
options:
  components:
    description: What to take back. Empty means, with O(to=last), those of the newest run, and with O(to=first) all.
    type: list
    elements: str
    default: []
  to:
    description: V(last) is before the last change of each; V(first) before its first, which removes it.
    type: str
    choices: [last, first]
    default: last
  dependents_ok:
    description: Go on although others were made with an output of these. They are to be applied afterwards.
    type: bool
    default: false
  directory:
    description: Where receipts lie.
    type: path
    default: /var/lib/aimlsetup/receipts
  lock_timeout:
    description: Seconds to wait for another process that uses apt or dpkg.
    type: int
    default: 600
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Undo what the last run has done
  codehub.aimlsetup.restore:

- name: Remove a component
  codehub.aimlsetup.restore:
    components: [cuda]
    to: first
"""

RETURN = r"""
components:
  description: What was (or would be) taken back.
  type: list
  elements: str
  returned: always
steps:
  description: What was (or would be) done, each with C(kind), C(name) and C(do).
  type: list
  elements: dict
  returned: always
left:
  description: What stays although it was not there before, each with C(kind), C(name) and C(why).
  type: list
  elements: dict
  returned: always
plan:
  description: C(packages) as name, from and to, and C(restarts), units whose configuration changes.
  type: dict
  returned: always
"""

import os

from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
    aptback,
    aptrun,
    before,
    packageset,
    putback,
    receipts,
    state,
    systemd,
    trust,
    undo,
)
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "components": {"type": "list", "elements": "str", "default": []},
    "to": {"type": "str", "choices": ["last", "first"], "default": "last"},
    "dependents_ok": {"type": "bool", "default": False},
    "directory": {"type": "path", "default": receipts.DIRECTORY},
    "lock_timeout": {"type": "int", "default": 600},
}
SHOWN = 12


def parts_of(params, known, installed):
    """The components as `undo.Part`s. Raises undo.Refused or ValueError."""
    wanted = params["components"] or (undo.newest(known) if params["to"] == undo.LAST else list(known))
    missing = [name for name in wanted if name not in known]
    if missing:
        raise undo.Refused("aimlsetup has not applied %s on this host" % ", ".join(missing))
    found = []
    for name in wanted:
        earlier = receipts.earlier(params["directory"], name, known[name].get("serial", 0))
        found.append(undo.part(known[name], params["to"], installed, known, earlier))
    return sorted(found, key=lambda part: part.serial, reverse=True)


def facts_of(parts, now, directory):
    """What deciding needs besides states."""
    store = os.path.join(directory, receipts.BEFORE)
    kept = set(os.listdir(store)) if os.path.isdir(store) else set()
    links = [(name, was, ours) for kind, name, was, ours, _unfinished in undo.targets(parts) if kind == "paths"]
    work, half = putback.work(now.get("checkouts", {})), putback.half(now.get("venvs", {}))
    return undo.Facts(kept, putback.dated(links), work, half)


def told(rows):
    """Lines that name things, each with the reason."""
    lines = ["  %s: %s" % (row["name"], row["why"]) for row in rows[:SHOWN]]
    return lines + (["  and %d more" % (len(rows) - SHOWN)] if len(rows) > SHOWN else [])


def refuse(module, what, lines):
    """End without having done anything."""
    module.fail_json(
        msg="%s can't be taken back, and nothing was changed:\n%s\nhint: put right what is named here (or copy it and "
        "move it away), then do the same again." % (what, "\n".join(lines))
    )


def shown(decision):
    """Ansible's diff: one entry per step, but for packages."""
    found = []
    for step in decision.steps:
        header = "%s (%s)" % (step["name"], (step["was"] or step["now"] or {}).get("type") or step["kind"][:-1])
        found.append({"before_header": header, "after_header": header, **sides(step)})
    return found


def sides(step):
    """How a thing is described before and after: its fields, as far as they are plain; None where it is not there.

    Of a content no digest is shown: a password might be guessed by it.
    """
    now, was = step["now"], step["was"]
    found = {"before": plain(now), "after": plain(was)}
    if now and was and now.get("sha256") != was.get("sha256"):
        found["before"]["content"], found["after"]["content"] = "today's", "the earlier"
    return found


def plain(known):
    """The fields of a state that have one value and tell people something."""
    silent = ("sha256", "mtime", "current")
    return known and {
        key: value for key, value in known.items() if isinstance(value, (str, int, bool)) and key not in silent
    }


def of(decision, kind):
    """The steps of a kind."""
    return [step for step in decision.steps if step["kind"] == kind]


def remaining(parts, kind):
    """Names that the receipts own afterwards."""
    return sorted({name for part in parts if part.then for name in part.then["owned"].get(kind, {})})


def act(commands, params, parts, decision, way):
    """Do it; (what was left, units that were restarted)."""
    paths = of(decision, "paths")
    putback.stop(of(decision, "units"))
    putback.end(of(decision, "programs"))
    names = undo.names(parts).get("checkouts", [])
    left = [("checkouts", *row) for row in putback.checkouts(of(decision, "checkouts"), names)]
    left += [("packages", *row) for row in aptback.go(commands, way, decision.packages)]
    putback.paths(paths, params["directory"])
    putback.alternatives(of(decision, "alternatives"))
    gone = [step["name"] for step in paths if step["do"] == "remove"]
    units = [name for name in gone if name.startswith(systemd.UNITS + "/")]
    staying = putback.remove(units)  # what is left of them is what their units go on with
    restarted = putback.settle(of(decision, "units"), undo.names(parts).get("units", []), paths)
    left += [("programs", *row) for row in putback.rerun(of(decision, "programs"), remaining(parts, "programs"))]
    left += [("venvs", *row) for row in putback.virtualenvs(of(decision, "venvs"))]
    putback.empty(of(decision, "caches"))
    staying += putback.remove([name for name in gone if name not in units])
    swept = putback.sweep([step["name"] for step in paths if step["do"] == "sweep"])
    left += [("paths", *row) for row in staying + swept]
    left += [("accounts", *row) for row in putback.accounts(of(decision, "accounts"), [name for name, _why in staying])]
    trust.refresh(commands.module, [step["name"] for step in paths])
    if of(decision, "units"):
        state.run(["systemctl", "daemon-reload"])
    putback.reinstate(params["directory"], parts)
    return [{"kind": kind, "name": name, "why": why} for kind, name, why in left], restarted


def work(module):
    """Decide, and act unless in check mode; the module's result."""
    params = module.params
    known, installed = receipts.load_all(params["directory"]), packageset.snapshot()
    parts = parts_of(params, known, installed)
    if not parts:
        return {"changed": False, "components": [], "steps": [], "left": [], "plan": {}, "diff": []}
    what = ", ".join(part.component for part in parts)
    others = [receipt for name, receipt in known.items() if name not in {part.component for part in parts}]
    now = dict(before.take(undo.names(parts)), packages=installed)
    decision = undo.decide(parts, others, now, facts_of(parts, now, params["directory"]))
    commands = aptrun.Commands(module)
    way = aptback.find_way(commands, decision.packages, installed, receipts.held(known))
    rows = decision.refused + [{"name": name, "why": why} for name, why in way.refused]
    if not params["dependents_ok"]:
        rows += [{"name": name, "why": why} for name, why in undo.unsatisfied(parts, known)]
    if rows:
        refuse(module, what, told(rows))
    left = decision.left + [{"kind": "packages", "name": name, "why": why} for name, why in way.left]
    restarts = []
    if not module.check_mode:
        more, restarts = act(commands, params, parts, decision, way)
        left += more
    for row in left[:SHOWN]:
        module.warn("%s stays: %s" % (row["name"], row["why"]))
    return {
        "changed": True,
        "components": [part.component for part in parts],
        "steps": [{key: step[key] for key in ("kind", "name", "do")} for step in decision.steps],
        "left": left,
        "plan": {"packages": way.changes, "restarts": restarts},
        "diff": shown(decision),
    }


def main():
    """Run the module."""
    module = writer(OPTIONS)
    try:
        result = work(module)
    except (undo.Refused, ValueError) as error:
        module.fail_json(msg="%s. Nothing was changed." % error)
    except (putback.Failed, OSError) as error:
        module.fail_json(msg="%s\nhint: put that right, then do the same again: it goes on from there." % error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
