"""Receipts: what aimlsetup did on this host, one JSON file per component, root's alone, written atomically.

    {"version": 1, "component": "codehub", "input_digest": "sha256:…", "secrets": {"salt", "prints"},
     "owned": {kind: {name: state}}, "before_first": {kind: {name: state}}, "before_last": {…},
     "outputs": {…}, "consumed": {"python_env.py_3": …}, "run": "…", "serial": 7, "first": 3,
     "since": {kind: {name: 5}}, "seal": "…", "dirty": null | {"run", "serial", "before": {…}, "packages": {…}}}

`owned` are states as `state.take` gives them, the two `before_*` as `before.take` does; of packages these name all that
changed between begin and commit, whoever asked for them. `serial` counts the changes of this host: it is that of the
component's last change, `first` that of its first, `since` those of the changes that first touched single things, where
they came later; clocks are not asked. `dirty` has what `packageset.snapshot` gave.

File contents from before are kept, by their sha256, in `before/` beside the receipts; earlier receipts, for going back
further, as `history/<component>/<serial>.json`. Standard library only, Python 3.6 syntax.
"""

import hashlib
import json
import os
import re
import shutil
import stat

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, before, packageset
except ImportError:  # observe run as a plain script
    import atomic
    import before
    import packageset

VERSION = 1
# Where nobody is root, a user's own things have their receipts in the user's own state directory.
DIRECTORY = (
    "/var/lib/aimlsetup/receipts" if os.geteuid() == 0 else os.path.expanduser("~/.local/state/aimlsetup/receipts")
)
KEEP_LIMIT = 4 * 1024 * 1024  # larger files are recorded by digest only
TOO_LARGE = "its content is not kept (files beyond %d MiB are not)" % (KEEP_LIMIT >> 20)
BEFORE = "before"  # where contents of files are kept, by digest
DIGEST = re.compile("[0-9a-f]{64}")
HISTORY = 10  # earlier receipts of a component that are kept


def path_of(directory, component):
    """The file of a component's receipt."""
    return os.path.join(directory, component + ".json")


def load(directory, component):
    """A component's receipt, or None. A file that is not one raises ValueError naming it."""
    return _read(path_of(directory, component))


def _read(path):
    try:
        with open(path) as handle:
            receipt = json.load(handle)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError("%s is not a receipt: %s" % (path, error))
    if not isinstance(receipt, dict) or receipt.get("version") != VERSION:
        version = receipt.get("version") if isinstance(receipt, dict) else None
        raise ValueError("%s has version %r, expected %d" % (path, version, VERSION))
    seal = receipt.pop("seal", None)
    if seal not in (None, sealed(receipt)):
        raise ValueError("%s was changed by something other than aimlsetup" % path)
    return receipt


def sealed(receipt):
    """Digest of a receipt's meaning: tells an edit by hand, which nothing may be undone by."""
    return hashlib.sha256(json.dumps(receipt, sort_keys=True).encode()).hexdigest()


def content_of(receipt):
    """A receipt as it is written, with its seal."""
    return json.dumps(dict(receipt, seal=sealed(receipt)), indent=1, sort_keys=True).encode() + b"\n"


def load_all(directory):
    """{component: receipt}."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return {}
    components = [name[: -len(".json")] for name in names if name.endswith(".json") and not name.startswith(".")]
    return {component: load(directory, component) for component in components}


def save(directory, receipt):
    """Write a receipt atomically, 0600 in a 0700 directory."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    atomic.write(path_of(directory, receipt["component"]), content_of(receipt), 0o600)


def remove(directory, component):
    """Drop a receipt; True when there was one."""
    try:
        os.unlink(path_of(directory, component))
    except FileNotFoundError:
        return False
    return True


def names(states):
    """{kind: [names]} of {kind: {name: state}}."""
    return {kind: sorted(entries) for kind, entries in states.items()}


