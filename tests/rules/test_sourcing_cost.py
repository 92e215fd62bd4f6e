"""What serving an order from a node costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.carriage.rules import Leaves, Parcel, Service, Surcharge, Zone, in_own, zoned
from entrepot.sourcing import cost, rules
from entrepot.sourcing.cost import Shipping, Wanted

MONDAY = date(2026, 3, 2)
POST = Service(
    UUID(int=1),
    "post",
    "parcel",
    2,
    30_000,
    0,
    {("*", "*"): "all"},
    {"all": ((500, 300), (2_000, 450))},
    "GBP",
)
EXPRESS = POST._replace(code="express", transit_days=1, rates={"all": ((30_000, 990),)})
PARCEL = Parcel(1_200, 0, "GB", "GB")
PROFILE = rules.Profile(choose_by="cost")
NODES = [rules.Node(UUID(int=n), f"N{n}", "GB", n) for n in (1, 2, 3)]
SKUS = [UUID(int=100 + n) for n in range(3)]


def sent(promised: date | None, *services: Service, **profile: Any) -> Shipping | None:
    return cost.shipping(services, "", PARCEL, 100.0, Leaves(MONDAY), promised, rules.Profile(**profile))


def test_freight_is_the_lightest_parcel_the_rest_by_weight_and_the_way() -> None:
    assert sent(None, POST, EXPRESS) == Shipping(300, 150, 0)
    assert sent(None, POST, km_minor=0.5) == Shipping(350, 150, 0)


def test_what_keeps_the_promise_is_taken_and_what_is_late_is_counted_in_days() -> None:
    assert sent(MONDAY + timedelta(1), POST, EXPRESS) == Shipping(990, 0, 0)
    assert sent(MONDAY, POST, EXPRESS) == Shipping(990, 0, 1)
    assert sent(MONDAY - timedelta(3), POST) == Shipping(300, 150, 5)


def test_no_carrier_no_shipment_but_without_any_tables_only_time_counts() -> None:
    assert sent(None, POST._replace(max_weight_g=1_000)) is None
    assert sent(MONDAY - timedelta(2)) == Shipping(0, 0, 2)


@pytest.mark.parametrize(
    ("country", "code", "zone", "expected"),
    [
        ("GB", "", "America/Los_Angeles", 0), ("GB", "", "Europe/London", 0), ("US", "98101", "Europe/London", 1),
        ("US", "98101", "America/Los_Angeles", 1), ("", "", "America/Los_Angeles", 1), ("", "", "UTC", 0),
    ],
)  # fmt: skip
def test_a_promise_is_kept_by_the_day_where_it_goes(
    country: str, code: str, zone: str, expected: int
) -> None:
    """The end of Tuesday in Seattle is Wednesday in London: who is there waits until Tuesday, wherever it leaves. Where
    nobody knows where it goes, the node's own day counts."""
    to = cost.To(country, "", datetime(2026, 3, 4, 7, 59, tzinfo=UTC), code)
    node = NODES[0]._replace(time_zone=zone)
    pricer = cost.Pricer([POST], {SKUS[0]: (100, 0)})

    found = pricer.shipping([rules.Line(UUID(int=1), SKUS[0], 1)], to, node, 0, Leaves(MONDAY), PROFILE)

    assert found
    assert found.late_days == expected


def test_neighbours_are_priced_once_and_who_is_far_by_its_own_zone() -> None:
    """From the north two days and dear into the 9s, wherever in them."""
    rows = [Zone("US", "US", "all"), Zone("US", "US", "far", "021", "9", 5)]
    one = zoned(POST._replace(rates={"all": ((30_000, 300),), "far": ((30_000, 800),)}), rows)
    pricer = cost.Pricer([one], {SKUS[0]: (100, 0)})
    north, south = (
        NODES[i]._replace(country="US", postal_code=code) for i, code in ((0, "02139"), (1, "75001"))
    )
    lines, promised = [rules.Line(UUID(int=1), SKUS[0], 1)], datetime(2026, 3, 6, 12, tzinfo=UTC)

    def priced(node: rules.Node, code: str) -> Shipping | None:
        to = cost.To("US", "", promised, code)
        return pricer.shipping(lines, to, node, 0, Leaves(MONDAY), PROFILE)

    assert priced(north, "90210") == priced(north, "94105") == Shipping(800, 0, 1)
    assert len(pricer._known) == 1
    assert priced(south, "90210") == priced(north, "85001") == Shipping(300, 0, 0)


