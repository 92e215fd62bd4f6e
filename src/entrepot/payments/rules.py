"""How an amount is given back over the tenders of an order, and over the grants of a store credit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape

KINDS = ("capture", "refund", "void", "hold", "moved", "credit")
"""What is done with a payment. A provider is asked for the first four; `moved` is captured money that pays for another
order from now on, and `credit` what is given as store credit instead: neither changes hands."""


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


def borne(left: Sequence[int], refundable: Sequence[int], amount: int) -> list[int]:
    """What a bank takes over tenders of which so much is left to dispute, by tender: first of what could be given back,
    so that nothing is given back of what it took."""
    free, rest = over(refundable, amount)
    beyond, _ = over([most - part for most, part in zip(left, free, strict=True)], rest)
    return [part + more for part, more in zip(free, beyond, strict=True)]


@dataclass(slots=True)
class Standing:
    """Of a provider's reference and kind: the amounts that wait or are done, and what was really asked for of them, and
    of those that are done."""

    amount: int = 0
    asked: int = 0
    done: int = 0

    def ask(self, amount: int, step: int, most: int | None = None) -> int:
        """What a provider that takes steps is asked for of an amount: all that stands with it, rounded to the step,
        less what it was asked for already; in all at `most`. So parts that make an amount on the step make it there as
        well, whichever of them fail and are asked for again. 0 where nothing is left to ask for."""
        self.amount += amount
        all_of_it = (self.amount + step // 2) // step * step
        found = max(0, (all_of_it if most is None else min(all_of_it, most)) - self.asked)
        self.asked += found
        return found


# ---- store credit


@shape("payments.store_credit")
@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """How long store credit is good for: worth what was paid, by default for ever; a bonus for a year. What comes back
    from an order stays good for `grace_days` at least."""

    days: int | None = None
    bonus_days: int | None = 365
    grace_days: int = 30


class Grant(NamedTuple):
    """Store credit given at once, and what of it is left."""

    id: UUID
    amount: int
    left: int
    expires_at: datetime | None
    is_bonus: bool


def by_expiry(grants: Iterable[Grant]) -> list[Grant]:
    """Grants in the order in which they are used: what expires first, and of equals a bonus first."""
    return sorted(grants, key=_turn)


def _turn(one: Grant) -> tuple[bool, float, bool, UUID]:
    ends = one.expires_at.timestamp() if one.expires_at else 0.0
    return (one.expires_at is None, ends, not one.is_bonus, one.id)


def use(grants: Iterable[Grant], amount: int) -> list[tuple[UUID, int]]:
    """The grants that an amount is taken from, with the part of each."""
    turns = by_expiry(grants)
    parts, rest = over([one.left for one in turns], amount)
    assert not rest, f"{rest} more used than there is"
    return [(one.id, part) for one, part in zip(turns, parts, strict=True) if part]


def put_back(grants: Iterable[Grant], amount: int) -> list[tuple[UUID, int]]:
    """The grants that an amount goes back to: those that were used last come first, so that a bonus stays a bonus."""
    turns = by_expiry(grants)[::-1]
    parts, rest = over([one.amount - one.left for one in turns], amount)
    assert not rest, f"{rest} more put back than was used"
    return [(one.id, part) for one, part in zip(turns, parts, strict=True) if part]


def free(balance: int, held: int, expired: int) -> int:
    """What may still be spent: what is held was promised first, and from what expires first."""
    return balance - max(held, expired)


def expiring(left: Sequence[int], balance: int, held: int) -> list[int]:
    """What of grants whose time is over goes: as far as no order holds it."""
    return over(left, max(0, balance - held))[0]


def bonus(parts: Iterable[tuple[int, int]], credited: int, total: int) -> int:
    """What is added to a store credit, of (worth, percent) of each line; where part of the amount goes back to where it
    came from, only for the rest."""
    full = sum((Decimal(worth * percent) / 100 for worth, percent in parts), Decimal(0))
    return max(0, round_half_away(full * credited / total)) if total else 0


# ---- disputes


@shape("payments.disputes")
@dataclass(frozen=True, slots=True)
class DisputePolicy:
    """What banks are told of how the house gives money back (`terms`, as customers saw them), and up to which amount
    of the company's own currency one person alone may accept that a dispute is lost. A larger one is accepted by a
    second person."""

    terms: str = (
        "Goods may be sent back within 30 days of delivery, and are refunded to where they were paid from."
    )
    accept_alone_up_to_minor: int = 5_000


def is_past(state: str, due_at: datetime | None, now: datetime) -> bool:
    """Whether nobody answered while the bank listened."""
    return state == "needs_response" and due_at is not None and due_at <= now


def in_books(disputed: int, left: int, rounded: int) -> int:
    """What the books have of an amount that a bank disputes: it takes what its provider took, and where that was more
    than was captured here by what was `rounded` up to a step of the currency, all that is `left`. More than that stays
    as it is, for nobody knows it."""
    return left if left < disputed <= left + rounded else disputed


def blocked(captured: int, given: int, disputed: int, wanted: int) -> bool:
    """Whether an amount may not be given back because of a dispute alone: without it there would be enough."""
    left = captured - given
    return wanted <= left and wanted > max(0, left - disputed)
