"""Fingerprints of personal data: keyed hashes, by which two orders can be seen to share a card, an address or a mail
address without either leaving the vault.

The key is made of this installation's secret key (`ENTREPOT_SECRET_KEY`, else the file in the home folder), and is
never in the database: whoever has the database alone can't try out addresses. With another secret key all fingerprints
are others; lists of a policy are then written anew.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

from django.conf import settings

from entrepot.parties import address
from entrepot.parties.address import Written

PHONE_MIN = 7
PHONE_DIGITS = 9
"""The last digits of a telephone that count: those before them are the country's and the way there."""


def of_card(token: str) -> str:
    """Of the provider's own token of a card, which is the same each time that the card pays."""
    return _digest("card", token.strip())


def of_address(where: Written) -> str:
    """Of a place, whatever the writing and whoever lives there."""
    return _digest(
        "address", f"{where.country}|{''.join(where.postal_code.split()).upper()}|{address.street(where)}"
    )


def of_email(mail: str) -> str:
    """Of a mailbox: case does not matter, nor does what stands behind a plus sign."""
    name, _, host = mail.strip().casefold().rpartition("@")
    return _digest("email", f"{name.partition('+')[0]}@{host}")


def of_phone(phone: str) -> str:
    """Of a telephone, whether it is written with its country or without; '' of what is too short to be one."""
    digits = "".join(one for one in phone if one.isdecimal())
    return _digest("phone", digits[-PHONE_DIGITS:]) if len(digits) >= PHONE_MIN else ""


def of_name(name: str) -> str:
    """Of a name, whatever the order of its words, their case and their accents; '' of none."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    words = re.findall(r"\w+", "".join(one for one in plain if not unicodedata.combining(one)))
    return _digest("name", " ".join(sorted(words))) if words else ""


def of_visitor(source: str) -> str:
    """Of where somebody comes from, or what they say, at a door for the public: so that tries can be counted."""
    return _digest("visitor", source.strip().casefold())


def of_customer(code: str) -> str:
    """Of a customer, by the code that the channel knows."""
    return _digest("customer", code)


def of_place(*fields: str) -> str:
    """Of fields of an address as they came, so that two can be compared and neither read."""
    return _digest("place", "\x1f".join(fields))


def _digest(kind: str, text: str) -> str:
    made = hashlib.blake2b(text.encode(), digest_size=16, key=_key(settings.SECRET_KEY), person=kind.encode())
    return f"{kind}:{made.hexdigest()}"


@lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"fingerprints").digest()
