"""What suppliers send themselves: whole lines before nodes, or what nodes leave out; and what they tell of it."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.money import extend
from entrepot.orders.rules import POLICIES, services_too
from entrepot.orders.rules import Cancellable as Units
from entrepot.purchasing import drop_ship as orders
from entrepot.purchasing.errors import MoreThanAsked
from entrepot.purchasing.states import DROP_SHIP
from entrepot.sourcing import rules
from entrepot.sourcing.drop_ship import (
    Known,
    Offered,
    Supplier,
    has_missing,
    not_asked,
    suppliers_of,
    with_suppliers,
    without,
)
from entrepot.sourcing.explain import explain
from entrepot.sourcing.rules import DropShip, Line, Node, Plan, SortedOut

LINES = [UUID(int=i) for i in range(1, 5)]
SKUS = [UUID(int=100 + i) for i in range(4)]
NODES = (Node(UUID(int=1000), "N1", "GB", 1), Node(UUID(int=1001), "N2", "GB", 2))
ACME, BOLT = UUID(int=5000), UUID(int=5001)


def line(which: int, quantity: int, kit: int = 0) -> Line:
    return Line(LINES[which], SKUS[which], quantity, kit)


def supplier(
    *skus: int, key: UUID = ACME, first: bool = False, units: int | None = None, fewest: int = 1
) -> Supplier:
    code = "ACME" if key == ACME else "BOLT"
    return Supplier(key, code, first, {SKUS[sku]: Offered(units, fewest, 3) for sku in skus})


def sourced(lines, free, suppliers, policy="partial_backorder", limit=3):
    """As `sourcing.allocate` decides: (units by line of nodes), (units by line and supplier), the plan."""
    there = {(SKUS[sku], NODES[node].id): units for (sku, node), units in free.items()}

    def plan_of(lines, policy, limit) -> Plan:
        return rules.plan(lines, SortedOut(NODES, (), {}, {}), there, policy, limit)

    return with_suppliers(lines, plan_of(lines, policy, limit), suppliers, policy, limit, plan_of)


def sent(found) -> list[tuple[int, str, int]]:
    return [(LINES.index(one.line), one.code, one.quantity) for one in found.passed]


def test_what_no_node_has_goes_to_the_supplier():
    found = sourced([line(0, 5), line(1, 2)], {(0, 0): 3, (1, 0): 9}, [supplier(0)])
    assert sent(found) == [(0, "ACME", 2)]
    assert [(share.quantity, share.sku) for share in found.plan.shares] == [(3, SKUS[0]), (2, SKUS[1])]
    assert (found.plan.short, found.plan.outcome) == ((), "split")
    assert found.plan.why == "only part of it is free, at N1; ACME sends 2 units to the customer"


def test_who_comes_last_is_not_asked_for_what_nodes_have():
    found = sourced([line(0, 5)], {(0, 0): 5}, [supplier(0)])
    assert (sent(found), found.plan.outcome) == ([], "allocated")


def test_who_comes_first_gets_whole_lines_before_nodes_are_asked():
    found = sourced([line(0, 5), line(1, 2)], {(0, 0): 9, (1, 0): 9}, [supplier(0, first=True)])
    assert sent(found) == [(0, "ACME", 5)]
    assert [share.sku for share in found.plan.shares] == [SKUS[1]]

    found = sourced([line(0, 5)], {(0, 0): 9}, [supplier(0, first=True, units=4)])
    assert (sent(found), found.plan.outcome) == ([], "allocated")  # he has not all of it


def test_all_of_it_from_the_supplier():
    found = sourced([line(0, 5), line(1, 1)], {}, [supplier(0, 1)])
    assert sent(found) == [(0, "ACME", 5), (1, "ACME", 1)]
    assert (found.plan.outcome, found.plan.why) == (
        "drop-shipped", "no node has what a line needs; ACME sends 6 units to the customer",
    )  # fmt: skip
    assert found.lines == []


def test_suppliers_are_shipments_too():
    lines, free = [line(0, 1), line(1, 1)], {(0, 0): 1}
    assert sent(sourced(lines, free, [supplier(1)], limit=2)) == [(1, "ACME", 1)]
    assert sent(sourced(lines, free, [supplier(1)], limit=1)) == []
    # where one supplier has all of it, it is one shipment
    assert sent(sourced(lines, free, [supplier(0, 1)], limit=1)) == [(0, "ACME", 1), (1, "ACME", 1)]
    # a place is kept for nodes
    first = [supplier(0, first=True), supplier(1, key=BOLT, first=True)]
    lines = [line(0, 1), line(1, 1), line(2, 1)]
    assert sent(sourced(lines, {(1, 0): 1, (2, 0): 1}, first, limit=2)) == [(0, "ACME", 1)]
    assert sent(sourced(lines[:2], {}, first, limit=2)) == [(0, "ACME", 1), (1, "BOLT", 1)]


@pytest.mark.parametrize(
    ("policy", "has", "expected"),
    [
        ("partial_backorder", 1, [(0, "ACME", 1)]),
        ("partial_cancel", 1, [(0, "ACME", 1)]),
        ("line_complete", 1, []),
        ("line_complete", 2, [(0, "ACME", 2)]),
        ("ship_complete", 1, []),
        ("ship_complete", 2, [(0, "ACME", 2)]),
    ],
)
def test_the_order_s_policy_holds_with_suppliers_as_well(policy, has, expected):
    found = sourced([line(0, 2), line(1, 1)], {(1, 0): 1}, [supplier(0, units=has)], policy)
    assert sent(found) == expected
    assert bool(found.plan.short) == (sum(units for *_, units in expected) < 2)
    if policy == "ship_complete":
        assert bool(found.plan.shares) == bool(expected)


def test_he_is_not_asked_for_less_than_he_sends_for_kits_or_for_what_he_refused():
    assert sent(sourced([line(0, 2)], {}, [supplier(0, fewest=3)])) == []
    assert sent(sourced([line(0, 2, kit=1)], {}, [supplier(0)])) == []
    refused = supplier(0)._replace(refused=frozenset([LINES[0]]))
    assert sent(sourced([line(0, 2)], {}, [refused, supplier(0, key=BOLT)])) == [(0, "BOLT", 2)]


def known(code="ACME", sku=0, category="cups", left=None) -> Known:
    return Known(ACME if code == "ACME" else BOLT, code, SKUS[sku], f"S{sku}", category, 1, 7, left)


def test_whom_an_order_may_ask():
    offers = [known(), known(sku=1, category="pens"), known("BOLT", left=4)]
    asked = (DropShip("BOLT", "first", stated_only=True), DropShip("ACME", skus=("cups",), lead_days=2))
    bolt, acme = suppliers_of(asked, "GB", offers, {LINES[0]: {ACME}, LINES[1]: None})

    assert (bolt.code, bolt.is_first, bolt.offers) == ("BOLT", True, {SKUS[0]: Offered(4, 1, 7)})
    assert (acme.code, acme.is_first, acme.offers) == ("ACME", False, {SKUS[0]: Offered(None, 1, 2)})
    assert (bolt.refused, acme.refused) == ({LINES[1]}, {LINES[0], LINES[1]})
    assert suppliers_of((DropShip("ACME", countries=("DE",)), DropShip("NOBODY")), "GB", offers) == []
    # who says nothing has nothing, where only what he said counts
    (silent,) = suppliers_of((DropShip("ACME", skus=("S0",), stated_only=True),), "GB", offers)
    assert silent.offers == {SKUS[0]: Offered(0, 1, 7)}


some = st.integers(0, 4)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(1, 4), some, some, some), min_size=1, max_size=4),
    st.booleans(),
    st.booleans(),
    st.sampled_from(POLICIES),
    st.integers(1, 3),
)
def test_every_unit_is_served_passed_on_or_short_and_nothing_twice(rows, first, stated, policy, limit):
    lines = [line(i, quantity) for i, (quantity, *_) in enumerate(rows)]
    free = {(i, node): row[1 + node] for i, row in enumerate(rows) for node in (0, 1)}
    offers = {SKUS[i]: Offered(row[3] if stated else None, 1, 3) for i, row in enumerate(rows) if row[3]}
    found = sourced(lines, free, [Supplier(ACME, "ACME", first, offers)], policy, limit)

    for one in lines:
        served = sum(share.quantity for share in found.plan.shares if share.line == one.id)
        passed = sum(part.quantity for part in found.passed if part.line == one.id)
        short = sum(left.quantity for left in found.plan.short if left.id == one.id)
        assert served + passed + short == one.quantity
        if policy == "line_complete":
            assert short in (0, one.quantity)
        if stated and one.sku in offers:
            assert passed <= offers[one.sku].units
    if policy == "ship_complete" and found.plan.short:
        assert not found.plan.shares and not found.passed
    shipments = {share.node for share in found.plan.shares} | {one.supplier for one in found.passed}
    assert len(shipments) <= limit
    assert list(found.lines) == without(lines, found.passed)
    # nobody is worse off for the supplier, where he comes last
    if not first:
        alone = sourced(lines, free, [], policy, limit)
        assert sum(x.quantity for x in found.plan.short) <= sum(x.quantity for x in alone.plan.short)


def test_what_a_decision_tells_of_suppliers():
    reasons = {
        "candidates": [("N1", 3)], "units": 5, "chosen": ["N1"], "lines": [(1, 5, [3])], "served": [(1, "N1", 3)],
        "suppliers": [(1, "ACME", 2, 3, False)],
    }  # fmt: skip
    (told,) = explain(reasons).lines
    assert (told.served, told.suppliers) == ((("N1", 3),), (("ACME", 2, 3),))
    assert (told.flip.node, told.flip.units) == ("N1", 2)
    # where he is asked first, nodes have no part in it
    asked_first = explain(reasons | {"suppliers": [(1, "ACME", 2, 3, True)]})
    assert (asked_first.flip, asked_first.lines[0].flip) == (None, None)


# ---- what suppliers tell


def ordered(*quantities: int) -> dict[int, orders.Line]:
    return {
        number: orders.Line(UUID(int=number), number, LINES[0], SKUS[0], units, 0, 0, 0, Decimal("0.333"))
        for number, units in enumerate(quantities, 1)
    }


def test_what_a_supplier_tells_is_of_what_he_still_has_to_send():
    lines = ordered(3, 2)
    assert orders.told("PO-1", lines, None) == [(lines[1], 3), (lines[2], 2)]
    lines[1].refused = 3
    assert orders.told("PO-1", lines, None) == [(lines[2], 2)]
    assert orders.told("PO-1", lines, [(2, 1)]) == [(lines[2], 1)]
    assert orders.told("PO-1", lines, [(2, 3)]) == MoreThanAsked(number="PO-1", line=2, left=2, wanted=3)
    assert orders.told("PO-1", lines, [(9, 1)]) == NotFound(what="line of PO-1", which="9")
    for wrong in ([], [(2, 0)], [(2, 1), (2, 1)]):
        assert isinstance(orders.told("PO-1", lines, wrong), Invalid)


def test_what_becomes_of_the_order():
    lines = ordered(2)
    lines[1].send(1, "GBP")
    assert (orders.sent_event(lines.values()), orders.refused_event(lines.values())) == ("ship_part", "")
    lines[1].refused = 1
    assert (orders.sent_event(lines.values()), orders.refused_event(lines.values())) == (
        "ship_rest", "close_short",
    )  # fmt: skip
    lines = ordered(2)
    lines[1].refused = 2
    assert orders.refused_event(lines.values()) == "refuse_rest"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_the_parts_of_a_line_cost_together_what_the_line_costs(parts):
    line = ordered(sum(parts))[1]
    assert sum(line.send(units, "GBP") for units in parts) == extend(sum(parts), Decimal("0.333"), "GBP")
    assert line.left == 0


def test_services_go_with_the_last_goods_of_a_supplier():
    goods = Units(0, 0, 0, 2, with_supplier=2)
    left = {"a": goods.less("with_supplier", 2), "s": Units(1, 0, 0, 0, is_goods=False)}
    assert services_too(left) == [("s", "open", 1)]
    assert services_too(left | {"a": goods}) == []


# ---- why somebody is not asked


@pytest.mark.parametrize(
    ("asked", "units", "refused", "is_whole", "why"),
    [
        ({"countries": ("DE",)}, None, False, False, "country"),
        ({"supplier": "BOLT"}, None, False, False, "goods"),
        ({}, None, True, False, "rejected"),
        ({}, 0, False, False, "too few"),
        ({}, 3, False, True, "too few"),
        ({}, None, False, False, "shipments"),
    ],
)
def test_a_supplier_who_is_not_asked_is_told_with_the_reason(asked, units, refused, is_whole, why) -> None:
    line = Line(UUID(int=1), UUID(int=2), 4)
    offers = {line.sku: Offered(units, 1, 3)}
    able = [Supplier(UUID(int=3), "ACME", False, offers, frozenset({line.id} if refused else ()))]
    named = DropShip(**({"supplier": "ACME"} | asked))
    assert not_asked([named], able, "GB", line, is_whole=is_whole) == [(named.supplier, why)]


def told(lines, free, suppliers, policy="partial_backorder", limit=3, codes=("ACME",)):
    """Of what is short after all, by line, who is not asked, and why."""
    found = sourced(lines, free, suppliers, policy, limit)
    of_sku: dict[UUID, int] = {}
    for (sku, _), units in free.items():
        of_sku[SKUS[sku]] = of_sku.get(SKUS[sku], 0) + units
    is_missing = policy == "ship_complete" and has_missing(lines, suppliers, of_sku)
    return {
        LINES.index(short.id): not_asked(
            [DropShip(code) for code in codes], suppliers, "GB", short, found.passed,
            is_whole=policy in ("ship_complete", "line_complete"), is_missing=is_missing,
        )
        for short in found.plan.short
    }  # fmt: skip


def test_who_sends_some_of_it_was_asked_and_has_that_less() -> None:
    assert told([line(0, 5)], {}, [supplier(0, units=3)]) == {0: []}
    both = [supplier(0, units=3), supplier(0, key=BOLT)]
    assert told([line(0, 5), line(1, 1)], {}, both, codes=("ACME", "BOLT")) == {
        0: [("BOLT", "another")], 1: [("ACME", "goods"), ("BOLT", "goods")],
    }  # fmt: skip
    # what he sends of one line he has not for another of the same SKU
    again = Line(LINES[1], SKUS[0], 2)
    assert told([line(0, 5), again], {}, [supplier(0, units=5)]) == {1: [("ACME", "too few")]}


def test_of_an_order_that_ships_complete_what_is_missing_is_told_and_not_shipments() -> None:
    lines = [line(0, 2), line(1, 2)]
    missing = told(lines, {}, [supplier(1)], "ship_complete", limit=9)
    assert missing == {0: [("ACME", "goods")], 1: [("ACME", "complete")]}
    there = told(lines, {(0, 0): 2}, [supplier(1)], "ship_complete", limit=1)
    assert there == {0: [("ACME", "goods")], 1: [("ACME", "shipments")]}
    assert told(lines, {(0, 0): 2}, [supplier(1)], limit=1) == {1: [("ACME", "shipments")]}
    twice = [line(0, 2), Line(LINES[1], SKUS[0], 2), line(2, 1)]
    assert told(twice, {(0, 0): 2}, [supplier(2)], "ship_complete", limit=1)[2] == [("ACME", "complete")]


def test_so_few_or_of_a_kit_he_does_not_send() -> None:
    line = Line(UUID(int=1), UUID(int=2), 4)
    able = [Supplier(UUID(int=3), "ACME", False, {line.sku: Offered(None, 6, 3)})]
    assert not_asked([DropShip("ACME")], able, "GB", line, is_whole=False) == [("ACME", "fewest")]
    assert not_asked([DropShip("ACME")], able, "GB", line._replace(kit=1), is_whole=False) == [
        ("ACME", "kit")
    ]


def test_what_a_supplier_can_be_told_follows_from_the_state_of_the_order() -> None:
    assert {state: orders.purpose_of(state) for state in DROP_SHIP.states} == {
        "asked": "asked", "confirmed": "asked", "part_shipped": "asked", "called_off": "called_off",
        "shipped": None, "refused": None,
    }  # fmt: skip


@given(st.sampled_from(orders.PURPOSES), st.sampled_from(sorted(DROP_SHIP.states)))
def test_nobody_is_asked_for_what_is_over_and_everybody_hears_of_a_call_off(purpose: str, state: str) -> None:
    is_kept = orders.kept_back(purpose, state)
    assert is_kept == (purpose == "asked" and orders.purpose_of(state) != "asked")


@pytest.mark.parametrize(
    "facts",
    [{"address": "nobody"}, {"address": "a@b.example", "language": "tlh"}, {"address": "a@b.example, c@d.e"}],
)
def test_a_policy_that_reaches_nobody_is_none(facts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        orders.DropShipMail(**facts)
    assert orders.DropShipMail(packing_note="boxes").address == ""
