"""What is sent instead of what was ordered, and what the customer pays for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders.rules import Frozen, freeze_substitute
from entrepot.sourcing import rules
from entrepot.sourcing.substitutes import (
    Goods,
    Instead,
    Option,
    Set,
    codes_for,
    may_substitute,
    options,
    replaced,
    with_substitutes,
)
from tests.rules.test_sourcing import FREE, LINES, NODES, POLICIES, SKUS, a_line, free, served

RED, BLUE, GREEN = (Option(SKUS[n], f"SKU-{n}", "lower", "SKU-0") for n in (0, 1, 2))


def decided(
    lines: Sequence[rules.Line],
    stock: rules.Free,
    may: Mapping[UUID, Sequence[Option]],
    policy: str = "partial_backorder",
    limit: int = 3,
    **profile: object,
) -> tuple[rules.Plan, tuple[Instead, ...]]:
    def plan_of(wanted: Sequence[rules.Line], under: str) -> rules.Plan:
        return rules.plan_order(wanted, NODES, stock, under, limit)

    steering = rules.Profile(substitutes="unless refused", **profile)  # type: ignore[arg-type]
    return with_substitutes(lines, plan_of(lines, policy), may, steering, policy, plan_of)


# ---- whether and which


@pytest.mark.parametrize(
    ("profile", "said", "may"),
    [
        ("never", "agreed", False),
        ("agreed", "", False),
        ("agreed", "agreed", True),
        ("agreed", "refused", False),
        ("unless refused", "", True),
        ("unless refused", "agreed", True),
        ("unless refused", "refused", False),
    ],
)
def test_who_may_be_sent_something_else(profile: str, said: str, may: bool) -> None:
    assert may_substitute(rules.Profile(substitutes=profile), said) is may  # type: ignore[arg-type]


def test_the_codes_of_a_set_come_in_its_order_and_never_the_ordered_one() -> None:
    mugs = ("MUG-RED", "MUG-BLUE", "MUG-GREEN")
    sets = [Set(mugs, mugs, "ordered"), Set(("MUG-BLUE",), ("CUP", "MUG-RED"), "lower")]
    assert codes_for("MUG-BLUE", sets) == [("MUG-RED", "ordered"), ("MUG-GREEN", "ordered"), ("CUP", "lower")]
    assert codes_for("CUP", sets) == []


def test_nobody_is_sent_unasked_what_is_dangerous_or_for_older_people() -> None:
    known = {
        "ALE": Goods(UUID(int=1), "ALE", minimum_age=18),
        "ACID": Goods(UUID(int=2), "ACID", hazardous=True),
        "TEA": Goods(UUID(int=3), "TEA"),
    }
    sets = [Set(("JUICE", "WINE"), ("ALE", "ACID", "TEA", "GONE"), "ordered")]
    assert [one.code for one in options(Goods(UUID(int=4), "JUICE"), sets, known)] == ["TEA"]
    wine = Goods(UUID(int=5), "WINE", minimum_age=18)
    assert [one.code for one in options(wine, sets, known)] == ["ALE", "TEA"]


# ---- when


def test_nothing_is_exchanged_while_what_was_ordered_is_free() -> None:
    line = a_line(1, 0, 3)
    plan, sent = decided([line], free(N1=[1, 9], N2=[2]), {line.id: [BLUE]})
    assert (plan.outcome, sent) == ("split", ())


def test_the_preferred_of_those_that_cover_the_line_is_sent() -> None:
    line = a_line(1, 0, 3)
    plan, sent = decided([line], free(N1=[0, 2, 0], N2=[0, 0, 9]), {line.id: [BLUE, GREEN]})
    assert sent == (Instead(line.id, GREEN, 3),)
    assert [(share.sku, share.node.int, share.quantity) for share in plan.shares] == [(SKUS[2], 2, 3)]
    assert plan.why == "N2 is the preferred node that has all of it, with SKU-2 instead of SKU-0"
    assert not plan.short


def test_part_of_a_line_is_exchanged_only_where_the_profile_says_so() -> None:
    line = a_line(1, 0, 3)
    stock = free(N1=[1, 9])
    plan, sent = decided([line], stock, {line.id: [BLUE]})
    assert (sent, plan.short) == ((), (line._replace(quantity=2),))

    plan, sent = decided([line], stock, {line.id: [BLUE]}, substitute_parts=True)
    assert sent == (Instead(line.id, BLUE, 2),)
    assert [(share.sku, share.quantity) for share in plan.shares] == [(SKUS[0], 1), (SKUS[1], 2)]


def test_before_a_split_only_where_the_profile_says_so_and_it_saves_a_shipment() -> None:
    first, second = a_line(1, 0, 1), a_line(2, 2, 1)
    stock = free(N1=[1, 0, 0], N2=[0, 1, 1])
    may = {first.id: [BLUE]}
    plan, sent = decided([first, second], stock, may)
    assert (plan.outcome, sent) == ("split", ())

    plan, sent = decided([first, second], stock, may, substitute_before="split")
    assert (plan.outcome, served(plan), sent) == (
        "allocated",
        [(2, 1), (2, 1)],
        (Instead(first.id, BLUE, 1),),
    )
    elsewhere = free(N1=[1, 0, 0], N2=[0, 0, 1], N3=[0, 1, 0])
    assert decided([first, second], elsewhere, may, substitute_before="split")[1] == ()


def test_what_ships_complete_is_completed_or_waits_as_it_was() -> None:
    lines = [a_line(1, 0, 1), a_line(2, 2, 1), a_line(3, 3, 1)]
    may = {lines[0].id: [BLUE], lines[2].id: [GREEN]}
    stock = free(N1=[0, 5, 5, 0])
    plan, sent = decided(lines, stock, may, "ship_complete")
    assert [(one.line, one.option.code) for one in sent] == [(lines[0].id, "SKU-1"), (lines[2].id, "SKU-2")]
    assert not plan.short and len(plan.shares) == 3

    stock = free(N1=[0, 5, 1, 0])
    plan, sent = decided(lines, stock, may, "ship_complete")
    assert (plan.shares, plan.short, sent) == ((), tuple(lines), ())


@given(
    LINES,
    FREE,
    POLICIES,
    st.integers(1, 3),
    st.lists(st.lists(st.sampled_from(range(4)), unique=True, max_size=3), min_size=4, max_size=4),
    st.booleans(),
    st.sampled_from(["backorder", "split"]),
)
def test_with_substitutes_no_less_is_served_and_what_is_sent_is_free(
    lines: list[rules.Line],
    stock: dict[tuple[UUID, UUID], int],
    policy: str,
    limit: int,
    by_sku: list[list[int]],
    parts: bool,
    before: str,
) -> None:
    may = {
        line.id: [
            Option(SKUS[by], f"SKU-{by}", "lower", "")
            for by in by_sku[SKUS.index(line.sku)]
            if SKUS[by] != line.sku
        ]
        for line in lines
    }
    plain = rules.plan_order(lines, NODES, stock, policy, limit)
    plan, sent = decided(lines, stock, may, policy, limit, substitute_parts=parts, substitute_before=before)

    def short(one: rules.Plan) -> int:
        return sum(line.quantity for line in one.short)

    if sent:
        fewer = len({share.node for share in plan.shares}) < len({share.node for share in plain.shares})
        assert short(plan) < short(plain) or fewer
    else:
        assert plan == plain
    taken: dict[tuple[UUID, UUID], int] = {}
    for share in plan.shares:
        taken[share.sku, share.node] = taken.get((share.sku, share.node), 0) + share.quantity
    assert all(units <= stock.get(key, 0) for key, units in taken.items())
    assert len({share.node for share in plan.shares}) <= limit
    assert len({one.line for one in sent}) == len(sent), "no line is exchanged for two SKUs"
    for line in replaced(lines, sent):
        got = sum(s.quantity for s in plan.shares if (s.line, s.sku) == (line.id, line.sku))
        lacks = sum(one.quantity for one in plan.short if (one.id, one.sku) == (line.id, line.sku))
        assert got + lacks == line.quantity
    for one in sent:
        assert one.option in may[one.line]
        units = sum(s.quantity for s in plan.shares if (s.line, s.sku) == (one.line, one.option.sku))
        assert units == one.quantity, "what is sent instead is there, all of it"


# ---- what it costs


BORE = Frozen(gross=3000, discount=300, shipping=250, tax=540)


@pytest.mark.parametrize(
    ("rule", "price", "expected"),
    [
        ("ordered", "5.00", BORE),
        ("lower", "9.00", BORE),
        ("lower", "12.00", BORE),
        ("lower", None, BORE),
        ("lower", "6.00", Frozen(3000, 1200, 250, 360)),
        ("lower", "0", Frozen(3000, 3000, 250, 0)),
    ],
)
def test_a_substitute_costs_what_was_agreed_or_less(rule: str, price: str | None, expected: Frozen) -> None:
    own = None if price is None else Decimal(price)
    assert freeze_substitute(BORE, rule, 3, own, "GBP") == expected  # type: ignore[arg-type]


@given(
    st.integers(0, 100_000),
    st.integers(0, 100),
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.integers(1, 20),
    st.one_of(st.none(), st.decimals(0, 500, places=2)),
)
def test_nobody_pays_more_for_what_they_did_not_order(
    gross: int, percent: int, shipping: int, tax: int, quantity: int, price: Decimal | None
) -> None:
    bore = Frozen(gross, gross * percent // 100, shipping, tax)
    assert freeze_substitute(bore, "ordered", quantity, price, "GBP") == bore
    found = freeze_substitute(bore, "lower", quantity, price, "GBP")
    assert found.total <= bore.total
    assert (found.gross, found.shipping) == (bore.gross, bore.shipping)
    assert bore.discount <= found.discount <= found.gross
    assert 0 <= found.tax <= bore.tax
