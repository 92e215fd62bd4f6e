"""A replay by the profile in force against what live commands did: the same decisions, whatever a profile is set to"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, whole
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import EditOrder, edit
from entrepot.orders.commands.hold import ReleaseHold, release_holds
from entrepot.orders.commands.place import OrderLine, PlaceOrder, place
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.simulation import recorded, whatif
from entrepot.simulation.replay import Fate, replay
from entrepot.sourcing import tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.reject import AskAgain, RejectOrder, ask_again, reject
from entrepot.sourcing.rules import Profile, outcome_of
from entrepot.sourcing.substitutes import Set, Substitutes
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.publish import PublishChanges, publish
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from entrepot.warehouse.commands.adjust import adjust
from tests.commands.test_simulation_trials import _send
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house

DAY = datetime(2026, 11, 23, tzinfo=UTC)
OPENING = NOW.date() + timedelta(days=20)
SKUS = (("SKU-000", "things", "9.99", "6.00"), ("SKU-001", "sofas", "12.00", "11.50"),
        ("SKU-002", "things", "7.50", "1.00"), ("SKU-003", "things", "9.99", None))  # fmt: skip
TIERS = {"ann": "gold", "bob": ""}


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order to be placed: (SKU, units) of its lines, and what else decides."""

    lines: tuple[tuple[int, int], ...]
    customer: str = ""
    policy: str = "partial_backorder"
    said: str = ""
    priority: int = 5
    percent: int = 0
    last: int | None = None  # days after which it may not leave
    key: str | None = None  # for `whole`


@dataclass(frozen=True, slots=True)
class Received:
    sku: int
    node: int
    units: int
    key: str | None = None


@dataclass
class Live:
    """A house in which things happen one after the other, an hour apart; all that is ready is allocated at once."""

    floor: Floor
    hours: int = 0
    orders: list[UUID] = field(default_factory=list)

    @property
    def cause(self) -> Cause:
        return replace(SYSTEM, at=NOW + timedelta(hours=self.hours))

    def happens(self, *ops: Any) -> None:
        for op in ops:
            self.hours += 1
            name, *facts = op
            getattr(self, name)(*facts)
            self.serve()

    def serve(self) -> None:
        publish(self.cause, requests=[PublishChanges()])
        tasks.serve_freed(self.cause, ready.claim("serve", 99))
        while subjects := ready.claim("allocate", 99):
            allocate(self.cause, requests=[AllocateOrder(one) for one in subjects])

    def which(self, number: int) -> UUID | None:
        return self.orders[number % len(self.orders)] if self.orders else None

    # ---- what may happen

    def order(self, *wanted: Ordered) -> None:
        requests = [
            PlaceOrder(
                COMPANY, "shop", f"L-{len(self.orders) + i}",
                tuple(
                    OrderLine(SKUS[sku][0], units, Decimal(SKUS[sku][2])) for sku, units in one.lines
                ), "GBP", country="GB", customer=one.customer or None, policy=one.policy, substitutes=one.said,
                priority=one.priority, min_fill_percent=one.percent,
                cancel_after=None if one.last is None else NOW.date() + timedelta(days=one.last),
            )
            for i, one in enumerate(wanted)
        ]  # fmt: skip
        self.orders += [one.order for one in whole(place(self.cause, requests=requests))]

    def receive(self, sku: int, node: int, units: int) -> None:
        @command("test.receive")
        def received(cause: Cause, /, *, requests: Sequence[Received]) -> list[Received]:
            for one in requests:
                where = self.floor.nodes[one.node]
                came = Receive(COMPANY, self.floor.skus[one.sku], where, self.floor.bin(one.node), one.units,
                               100 * one.units, "receipt", ids.uuid7())  # fmt: skip
                whole(receive(cause, requests=[came]))
            return list(requests)

        received(self.cause, requests=[Received(sku, node, units)])

    def lose(self, sku: int, node: int, units: int) -> None:
        lost = Adjust(COMPANY, self.floor.skus[sku], self.floor.nodes[node], self.floor.bin(node), -units, "damage",
                      up_to=True)  # fmt: skip
        adjust(self.cause, requests=[lost])

    def find(self, sku: int, node: int, units: int) -> None:
        found = Adjust(
            COMPANY, self.floor.skus[sku], self.floor.nodes[node], self.floor.bin(node), units, "found"
        )
        adjust(self.cause, requests=[found])

    def reject(self, number: int, node: int) -> None:
        if order := self.which(number):
            reject(self.cause, requests=[RejectOrder(order, self.floor.nodes[node], "no hands today")])

    def ask_again(self, number: int) -> None:
        if order := self.which(number):
            ask_again(self.cause, requests=[AskAgain(order)])

    def cancel(self, number: int) -> None:
        if order := self.which(number):
            cancel(self.cause, requests=[CancelOrder(order, "changed my mind")])

    def ahead(self, sku: int, limit: int, *, ships: bool = True) -> None:
        wanted = SetPreorder(COMPANY, self.floor.skus[sku], OPENING if ships else None, limit)
        whole(set_preorder(self.cause, requests=[wanted]))

    def let_go(self, number: int) -> None:
        found = sql.run(
            "SELECT id FROM orders_hold WHERE order_id = %(order)s AND state = 'open'",
            {"order": self.which(number)},
        )
        if found:
            release_holds(self.cause, requests=[ReleaseHold(found[0][0], "we can get more", "waived")])


