"""What is said after a refused restart is what holds: asked of a server that answers, or does not."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any

import pytest

SOCKET = "/etc/systemd/system/codehub-ai@a-b-1.socket.d/port.conf"
SERVICE = "/etc/systemd/system/codehub-ai@a-b-1.service.d/model.conf"


@pytest.fixture(scope="module")
def module() -> Any:
    return import_module("ansible_collections.codehub.aimlsetup.plugins.modules.socket_service")


class Answer(BaseHTTPRequestHandler):
    """200 for /health, 404 for all else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def params(url: str) -> dict[str, Any]:
    return {"name": "codehub-ai@a-b-1", "url": url}


def test_it_answers(module: Any, origin: str) -> None:
    said = module.untouched(params(origin + "/health"), {SERVICE: None}, None)
    assert said == "it still answers with what it was started with"


def test_it_runs_without_answering_200(module: Any, origin: str) -> None:
    said = module.untouched(params(origin + "/sick"), {}, None)
    assert said.startswith(f"it still runs with what it was started with ({origin}/sick: HTTP 404")


def test_an_url_that_it_is_yet_to_have_is_not_asked(module: Any) -> None:
    said = module.untouched(params("http://127.0.0.1:1/health"), {SOCKET: (b"", None)}, None)
    assert said == "it still runs with what it was started with"


def test_a_predecessor_is_named(module: Any) -> None:
    said = module.untouched(params("http://127.0.0.1:1/"), {SOCKET: None}, "codehub-ai@a-b-0.socket")
    assert said == "codehub-ai@a-b-0.socket keeps its port"


def test_the_mark_follows_all_that_shapes_the_process(module: Any) -> None:
    given = {
        "name": "codehub-ai@a-b-1",
        "files": [{"path": SERVICE, "content": "[Service]\n"}],
        "depends": {"values": ["py_3-11_2026-11-21"], "links": []},
        "companion": None,
    }
    marks = [
        module.wanted(given | changes)[0]["content"]
        for changes in (
            {},
            {"trial": "[Service]\nType=oneshot\n"},
            {"files": [{"path": SERVICE, "content": "[Service]\nUMask=0027\n"}]},
            {"depends": {"values": ["py_3-11_2026-11-22"], "links": []}},
            {"depends": {"values": ["py_3-11_2026-11-21"], "links": ["/usr"]}},
        )
    ]
    assert marks[0] == marks[1], "how it is tried does not outdate what runs"
    assert len(set(marks[1:])) == 4


def test_a_companion_is_outdated_by_its_own_files_alone(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = "/etc/systemd/system/codehub-model@a-b-1.service.d/model.conf"
    companion = {"unit": "codehub-model@a-b-1.service", "files": [{"path": model}]}
    given = {"name": "codehub-ai@a-b-1", "files": [{"path": SERVICE}, {"path": SOCKET}], "companion": companion}
    up = {"active": "active", "current": True}
    units = ["codehub-ai@a-b-1.socket", "codehub-ai@a-b-1.service", "codehub-model@a-b-1.service"]
    monkeypatch.setattr(module, "standing", lambda _params: dict.fromkeys(units, up))
    assert module.pending(given, []) == []
    assert module.pending(given, [model]) == ["codehub-model@a-b-1.service"]
    assert module.pending(given, [module.marked("codehub-model@a-b-1.service")]) == ["codehub-model@a-b-1.service"]
    assert module.pending(given, [SERVICE]) == ["codehub-ai@a-b-1.service"]
    assert module.pending(given, [SOCKET]) == ["codehub-ai@a-b-1.socket", "codehub-ai@a-b-1.service"]
