"""What is read of a data directory and of a configuration without a mongod."""

import struct
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def data() -> Any:
    return import_module("ansible_collections.codehub.aimlsetup.plugins.module_utils.mongodata")


def text(name: str, value: str) -> bytes:
    """A BSON element of text."""
    return b"\x02" + name.encode() + b"\0" + struct.pack("<i", len(value) + 1) + value.encode() + b"\0"


def document(elements: bytes) -> bytes:
    return struct.pack("<i", len(elements) + 5) + elements + b"\0"


def diagnostic(version: str) -> bytes:
    """As a file of diagnostic.data begins."""
    build = b"\x03buildInfo\0" + document(text("version", version) + text("gitVersion", "abc"))
    return document(b"\x10type\0\0\0\0\0\x03doc\0" + document(text("before", "7.7.7") + build))


@pytest.mark.parametrize(
    ("wanted", "found", "opens"),
    [
        ("8.0", "8.0.4", True), ("8.0", "7.0.14", True), ("8.0", "6.0.1", False), ("7.0", "8.0.4", False),
        ("8.2", "8.0.4", True), ("8.0", "8.2.1", False), ("5.0", "4.4.29", True), ("4.4", "4.0.28", False),
        ("8.0", "7.3.1", True), ("9.0", "7.0.1", False),
    ],
)  # fmt: skip
def test_data_go_one_series_up(data: Any, wanted: str, found: str, opens: bool) -> None:
    assert data.opens(wanted, found) is opens


def test_the_newest_diagnostic_file_says_the_version(data: Any, tmp_path: Path) -> None:
    place = tmp_path / "diagnostic.data"
    place.mkdir()
    (place / "metrics.2026-11-20").write_bytes(diagnostic("7.0.14"))
    assert data.written_by(str(tmp_path)) == "7.0.14"
    assert data.build_version(diagnostic("8.0.4")) == "8.0.4"


@pytest.mark.parametrize("content", [b"", b"\x03buildInfo\0", b"\x02version\0\x06\0\0\0nine!\0", diagnostic("x")])
def test_what_is_none_says_none(data: Any, content: bytes) -> None:
    assert data.build_version(content) is None


def test_a_setting_is_found_at_its_place(data: Any) -> None:
    config = 'net:\n  port: 27018\n#security:\n#  authorization: enabled\nstorage:\n  dbPath: "/srv/db"  # here\n'
    assert data.setting(config, "storage", "dbPath") == "/srv/db"
    assert data.setting(config, "net", "port") == "27018"
    assert data.setting(config, "security", "authorization") is None
