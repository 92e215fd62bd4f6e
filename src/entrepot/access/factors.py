"""The second factor: codes of a phone that change every half minute (RFC 6238), and codes on paper for whoever
lost it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from datetime import datetime
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
AROUND = (0, -1, 1)
"""Steps that are taken beside the present one: clocks differ, and people type."""
SECRET_BYTES = 20
ON_PAPER = 10
_CODE = re.compile(r"[0-9]{6}")
_PAPER = re.compile(r"[a-z2-7]{8}-[a-z2-7]{8}")


def fresh() -> str:
    """A secret for a phone, as its app takes it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def on_paper() -> tuple[str, ...]:
    """Codes for one use each, to be shown once: 80 bits of chance, so a digest is as good as a slow hash."""
    return tuple(
        "-".join((text[:8], text[8:]))
        for _ in range(ON_PAPER)
        for text in [base64.b32encode(secrets.token_bytes(10)).decode().lower()]
    )


def is_secret(text: str) -> bool:
    try:
        return len(base64.b32decode(text)) == SECRET_BYTES
    except (binascii.Error, ValueError):
        return False


def tidy(code: str) -> str:
    """A code as it is compared: people write blanks and capitals."""
    return "".join(code.split()).lower()


def digest(code: str) -> bytes | None:
    """What is kept of a code on paper; None where it is none."""
    return hashlib.sha256(code.encode()).digest() if _PAPER.fullmatch(code) else None


def step_of(at: datetime) -> int:
    return int(at.timestamp()) // STEP_S


def code_of(secret: str, step: int) -> str:
    """The code of a step."""
    seal = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = seal[-1] & 15
    number = int.from_bytes(seal[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_used(secret: str, code: str, at: datetime, after: int) -> int | None:
    """The step whose code this is, about a moment; None where it is of none, or of one that was used already."""
    if not _CODE.fullmatch(code):
        return None
    now = step_of(at)
    fits = [now + around for around in AROUND if hmac.compare_digest(code_of(secret, now + around), code)]
    return next((step for step in fits if step > after), None)


def address(secret: str, house: str, person: str) -> str:
    """What a phone reads from a QR code."""
    label = f"{quote(house)}:{quote(person)}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(house)}&digits={DIGITS}&period={STEP_S}"
