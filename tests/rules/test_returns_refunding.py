"""What is refunded, to the cent: however an order comes back, and whatever is kept of it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders.rules import GOODS, Frozen, freeze
from entrepot.returns import refunding, rules
from entrepot.returns.refunding import Charged, Part, Promotion, RefundPolicy, SoldLine, Sum, Terms, Wanted

A, B, C = (UUID(int=n) for n in (1, 2, 3))
PLAIN = Terms()


def sold(line: UUID, quantity: int, frozen: Frozen, left: int | None = None, to_leave: int = 0) -> SoldLine:
    return SoldLine(line, quantity, quantity if left is None else left, to_leave, frozen)


def test_a_unit_is_refunded_with_its_part_of_what_was_frozen():
    line = sold(A, 3, Frozen(1000, 100, 50, 200))
    one = refunding.refund({A: line}, [Wanted(A, 1, "changed_mind")])
    assert one.parts == ((A, 1, 300, 67, 0, 0, 0, 0, 0, 0, None),)
    assert (one.total, one.reasons) == (367, ())


def test_shipping_goes_back_where_the_house_is_at_fault():
    line = sold(A, 2, Frozen(1000, 0, 51, 0))
    one = refunding.refund({A: line}, [Wanted(A, 1, "defective")], Terms(10))
    assert (one.goods, one.shipping, one.fee) == (500, 26, 0)
    assert one.reasons == ("shipping, because it does not work",)


def test_all_of_the_shipping_goes_back_with_the_last_unit_of_an_order_that_left_whole():
    lines = {A: sold(A, 1, Frozen(500, 0, 30, 0)), B: sold(B, 1, Frozen(500, 0, 20, 0))}
    both = refunding.refund(lines, [Wanted(A, 1, "changed_mind"), Wanted(B, 1, "changed_mind")])
    assert (both.shipping, both.total) == (50, 1050)
    assert both.reasons == ("all of the order came back, so all of its shipping",)
    to_come = lines | {B: sold(B, 2, Frozen(500, 0, 20, 0), left=1, to_leave=1)}
    assert refunding.refund(to_come, [Wanted(A, 1, "not_given"), Wanted(B, 1, "not_given")]).shipping == 0


def test_units_that_were_cancelled_take_their_shipping_with_them():
    lines = {A: sold(A, 2, Frozen(1000, 0, 50, 0), left=1)}
    assert refunding.refund(lines, [Wanted(A, 1, "changed_mind")]).total == 525


def test_a_fee_is_kept_of_the_goods_where_the_house_is_not_at_fault():
    line = sold(A, 3, Frozen(1000, 100, 0, 200))
    one = refunding.refund({A: line}, [Wanted(A, 2, "ordered_by_mistake")], Terms(15))
    assert (one.goods, one.fee, one.total) == (600, 90, 644)
    assert one.reasons == ("a fee of 15 % is kept",)


def test_what_was_kept_is_counted_so_that_a_rejected_refund_between_changes_nothing():
    """Two units at 0.15 and 10 %: 2 and 1. Where the first refund is rejected, the unit that comes again keeps 2."""
    whole = sold(A, 2, Frozen(30, 0, 0, 0))
    one = [Wanted(A, 1, "changed_mind")]
    first = refunding.refund({A: whole}, one, Terms(10))
    second = refunding.refund({A: refunding.take(whole, first.parts[0])}, one, Terms(10))
    assert (first.fee, second.fee) == (2, 1)
    without_the_first = refunding.take(whole, second.parts[0])
    assert refunding.refund({A: without_the_first}, one, Terms(10)).fee == 2


@given(
    price=st.integers(0, 60), units=st.integers(1, 8), percents=st.lists(st.sampled_from([7, 10, 33]), min_size=8),
    rejected=st.sets(st.integers(0, 7)),
)  # fmt: skip
def test_whatever_was_rejected_the_fees_of_a_line_end_the_same(
    price: int, units: int, percents: list[int], rejected: set[int]
):
    """Each unit comes by itself; those rejected are counted out, and come once more in the end."""
    frozen = Frozen(price * units, 0, 0, 0)
    wanted = [Wanted(A, 1, "changed_mind", UUID(int=percents[n])) for n in range(units)]
    told = Terms(fees={UUID(int=one): one for one in (7, 10, 33)})
    parts = []
    line = sold(A, units, frozen)
    for one in wanted:
        parts.append(refunding.refund({A: line}, [one], told).parts[0])
        line = refunding.take(line, parts[-1])
    line = sold(A, units, frozen)
    for n, part in enumerate(parts):
        if n not in rejected:
            line = refunding.take(line, part)
    for n, one in enumerate(wanted):
        if n in rejected:
            line = refunding.take(line, refunding.refund({A: line}, [one], told).parts[0])
    for percent in set(percents[:units]):
        count = percents[:units].count(percent)
        assert line.bore[percent] == count
        assert line.fees[percent] == refunding.fee_upto(line, count, percent)


REASONS = list(rules.REASONS)


class Ordered:
    """An order whose refunds are decided one after the other, some of them rejected afterwards."""

    def __init__(self, lines: dict[UUID, SoldLine], terms: Terms = PLAIN) -> None:
        self.lines, self.terms = lines, terms
        self.charged = Charged()
        self.paid: list[Sum] = []

    def refund(self, wanted: list[Wanted], flat: int = 0) -> Sum:
        """`flat` is what was kept once of the same return before."""
        found = refunding.refund(self.lines, wanted, self.terms, self.charged._replace(flat=flat))
        for part in found.parts:
            self.lines = self.lines | {part.line: refunding.take(self.lines[part.line], part)}
        self.charged = self.charged.plus(found.charged)
        self.paid.append(found)
        assert sum(step.minor for step in found.steps) == found.total, "the derivation explains the total"
        return found

    def reject(self, one: Sum) -> None:
        for p in one.parts:
            less = Part(
                p.line, -p.units, -p.goods, -p.tax, -p.shipping, -p.fee, -p.ours, -p.spared, percent=p.percent
            )
            self.lines = self.lines | {p.line: refunding.take(self.lines[p.line], less)}
        self.charged = self.charged.plus(Charged(*(-amount for amount in one.charged)))
        self.paid.remove(one)

    def total(self) -> int:
        return sum(one.total for one in self.paid)


@st.composite
def orders(draw: st.DrawFn) -> dict[UUID, SoldLine]:
    """An order with a discount, shipping and tax of its own, split as `place` splits them."""
    bought = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 50_000)), min_size=1, max_size=4))
    lines = [(GOODS, units, Decimal(price) / 100, 0) for units, price in bought]
    worth = sum(units * price for units, price in bought)
    discount = draw(st.integers(0, worth))
    shipping, tax = draw(st.integers(0, 5_000)), draw(st.integers(0, worth // 4))
    frozen = freeze(lines, "GBP", discount, shipping, tax)
    return {
        UUID(int=i): sold(UUID(int=i), units, one)
        for i, ((units, _), one) in enumerate(zip(bought, frozen, strict=True))
    }


def in_parts(draw: st.DrawFn, units: list[UUID]) -> list[list[Wanted]]:
    """The units in any order, cut anywhere into returns; each a list of units wanted."""
    units = draw(st.permutations(units))
    cuts = sorted(draw(st.sets(st.integers(1, len(units))))) if units else []
    return [
        [
            Wanted(line, units[a:b].count(line), draw(st.sampled_from(REASONS)))
            for line in dict.fromkeys(units[a:b])
        ]
        for a, b in pairwise([0, *cuts, len(units)])
        if a < b
    ]


@given(orders(), st.data())
def test_any_partial_returns_end_at_the_cents_that_were_paid(
    lines: dict[UUID, SoldLine], data: st.DataObject
):
    paid = sum(line.frozen.total for line in lines.values())
    order = Ordered(lines)
    for part in in_parts(data.draw, [line for line, one in lines.items() for _ in range(one.left)]):
        assert order.refund(part).total >= 0
        assert order.total() <= paid
    assert order.total() == paid
    for line in order.lines.values():
        assert line.goods_refunded == line.frozen.gross - line.frozen.discount
        assert line.tax_refunded == line.frozen.tax


@given(orders(), st.data())
def test_refunds_that_were_rejected_between_change_nothing_of_it(
    lines: dict[UUID, SoldLine], data: st.DataObject
):
    frozen = [line.frozen for line in lines.values()]
    order = Ordered(lines)
    for _ in range(3):  # some of what is left is refunded; then some of what was refunded is rejected
        left = [line for line, one in order.lines.items() for _ in range(one.left - one.refunded)]
        for part in in_parts(data.draw, left[: data.draw(st.integers(0, len(left)))]):
            order.refund(part)
        for one in list(order.paid):
            if data.draw(st.booleans()):
                order.reject(one)
        refunded = sum(one.shipping for one in order.paid)
        assert 0 <= refunded <= sum(one.shipping for one in frozen), "shipping is not given back twice"
    for part in in_parts(
        data.draw, [line for line, one in order.lines.items() for _ in range(one.left - one.refunded)]
    ):
        order.refund(part)
    assert order.total() == sum(one.total for one in frozen)


def test_shipping_given_back_with_the_last_unit_is_not_given_back_again():
    order = Ordered({A: sold(A, 3, Frozen(300, 0, 30, 0))})
    waits = order.refund([Wanted(A, 2, "changed_mind")])
    assert order.refund([Wanted(A, 1, "changed_mind")]).shipping == 30
    order.reject(waits)
    assert order.refund([Wanted(A, 1, "defective")]).shipping == 0
    order.refund([Wanted(A, 1, "defective")])
    assert order.total() == 330


@given(orders(), st.integers(0, 100), st.data())
def test_a_fee_is_the_same_in_however_many_parts(
    lines: dict[UUID, SoldLine], percent: int, data: st.DataObject
):
    at_once, in_turns = Ordered(lines, Terms(percent)), Ordered(lines, Terms(percent))
    at_once.refund([Wanted(line, one.left, "changed_mind") for line, one in lines.items()])
    for part in in_parts(data.draw, [line for line, one in lines.items() for _ in range(one.left)]):
        in_turns.refund([one._replace(reason="changed_mind") for one in part])
    assert in_turns.total() == at_once.total()
    assert sum(one.fee for one in in_turns.paid) == sum(one.fee for one in at_once.paid)


# ---- shipping


EXPRESS = Terms(policy=RefundPolicy(standard_shipping={"GBP": 400}), currency="GBP")


def test_who_changes_his_mind_gets_standard_delivery_back_and_not_the_surcharge():
    lines = {A: sold(A, 2, Frozen(1000, 0, 900, 0))}
    order = Ordered(lines, EXPRESS)
    assert order.refund([Wanted(A, 1, "changed_mind")]).shipping == 0
    last = order.refund([Wanted(A, 1, "changed_mind")])
    assert last.shipping == 400
    assert last.reasons == ("all of the order came back, so standard delivery",)
    assert (
        last.steps[-1].why
        == "because all of the order came back: at most 4.00 GBP, the cost of standard delivery"
    )
    faulty = refunding.refund(lines, [Wanted(A, 1, "defective"), Wanted(A, 1, "changed_mind")], EXPRESS)
    assert faulty.shipping == 900, "where the house is at fault, all of it is its loss"
    other = EXPRESS._replace(currency="EUR")
    assert refunding.refund(lines, [Wanted(A, 2, "changed_mind")], other).shipping == 900


def test_shipping_that_is_due_once_the_rest_is_cancelled_needs_no_unit():
    lines = {A: sold(A, 2, Frozen(1000, 0, 51, 0), left=1, to_leave=1)}
    order = Ordered(lines)
    assert order.refund([Wanted(A, 1, "changed_mind")]).shipping == 0
    assert order.refund([]).parts == (), "it may still leave"
    order.lines = {A: order.lines[A]._replace(to_leave=0)}
    rest = order.refund([])
    assert rest.parts == (Part(A, 0, 0, 0, 26, 0),)
    assert order.refund([]).parts == ()


# ---- fees


def fees(**facts: object) -> Terms:
    return Terms(10, RefundPolicy(handling_minor=300, label_minor=200, **facts), "GBP", "gold")  # type: ignore[arg-type]


def test_handling_and_label_are_kept_once_of_a_return_with_the_tax_in_them():
    order = Ordered({A: sold(A, 2, Frozen(4000, 0, 0, 800))}, fees(fee_tax_percent=Decimal(20)))
    first = order.refund([Wanted(A, 1, "changed_mind")])
    assert (first.charged, first.total) == (Charged(700, 117, 0, 0, 500), 1700)
    assert [(step.what, step.minor, step.why) for step in first.steps] == [
        ("goods", 2000, "1 of goods, as paid after discounts"),
        ("tax", 400, "on 1 of goods, as charged when sold"),
        ("fee", -200, "10 % of the goods for restocking, 20 % tax in it"),
        ("fee", -500, "for handling and the label, once of a return, 20 % tax in it"),
    ]
    second = order.refund([Wanted(A, 1, "changed_mind")], flat=500)
    assert (second.charged, second.total) == (Charged(200, 33, 0, 0, 0), 2200)


def test_a_fee_never_takes_more_than_there_is_and_the_rest_of_it_later():
    order = Ordered({A: sold(A, 1, Frozen(100, 0, 0, 0)), B: sold(B, 1, Frozen(1000, 0, 0, 0))}, fees())
    first = order.refund([Wanted(A, 1, "changed_mind")])
    assert (first.charged.flat, first.total) == (90, 0)
    second = order.refund([Wanted(B, 1, "changed_mind")], flat=90)
    assert second.charged.flat == 410


@pytest.mark.parametrize(
    ("reason", "policy"),
    [
        ("defective", {}),
        ("poor_fit", {"waived_reasons": ("poor_fit",)}),
        ("changed_mind", {"waived_tiers": ("gold",)}),
    ],
)
def test_fees_are_waived_by_reason_and_tier(reason: str, policy: dict[str, object]):
    found = refunding.refund({A: sold(A, 2, Frozen(4000, 0, 0, 0))}, [Wanted(A, 1, reason)], fees(**policy))
    assert (found.fee, found.total) == (0, 2000)


def test_two_items_of_one_order_line_bear_each_its_own_fee():
    """Opened and unopened ones, or one that the law lets nothing be kept of."""
    lines, opened, sealed, free = {A: sold(A, 3, Frozen(3000, 0, 0, 0))}, *(UUID(int=n) for n in (7, 8, 9))
    terms = Terms(fees={opened: 20, sealed: 0, free: 20}, by_law=frozenset({free}))
    wanted = [Wanted(A, 1, "changed_mind", item) for item in (opened, sealed, free)]
    found = refunding.refund(lines, wanted, terms)
    assert [(part.item, part.fee) for part in found.parts] == [(opened, 200), (sealed, 0), (free, 0)]
    assert found.reasons[-1] == "a fee of 20 % is kept"


def test_two_percentages_of_one_line_end_alike_whichever_comes_first():
    """Two units of 335 cents in all, told 10 % and 15 %."""
    tenth, more = UUID(int=7), UUID(int=8)
    terms, kept = Terms(fees={tenth: 10, more: 15}), []
    for first, second in ((tenth, more), (more, tenth)):
        order = Ordered({A: sold(A, 2, Frozen(671, 0, 0, 0))}, terms)
        order.refund([Wanted(A, 1, "changed_mind", first)])
        order.refund([Wanted(A, 1, "changed_mind", second)])
        kept.append(order.charged.fee)
    assert kept == [34 + 50, 34 + 50]


def test_nothing_is_kept_for_a_label_that_nobody_promised():
    lines, own, labeled = {A: sold(A, 2, Frozen(4000, 0, 0, 0))}, UUID(int=7), UUID(int=8)
    terms = fees()._replace(unlabeled=frozenset({own}))
    alone = refunding.refund(lines, [Wanted(A, 1, "changed_mind", own)], terms)
    assert (alone.charged.flat, alone.steps[-1].why) == (300, "for handling, once of a return")
    assert "handling is kept" in alone.reasons
    for first, second in ((own, labeled), (labeled, own)):
        order = Ordered(dict(lines), terms)
        flat = order.refund([Wanted(A, 1, "changed_mind", first)]).charged.flat
        order.refund([Wanted(A, 1, "changed_mind", second)], flat=flat)
        assert order.charged.flat == 500, "once, whichever comes first"


# ---- promotions


def basket(**facts: object) -> tuple[dict[UUID, SoldLine], Terms]:
    """60 + 35 + 25 with 20 off from 100 on, and 20 % tax."""
    frozen = freeze([(GOODS, 1, Decimal(n), 0) for n in (60, 35, 25)], "GBP", 2000, 0, 2000)
    lines = {line: sold(line, 1, one) for line, one in zip((A, B, C), frozen, strict=True)}
    policy = RefundPolicy(broken_promotions="clawback", thresholds={"SPEND100": 10_000}, **facts)  # type: ignore[arg-type]
    return lines, Terms(0, policy, "GBP", promotions=(Promotion("SPEND100", 2000),))


def test_a_promotion_that_too_little_is_kept_for_is_deducted_and_both_prices_are_told():
    lines, terms = basket()
    one = refunding.refund(lines, [Wanted(B, 1, "changed_mind")], terms)
    # Kept are 60 and 25: 85, below 100. They bear 10.00 and 4.17 of the 20, and 20 % tax on it.
    assert (one.goods, one.tax, one.charged.clawback, one.charged.clawback_tax) == (2917, 583, 1700, 283)
    assert one.total == 3500 - 1700
    assert one.steps[-1] == refunding.Step(
        "promotion", -1700,
        "the goods kept cost 85.00 GBP with SPEND100, and 102.00 GBP without: 17.00 GBP more",
    )  # fmt: skip
    kept = terms._replace(policy=RefundPolicy(thresholds={"SPEND100": 10_000}))
    assert refunding.refund(lines, [Wanted(B, 1, "changed_mind")], kept).total == 3500


def test_a_promotion_is_not_lost_by_what_the_house_answers_for():
    lines, terms = basket()
    assert refunding.refund(lines, [Wanted(B, 1, "defective")], terms).charged.clawback == 0


def test_what_was_deducted_is_given_back_with_the_units_that_bore_it():
    lines, terms = basket()
    order = Ordered(lines, terms)
    order.refund([Wanted(B, 1, "changed_mind")])
    order.refund([Wanted(A, 1, "changed_mind")])
    last = order.refund([Wanted(C, 1, "changed_mind")])
    assert last.charged.clawback < 0
    assert "a lost promotion is given back" in last.reasons
    assert order.total() == sum(one.frozen.total for one in lines.values()), "all is back: all that was paid"
    assert order.charged == Charged()


def test_no_more_than_the_refund_is_deducted_and_it_says_so():
    lines, terms = basket()
    terms = terms._replace(policy=RefundPolicy(broken_promotions="clawback", thresholds={"SPEND100": 12_000}))
    lines[C] = sold(C, 1, Frozen(500, 400, 0, 0))
    one = refunding.refund(lines, [Wanted(C, 1, "changed_mind")], terms)
    assert (one.charged.clawback, one.total) == (100, 0)
    assert one.steps[-1].why.endswith("no more than this refund is deducted")


def test_a_gift_that_is_kept_is_paid_and_one_that_comes_back_is_not():
    lines = {A: sold(A, 2, Frozen(10_000, 0, 0, 0)), B: sold(B, 1, Frozen(1_500, 1_500, 0, 0))}
    policy = RefundPolicy(broken_promotions="clawback", thresholds={"GIFT": 8_000})
    terms = Terms(0, policy, "GBP", promotions=(Promotion("GIFT", 1_500, B),))
    assert refunding.refund(lines, [Wanted(A, 1, "changed_mind")], terms).total == 5_000 - 1_500
    with_gift = refunding.refund(lines, [Wanted(A, 1, "changed_mind"), Wanted(B, 1, "changed_mind")], terms)
    assert (with_gift.charged.clawback, with_gift.total) == (0, 5_000)
