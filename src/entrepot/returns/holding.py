"""When something is given for goods before they are back, secured by an amount on the customer's card; and what becomes
of that amount. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from entrepot.kernel import money
from entrepot.kernel.errors import Said
from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape
from entrepot.returns.refusing import ACCEPTED, OPEN, REFUSED


@shape("returns.instant", margin_hours=(1, 96))
@dataclass(frozen=True, slots=True)
class InstantPolicy:
    """Who gets his money, or the replacement, when a return is authorized: an amount is held on the card meanwhile.

    `refunds` and `exchanges` say for what; exchanges whose policy sends them when `secured` wait for the hold. `tiers`
    (none: all), `most_minor` by currency (others have none), `earlier_orders` that were sent, and at most `taken_most`
    holds that had to be taken before, say for whom. What is not back `due_days` after is taken. Goods of one of the
    `passing_grades` are back. A hold that the bank ends in `margin_hours` or less is, `before_expiry`, placed anew,
    taken, or let go; where the bank does not let it be placed anew, `not_renewed` says which.
    """

    refunds: bool = False
    exchanges: bool = False
    tiers: tuple[str, ...] = ()
    most_minor: dict[str, int] | None = None
    earlier_orders: int = 1
    taken_most: int = 0
    due_days: int = 21
    passing_grades: tuple[str, ...] = ("A", "B")
    margin_hours: int = 24
    before_expiry: Literal["renew", "take", "release"] = "renew"
    not_renewed: Literal["take", "release"] = "release"


class Customer(NamedTuple):
    """What is known of who sends something back: orders of his that were sent before, and holds that were taken."""

    known: bool
    tier: str
    earlier: int
    taken: int


def objection(policy: InstantPolicy, kind: str, customer: Customer, total_minor: int, currency: str) -> str:
    """Why nothing is given before it is back; '' where it is."""
    if not (policy.refunds if kind == "refund" else policy.exchanges):
        return Said("the policy gives no {0} before goods are back", kind)
    if total_minor <= 0:
        return "it is worth nothing"
    if policy.tiers and customer.tier not in policy.tiers:
        return Said("tier {0} is not one of {1}", customer.tier or "none", ", ".join(policy.tiers))
    most = (policy.most_minor or {}).get(currency)
    if policy.most_minor is not None and (most is None or total_minor > most):
        return Said("{0} are above {1}", money.told(total_minor, currency), money.told(most or 0, currency))
    if customer.earlier < policy.earlier_orders:
        return Said(
            "{0} earlier orders of the customer were sent, {1} are asked for",
            customer.earlier, policy.earlier_orders,
        )  # fmt: skip
    if customer.taken > policy.taken_most:
        return Said("{0} earlier holds of the customer had to be taken", customer.taken)
    return ""


def passes(grade: str, verdict: str, passing: Collection[str]) -> bool | None:
    """Whether inspected units are as they should be: by what was decided about them, else by their grade. Nothing while
    somebody has to decide."""
    if verdict == OPEN:
        return None
    return verdict != REFUSED and (verdict == ACCEPTED or grade in passing)


class Line(NamedTuple):
    """Units of a return's line that a hold secures for so much; and all units of the line: expected, received, and
    found to be as they should or not."""

    units: int
    minor: int
    expected: int
    received: int = 0
    passed: int = 0
    failed: int = 0

    @property
    def back(self) -> int:
        return min(self.units, self.passed)

    @property
    def owed(self) -> int:
        """What the units that are not back are worth: all of it, less the running part of those that are."""
        return self.minor - round_half_away(Decimal(self.minor * self.back) / self.units)

    def is_clear(self, *, late: bool) -> bool:
        """Whether nothing more is waited for: neither what is on the way, nor an inspection."""
        if self.back == self.units:
            return True
        waits = self.received - self.passed - self.failed
        return not waits and (late or self.received >= self.expected)


class Standing(NamedTuple):
    """A hold that stands or was taken. `given` is what its refund is worth, while that may still be paid; `settled`
    whether it was. `renewable`: no renewal was refused."""

    state: str
    lines: Sequence[Line]
    given: int
    settled: bool
    gone: bool
    taken: int
    returned: int
    due_at: datetime
    expires_at: datetime | None
    renewable: bool = True

    @property
    def owed(self) -> int:
        """Never more than was given."""
        return min(self.given, sum(line.owed for line in self.lines))


class Move(NamedTuple):
    """What is done with a hold: `release`, `take` an amount of it, `renew`, `lapse`, `give_back` an amount of what was
    taken, or `wait`; and why."""

    what: Literal["release", "take", "renew", "lapse", "give_back", "wait"]
    minor: int = 0
    why: str = ""


WAIT = Move("wait")


def decide(one: Standing, policy: InstantPolicy, now: datetime) -> Move:
    """What becomes of a hold now. Never is more taken than is owed, and what is no longer owed is given back."""
    if one.state == "taken":
        over = one.taken - one.returned - one.owed
        return Move("give_back", over, "what it was taken for has come") if over > 0 else WAIT
    if one.state != "placed":  # a provider is asked, and decides first
        return WAIT
    if one.gone:
        return Move("release", 0, "nothing was given for it")
    late = now >= one.due_at
    if one.settled and all(line.is_clear(late=late) for line in one.lines):
        if not one.owed:
            return Move("release", 0, "all is back, as it should be")
        return Move("take", one.owed, "not back in time" if late else "not back as it should be")
    return _expiry(one, policy, now)


def _expiry(one: Standing, policy: InstantPolicy, now: datetime) -> Move:
    if one.expires_at is None or now < one.expires_at - timedelta(hours=policy.margin_hours):
        return WAIT
    if now >= one.expires_at:
        return Move("lapse", 0, "the bank let it go")
    what = policy.before_expiry
    if what == "renew" and not one.renewable:
        what = policy.not_renewed
    if what == "renew":
        return Move("renew", 0, "the bank ends it soon")
    if what == "take" and one.settled and one.owed:
        return Move("take", one.owed, "the bank ends it soon, and not all is back")
    return Move("release", 0, "the bank ends it soon")


def split(minor: int, weights: tuple[int, int, int]) -> list[int]:
    """An amount that is taken, in goods, shipping and tax as they were given."""
    return money.share(minor, weights)
