#!/usr/bin/python
"""Ansible module: Debian packages, in exactly the planned transaction."""

DOCUMENTATION = r"""
---
module: packages
short_description: Install Debian packages in exactly the planned transaction
description:
  - Asks dpkg first and does nothing where all O(packages) are as wished. Otherwise it simulates the transaction with
    apt-get, refuses one that removes, downgrades or upgrades anything nobody asked for or brings in a package that is
    built for another CUDA than the wanted ones (V(+cuda10.1) beside V(+cuda10.0)), checks that the disk has room,
    installs without recommended packages, and asserts that what was wished is there.
  - A package that somebody else holds is not changed; holds of what a receipt owns are our own.
  - Configures first what an interrupted dpkg left behind; keeps changed configuration files; waits for other users of
    apt and dpkg and says whom it waited for. Package lists are updated only when they do not have what is wanted.
  - In check mode lists are fetched to a scratch directory when the host's own do not suffice; nothing else is written.
  - Needs apt-get and dpkg-query; python3-apt is not used.
options:
  packages:
    description: What is to be installed, in apt-get's notation V(name), V(name=version) or V(name=begins-so*).
    type: list
    elements: str
    required: true
  hold:
    description: Whether dpkg is to hold these packages at their version. Unset leaves holds as they are.
    type: bool
  upgrades:
    description:
      - Whether installed packages that O(packages) does not name may be upgraded when the wanted ones need it. Removing
        or downgrading them is refused in any case.
    type: bool
    default: false
  replaces:
    description:
      - Installed packages that may be removed, upgraded or downgraded when the wanted ones need it. C(*) and C(?) stand
        for any text and any character.
    type: list
    elements: str
    default: []
  refuses:
    description:
      - Packages that must not come in because a wanted one depends on them, as for O(replaces). The refusal names the
        chain of packages that asks for it.
    type: list
    elements: str
    default: []
  absent:
    description:
      - Names that are to be removed in the same transaction, with dependencies of theirs that came in automatically and
        that nothing else needs. Refused where another installed package depends on one.
    type: list
    elements: str
    default: []
  compiler:
    description: The C compiler for packages that build something while they are installed (C(CC)).
    type: str
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
- name: Install | Packages
  codehub.aimlsetup.packages:
    packages: [git, git-lfs, cuda-toolkit-12-4=12.4.1-1]
    hold: true
"""

RETURN = r"""
plan:
  description:
    - The transaction. C(from) is null for a new package; C(download) and C(disk) are bytes. In check mode C(lost) are
      replaced versions that can't be kept for going back, because neither apt's cache nor a source has them.
  type: dict
  returned: always
  sample: {packages: [{name: git, from: null, to: "1:2.39.5-0+deb12u2"}], download: 7256704, disk: 43008000}
space:
  description: What it claims of file systems, as rows of path, device, free, need and least (bytes).
  type: list
  elements: dict
  returned: always
configured:
  description: Packages that an interrupted dpkg had left half done.
  type: list
  elements: str
  returned: always
held:
  description: Packages whose hold was (or would be) set or cleared.
  type: list
  elements: str
  returned: always
waited:
  description: Seconds waited for other users of apt and dpkg.
  type: float
  returned: always
"""

import contextlib
import os
import shutil
import tempfile

from ansible_collections.codehub.aimlsetup.plugins.module_utils import apt, aptrun, debs, receipts, space, state
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "packages": {"type": "list", "elements": "str", "required": True},
    "hold": {"type": "bool"},
    "upgrades": {"type": "bool", "default": False},
    "replaces": {"type": "list", "elements": "str", "default": []},
    "refuses": {"type": "list", "elements": "str", "default": []},
    "absent": {"type": "list", "elements": "str", "default": []},
    "directory": {"type": "path", "default": receipts.DIRECTORY},
    "compiler": {"type": "str"},
    "lock_timeout": {"type": "int", "default": 600},
}
DPKG_JOURNAL = "/var/lib/dpkg/updates"


