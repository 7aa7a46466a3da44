#!/usr/bin/python
"""Ansible module: a service under a supervisord of the user's own, as one transaction that ends when it answers."""

DOCUMENTATION = r"""
---
module: supervised_service
short_description: Make a service under supervisord, and wait until it answers
description:
  - What the module socket_service does where there is a systemd, for users of a machine without one. Writes the files,
    has a supervisord run, has it run the program, and waits until O(url) answers 200.
  - If it does not, the files are put back as they were, the program is started with them again (or is gone again, when
    there was none), and the task fails with the program's last words.
  - A program that runs is restarted only when O(trial) has succeeded.
  - supervisord keeps the listening socket of a C(fcgi-program) while its process is restarted, so requests wait in it
    and none is refused. A changed C(NAME.ini) opens it anew.
  - C(programs/NAME.mark) holds a digest of everything that shapes the process, for the program to export. Whether to
    restart is read off the running process, which carries the mark it was started with.
options:
  name:
    description: Name of the program.
    type: str
    required: true
  directory:
    description: Directory of the supervisord, with its configuration, its socket and the directory C(programs).
    type: str
    required: true
  supervisord:
    description: Path of its executable.
    type: str
    required: true
  files:
    description: The program's C(.ini) and whatever else supervisord and the service read.
    type: list
    elements: dict
    required: true
    options:
      path:
        description: Absolute path; the directory is made when missing.
        type: str
        required: true
      content:
        description: Whole content.
        type: str
        required: true
      mode:
        description: Octal text.
        type: str
        default: "0600"
  log:
    description: File that the program's output goes to.
    type: str
    required: true
  port:
    description: TCP port of the service. It must be free, or the program's already.
    type: int
    required: true
  vacated:
    description: Whether what holds the port now has to give it up before, which it does not in check mode.
    type: bool
    default: false
  url:
    description: What has to answer 200.
    type: str
    required: true
  ready_seconds:
    description: How long that may take.
    type: int
    default: 120
  trial:
    description: A command that loads what the service is to serve, without serving it. It has O(ready_seconds) for it.
    type: list
    elements: str
    required: true
  depends:
    description: What else a running process is outdated by, as for socket_service.
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
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Serve
  codehub.aimlsetup.supervised_service:
    name: codehub-ai-vidteq-rld-1
    directory: /home/ann/aimlsetup/codehub-config/supervisor
    supervisord: /home/ann/aimlsetup/virtualmachines/virtualenvs/supervisor/bin/supervisord
    files: "{{ __files }}"
    log: /home/ann/aimlsetup/aimldl-dat/logs/codehub-ai-vidteq-rld-1.log
    port: 4100
    url: http://127.0.0.1:4100/api/vision/v2/health
    trial: "{{ __trial }}"
"""

RETURN = r"""
unowned:
  description: Marks of files that would be changed where no receipt owns them.
  type: list
  elements: dict
  returned: always
restarted:
  description: Programs that were (or would be) started or restarted.
  type: list
  elements: str
  returned: always
"""

import os
import subprocess
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
    fileset,
    health,
    started,
    state,
    supervisor,
    systemd,
    unowned,
)
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

OPTIONS = {
    "name": {"type": "str", "required": True},
    "directory": {"type": "str", "required": True},
    "supervisord": {"type": "str", "required": True},
    "files": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0600"},
        },
    },
    "log": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "vacated": {"type": "bool", "default": False},
    "url": {"type": "str", "required": True},
    "ready_seconds": {"type": "int", "default": 120},
    "trial": {"type": "list", "elements": "str", "required": True},
    "depends": {
        "type": "dict",
        "default": {},
        "options": {
            "values": {"type": "raw"},
            "links": {"type": "list", "elements": "str", "default": []},
        },
    },
}


class NotReady(Exception):
    """The service did not answer 200 in time; says what it did instead."""


def wanted_files(params, path):
    """All of the program's files, its mark first."""
    digest = started.digest(params["files"], params["depends"])
    mark = {"path": supervisor.mark_file(path), "content": "%s=%s\n" % (state.STARTED_WITH, digest), "mode": "0600"}
    return [dict(entry, group=None) for entry in [mark] + params["files"]]