# ---- what both say


Said = dict[str, Any]


def live_said(orders: Iterable[UUID]) -> dict[UUID, Said]:
    wanted = {"orders": list(orders)}
    told: dict[UUID, Said] = {order: _nothing() for order in wanted["orders"]}
    for order, sku, node, units in sql.run(_PROMISED, wanted):
        told[order]["served"][sku, node] += units
    for order, line, units in sql.run(_WAITING, wanted):
        told[order]["waits"][line] += units
    for (order,) in sql.run(_HELD, wanted):
        told[order]["held"] = True
    for order, outcome, why in sql.run(_FIRST, wanted):
        told[order]["first"] = (outcome, why)
    return told


def replay_said(fates: Iterable[Fate]) -> dict[UUID, Said]:
    told = {}
    for fate in fates:
        one = told[fate.order.id] = _nothing()
        for share in fate.shares:
            if share.units:
                one["served"][share.line.sku, share.node.id] += share.units
        one["held"] = bool(fate.past)
        first = fate.first
        one["first"] = (outcome_of(first, fate.order.policy), first.why) if first else None
        for line in fate.lines:
            if units := fate.waits.get(line.id, 0) - fate.fresh.get(line.id, 0):
                one["waits"][line.sku] += units
    return told


def _nothing() -> Said:
    return {"served": Counter(), "waits": Counter(), "held": False, "first": None}


_PROMISED = """
SELECT order_id, sku_id, node_id, quantity FROM stock_allocation WHERE order_id = ANY(%(orders)s::uuid[])
UNION ALL
SELECT l.order_id, m.sku_id, b.node_id, m.quantity
FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.from_bucket JOIN orders_line AS l ON l.id = m.line_id
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND m.to_place = 'customer'
"""

_WAITING = """
SELECT order_id, sku_id, quantity FROM sourcing_backorder WHERE order_id = ANY(%(orders)s::uuid[])
"""

_HELD = """
SELECT DISTINCT order_id FROM orders_hold
WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'open' AND facts ? 'sold_ahead'
"""

_FIRST = """
SELECT DISTINCT ON (order_id) order_id, outcome, reasons ->> 'why' FROM sourcing_decision
WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY order_id, id
"""


def compared(live: Live) -> dict[UUID, Said]:
    """Both sides of every order, after seeing that they are the same."""
    found, was = replayed_since(live, DAY), live_said(live.orders)
    assert {order: found.get(order) for order in live.orders} == was
    return was


def replayed_since(live: Live, since: datetime) -> dict[UUID, Said]:
    """What the replay says of the orders that were to be decided first from a moment on; none of no orders."""
    at = live.cause.at + timedelta(hours=1)
    active = {scope: body for scope, (_, body) in policies.in_force(COMPANY, Profile, at).items()}
    window = recorded.read(COMPANY, since, at, {}, recorded.Needs.of(active.values()))
    return replay_said(replay(window.record, active).orders) if window else {}


def steered(**facts: Any) -> Profile:
    body = Profile(**facts)
    whole(policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "sourcing.profile", body, DAY)]))
    return body


@pytest.fixture
def live(db: None) -> Live:
    return open_house()


