#!/usr/bin/python
"""Ansible module: a service behind a systemd socket, as one transaction that ends when it answers."""

DOCUMENTATION = r"""
---
module: socket_service
short_description: Make a service behind a systemd socket, and wait until it answers
description:
  - Writes the files, starts C(NAME.socket) and C(NAME.service), and waits until O(url) answers 200 through the socket.
    If it does not, the files are put back as they were, the service is started with them again (or is gone again, when
    there was none), and the task fails with the unit's last words.
  - A service that runs, or gives up its port, is stopped only when O(trial) has succeeded. If it has not, the files are
    put back and the task fails with the trial's last words; no process was touched.
  - A drop-in marks the unit with a digest of everything that shapes the process. Whether to restart is read off the
    running process, which carries the mark it was started with, so a restart is never forgotten after a failed run.
  - Restarting leaves the socket open. Requests wait in it and none is refused.
options:
  name:
    description: Name of both units, without suffix; an instance of a template (V(codehub-ai@vidteq-rld-1)) as well.
    type: str
    required: true
  files:
    description: Unit files and whatever else the service reads.
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
        default: "0644"
      group:
        description: Name of the group, unset the own one of who runs this; the owner is who runs this.
        type: str
  port:
    description: TCP port of the socket. It must be free, or the socket's already.
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
  companion:
    description:
      - A unit that the service works with and that comes and goes with it, such as the model server behind a queue.
        It is (re)started before the service, and taken back with it.
    type: dict
    options:
      unit:
        description: Its name, with suffix.
        type: str
        required: true
      files:
        description: Its files, as O(files).
        type: list
        elements: dict
        required: true
        options:
          path:
            description: Absolute path.
            type: str
            required: true
          content:
            description: Whole content.
            type: str
            required: true
          mode:
            description: Octal text.
            type: str
            default: "0644"
          group:
            description: Name of the group.
            type: str
  trial:
    description:
      - Text of a oneshot unit that loads what the service is to serve, without serving it. It is run as
        C(NAME-trial.service), with - in place of @, and removed, and has to bound its own time.
    type: str
    required: true
  depends:
    description: What else a running process is outdated by.
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
  replaces:
    description:
      - Socket units that are about to be retired. One of these that holds the port gives it up to the new service, and
        gets it back if that does not come up.
    type: list
    elements: str
    default: []
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
  codehub.aimlsetup.socket_service:
    name: codehub-ai@vidteq-rld-1
    files:
      - {path: /etc/systemd/system/codehub-ai@.socket, content: "{{ __socket }}"}
      - {path: /etc/systemd/system/codehub-ai@.service, content: "{{ __service }}"}
      - {path: /etc/systemd/system/codehub-ai@vidteq-rld-1.socket.d/port.conf, content: "{{ __port }}"}
    port: 4100
    url: http://127.0.0.1:4100/api/vision/v2/health
    trial: "{{ __trial }}"
"""

RETURN = r"""
unowned:
  description: Marks of files that would be changed, and of a port that is taken, where no receipt owns them.
  type: list
  elements: dict
  returned: always
restarted:
  description: Units that were (or would be) started or restarted.
  type: list
  elements: str
  returned: always
"""

import os
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import fileset, health, started, state, systemd, unowned
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

FILES = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": {
        "path": {"type": "str", "required": True},
        "content": {"type": "str", "required": True},
        "mode": {"type": "str", "default": "0644"},
        "group": {"type": "str"},
    },
}
OPTIONS = {
    "name": {"type": "str", "required": True},
    "files": FILES,
    "companion": {"type": "dict", "options": {"unit": {"type": "str", "required": True}, "files": FILES}},
    "port": {"type": "int", "required": True},
    "vacated": {"type": "bool", "default": False},
    "url": {"type": "str", "required": True},
    "ready_seconds": {"type": "int", "default": 120},
    "trial": {"type": "str", "required": True},
    "depends": {
        "type": "dict",
        "default": {},
        "options": {
            "values": {"type": "raw"},
            "links": {"type": "list", "elements": "str", "default": []},
        },
    },
    "replaces": {"type": "list", "elements": "str", "default": []},
    "manager": {"type": "str", "choices": ["systemd", "none"], "default": "systemd"},
}


class NotReady(Exception):
    """The service did not answer 200 in time; says what it did instead."""


class Refused(Exception):
    """The port is somebody else's; args: the message, and who has it."""


def marked(unit):
    """The drop-in that carries the digest of everything that shapes a unit's process."""
    return os.path.join(systemd.UNITS, unit + ".d", "started-with.conf")


def shapes_socket(name, path):
    """Whether a file is one of the socket unit's, its template or its drop-ins included."""
    template = name.partition("@")[0] + "@.socket" if "@" in name else name + ".socket"
    units = [os.path.join(systemd.UNITS, unit) for unit in (name + ".socket", template)]
    return path in units or os.path.dirname(path) == units[0] + ".d"


