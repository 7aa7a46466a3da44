"""A client of redis, as far as roles need one: commands in, answers out. Standard library only, Python 3.6 syntax."""

import socket

SECONDS = 600  # for one answer: writing a snapshot can take long


class Failed(Exception):
    """redis refused a command; says in its words why."""


class Client:
    """One connection. `ask` returns text, a list of texts, or None."""

    def __init__(self, host, port):
        self._socket = socket.create_connection((host, port), 10)
        self._socket.settimeout(SECONDS)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def ask(self, *words):
        """The answer to one command. Raises Failed or OSError."""
        parts = [word.encode("utf-8", "surrogateescape") for word in words]
        self._socket.sendall(
            b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        )
        return self._answer()

    def _answer(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("it closed the connection")
        kind, text = line[:1], line[1:-2].decode("utf-8", "replace")
        if kind == b"-":
            raise Failed(text)
        if kind == b"$":
            return None if text == "-1" else self._bulk(int(text))
        if kind == b"*":
            return [self._answer() for _ in range(int(text))]
        return text

    def _bulk(self, size):
        return self._file.read(size + 2)[:-2].decode("utf-8", "replace")
