#!/usr/bin/python
"""Ansible module: take hosts out of a gateway's rotation, and put them back."""

DOCUMENTATION = r"""
---
module: gateway_rotation
short_description: Take hosts out of a gateway's rotation, or put them back
description:
  - Runs on the host of the role gateway. Marks the servers of O(hosts) as V(down) in its configuration, where another
    server of the same model is left, has nginx check it, and reloads. V(out) returns when the requests that were
    running by then have ended, so that the hosts can be changed.
  - Where there is no gateway yet nothing is done.
  - The marks differ from what the receipt says. A run that dies in between shows as drift of the gateway, and applying
    that puts the hosts back.
options:
  hosts:
    description: Names of the hosts, as in the gateway's models.
    type: list
    elements: str
    required: true
  state:
    description: Whether they are to be asked.
    type: str
    choices: [in, out]
    required: true
  seconds:
    description: How long V(out) waits for running requests.
    type: int
    default: 90
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Take this host out
  codehub.aimlsetup.gateway_rotation:
    hosts: ["{{ inventory_hostname }}"]
    state: out
  delegate_to: gateway1
"""

RETURN = r"""
models:
  description: Models whose servers on these hosts are now as wished.
  type: list
  elements: str
  returned: success
left:
  description: Models that nobody else serves just now, so that their servers stayed in.
  type: list
  elements: str
  returned: success
running:
  description: Whether requests from before still run, after O(seconds).
  type: bool
  returned: success
"""

import glob
import os
import re
import stat
import subprocess
import tempfile
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, lease, state, systemd
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

CONFIGURATION = "/etc/codehub-gateway/nginx.conf"
UNIT = "codehub-gateway.service"
NGINX = "/usr/sbin/nginx"
RELOAD_SECONDS = 15  # for nginx to have workers with the new configuration
OPTIONS = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["in", "out"], "required": True},
    "seconds": {"type": "int", "default": 90},
}
UPSTREAM = re.compile(r"    upstream (\S+) \{$")
SERVER = re.compile(r"(?P<server>        server [^;#]*?)(?P<down> down)?; # host (?P<host>\S+)$")


class Failed(Exception):
    """The gateway could not be told; says why."""


def configuration():
    """The gateway's configuration, empty where there is none yet."""
    try:
        with open(CONFIGURATION) as handle:
            return handle.read()
    except FileNotFoundError:
        return ""


def upstreams(lines):
    """{model: [(line number, match of SERVER)]}."""
    found, model = {}, None
    for number, line in enumerate(lines):
        opened, server = UPSTREAM.match(line), SERVER.match(line)
        if opened:
            model = opened.group(1)
        elif server and model:
            found.setdefault(model, []).append((number, server))
    return found


def marked(text, hosts, wanted):
    """(configuration with these hosts in or out, models that are as wished, models that had to be left in). Pure."""
    lines, made, left = text.split("\n"), [], []
    for model, servers in upstreams(lines).items():
        theirs = [(number, server) for number, server in servers if server.group("host") in hosts]
        others = [server for _number, server in servers if server.group("host") not in hosts]
        if not theirs:
            continue
        if wanted == "out" and all(server.group("down") for server in others):
            left.append(model)
            continue
        made.append(model)
        for number, server in theirs:
            down = " down" if wanted == "out" else ""
            lines[number] = "%s%s; # host %s" % (server.group("server"), down, server.group("host"))
    return "\n".join(lines), made, left


def workers():
    """The worker processes of the gateway: {(pid, when it was started)}."""
    main = systemd.show(UNIT, "MainPID").get("MainPID", "0")
    found = set()
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as handle:
                fields = handle.read().rpartition(")")[2].split()
        except OSError:
            continue
        if main != "0" and fields[1] == main:
            found.add((path.split("/")[2], fields[19]))
    return found


def until(condition, seconds):
    """Wait for a condition; whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def checked(text, info):
    """Have nginx read it, as the account it runs as. Raises Failed."""
    account = systemd.show(UNIT, "User", "Group")
    caps = "+net_bind_service"
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(CONFIGURATION), prefix=".checked-") as handle:
        handle.write(text)
        handle.flush()
        os.fchown(handle.fileno(), info.st_uid, info.st_gid)
        os.fchmod(handle.fileno(), stat.S_IMODE(info.st_mode))
        argv = ["setpriv", "--reuid", account["User"], "--regid", account["Group"], "--init-groups"]
        argv += ["--inh-caps", caps, "--ambient-caps", caps, "--", NGINX, "-t", "-q", "-c", handle.name]
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=state.environment(), check=False
        )
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().replace(handle.name, CONFIGURATION)
        raise Failed("%s: nothing was changed, because nginx refuses what it would be:\n%s" % (CONFIGURATION, said))


def write(text, info):
    """The configuration with the owner and mode that it has."""
    atomic.write(CONFIGURATION, text.encode(), stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)


def reload():
    """Have nginx take it in; the workers from before, which end when they have answered. Raises Failed."""
    before = workers()
    try:
        systemd.control("reload", UNIT)
    except systemd.Failed as error:
        raise Failed(str(error))
    if not until(lambda: workers() - before, RELOAD_SECONDS):
        raise Failed("%s did not take in its configuration within %d s" % (UNIT, RELOAD_SECONDS))
    return before


def rotate(before, text, params):
    """Make it so; whether requests still run that may go to these hosts. Raises Failed, with all as it was."""
    info = os.stat(CONFIGURATION)
    checked(text, info)
    write(text, info)
    if systemd.show(UNIT, "ActiveState").get("ActiveState") != "active":
        return False  # it reads the file when it starts
    try:
        old = reload()
    except Failed:
        write(before, info)
        state.run(state.SYSTEMCTL + ["reload", UNIT])
        raise
    return params["state"] == "out" and not until(lambda: not workers() & old, params["seconds"])


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    try:
        before = configuration()
        text, models, left = marked(before, params["hosts"], params["state"])
        running = False
        # Not only after a change: a run that was killed may have written it and nothing more.
        if models and not module.check_mode:
            running = rotate(before, text, params)
    except Failed as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg="%s: %s" % (CONFIGURATION, error))
    finally:
        if params["run"] and not module.check_mode:
            lease.release(params["run"])
    module.exit_json(changed=text != before, models=models, left=left, running=running)


if __name__ == "__main__":
    main()
