"""Secrets that the house must be able to read again: sealed with the key of the installation, which is never in the
database. What is only compared, such as a password, is kept as a digest instead."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE = 12


class WrongKey(Exception):  # noqa: N818  it is said to people
    """The installation's key is not the one with which a secret was sealed."""

    def __init__(self) -> None:
        super().__init__(
            "A secret can't be opened with this installation's key. Set ENTREPOT_VAULT_KEY (or ENTREPOT_SECRET_KEY, or"
            " the file secret_key in the home folder) to what it was when the secret was kept, or make a new secret."
        )


def lock(plain: bytes, of: bytes) -> bytes:
    """A secret as it may be kept, for what it is of and nothing else."""
    nonce = os.urandom(NONCE)
    return nonce + _box(settings.VAULT_KEY).encrypt(nonce, plain, of)


def unlock(locked: bytes, of: bytes) -> bytes:
    """What `lock` was given."""
    try:
        return _box(settings.VAULT_KEY).decrypt(locked[:NONCE], locked[NONCE:], of)
    except InvalidTag:
        raise WrongKey from None


@lru_cache(maxsize=2)
def _box(secret: str) -> AESGCM:
    return AESGCM(hashlib.blake2b(secret.encode(), digest_size=32, person=b"strongbox").digest())
