"""What is there and no receipt owns: noted before it is touched, and touched only by consent.

Each such thing gets a mark, as {"kind", "name", "mark", "why"}; kinds are those of receipts, and `ports`. A thing that
a run of ours has made which did not finish is ours, although no receipt owns it yet. Python 3.6 syntax.
"""

import os

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import receipts
except ImportError:  # observe run as a plain script
    import receipts

KEEP = "keep"  # nobody touches it
ADOPT = "adopt"  # it is as it should be: a receipt is all that is written
REPLACE = "replace"  # it would be changed
IN_THE_WAY = "in the way"  # it would have to go first, and that is for its owner to do

HINTS = {
    REPLACE: "Look at it. A plan that says so is a consent: `aimlsetup apply` in a terminal, or `aimlsetup plan -o "
    "FILE` and `aimlsetup apply FILE`; without one, `aimlsetup apply --yes --replace %s`. To keep it, let `aimlsetup "
    "adopt` write a profile that describes it.",
    IN_THE_WAY: "Move %s away, or name another place in the profile.",
}


class Unasked(Exception):
    """A thing that is nobody's would be touched, and nobody has agreed to that; args: its mark, in words."""


def ours(known):
    """{kind: names} that these receipts own, or that runs which did not finish have made. Pure."""
    found = {}
    for receipt in known.values():
        for kind, states in receipt.get("owned", {}).items():
            found.setdefault(kind, set()).update(states)
        for kind, states in ((receipt.get("dirty") or {}).get("before") or {}).items():
            found.setdefault(kind, set()).update(name for name, was in states.items() if was is None)
    return found


class Ledger:
    """The marks of one module call. `adopt` in the module's options names what may be replaced; None is anything."""

    def __init__(self, module):
        self.marks = []
        self._module = module
        self._allowed = module.params["adopt"]
        self._ours = {}
        if self._allowed is not None:
            try:
                self._ours = ours(receipts.load_all(module.params["receipts"]))
            except ValueError as error:
                module.fail_json(msg="%s. Move the file away and apply again: the component is then made anew." % error)

    def meet(self, kind, name, mark, why):
        """Note that a thing which is there has this mark; False where it is ours, or anything may be done.

        Raises Unasked outside check mode where nobody has agreed.
        """
        if self._allowed is None or name in self._ours.get(kind, ()):
            return False
        self.marks.append({"kind": kind, "name": name, "mark": mark, "why": why})
        if not self._module.check_mode and (mark == IN_THE_WAY or name not in self._allowed):
            raise Unasked(words(self.marks[-1]))
        return True

    def meet_files(self, entries):
        """`meet` those of [{"path"}] that are there, to be written anew for a service."""
        for entry in entries:
            if os.path.lexists(entry["path"]):
                self.meet("paths", entry["path"], REPLACE, "it would be what this service needs")


def words(mark):
    """A mark as a sentence with what to do."""
    what = "is in the way" if mark["mark"] == IN_THE_WAY else "would be changed"
    return "%s is there, no receipt owns it, and it %s: %s. It was left as it is.\nhint: %s" % (
        mark["name"], what, mark["why"].rstrip("."), HINTS[mark["mark"]] % mark["name"],
    )  # fmt: skip


def existing(found, known):
    """Marks of what is there of `found` ({kind: {name: state}}) and not ours: adopted, unless a task says otherwise."""
    mine = ours(known)
    return [
        {"kind": kind, "name": name, "mark": ADOPT, "why": ""}
        for kind in sorted(found)
        for name in sorted(found[kind])
        if found[kind][name] is not None and name not in mine.get(kind, ())
    ]
