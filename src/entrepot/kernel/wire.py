"""Requests and results as JSON, for the request log and the outside."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import msgspec

from entrepot.kernel.errors import Refused

_encoder = msgspec.json.Encoder(enc_hook=str)


def dump(value: Any) -> str:
    """JSON text of a dataclass, or of anything made of the plain types."""
    return _encoder.encode(value).decode()


def fingerprint(request: Any) -> bytes:
    """A digest that two requests share only where every field is equal."""
    return hashlib.blake2b(_encoder.encode(request), digest_size=16).digest()


@cache
def _decoder(answer_type: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(answer_type)


def load(text: str | bytes, answer_type: type) -> Any:
    """The dataclass that `dump` wrote."""
    return _decoder(answer_type).decode(text)


def refusal(code: str, facts: dict[str, Any]) -> Refused:
    """The refusal of that code, as its room declares it."""
    return Refused.known.get(code, Refused)(**facts)
