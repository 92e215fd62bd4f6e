"""Rules of payments and prices."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from entrepot.kernel.errors import Said
from entrepot.orders.validation.facts import Found, OrderFacts
from entrepot.orders.validation.policy import Validation


def payment(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether what is authorized is what the order costs (`payment_differs_max_minor`), and still in force."""
    given = order.payment
    if given is None:
        paid_later = policy.cash != "off" and on_delivery(order, policy)
        if policy.payment_required and order.total_minor > 0 and not paid_later:
            return Found(
                "payment hold", "No payment came with the order.", {"total_minor": order.total_minor}
            )
        return None
    differs = 0 if given.currency not in ("", order.currency) else given.amount_minor - order.total_minor
    allowed = policy.payment_differs_max_minor
    if -differs > (allowed or 0) or (allowed is not None and differs > allowed):
        facts = {
            "authorized_minor": given.amount_minor,
            "total_minor": order.total_minor,
            "difference_minor": differs,
        }
        if differs > 0:  # no further payment puts that right
            return Found("payment hold", Said("More is authorized than the order costs."), facts, "nothing")
        return Found("payment hold", Said("Less is authorized than the order costs."), facts)
    if given.expires_at is not None and given.expires_at <= order.at:
        return Found(
            "payment hold", "The authorization has expired.", {"expires_at": given.expires_at.isoformat()}
        )
    age = (order.at - given.authorized_at).days
    if age > policy.authorization_days_max:
        facts = {"days": age, "days_max": policy.authorization_days_max}
        return Found("payment hold", "The authorization is too old.", facts)
    return None


def currency(order: OrderFacts, policy: Validation) -> Found | None:  # noqa: ARG001  rules are of one shape
    """Whether the payment is in the currency of the order: another one covers nothing."""
    given = order.payment
    if given is None or given.currency in ("", order.currency):
        return None
    facts = {"currency": given.currency, "order_currency": order.currency}
    return Found(
        "payment hold",
        Said("The payment is in {0}, the order in {1}.", given.currency, order.currency),
        facts,
    )


def expiry(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the authorization lasts `expiry_hours_min` hours, and until the promised date."""
    given, promised = order.payment, order.promise_at
    if given is None or given.expires_at is None or given.expires_at <= order.at:
        return None  # one that has expired already is found by `payment`
    if given.expires_at - order.at < timedelta(hours=policy.expiry_hours_min):
        short = {"expires_at": given.expires_at.isoformat(), "expiry_hours_min": policy.expiry_hours_min}
        return Found("payment hold", "The authorization expires too soon.", short)
    if promised is not None and given.expires_at < promised:
        facts = {"expires_at": given.expires_at.isoformat(), "promise_at": promised.isoformat()}
        return Found("payment hold", "The authorization expires before the promised date.", facts)
    return None


def cash(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether so much (`cash_max_minor`) may be paid on delivery, and there (`cash_countries`)."""
    if not on_delivery(order, policy):
        return None
    limit = policy.cash_max_minor
    if limit is not None and order.total_minor > limit:
        facts = {"total_minor": order.total_minor, "cash_minor_max": limit}
        return Found("payment hold", "More is to be paid on delivery than may be.", facts)
    if policy.cash_countries and order.country not in policy.cash_countries:
        where: dict[str, Any] = {"country": order.country, "cash_countries": policy.cash_countries}
        return Found("payment hold", "Nothing is paid on delivery in this country.", where)
    return None


def on_delivery(order: OrderFacts, policy: Validation) -> bool:
    """Whether the channel says that the order is paid when it arrives."""
    return bool(order.signals) and policy.cash_signal.lower() in (one.lower() for one in order.signals)


@lru_cache(maxsize=64)
def _part(of: float) -> Decimal:
    """A part that a policy names, to calculate with prices."""
    return Decimal(str(of))


def price(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether goods are sold at `price_floor` of their list price or more, in the currency that it is in."""
    part = _part(policy.price_floor)
    below = sorted(
        {
            line.sku
            for line in order.goods
            if line.about
            and line.about.list_price
            and line.about.currency in ("", order.currency)
            and line.unit_price < line.about.list_price * part
        }
    )
    if below:
        facts = {"below": below, "price_floor": policy.price_floor}
        return Found("exception", Said("Sold below the floor: {0}.", ", ".join(below)), facts)
    return None


def changed(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether list prices are no longer those of when the order was quoted, or the channel took it."""
    part = _part(policy.changed_max)
    moved = {}
    for line in order.goods:
        now, then = line.about and line.about.list_price, line.listed_then
        if now is not None and then is not None and abs(now - then) > then * part:
            moved[line.sku] = [f"{then.normalize():f}", f"{now.normalize():f}"]
    if moved:
        listed = ", ".join(
            Said("{0} from {1} to {2}", sku, then, now) for sku, (then, now) in sorted(moved.items())
        )
        return Found("exception", Said("List prices have changed since: {0}.", listed), {"changed": moved})
    return None
