"""What a file that somebody sent is, told by its bytes and never by its name: a picture (JPEG, PNG or WebP) or a PDF.
Pure."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.picture_facts import without_facts

BYTES_MAX = 5_000_000
SIDE_MAX = 12_000
PIXELS_MAX = 40_000_000

TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
PAPER_TYPES = {"pdf": "application/pdf", **TYPES}

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END = 0xDA, 0xD9
_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The marker that ends what was drawn: a zero behind the sign, or a restart, belongs to it."""


class Picture(NamedTuple):
    """The kind of a picture and its size in pixels, and what of its file is kept, with the digest of that. Telephones
    put things behind a picture, and into it where it was taken, and so does who wants it taken for something else: that
    is not kept."""

    kind: str
    width: int
    height: int
    digest: str
    content: bytes


class _Size(NamedTuple):
    width: int
    height: int
    length: int


def read(content: bytes) -> Picture | Refused:
    """What the bytes are; refused where they are no whole picture, or too large a one."""
    if len(content) > BYTES_MAX:
        return Invalid(
            field="photo",
            expected=Said("at most {0} MB", BYTES_MAX // 1_000_000),
            found=Said("a larger file"),
        )
    kind, size = _size(content)
    if size is None:
        return Invalid(
            field="photo", expected="a whole JPEG, PNG or WebP", found=Said("{0} other bytes", len(content))
        )
    width, height, length = size
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX and width * height <= PIXELS_MAX):
        return Invalid(
            field="photo", expected=Said("at most {0} pixels", PIXELS_MAX), found=f"{width} × {height}"
        )
    kept = without_facts(kind, content[:length])
    return Picture(kind, width, height, hashlib.sha256(kept).hexdigest(), kept)


class File(NamedTuple):
    """Its kind, and what of it is kept, with the digest of that."""

    kind: str
    digest: str
    content: bytes


def read_paper(content: bytes) -> File | Refused:
    """What an attached file is, told by its bytes: a PDF or a picture."""
    if len(content) > BYTES_MAX:
        return Invalid(field="file", expected=Said("at most {0} bytes", BYTES_MAX), found=len(content))
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-1024:]:
        return File("pdf", hashlib.sha256(content).hexdigest(), content)
    picture = read(content)
    if isinstance(picture, Refused):
        return Invalid(
            field="file",
            expected="a whole PDF, JPEG, PNG or WebP",
            found=Said("{0} other bytes", len(content)),
        )
    return File(picture.kind, picture.digest, picture.content)


def _size(content: bytes) -> tuple[str, _Size | None]:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", _png(content)
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg", _jpeg(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp", _webp(content)
    return "", None


def _big(content: bytes, at: int, length: int) -> int:
    return int.from_bytes(content[at : at + length], "big")


def _little(content: bytes, at: int, length: int) -> int:
    return int.from_bytes(content[at : at + length], "little")


def _png(content: bytes) -> _Size | None:
    """Its chunks, from the first one, which has the size, to the last."""
    if content[12:16] != b"IHDR":
        return None
    at = 8
    while at + 12 <= len(content):
        kind, at = content[at + 4 : at + 8], at + 12 + _big(content, at, 4)
        if kind == b"IEND":
            whole = at <= len(content)
            return _Size(_big(content, 16, 4), _big(content, 20, 4), at) if whole else None
    return None


def _jpeg(content: bytes) -> _Size | None:
    """The size that the first frame names, and where the picture ends."""
    at, size = 2, (0, 0)
    while at + 2 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == _END:
            return _Size(*size, at + 2)
        if marker in _FRAMES and size == (0, 0):
            size = _big(content, at + 7, 2), _big(content, at + 5, 2)
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
        elif marker in _LONE:
            at += 2
        else:
            at += 2 + max(2, _big(content, at + 2, 2))
        if marker == _SCAN:
            found = _NEXT.search(content, at)
            at = found.start() if found else len(content)
    return None


def _webp(content: bytes) -> _Size | None:
    length = _little(content, 4, 4) + 8
    if not 30 <= length <= len(content):
        return None
    chunk = content[12:16]
    if chunk == b"VP8X":
        return _Size(_little(content, 24, 3) + 1, _little(content, 27, 3) + 1, length)
    if chunk == b"VP8L" and content[20] == 0x2F:
        bits = _little(content, 21, 4)
        return _Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, length)
    if chunk == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return _Size(_little(content, 26, 2) & 0x3FFF, _little(content, 28, 2) & 0x3FFF, length)
    return None
