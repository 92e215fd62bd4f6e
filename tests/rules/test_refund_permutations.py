"""However an order is taken back, it ends at the same cents per tender, tax and discount.

Units are cancelled, exchanged and come back one by one, in any order: each step is decided as the rules decide it
after all that went before; and of two tenders each gets what the policy's order leaves for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import permutations, product
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.orders.promoting import PromotionTerms
from entrepot.orders.rules import GOODS, Frozen, freeze, give_back
from entrepot.payments.rules import over, tender_order
from entrepot.returns import refunding
from entrepot.returns.refunding import Charged, Promotion, RefundPolicy, SoldLine, Terms, Wanted

PROVIDERS = ("voucher", "card")


class Step(NamedTuple):
    """Units of a line that are cancelled before they leave, are exchanged, or come back for a reason; `percent` is the
    fee that their customer was told of. `of` is the return, and `item` its line where that is none of RATES."""

    line: UUID
    reason: str  # '' to cancel, EXCHANGE to exchange
    percent: int = 15
    units: int = 1
    of: int = 0
    item: UUID | None = None


EXCHANGE = "exchange"
RATES = {percent: UUID(int=1_000 + percent) for percent in (0, 10, 15, 30)}
"""By percentage, a line of a return whose customer was told it."""
History = tuple[list[Frozen], list[int], list[Step], list[Step]]


@dataclass
class Books:
    """An order that was paid with two tenders, and what went back of it."""

    lines: dict[UUID, SoldLine]
    terms: Terms
    tenders: list[int]
    cancelled: dict[UUID, int]
    charged: Charged
    given_back: int = 0
    tax: int = 0
    discount: int = 0
    passed_on: list[int] = field(default_factory=lambda: [0, 0])  # of each tender, to what replaces the goods
    flat: dict[int, int] = field(default_factory=dict)  # kept once of each return

    def pay(self, amount: int) -> None:
        turns = tender_order(PROVIDERS, self.terms.policy.tender_order)
        parts, rest = over([self.tenders[turn] for turn in turns], amount)
        assert rest == 0, "never more than was captured"
        for turn, part in zip(turns, parts, strict=True):
            self.tenders[turn] -= part

    def pass_on(self, amount: int) -> None:
        turns = tender_order(PROVIDERS, self.terms.policy.tender_order)[::-1]
        parts, rest = over([self.tenders[turn] for turn in turns], amount)
        assert rest == 0, "never more than was captured"
        for turn, part in zip(turns, parts, strict=True):
            self.tenders[turn] -= part
            self.passed_on[turn] += part

    def cancel(self, line: UUID, units: int) -> None:
        one = self.lines[line]
        gone = self.cancelled[line]
        borne = one.frozen.of_units(one.quantity, one.quantity - gone - units, units)
        self.cancelled[line] += units
        self.lines[line] = one._replace(to_leave=one.to_leave - units)
        stands = sum(
            each.frozen.of_units(each.quantity, 0, each.quantity - self.cancelled[key]).total
            for key, each in self.lines.items()
        )
        whole = sum(each.frozen.total for each in self.lines.values())
        amount = give_back(whole, stands, whole - stands, self.given_back)
        self.given_back += amount
        self.tax += borne.tax
        self.discount += borne.discount
        self.pay(amount)

    def come_back(self, wanted: Sequence[Wanted], *, exchange: bool = False, of: int = 0) -> None:
        before = self.charged._replace(flat=self.flat.get(of, 0))
        found = refunding.refund(self.lines, wanted, self.terms._replace(exchange=exchange), before)
        for part in found.parts:
            one = self.lines[part.line]
            first = one.left - one.exchanged - part.units if exchange else one.given_back
            borne = one.frozen.of_units(one.quantity, first, part.units)
            # What was refunded of the discount: what the units had cost before it, less what is given for them.
            self.discount += borne.gross - part.goods
            self.tax += part.tax
            self.lines[part.line] = refunding.take(one, part)
        self.charged = self.charged.plus(found.charged)
        self.flat[of] = self.flat.get(of, 0) + found.charged.flat
        self.explains(found)
        if not exchange:
            self.pay(found.total)
            return
        assert found.total >= sum(part.goods + part.tax + part.shipping for part in found.parts), (
            "nothing is kept"
        )
        worth = sum(part.goods + part.tax + part.shipping for part in found.parts)
        self.pass_on(worth)
        self.pay(found.total - worth)

    def explains(self, found: refunding.Sum) -> None:
        """The derivation adds up, and less than what is lost is deducted only by a refund that has nothing left."""
        assert found.total == sum(step.minor for step in found.steps) >= 0
        lost = refunding.lost_promotions(self.lines, self.terms).total
        if not any(part.exchanged for part in found.parts):
            assert self.charged.clawback == lost or (found.total == 0 and self.charged.clawback < lost)

    def is_over(self) -> bool:
        """Whether no unit is left with the customer, or to leave."""
        return not any(one.kept for one in self.lines.values())

    def run(self, steps: Iterable[Step]) -> tuple[object, ...]:
        for step in steps:
            if step.reason == EXCHANGE:
                self.come_back([Wanted(step.line, step.units, "changed_mind")], exchange=True)
                self.come_back([])  # likewise
            elif step.reason:
                item = step.item or RATES[step.percent]
                self.come_back([Wanted(step.line, step.units, step.reason, item)], of=step.of)
            else:
                self.cancel(step.line, step.units)
                self.come_back([])  # shipping may be due now
        if self.is_over():
            whole = [one.frozen for one in self.lines.values()]
            assert self.discount == sum(one.discount for one in whole), "all of it, to the cent"
            assert self.tax == sum(one.tax for one in whole)
            assert self.charged.clawback == 0, "nothing is kept that bears a promotion"
        return (tuple(self.tenders), tuple(self.passed_on), self.tax, self.discount, self.charged)


def books(frozen: Sequence[Frozen], quantities: Sequence[int], steps: Sequence[Step], terms: Terms) -> Books:
    """An order of which all leaves that is not cancelled; a third of it was paid with a voucher, the rest by card."""
    cancelled = {UUID(int=i): 0 for i in range(len(frozen))}
    left = [
        n - sum(step.units for step in steps if step.line == UUID(int=i) and not step.reason)
        for i, n in enumerate(quantities)
    ]
    lines = {
        UUID(int=i): SoldLine(UUID(int=i), n, left[i], n - left[i], one, name=f"SKU-{i}")
        for i, (one, n) in enumerate(zip(frozen, quantities, strict=True))
    }
    total = sum(one.total for one in frozen)
    return Books(lines, terms, [total // 3, total - total // 3], cancelled, Charged())


def terms(**facts: Any) -> Terms:
    policy = RefundPolicy({"GBP": 300}, tender_order=("voucher",), fee_tax_percent=Decimal(20))
    told = {item: percent for percent, item in RATES.items()}
    return Terms(15, replace(policy, **facts), "GBP", promotions=(Promotion("SPEND", 500),), fees=told)


def small() -> list[tuple[list[Frozen], list[int]]]:
    """Orders whose discount, tax and shipping split unevenly over lines and units."""
    bought = ([(2, 1001), (1, 999)], [(3, 333)], [(1, 1), (2, 5000), (1, 777)])
    return [
        (
            freeze([(GOODS, n, Decimal(price) / 100, 0) for n, price in lines], "GBP", 101, 503, 211),
            [n for n, _ in lines],
        )
        for lines in bought
    ]


def test_every_order_of_every_cancellation_and_return_of_small_orders_ends_at_the_same_cents():
    ends = 0
    for frozen, quantities in small():
        units = [UUID(int=i) for i, n in enumerate(quantities) for _ in range(n)]
        kinds = (
            ("", "changed_mind", EXCHANGE, None)
            if len(units) > 3
            else ("", "changed_mind", "defective", EXCHANGE, None)
        )
        n = len(kinds)
        for choice in range(n ** len(units)):
            reasons = [kinds[choice // n**place % n] for place in range(len(units))]
            steps = [
                Step(unit, reason) for unit, reason in zip(units, reasons, strict=True) if reason is not None
            ]
            found = {books(frozen, quantities, steps, terms()).run(one) for one in set(permutations(steps))}
            assert len(found) == 1, (quantities, steps, found)
            ends += 1
    assert ends == 5**3 + 5**3 + 4**4


UNLABELED = UUID(int=2_000)
"""A line of a return that no label was promised for."""


def test_every_order_of_returns_that_bear_handling_and_labels_ends_at_the_same_cents():
    """What is kept once of a return is kept once, whichever of its units comes first: also where one of them bears
    none, or was promised no label."""
    policy = terms(handling_minor=70, label_minor=45)._replace(
        unlabeled=frozenset({UNLABELED}), fee_percent=15
    )
    frozen = freeze([(GOODS, 2, Decimal("10.01"), 0), (GOODS, 1, Decimal("9.99"), 0)], "GBP", 101, 503, 211)
    kinds = (
        ("changed_mind", 1, None), ("changed_mind", 2, None), ("changed_mind", 2, UNLABELED), ("defective", 1, None),
        (EXCHANGE, 0, None), ("", 0, None),
    )  # fmt: skip
    units, most = (UUID(int=0), UUID(int=0), UUID(int=1)), 0
    for choice in product(kinds, repeat=3):
        steps = [
            Step(line, *kind[:1], of=kind[1], item=kind[2]) for line, kind in zip(units, choice, strict=True)
        ]
        found = set()
        for each in set(permutations(steps)):
            one = books(frozen, [2, 1], steps, policy)
            found.add((*one.run(each), tuple(sorted((of, flat) for of, flat in one.flat.items() if flat))))
            due = {of: 70 + 45 * any(s.item is None for s in steps if s.of == of and s.reason == "changed_mind")
                   for of in {s.of for s in steps if s.reason == "changed_mind"}}  # fmt: skip
            assert {of: flat for of, flat in one.flat.items() if flat} == due
            most = max(most, len(due))
        assert len(found) == 1, (steps, found)
    assert most == 2


def test_every_order_of_returns_at_several_fees_and_of_several_units_ends_at_the_same_cents():
    line, ends = UUID(int=0), 0
    frozen = freeze([(GOODS, 5, Decimal("3.35"), 0)], "GBP", 101, 503, 211)
    for percents in product((0, 10, 15, 30), repeat=3):
        for sizes in ((1, 1, 1), (2, 1, 1), (1, 2, 2)):
            steps = [
                Step(line, "changed_mind", percent, units)
                for percent, units in zip(percents, sizes, strict=True)
            ]
            found = {books(frozen, [5], steps, terms()).run(one) for one in permutations(steps)}
            assert len(found) == 1, (steps, found)
            ends += 1
    assert ends == 4**3 * 3


@st.composite
def told_fees(draw: st.DrawFn) -> tuple[list[Frozen], list[int], list[Step], list[Step]]:
    """Likewise, with steps of several units whose customers were told several fees: of goods that are worth more than
    any of them."""
    bought = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(100, 50_000)), min_size=1, max_size=3))
    worth = sum(n * price for n, price in bought)
    frozen = freeze(
        [(GOODS, n, Decimal(price) / 100, 0) for n, price in bought], "GBP",
        draw(st.integers(0, worth // 2)), draw(st.integers(0, 5_000)), draw(st.integers(0, worth // 4)),
    )  # fmt: skip
    kinds = st.sampled_from(["", EXCHANGE, "changed_mind", "poor_fit", "defective", "kept"])
    steps = []
    for i, (n, _) in enumerate(bought):
        while n:
            units = draw(st.integers(1, n))
            steps.append(Step(UUID(int=i), draw(kinds), draw(st.sampled_from(sorted(RATES))), units))
            n -= units
    steps = [step for step in steps if step.reason != "kept"]
    return frozen, [n for n, _ in bought], steps, draw(st.permutations(steps))


@settings(max_examples=300, deadline=None)
@given(told_fees())
def test_whatever_fees_customers_were_told_it_ends_at_the_same_cents(history: History):
    ends_alike(history)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Frozen], list[int], list[Step], list[Step]]:
    """An order with a discount, shipping and tax of its own, and two orders of the same steps."""
    bought = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 50_000)), min_size=1, max_size=4))
    worth = sum(n * price for n, price in bought)
    frozen = freeze(
        [(GOODS, n, Decimal(price) / 100, 0) for n, price in bought], "GBP",
        draw(st.integers(0, worth)), draw(st.integers(0, 5_000)), draw(st.integers(0, worth // 4)),
    )  # fmt: skip
    quantities = [n for n, _ in bought]
    units = [UUID(int=i) for i, n in enumerate(quantities) for _ in range(n)]
    kinds = st.sampled_from(["", EXCHANGE, "changed_mind", "poor_fit", "defective", "arrived_late", "kept"])
    steps = [Step(unit, draw(kinds)) for unit in units]
    steps = [step for step in steps if step.reason != "kept"]
    return frozen, quantities, steps, draw(st.permutations(steps))


@settings(max_examples=300, deadline=None)
@given(histories())
def test_any_order_of_the_same_steps_ends_at_the_same_cents(history: History):
    ends_alike(history)


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(histories())
def test_so_it_does_in_many_more_of_them(history: History):
    ends_alike(history)


def ends_alike(history: History) -> None:
    frozen, quantities, steps, others = history
    one, other = (books(frozen, quantities, steps, terms()) for _ in range(2))
    assert one.run(steps) == other.run(others)


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(0, 100_000), st.booleans())
def test_a_lost_promotion_costs_the_same_in_any_order_once_something_can_bear_it(
    history: History, least: int, each_time: bool
):
    """A refund that can't bear all of what is lost bears what it can, and the next the rest: whatever came first, the
    return of something that is worth more than all that is lost ends at the same cents. `Books.explains` sees to it
    that nothing but the cap ever makes less be deducted."""
    frozen, quantities, steps, others = history
    small = tuple(f"SKU-{i}" for i in range(len(frozen)))
    kept = PromotionTerms("spend", least, 0, each_time, small, "clawback")
    given = tuple(
        Promotion("SPEND", one.discount, UUID(int=i), kept) for i, one in enumerate(frozen) if one.discount
    )
    dear = UUID(int=len(frozen))
    policy = terms()._replace(fee_percent=0, fees={}, promotions=given)
    goods = [*frozen, Frozen(10**9, 0, 0, 0), Frozen(10**9, 0, 0, 0)]
    ends = []
    for each in (steps, others):
        one = books(goods, [*quantities, 1, 1], each, policy)
        ends.append(one.run([*each, Step(dear, "changed_mind")]))
        assert one.charged.clawback == refunding.lost_promotions(one.lines, policy).total
    assert ends[0] == ends[1]
