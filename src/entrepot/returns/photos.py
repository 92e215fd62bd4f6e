"""What a picture is, told by its bytes and never by its name: JPEG, PNG or WebP. Pure."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from entrepot.kernel.errors import Invalid, Refused, Said

BYTES_MAX = 5_000_000
SIDE_MAX = 12_000
PIXELS_MAX = 40_000_000
PHOTOS_MAX = 12
"""Of one inspection."""
OF_CUSTOMER_MAX = 6
"""Of one return, by its customer."""

TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE = frozenset({0x01, *range(0xD0, 0xD9)})


class Picture(NamedTuple):
    """The kind of a picture and its size in pixels, with the digest that it is kept under."""

    kind: str
    width: int
    height: int
    digest: str


def read(content: bytes) -> Picture | Refused:
    """What the bytes are; refused where they are no whole picture, or too large a one."""
    if len(content) > BYTES_MAX:
        return Invalid(field="photo", expected=Said("at most {0} bytes", BYTES_MAX), found=len(content))
    kind, size = _size(content)
    if size is None:
        return Invalid(
            field="photo", expected="a whole JPEG, PNG or WebP", found=Said("{0} other bytes", len(content))
        )
    width, height = size
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX and width * height <= PIXELS_MAX):
        return Invalid(
            field="photo", expected=Said("at most {0} pixels", PIXELS_MAX), found=f"{width} × {height}"
        )
    return Picture(kind, width, height, hashlib.sha256(content).hexdigest())


def _size(content: bytes) -> tuple[str, tuple[int, int] | None]:
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


def _png(content: bytes) -> tuple[int, int] | None:
    whole = content[12:16] == b"IHDR" and content.endswith(b"\0\0\0\0IEND\xaeB`\x82")
    return (_big(content, 16, 4), _big(content, 20, 4)) if whole else None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    """The size that the first frame names; nothing may stand behind the end of the picture."""
    at = 2
    while content.endswith(b"\xff\xd9") and at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _FRAMES:
            return _big(content, at + 7, 2), _big(content, at + 5, 2)
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
        elif marker in _LONE:
            at += 2
        else:
            at += 2 + max(2, _big(content, at + 2, 2))
    return None


def _webp(content: bytes) -> tuple[int, int] | None:
    if len(content) < 30 or _little(content, 4, 4) + 8 != len(content):
        return None
    chunk = content[12:16]
    if chunk == b"VP8X":
        return _little(content, 24, 3) + 1, _little(content, 27, 3) + 1
    if chunk == b"VP8L" and content[20] == 0x2F:
        bits = _little(content, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return _little(content, 26, 2) & 0x3FFF, _little(content, 28, 2) & 0x3FFF
    return None
