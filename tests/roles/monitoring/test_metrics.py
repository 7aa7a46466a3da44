"""What the collector makes of logs and names, without a host."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import content

SCRIPT = content.role("monitoring") / "files" / "codehub_metrics.py"


@pytest.fixture(scope="module")
def metrics() -> Any:
    spec = importlib.util.spec_from_file_location("codehub_metrics", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def line(model: str = "acme-digits-1", status: object = 200, seconds: object = 0.02) -> str:
    return json.dumps({"model": model, "status": status, "request_time": seconds}) + "\n"


def requests(metrics: Any, logs: list[Path], state: dict[str, Any]) -> int:
    metrics.usage(metrics.Page(), [str(path) for path in logs], state)
    return sum(own["count"] for own in state["models"].values())


def test_every_request_is_counted_once_whatever_happens_to_the_log(metrics: Any, tmp_path: Path) -> None:
    log, state = tmp_path / "access.log", metrics.load(str(tmp_path / "none"))
    assert requests(metrics, [log], state) == 0
    log.write_text(line() * 3 + line()[:20])
    assert requests(metrics, [log], state) == 3
    assert requests(metrics, [log], state) == 3
    with log.open("a") as handle:
        handle.write(line()[20:] + line())
    log.rename(tmp_path / "access.log.1")
    assert requests(metrics, [log], state) == 3
    log.write_text(line())
    assert requests(metrics, [log], state) == 6
    log.write_text("")
    assert requests(metrics, [log], state) == 6
    with log.open("a") as handle:
        handle.write(line())
    assert requests(metrics, [log], state) == 7


def test_a_state_that_is_none_begins_anew(metrics: Any, tmp_path: Path) -> None:
    path = tmp_path / "state"
    for text in ("", "[]", '{"logs": 1}', '{"logs": {}'):
        path.write_text(text)
        assert metrics.load(str(path)) == {"logs": {}, "models": {}}


@pytest.mark.parametrize("text", ["", "not JSON", "[]", "1", "null", '{"status": "x"}', '{"model": "a-b-1"}', "\xff"])
def test_a_line_that_is_none_is_passed_over(metrics: Any, text: str) -> None:
    models: dict[str, Any] = {}
    metrics.count(models, text.encode("latin-1"))
    assert models == {}


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", -1, "-", None])
def test_a_time_that_is_none_spoils_no_sum(metrics: Any, seconds: object) -> None:
    models: dict[str, Any] = {}
    metrics.count(models, line(seconds=seconds).encode())
    metrics.count(models, line().encode())
    assert models["acme-digits-1"]["sum"] == 0.02


def test_names_that_clients_make_up_do_not_fill_the_memory(metrics: Any) -> None:
    models: dict[str, Any] = {}
    for number in range(500):
        metrics.count(models, line(f"acme-digits-{number}").encode())
        metrics.count(models, line(f"made up {number}").encode())
    assert len(models) <= metrics.MODELS_AT_MOST + 1
    assert models["other"]["count"] > 500


@pytest.mark.parametrize(
    ("unit", "model"),
    [
        ("codehub-ai-vidteq-rld-1.service", "vidteq-rld-1"),
        (r"codehub-ai@vidteq\x2drld\x2d1.service", "vidteq-rld-1"),
        ("codehub-ai@vidteq-rld-1:2.service", "vidteq-rld-1"),
        ("codehub-model@vidteq-rld-12-1.service", "vidteq-rld-12"),
        ("codehub-jupyter.service", ""),
        ("codehub-tf-serving-1.service", ""),
    ],
)
def test_the_model_is_read_off_the_unit(metrics: Any, unit: str, model: str) -> None:
    assert metrics.labels_of(unit)["model"] == model


def test_what_is_in_a_label_ends_no_line(metrics: Any) -> None:
    page = metrics.Page()
    page.add("x", "gauge", "X.", 0.25, {"name": 'a"} 1\nmade_up\\'})
    assert page.text().splitlines() == ["# HELP x X.", "# TYPE x gauge", r'x{name="a\"} 1\nmade_up\\"} 0.25']