def merged(first, second):
    """{kind: {name: state}} of both; where both know a name, `first` wins."""
    kinds = set(first) | set(second)
    return {kind: dict(second.get(kind, {}), **first.get(kind, {})) for kind in kinds}


def union(first, second):
    """{kind: [names]} of both."""
    kinds = set(first) | set(second)
    return {kind: sorted(set(first.get(kind, [])) | set(second.get(kind, []))) for kind in kinds}


def keep_contents(directory, states):
    """Copy each regular file of these states, as it is now, to `before/<sha256>`; existing copies are kept."""
    store = os.path.join(directory, BEFORE)
    for path, before in states.get("paths", {}).items():
        digest = (before or {}).get("sha256")
        copy = os.path.join(store, digest) if digest else None
        if copy and not os.path.exists(copy) and os.lstat(path).st_size <= KEEP_LIMIT:
            os.makedirs(store, mode=0o700, exist_ok=True)
            temporary = copy + ".part"
            shutil.copyfile(path, temporary)
            os.chmod(temporary, stat.S_IRUSR | stat.S_IWUSR)
            os.rename(temporary, copy)


def next_serial(known):
    """The number of the next change of this host. `known` is {component: receipt}."""
    return 1 + max([receipt.get("serial", 0) for receipt in known.values()] + [0])


def begin(receipt, component, run, owns, installed=None, known=None):
    """The receipt marked dirty, with the state before of everything it owned or is about to own.

    A receipt that was dirty already keeps what it then knew: those states are the true ones, today's may be
    half-changed. `installed` is the host's packages now, `known` all receipts.
    """
    receipt = dict(receipt or {"version": VERSION, "component": component, "input_digest": None, "owned": {}})
    dirty, now = receipt.get("dirty") or {}, before.take(union(owns, names(receipt["owned"])))
    packages, serial = dict(installed or {}), next_serial(known or {})
    if "packages" in dirty:
        since = changed_since(known or {}, component, dirty["serial"])
        others = {name: was for name, was in packages.items() if name in since}
        packages = dict({name: was for name, was in dirty["packages"].items() if name not in since}, **others)
    if packages:
        now["packages"] = {name: packages.get(name) for name in now.get("packages", {})}
    states = merged(dirty.get("before", {}), now)
    receipt["dirty"] = {"run": run, "serial": serial, "before": states, "packages": packages}
    return receipt


def changed_since(known, component, serial):
    """Packages that other components have changed since that number."""
    others = [other for name, other in known.items() if name != component and other.get("serial", 0) >= serial]
    return {name for other in others for name in other.get("before_last", {}).get("packages", {})}


def committed(receipt, inputs, found, outputs, consumed, installed=None, known=None):
    """The receipt as it stands when the role has finished. `inputs` is (digest, secrets' fingerprint).

    `installed` and `known` are as for `begin`.
    """
    dirty = receipt.get("dirty") or {}
    transaction = packageset.changed(dirty.get("packages", {}), installed or {})
    states = merged({"packages": transaction} if transaction else {}, dirty.get("before", {}))
    states = merged(states, new_names(states, found))
    after = dict(
        receipt, input_digest=inputs[0], secrets=inputs[1], owned=found, outputs=outputs, consumed=consumed, dirty=None
    )
    after["before_first"] = merged(receipt.get("before_first", {}), states)
    after["before_last"] = states
    if "before_last" in receipt and not transaction and stands(states, found):
        after["before_last"] = receipt["before_last"]
    else:
        after.update(run=dirty.get("run", ""), serial=next_serial(known or {}))
    after["first"] = receipt.get("first", after.get("serial", 0))
    after["since"] = merged(receipt.get("since", {}), noted(receipt, after))
    return after


