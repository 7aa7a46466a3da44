"""The quickstart application as a client sees it: served by gunicorn on loopback."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimlsetup.loadtest import payloads
from tests.examples.quickstart import VISION, WEIGHTS, Service, form, serve

pytestmark = pytest.mark.network
LIMIT = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def digits(images: Path) -> list[tuple[str, bytes]]:
    """Every held-out image with the digit it shows."""
    return [(path.stem.split("_")[1], path.read_bytes()) for path in sorted(images.glob("*_*.png"))]


@pytest.fixture(autouse=True)
def still_well(service: Service) -> Iterator[None]:
    """Whatever a test has sent, both workers go on and nothing was unexpected."""
    assert service.ask("GET", f"{VISION}/health")[0] == 200
    workers, logged = service.workers(), service.log.stat().st_size
    yield
    assert service.workers() == workers
    assert b"Traceback" not in service.log.read_bytes()[logged:]


def test_health_names_the_release(service: Service, releases: Path) -> None:
    facts = json.loads((releases / WEIGHTS / "release.json").read_text())
    release = {"rel_num": "1", "dnnarch": "convnet", "sha256": facts["sha256"]}
    assert service.ask("GET", f"{VISION}/health") == (
        200,
        {"status": "ok", "model_key": "aimlsetup-digits-1", "release": release},
    )
    status, answer = service.ask("GET", f"{VISION}/models")
    assert status == 200
    assert answer["models"] == [
        {
            "model_key": "aimlsetup-digits-1",
            "release": release,
            "labels": list("0123456789"),
            "accuracy": facts["accuracy"],
        }
    ]


def test_the_held_out_images_are_recognised(service: Service, releases: Path, digits: list[tuple[str, bytes]]) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(service.predict, (image for _, image in digits)))
    assert {status for status, _ in answers} == {200}
    right = sum(answer["label"] == digit for (_, answer), (digit, _) in zip(answers, digits, strict=True))
    assert len(digits) == 450
    assert right / len(digits) >= 0.95
    facts = json.loads((releases / WEIGHTS / "release.json").read_text())
    assert right / len(digits) == pytest.approx(facts["accuracy"], abs=0.01)


def test_form_and_jpeg_get_the_answer_that_a_png_body_gets(
    service: Service, images: Path, digits: list[tuple[str, bytes]]
) -> None:
    digit, image = digits[0]
    _, plain = service.predict(image)
    assert plain["label"] == digit
    assert sum(plain["scores"].values()) == pytest.approx(1, abs=1e-4)
    assert service.predict(*form(image)) == (200, plain)
    assert service.predict(*form(image, file_name="../../etc/{{ passwd }}")) == (200, plain)
    first = json.loads((images / "first.json").read_text())
    status, answer = service.predict((images / "large.jpg").read_bytes(), "image/jpeg")
    assert (status, answer["label"]) == (200, str(first))


def test_only_workers_load_tensorflow(service: Service) -> None:
    def loaded(pid: int) -> bool:
        return "libtensorflow" in Path(f"/proc/{pid}/maps").read_text()

    assert [loaded(pid) for pid in service.workers()] == [True, True]
    assert not loaded(service.process.pid)


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"", "image/png", 400, "no image"),
        (b"", "multipart/form-data; boundary=edge", 400, ""),
        (*form(b""), 400, "no image"),
        (*form(b"x", name="other"), 400, "no image"),
        (b"x", "multipart/form-data", 400, "No boundary"),
        (b"x", "multipart/form-data; boundary=edge", 400, "form"),
        (b"just text", "image/png", 415, "expected a JPEG or PNG image"),
        (b"\x89PNG\r\n\x1a\n", "image/png", 415, "expected a JPEG or PNG image"),
        (payloads.bodies()["nan"][0].body, "image/tiff", 415, "expected a JPEG or PNG image"),
        (payloads.bodies()["nan"][1].body, "application/json", 415, "expected a JPEG or PNG image"),
        (payloads.bodies()["malformed"][0].body, "image/png", 422, "a damaged JPEG or PNG image"),
        (payloads.bodies()["malformed"][3].body, "image/png", 422, "a damaged JPEG or PNG image"),
        (b"\0" * (LIMIT + 1), "image/png", 413, f"at most {LIMIT} bytes"),
        (*form(b"\0" * LIMIT), 413, f"at most {LIMIT} bytes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_the_senders_error(service: Service, body: bytes, kind: str, status: int, said: str) -> None:
    found, answer = service.predict(body, kind)
    assert (found, said in answer.get("description", "")) == (status, True), answer


def test_images_of_other_kinds_and_sizes_are_refused(service: Service, images: Path) -> None:
    assert service.predict((images / "large.gif").read_bytes())[0] == 415
    assert service.predict((images / "large.gif").read_bytes(), "image/png")[0] == 415
    status, answer = service.predict((images / "huge.png").read_bytes())
    assert (status, answer["description"]) == (422, "9000x9000 pixels; at most 25,000,000 are read")
    status, answer = service.predict((images / "large.jpg").read_bytes()[:900])
    assert (status, answer["description"][:15]) == (422, "a damaged JPEG ")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "predict", {}, 405),
        ("POST", "health", {}, 405),
        ("GET", "nothing", {"Accept": "text/xml"}, 404),
        ("POST", "predict", {"Transfer-Encoding": "chunked"}, 411),
    ],
)
def test_other_requests_get_json_too(
    service: Service, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    body = b"1\r\nx\r\n0\r\n\r\n" if "Transfer-Encoding" in headers else None
    found, answer = service.ask(method, f"{VISION}/{path}", body, headers)
    assert (found, "title" in answer) == (status, True)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_mutilated_image_is_a_server_error(service: Service, images: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["large.jpg", "small.png"]))
    image = bytearray((images / name).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(image) - 1), max_size=8)):
        image[place] = data.draw(st.integers(0, 255))
    body = bytes(image[: data.draw(st.integers(1, len(image)))])
    status, answer = service.predict(body)
    assert status in {200, 415, 422}, answer


@settings(deadline=None, max_examples=150)
@given(head=st.binary(max_size=60), content=st.binary(max_size=60), tail=st.binary(max_size=30))
def test_no_mutilated_form_is_a_server_error(service: Service, head: bytes, content: bytes, tail: bytes) -> None:
    body = b"--edge\r\nContent-Disposition: form-data; name=" + head + b"\r\n\r\n" + content + b"\r\n--edge" + tail
    status, answer = service.predict(body, "multipart/form-data; boundary=edge")
    assert status in {400, 415, 422}, answer


def test_a_damaged_release_is_reported_by_health(app_python: Path, releases: Path, tmp_path: Path) -> None:
    folder = tmp_path / "release" / WEIGHTS
    folder.mkdir(parents=True)
    (folder / "release.json").write_bytes((releases / WEIGHTS / "release.json").read_bytes())
    (folder / "digits.keras").write_bytes(b"cut short")
    with serve(app_python, tmp_path / "release", tmp_path / "run") as damaged:
        status, answer = damaged.ask("GET", f"{VISION}/health")
        assert (status, answer["status"]) == (503, "unavailable")
        assert f"{folder / 'digits.keras'}: expected sha256" in answer["reason"]
        assert damaged.predict(b"x")[0] == 503
        assert damaged.ask("GET", f"{VISION}/models") == (200, {"models": []})


def test_a_bound_on_gpu_memory_is_a_number(app_python: Path, releases: Path, tmp_path: Path) -> None:
    with serve(app_python, releases, tmp_path / "run", more={"AI_GPU_MEMORY_MB": "2G"}) as wrong:
        status, answer = wrong.ask("GET", f"{VISION}/health")
        said = "ConfigError: AI_GPU_MEMORY_MB: expected a number from 1 on, found '2G'"
        assert (status, answer["reason"]) == (503, said)
    with serve(app_python, releases, tmp_path / "bounded", more={"AI_GPU_MEMORY_MB": "2048"}) as right:
        assert right.ask("GET", f"{VISION}/health")[0] == 200


def test_a_model_loaded_before_the_fork_is_not_used(app_python: Path, releases: Path, tmp_path: Path) -> None:
    with serve(app_python, releases, tmp_path / "run", "--preload") as preloaded:
        status, answer = preloaded.ask("GET", f"{VISION}/health")
        assert (status, "without --preload" in answer["reason"]) == (503, True)


def test_app_yml_sets_url_and_image_types(
    app_python: Path, releases: Path, images: Path, digits: list[tuple[str, bytes]], tmp_path: Path
) -> None:
    app_yml = "API_VISION_URL: /lab/see\nALLOWED_IMAGE_TYPE: ['.jpg']\n"
    with serve(app_python, releases, tmp_path / "run", app_yml=app_yml) as lab:
        assert lab.ask("POST", "/lab/see/predict", (images / "large.jpg").read_bytes())[0] == 200
        status, answer = lab.ask("POST", "/lab/see/predict", digits[0][1])
        assert (status, answer["description"]) == (415, "expected a JPEG image")
        assert lab.ask("GET", f"{VISION}/health")[0] == 404


@pytest.mark.parametrize(
    ("arguments", "app_yml", "message"),
    [
        ("QUEUE='yes'", "{}", r"QUEUE: expected 'true' or 'false', found 'yes'"),
        ("QUEUE='true'", "{}", r"DBCFG\.REDISCFG: expected a mapping with host and port"),
        ("QUEUE='true'", "DBCFG: {REDISCFG: {host: h, port: '1'}}", r"port: expected a TCP port, found '1'"),
        ("API_MODEL_KEY='../x-b-1'", "{}", r"API_MODEL_KEY: expected .*, found '\.\./x-b-1'"),
        ("", "API_VISION_URL: '{{ x }}'", r"app\.yml: API_VISION_URL: expected a path"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_its_reason(
    app_python: Path, tmp_path: Path, arguments: str, app_yml: str, message: str
) -> None:
    with serve(app_python, tmp_path, tmp_path / "run", app_yml=app_yml, arguments=arguments) as refused:
        assert refused.process.wait(30) == 3
        assert re.search(message, refused.log.read_text())
