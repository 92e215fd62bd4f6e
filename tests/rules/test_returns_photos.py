"""What a picture is, told by its bytes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.returns.photos import BYTES_MAX, TYPES, Picture, read


def png(width: int = 3, height: int = 2) -> bytes:
    head = b"\0\0\0\x0dIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0crc!"
    return b"\x89PNG\r\n\x1a\n" + head + b"\0\0\0\0IEND\xaeB`\x82"


def jpeg(width: int = 3, height: int = 2) -> bytes:
    frame = (
        b"\xff\xc2\x00\x0b\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    )
    return (
        b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xdb\x00\x03c"
        + frame
        + b"\xff\xda\x00\x02pix\xff\x00\xff\xd0els\xff\xd9"
    )


def webp(chunk: bytes) -> bytes:
    return b"RIFF" + (len(chunk) + 4).to_bytes(4, "little") + b"WEBP" + chunk


EXTENDED = webp(b"VP8X\x0a\0\0\0\0\0\0\0" + (2).to_bytes(3, "little") + (1).to_bytes(3, "little") + b"..")
LOSSLESS = webp(b"VP8L\x0a\0\0\0\x2f" + (2 | 1 << 14).to_bytes(4, "little") + b".....")
LOSSY = webp(b"VP8 \x0a\0\0\0...\x9d\x01\x2a" + b"\x03\0\x02\0..")


@pytest.mark.parametrize(
    ("content", "kind"),
    [(png(), "png"), (jpeg(), "jpeg"), (EXTENDED, "webp"), (LOSSLESS, "webp"), (LOSSY, "webp")],
)
def test_the_bytes_say_what_it_is_and_how_large(content: bytes, kind: str):
    assert read(content) == Picture(kind, 3, 2, hashlib.sha256(content).hexdigest(), content)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a\x01\0\x01\0", b"<script>", b"%PDF-1.7",
        png()[:-1], jpeg()[:-1], EXTENDED[:-1], b"\xff\xd8\xff\xd9", jpeg()[:-2] + b"<?php \xff\xd9"[:-2],
        png(0, 1), png(12_001, 1), png(7_000, 7_000), jpeg(0, 0),
    ],
)  # fmt: skip
def test_what_is_no_whole_picture_or_too_large_a_one_is_refused(content: bytes):
    assert isinstance(read(content), Invalid)


@pytest.mark.parametrize("content", [png(), jpeg(), EXTENDED, LOSSLESS, LOSSY])
@pytest.mark.parametrize(
    "behind",
    [
        b"<script>alert(1)</script>",
        b"PK\x05\x06" + b"\0" * 18 + b"\xff\xd9",
        b"SEFT",
        jpeg(),
        b"IEND\xaeB`\x82",
    ],
)
def test_what_stands_behind_a_picture_is_none_of_it(content: bytes, behind: bytes):
    """A file that is a picture and something else, and what telephones append: the picture alone is kept, as itself."""
    assert read(content + behind) == read(content)


def test_a_picture_in_several_scans_ends_with_the_last():
    content = jpeg()[:-2] + b"\xff\xc4\x00\x03t\xff\xda\x00\x03hmore\xff\xd9"
    found = read(content + b"tail")
    assert isinstance(found, Picture) and found.content == content


def test_a_file_has_its_most_bytes():
    refused = read(png() + b"." * BYTES_MAX)
    assert isinstance(refused, Invalid)
    assert refused.facts["expected"] == f"at most {BYTES_MAX // 1_000_000} MB"


@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x10\0\0\0WEBP"]),
    st.binary(max_size=80),
)
def test_no_bytes_do_any_harm(start: bytes, rest: bytes):
    found = read(start + rest)
    assert isinstance(found, Invalid) or found.kind in TYPES
