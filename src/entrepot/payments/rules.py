"""How an amount is given back over the tenders of an order. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def tender_order(providers: Sequence[str], first: Sequence[str]) -> list[int]:
    """In which order tenders, given by their providers the oldest first, get money back: those of the providers named
    first, in that order, then the others; of equals the latest first."""
    ranks = {provider: rank for rank, provider in reversed(list(enumerate(first)))}
    latest_first = range(len(providers) - 1, -1, -1)
    return sorted(latest_first, key=lambda place: ranks.get(providers[place], len(first)))


def over(left: Sequence[int], amount: int) -> tuple[list[int], int]:
    """An amount over tenders in turn, each as far as it has something left; and what none of them could bear."""
    parts = []
    for most in left:
        parts.append(min(amount, max(0, most)))
        amount -= parts[-1]
    return parts, amount
