"""A supervisord of a user's own: asked over its socket, and started where it does not run. Python 3.6 syntax.

Its directory holds `supervisord.conf`, `supervisor.sock` and `programs/`: of each program `NAME.ini`, and `NAME.mark`,
which the program's script reads the digest from that it is started with. A program is named by its path,
`DIRECTORY/NAME`. Its group is of the same name and has two processes: `NAME-0` serves, and `NAME-1` does nothing, for
supervisord closes a listening socket with the last process that has it, and the first one may be restarted.
"""

import http.client
import os
import socket
import subprocess
import time
import xmlrpc.client

SOCKET = "supervisor.sock"
CONFIGURATION = "supervisord.conf"
PROGRAMS = "programs"
LEFT_BEHIND = ("supervisord.log", "supervisord.pid")  # where supervisord.conf has them
STARTED = ("STARTING", "RUNNING", "BACKOFF")
ENDED = ("FATAL", "EXITED", "BACKOFF", "UNKNOWN")
DAEMON_SECONDS = 20
ANSWER_SECONDS = 930  # more than a program may take to stop (`stopwaitsecs`)
SOCKET_PATH_BYTES = 107  # of the kernel's, for the path of a socket


class Failed(Exception):
    """A supervisord that does not do what it was asked; says why."""


class _Connection(http.client.HTTPConnection):
    """HTTP over the socket of a path."""

    def __init__(self, path):
        http.client.HTTPConnection.__init__(self, "localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self):
        """Open it."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path):
        xmlrpc.client.Transport.__init__(self)
        self._path = path

    def make_connection(self, host):
        """Never kept open: each question is a connection."""
        del host
        return _Connection(self._path)


def _ask(directory, method, *arguments):
    """What supervisord answers; None when none runs there. Raises Failed."""
    path = os.path.join(directory, SOCKET)
    server = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path), allow_none=True)
    try:
        return getattr(server.supervisor, method)(*arguments)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except xmlrpc.client.Fault as fault:
        raise Failed("supervisord in %s: %s" % (directory, fault.faultString))
    except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
        raise Failed("supervisord in %s: %s" % (directory, error))


def program(path):
    """What supervisord says of a program: {"statename", "pid", "spawnerr", …}, or None."""
    directory, name = os.path.split(path)
    return next((found for found in _ask(directory, "getAllProcessInfo") or () if found["name"] == name + "-0"), None)


def mark_file(path):
    """Where the digest lies that a program is to be started with."""
    directory, name = os.path.split(path)
    return os.path.join(directory, PROGRAMS, name + ".mark")


def mark(path):
    """That digest as text, "" where there is none."""
    try:
        with open(mark_file(path)) as handle:
            return handle.read()
    except OSError:
        return ""


def ensure(directory, executable):
    """Have a supervisord run there; True when it had to be started, with all its programs. Raises Failed."""
    if len(os.path.join(directory, SOCKET).encode()) > SOCKET_PATH_BYTES:
        raise Failed("%s is too long a path for a socket: give a shorter `prefix`" % directory)
    if _ask(directory, "getState"):
        return False
    argv = [executable, "--configuration", os.path.join(directory, CONFIGURATION)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said, deadline = done.stdout.decode("utf-8", "replace").strip(), time.monotonic() + DAEMON_SECONDS
    while done.returncode == 0 and time.monotonic() < deadline:
        if _ask(directory, "getState"):
            return True
        time.sleep(0.1)
    raise Failed("%s does not run: %s" % (executable, said or "no answer within %d s" % DAEMON_SECONDS))


def take_up(path):
    """Have a program run as its files say now; its socket stays open unless its `.ini` has changed."""
    directory, name = os.path.split(path)
    answer = _ask(directory, "reloadConfig")
    if answer is None:
        raise Failed("no supervisord runs in %s" % directory)
    ((added, changed, _removed),) = answer
    if name in changed:
        _drop(directory, name)
    if name in added + changed:
        _ask(directory, "addProcessGroup", name)  # which starts it
        return
    process = "%s:%s-0" % (name, name)
    if program(path)["statename"] in STARTED:
        _ask(directory, "stopProcess", process)
    _ask(directory, "startProcess", process, False)


def take_away(path):
    """Stop a program and have supervisord forget it, and end with its last one."""
    directory, name = os.path.split(path)
    if program(path):
        _drop(directory, name)
    if _ask(directory, "getAllProcessInfo") == []:
        _ask(directory, "shutdown")
        deadline = time.monotonic() + DAEMON_SECONDS
        while os.path.exists(os.path.join(directory, SOCKET)) and time.monotonic() < deadline:
            time.sleep(0.1)
        for name in LEFT_BEHIND:
            if os.path.exists(os.path.join(directory, name)):
                os.unlink(os.path.join(directory, name))


def _drop(directory, name):
    _ask(directory, "stopProcessGroup", name)
    _ask(directory, "removeProcessGroup", name)
