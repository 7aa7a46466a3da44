"""The mark of everything that shapes a process, which it is started with. Python 3.6 syntax."""

import hashlib
import json
import os


def digest(files, depends):
    """sha256 in hex of [{"path", "content"}] and of {"values": anything, "links": [paths, by where they lead]}."""
    shape = {
        "files": {entry["path"]: entry["content"] for entry in files},
        "values": depends.get("values"),
        "links": {path: os.path.realpath(path) for path in depends.get("links") or []},
    }
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()
