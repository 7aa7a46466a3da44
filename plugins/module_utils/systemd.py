"""What a role needs of systemd beyond starting units: trials, who holds a port, why one failed. Python 3.6 syntax.

For root that is the host's systemd, for anybody else the user's own.
"""

import glob
import os
import re
import subprocess
import time

try:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, state
except ImportError:  # observe run as a plain script
    import atomic
    import state

SYSTEM = os.geteuid() == 0
UNITS = "/etc/systemd/system" if SYSTEM else os.path.expanduser("~/.config/systemd/user")
RUNTIME_UNITS = "/run/systemd/system" if SYSTEM else "/run/user/%d/systemd/user" % os.geteuid()
JOURNAL_FIELD = "_SYSTEMD_UNIT" if SYSTEM else "_SYSTEMD_USER_UNIT"
JOURNAL_LINES = 14
LINES_AFTER_TRACEBACK = 4


class Failed(Exception):
    """A systemctl command that failed, with its words."""


class OutOfTime(Failed):
    """A unit that was stopped because it did not end in its time."""


def control(*arguments):
    """Run systemctl. Raises Failed."""
    argv = state.SYSTEMCTL + ["--no-ask-password"] + list(arguments)
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=state.environment(), check=False)
    if done.returncode:
        raise Failed("%s: %s" % (" ".join(argv), done.stdout.decode("utf-8", "replace").strip()))


def show(unit, *properties):
    """{property: text} of a unit."""
    _status, output = state.run(state.SYSTEMCTL + ["show", "-p", ",".join(properties), "--", unit])
    return dict(line.partition("=")[::2] for line in output.splitlines())


def last_words(unit, since):
    """How a unit stands, and the last lines its processes wrote since a time (seconds of the epoch)."""
    found = show(unit, "ActiveState", "Result", "ExecMainStatus", "NRestarts")
    head = "%s: %s (result %s, exit status %s, %s restarts)" % tuple(
        [unit] + [found.get(key, "?") for key in ("ActiveState", "Result", "ExecMainStatus", "NRestarts")]
    )
    journal = ["journalctl", "-q", "--no-pager", "-o", "cat", "--since", "@%d" % since, "%s=%s" % (JOURNAL_FIELD, unit)]
    state.run(["journalctl", "-q", "--sync"])
    _status, output = state.run(journal)
    return "\n".join([head] + ["  " + line for line in telling(output.splitlines())])


def run_once(unit, text):
    """Run a oneshot unit of this text to its end and leave nothing of it behind. Raises Failed or OutOfTime.

    What is raised says the unit's last words.
    """
    path, since = os.path.join(RUNTIME_UNITS, unit), time.time()
    os.makedirs(RUNTIME_UNITS, mode=0o755, exist_ok=True)
    atomic.write(path, text.encode(), 0o644, os.geteuid(), os.getegid())
    try:
        control("daemon-reload")
        control("restart", unit)  # a killed run may have left one that still runs, with another text
    except Failed:
        kind = OutOfTime if show(unit, "Result").get("Result") == "timeout" else Failed
        raise kind(last_words(unit, since))
    finally:
        os.unlink(path)
        state.run(state.SYSTEMCTL + ["reset-failed", unit])
        control("daemon-reload")


def telling(lines):
    """The lines of a journal that tell why a service failed: the end of the application's last traceback, or the last.

    After the application's own exception gunicorn adds a traceback of its arbiter (HaltServer), which names no cause,
    and a restarted attempt adds the start-up chatter of its libraries; the last lines alone may show neither.
    """
    ends, inside = [], False
    for number, line in enumerate(lines):
        if line.startswith("Traceback (most recent call last)"):
            inside = True
        elif inside and line[:1].strip():
            inside = False
            if "HaltServer" not in line:
                ends.append(number)
    end = ends[-1] + LINES_AFTER_TRACEBACK if ends else len(lines)
    return lines[:end][-JOURNAL_LINES:]


def socket_unit(port):
    """Name of the active socket unit that listens on a TCP port, or None."""
    _status, output = state.run(state.SYSTEMCTL + ["list-sockets", "--no-legend", "--no-pager"])
    rows = [line.split() for line in output.splitlines()]
    return next((row[1] for row in rows if len(row) > 1 and row[0].endswith(":%d" % port)), None)


def listening():
    """{socket inode: TCP port} of everything that listens."""
    inodes = {}
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path) as handle:
                rows = [line.split() for line in handle.readlines()[1:]]
        except OSError:
            continue
        inodes.update((row[9], int(row[1].rpartition(":")[2], 16)) for row in rows if row[3] == "0A")
    return inodes


def holders():
    """{TCP port: who listens on it}: a socket unit's name, or words ("nginx, pid 812, unit nginx.service")."""
    wanted = {"socket:[%s]" % inode: port for inode, port in listening().items()}
    found = dict.fromkeys(wanted.values(), "a process that can't be seen from here")
    seen = set()
    for path in glob.glob("/proc/[0-9]*/fd/*") if wanted else ():
        port = wanted.get(_target(path))
        if port is not None and port not in seen:
            seen.add(port)
            pid = path.split("/")[2]
            found[port] = socket_unit(port) if pid == "1" else _described(pid)
    return found


def holder(port):
    """Who listens on a TCP port, as `holders`; or None."""
    return holders().get(port)


def _target(link):
    try:
        return os.readlink(link)
    except OSError:
        return None


def _described(pid):
    try:
        with open("/proc/%s/comm" % pid) as handle:
            words = [handle.read().strip(), "pid %s" % pid]
        with open("/proc/%s/cgroup" % pid) as handle:
            unit = re.search(r"/([^/\n]+\.(?:service|scope))$", handle.read(), re.MULTILINE)
    except OSError:
        return "a process that has just ended"
    return ", ".join(words + (["unit " + unit.group(1)] if unit else []))
