"""How holds are kept: who decides, until when, what lets them go by themselves, what follows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from entrepot.access.rules import ROLES
from entrepot.kernel import policies
from entrepot.kernel.shapes import shape
from entrepot.orders import rules
from entrepot.orders.lapsing import Tender
from entrepot.work.rules import HOURS_MAX

Waits = Literal["nothing", "payment", "stock"]
AtExpiry = Literal["release", "cancel", "escalate"]

DECIDERS = tuple(role for role, commands in ROLES.items() if "orders.release_holds" in commands)
"""Roles that may release holds, so that one can be asked about them."""

WAITS = ("nothing", "payment", "stock")
AT_EXPIRY = ("release", "cancel", "escalate")


@shape("orders.holds")
@dataclass(frozen=True, slots=True)
class Holding:
    """How holds of a type are kept: its scope is the hold's type, without one it is for all others.

    What a hold waits for, when it expires and what follows it is fixed when it opens. Holds that people place wait for
    nothing, unless they say so.
    """

    role: Literal[("", *DECIDERS)] = ""  # type: ignore[valid-type]  # without one, the type's
    due_hours: int | None = None  # without them, the target of its work item
    waits_for: Waits | None = None  # without it, the type's
    expires_hours: int | None = None  # without them, never
    at_expiry: AtExpiry = "escalate"
    next: Literal[("", *rules.HOLDS)] = ""  # type: ignore[valid-type]  # opens when one is released

    def __post_init__(self) -> None:
        for name in ("due_hours", "expires_hours"):
            hours = getattr(self, name)
            if hours is not None and not 0 <= hours <= HOURS_MAX:
                raise ValueError(f"{name}: expected 0 to {HOURS_MAX}, found {hours}")


USUAL = Holding()
Policies = Mapping[str, tuple[int, Holding]]


class Terms(NamedTuple):
    """What is fixed for a hold when it opens."""

    role: str
    due_hours: int | None
    waits_for: str
    expires_at: datetime | None
    at_expiry: str
    next: str
    version: int


def terms(kind: str, at: datetime, in_force: Policies, waits_for: str | None = None) -> Terms:
    """The terms of a hold: by the policy of its type, or of all types, or the defaults of the table.

    `at` is when the house learned of it: an order of last month that comes today is not too late to decide about.
    """
    version, policy = policies.version_of(in_force, kind, USUAL)
    if waits_for is None:
        waits_for = policy.waits_for or rules.HOLDS[kind].waits_for
    hours = policy.expires_hours
    expires_at = None if hours is None else at + timedelta(hours=hours)
    role = policy.role or rules.HOLDS[kind].role
    return Terms(role, policy.due_hours, waits_for, expires_at, policy.at_expiry, policy.next, version)


def follows(kind: str, next_kind: str, before: Collection[str]) -> str:
    """The type that opens when a hold is released, or ''. A chain never comes back to a type, so that it ends."""
    return "" if next_kind == kind or next_kind in before else next_kind


def is_paid(total: int, tenders: Sequence[Tender], at: datetime, then: int | None = None) -> bool:
    """Whether payments cover an order that is held; `then` is what it came to when it was held, where that is known.

    Where those that came before the hold covered it then, it was not the amount that was doubted: then only later ones
    count, beside what is captured by now of the earlier ones where it was their end that was doubted (`then`).
    """
    later = sum(one.good_for(at) for one in tenders if one.is_later)
    before = [one for one in tenders if not one.is_later]
    earlier = sum(one.good_for(at) for one in before)
    if earlier >= (total if then is None else then):
        earlier = 0 if then is None else sum(min(one.captured, one.amount) for one in before)
    return later + earlier >= total


class Wanted(NamedTuple):
    """A line of goods that has not left: whether what is unpromised of it is for sale, and any of it in stock; whether
    the hold was opened because its SKU lacked units, and there are enough of it now."""

    for_sale: bool
    in_stock: bool
    was_short: bool = False
    is_enough: bool = True


def is_stocked(goods: Sequence[Wanted], short: str = "any") -> bool:
    """Whether there is something to send: the catalog sells all of it, and some of it is in stock somewhere. Where
    units lacked, whether what lacked can be had now: all of it where a lack of `any` SKU held the order, else some."""
    if not all(one.for_sale for one in goods):
        return False
    lacked = [one.is_enough for one in goods if one.was_short]
    if lacked:
        return all(lacked) if short == "any" else any(lacked)
    return any(one.in_stock for one in goods)
