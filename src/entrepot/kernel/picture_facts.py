"""What a picture tells beside what it shows: where and when it was taken, on whose telephone. None of that is kept;
what is drawn stays byte for byte, and so do its colors and which way is up. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_SCAN, _END, _FILL = 0xDA, 0xD9, 0xFF
_LONE = frozenset({0x01, *range(0xD0, 0xD9)})
_EXIF = b"Exif\x00\x00"
_UPRIGHT = 1
_ORIENTATION = 0x0112
PNG_FACTS = frozenset({b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME"})
WEBP_FACTS = frozenset({b"EXIF", b"XMP "})
_WEBP_FLAGS = 0x08 | 0x04
"""In the head of a WebP: it has EXIF, it has XMP."""


def without_facts(kind: str, content: bytes) -> bytes:
    """A whole picture of a kind as `pictures.read` tells it, without what was written into it beside the drawing."""
    return {"jpeg": _jpeg, "png": _png, "webp": _webp}[kind](content)


def _jpeg(content: bytes) -> bytes:
    """The segments before what is drawn: of applications only those that say how it looks, no comment."""
    kept, turned, at = [], _UPRIGHT, 2
    while at + 4 <= len(content) and content[at] == _FILL:
        marker = content[at + 1]
        if marker == _FILL:
            kept.append(content[at : at + 1])
            at += 1
            continue
        if marker in _LONE:
            kept.append(content[at : at + 2])
            at += 2
            continue
        if marker in (_SCAN, _END):
            break
        end = at + 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
        body = content[at + 4 : end]
        if marker == 0xE1 and body.startswith(_EXIF):
            turned = _orientation(body[len(_EXIF) :])
        if _looks(marker, body):
            kept.append(content[at:end])
        at = end
    up = [_upright(turned)] if turned != _UPRIGHT else []
    first = 1 if kept and kept[0][1:2] == b"\xe0" else 0  # JFIF stands first
    return b"".join((content[:2], *kept[:first], *up, *kept[first:], content[at:]))


def _looks(marker: int, body: bytes) -> bool:
    """Whether a segment says how the picture looks: JFIF, the colors by ICC or Adobe, and all that are no application's
    and no comment."""
    if marker == 0xE2:
        return body.startswith(b"ICC_PROFILE\x00")
    return marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _orientation(tiff: bytes) -> int:
    """Which way is up, 1 to 8; 1 where that is not told, or told wrongly."""
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None:
        return _UPRIGHT

    def number(at: int, length: int) -> int:
        return int.from_bytes(tiff[at : at + length], order)  # type: ignore[arg-type]

    start = number(4, 4)
    for n in range(min(number(start, 2), 500)):
        entry = start + 2 + 12 * n
        if number(entry, 2) == _ORIENTATION:
            found = number(entry + 8, 2)
            return found if 1 <= found <= 8 else _UPRIGHT
    return _UPRIGHT


def _upright(turned: int) -> bytes:
    """A segment that tells which way is up, and nothing else."""
    field = b"".join(one.to_bytes(size, "big") for one, size in (
        (1, 2), (_ORIENTATION, 2), (3, 2), (1, 4), (turned, 2), (0, 2), (0, 4),
    ))  # fmt: skip
    body = _EXIF + b"MM\x00\x2a\x00\x00\x00\x08" + field
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


def _png(content: bytes) -> bytes:
    kept = [content[:8]]
    at = 8
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] not in PNG_FACTS:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)


def _webp(content: bytes) -> bytes:
    chunks = b"".join(
        _flagged(chunk) if chunk[:4] == b"VP8X" else chunk
        for chunk in _chunks(content)
        if chunk[:4] not in WEBP_FACTS
    )
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks


def _chunks(content: bytes) -> Iterator[bytes]:
    """The chunks of a WebP, each with the byte that makes it even; the last one may leave it away."""
    at = 12
    while at < len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        yield content[at:end]
        at = end


def _flagged(head: bytes) -> bytes:
    return head[:8] + bytes([head[8] & ~_WEBP_FLAGS & 0xFF]) + head[9:] if len(head) > 8 else head
