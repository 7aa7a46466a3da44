"""Serves /srv/mirror/www over https to who knows the password."""

import base64
import functools
import http.server
import ssl

LOGIN = "Basic " + base64.b64encode(b"site:c4nary-of-the-mirror").decode()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Asks for the account first."""

    protocol_version = "HTTP/1.1"  # a connection that is just cut is an error to OpenSSL

    def do_GET(self):
        """Answer."""
        if self.headers.get("Authorization") == LOGIN:
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="mirror"')
        self.send_header("Content-Length", "0")
        self.end_headers()


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/mirror/server.pem", "/srv/mirror/server.key")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8443), functools.partial(Handler, directory="/srv/mirror/www"))
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
