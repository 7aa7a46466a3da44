"""How the quickstart application reads app.yml, model keys and releases."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from codehub import (
    ConfigError,
    ModelKey,
    RedisAccess,
    Release,
    ReleaseError,
    Settings,
    config_folders,
    release_root,
    sha256,
    whole_number,
)
from hypothesis import given
from hypothesis import strategies as st

NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_]{0,62}", fullmatch=True)
NUMBER = st.from_regex(r"[0-9]{1,9}", fullmatch=True)
KEY = ModelKey("acme", "signs", "3")


@given(org=NAME, problem_id=NAME, rel_num=NUMBER)
def test_a_model_key_survives_the_round_trip(org: str, problem_id: str, rel_num: str) -> None:
    key = ModelKey.parse(f"{org}-{problem_id}-{rel_num}")
    assert (key.org, key.problem_id, key.rel_num) == (org, problem_id, rel_num)
    assert ModelKey.parse(str(key)) == key


@given(st.text(alphabet=st.sampled_from("ab1-_./\\ \n\0{}'\";$()é٣")) | st.text())
def test_no_text_leads_out_of_the_release_tree(text: str) -> None:
    with suppress(ConfigError):
        key = ModelKey.parse(text)
        assert key.folder(Path("/tree")).relative_to("/tree").parts == tuple(text.split("-"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "digits",
        "a-b",
        "a-b-c",
        "a-b-1-2",
        "../../etc-b-1",
        "a-..-1",
        "a-b-1\n",
        "a-{{ b }}-1",
        f"{'a' * 64}-b-1",
    ],
)
def test_a_malformed_model_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected <org>-<problem_id>-<rel_num>"):
        ModelKey.parse(text)


def test_settings_have_defaults_where_there_is_no_app_yml(tmp_path: Path) -> None:
    assert Settings.read([tmp_path, tmp_path / "absent"]) == Settings("/api/vision/v2", frozenset({"PNG", "JPEG"}))


def test_the_first_app_yml_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "app.yml").write_text(f"API_VISION_URL: /{folder.name}\nALLOWED_IMAGE_TYPE: [.JPG, tiff]\n")
    assert Settings.read([first, second]) == Settings("/first", frozenset({"JPEG"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "line 1, column 5"),
        ("- a", "expected a mapping"),
        ("", "expected a mapping"),
        ("API_VISION_URL: 3", "API_VISION_URL: expected a path"),
        ("API_VISION_URL: api/vision", "API_VISION_URL: expected a path"),
        ("API_VISION_URL: '/api/{{ x }}'", "API_VISION_URL: expected a path"),
        ("API_VISION_URL: '/api/{name}'", "API_VISION_URL: expected a path"),
        ("ALLOWED_IMAGE_TYPE: png", "ALLOWED_IMAGE_TYPE: expected a list"),
        ("ALLOWED_IMAGE_TYPE: [1]", "ALLOWED_IMAGE_TYPE: expected a list"),
        ("ALLOWED_IMAGE_TYPE: [gif]", "none of \\['gif'\\] is served here"),
        ("a: \udcff", "codec can't decode"),
    ],
)
def test_a_wrong_app_yml_is_named_with_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "app.yml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=message) as caught:
        Settings.read([tmp_path])
    assert str(caught.value).startswith(f"{file}: ")


def test_redis_is_where_app_yml_says() -> None:
    document = yaml.safe_load("{DBCFG: {REDISCFG: {dbname: '2', host: h, port: 6380, username: null, password: p}}}")
    settings = Settings.parse(document)
    access = RedisAccess.parse(settings.redis)
    assert access == RedisAccess("h", 6380, 2, None, "p")
    assert "'p'" not in repr(access) + repr(settings)
    assert RedisAccess.parse({"host": "h"}) == RedisAccess("h", 6379, 0)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "expected a mapping"),
        ({}, "host: expected a name"),
        ({"host": "h", "port": True}, "port: expected a TCP port"),
        ({"host": "h", "port": 65536}, "port: expected a TCP port"),
        ({"host": "h", "dbname": "x"}, "dbname: expected a number"),
        ({"host": "h", "password": 1234}, "password: expected text, as in quotation marks"),
    ],
)
def test_a_redis_that_cannot_be_asked_is_refused(document: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        RedisAccess.parse(document)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "2G", "٣", " 1", "9" * 12])
def test_a_variable_that_is_no_number_is_refused(text: str) -> None:
    assert whole_number({}, "N", 7) == whole_number({"N": ""}, "N", 7) == 7
    assert whole_number({"N": "12"}, "N", 7) == 12
    with pytest.raises(ConfigError, match="N: expected a number"):
        whole_number({"N": text}, "N", 7)


def test_places_come_from_the_environment() -> None:
    assert config_folders({"AI_CFG": "/etc/ai"}) == [Path("/etc/ai"), Path("/codehub-config")]
    assert config_folders({}) == [Path("/codehub-config")]
    assert release_root({"AI_WEIGHTS_PATH": "/w", "AI_DATA": "/d"}) == Path("/w")
    assert release_root({"AI_DATA": "/d"}) == Path("/d/release")
    assert release_root({}) == Path("/aimldl-dat/release")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A whole release of KEY below tmp_path; its weights folder."""
    folder = KEY.folder(tmp_path) / "convnet/weights"
    folder.mkdir(parents=True)
    (folder / "net.keras").write_bytes(b"weights")
    facts = {
        "weights": "net.keras", "sha256": sha256(folder / "net.keras"), "labels": ["a", "b"], "accuracy": 0.5,
    }  # fmt: skip
    (folder / "release.json").write_text(json.dumps(facts))
    return folder


