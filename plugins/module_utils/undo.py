"""What has to be done so that a host is again as receipts remember it. Pure: states in, steps out.

A step is {"kind", "name", "do", "was", "now", "ours"}; `do` says how (see the function of each kind). What
can't or need not be done is `left` (the rest is done) or `refused` (nothing is). Standard library only, Python 3.6
syntax.
"""

import collections

from ansible_collections.codehub.aimlsetup.plugins.module_utils import before, packageset, receipts

LAST, FIRST = "last", "first"
UNFINISHED = 1 << 60  # the serial of what no finished change has noted

# A component to take back. `wanted` and `owned` are states by kind; `noted(kind, name)` is the serial of the change
# before which that state was taken; `then` is the receipt it has afterwards, or None; `file` where that one lies.
Part = collections.namedtuple("Part", "component wanted owned noted serial unfinished then file")
# What the pure part can't see: `kept` digests of file contents, `dated` {path: why its directory can't be moved back},
# `work` {checkout: local work, as lines}, `half` virtualenvs of which a killed run has left a part.
Facts = collections.namedtuple("Facts", "kept dated work half")
Decision = collections.namedtuple("Decision", "steps left refused packages")


class Refused(Exception):
    """What can't be taken back, and why."""


def newest(known):
    """Components of the newest run that changed something; an unfinished one is newer than any."""
    marked = [name for name, receipt in known.items() if receipt.get("dirty")]
    if marked:
        runs = {known[name]["dirty"]["run"] for name in marked}
        return marked + [name for name in _of_run(known, runs) if name not in marked]
    last = max([receipt.get("serial", 0) for receipt in known.values()] + [0])
    runs = {receipt.get("run") for receipt in known.values() if receipt.get("serial", 0) == last}
    return _of_run(known, runs)


def _of_run(known, runs):
    return [name for name, receipt in known.items() if receipt.get("run") in runs]


def part(receipt, to, installed, known, earlier):
    """One component as a `Part`. `earlier` is (file, receipt) of the state before its last change, or None.

    Raises Refused where its receipt can't tell the way back.
    """
    component, dirty = receipt["component"], receipt.get("dirty")
    unfinished = _unfinished(receipt, installed, known) if dirty else {}
    if to == FIRST:
        wanted = receipts.merged(receipt.get("before_first", {}), unfinished)
        since, first = receipt.get("since", {}), receipt.get("first", 0)

        def noted(kind, name):
            late = name not in receipt.get("before_first", {}).get(kind, {})
            return UNFINISHED if late else since.get(kind, {}).get(name, first)

        return Part(component, wanted, receipt["owned"], noted, receipt.get("serial", 0), bool(dirty), None, None)
    if dirty:
        then = dict(receipt, dirty=None) if receipt["input_digest"] else None
        return Part(component, unfinished, receipt["owned"], lambda *_: UNFINISHED, UNFINISHED, True, then, None)
    if not {"serial", "first", "before_last"} <= set(receipt):
        raise Refused("%s was last changed by a version of aimlsetup that kept no way back" % component)
    serial = receipt["serial"]
    if serial != receipt["first"] and earlier is None:
        raise Refused("what %s was before its last change is not kept any more" % component)
    file, then = earlier if serial != receipt["first"] else (None, None)
    return Part(component, receipt["before_last"], receipt["owned"], lambda *_: serial, serial, False, then, file)


def _unfinished(receipt, installed, known):
    """The state before a run that did not finish, with the packages it has changed."""
    dirty = receipt["dirty"]
    others = receipts.changed_since(known, receipt["component"], dirty.get("serial", 0))
    changed = packageset.changed(dirty["packages"], installed) if dirty.get("packages") else {}
    mine = {name: was for name, was in changed.items() if name not in others}
    return receipts.merged({"packages": mine}, dirty["before"])


def unsatisfied(parts, known):
    """[(component, why)] of those that would use an output which is not what they were made with."""
    after = {name: receipt for name, receipt in known.items() if name not in {one.component for one in parts}}
    after.update({one.component: one.then for one in parts if one.then})
    touched = {one.component for one in parts}
    found = []
    for name, receipt in sorted(after.items()):
        for reference, value in sorted(receipt.get("consumed", {}).items()):
            component, _dot, key = reference.partition(".")
            now = ((after.get(component) or {}).get("outputs") or {}).get(key)
            if touched & {component, name} and now != value:
                found.append((name, "it was made with %s of %s, which would go; take both back" % (key, component)))
    return found


def names(parts):
    """{kind: [names]} of everything these parts tell of."""
    found = {}
    for one in parts:
        found = receipts.union(found, receipts.union(receipts.names(one.wanted), receipts.names(one.owned)))
    return found


def targets(parts):
    """[(kind, name, was, ours, unfinished)]: of what several parts tell, the earliest state counts, and the last owner.

    `ours` is what the last change left, None where it left nothing or owns it no longer.
    """
    rows = []
    for kind in sorted({kind for one in parts for kind in one.wanted}):
        for name in sorted({name for one in parts for name in one.wanted.get(kind, {})}):
            telling = [one for one in parts if name in one.wanted.get(kind, {})]
            first = min(telling, key=lambda one: one.noted(kind, name))
            owners = [one for one in parts if name in one.owned.get(kind, {})]
            ours = max(owners, key=lambda one: one.serial).owned[kind][name] if owners else None
            rows.append((kind, name, first.wanted[kind][name], ours, any(one.unfinished for one in telling)))
    return rows


