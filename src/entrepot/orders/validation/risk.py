"""Rules of fraud: what the channel says, how often, whom, and what was ordered twice."""

from __future__ import annotations

import re
from datetime import timedelta

from entrepot.kernel.errors import Said
from entrepot.orders.listing import CUSTOMER, kind_of
from entrepot.orders.validation.facts import Found, OrderFacts
from entrepot.orders.validation.policy import Validation, folded


def fraud(order: OrderFacts, policy: Validation) -> Found | None:
    """What the channel reports (`review_signals`), the size of the order, how often its customer ordered lately."""
    asked = folded(policy.review_signals) if order.signals else frozenset()
    raised = [signal for signal in order.signals if signal.lower() in asked]
    if raised:
        return Found("fraud review", Said("The channel reports {0}.", ", ".join(raised)), {"signals": raised})
    if policy.review_total_minor is not None and order.total_minor >= policy.review_total_minor:
        facts = {"total_minor": order.total_minor, "from_minor": policy.review_total_minor}
        return Found("fraud review", "The amount is reviewed from this size on.", facts)
    most = policy.review_orders_per_hour
    if most is not None and order.recent:
        within = sum(order.at - one.at <= HOUR for one in order.recent)
        if within >= most:
            facts = {"orders": within + 1, "orders_max": most}
            return Found("fraud review", "Many orders of one customer within an hour.", facts)
    return None


HOUR = timedelta(hours=1)


def score(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the channel's score of risk, the signal `score:87`, is above `score_max`."""
    told = [int(one[6:]) for one in order.signals if _SCORE.fullmatch(one)]
    if told and max(told) > policy.score_max and not _is_trusted(order, policy):
        facts = {"score": max(told), "score_max": policy.score_max}
        return Found("fraud review", "The channel's score of risk is above the limit.", facts)
    return None


_SCORE = re.compile(r"score:[0-9]{1,9}")


def velocity(order: OrderFacts, policy: Validation) -> Found | None:
    """How often one card, address or mail address has ordered within the policy's time, this order with it."""
    if not order.sightings:
        return None
    limits = {
        "card": policy.velocity_card_max,
        "address": policy.velocity_address_max,
        "email": policy.velocity_email_max,
    }
    counts = {kind: seen + 1 for kind, seen in order.sightings.items()}
    many = {kind: n for kind, n in counts.items() if (most := limits[kind]) is not None and n > most}
    if not many or _is_trusted(order, policy):
        return None
    told = ", ".join(_by(kind, n) for kind, n in sorted(many.items()))
    facts = {"orders": many, "minutes": policy.velocity_minutes}
    return Found(
        "fraud review", Said("Many orders within {0} minutes: {1}.", policy.velocity_minutes, told), facts
    )


def _by(kind: str, orders: int) -> str:
    """How many orders came by one of a kind."""
    if kind == "card":
        return Said("{0} by one card", orders)
    return (
        Said("{0} by one address", orders) if kind == "address" else Said("{0} by one mail address", orders)
    )


_NAMES = {"card": Said("one card"), "address": Said("one address"), "email": Said("one mail address")}


def mismatch(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether it is billed elsewhere than it is sent to, as widely as `mismatch_from` says, above an amount."""
    differs = order.billing_differs
    if not differs or _WIDTHS.index(differs) > _WIDTHS.index(policy.mismatch_from):
        return None
    if order.total_minor <= policy.mismatch_above_minor or _is_trusted(order, policy):
        return None
    facts = {"differs": differs, "country": order.country}
    return Found("fraud review", _ELSEWHERE[differs], facts)


_ELSEWHERE = {
    "country": Said("It is billed to another country than it is sent to."),
    "postal code": Said("It is billed to another postal code than it is sent to."),
    "street": Said("It is billed to another street than it is sent to."),
}
_WIDTHS = tuple(_ELSEWHERE)


def _is_trusted(order: OrderFacts, policy: Validation) -> bool:
    if order.customer and order.customer.lower() in folded(policy.trusted_customers):
        return True
    if order.listed.trusted:
        return True
    return bool(order.fingerprints) and not folded(policy.trusted_fingerprints).isdisjoint(order.fingerprints)


def newcomer(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the first order of a customer is above `newcomer_max_minor`."""
    if not order.is_first:
        return None
    if order.total_minor > policy.newcomer_max_minor and not _is_trusted(order, policy):
        facts = {"total_minor": order.total_minor, "first_minor_max": policy.newcomer_max_minor}
        return Found("fraud review", "A first order is reviewed above this amount.", facts)
    return None


def blocked(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the customer, or a fingerprint of the order, is on the block list: the policy's, or that of people.
    Nobody is trusted against it."""
    theirs = order.listed.blocked
    if any(kind_of(one) == CUSTOMER for one in theirs) or (
        order.customer and order.customer.lower() in folded(policy.blocked_customers)
    ):
        return Found("fraud review", "The customer is on the block list.", {"customer": order.customer})
    listed = folded(policy.blocked_fingerprints)
    seen = [one for one in order.fingerprints if one in theirs or one in listed] if theirs or listed else []
    if seen:
        kinds = ", ".join(_NAMES[kind_of(one)] for one in seen)
        return Found("fraud review", Said("On the block list: {0}.", kinds), {"fingerprints": seen})
    return None


_SAME_GOODS = Said("The customer placed an order of the same goods just before.")
_SAME_AMOUNT = Said("The customer placed an order of the same amount just before.")


def duplicates(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the customer ordered the same goods, or for the same amount, within `duplicate_minutes`."""
    minutes = policy.duplicate_minutes
    if not order.recent:
        return None
    by_lines, basket = policy.duplicate_by == "lines", order.basket
    reason = _SAME_GOODS if by_lines else _SAME_AMOUNT
    for one in order.recent:
        is_same = basket == one.basket != () if by_lines else one.total_minor == order.total_minor
        if is_same and abs((order.at - one.at).total_seconds()) <= minutes * 60:
            facts = {"minutes": minutes, "total_minor": one.total_minor}
            return Found("fraud review", reason, facts)
    return None
