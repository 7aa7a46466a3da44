#!/usr/bin/python
"""Ansible module: a long-running systemd service, as one transaction that ends when it is ready."""

DOCUMENTATION = r"""
---
module: daemon
short_description: Make a systemd service run with these files, and wait until it is ready
description:
  - Has every file checked before any is written, writes them, starts, restarts or reloads O(unit), and waits until it
    is ready. If it does not get ready the files are put back as they were, the service is started with them again (or
    is gone again, when there was none), and the task fails with the unit's last words.
  - A drop-in marks the unit with a digest of everything that shapes the process. Whether to restart is read off the
    running process, which carries the mark it was started with, so a restart is never forgotten after a failed run.
  - For a service that owns its port through a socket unit and is tried out first there is
    M(codehub.aimlsetup.socket_service).
options:
  unit:
    description: Name of the service's unit, with its suffix. Of a package's own unit the files are drop-ins.
    type: str
    required: true
  files:
    description: Unit files, drop-ins and whatever else the service reads.
    type: list
    elements: dict
    required: true
    options:
      path:
        description: Absolute path; the directory is made when missing.
        type: str
        required: true
      content:
        description: Whole content; of a file with secrets it stands in O(secrets).
        type: str
      mode:
        description: Octal text.
        type: str
        default: "0644"
      group:
        description: Name of the group, unset the own one of who runs this; the owner is who runs this.
        type: str
      check:
        description:
          - Command that must succeed before anything is written; V({}) in it stands for a file with the content, which
            lies in the directory where the real one will be and has its group and mode.
        type: list
        elements: str
      reload:
        description: Whether a change is taken in by reloading the service rather than by restarting it.
        type: bool
        default: false
  secrets:
    description:
      - Contents of files among O(files) by their path, for those that hold secrets. What the unit is marked with tells
        when such a file was written, and nothing of what is in it.
    type: dict
    default: {}
  depends:
    description: What else a running process is outdated by, as of M(codehub.aimlsetup.socket_service).
    type: dict
    default: {}
    options:
      values:
        description: Values, such as the generation behind a common name.
        type: raw
      links:
        description: Paths where it counts where they lead to.
        type: list
        elements: str
        default: []
  ports:
    description: TCP ports that must be free, or the service's already.
    type: list
    elements: int
    default: []
  ready:
    description: What shows that it is ready; without any of them, that it stays active for a second.
    type: dict
    default: {}
    options:
      url:
        description: What has to answer 200.
        type: str
      tcp:
        description: What has to accept connections, as V(ADDRESS:PORT).
        type: str
      argv:
        description: Command that has to succeed.
        type: list
        elements: str
      says:
        description: What that command has to say, too.
        type: str
  ready_input:
    description: What the command is given on its standard input, where it needs a password.
    type: str
  ready_seconds:
    description: How long that may take.
    type: int
    default: 60
  reload:
    description:
      - Reload a running service even if no file is to be changed, because an earlier run may not have. One whose
        process does not show what it was started with is restarted then.
    type: bool
    default: false
  look:
    description: Only look for what is in the way of it, before anything else is done; nothing is changed.
    type: bool
    default: false
  manager:
    description: V(none) writes the files and starts nothing, for images.
    type: str
    choices: [systemd, none]
    default: systemd
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Serve
  codehub.aimlsetup.daemon:
    unit: codehub-gateway.service
    files:
      - {path: /etc/systemd/system/codehub-gateway.service, content: "{{ __unit }}"}
      - path: /etc/codehub-gateway/nginx.conf
        content: "{{ __configuration }}"
        check: [nginx, -t, -q, -c, "{}"]
        reload: true
    ports: [8100]
    ready: {url: "http://127.0.0.1:8100/health"}
"""

RETURN = r"""
unowned:
  description: Marks of files that would be changed, and of a port that is taken, where no receipt owns them.
  type: list
  elements: dict
  returned: always
done:
  description: What was (or would be) done with the unit, V(restart) or V(reload), or nothing.
  type: str
  returned: success
"""

import os
import socket
import subprocess
import tempfile
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import fileset, health, started, state, systemd, unowned
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

FILE = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
    "group": {"type": "str"},
    "check": {"type": "list", "elements": "str"},
    "reload": {"type": "bool", "default": False},
}
OPTIONS = {
    "unit": {"type": "str", "required": True},
    "files": {"type": "list", "elements": "dict", "required": True, "options": FILE},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "depends": {
        "type": "dict",
        "default": {},
        "options": {
            "values": {"type": "raw"},
            "links": {"type": "list", "elements": "str", "default": []},
        },
    },
    "ports": {"type": "list", "elements": "int", "default": []},
    "ready": {
        "type": "dict",
        "default": {},
        "options": {
            "url": {"type": "str"},
            "tcp": {"type": "str"},
            "argv": {"type": "list", "elements": "str"},
            "says": {"type": "str"},
        },
    },
    "ready_input": {"type": "str", "no_log": True},
    "ready_seconds": {"type": "int", "default": 60},
    "reload": {"type": "bool", "default": False},
    "look": {"type": "bool", "default": False},
    "manager": {"type": "str", "choices": ["systemd", "none"], "default": "systemd"},
}
STEADY_SECONDS = 1  # that a service without a probe has to stay active
ATTEMPT_SECONDS = 5