def decide(parts, others, now, facts):
    """The `Decision`. `others` are receipts that stay, `now` the present states, `facts` a `Facts`."""
    steps, left, refused, packages, kept = [], [], [], {}, {}
    for other in others:
        kept = receipts.union(kept, receipts.names(other.get("owned", {})))
    for kind, name, was, ours, unfinished in targets(parts):
        found = now.get(kind, {}).get(name)
        if kind == "packages":
            there = (was is None) == (found is None) and before.same(kind, was, found)
            if not there and name not in kept.get(kind, ()):
                packages[name] = was
            continue
        if before.same(kind, was, found):
            continue
        if name in kept.get(kind, ()):
            left.append(_row(kind, name, "another component has it too"))
            continue
        do, why = KINDS[kind](name, was, found, None if unfinished else ours, unfinished, facts)
        if do in ("left", "refused"):
            (left if do == "left" else refused).append(_row(kind, name, why))
        else:
            steps.append({"kind": kind, "name": name, "do": do, "was": was, "now": found, "ours": ours})
    return Decision(steps, left, refused, packages)


def _row(kind, name, why):
    return {"kind": kind, "name": name, "why": why}


def path(name, was, now, ours, unfinished, facts):
    """`remove`, `sweep` (if nothing is in it by then), `attributes`, `content`, `link`, `directory`, `back` (a
    directory from behind its link).
    """
    mine = unfinished or (ours is not None and before.same("paths", ours, now))
    if was is None:
        if mine or now["type"] == "directory":
            return "remove", ""
        return ("sweep", "") if ours is None and now["type"] == "file" else _edited(ours)
    if was["type"] == "directory":
        return _directory(name, now, mine, ours, facts)
    if was["type"] == "file":
        return _file(was, now, mine, ours, facts)
    if was["type"] == "link" and (now is None or (now["type"] == "link" and mine)):
        return "link", ""
    return "refused", "it was a %s, and is something else now" % was["type"]


def _file(was, now, mine, ours, facts):
    if now and not mine:
        return _edited(ours)
    if now and now["type"] == "file" and _content(now) == _content(was):
        return "attributes", ""
    if now and now["type"] == "directory":
        return "refused", "it was a file, and is a directory now"
    if was.get("sha256") not in facts.kept:
        return "refused", "what it was before: " + receipts.TOO_LARGE
    return "content", ""


def _content(state):
    return [state.get(field) for field in ("sha256", "size", "mtime")]


def _edited(ours):
    if ours is None:
        return "left", "somebody has put something there since"
    return "refused", "somebody has changed it since aimlsetup wrote it"


def _directory(name, now, mine, ours, facts):
    if now and now["type"] == "directory":
        return "attributes", ""
    behind = (now or ours or {}).get("type") == "link"
    if behind and (mine or now is None) and name in facts.dated:
        why = facts.dated[name]
        return ("refused", why) if why else ("back", "")
    if now is None:
        return "directory", ""
    return "refused", "it was a directory, and is a %s now" % now["type"]


def virtualenv(name, was, now, ours, _unfinished, facts):
    """`discard`."""
    if was is None:
        if (ours is not None and ours == now) or name in facts.half:
            return "discard", ""
        return "left", "something was installed into it, or removed from it, since it was built"
    if now is None:
        return "refused", "it is not kept any more, so there is nothing to go back to"
    return "left", "something was installed into it, or removed from it, since"


def checkout(name, was, now, ours, unfinished, facts):
    """`delete` or `move`."""
    work = facts.work.get(name)
    moved = ours is not None and not before.same("checkouts", ours, now)
    if was is None:
        if moved:
            return "left", "somebody has checked something else out in it"
        if work:
            return "left", "there is work in it that is nowhere else: %s" % "; ".join(work[:3])
        return "delete", ""
    if now is None:
        return "left", "it is not there any more"
    if moved and not unfinished:
        return "refused", "somebody has checked something else out in it"
    if work:
        return "refused", "there is work in it that is nowhere else: %s" % "; ".join(work[:3])
    return "move", ""


def unit(_name, was, _now, _ours, _unfinished, _facts):
    """`stop` or `set`."""
    if was is None:
        return "stop", ""
    return "set", ""


def program(_name, was, _now, _ours, _unfinished, _facts):
    """`end` or `rerun`."""
    return ("end", "") if was is None else ("rerun", "")


def account(_name, was, now, _ours, _unfinished, _facts):
    """`delete` or `modify`."""
    if was is None:
        return "delete", ""
    if now is None:
        return "left", "somebody has removed it"
    return "modify", ""


def alternative(_name, was, now, _ours, _unfinished, _facts):
    """`choose`."""
    if was is None or now is None:
        return "left", "it goes and comes with its packages"
    return "choose", ""


def cache(_name, was, _now, _ours, _unfinished, _facts):
    """`empty`."""
    return ("empty", "") if was is None else ("left", "a cache fills by itself")


KINDS = {
    "paths": path,
    "venvs": virtualenv,
    "checkouts": checkout,
    "units": unit,
    "programs": program,
    "accounts": account,
    "alternatives": alternative,
    "caches": cache,
}
