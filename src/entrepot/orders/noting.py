"""What people write to an order, and which files they keep with it: how much, and what is said of them. Pure."""

from __future__ import annotations

import unicodedata

from entrepot.kernel.errors import Invalid, Refused, Said

TEXT_MAX = 4_000
NAME_MAX = 150
FILES_MAX = 40
"""Files of one order that count; withdrawn ones do not."""
STANDING, CORRECTED, WITHDRAWN = "standing", "corrected", "withdrawn"


def misfit_text(text: str) -> Refused | None:
    """Why something is no note: it says nothing, or too much."""
    if not 0 < len(text.strip()) <= TEXT_MAX or "\x00" in text:
        return Invalid(
            field="text", expected=Said("1 to {0} characters, no NUL", TEXT_MAX), found=len(text.strip())
        )
    return None


def misfit_reason(reason: str) -> Refused | None:
    """Why nothing can be withdrawn for it."""
    if not reason.strip():
        return Invalid(field="reason", expected="why, for whoever asks later", found="nothing")
    return None


def name_of(said: str) -> str:
    """What a file is called, of what its sender calls it: one line, without the folders that it lay in, at most
    `NAME_MAX` characters; '' where nothing is left."""
    last = said.replace("\\", "/").rpartition("/")[2]
    plain = "".join(one for one in last if not unicodedata.category(one).startswith("C"))
    return " ".join(plain.split())[:NAME_MAX].rstrip()