def open_house() -> Live:
    house = a_house(len(SKUS))
    whole(register_skus(SYSTEM, requests=[
        RegisterSku(COMPANY, code, f"Thing {code}", category, weight_g=250, length_mm=100, width_mm=100, height_mm=50,
                    list_price=Decimal(price), standard_cost=Decimal(cost) if cost else None)
        for code, category, price, cost in SKUS
    ]))  # fmt: skip
    whole(
        register_customers(
            SYSTEM, requests=[RegisterCustomer(COMPANY, name, tier=tier) for name, tier in TIERS.items()]
        )
    )
    sets = Substitutes(
        (Set(("SKU-000",), ("SKU-001", "SKU-002"), "lower"), Set(("SKU-002",), ("SKU-003",), "ordered"))
    )
    whole(policies.set_policy(
        SYSTEM, requests=[policies.SetPolicy(COMPANY, "sourcing.substitutes", sets, DAY)]
    ))  # fmt: skip
    return Live(house)


# ---- each setting


def test_limits_of_shipments_by_goods(live: Live) -> None:
    steered(shipments_of={"sofas": 1})
    live.happens(("receive", 0, 0, 9), ("receive", 1, 1, 9), ("order", Ordered(((0, 1), (1, 1)))),
                 ("order", Ordered(((0, 1),)), Ordered(((1, 1),))))  # fmt: skip

    first, *_ = compared(live).values()

    assert first["first"][0] == "part backordered"


def test_units_a_day(live: Live) -> None:
    steered(units_per_day={"N1": 3}, busy_days_max=0, busy_rule="hard")
    live.happens(("receive", 0, 0, 9), ("receive", 0, 1, 9), *[("order", Ordered(((0, 2),)))] * 3)
    _send(live.orders[0], live.hours + 1)
    live.hours += 2
    live.happens(("order", Ordered(((0, 1),))))

    nodes = [next(node for _, node in one["served"]) for one in compared(live).values()]

    n1, n2 = live.floor.nodes
    assert nodes == [n1, n1, n2, n1]


def test_tiers_and_margins(live: Live) -> None:
    steered(tier_priority={"gold": 3}, margin_from_percent=50, margin_priority=6)
    live.happens(
        ("order", Ordered(((0, 2),), "bob"), Ordered(((0, 2),), "ann"), Ordered(((0, 2), (2, 9)))),
        ("receive", 0, 0, 2), ("receive", 0, 0, 2),
    )  # fmt: skip

    bob, ann, margin = compared(live).values()

    sku = live.floor.skus[0]
    assert (margin["served"].total(), ann["served"].total()) == (2, 2)
    assert bob["waits"] == {sku: 2}


def test_substitutes(live: Live) -> None:
    steered(substitutes="agreed")
    live.happens(
        ("receive", 1, 1, 3), ("order", Ordered(((0, 2),), said="agreed")),
        ("order", Ordered(((0, 2),), said="refused")), ("order", Ordered(((0, 2),), said="agreed")),
        ("receive", 2, 0, 4),
    )  # fmt: skip

    first, second, third = compared(live).values()

    _, sofa, thing, _ = live.floor.skus
    n1, n2 = live.floor.nodes
    assert first["served"] == {(sofa, n2): 2}
    assert second["waits"].total() == 2
    assert third["served"] == {(thing, n1): 2}


def test_what_is_sent_instead_is_lost_and_sourced_again(live: Live) -> None:
    steered(substitutes="unless refused", substitute_parts=True, margin_from_percent=50, margin_priority=2)
    live.happens(
        ("receive", 0, 0, 1), ("receive", 2, 0, 3), ("order", Ordered(((0, 3),)), Ordered(((2, 1),))),
        ("reject", 0, 0), ("receive", 2, 1, 9), ("lose", 2, 1, 8), ("ask_again", 0),
    )  # fmt: skip

    compared(live)


def test_other_sets_of_substitutes_from_a_moment_on(live: Live) -> None:
    steered(substitutes="unless refused")
    live.happens(("receive", 2, 0, 5), ("order", Ordered(((0, 1),))))
    other = Substitutes((Set(("SKU-000",), ("SKU-003",)),))
    since = live.cause.at + timedelta(minutes=1)
    set_now = policies.SetPolicy(COMPANY, "sourcing.substitutes", other, since)
    whole(policies.set_policy(SYSTEM, requests=[set_now]))
    live.happens(("order", Ordered(((0, 1),))), ("receive", 3, 0, 1))

    first, second = compared(live).values()

    assert [next(iter(one["served"]))[0] for one in (first, second)] == live.floor.skus[2:]


