"""What a picture tells beside what it shows, and that none of it is kept."""

from __future__ import annotations

import hashlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.pictures import Picture, read

PLACE = b"51.5007N 0.1246W"
"""Where it was taken, as every one of these says it in its way."""


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def exif(turned: int | None = None, order: str = ">") -> bytes:
    """EXIF with a place and, where given, which way is up."""
    fields = [(0x010F, 2, 4, b"Cam\0")] + (
        [(0x0112, 3, 1, struct.pack(f"{order}HH", turned, 0))] if turned else []
    )
    head = (b"MM\0\x2a" if order == ">" else b"II\x2a\0") + struct.pack(f"{order}I", 8)
    rows = b"".join(struct.pack(f"{order}HHI", *one[:3]) + one[3] for one in fields)
    return b"Exif\0\0" + head + struct.pack(f"{order}H", len(fields)) + rows + b"\0\0\0\0" + PLACE


JFIF = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
COLORS = segment(0xE2, b"ICC_PROFILE\0\x01\x01colors")
ADOBE = segment(0xEE, b"Adobe\0\x64")
DRAWN = (
    segment(0xDB, b"tables")
    + segment(0xC0, b"\x08\0\x02\0\x03\x01\x01\x11\0")
    + b"\xff\xda\0\x02pix\xff\0els\xff\xd9"
)
FACTS = [
    segment(0xE1, exif()), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + PLACE), segment(0xED, PLACE),
    segment(0xFE, PLACE), segment(0xE2, b"MPF\0" + PLACE), segment(0xE5, PLACE),
]  # fmt: skip


def kept(content: bytes) -> bytes:
    found = read(content)
    assert isinstance(found, Picture) and (found.width, found.height) == (3, 2)
    assert found.digest == hashlib.sha256(found.content).hexdigest()
    return found.content


@given(st.lists(st.sampled_from([*FACTS, JFIF, COLORS, ADOBE]), max_size=8))
def test_a_jpeg_keeps_what_is_drawn_and_its_colors_and_nothing_else(parts: list[bytes]) -> None:
    looks = b"".join(one for one in parts if one not in FACTS)
    assert kept(b"\xff\xd8" + b"".join(parts) + DRAWN) == b"\xff\xd8" + looks + DRAWN


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("turned", range(2, 9))
def test_a_jpeg_is_still_the_same_way_up(turned: int, order: str) -> None:
    content = kept(b"\xff\xd8" + JFIF + segment(0xE1, exif(turned, order)) + DRAWN)
    assert PLACE not in content and b"Cam" not in content
    up = content[len(JFIF) + 2 :]
    assert content.startswith(b"\xff\xd8" + JFIF) and up.startswith(b"\xff\xe1") and up.endswith(DRAWN)
    assert struct.unpack(">HHI", up[20:28]) == (0x0112, 3, 1) and int.from_bytes(up[28:30], "big") == turned
    assert kept(content) == content, "what was kept once is kept as it is"


@pytest.mark.parametrize("told", [b"", b"MM\0\x2a", exif(9)[6:], b"MM\0\x2a\xff\xff\xff\xff", exif()[6:-24]])
def test_exif_that_tells_no_way_up_is_dropped(told: bytes) -> None:
    assert kept(b"\xff\xd8" + segment(0xE1, b"Exif\0\0" + told) + DRAWN) == b"\xff\xd8" + DRAWN


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_png_keeps_its_chunks_but_those_that_tell_of_it() -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0))
    drawn = [chunk(b"iCCP", b"colors"), chunk(b"IDAT", zlib.compress(b"\0" * 20)), chunk(b"IEND", b"")]
    facts = [chunk(kind, PLACE) for kind in (b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME")]
    sign = b"\x89PNG\r\n\x1a\n"
    assert kept(sign + head + b"".join(facts) + b"".join(drawn)) == sign + head + b"".join(drawn)


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def part(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def test_a_webp_keeps_its_chunks_and_says_no_longer_that_it_tells() -> None:
    def extended(flags: int) -> bytes:
        return part(b"VP8X", bytes([flags, 0, 0, 0]) + (2).to_bytes(3, "little") + (1).to_bytes(3, "little"))

    drawn = part(b"VP8 ", b"drawn")
    content = riff(
        extended(0x2C), part(b"ICCP", b"colors"), drawn, part(b"EXIF", PLACE), part(b"XMP ", PLACE + b"!")
    )
    assert kept(content) == riff(extended(0x20), part(b"ICCP", b"colors"), drawn)