def test_a_release_is_found_and_its_weights_checked(tmp_path: Path, weights: Path) -> None:
    release = Release.find(tmp_path, KEY)
    assert release.weights() == weights / "net.keras"
    assert release.labels == ("a", "b")
    assert release.summary() == {"rel_num": "3", "dnnarch": "convnet", "sha256": release.sha256}


def test_changed_or_missing_weights_are_refused(tmp_path: Path, weights: Path) -> None:
    (weights / "net.keras").write_bytes(b"weightz")
    with pytest.raises(ReleaseError, match=r"net\.keras: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}"):
        Release.find(tmp_path, KEY).weights()
    (weights / "net.keras").unlink()
    with pytest.raises(ReleaseError, match=r"net\.keras: No such file"):
        Release.find(tmp_path, KEY).weights()


def test_there_must_be_exactly_one_finished_release(tmp_path: Path, weights: Path) -> None:
    place = weights.parent
    place.rename(place.with_name(".convnet.draft"))
    with pytest.raises(ReleaseError, match="found 0"):
        Release.find(tmp_path, KEY)
    for name in ("convnet", "resnet"):
        (place.with_name(name) / "weights").mkdir(parents=True)
        (place.with_name(name) / "weights/release.json").write_text("{}")
    with pytest.raises(ReleaseError, match="found 2"):
        Release.find(tmp_path, KEY)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weights": "x", "sha256": "y", "labels": 3, "accuracy": 1}'])
def test_a_release_that_is_not_described_is_refused(tmp_path: Path, weights: Path, text: str) -> None:
    (weights / "release.json").write_text(text)
    with pytest.raises(ReleaseError, match=r"release\.json: not a release description"):
        Release.find(tmp_path, KEY)


def test_a_release_cannot_name_weights_elsewhere(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "secret").write_bytes(b"weights")
    facts = json.loads((weights / "release.json").read_text())
    (weights / "release.json").write_text(json.dumps({**facts, "weights": str(tmp_path / "secret")}))
    with pytest.raises(ReleaseError, match="weights/secret: No such file"):
        Release.find(tmp_path, KEY).weights()
