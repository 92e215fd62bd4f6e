"""What refunds are decided by: what was sold, on which terms, and what earlier refunds took and kept of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.policies import of_companies
from entrepot.orders import promoting
from entrepot.orders.rules import Frozen
from entrepot.payments import dispute_queries
from entrepot.returns import rules
from entrepot.returns.commands.lock import Line, Return, in_force
from entrepot.returns.commands.pay import refundable
from entrepot.returns.refund_models import GIVEN_ALONE
from entrepot.returns.refunding import (
    Charged,
    Promotion,
    RefundPolicy,
    SoldLine,
    Sum,
    Terms,
    Wanted,
    fee_upto,
    is_ours,
    take,
)


class Limit(NamedTuple):
    """Up to how much of a return is given without another person, None for any, and what was given `before`: it holds
    for all of a return, in however many parts its goods come."""

    most: int | None
    before: int

    def exceeded(self, more: int) -> bool:
        """Whether so much more needs another person; what gives nothing does not."""
        return more > 0 and rules.needs_approval(self.before + more, self.most)


class _Before(NamedTuple):
    """Units of a line that were refunded by a return, such as were exchanged among them; `fee_percent` as it was told,
    None where nobody was told one; the fee that was kept of them, by so many refunds, rejected ones among these."""

    reason: str
    units: int
    exchanged: int
    fee_percent: int | None
    by_law: bool
    fee: int
    refunds: int


def _with_fees(sold: SoldLine, before: Sequence[_Before], terms: Terms) -> SoldLine:
    """With the units that bore a restocking fee and what was kept of them, by its percentage.

    Each refund is rounded by less than a minor unit. Where what was kept is further than that from what the units bear
    by today's terms, others held then, as before a reason was waived: those units count as if they had borne these, and
    nothing is made up for.
    """
    units: dict[int, int] = defaultdict(int)
    fees: dict[int, int] = defaultdict(int)
    refunds: dict[int, int] = defaultdict(int)
    for one in before:
        percent = terms.fee_percent if one.fee_percent is None else one.fee_percent
        if percent and not one.by_law and not terms.spares(one.reason):
            units[percent] += one.units - one.exchanged
            fees[percent] += one.fee
            refunds[percent] += one.refunds
    for percent, count in units.items():
        due = fee_upto(sold, count, percent)
        if abs(fees[percent] - due) > refunds[percent]:
            fees[percent] = due
    return sold._replace(bore=dict(units), fees=dict(fees))


class Facts:
    """The goods of each order, its promotions and customer, what can be refunded of it, and the policies.
    9 statements, and 1 where something was exchanged."""

    def __init__(self, cause: Cause, found: Mapping[UUID, Return]) -> None:
        orders = list({one.order for one in found.values()})
        companies = {one.company for one in found.values()}
        self.policies = in_force(cause, companies)
        self.refunds = of_companies(companies, RefundPolicy, cause.at)
        self.left = refundable(orders)
        self._tiers: dict[UUID, str] = {}
        self._promotions: dict[UUID, list[Promotion]] = defaultdict(list)
        for order, tier, code, amount, line, kept in sql.run(_TERMS, {"orders": orders}):
            self._tiers[order] = tier
            if code is not None:
                self._promotions[order].append(Promotion(code, amount, line, promoting.read(kept)))
        self._charged: dict[UUID, Charged] = defaultdict(Charged)
        self._flat: dict[UUID, int] = defaultdict(int)
        self._alone: dict[UUID, int] = defaultdict(int)
        params = {"orders": orders, "returns": list(found)}
        for order, return_id, *kept, flat, alone in sql.run(_CHARGED, params):
            self._charged[order] = self._charged[order].plus(Charged(*kept))
            self._flat[return_id] += flat
            self._alone[return_id] += alone
        self._fees: dict[UUID, dict[UUID, int]] = defaultdict(dict)
        self._bonuses: dict[UUID, dict[UUID, int]] = defaultdict(dict)
        self._by_law: dict[UUID, set[UUID]] = defaultdict(set)
        self._unlabeled: dict[UUID, set[UUID]] = defaultdict(set)
        self.sold = self._sold(orders, {one.order: one.company for one in found.values()})

    @cached_property
    def claimed(self) -> dict[UUID, int]:
        """By order, what banks dispute and have not decided about. 1 statement, once it is asked for."""
        return dispute_queries.claimed(self.left)

    def _sold(self, orders: list[UUID], companies: Mapping[UUID, int]) -> dict[UUID, dict[UUID, SoldLine]]:
        before: dict[UUID, list[_Before]] = defaultdict(list)
        for return_id, item, line, reason, units, exchanged, fee, bonus, by_law, label, *kept in sql.run(
            _REASONS, {"orders": orders}
        ):
            before[line].append(_Before(reason, units, exchanged, fee, bool(by_law), *kept))
            if fee is not None:  # returns of before terms were kept have none
                self._fees[return_id][item] = fee
                self._bonuses[return_id][item] = bonus
            if by_law:
                self._by_law[return_id].add(item)
            if label is False:
                self._unlabeled[return_id].add(item)
        replaced = [line for line, of in before.items() if any(one.exchanged for one in of)]
        amounts = {row[0]: row[1:] for row in sql.run(_EXCHANGED, {"lines": replaced})} if replaced else {}
        found: dict[UUID, dict[UUID, SoldLine]] = defaultdict(dict)
        for order, line, name, quantity, left, to_leave, *rest in sql.run(_SOLD, {"orders": orders}):
            # Whether a reason bears a fee is the customer's and the policy's: the same for all returns of an order.
            company = companies[order]
            percent = self.policies[company][1].fee_percent
            terms = Terms(percent, self.refunds[company][1], tier=self._tiers.get(order, ""))
            sold = SoldLine(line, quantity, left, to_leave, Frozen(*rest[:4]), *rest[4:])
            found[order][line] = _with_fees(sold, before[line], terms)._replace(
                ours=sum(one.units - one.exchanged for one in before[line] if is_ours(one.reason)),
                exchanged=sum(one.exchanged for one in before[line]),
                name=name,
            )
            if line in amounts:
                goods, tax = amounts[line]
                found[order][line] = found[order][line]._replace(goods_exchanged=goods, tax_exchanged=tax)
        return found

    def terms(self, one: Return) -> Terms:
        """What a refund of a return is decided by: amounts of the policy are in the company's own currency, but for
        what standard delivery costs. Where nobody knows what that is worth, there is no fee and no threshold."""
        policy = self.refunds[one.company][1]
        if one.currency != one.home:
            policy = replace(
                policy, handling_minor=one.in_its(policy.handling_minor) or 0,
                label_minor=one.in_its(policy.label_minor) or 0,
                thresholds={code: one.in_its(minor) or 0 for code, minor in policy.thresholds.items()},
            )  # fmt: skip
        return Terms(
            self.policies[one.company][1].fee_percent, policy, one.currency,
            self._tiers.get(one.order, ""), tuple(_in_its(one, each) for each in self._promotions[one.order]),
            self._fees[one.id],
            frozenset(self._by_law[one.id]), frozenset(self._unlabeled[one.id]),
        )  # fmt: skip

    def percents(self, one: Return, found: Sum) -> tuple[tuple[int, int], ...]:
        """What of a refund is raised as store credit, in (worth, percent) of each part, as the customer was told."""
        bonuses = self._bonuses[one.id]
        return tuple(
            (p.goods + p.tax - p.fee, bonuses[p.item])
            for p in found.parts
            if p.item is not None and bonuses.get(p.item)
        )

    def charged(self, one: Return) -> Charged:
        """What earlier refunds of the order kept, and once of the return."""
        return self._charged[one.order]._replace(flat=self._flat[one.id])

    def limit(self, one: Return) -> Limit:
        """What more of a return may be given without another person."""
        return Limit(one.in_its(self.policies[one.company][1].approve_above_minor), self._alone[one.id])

    def take(self, one: Return, found: Sum, total: int, given: int) -> None:
        """Count a refund, of which so much is `given`, so that the next of the batch sees it."""
        if not self.limit(one).exceeded(given):
            self._alone[one.id] += given
        self.left[one.order] -= total
        lines = self.sold[one.order]
        for part in found.parts:
            lines[part.line] = take(lines[part.line], part)
        self._charged[one.order] = self._charged[one.order].plus(found.charged)
        self._flat[one.id] += found.charged.flat


def _in_its(one: Return, promotion: Promotion) -> Promotion:
    """A promotion with what had to be bought for it in the currency of the order."""
    terms = promotion.terms
    if terms is None or one.currency == one.home:
        return promotion
    return promotion._replace(terms=replace(terms, least_minor=one.in_its(terms.least_minor) or 0))


def units_of(lines: Iterable[tuple[Line, int]]) -> list[Wanted]:
    """Units of lines of a return, as the rules of refunds want them."""
    return [Wanted(line.line, units, line.reason, line.id) for line, units in lines]


def given_alone(returns: Sequence[UUID]) -> dict[UUID, int]:
    """What of returns was given without another person. 1 statement."""
    return dict(sql.run(_ALONE, {"returns": list(returns)}))


_SOLD = """
SELECT l.order_id, l.id, l.sku_code, l.quantity, l.shipped + l.delivered,
       l.quantity - l.shipped - l.delivered - l.cancelled, l.gross_minor, l.discount_minor, l.shipping_minor,
       l.tax_minor, COALESCE(s.refunded, 0), COALESCE(s.goods_minor, 0), COALESCE(s.tax_minor, 0),
       COALESCE(s.shipping_minor, 0)
