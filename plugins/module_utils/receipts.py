"""Receipts: what aimlsetup did on this host, one JSON file per component, root's alone, written atomically.

    {"version": 1, "component": "codehub", "input_digest": "sha256:…", "secrets": {"salt", "prints"},
     "owned": {kind: {name: state}}, "before_first": {kind: {name: state}}, "before_last": {…},
     "outputs": {…}, "consumed": {"python_env.py_3": …}, "dirty": null | {"run", "before": {…}}}

`owned` and the two `before_*` are states as `state.take` gives them. File contents from before are kept, by their
sha256, in `before/` beside the receipts. Standard library only, Python 3.6 syntax.
"""

import json
import os
import shutil
import stat

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, state
except ImportError:  # observe run as a plain script
    import atomic
    import state

VERSION = 1
DIRECTORY = "/var/lib/aimlsetup/receipts"
KEEP_LIMIT = 4 * 1024 * 1024  # larger files are recorded by digest only


def path_of(directory, component):
    """The file of a component's receipt."""
    return os.path.join(directory, component + ".json")


def load(directory, component):
    """A component's receipt, or None. A file that is not one raises ValueError naming it."""
    try:
        with open(path_of(directory, component)) as handle:
            receipt = json.load(handle)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError("%s is not a receipt: %s" % (path_of(directory, component), error))
    if receipt.get("version") != VERSION:
        raise ValueError(
            "%s has version %r, expected %d" % (path_of(directory, component), receipt.get("version"), VERSION)
        )
    return receipt


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
    content = json.dumps(receipt, indent=1, sort_keys=True).encode() + b"\n"
    atomic.write(path_of(directory, receipt["component"]), content, 0o600)


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
    store = os.path.join(directory, "before")
    for path, before in states.get("paths", {}).items():
        digest = (before or {}).get("sha256")
        copy = os.path.join(store, digest) if digest else None
        if copy and not os.path.exists(copy) and os.lstat(path).st_size <= KEEP_LIMIT:
            os.makedirs(store, mode=0o700, exist_ok=True)
            temporary = copy + ".part"
            shutil.copyfile(path, temporary)
            os.chmod(temporary, stat.S_IRUSR | stat.S_IWUSR)
            os.rename(temporary, copy)


def begin(receipt, component, run, owns):
    """The receipt marked dirty, with the state before of everything it owned or is about to own.

    A receipt that was dirty already keeps what it then knew: those states are the true ones, today's may be
    half-changed.
    """
    receipt = dict(receipt or {"version": VERSION, "component": component, "input_digest": None, "owned": {}})
    earlier = (receipt.get("dirty") or {}).get("before", {})
    now = state.take(union(owns, names(receipt["owned"])))
    receipt["dirty"] = {"run": run, "before": merged(earlier, now)}
    return receipt


def committed(receipt, inputs, found, outputs, consumed):
    """The receipt as it stands when the role has finished. `inputs` is (digest, secrets' fingerprint)."""
    before = merged((receipt.get("dirty") or {}).get("before", {}), {})
    after = dict(
        receipt, input_digest=inputs[0], secrets=inputs[1], owned=found, outputs=outputs, consumed=consumed, dirty=None
    )
    after["before_first"] = merged(receipt.get("before_first", {}), before)
    unchanged = all(found.get(kind, {}).get(name) == was for kind in before for name, was in before[kind].items())
    after["before_last"] = receipt.get("before_last", {}) if unchanged and "before_last" in receipt else before
    return after


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
