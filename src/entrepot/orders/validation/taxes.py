"""Rules of tax."""

from __future__ import annotations

from collections.abc import Iterable

from entrepot.kernel.errors import Said
from entrepot.orders.rules import GOODS, Frozen
from entrepot.orders.validation.facts import Found, OrderFacts
from entrepot.orders.validation.policy import Validation
from entrepot.tax.rules import STANDARD


def tax(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the tax is from 0 to `tax_max` of the net amount, in minor units."""
    if order.tax_minor == 0:
        return None
    limit = round(max(0, order.net_minor) * policy.tax_max)
    if not 0 <= order.tax_minor <= limit:
        facts = {"tax_minor": order.tax_minor, "net_minor": order.net_minor, "tax_minor_max": limit}
        return Found("tax hold", "The tax can't be right for this amount.", facts)
    return None


UNTAXED = ("donation", "voucher", "bad_debt")
"""Kinds of lines that bear no tax of their own: gifts, and means of payment."""


def taxable(lines: Iterable[tuple[str, str, Frozen]], *, on_shipping: bool) -> dict[str, int]:
    """Net amounts by category of goods, given lines by kind, category and what they bear.

    Services, and shipping where it is taxed, count at the standard rate.
    """
    amounts: dict[str, int] = {}
    for kind, category, frozen in lines:
        if kind in UNTAXED or (kind == "shipping" and not on_shipping):
            continue
        of = category if kind == GOODS else STANDARD
        amounts[of] = amounts.get(of, 0) + frozen.gross - frozen.discount
        if on_shipping and frozen.shipping:
            amounts[STANDARD] = amounts.get(STANDARD, 0) + frozen.shipping
    return amounts


def tax_number(order: OrderFacts, policy: Validation) -> Found | None:  # noqa: ARG001  rules are of one shape
    """Whether the tax number has the form and check digits of its country."""
    number = order.tax_number
    if number is None or not number.problem:
        return None
    return Found("tax hold", number.problem, {"country": number.country, "kind": number.kind})


def recompute(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the tax is the one that the rates in force make of the order."""
    should = order.expected_tax
    if should is None:
        return None
    allowed = max(policy.tax_tolerance_minor, round(should.tax_minor * policy.tax_tolerance))
    differs = order.tax_minor - should.tax_minor
    if abs(differs) <= allowed:
        return None
    facts = {
        "tax_minor": order.tax_minor,
        "expected_minor": should.tax_minor,
        "difference_minor": differs,
        "tolerance_minor": allowed,
        "because": should.reason,
    }
    less = Said("Less tax than it should be: {0}.", should.reason)
    more = Said("More tax than it should be: {0}.", should.reason)
    return Found("tax hold", less if differs < 0 else more, facts)