FROM orders_line AS l LEFT JOIN returns_sold AS s ON s.line_id = l.id
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.sku_id IS NOT NULL ORDER BY l.order_id, l.number
"""

_EXCHANGED = """
SELECT l.line_id, sum(p.goods_minor)::bigint, sum(p.tax_minor)::bigint
FROM returns_line AS l JOIN returns_refundline AS p ON p.return_line_id = l.id
JOIN returns_refund AS f ON f.id = p.refund_id AND f.outcome = 'exchange' AND f.state <> 'rejected'
WHERE l.line_id = ANY(%(lines)s::uuid[]) GROUP BY 1
"""

_TERMS = """
SELECT o.id, COALESCE(c.tier, ''), p.code, p.amount_minor, p.line_id, p.terms::text
FROM orders_order AS o LEFT JOIN parties_customer AS c ON c.id = o.customer_id
LEFT JOIN orders_promotion AS p ON p.order_id = o.id
WHERE o.id = ANY(%(orders)s::uuid[]) ORDER BY o.id, p.id
"""

# What goes back of a replacement is a refund of the return, and of the order that is the replacement.
_CHARGED = f"""
SELECT f.order_id, f.return_id, sum(fee_minor)::bigint, sum(fee_tax_minor)::bigint, sum(clawback_minor)::bigint,
       sum(clawback_tax_minor)::bigint, sum(flat_fee_minor)::bigint,
       sum({GIVEN_ALONE})::bigint