class Apt(aptrun.Commands):
    """apt-get and dpkg of this host, as this module uses them."""

    def __init__(self, module):
        super().__init__(module)
        self.scratch = []
        self.update_trouble = ""

    def get(self, *arguments):
        """`apt-get` with this module's options."""
        # A hold is no reason to keep what may be replaced; that others stay is seen to by `apt.refusals`.
        holds = ["-o", "APT::Ignore-Hold=1"] if self.module.params["replaces"] else []
        return self.patiently(["apt-get", "-q", "-y", *aptrun.OPTIONS, *holds, *self.scratch, *arguments])

    @contextlib.contextmanager
    def scratch_lists(self):
        """In check mode, keep fetched package lists and caches away from the host's own."""
        if not self.module.check_mode:
            yield
            return
        directory = tempfile.mkdtemp(prefix="aimlsetup-apt-")
        os.chmod(directory, 0o755)  # noqa: S103 - apt fetches as its own user
        try:
            self.directory = directory
            yield
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def update(self):
        """Fetch the package lists; trouble is kept for the case that something then is still missing."""
        if self.module.check_mode:
            lists = os.path.join(self.directory, "lists")
            os.makedirs(os.path.join(lists, "partial"))
            self.scratch = ["-o", "Dir::State::Lists=" + lists, "-o", "Dir::Cache=" + self.directory]
        status, output = self.get("-o", "APT::Update::Error-Mode=any", "update")
        self.update_trouble = output if status else ""

    def unfinished(self):
        """Packages that dpkg left half done."""
        _status, output = self.execute(["dpkg-query", "-W", "-f", r"${db:Status-Abbrev}\t${binary:Package}\n"])
        return apt.unfinished(output)

    def configure(self, half_done):
        """Finish what an interrupted dpkg left; what may be replaced may be what does not let itself be finished."""
        status, output = self.patiently(["dpkg", "--configure", "-a", "--force-confdef", "--force-confold"])
        names, replaces = {name.partition(":")[0] for name in half_done}, self.module.params["replaces"]
        if status and not all(apt.matches(name, replaces) for name in names):
            self.fail(apt.explanation("dpkg --configure -a", output))

    def show(self, changes):
        """Control stanzas of everything that comes in."""
        new = [spec(change["name"], change["to"]) for change in changes if change["to"]]
        return self.execute(["apt-cache", *self.scratch, "show", "--", *new])[1] if new else ""

    def measure(self, specs, changes):
        """Bytes to download, and bytes that the disk will have less afterwards."""
        _status, uris = self.get("-o", "Debug::NoLocking=1", "--print-uris", *aptrun.INSTALL, *specs)
        old = [change["name"] for change in changes if change["from"]]
        before = ""
        if old:
            _status, before = self.execute(["dpkg-query", "-W", "-f", r"Installed-Size: ${Installed-Size}\n", *old])
        disk = apt.parse_installed_sizes(self.show(changes)) - apt.parse_installed_sizes(before)
        return {"packages": changes, "download": apt.parse_download(uris), "disk": disk}

    def leaving(self, specs, names):
        """What goes with packages that are to be absent: they, and what was installed automatically for them alone.

        Nothing that `specs`, all that is wanted, need; they alone while apt does not know one of those.
        """
        if not names:
            return set()
        asked = ("-s", "-o", "Debug::NoLocking=1", "--allow-change-held-packages")
        orphans = apt.removals(self.get(*asked, "autoremove")[1])
        dependents = apt.removals(self.get(*asked, "remove", "--", *names)[1]) - set(names)
        output = self.get(*asked, "--auto-remove", *aptrun.INSTALL, *specs, *(name + "-" for name in names))[1]
        return (apt.removals(output) - orphans - dependents) | set(names)

    def plan(self, transaction, wanted):
        """(the transaction, "") as simulated, refused where it does more than was asked, or (None, apt's words)."""
        status, output = self.get("-s", "-o", "Debug::NoLocking=1", *aptrun.INSTALL, *transaction.specs)
        if status:
            return None, output
        changes, params = apt.parse_simulation(output), self.module.params
        self.spare_holds(changes)
        refused = apt.refusals(
            changes, wanted, apt.parse_downgraded(output), params["upgrades"], params["replaces"], params["refuses"],
            transaction.leaving,
        )  # fmt: skip
        if refused:
            stanzas = self.show(changes)
            self.fail(
                "%s would also\n%s\nNobody asked for that, so nothing was done.\nhint: name these packages "
                "with a version that fits, or resolve the conflict by hand."
                % (transaction.text, "\n".join("  " + what + because(stanzas, wanted, name) for name, what in refused))
            )
        return self.measure(transaction.specs, changes), ""

    def spare_holds(self, changes):
        """End where a package would be changed that is held, and not by aimlsetup."""
        installed = state.packages([change["name"].partition(":")[0] for change in changes if change["from"]])
        ours = receipts.held(receipts.load_all(self.module.params["directory"]))
        theirs = sorted(name for name, hold in held(installed).items() if hold and name not in ours)
        if theirs:
            self.fail(
                "somebody wants %s to stay as installed (apt-mark hold), and this would change that. Nothing was done."
                "\nhint: find out why; then `apt-mark unhold %s`, or ask for the version that is there."
                % (", ".join("%s %s" % (name, installed[name]["version"]) for name in theirs), " ".join(theirs))
            )

    def install(self, transaction, changes):
        """Apt's words if it failed, else "". Where nothing may go, `--no-remove` backs what the simulation promised."""
        debs.keep(self, changes)
        removes = transaction.leaving or self.module.params["replaces"]
        status, output = self.get(*([] if removes else ["--no-remove"]), *aptrun.INSTALL, *transaction.specs)
        return output if status else ""

    def hold(self, names, hold):
        """Set or clear dpkg's hold."""
        if not names:
            return
        status, output = self.patiently(["apt-mark", "hold" if hold else "unhold", "--", *names])
        if status:
            self.fail(apt.explanation("apt-mark", output))


