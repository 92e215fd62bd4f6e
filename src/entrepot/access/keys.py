"""API keys as text: `ek_<prefix>_<secret>`. The edge makes one and shows it once; the house keeps a digest."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

_FORM = re.compile(r"ek_([0-9a-f]{12})_[0-9a-zA-Z_-]{43}")


def fresh() -> str:
    """A new key, to be shown once."""
    return f"ek_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def prefix(raw: str) -> str | None:
    """The part that may be shown and searched for, or None where the text is no key."""
    found = _FORM.fullmatch(raw)
    return found and found[1]


def digest(raw: str) -> bytes:
    """What is kept. The secret has 256 bits of chance, so a slow hash would add nothing."""
    return hashlib.sha256(raw.encode()).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two digests are equal, in a time that tells nothing."""
    return hmac.compare_digest(one, other)
