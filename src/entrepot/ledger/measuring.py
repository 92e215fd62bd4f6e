"""What is measured as of a moment is compared with the books as they were then. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

SUBJECTS = ("currencies", "returns")
"""What is measured: balances in other currencies, and what of the sales is expected to come back."""

Amounts = tuple[tuple[str, int], ...]


def entries(
    at: datetime, since: datetime | None, amounts: Sequence[tuple[str, int]]
) -> list[tuple[datetime, Amounts]]:
    """Differences by source kind, and the moments at which they are posted.

    `since`: the first later moment as of which the same was measured already. What was found then stands from then on,
    so the difference is taken back there.
    """
    kept = tuple((kind, amount) for kind, amount in amounts if amount)
    if not kept:
        return []
    back = tuple((kind, -amount) for kind, amount in kept)
    return [(at, kept)] if since is None else [(at, kept), (since, back)]
