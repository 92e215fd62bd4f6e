"""What makes failures of messages one: the same cause, whatever numbers and ids its error names. Pure."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, UUID, uuid5

CAUSE_MAX = 200
_PARTICULAR = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|\d{4,}", re.IGNORECASE)
"""Ids and long numbers: they name one message. Short ones, as the status of an answer, tell one cause from another."""


def cause_of(error: str) -> str:
    """The first line of an error without what names one message alone."""
    line = error.strip().partition("\n")[0]
    return " ".join(_PARTICULAR.sub("…", line).split())[:CAUSE_MAX] or "no reason told"


def subject_of(company: int, side: str, place: str, cause: str) -> UUID:
    """What the item of a cause is about: the same id for the same cause."""
    return uuid5(NAMESPACE_URL, f"entrepot:messages:{company}:{side}:{place}:{cause}")
