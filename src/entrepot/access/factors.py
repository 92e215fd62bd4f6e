"""The second factor: codes of a phone that change every half minute (RFC 6238), and codes on paper for whoever
lost it. The codes are made by `cryptography`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from entrepot.kernel import strongbox

STEP_S = 30
DIGITS = 6
AROUND = (0, -1, 1)
"""Steps that are taken beside the present one: clocks differ, and people type."""
SECRET_BYTES = 20
ON_PAPER = 10
HASH = SHA1()  # noqa: S303 - phones know no other, and nothing here depends on collisions
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


def locked(person: int, secret: str) -> bytes:
    """A secret as it is kept, for its person and nobody else."""
    return strongbox.lock(secret.encode(), UUID(int=person).bytes)


def opened(person: int, secret: bytes) -> str:
    """What `locked` was given. The database may hand bytes over as a view of them."""
    return strongbox.unlock(bytes(secret), UUID(int=person).bytes).decode()


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
    return HOTP(base64.b32decode(secret), DIGITS, HASH).generate(step).decode()


def step_used(secret: str, code: str, at: datetime, after: int) -> int | None:
    """The step whose code this is, about a moment; None where it is of none, or of one that was used already."""
    if not _CODE.fullmatch(code):
        return None
    now = step_of(at)
    fits = [
        now + around for around in AROUND if bytes_eq(code_of(secret, now + around).encode(), code.encode())
    ]
    return next((step for step in fits if step > after), None)


def address(secret: str, house: str, person: str) -> str:
    """What a phone reads from a QR code."""
    key = base64.b32decode(secret)
    found = TOTP(key, DIGITS, HASH, STEP_S).get_provisioning_uri(person, house)
    return found.replace("+", "%20")  # some phones show a plus as a plus