class NotReady(Exception):
    """The service is not ready in time, or its files are refused; says why."""


def filled(params):
    """The files with their contents, those with secrets too."""
    return [dict(entry, content=params["secrets"].get(entry["path"], entry["content"])) for entry in params["files"]]


def mark(params, entries):
    """The drop-in with the digest of what shapes the process. A file with secrets counts by when it was written."""
    lasting = [entry for entry in entries if not entry["reload"]]
    shaping = [
        dict(entry, content=str(written(entry["path"]))) if entry["path"] in params["secrets"] else entry
        for entry in lasting
    ]
    path = os.path.join(systemd.UNITS, params["unit"] + ".d", "started-with.conf")
    content = "[Service]\nEnvironment=%s=%s\n" % (state.STARTED_WITH, started.digest(shaping, params["depends"]))
    return {"path": path, "content": content, "mode": "0644", "group": None, "reload": False}


def written(path):
    """When a file got the content that it has; None without one."""
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return None


def checked(entries):
    """Run each file's own check on its new content. Raises NotReady."""
    for entry in entries:
        if not entry.get("check"):
            continue
        place = os.path.dirname(entry["path"])
        existing = place if os.path.isdir(place) else None
        with tempfile.NamedTemporaryFile("w", dir=existing, prefix=".checked-") as handle:
            handle.write(entry["content"])
            handle.flush()
            os.fchown(handle.fileno(), -1, fileset.group_id(entry["group"], False))
            os.fchmod(handle.fileno(), int(entry["mode"], 8))
            argv = [handle.name if word == "{}" else word for word in entry["check"]]
            done = subprocess.run(
                argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=state.environment(), check=False
            )
            said = done.stdout.decode("utf-8", "replace").strip().replace(handle.name, entry["path"])
        if done.returncode:
            raise NotReady(
                "%s: nothing was changed, because what it would be is refused:\n%s" % (entry["path"], said)
            )


def needed(params, paths):
    """What the unit needs for the paths about to be written: restart, reload or nothing (None)."""
    unit = state.units([params["unit"]])[params["unit"]]
    if not unit or unit["active"] != "active" or unit["current"] is False:
        return "restart"
    if unit["current"] is None and params["reload"]:  # it can't tell what it was started with
        return "restart"
    lasting = {entry["path"] for entry in params["files"] if entry["reload"]}
    if any(path not in lasting for path in paths):
        return "restart"
    return "reload" if paths or (params["reload"] and lasting) else None


def disabled(unit):
    """Whether it does not start with the machine, and could."""
    found = state.units([unit])[unit]
    return not found or found["enabled"] == "disabled"


def strangers(params):
    """Words about ports that another process holds: {port: who}."""
    held = systemd.holders() if params["ports"] else {}
    ours = "unit " + params["unit"]
    return {port: held[port] for port in params["ports"] if port in held and not held[port].endswith(ours)}


def said_by(ready, given=None):
    """None when the service is ready by this, else why not. `given` is for the command's standard input."""
    if ready.get("url"):
        return health.answer(ready["url"])
    if ready.get("tcp"):
        address, _colon, port = ready["tcp"].rpartition(":")
        try:
            socket.create_connection((address.strip("[]"), int(port)), ATTEMPT_SECONDS).close()
        except OSError as error:
            return "%s: %s" % (ready["tcp"], error)
    return said_by_command(ready["argv"], ready.get("says"), given) if ready.get("argv") else None


def said_by_command(argv, says, given):
    """The same of a command that has to succeed, and to say something."""
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, input=(given or "").encode(),
            env=state.environment(), timeout=ATTEMPT_SECONDS * 2, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode or (says or "") not in said:
        return said or "exit status %d" % done.returncode
    return None


def wait_ready(params):
    """Return when the unit runs and is ready; raise NotReady when it fails or time is up."""
    unit, ready = params["unit"], params["ready"] or {}
    deadline = time.monotonic() + params["ready_seconds"]
    steady = None if any(ready.values()) else time.monotonic() + STEADY_SECONDS
    while True:
        found = systemd.show(unit, "ActiveState", "Job")
        if found.get("ActiveState") == "failed":
            raise NotReady("it failed to start")
        starting = found.get("Job", "0") not in ("", "0") or found.get("ActiveState") != "active"
        said = "it is still starting" if starting else said_by(ready, params["ready_input"])
        if said is None and (steady is None or time.monotonic() > steady):
            return
        if time.monotonic() > deadline:
            raise NotReady("it is not ready within %d s: %s" % (params["ready_seconds"], said))
        time.sleep(0.2)


