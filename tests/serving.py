"""A directory, served over HTTP on an address of this machine."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from aimlsetup.sandbox import Host


@contextmanager
def served(directory: Path, address: str = "127.0.0.1", asked: list[str] | None = None) -> Iterator[str]:
    """Its URL. The paths that are asked for are added to `asked`."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(directory))

        def log_message(self, *arguments: object) -> None:
            del arguments
            if asked is not None:
                asked.append(self.path)

    with http.server.ThreadingHTTPServer((address, 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{address}:{server.server_port}"
        server.shutdown()


def bridge(host: Host) -> str:
    """The address that this machine has on the network of the sandbox's hosts."""
    return str(IPv4Interface(f"{host.address}/16").network[1])