def test_a_carriers_own_cut_off_makes_what_it_takes_late() -> None:
    gone = Leaves(MONDAY, (("post", MONDAY + timedelta(1)),))
    found = cost.shipping([POST], "", PARCEL, 0, gone, MONDAY + timedelta(2), PROFILE)
    assert found == Shipping(300, 150, 1)


def test_the_service_that_the_order_asks_for_is_priced() -> None:
    assert cost.shipping([POST, EXPRESS], "express", PARCEL, 0, Leaves(MONDAY), None, PROFILE) == Shipping(
        990, 0, 0
    )


def test_prices_of_several_currencies_are_compared_by_what_they_are_worth() -> None:
    """9.90 in dollars at 0.25 are less than 4.50 in pounds; of whom nobody knows the worth nobody can say so."""
    fuel = (Surcharge("fuel", 100),)
    cheap = POST._replace(code="cheap", currency="USD", rates={"all": ((30_000, 990),)}, surcharges=fuel)
    unknown = POST._replace(code="unknown", currency="JPY", rates={"all": ((30_000, 1),)})
    services = in_own([POST, cheap, unknown], "GBP", {"GBP": Decimal(1), "USD": Decimal("0.25")})
    assert sent(None, *services) == Shipping(248 + 25, 0, 0)
    assert sent(None, *in_own([cheap, unknown], "GBP", {"GBP": Decimal(1)})) is None
    assert in_own([unknown], "GBP", {"GBP": Decimal(1)}) == [unknown]
    assert in_own([POST], "GBP", {}) == [POST]


def an_order(
    number: int,
    lines: list[tuple[int, int]],
    free: dict[tuple[UUID, UUID], int],
    freight: list[int],
    profile: rules.Profile = PROFILE,
) -> Wanted:
    wanted = [
        rules.Line(UUID(int=1000 * number + i), SKUS[sku], units) for i, (sku, units) in enumerate(lines)
    ]
    shipping = {node.id: Shipping(minor, 10 * number, 0) for node, minor in zip(NODES, freight, strict=True)}
    nodes = rules.sort_out(NODES, rules.Destination("GB"), profile)
    return Wanted(UUID(int=number), wanted, {line.id: 100 for line in wanted}, nodes, free, shipping, profile)


def test_scarce_stock_is_spared() -> None:
    profile = rules.Profile(choose_by="cost", scarcity_minor=1_000)
    free = {(SKUS[0], NODES[0].id): 1, (SKUS[0], NODES[1].id): 100, (SKUS[0], NODES[2].id): 0}
    order = an_order(1, [(0, 1)], free, [300, 400, 100], profile)

    assert [order.scarcity(order.lines[0], node) for node in NODES] == [1_000, 10, 0]
    assert [node.code for node in order.cheapest_first().first] == ["N3", "N2", "N1"]


STOCK = st.fixed_dictionaries({(sku, node.id): st.integers(0, 8) for sku in SKUS for node in NODES})


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=4),
    STOCK,
    st.integers(0, 99),
)
def test_an_order_costs_what_its_shipment_and_its_lines_cost(
    lines: list[tuple[int, int]], stock: dict[tuple[UUID, UUID], int], scarcity: int
) -> None:
    profile = rules.Profile(
        choose_by="cost", split_minor=77, handling_minor=3, scarcity_minor=scarcity, late_day_minor=5
    )
    order = an_order(3, lines, stock, [300, 400, 100], profile)
    for node in NODES:
        parts = order.of_shipment(node) - 77 + sum(order.of_line(line, node) for line in order.lines)
        assert 0 <= sum(order.terms(node).values()) - parts < len(lines), (
            "but for what is lost in rounding down"
        )
