"""The smallest server that says who it is and what it was asked; arguments are address and port.

As gunicorn's sync workers do, it closes each connection.
"""

import http.server
import json
import socket
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers anything; `/slow` in the path takes two seconds."""

    def answer(self):
        """Who was asked what, and what came with it."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "/slow" in self.path:
            time.sleep(2)
        said = {"port": self.server.server_port, "path": self.path, "bytes": len(body), "headers": dict(self.headers)}
        text = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer  # noqa: N815 - the names http.server looks for


class Server(http.server.ThreadingHTTPServer):
    """Over either family."""

    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    request_queue_size = 128


Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
