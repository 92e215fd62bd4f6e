"""What a customer keeps of a promotion when part of what it was given for comes back, and what is deducted of it."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders.promoting import PromotionPolicy, PromotionTerms, fix, read, terms_of
from entrepot.orders.rules import GOODS, Frozen, freeze
from entrepot.returns import refunding
from entrepot.returns.refunding import Charged, Promotion, RefundPolicy, SoldLine, Terms, Wanted

X, Y = UUID(int=1), UUID(int=2)


def kept(given_for: str, **facts: Any) -> PromotionTerms:
    told = {"least_minor": 0, "least_units": 0, "each_time": False, "skus": None, "when_broken": "clawback"}
    return PromotionTerms(given_for, **{**told, **facts})  # type: ignore[arg-type]


def line(key: UUID, units: int, gross: int, discount: int, name: str) -> SoldLine:
    return SoldLine(key, units, units, 0, Frozen(gross, discount, 0, 0), name=name)


class Order:
    """An order whose units come back in any order."""

    def __init__(
        self, lines: list[SoldLine], *promotions: Promotion, policy: RefundPolicy | None = None
    ) -> None:
        self.lines = {one.line: one for one in lines}
        self.terms = Terms(0, policy or RefundPolicy(), "GBP", promotions=promotions)
        self.charged = Charged()

    def back(self, key: UUID, units: int = 1, reason: str = "changed_mind") -> int:
        found = refunding.refund(self.lines, [Wanted(key, units, reason)], self.terms, self.charged)
        for part in found.parts:
            self.lines[part.line] = refunding.take(self.lines[part.line], part)
        self.charged = self.charged.plus(found.charged)
        assert found.total == sum(step.minor for step in found.steps)
        return found.total


def one_free(units: int = 2, **facts: Any) -> Order:
    """Two of X at 10.00, one of them free, and Y at 30.00; of more of X every second is free."""
    free = units // 2 * 1_000
    terms = kept("quantity", least_units=2, skus=("X",), each_time=True, **facts)
    lines = [line(X, units, units * 1_000, free, "X"), line(Y, 1, 3_000, 0, "Y")]
    return Order(lines, Promotion("BOGO", free, X, terms))


def test_who_returns_one_of_two_of_which_one_was_free_keeps_one_and_pays_it():
    order = one_free()
    assert order.back(X) == 0, "one is kept, and one was paid"
    assert order.back(X) == 1_000, "now nothing is kept"


def test_what_comes_back_of_other_goods_costs_no_promotion():
    order = one_free()
    assert order.back(Y) == 3_000
    assert order.charged == Charged()


def test_where_every_second_is_free_only_the_pair_that_is_broken_is_lost():
    order = one_free(4)
    assert [order.back(X) for _ in range(4)] == [0, 1_000, 0, 1_000]


def test_once_it_is_given_for_all_that_is_kept_above_what_it_asks():
    terms = kept("quantity", least_units=3, skus=("X",))
    order = Order([line(X, 5, 5_000, 1_000, "X")], Promotion("THREE", 1_000, X, terms))
    # Each bears 2.00. Below three, the two that are kept lose what they bear; the last is whole.
    assert [order.back(X) for _ in range(5)] == [800, 800, 400, 1_000, 1_000]


def test_the_customer_keeps_it_where_the_policy_says_so():
    assert one_free(when_broken="keep").back(X) == 500


@pytest.mark.parametrize("reason", ["defective", "wrong_item"])
def test_what_the_house_answers_for_breaks_no_promotion(reason: str):
    assert one_free().back(X, reason=reason) == 500


def test_spend_counts_qualifying_goods_and_among_them_the_line_that_bears_it():
    terms = kept("spend", least_minor=2_000, skus=("X",))
    order = Order(
        [line(X, 3, 3_000, 600, "X"), line(Y, 1, 9_000, 0, "Y")], Promotion("SPEND20", 600, X, terms)
    )
    assert order.back(Y) == 9_000
    assert order.back(X) == 800, "20.00 are kept"
    assert order.back(X) == 800 - 200, "10.00 are kept, with 2.00 off"


def test_a_gift_counts_for_nothing_towards_itself():
    terms = kept("gift", least_minor=4_000)
    order = Order(
        [line(X, 2, 6_000, 0, "X"), line(Y, 1, 1_500, 1_500, "Y")], Promotion("GIFT", 1_500, Y, terms)
    )
    assert order.back(X) == 3_000 - 1_500
    assert order.back(Y) == 1_500, "the gift is not kept, so it is not paid"


def test_a_gift_may_ask_for_units_and_money():
    terms = kept("gift", least_minor=2_000, least_units=3)
    order = Order([line(X, 3, 6_000, 0, "X"), line(Y, 1, 500, 500, "Y")], Promotion("GIFT", 500, Y, terms))
    assert order.back(X) == 2_000 - 500, "40.00 are enough, two units are not"


def test_of_an_order_that_never_had_what_it_asks_nothing_is_lost():
    terms = kept("quantity", least_units=5)
    order = Order([line(X, 3, 3_000, 300, "X")], Promotion("FIVE", 300, X, terms))
    assert order.back(X) == 900


def test_an_order_without_terms_of_its_own_is_judged_by_the_threshold_of_the_policy():
    policy = RefundPolicy(broken_promotions="clawback", thresholds={"BOGO": 2_000})
    lines = [line(X, 2, 2_000, 1_000, "X"), line(Y, 1, 3_000, 0, "Y")]
    assert Order(lines, Promotion("BOGO", 1_000, X), policy=policy).back(X) == 500
    assert Order(lines, Promotion("BOGO", 1_000, X), policy=policy).back(Y) == 2_000


def test_two_promotions_are_judged_each_by_its_own_terms_and_both_are_told():
    bogo = Promotion("BOGO", 1_000, X, kept("quantity", least_units=2, skus=("X",), each_time=True))
    spend = Promotion("SPEND", 800, None, kept("spend", least_minor=5_000))
    lines = [line(X, 2, 2_000, 1_200, "X"), line(Y, 2, 6_000, 600, "Y")]
    found = refunding.refund(
        {one.line: one for one in lines},
        [Wanted(X, 1, "changed_mind"), Wanted(Y, 1, "changed_mind")],
        Terms(0, RefundPolicy(), "GBP", promotions=(bogo, spend)),
    )
    # Kept are one of X and one of Y: 40.00. They bear 5.00 of BOGO, and 0.57 and 3.43 of SPEND.
    told = found.steps[-1]
    assert "BOGO, SPEND" in told.why
    assert told.minor == -sum((500, *(part // 2 for part in (114, 686)))), (
        "0.57 and 3.43 of the 8.00 over 10.00 and 60.00"
    )


# ---- kept with the order


GOODS_OF = {"X": "shoes", "Y": "", "Z": "shirts"}


def test_an_order_keeps_those_of_its_goods_that_qualify_by_sku_or_category():
    policy = PromotionPolicy("quantity", 0, 2, True, ("Y", "W"), ("shoes",), "clawback")
    assert fix(policy, GOODS_OF) == PromotionTerms("quantity", 0, 2, True, ("X", "Y"), "clawback")
    assert fix(PromotionPolicy(categories=("hats",)), GOODS_OF).skus == (), "none does"
    assert fix(PromotionPolicy(), GOODS_OF).skus is None, "all do"


def test_goods_without_a_category_are_in_none():
    assert fix(PromotionPolicy(categories=("",)), GOODS_OF).skus == ()


@given(st.builds(PromotionPolicy, given_for=st.sampled_from(["spend", "quantity", "gift"]),
    least_minor=st.integers(0, 10**6), least_units=st.integers(0, 50), each_time=st.booleans(),
    skus=st.lists(st.sampled_from(["X", "Q"])).map(tuple), categories=st.lists(st.just("shirts")).map(tuple),
    when_broken=st.sampled_from(["keep", "clawback"])))  # fmt: skip
def test_what_is_kept_is_read_as_it_was_fixed(policy: PromotionPolicy):
    kept = terms_of({"CODE": policy}, GOODS_OF, ["CODE", "OTHER"])
    assert list(kept) == ["CODE"]
    assert read(kept["CODE"]) == fix(policy, GOODS_OF)
    assert read(None) is None


@given(st.integers(0, 10**6), st.integers(0, 100), st.integers(0, 10**6), st.integers(0, 100), st.booleans())
def test_more_that_is_bought_never_gives_a_promotion_fewer_times(
    spent: int, units: int, more: int, further: int, each_time: bool
):
    for given_for in ("spend", "quantity", "gift"):
        terms = kept(given_for, least_minor=1_700, least_units=3, each_time=each_time)
        assert terms.times(spent, units) <= terms.times(spent + more, units + further)
        assert each_time or terms.times(spent, units) <= 1


# ---- whatever comes first


def cases() -> list[tuple[list[SoldLine], tuple[Promotion, ...]]]:
    """Small orders whose promotions split unevenly, of every kind and both ways of giving them."""
    found = []
    for each_time in (False, True):
        for terms in (
            kept("spend", least_minor=700, each_time=each_time),
            kept("spend", least_minor=700, each_time=each_time, skus=("A",)),
            kept("quantity", least_units=2, each_time=each_time, skus=("A",)),
            kept("quantity", least_units=2, each_time=each_time),
            kept("gift", least_minor=700, least_units=1, each_time=each_time),
        ):
            for of in (None, X):
                own = 301 if of else 0
                frozen = freeze(
                    [(GOODS, 3, Decimal("3.50"), own), (GOODS, 2, Decimal("4.99"), 0)],
                    "GBP",
                    0 if of else 301,
                    0,
                    89,
                )
                lines = [
                    SoldLine(key, n, n, 0, one, name=name)
                    for key, n, one, name in zip((X, Y), (3, 2), frozen, "AB", strict=True)
                ]
                found.append((lines, (Promotion("P", 301, of, terms),)))
    return found


def test_every_order_in_which_units_come_back_ends_at_the_same_cents_once_refunds_can_bear_what_is_lost():
    """Every choice of units and reasons, in every order. What a refund can't bear waits for the next: where it all was
    borne, all orders end alike; and never more is deducted than what is lost."""
    alike = 0
    for lines, promotions in cases():
        whole = sum(one.frozen.total for one in lines)
        for a, b, faulty in (
            (1, 0, 0),
            (2, 0, 0),
            (3, 0, 0),
            (1, 1, 0),
            (2, 1, 0),
            (3, 1, 0),
            (1, 1, 1),
            (2, 2, 1),
            (3, 2, 0),
        ):
            steps = (
                [(X, "changed_mind")] * a
                + [(Y, "changed_mind")] * b
                + [(X, "defective")] * min(faulty, 3 - a)
            )
            ends = set()
            for each in set(permutations(steps)):
                order = Order(lines, *promotions)
                paid = sum(order.back(key, reason=reason) for key, reason in each)
                lost = refunding.lost_promotions(order.lines, order.terms)
                assert 0 <= order.charged.clawback <= lost.total
                if order.charged.clawback == lost.total:
                    ends.add((paid, order.charged))
                if len(steps) == 5:
                    assert paid == whole, "all is back: all that was paid"
            assert len(ends) <= 1, (promotions, steps, ends)
            alike += len(ends)
    assert alike > 100
