"""An ssh agent of one user made usable by another, for as long as a module runs.

git runs as the owner of the checkouts, who can't reach the agent that the person applying forwarded to root. The relay
is a socket in a directory of the owner's that passes everything on. Standard library only, Python 3.6 syntax.
"""

import contextlib
import os
import select
import socket
import socketserver
import threading


def find_agent():
    """Socket of the agent of whoever applies, or None.

    sudo drops the variable, so it is also looked for in the processes this one descends from.
    """
    pid = os.getpid()
    while pid > 1:
        path = _environment(pid).get(b"SSH_AUTH_SOCK")
        if path:
            return os.fsdecode(path)
        pid = _parent(pid)
    return None


def _environment(pid):
    try:
        with open("/proc/%d/environ" % pid, "rb") as handle:
            return dict(entry.partition(b"=")[::2] for entry in handle.read().split(b"\0"))
    except OSError:
        return {}


def _parent(pid):
    try:
        with open("/proc/%d/stat" % pid) as handle:
            return int(handle.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


class _Connection(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(self.server.agent)
            ends = {self.request: agent, agent: self.request}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    agent = ""


@contextlib.contextmanager
def relay(agent, directory, uid):
    """A socket in `directory` that leads to `agent` and belongs to `uid`; yields its path."""
    path = os.path.join(directory, "agent")
    server = _Server(path, _Connection)
    server.agent = agent
    os.chown(path, uid, -1)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield path
    finally:
        server.shutdown()
        server.server_close()
        os.unlink(path)
