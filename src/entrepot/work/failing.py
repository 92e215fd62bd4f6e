"""What makes failures of messages one: the same cause, whatever numbers and ids its error names. Pure."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, UUID, uuid5

CAUSE_MAX = 200
_PARTICULAR = re.compile(
    r"""(?<!\w)"[^"]*"(?!\w)|(?<!\w)'[^']*'(?!\w)|“[^”]*”|‘[^’]*’|«[^»]*»|`[^`]*`  # values in quotes
    |(?<==)\([^)]*\)|[^\s@<>()=]+@[^\s@<>()]+                                         # of a key; addresses of mail
    |[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}
    |(?<!HTTP\ )\b\w*\d\w*""",
    re.IGNORECASE | re.VERBOSE,
)
"""What names one message or one person. The status of an answer stays: it tells one cause from another."""


def cause_of(error: str) -> str:
    """The first line of an error without what names one message alone."""
    line = error.strip().partition("\n")[0]
    return " ".join(_PARTICULAR.sub("…", line).split())[:CAUSE_MAX] or "no reason told"


def subject_of(company: int, side: str, place: str, cause: str) -> UUID:
    """What the item of a cause is about: the same id for the same cause."""
    return uuid5(NAMESPACE_URL, f"entrepot:messages:{company}:{side}:{place}:{cause}")
