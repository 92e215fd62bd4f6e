"""The vault's locks: what is personal is sealed with a key of its person, and that with the key of the installation.

Where the key of a person is gone, their rows say nothing any more: nor do old row versions of them, write-ahead logs,
and dumps without the table of keys (`parties_person`). The key of the installation is made of `ENTREPOT_VAULT_KEY`,
else of its secret key, and is never in the database.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE = 12
SEALED = (
    "name", "line1", "line2", "city", "postal_code", "email", "phone", "tax_number", "tax_number_kind", "written",
)  # fmt: skip
"""The fields of an address that are sealed; its region and country stand open, for reports and tax."""


class WrongVaultKey(Exception):  # noqa: N818  it is said to people
    """The installation's key is not the one with which the vault was written."""

    def __init__(self) -> None:
        super().__init__(
            "The vault can't be opened with this installation's key. Set ENTREPOT_VAULT_KEY (or ENTREPOT_SECRET_KEY,"
            " or the file secret_key in the home folder) to what it was when the vault was written."
        )


def new_key(person: UUID) -> tuple[bytes, bytes]:
    """A person's key, and what is kept of it."""
    key = AESGCM.generate_key(128)
    return key, _lock(_house(settings.VAULT_KEY), key, person.bytes)


def open_key(kept: bytes, person: UUID) -> bytes:
    """A person's key of what is kept of it."""
    return _unlock(_house(settings.VAULT_KEY), kept, person.bytes)


def seal(key: bytes, address: UUID, values: Sequence[Any]) -> bytes:
    """The values of `SEALED`, for the row of an address and no other."""
    return _lock(AESGCM(key), msgspec.json.encode(values), address.bytes)


def unseal(key: bytes, address: UUID, sealed: bytes) -> list[Any]:
    """What `seal` was given."""
    found: list[Any] = msgspec.json.decode(_unlock(AESGCM(key), sealed, address.bytes))
    return found


def _lock(with_key: AESGCM, plain: bytes, of: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + with_key.encrypt(nonce, plain, of)


def _unlock(with_key: AESGCM, locked: bytes, of: bytes) -> bytes:
    try:
        return with_key.decrypt(locked[:NONCE], locked[NONCE:], of)
    except InvalidTag:
        raise WrongVaultKey from None


@lru_cache(maxsize=2)
def _house(secret: str) -> AESGCM:
    return AESGCM(hashlib.blake2b(secret.encode(), digest_size=32, person=b"vault").digest())