@pytest.mark.parametrize("mode", ["enforce", "warn", "off"])
def test_limits_of_what_is_sold_ahead(live: Live, mode: str) -> None:
    steered(preorder_limit=mode)
    live.happens(
        ("receive", 0, 0, 3), ("ahead", 0, 5), ("order", Ordered(((0, 4),)), Ordered(((0, 3), (1, 1)))),
        ("order", Ordered(((0, 1),))),
        ("receive", 1, 0, 1), ("let_go", 1), ("order", Ordered(((0, 1),))), ("ahead", 0, 50),
        ("order", Ordered(((0, 9),))),
    )  # fmt: skip

    said = list(compared(live).values())

    assert [one["held"] for one in said] == [False, False, False, mode == "enforce", False]


def test_an_order_that_nobody_decided_about_is_sought_by_a_draft_without_the_limit(live: Live) -> None:
    steered()
    live.happens(("receive", 0, 0, 9), ("ahead", 0, 5), ("order", Ordered(((0, 6),))), ("ahead", 0, 0))
    at = live.cause.at

    report = whatif.tried(COMPANY, Profile(preorder_limit="off"), "", DAY, at, at)

    assert not isinstance(report, Refused)
    (changed,) = report.found.changed
    assert (changed.before, changed.after, changed.lacks_before) == ((), ("N1",), 6)
    assert changed.why.startswith("no limit holds it; N1 is the preferred node")
    assert (report.found.before.figures.held, report.found.after.figures.held) == (1, 0)
    assert (report.found.trust.same, report.concerns) == (1, {"limits": 1})


def test_what_nodes_rejected(live: Live) -> None:
    steered(rejections_max=2)
    live.happens(("receive", 0, 0, 9), ("receive", 0, 1, 9), ("order", Ordered(((0, 2),))), ("reject", 0, 0),
                 ("reject", 0, 1), ("receive", 0, 0, 1), ("ask_again", 0))  # fmt: skip

    (one,) = compared(live).values()

    assert one["served"] == {(live.floor.skus[0], live.floor.nodes[0]): 2}


def test_by_cost_with_a_minimum_that_stays(live: Live) -> None:
    steered(choose_by="cost", minimum_stock={"N1": 2}, split_minor=100)
    live.happens(
        ("receive", 0, 0, 3), ("receive", 0, 1, 9), ("order", Ordered(((0, 2),)), Ordered(((0, 1),)))
    )

    compared(live)


@pytest.mark.parametrize("rule", ["hard", "soft"])
def test_by_cost_with_nodes_that_become_busy_within_a_batch(live: Live, rule: str) -> None:
    steered(
        choose_by="cost", orders_per_day={"N1": 1}, busy_days_max=0, busy_rule=rule, nodes_per_order_max=2,
        split_minor=100,
    )  # fmt: skip
    live.happens(
        ("receive", 0, 0, 9), ("receive", 0, 1, 2), ("receive", 1, 1, 9),
        ("order", *[Ordered(((0, 1),))] * 3, Ordered(((0, 1), (1, 1))), Ordered(((0, 2),))),
        ("order", Ordered(((0, 1), (1, 1)))),
    )  # fmt: skip

    said = compared(live)

    n1, _ = live.floor.nodes
    at_first = [order for order, one in said.items() if any(node == n1 for _, node in one["served"])]
    assert len(at_first) == 1 if rule == "hard" else len(at_first) > 1


def test_a_least_part_is_sought_together_or_not_at_all(live: Live) -> None:
    steered()
    live.happens(
        ("receive", 0, 0, 3), ("order", Ordered(((0, 6),), percent=60)),
        ("order", Ordered(((0, 4),), policy="partial_cancel", percent=100)), ("order", Ordered(((0, 1),))),
        ("receive", 0, 1, 3), ("lose", 0, 1, 2), ("receive", 0, 0, 2),
    )  # fmt: skip

    first, second, third = compared(live).values()

    assert (first["first"][0], second["first"][0], third["first"][0]) == (
        "backordered",
        "backordered",
        "allocated",
    )
    assert first["first"][1] == "only 3 of its 6 units are free, and fewer than 4 are not sent"
    middle = replayed_since(live, NOW + timedelta(hours=3))
    assert middle == {order: one for order, one in live_said(live.orders).items() if order in middle}


