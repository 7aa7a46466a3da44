"""What is sent: images that a model answers, and bodies that it must refuse. Standard library only, no randomness."""

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from aimlsetup.models.load import Scenario

SIZE = 28
SCALE = 4
# 5 x 7 points for each digit, a row per number, the leftmost point being the highest bit.
DIGITS = (
    (14, 17, 19, 21, 25, 17, 14), (4, 12, 4, 4, 4, 4, 14), (14, 17, 1, 2, 4, 8, 31), (31, 2, 4, 2, 1, 17, 14),
    (2, 6, 10, 18, 31, 2, 2), (31, 16, 30, 1, 1, 17, 14), (6, 8, 16, 30, 17, 17, 14), (31, 1, 2, 4, 8, 8, 8),
    (14, 17, 17, 14, 17, 17, 14), (14, 17, 17, 15, 1, 2, 12),
)  # fmt: skip
# Of all requests, where every scenario is wanted.
SHARES: dict[Scenario, int] = {"image": 85, "malformed": 5, "nan": 5, "empty": 5}


class Payload(NamedTuple):
    """One body and what it is called."""

    body: bytes
    kind: str


def shares(scenario: str) -> dict[Scenario, int]:
    """How often each scenario is asked."""
    return {name: share for name, share in SHARES.items() if scenario in ("all", name)}


def bodies(image: Payload | None = None) -> dict[Scenario, list[Payload]]:
    """What each scenario sends, one after the other. `image` takes the place of the drawn digits."""
    images = [image] if image else [Payload(png(drawn(digit)), "image/png") for digit in range(10)]
    whole = images[-1]
    return {
        "image": images,
        "malformed": [
            Payload(whole.body[: len(whole.body) * 2 // 3], whole.kind),  # cut short
            Payload(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "image/png"),
            Payload(b"this is no image", whole.kind),
            Payload(png([], width=2**31 - 1, height=2**31 - 1), "image/png"),  # a header that promises 2^62 pixels
        ],
        "nan": [
            Payload(tiff([float("nan")] * 64, 8), "image/tiff"),
            Payload(b'{"instances": [[NaN, NaN], [Infinity, -Infinity]]}', "application/json"),
        ],
        "empty": [Payload(b"", "image/png")],
    }


def kind_of(content: bytes) -> str | None:
    """The media type of an image file that the example's API takes; None of another file."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/jpeg" if content.startswith(b"\xff\xd8\xff") else None


def drawn(digit: int) -> list[bytes]:
    """Rows of grey levels that show a digit, white on black."""
    rows = [bytes(255 if row >> (4 - column) & 1 else 0 for column in range(5)) for row in DIGITS[digit]]
    wide = [b"".join(bytes([level]) * SCALE for level in row) for row in rows]
    margin = (SIZE - 5 * SCALE) // 2
    return [bytes(margin) + row + bytes(margin) for row in wide for _ in range(SCALE)]


def png(rows: Sequence[bytes], width: int = SIZE, height: int = SIZE) -> bytes:
    """A grey PNG of 8 bits. Its header says the size that it is told, whatever the rows are."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    parts = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def tiff(values: Sequence[float], width: int) -> bytes:
    """A TIFF whose pixels are 32-bit floating point numbers, which can be none at all."""
    strip = struct.pack(f"<{len(values)}f", *values)
    entries = [  # tag, type (3 short, 4 long), value; each once, in the order of tags
        (256, 3, width), (257, 3, len(values) // width), (258, 3, 32), (259, 3, 1), (262, 3, 1), (273, 4, 8),
        (277, 3, 1), (278, 3, len(values) // width), (279, 4, len(strip)), (339, 3, 3),
    ]  # fmt: skip
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = b"II*\0" + struct.pack("<I", 8 + len(strip))
    return head + strip + struct.pack("<H", len(entries)) + directory + struct.pack("<I", 0)