def last_words(log, since):
    """What the program has written since the file had a size."""
    try:
        with open(log, "rb") as handle:
            handle.seek(since)
            text = handle.read().decode("utf-8", "replace")
    except OSError as error:
        return "  %s: %s" % (log, error.strerror)
    return "\n".join("  " + line for line in systemd.telling(text.splitlines())) or "  it said nothing"


def size(log):
    """Bytes of a log; 0 where there is none."""
    return os.path.getsize(log) if os.path.exists(log) else 0


def try_out(params, before):
    """Load the application beside what runs. If that fails, put the files back and raise NotReady."""
    try:
        done = subprocess.run(
            params["trial"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=params["ready_seconds"], check=False,
        )  # fmt: skip
        failed, said = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        failed, said = "no end within %d s" % params["ready_seconds"], error.stdout or b""
    if failed:
        fileset.put_back(before)
        words = "\n".join("  " + line for line in systemd.telling(said.decode("utf-8", "replace").splitlines()))
        raise NotReady(
            "%s: nothing was restarted, because its application does not load (%s). Its files are as they were; it "
            "still runs with what it was started with.\n%s" % (params["name"], failed, words)
        )


def wait_ready(params, path):
    """Return when the new process runs and its URL answers 200; raise NotReady when it ended or time is up."""
    deadline = time.monotonic() + params["ready_seconds"]
    while True:
        found = supervisor.program(path)
        if found is None or found["statename"] in supervisor.ENDED:
            raise NotReady("it failed to start (%s)" % ((found or {}).get("spawnerr") or "supervisord forgot it"))
        current = state.programs([path])[path]["current"]
        said = health.answer(params["url"]) if current else "it is still starting"
        if said is None:
            return
        if time.monotonic() > deadline:
            raise NotReady("no 200 from %s within %d s, but: %s" % (params["url"], params["ready_seconds"], said))
        time.sleep(0.2)


def undo(path, before, new):
    """The files as they were, and what ran with them; in words."""
    if new:
        supervisor.take_away(path)
    fileset.put_back(before)
    if new:
        return "It was new; it is gone again."
    supervisor.take_up(path)
    return "The files it had before were put back and it was started with them."


def transact(params, path, entries, running):
    """Write, try, start, wait; on failure undo and raise NotReady with the whole story."""
    before = fileset.snapshot(entries)
    for entry in entries:
        fileset.write(entry)
    if running:
        try_out(params, before)
    since = size(params["log"])
    try:
        if not supervisor.ensure(params["directory"], params["supervisord"]):
            supervisor.take_up(path)
        wait_ready(params, path)
    except (NotReady, supervisor.Failed) as failure:
        words = last_words(params["log"], since)
        try:
            outcome = undo(path, before, not running)
        except supervisor.Failed as error:
            outcome = "Going back failed as well: %s." % error
        raise NotReady(
            "%s: %s. %s\n%s\nhint: correct the application or its settings and apply again; %s has all it said."
            % (params["name"], failure, outcome, words, params["log"])
        )


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    path, ledger = os.path.join(params["directory"], params["name"]), unowned.Ledger(module)
    try:
        entries = [entry for entry in wanted_files(params, path) if not fileset.as_wanted(entry, module.check_mode)]
        ledger.meet_files(entries)
        standing = state.programs([path])[path]
        assured = standing or (params["vacated"] and module.check_mode)
        holder = None if assured else systemd.holder(params["port"])
        if holder:
            module.fail_json(
                msg="port %d, which %s is to serve on, is in use by %s. Nothing was changed: stop that, or choose "
                "another port." % (params["port"], params["name"], holder)
            )
        up = bool(standing and standing["active"] == "running" and standing["current"])
        shown = fileset.differences(entries)
        if (entries or not up) and not module.check_mode:
            transact(params, path, entries, bool(standing and standing["active"] == "running"))
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", unowned=ledger.marks)
    except (NotReady, supervisor.Failed) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg="%s: %s" % (params["name"], error))
    restarted = [] if up and not entries else [path]
    module.exit_json(changed=bool(restarted), restarted=restarted, diff=shown, unowned=ledger.marks)


if __name__ == "__main__":
    main()