def mark(unit, files, depends):
    """That drop-in as a file."""
    content = "[Service]\nEnvironment=%s=%s\n" % (state.STARTED_WITH, started.digest(files, depends))
    return {"path": marked(unit), "content": content, "mode": "0644", "group": None}


def wanted(params):
    """Every file of the service, and of what it works with; the marks first."""
    service, other = params["name"] + ".service", params["companion"]
    made = [mark(service, params["files"], params["depends"])] + params["files"]
    return made + ([mark(other["unit"], other["files"], params["depends"])] + other["files"] if other else [])


def companions(params):
    """Names of the units that the service works with."""
    return [params["companion"]["unit"]] if params["companion"] else []


def companion_paths(params):
    """Paths of the companion's files, its mark included."""
    other = params["companion"]
    return {entry["path"] for entry in other["files"]} | {marked(other["unit"])} if other else set()


def standing(params):
    """{unit: state} of socket, service and companion, None for one systemd does not know."""
    return state.units([params["name"] + ".socket", params["name"] + ".service"] + companions(params))


def pending(params, changed_paths):
    """Units to (re)start, judged by what runs and by the paths about to be rewritten; the socket only if it must be."""
    name, theirs = params["name"], companion_paths(params)
    up = {
        unit: found and found["active"] == "active" and (found["current"] is True or unit.endswith(".socket"))
        for unit, found in standing(params).items()
    }
    outdated = [unit for unit in companions(params) if not up[unit] or not theirs.isdisjoint(changed_paths)]
    if not up[name + ".socket"] or any(shapes_socket(name, path) for path in changed_paths):
        return [name + ".socket"] + outdated + [name + ".service"]
    own = [entry["path"] for entry in params["files"]] + [marked(name + ".service")]
    return outdated + ([] if up[name + ".service"] and set(own).isdisjoint(changed_paths) else [name + ".service"])


def predecessor(name, port, replaces):
    """The socket unit to take the port over from, None when it is free or ours. Raise Refused when it is another's."""
    ours = systemd.show(name + ".socket", "ActiveState", "Listen")
    if ours.get("ActiveState") == "active" and ours.get("Listen", "").endswith(":%d (Stream)" % port):
        return None
    holder = systemd.holder(port)
    if holder and holder not in replaces:
        raise Refused(
            "port %d, which %s is to serve on, is in use by %s. Nothing was changed: stop that, or choose another port."
            % (port, name, holder),
            "in use by %s" % holder,
        )
    return holder


def start(params, units):
    """Enable all units and bring the outdated ones up. A new socket is the only thing that closes the port."""
    name, every = params["name"], list(standing(params))
    both = [name + ".socket", name + ".service"]
    systemd.control("daemon-reload")
    systemd.control("enable", "-q", *every)
    state.run(state.SYSTEMCTL + ["reset-failed"] + every)  # systemd may have forgotten one already
    if both[0] in units:
        systemd.control("stop", *both)
        systemd.control("start", both[0])
    for unit in units:
        if unit != both[0]:
            systemd.control("restart", "--no-block", unit)


def wait_ready(params):
    """Return when the new processes run and the URL answers 200; raise NotReady when a unit fails or time is up."""
    name, url, seconds = params["name"] + ".service", params["url"], params["ready_seconds"]
    deadline = time.monotonic() + seconds
    while True:
        found = {unit: systemd.show(unit, "ActiveState", "Job") for unit in [name] + companions(params)}
        failed = [unit for unit, properties in found.items() if properties.get("ActiveState") == "failed"]
        if failed:
            raise NotReady("it failed to start" if failed == [name] else "%s failed to start" % failed[0])
        busy = [unit for unit, properties in found.items() if properties.get("Job", "0") not in ("", "0")]
        said = "it is still starting" if busy else health.answer(url)
        if said is None:
            return
        if time.monotonic() > deadline:
            raise NotReady("no 200 from %s within %d s, but: %s" % (url, seconds, said))
        time.sleep(0.2)


def service_of(socket):
    """The service that a socket unit starts."""
    return socket[: -len("socket")] + "service"


def story(params, unit, outcome, words):
    """The whole message: what failed and how it stands now, the last words of the unit it failed in, what to do."""
    return (
        "%s.service: %s\n%s\nhint: correct the application or its settings and apply again; "
        "`journalctl -u %s` has all it said." % (params["name"], outcome, words, unit)
    )


def untouched(params, before, replaced):
    """How what was not restarted does, in words; of a service whose URL was another, only that it runs."""
    if replaced:
        return "%s keeps its port" % replaced
    if any(shapes_socket(params["name"], path) for path in before):
        return "it still runs with what it was started with"
    said = health.answer(params["url"])
    how = "answers" if said is None else "runs"
    return "it still %s with what it was started with%s" % (how, " (%s: %s)" % (params["url"], said) if said else "")


