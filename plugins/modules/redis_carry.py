#!/usr/bin/python
"""Ansible module: have a running redis write what it holds in the way that it will read it next."""

DOCUMENTATION = r"""
---
module: redis_carry
short_description: Have redis write its data for another kind of persistence
description:
  - redis reads its append-only file where its settings say so, and its snapshot otherwise, and never looks for the
    other. So a redis that runs with one of them writes the other before it is restarted with that.
  - Does nothing where none runs, where it holds nothing, or where what it reads stays the same.
options:
  persistence:
    description: What it is about to be started with.
    type: str
    choices: [none, snapshots, appendonly]
    required: true
  unit:
    description: Its unit.
    type: str
    default: redis-server.service
  files:
    description: >-
      Its configuration, the later ones before the earlier ones, and only if its command names them. How it is reached
      is read in them.
    type: list
    elements: str
    default: [/etc/redis/codehub.conf, /etc/redis/redis.conf]
  patience:
    description: Seconds for the data to be written.
    type: int
    default: 600
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Configure | Keep what it holds
  codehub.aimlsetup.redis_carry:
    persistence: appendonly
"""

RETURN = r"""
keys:
  description: How many keys it held; 0 where nothing had to be done.
  type: int
  returned: success
"""

import os
import re
import shlex
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import redisclient, state, systemd
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "persistence": {"type": "str", "choices": ["none", "snapshots", "appendonly"], "required": True},
    "unit": {"type": "str", "default": "redis-server.service"},
    "files": {
        "type": "list",
        "elements": "str",
        "default": ["/etc/redis/codehub.conf", "/etc/redis/redis.conf"],
    },
    "patience": {"type": "int", "default": 600},
}


def settings(texts):
    """{name: [words]} of configuration files, of which the first has the last word."""
    found = {}
    for text in reversed(texts):
        for line in text.splitlines():
            words = split(line)
            if words and not words[0].startswith("#"):
                found[words[0].lower()] = words[1:]
    return found


def split(line):
    """The words of a line as redis quotes them; a line that is not so has none."""
    try:
        return shlex.split(line.strip()) if not line.lstrip().startswith("#") else []
    except ValueError:
        return []


def reached(unit, files):
    """Settings of the running redis, read from those files that its unit starts it with."""
    command = systemd.show(unit, "ExecStart").get("ExecStart", "")
    named = [path for path in files if re.search(r"(^|[\s=])%s($|[\s;])" % re.escape(path), command)]
    there = [path for path in files if path in named or (named and files.index(path) > files.index(named[0]))]
    texts = []
    for path in there:
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as handle:
                texts.append(handle.read())
    return settings(texts)


def connected(known):
    """A client of the redis with these settings."""
    address = (known.get("bind") or ["127.0.0.1"])[0].lstrip("-")
    host = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - not listened on
    client = redisclient.Client(host, int((known.get("port") or ["6379"])[0]))
    password = (known.get("requirepass") or [""])[0]
    if password:
        client.ask("AUTH", password)
    return client


def append(client, patience):
    """Have the append-only file written, of all that is there."""
    client.ask("CONFIG", "SET", "appendonly", "yes")
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        said = dict(line.partition(":")[::2] for line in client.ask("INFO", "persistence").splitlines())
        if said.get("aof_rewrite_in_progress") == "0" and said.get("aof_rewrite_scheduled") == "0":
            if said.get("aof_last_bgrewrite_status") == "ok":
                return
            raise redisclient.Failed("it could not write its append-only file")
        time.sleep(0.1)
    raise redisclient.Failed("its append-only file was not written within %d s" % patience)


def carry(client, params, dry):
    """What has to be carried is written; how many keys that were."""
    held = sum(int(count) for count in re.findall(r":keys=(\d+)", client.ask("INFO", "keyspace")))
    appends = client.ask("CONFIG", "GET", "appendonly")[1] == "yes"
    if not held or appends == (params["persistence"] == "appendonly"):
        return 0
    if not dry:
        if params["persistence"] == "appendonly":
            append(client, params["patience"])
        else:
            client.ask("SAVE")
    return held


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    unit = state.units([params["unit"]])[params["unit"]]
    keys = 0
    if unit and unit["active"] == "active":
        try:
            client = connected(reached(params["unit"], params["files"]))
            with client:
                keys = carry(client, params, module.check_mode)
        except (OSError, redisclient.Failed) as error:
            module.fail_json(
                msg="%s runs, and can't be asked to write what it holds: %s. Nothing was changed.\nhint: see that its "
                "configuration says how it is reached; where its data may go, stop it first." % (params["unit"], error)
            )
    module.exit_json(changed=keys > 0, keys=keys)


if __name__ == "__main__":
    main()