def act(params, action):
    """Bring the unit up with its files; a reload leaves its connections alone."""
    systemd.control("daemon-reload")
    if disabled(params["unit"]):
        systemd.control("enable", "-q", params["unit"])
    if action == "restart":
        state.run(state.SYSTEMCTL + ["reset-failed", params["unit"]])
        systemd.control("restart", "--no-block", params["unit"])
    elif action:
        systemd.control("reload", params["unit"])


def undo(params, before, was, action):
    """The files as they were, and what ran with them; in words. `ready` counts if it said so before the change."""
    unit = params["unit"]
    if was is None or was["active"] not in ("active", "reloading"):
        state.run(state.SYSTEMCTL + ["stop", unit])
        if was is None or was["enabled"] == "disabled":
            state.run(state.SYSTEMCTL + ["disable", "-q", unit])
        fileset.put_back(before)
        systemd.control("daemon-reload")
        state.run(state.SYSTEMCTL + ["reset-failed", unit])
        return "It did not run before, and its files are as they were."
    fileset.put_back(before)
    try:
        act(params, action)
        wait_ready(params)
    except (NotReady, systemd.Failed) as failure:
        return "The files it had before were put back, but with them it fails as well: %s." % failure
    return "The files it had before were put back and it is ready with them again."


def transact(params, entries, action):
    """Check, write, start, wait; on failure undo and raise NotReady with the whole story."""
    checked(entries)
    before = fileset.snapshot(entries + [mark(params, entries)])
    was = state.units([params["unit"]])[params["unit"]]
    answered = params["manager"] == "systemd" and said_by(params["ready"] or {}, params["ready_input"]) is None
    for entry in entries:
        fileset.write(entry)
    # Only now, since it names when files with secrets were written.
    marked = mark(params, filled(params))
    if not fileset.as_wanted(marked, False):
        fileset.write(marked)
    if params["manager"] == "none":
        return
    since = time.time()
    try:
        act(params, action)
        if action:
            wait_ready(params)
    except (NotReady, systemd.Failed) as failure:
        words = systemd.last_words(params["unit"], since)
        try:
            outcome = undo(params if answered else dict(params, ready={}), before, was, action)
        except systemd.Failed as error:
            outcome = "Going back failed as well: %s." % error
        raise NotReady(
            "%s: %s. %s\n%s\nhint: correct its settings and apply again; `journalctl -u %s` has all it said."
            % (params["unit"], failure, outcome, words, params["unit"])
        )


def refuse_strangers(params, ledger):
    """Raise NotReady where a port is another's; in check mode it is noted."""
    for port, who in strangers(params).items():
        try:
            noted = ledger.meet("ports", "port %d" % port, unowned.IN_THE_WAY, "in use by %s" % who)
        except unowned.Unasked:
            noted = False
        if not noted:
            raise NotReady(
                "port %d, which %s is to listen on, is in use by %s. Nothing was changed: stop that, or choose "
                "another port." % (port, params["unit"], who)
            )


def meet_running(params, ledger):
    """Note that a unit which runs, and which no receipt owns, would be restarted or reloaded."""
    found = state.units([params["unit"]])[params["unit"]]
    if found and found["active"] in ("active", "reloading", "activating"):
        ledger.meet("units", params["unit"], unowned.REPLACE, "it runs, and would go on with other settings")


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    ledger = unowned.Ledger(module)
    lenient = module.check_mode or params["look"]  # groups may still be to be made
    try:
        every = filled(params)
        entries = [entry for entry in every if not fileset.as_wanted(entry, lenient)]
        paths = [entry["path"] for entry in entries]
        if not entries and not fileset.as_wanted(mark(params, every), lenient):
            paths.append(mark(params, every)["path"])
        ledger.meet_files(entries)
        action, off = None, False
        if params["manager"] == "systemd":
            refuse_strangers(params, ledger)
            action, off = needed(params, paths), disabled(params["unit"])
            if action:
                meet_running(params, ledger)
        changed = bool(paths or action or off) and not params["look"]
        shown = fileset.differences([entry for entry in entries if entry["path"] not in params["secrets"]])
        if changed and not module.check_mode:
            transact(params, entries, action)
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", unowned=ledger.marks)
    except (NotReady, systemd.Failed) as error:
        module.fail_json(msg=str(error))
    except (OSError, KeyError) as error:
        module.fail_json(msg="%s: %s" % (params["unit"], error))
    module.exit_json(changed=changed, done=action or "", diff=shown if changed else [], unowned=ledger.marks)


if __name__ == "__main__":
    main()