def noted(receipt, after):
    """{kind: {name: serial}} of what `before_first` only knows since a later change than the first."""
    known = receipt.get("before_first")
    if known is None:
        return {}
    late = {kind: set(after["before_first"][kind]) - set(known.get(kind, {})) for kind in after["before_first"]}
    return {kind: dict.fromkeys(late[kind], after["serial"]) for kind in late if late[kind]}


def stands(states, found):
    """Whether everything is as these states, taken earlier, say."""
    return all(
        before.same(kind, was, found.get(kind, {}).get(name))
        for kind in states
        for name, was in states[kind].items()
    )


def new_names(states, found):
    """{kind: {name: None}} of what a role has only named when it was made; what a link led to before was there."""
    links = {path: was["target"] for path, was in states.get("paths", {}).items() if (was or {}).get("type") == "link"}
    led = {os.path.normpath(os.path.join(os.path.dirname(path), target)) for path, target in links.items()}
    return {
        kind: {name: None for name in found[kind] if name not in states.get(kind, {}) and name not in led}
        for kind in found
    }


def history_of(directory, component):
    """Where a component's earlier receipts lie."""
    return os.path.join(directory, "history", component)


def remember(directory, receipt):
    """Keep a receipt that is about to be replaced; of the oldest, some are forgotten."""
    place = history_of(directory, receipt["component"])
    os.makedirs(place, mode=0o700, exist_ok=True)
    atomic.write(os.path.join(place, "%08d.json" % receipt.get("serial", 0)), content_of(receipt), 0o600)
    for name in sorted(os.listdir(place))[:-HISTORY]:
        os.unlink(os.path.join(place, name))


def _history(directory, component):
    place = history_of(directory, component)
    names_there = sorted(os.listdir(place), reverse=True) if os.path.isdir(place) else []
    return [os.path.join(place, name) for name in names_there]


def history(directory, component):
    """A component's earlier receipts, the newest first. ValueError as of `load`."""
    return [_read(path) for path in _history(directory, component)]


def earlier(directory, component, serial):
    """(file, receipt) of the state before a component's change of this number, or None. ValueError as of `load`.

    One of that number itself is left by an undo that was killed when its receipt was there again.
    """
    for path in _history(directory, component):
        if int(os.path.basename(path)[: -len(".json")]) < serial:
            return path, _read(path)
    return None


def prune(directory):
    """Remove kept contents that no receipt can go back to any more, today's or an earlier one, and what is empty then.

    ValueError as of `load`.
    """
    store, histories, needed = os.path.join(directory, BEFORE), os.path.join(directory, "history"), set()
    for above, _names, files in os.walk(directory):
        for path in [os.path.join(above, name) for name in files if name.endswith(".json")]:
            receipt = _read(path)
            begun = receipt.get("dirty") or {}
            states = [receipt.get("before_first"), receipt.get("before_last"), begun.get("before")]
            needed.update(DIGEST.findall(json.dumps(states)))
    for name in os.listdir(store) if os.path.isdir(store) else []:
        if name not in needed:
            os.unlink(os.path.join(store, name))
    empty = [os.path.join(histories, name) for name in os.listdir(histories)] if os.path.isdir(histories) else []
    for path in empty + [histories, store]:
        if os.path.isdir(path) and not os.listdir(path):
            os.rmdir(path)


def consumed_outputs(directory, consumes):
    """{"component.key": value} of other components' recorded outputs; None for one that is not there."""
    found = {}
    for reference in consumes:
        component, _dot, key = reference.partition(".")
        found[reference] = ((load(directory, component) or {}).get("outputs") or {}).get(key)
    return found


def held(known):
    """Packages that these receipts' components hold, or a run of them that did not finish may have held."""
    found = set()
    for receipt in known.values():
        owned = receipt.get("owned", {}).get("packages", {})
        found.update(name for name, now in owned.items() if now and now["hold"])
        before = ((receipt.get("dirty") or {}).get("before") or {}).get("packages", {})
        found.update(name for name, was in before.items() if not (was and was["hold"]))
    return found