def test_what_may_leave_no_more_is_not_sought(live: Live) -> None:
    steered()
    live.happens(("order", Ordered(((0, 2),), last=1), Ordered(((0, 2),), last=9)))
    live.hours += 72
    live.happens(("receive", 0, 0, 9))

    past, later = compared(live).values()

    assert (past["served"].total(), later["served"].total()) == (0, 2)


def test_days_that_were_changed_later_are_told_as_a_gap(live: Live) -> None:
    steered()
    live.happens(("receive", 0, 0, 9), ("order", Ordered(((0, 2),)), Ordered(((0, 2),))))
    live.hours += 1
    later = EditOrder(live.orders[0], "agreed", cancel_after=NOW.date() + timedelta(days=9))
    whole(edit(live.cause, requests=[later]))

    report = whatif.tried(COMPANY, Profile(), "", DAY, live.cause.at, live.cause.at)

    assert not isinstance(report, Refused)
    assert report.concerns == {"windows": 1}


# ---- all of them together


ORDERED = st.builds(
    Ordered,
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=2, unique_by=lambda one: one[0]
    ).map(tuple),
    st.sampled_from(("", *TIERS)),
    st.sampled_from(("partial_backorder", "ship_complete", "line_complete", "partial_cancel")),
    st.sampled_from(("", "agreed", "refused")),
    st.integers(4, 6),
    st.sampled_from((0, 0, 60, 100)),
    st.sampled_from((None, None, 0, 3)),
)
NUMBER, NODE, SKU = st.integers(0, 9), st.integers(0, 1), st.integers(0, 3)
ORDER = st.lists(ORDERED, min_size=1, max_size=2).map(lambda some: ("order", *some))
OPS = st.one_of(
    ORDER, ORDER, ORDER,
    st.tuples(st.just("receive"), SKU, NODE, st.integers(1, 5)),
    st.tuples(st.just("lose"), SKU, NODE, st.integers(1, 3)),
    st.tuples(st.just("find"), SKU, NODE, st.integers(1, 3)),
    st.tuples(st.just("cancel"), NUMBER),
    st.tuples(st.just("reject"), NUMBER, NODE),
    st.tuples(st.just("ask_again"), NUMBER),
    st.tuples(st.just("let_go"), NUMBER),
    st.tuples(st.just("ahead"), SKU, st.integers(0, 6)),
)  # fmt: skip
PROFILES = st.fixed_dictionaries(
    {},
    optional={
        "choose_by": st.just("cost"),
        "nodes_per_order_max": st.integers(1, 2),
        "shipments_of": st.sampled_from(({"sofas": 1}, {"SKU-000": 1, "sofas": 2})),
        "units_per_day": st.sampled_from(({"N1": 3}, {"N1": 2, "N2": 6})),
        "busy_days_max": st.integers(0, 1),
        "busy_rule": st.sampled_from(("hard", "soft")),
        "minimum_stock": st.just({"N1": 1}),
        "tier_priority": st.just({"gold": 2}),
        "margin_from_percent": st.just(50),
        "margin_priority": st.just(3),
        "substitutes": st.sampled_from(("agreed", "unless refused")),
        "substitute_before": st.just("split"),
        "substitute_parts": st.just(True),
        "preorder_limit": st.sampled_from(("warn", "off")),
        "rejections_max": st.integers(1, 2),
    },
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    PROFILES,
    st.lists(st.tuples(SKU, NODE, st.integers(1, 6)), max_size=6),
    st.lists(OPS, min_size=4, max_size=14),
)
def test_whatever_happens_the_replay_decides_what_was_decided(
    live: Live, profile: dict[str, Any], stock: list[tuple[int, int, int]], happened: list[tuple[Any, ...]]
) -> None:
    """Invariant 8 of simulation."""
    point = transaction.savepoint()
    try:
        one = Live(live.floor)
        steered(**profile)
        one.happens(*(("receive", *facts) for facts in stock), *happened)
        if one.orders:
            was = compared(one)
            middle = NOW + timedelta(hours=one.hours / 2)
            later = replayed_since(one, middle)
            assert later == {order: was[order] for order in later}
    finally:
        transaction.savepoint_rollback(point)
