"""The input digest: what a role was given, as one string that host, filter and controller all compute alike.

No Ansible import here: the receipt filter, the Python package and tests load this very file. Python 3.6 syntax.
"""

import hashlib
import hmac
import json
import os

# What shapes a role's effect. Tests, documentation and examples beside it do not.
ROLE_PARTS = ("defaults", "files", "handlers", "meta", "tasks", "templates", "vars")
TRUE = ("1", "on", "t", "true", "y", "yes")
ROUNDS = 50000  # PBKDF2: slows guessing a password from a receipt that only root can read anyway


def normalise(value, option):
    """A value as its argument spec means it: types coerced, suboptions' defaults filled in.

    `option` is one entry of argument_specs (`type`, `elements`, `options`, …). A value that cannot be
    coerced is returned as it is: refusing it is the role's argument validation's business.
    """
    if value is None:
        return None
    kind = option.get("type", "str")
    if kind == "list" and isinstance(value, (list, tuple)):
        element = dict(option, type=option.get("elements", "raw"))
        return [normalise(item, element) for item in value]
    if kind == "dict" and hasattr(value, "items"):
        options = option.get("options")
        if not options:
            return {str(key): plain(item) for key, item in value.items()}
        known = {name: normalise(value.get(name, sub.get("default")), sub) for name, sub in options.items()}
        extra = {str(key): plain(item) for key, item in value.items() if key not in options}
        return dict(extra, **known)
    return _scalar(value, kind)


def _scalar(value, kind):
    if kind == "bool" and not isinstance(value, bool):
        return str(value).lower() in TRUE
    if kind in ("int", "float"):
        try:
            return int(value) if kind == "int" else float(value)
        except (TypeError, ValueError):
            return plain(value)
    if kind in ("str", "path") and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return plain(value)


def plain(value):
    """JSON's types only: Ansible's tagged strings and lazy containers become ordinary ones."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


def split_secrets(value, option, path=""):
    """(`value` without its secrets, {dotted path: secret}); a `no_log` option is a secret.

    In the first part a secret is replaced by whether it is set, so that adding or removing one is a change.
    """
    if option.get("no_log"):
        return ({"secret": value is not None}, {} if value is None else {path: json.dumps(value, sort_keys=True)})
    if isinstance(value, list) and option.get("options"):
        pairs = [split_secrets(item, dict(option, type="dict"), "%s[%d]" % (path, i)) for i, item in enumerate(value)]
        return [pair[0] for pair in pairs], _merge(pair[1] for pair in pairs)
    if isinstance(value, dict) and option.get("options"):
        options = option["options"]
        pairs = {
            name: split_secrets(item, options.get(name, {"type": "raw"}), "%s.%s" % (path, name) if path else name)
            for name, item in value.items()
        }
        return {name: pair[0] for name, pair in pairs.items()}, _merge(pair[1] for pair in pairs.values())
    return value, {}


def _merge(mappings):
    merged = {}
    for mapping in mappings:
        merged.update(mapping)
    return merged


def role_digest(role_dir):
    """sha256 (hex) of the role directory's files that shape its effect: relative names and contents."""
    found = []
    for part in ROLE_PARTS:
        for directory, _subdirectories, names in os.walk(os.path.join(role_dir, part)):
            found += [os.path.join(directory, name) for name in names if not name.endswith((".pyc", "~"))]
    total = hashlib.sha256()
    for path in sorted(found):
        with open(path, "rb") as handle:
            content = hashlib.sha256(handle.read()).hexdigest()
        total.update(("%s\0%s\n" % (os.path.relpath(path, role_dir), content)).encode())
    return total.hexdigest()


def role_inputs(arguments, options, role_dir):
    """What a role run is made of: `{"digest": "sha256:…", "secrets": {dotted path: secret}}`.

    `arguments` maps role variables to values (others than the spec's are ignored), `options` is the spec's
    `argument_specs.main.options`. A missing argument counts as the spec's default.
    """
    spec = {"type": "dict", "options": options}
    known = {name: arguments.get(name) for name in options if arguments.get(name) is not None}
    values, secrets = split_secrets(normalise(known, spec), spec)
    content = json.dumps({"arguments": values, "role": role_digest(role_dir)}, sort_keys=True)
    return {"digest": "sha256:" + hashlib.sha256(content.encode()).hexdigest(), "secrets": secrets}


def fingerprint(secrets, salt):
    """`{"salt": …, "prints": {path: hex}}`: tells later whether a secret is still the same, and nothing else."""
    prints = {
        path: hashlib.pbkdf2_hmac("sha256", secret.encode(), bytes.fromhex(salt), ROUNDS).hex()
        for path, secret in secrets.items()
    }
    return {"salt": salt, "prints": prints}


def keyed(salt, path):
    """HMAC (hex) of a file's content, None without the file: safe to show, where the salt is only root's."""
    try:
        with open(path, "rb") as handle:
            return hmac.new(bytes.fromhex(salt), handle.read(), hashlib.sha256).hexdigest()
    except FileNotFoundError:
        return None


def same_secrets(record, secrets):
    """Whether these secrets are the ones fingerprinted; paths missing from `secrets` are not judged."""
    now = fingerprint({path: secrets[path] for path in secrets if path in record["prints"]}, record["salt"])
    known = all(path in record["prints"] for path in secrets)
    return known and all(hmac.compare_digest(now["prints"][path], record["prints"][path]) for path in now["prints"])