FROM returns_refund AS f LEFT JOIN returns_exchange AS x ON x.refund_id = f.id
WHERE (f.order_id = ANY(%(orders)s::uuid[]) OR f.return_id = ANY(%(returns)s::uuid[]))
  AND f.state <> 'rejected' GROUP BY 1, 2
"""

_ALONE = f"""
SELECT f.return_id, sum({GIVEN_ALONE})::bigint
FROM returns_refund AS f LEFT JOIN returns_exchange AS x ON x.refund_id = f.id
WHERE f.return_id = ANY(%(returns)s::uuid[]) GROUP BY 1
"""

_REASONS = """
SELECT l.return_id, l.id, l.line_id, l.reason, l.refunded, l.exchanged, t.fee_percent::int, t.bonus_percent::int,
       t.by_law, t.label, k.fee, k.refunds
FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id
LEFT JOIN returns_terms AS t ON t.return_line_id = l.id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(p.fee_minor) FILTER (WHERE f.state <> 'rejected'), 0)::bigint AS fee, count(*)::int AS refunds
    FROM returns_refund AS f JOIN returns_refundline AS p ON p.refund_id = f.id AND p.return_line_id = l.id
    WHERE f.return_id = r.id) AS k
WHERE r.order_id = ANY(%(orders)s::uuid[]) ORDER BY l.id
"""