class Transaction:
    """What apt-get is asked to do at once."""

    def __init__(self, wishes, leaving):
        self.leaving = leaving
        self.specs = [*wishes, *(name + "-" for name in sorted(leaving))]
        verbs = (("installing", wishes), ("removing", sorted(leaving)))
        self.text = " and ".join("%s %s" % (verb, ", ".join(names)) for verb, names in verbs if names)


def because(stanzas, wanted, name):
    """Who asks for a package, in words."""
    asking = apt.chain(stanzas, wanted, name)[:-1]
    return " (asked for by %s)" % " → ".join(asking) if asking else ""


def claims(plan):
    """What a transaction claims of the file systems it is written to."""
    return [space.claim(path, plan[key], plan[key]) for path, key in ((aptrun.ARCHIVES, "download"), ("/usr", "disk"))]


def bring_about(host, specs, unwanted, wanted):
    """Plan and (outside check mode) install; the plan. Lists are updated at most once, when they are the trouble."""
    updated = False
    while True:
        staying = [spec(name, version) for name, version in wanted.items()]
        transaction = Transaction(specs, host.leaving(staying, unwanted))
        plan, trouble = host.plan(transaction, wanted)
        if plan:
            short = space.shortage(claims(plan))
            if short:
                host.fail(
                    "the disk is full: %s. Nothing was done.\nhint: `apt-get clean` frees downloaded packages." % short,
                    plan=plan,
                )
            if host.module.check_mode:
                lost = debs.lost(host, plan["packages"])
                return dict(plan, lost=lost) if lost else plan
            trouble = host.install(transaction, plan["packages"])
        if not trouble:
            break
        if updated or not apt.STALE.search(trouble):
            host.fail(apt.explanation(transaction.text, host.update_trouble or trouble))
        host.update()
        updated = True
    if host.update_trouble:
        host.module.warn("apt-get update: %s" % apt.diagnose(host.update_trouble)[0])
    return plan


def spec(name, version):
    """How apt-get is asked for it."""
    return "%s=%s" % (name, version) if version else name


def held(installed):
    """{name: whether dpkg holds it}."""
    return {name: bool(found and found["hold"]) for name, found in installed.items()}


def converge(host, wishes):
    """Make the wishes true; the module's result."""
    module, hold = host.module, host.module.params["hold"]
    half_done = host.unfinished()
    if (half_done or os.listdir(DPKG_JOURNAL)) and not module.check_mode:
        host.configure(half_done)
    before = state.packages(wishes)
    todo = apt.pending(wishes, before)
    unwanted = [name for name, found in state.packages(module.params["absent"]).items() if found]
    plan = {"packages": [], "download": 0, "disk": 0}
    if todo or unwanted:
        plan = bring_about(host, [spec(name, wishes[name]) for name in todo], unwanted, wishes)
    after = before if module.check_mode else state.packages(wishes)
    missing = [] if module.check_mode else apt.pending(wishes, after)
    if missing:
        host.fail(
            "apt-get ended well, but these are not installed as wished: %s.\nhint: a virtual package is installed by "
            "the name of one that provides it." % ", ".join(missing)
        )
    was, now = held(before), held(after)
    wanted = was if hold is None else dict.fromkeys(wishes, hold)
    if not module.check_mode:  # apt-get itself drops the hold of a package that it changes
        for value in (True, False):
            host.hold([name for name in wishes if wanted[name] == value != now[name]], value)
    changed = sorted(name for name in wishes if wanted[name] != was[name])
    return {"plan": plan, "space": claims(plan), "configured": half_done, "held": changed, "waited": host.waited}


def shown(plan):
    """Ansible's diff of a transaction."""
    sides = {"before": "from", "after": "to"}
    return {
        side: "".join("%s %s\n" % (change["name"], change[key]) for change in plan["packages"] if change[key])
        for side, key in sides.items()
    }


def main():
    """Run the module."""
    module = writer(OPTIONS)
    if not shutil.which("apt-get"):
        module.fail_json(msg="this host has no apt-get; expected Debian or Ubuntu.\nhint: choose another host.")
    try:
        wishes = dict(apt.parse_wish(text) for text in module.params["packages"])
    except ValueError as error:
        module.fail_json(msg="packages: %s." % error)
    if module.params["compiler"]:
        os.environ["CC"] = module.params["compiler"]
    host = Apt(module)
    with host.scratch_lists():
        result = converge(host, wishes)
    changed = bool(result["plan"]["packages"] or result["configured"] or result["held"])
    module.exit_json(changed=changed, diff=shown(result["plan"]), **result)


if __name__ == "__main__":
    main()