def try_out(params, before, replaced):
    """Load the application beside what runs. If that fails, put the files back and raise NotReady."""
    trial = params["name"].replace("@", "-") + "-trial.service"
    try:
        systemd.run_once(trial, params["trial"])
    except systemd.Failed as failure:
        fileset.put_back(before)
        systemd.control("daemon-reload")
        slow = isinstance(failure, systemd.OutOfTime)
        why = "takes too long, or leaves a thread behind that is no daemon" if slow else "does not load"
        how = untouched(params, before, replaced)
        outcome = "nothing was restarted, because its application %s. Its files are as they were; %s." % (why, how)
        raise NotReady(story(params, trial, outcome, failure))


def started_again(params, before, units):
    """Start it with the files it had before; in words, what came of that as far as the URL can tell."""
    start(params, units)
    if any(shapes_socket(params["name"], path) for path in before):
        return "was started with them"
    try:
        wait_ready(params)
    except NotReady as failure:
        return "was started with them, but that fails as well: %s" % failure
    return "answers with them again"


def undo(params, before, units, replaced):
    """The files as they were, and what ran with them; in words."""
    name = params["name"]
    both = [name + ".socket", name + ".service"]
    new = before.get(marked(both[1]), True) is None
    fresh = [unit for unit in companions(params) if before.get(marked(unit), True) is None]
    gone = (both if new else []) + fresh
    if gone:
        systemd.control("disable", "-q", "--now", *gone)
        state.run(state.SYSTEMCTL + ["reset-failed"] + gone)
    elif replaced:
        systemd.control("stop", *both)
    fileset.put_back(before)
    systemd.control("daemon-reload")
    if new:
        done = "It was new; its units are gone again."
    elif before:
        left = dict(params, companion=None) if fresh else params
        again = [unit for unit in units if unit not in fresh]
        done = "The files it had before were put back and it %s." % started_again(left, before, again)
    else:
        done = "Its files had not changed, so there is nothing to go back to."
    if replaced:
        systemd.control("start", replaced, service_of(replaced))
        done += " %s has its port back." % replaced
    return done


def transact(params, entries, units, replaced):
    """Write, try, start, wait; on failure undo and raise NotReady with the whole story."""
    service = params["name"] + ".service"
    before = fileset.snapshot(entries)
    for entry in entries:
        fileset.write(entry)
    if params["manager"] == "none":
        return
    running = service in units and systemd.show(service, "ActiveState").get("ActiveState") == "active"
    if replaced or running:
        try_out(params, before, replaced)
    since = time.time()
    try:
        if replaced:
            systemd.control("stop", replaced, service_of(replaced))
        start(params, units)
        if units:
            wait_ready(params)
    except (NotReady, systemd.Failed) as failure:
        words = "\n".join(systemd.last_words(unit, since) for unit in [service] + companions(params))
        try:
            outcome = undo(params, before, units, replaced)
        except systemd.Failed as error:
            outcome = "Going back failed as well: %s." % error
        raise NotReady(story(params, service, "%s. %s" % (failure, outcome), words))


def cleared(params, ledger):
    """`predecessor`; in check mode a port that is somebody else's is noted. Raises Refused."""
    try:
        return predecessor(params["name"], params["port"], params["replaces"])
    except Refused as refused:
        try:
            noted = ledger.meet("ports", "port %d" % params["port"], unowned.IN_THE_WAY, refused.args[1])
        except unowned.Unasked:
            noted = False
        if not noted:
            raise
    return None


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    ledger = unowned.Ledger(module)
    try:
        entries = [entry for entry in wanted(params) if not fileset.as_wanted(entry, module.check_mode)]
        ledger.meet_files(entries)
        units, replaced = [], None
        if params["manager"] == "systemd":
            if not (params["vacated"] and module.check_mode):
                replaced = cleared(params, ledger)
            units = pending(params, [entry["path"] for entry in entries])
            disabled = any(not unit or unit["enabled"] != "enabled" for unit in standing(params).values())
        changed = bool(entries or units or (params["manager"] == "systemd" and disabled))
        shown = fileset.differences(entries)
        if changed and not module.check_mode:
            transact(params, entries, units, replaced)
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", unowned=ledger.marks)
    except Refused as error:
        module.fail_json(msg=error.args[0], consent="adopt", unowned=ledger.marks)
    except (NotReady, systemd.Failed) as error:
        module.fail_json(msg=str(error))
    except (OSError, KeyError) as error:
        module.fail_json(msg="%s: %s" % (params["name"], error))
    module.exit_json(changed=changed, restarted=units, diff=shown, unowned=ledger.marks)


if __name__ == "__main__":
    main()
