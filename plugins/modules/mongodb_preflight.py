#!/usr/bin/python
"""Ansible module: whether a MongoDB may be started over what is there, and with authorization."""

DOCUMENTATION = r"""
---
module: mongodb_preflight
short_description: Look at MongoDB's data and clients before anything is changed
description:
  - Reads which version last wrote the data directory, and refuses one that the wanted version can't open. A series
    opens its own data and those of the one before it.
  - Refuses where a mongod runs with its data elsewhere, which would then be out of sight.
  - Where a mongod runs without authorization, lists who is connected and asks for consent (O(auth_ok)).
  - Changes nothing.
options:
  version:
    description: The wanted version, as V(8.0) or V(8.0.4).
    type: str
    required: true
  db_dir:
    description: Its data directory.
    type: path
    required: true
  data_version:
    description: What wrote the data, where nothing else tells.
    type: str
  auth_ok:
    description: Consent to turn authorization on for a database in use. V(false) leaves it off and says so.
    type: bool
  unit:
    description: Its unit.
    type: str
    default: mongod.service
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Preflight | What is there already
  codehub.aimlsetup.mongodb_preflight:
    version: "8.0"
    db_dir: /aimldl-dat/data-mongodb/db
"""

RETURN = r"""
found:
  description: The version that last wrote the data; null without data.
  type: str
  returned: success
authorization:
  description: Whether it is to run with authorization.
  type: bool
  returned: success
clients:
  description: Who is connected to the mongod that runs.
  type: list
  elements: str
  returned: success
"""

import os

from ansible_collections.codehub.aimlsetup.plugins.module_utils import mongodata, receipts, systemd
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "version": {"type": "str", "required": True},
    "db_dir": {"type": "path", "required": True},
    "data_version": {"type": "str"},
    "auth_ok": {"type": "bool"},
    "unit": {"type": "str", "default": "mongod.service"},
}
CANT_OPEN = (
    "the data in %s were last written by MongoDB %s, which %s can't open: a series opens its own data and those of the "
    "one before it. Nothing was changed.\nhint: %s"
)
UP = "go up series by series (%s), setting the featureCompatibilityVersion of each; or name another mongodb_db_dir."
DOWN = "ask for %s or a later one; the way down is a dump with the newer one's tools, into an empty directory."
UNKNOWN = (
    "there are data in %s (%s), and nothing tells which MongoDB wrote them: no receipt, no diagnostic.data. Nothing "
    "was changed.\nhint: if you know, say it as mongodb_data_version; or name another mongodb_db_dir."
)
ELSEWHERE = (
    "%s runs with its data in %s, and would be started with those in %s instead. Nothing was changed.\nhint: say "
    "mongodb_db_dir: %s to go on with them, or move them there while it is stopped, or stop it."
)
ASKED = (
    "%s runs without authorization, and turning it on shuts these clients out until they have a name and a password:\n"
    "%s\nNothing was changed.\nWith mongodb_auth_ok: true it is turned on; with false it stays off."
)


class Refused(Exception):
    """What is there can't be gone on with; says why."""


def recorded(module):
    """The version that the receipt has."""
    receipt = receipts.load(module.params["receipts"], "mongodb") or {}
    return receipt.get("outputs", {}).get("version")


def data_version(module):
    """What wrote the data directory; None where nothing is in it."""
    directory = module.params["db_dir"]
    engine = mongodata.engine(directory)
    if engine is None:
        return None
    found = mongodata.written_by(directory) or recorded(module) or module.params["data_version"]
    if not found:
        raise Refused(UNKNOWN % (directory, engine))
    return found


def refuse_version(directory, wanted, found):
    """Raise Refused where the wanted version can't open the data."""
    if mongodata.opens(mongodata.series(wanted), found):
        return
    later = mongodata.number(mongodata.series(found)) < mongodata.number(wanted)
    ladder = [
        one
        for one in mongodata.SERIES
        if mongodata.number(mongodata.series(found)) < mongodata.number(one) <= mongodata.number(wanted)
    ]
    hint = UP % ", ".join(ladder) if later else DOWN % mongodata.series(found)
    raise Refused(CANT_OPEN % (directory, found, wanted, hint))


def running(unit):
    """How the unit's mongod was started; None where it does not run."""
    pid = systemd.show(unit, "MainPID").get("MainPID", "0")
    try:
        return mongodata.started_as(pid) if pid not in ("", "0") else None
    except OSError:
        return None


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    try:
        found = data_version(module)
        if found:
            refuse_version(params["db_dir"], params["version"], found)
        started = running(params["unit"])
        if started and os.path.realpath(started["dbPath"]) != os.path.realpath(params["db_dir"]):
            raise Refused(
                ELSEWHERE % (params["unit"], started["dbPath"], params["db_dir"], started["dbPath"])
            )
    except Refused as error:
        module.fail_json(msg=str(error))
    open_to_all = bool(started) and not started["authorization"]
    clients = mongodata.clients(started["port"]) if open_to_all else []
    if open_to_all and params["auth_ok"] is None and not module.check_mode:
        shown = "\n".join("  " + one for one in clients) or "  (nobody is connected at this moment)"
        module.fail_json(msg=ASKED % (params["unit"], shown), consent="mongodb_auth_ok", clients=clients)
    if open_to_all and params["auth_ok"] is False:
        module.warn("%s goes on without authorization: whoever reaches its port may read and write" % params["unit"])
    authorization = not (open_to_all and params["auth_ok"] is False)
    module.exit_json(changed=False, found=found, authorization=authorization, clients=clients)


if __name__ == "__main__":
    main()
