"""What is sent is what it is called."""

import struct
import zlib

from aimlsetup.loadtest import payloads


def pixels(image: bytes) -> list[bytes]:
    """The rows of a grey PNG, once every checksum is right."""
    place, parts = 8, {}
    while place < len(image):
        [length] = struct.unpack(">I", image[place : place + 4])
        name, content = image[place + 4 : place + 8], image[place + 8 : place + 8 + length]
        assert struct.unpack(">I", image[place + 8 + length : place + 12 + length]) == (zlib.crc32(name + content),)
        parts[name] = content
        place += 12 + length
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    rows = zlib.decompress(parts[b"IDAT"])
    assert len(rows) == height * (width + 1)
    return [rows[start + 1 : start + 1 + width] for start in range(0, len(rows), width + 1)]


def test_the_digits_are_ten_different_whole_images() -> None:
    images = payloads.bodies()["image"]
    drawn = [pixels(image.body) for image in images]
    assert len({b"".join(rows) for rows in drawn}) == 10
    assert {(len(rows), len(rows[0])) for rows in drawn} == {(28, 28)}
    assert all(payloads.kind_of(image.body) == image.kind == "image/png" for image in images)


def test_nan_is_a_tiff_of_floats_that_are_none() -> None:
    body = payloads.bodies()["nan"][0].body
    assert body[:4] == b"II*\0"
    values = struct.unpack("<64f", body[8 : 8 + 256])
    assert all(value != value for value in values)


def test_a_given_image_is_sent_and_mutilated() -> None:
    given = payloads.Payload(b"\xff\xd8\xff" + bytes(300), "image/jpeg")
    found = payloads.bodies(given)
    assert found["image"] == [given]
    assert given.body.startswith(found["malformed"][0].body)
    assert len(found["malformed"][0].body) < len(given.body)
    assert payloads.kind_of(b"GIF89a") is None


def test_most_of_all_are_images() -> None:
    assert payloads.shares("all")["image"] >= 80
    assert set(payloads.shares("all")) == {"image", "malformed", "nan", "empty"}
    assert payloads.shares("nan") == {"nan": 5}
