"""What a site without a way out has on its own network: mirrors behind passwords, a git server, a forward proxy.

All of it runs in threads of the test, on one address; what was asked is kept.
"""

import base64
import functools
import os
import re
import select
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

GIT = {"GIT_HTTP_EXPORT_ALL": "1", "PATH": os.environ["PATH"], "GIT_CONFIG_COUNT": "1",
       "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}  # fmt: skip
KEPT = ("/pool/", "/by-hash/", ".whl")  # what never changes under its name
SECONDS = 60


@dataclass
class Server:
    """A server on a free port. `account` is (user, password) that it asks for; `tls` (certificate, key) files.

    `places` are its folders: {"/debian": URL to pull through, "/simple": that of a package index, "/git": directory of
    bare repositories}; a package index has its files under `/files`. Without places it is a forward proxy, which
    reaches its own address alone.
    """

    address: str
    account: tuple[str, str]
    places: Mapping[str, str | Path] = field(default_factory=dict)
    tls: tuple[Path, Path] | None = None
    cache: Path | None = None
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> "Server":
        handler: Any = functools.partial(_Mirror if self.places else _Proxy, self)
        self._server = ThreadingHTTPServer((self.address, 0), handler)
        self._server.daemon_threads = True
        if self.tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*self.tls)
            plain = self._server.socket
            self._server.socket = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its origin."""
        return f"{'https' if self.tls else 'http'}://{self.address}:{self._server.server_address[1]}"

    @property
    def login(self) -> str:
        """The header that it asks for."""
        return "Basic " + base64.b64encode(":".join(self.account).encode()).decode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def __init__(self, server: Server, *arguments: Any) -> None:
        self.site = server
        super().__init__(*arguments)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing on the screen."""

    def log_request(self, code: Any = "-", _size: Any = "-") -> None:
        self.site.asked.append(f"{self.command} {self.path} {code}")

    def answer(self, status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


class _Mirror(_Handler):
    def do_GET(self) -> None:
        """Serve whom it knows."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != self.site.login:
            self.answer(401, headers={"WWW-Authenticate": 'Basic realm="mirror"'})
            return
        _, place, rest = urlsplit(self.path).path.split("/", 2)
        target = self.site.places.get(f"/{place}")
        if place == "files" and "/simple" in self.site.places:
            self._pulled(f"https://{rest}")
        elif target is None:
            self.answer(404)
        elif isinstance(target, Path):
            self._git(unquote(f"/{rest}"), body)
        else:
            self._pulled(f"{target}/{rest}", index=place == "simple")

    do_POST = do_HEAD = do_GET  # noqa: N815 - names that http.server asks for

    def _pulled(self, url: str, *, index: bool = False) -> None:
        kept = self.site.cache / urlsplit(url).path.strip("/").replace("/", "_") if self.site.cache else None
        if kept and kept.is_file():
            self.answer(200, kept.read_bytes())
            return
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as found:
                content: bytes = found.read()
        except OSError:
            self.answer(404)
            return
        if kept and any(part in url for part in KEPT):
            partial = kept.with_name(f"{kept.name}.{threading.get_ident()}")
            partial.write_bytes(content)
            partial.rename(kept)
        if index:
            content = re.sub(rb'href="https://', b'href="/files/', content)
        self.answer(200, content, {"Content-Type": "text/html"} if index else {})

    def _git(self, path: str, body: bytes) -> None:
        environment = GIT | {
            "GIT_PROJECT_ROOT": str(self.site.places["/git"]),
            "PATH_INFO": path,
            "QUERY_STRING": urlsplit(self.path).query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.answer(int(headers.pop("Status", "200").split()[0]), content, headers)


class _Proxy(_Handler):
    def do_CONNECT(self) -> None:
        """Join the two ends."""
        host, _, port = self.path.rpartition(":")
        if not self._known(host):
            return
        with socket.create_connection((host, int(port)), timeout=SECONDS) as other:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: other, other: self.connection}
            while ready := select.select(list(ends), [], [], SECONDS)[0]:
                for end in ready:
                    data = end.recv(1 << 16)
                    if not data:
                        self.close_connection = True
                        return
                    ends[end].sendall(data)

    def do_GET(self) -> None:
        """Hand one request on."""
        if not self._known(urlsplit(self.path).hostname or ""):
            return
        names = ("Authorization", "Range", "If-Modified-Since", "User-Agent")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        request = urllib.request.Request(self.path, headers=headers, method=self.command)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=SECONDS) as found:
                self.answer(found.status, found.read(), {"Content-Type": found.headers.get_content_type()})
        except urllib.error.HTTPError as error:
            login = error.headers.get("WWW-Authenticate")
            self.answer(error.code, headers={"WWW-Authenticate": login} if login else {})

    do_HEAD = do_GET  # noqa: N815 - the same

    def _known(self, host: str) -> bool:
        if self.headers.get("Proxy-Authorization") != self.site.login:
            self.answer(407, headers={"Proxy-Authenticate": 'Basic realm="proxy"'})
        elif host != self.site.address:
            self.answer(403)
        else:
            return True
        return False


def authority(directory: Path, address: str) -> tuple[Path, Path, Path]:
    """(certificate of an authority made for the occasion, certificate for an address, its key)."""
    names = [directory / name for name in ("ca.pem", "server.pem", "server.key")]
    ca_key, key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"), str(names[2])
    _openssl(directory, "req", "-x509", *ca_key, "-keyout", "ca.key", "-out", str(names[0]), "-subj", "/CN=A site")
    _openssl(
        directory, "req", "-x509", *ca_key, "-keyout", key, "-out", str(names[1]), "-subj", f"/CN={address}",
        "-addext", f"subjectAltName=IP:{address}", "-addext", "basicConstraints=critical,CA:FALSE",
        "-CA", str(names[0]), "-CAkey", "ca.key",
    )  # fmt: skip
    return names[0], names[1], names[2]


def _openssl(directory: Path, *argv: str) -> None:
    subprocess.run(["openssl", *argv], cwd=directory, check=True, capture_output=True)
