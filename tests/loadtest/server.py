"""A small real HTTP server that answers as a vision API does, or wrongly on wish."""

import http.server
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Served:
    """Its address and how it behaves: `broken` answers 500 to every such request, `kind` accepts anything."""

    url: str = ""
    kind: bool = False
    broken_every: int = 0
    hangs_every: int = 0
    asked: Counter[str] = field(default_factory=Counter)

    def status(self, body: bytes) -> int:
        number = self.asked["image"]
        if self.broken_every and number % self.broken_every == 0:
            return 500
        if self.hangs_every and number % self.hangs_every == 0:
            time.sleep(4)
        whole = body.startswith(PNG) and body.endswith(b"IEND\xaeB`\x82") and b"\x7f\xff\xff\xff" not in body
        return 200 if self.kind or whole else 422


@contextmanager
def api(**behaviour: object) -> Iterator[Served]:
    served = Served(**behaviour)  # type: ignore[arg-type]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            served.asked[self.path] += 1
            served.asked["image"] += body.startswith(PNG)
            status = served.status(body)
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            """A client that has gone."""

    with Server(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield served
        server.shutdown()
