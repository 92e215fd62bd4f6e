"""Key figures of the floor, of what came back and of the books: what each counts, by its own example."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from entrepot.insight import kpis
from entrepot.insight.kpis import KPIS, Asked, Figure
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.match_lines import MatchLines, Part, match_lines
from entrepot.ledger.commands.post import Posting, post
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.give_back import GiveBack, give_back
from entrepot.returns.commands.labels import MakeLabel, make_labels
from entrepot.returns.commands.leave_departures import LeaveDeparture, leave_departures
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.settle_departures import SettleDeparture, settle_departures
from entrepot.returns.commands.settle_exchanges import SettleExchange, settle_exchanges
from entrepot.returns.recovery import Recovery, Way
from entrepot.returns.refunding import RefundPolicy
from entrepot.settlement import carrier_queries
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.decide_charges import DecideCharge, decide_charges
from entrepot.settlement.commands.take_carrier_invoices import TakeCarrierInvoice, take_carrier_invoices
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.label import PrintLabels, print_labels
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.sourcing.commands.cancel import cancel
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse.commands.enter_counts import Counted, EnterCount, enter_counts
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.commands.start_counts import StartCount, start_counts
from entrepot.warehouse.commands.withdraw_counts import WithdrawCount, withdraw_counts
from entrepot.warehouse.labor import Labor
from entrepot.web.format import zone_of
from tests.back import APPROVES, ASKS, HOME, INSPECTS, asked, back, lines_of, policy, sold
from tests.commands.test_shipping_trouble import open_one, troubled
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.onward import a_vendor, disposed, opened
from tests.walk import a_house, allocated, placed, released, shipped

pytestmark = pytest.mark.django_db
DAY = Asked(NOW - timedelta(hours=1), NOW + timedelta(days=2))
LATER = NOW + timedelta(days=400)
"""When it is asked: of what happened everything is known."""


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def figure(name: str, asked: Asked = DAY) -> Figure:
    return kpis.total(KPIS[name], COMPANY, LATER, asked)


def at(hours: float, person: str = "") -> Cause:
    return replace(someone(person) if person else SYSTEM, at=NOW + timedelta(hours=hours))


def put(house: Floor, hours: float, units: int, person: str = "") -> None:
    move = PutAway(COMPANY, house.skus[0], house.bin(kind="receiving"), house.bin(kind="reserve"), units)
    (answer,) = put_away(at(hours, person), requests=[move])
    assert answer.quantity == units


def test_goods_are_put_away_in_the_order_in_which_they_came(house: Floor):
    """10 came at 0:00 and 10 at 3:00. Of the 6 put away at 5:00 the last two are of the second ten."""
    house.stock(0, 10, kind="receiving")
    put(house, 2, 6)
    _comes(house, 3, 10)
    put(house, 5, 6)
    put(house, 6, 8)
    hours = [row.good for row in reversed(kpis.rows(KPIS["dock to stock"], COMPANY, LATER, DAY))]
    assert hours == pytest.approx([2, 2, 3])
    assert figure("dock to stock").value == pytest.approx(7 / 3)
    late = Asked(NOW + timedelta(hours=4), NOW + timedelta(days=2))
    assert figure("dock to stock", late).facts == 2, "what was put away before is counted on, not told"
    assert len(kpis.rows(KPIS["dock to stock"], COMPANY, LATER, DAY, limit=1)) == 1


def test_what_had_come_long_before_is_counted_on_from_what_the_bin_held(house: Floor):
    """10 came and 4 were put away 100 days ago. Of the 6 left nobody tells; the 5 that came since stood for an hour."""
    long_ago = -100 * 24
    _comes(house, long_ago, 10)
    put(house, long_ago + 1, 4)
    _comes(house, 3, 5)
    put(house, 4, 6)
    put(house, 4, 5)
    hours = [row.good for row in kpis.rows(KPIS["dock to stock"], COMPANY, LATER, DAY)]
    assert hours == pytest.approx([1])


def test_the_pauses_of_people_are_those_of_the_policy(house: Floor):
    house.stock(0, 100)
    fulfillments = released(*placed(house, 2, (0, 1)))
    pick(SYSTEM, requests=[PickFulfillment(one) for one in fulfillments])
    for hours, one in zip((0.0, 0.25), fulfillments, strict=True):
        pack(at(hours, "pat"), requests=[PackFulfillment(one)])
    assert figure("orders packed").value == pytest.approx(4)
    short = policies.SetPolicy(COMPANY, "warehouse.labor", Labor(idle_max_s=600), NOW)
    policies.set_policy(SYSTEM, requests=[short])
    assert figure("orders packed").value is None, "a quarter of an hour is a pause"


def _comes(house: Floor, hours: float, units: int) -> None:
    goods = Receive(
        COMPANY, house.skus[0], house.nodes[0], house.bin(kind="receiving"), units, units, "goods receipt", ids.uuid7()
    )  # fmt: skip
    receive(at(hours), requests=[goods])


def test_orders_packed_are_told_by_the_hours_that_people_took(house: Floor):
    """Two orders in 30 minutes of one person; of who did nothing before, it is not known how long it took."""
    house.stock(0, 100)
    house.stock(0, 1, kind="receiving")
    fulfillments = released(*placed(house, 3, (0, 1)))
    pick(SYSTEM, requests=[PickFulfillment(one) for one in fulfillments])
    pack(at(0.0, "pat"), requests=[PackFulfillment(fulfillments[0])])
    pack(at(0.25, "pat"), requests=[PackFulfillment(fulfillments[1])])
    pack(at(0.5, "pat"), requests=[PackFulfillment(fulfillments[2])])
    assert figure("orders packed").value == pytest.approx(2 / 0.5)
    put(house, 0.75, 1, "pat")
    found = figure("lines received")
    assert (found.good, found.of) == (0, pytest.approx(0.25)), "to put away takes hours and receives nothing"
    assert figure("orders packed").value == pytest.approx(4)


def test_a_difference_that_was_withdrawn_says_nothing_of_the_records(house: Floor):
    house.stock(0, 100)
    house.stock(1, 20)
    (task,) = (one.task for one in ask_counts(at(0), requests=[AskCount(house.bin())]))
    start_counts(at(0, "ann"), requests=[StartCount(task)])
    said = (Counted(house.skus[0], 60), Counted(house.skus[1], 20))
    enter_counts(at(0.1, "ann"), requests=[EnterCount(task, said)])
    assert (figure("record accuracy").good, figure("record accuracy").of) == (1, 2)
    withdraw_counts(at(0.2, "eve"), requests=[WithdrawCount(task, "the wrong bin")])
    assert (figure("record accuracy").good, figure("record accuracy").of) == (1, 1)


def test_an_order_that_lost_a_unit_was_not_shipped_complete(house: Floor):
    house.stock(0, 100)
    whole, less = placed(house, 2, (0, 2))
    cancel(SYSTEM, requests=[CancelOrder(less, "one is enough", lines=((lines_of(less)[0], 1),))])
    assert figure("shipped complete").facts == 0, "nothing has left"
    shipped(whole, less)
    assert {row.document: row.good for row in kpis.rows(KPIS["shipped complete"], COMPANY, LATER, DAY)} == {
        whole: 1, less: 0,
    }  # fmt: skip


def test_what_is_given_as_store_credit_stays_in_the_house(house: Floor):
    house.stock(0, 100)
    first, second = sold(house, 2, (0, 2), customer="C1")
    for one in (asked(first, 1), asked(second, 1, asked="store_credit")):
        back(one)
        refund(ASKS, requests=[Refund(one.return_id)])
    rows = kpis.rows(KPIS["value kept"], COMPANY, LATER, DAY)
    assert {row.kind: row.good for row in rows} == {"money": 0, "store_credit": rows[-1].of}
    assert figure("value kept").value == pytest.approx(0.5)


def test_what_a_cancelled_replacement_gave_back_does_not_stay_in_the_house(house: Floor):
    """Of two exchanged units one is sent."""
    house.stock(0, 100)
    policy(approve_above_minor=None)
    one = asked(sold(house, 1, (0, 2))[0], 2, asked="exchange")
    (new,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 2, house.codes[0])])
    back(one)
    settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])
    assert figure("value kept").value == 1
    cancel(SYSTEM, requests=[CancelOrder(new.order, "one is enough", lines=((lines_of(new.order)[0], 1),))])
    give_back(SYSTEM, requests=[GiveBack(new.order)])
    (row,) = kpis.rows(KPIS["value kept"], COMPANY, LATER, DAY)
    assert (row.kind, row.good / row.of) == ("exchange", pytest.approx(0.5))


def test_cost_is_recovered_by_stock_and_by_what_vendors_give(house: Floor):
    """Units that cost 100 each: one is sellable again, two went to the vendor for 120, one was thrown away."""
    house.stock(0, 100)
    for disposition in ("restock", "dispose"):
        back(asked(sold(house, 1, (0, 1))[0], 1), disposition=disposition)
    (gone,) = disposed(house, "return_to_vendor", 2)
    answer = opened("vendor_return", (gone, 2), supplier=a_vendor(house, 0), expected_minor=150)
    assert figure("cost recovered").good == pytest.approx(_cost(house)), "it has not left yet"
    leave_departures(INSPECTS, requests=[LeaveDeparture(answer.departure)])
    assert figure("cost recovered").good == pytest.approx(_cost(house) + 150)
    (settled,) = settle_departures(
        APPROVES, requests=[SettleDeparture(answer.departure, 120, "CN 1", "one was torn")]
    )
    assert settled.state == "settled", settled
    found = figure("cost recovered")
    assert (found.good, found.of) == (pytest.approx(_cost(house) + 120), pytest.approx(4 * _cost(house)))


def _cost(house: Floor) -> float:
    return sql.run(
        "SELECT (sum(value_minor)::float8 / sum(quantity)) FROM stock_move WHERE from_place = 'customer'"
    )[0][0]


def test_a_clearing_line_is_cleared_in_time_or_it_is_not(house: Floor):
    """Two lines of 5 that make up zero at once, and one of 7 that nothing is matched with for days."""
    assert figure("cleared in time").value is None
    plus, minus, _ = (_accrued(amount) for amount in (5, -5, 7))
    match_lines(SYSTEM, requests=[MatchLines(COMPANY, (Part(plus), Part(minus)), "they belong together")])
    found = figure("cleared in time")
    assert (found.facts, found.good, found.of) == (3, 10, 17)
    assert (figure("left to clear").good, figure("left to clear").of) == (7, 17)
    (account,) = kpis.by(KPIS["cleared in time"], COMPANY, LATER, DAY, "kind")
    assert account.name == "2150 Carrier accrual"


def _accrued(amount: int) -> int:
    """A line of the carriers' accrual, of a document of its own."""
    post(SYSTEM, requests=[
        Posting(COMPANY, "shipping.accrued", "test", ids.uuid7(), "GBP", (("carriage", amount),), NOW)
    ])  # fmt: skip
    return sql.run("SELECT max(line_id) FROM ledger_clearingitem")[0][0]


def test_cash_to_cash_adds_what_stands_and_takes_off_what_is_owed(house: Floor):
    """Of a month: stock and payables by the cost of sales, what is owed to us by revenue; times the month's days."""
    house.stock(0, 100)
    sold(house, 5, (0, 2))
    months = Asked(NOW.replace(day=1) - timedelta(days=1), NOW + timedelta(days=40))
    rows = {row.kind: row for row in kpis.rows(KPIS["cash to cash"], COMPANY, LATER, months)}
    assert set(rows) == {"stock", "receivable", "payable"}
    stands = dict(sql.run("SELECT account, sum(functional_minor)::float8 FROM ledger_balance GROUP BY 1"))
    days = rows["stock"].good / stands[1200]
    assert 27 < days <= 31
    assert rows["stock"].of == stands[5000]
    assert rows["payable"].good == pytest.approx(-stands[2050] * days)
    assert rows["receivable"].of == pytest.approx(
        -sum(stands.get(one, 0) for one in (4000, 4010, 4090, 4100))
    )
    value = figure("cash to cash", months).value
    parts = {name: row.good / row.of for name, row in rows.items()}
    assert value == pytest.approx(parts["stock"] + parts["receivable"] - parts["payable"])
    assert [
        one.value for one in kpis.by(KPIS["cash to cash"], COMPANY, LATER, months, "kind")
    ] == pytest.approx([-parts["payable"], parts["receivable"], parts["stock"]])


def test_a_line_that_left_in_two_shipments_counts_once(house: Floor):
    """Two units, one after the other; one comes back as the wrong thing."""
    house.stock(0, 1)
    (order,) = placed(house, 1, (0, 2))
    shipped(order)
    house.stock(0, 1)
    shipped(order, cause=at(30))
    assert sql.run("SELECT count(*) FROM shipping_shipment")[0][0] == 2
    first, both = Asked(DAY.since, NOW + timedelta(hours=24)), DAY
    assert (figure("return rate", first).of, figure("return rate", both).of) == (0, 2), (
        "when the last of it left"
    )
    asked(order, 1, reason="wrong_item")
    assert (figure("return rate").good, figure("return rate").of) == (1, 2)
    assert figure("value returned").value == pytest.approx(0.5)
    assert figure("value returned").of == 2 * 999
    assert (figure("pick accuracy").good, figure("pick accuracy").of) == (0, 1)


def test_a_complaint_that_was_declined_speaks_for_nobody(house: Floor):
    house.stock(0, 100)
    wrong, torn = sold(house, 2, (0, 1))
    deliver(SYSTEM, requests=[Delivered(one) for (one,) in sql.run("SELECT id FROM shipping_shipment")])
    asked(wrong, 1, reason="wrong_item")
    asked(torn, 1, reason="damaged_in_transit")
    names = ("perfect order", "pick accuracy", "free of damage")
    assert [figure(name).good for name in names] == [0, 1, 1]
    sql.run("UPDATE returns_return SET state = 'declined'")
    assert [figure(name).good for name in names] == [2, 2, 2]
    sql.run("UPDATE returns_return SET state = 'authorized'")


def test_papers_are_wrong_where_a_price_was_or_a_parcel_is_heavier_than_labeled(house: Floor):
    """Of four orders one was charged at another price; one parcel is heavier by an accepted charge, one by one in
    question."""
    house.stock(0, 100)
    orders = sold(house, 4, (0, 1))
    left = [which for (which,) in sql.run("SELECT id FROM shipping_shipment ORDER BY number")]
    print_labels(SYSTEM, requests=[PrintLabels(one, (f"N-{n}",)) for n, one in enumerate(left)])
    deliver(SYSTEM, requests=[Delivered(one) for one in left])
    assert (figure("documents correct").good, figure("documents correct").of) == (4, 4)
    order_of = dict(sql.run("SELECT id, order_id FROM shipping_shipment"))
    asked(order_of[left[0]], 1, reason="price_corrected")
    lines = tuple(Billed(f"N-{n}", 420, weight_g=9_000) for n in (1, 2))
    (taken,) = take_carrier_invoices(
        SYSTEM, requests=[TakeCarrierInvoice(COMPANY, "Post", "F-1", "GBP", 840, lines=lines)]
    )
    charges = {one.tracking: one.number for one in carrier_queries.charges(COMPANY, taken.invoice)}
    decided = DecideCharge(taken.invoice, charges["N-1"], "accept", "it is that heavy")
    (answer,) = decide_charges(APPROVES, requests=[decided])
    assert not isinstance(answer, Refused), answer

    assert (figure("documents correct").good, figure("documents correct").of) == (2, 4)
    assert figure("perfect order").good == 2
    told = {row.document: row.kind for row in kpis.rows(KPIS["documents correct"], COMPANY, LATER, DAY)}
    assert [told[order_of[one]] for one in left] == [
        "another price", "heavier than labeled", "right papers", "right papers",
    ]  # fmt: skip
    perfect = {row.document: row.kind for row in kpis.rows(KPIS["perfect order"], COMPANY, LATER, DAY)}
    assert perfect[order_of[left[1]]] == "wrong papers" and len(orders) == 4


def test_what_returns_recover_net_of_their_carriage_and_work(house: Floor):
    """Two units that cost 100 each: one is sellable again, which takes 15 of work, and one thrown away for 5."""
    house.stock(0, 100)
    ways = {
        "restock": Way({"A": 90}, handling_minor=10, refurbish_minor=5),
        "dispose": Way({"A": 0}, handling_minor=5),
    }
    kept = policies.SetPolicy(COMPANY, "returns.recovery", Recovery((), ways), NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])
    for disposition in ("restock", "dispose"):
        back(asked(sold(house, 1, (0, 1))[0], 1), disposition=disposition)
    cost = _cost(house)
    found = figure("net recovery")
    assert (found.good, found.of) == (pytest.approx(cost - 20), pytest.approx(2 * cost))
    assert figure("cost recovered").good == pytest.approx(cost), "that is before its costs"
    parts = {one.name: one.good for one in kpis.by(KPIS["net recovery"], COMPANY, LATER, DAY, "kind")}
    assert parts["processing"] == -20

    (order,) = sold(house, 1, (0, 1), address=HOME)
    answer = asked(order, 1, reason="defective")
    make_labels(SYSTEM, requests=[MakeLabel(answer.return_id)])
    (label,) = sql.run("SELECT cost_minor FROM returns_label")
    assert label[0] > 0
    assert figure("net recovery").good == pytest.approx(cost - 20), "nothing has come with it yet"
    back(answer, disposition="dispose")
    found = figure("net recovery")
    assert (found.good, found.of) == (pytest.approx(cost - 25 - label[0]), pytest.approx(3 * cost))
    (freight,) = kpis.rows(KPIS["net recovery"], COMPANY, LATER, replace(DAY, kind="return freight"))
    assert (freight.good, freight.of, freight.share) == (-label[0], 0, None)


def test_what_a_refund_keeps_for_its_label_is_no_carriage_of_the_house(house: Floor):
    house.stock(0, 100)
    fees = RefundPolicy(label_minor=7, fee_tax_percent=Decimal(20))
    labeled = Admission((Rule("with a label", label=True),), business_tiers=("",))
    before = NOW - timedelta(days=1)
    kept = [
        policies.SetPolicy(COMPANY, "returns.refunds", fees, before),
        policies.SetPolicy(COMPANY, "returns.authorization", labeled, before),
    ]
    policies.set_policy(SYSTEM, requests=kept)
    (order,) = sold(house, 1, (0, 1), address=HOME)
    answer = asked(order, 1)
    make_labels(SYSTEM, requests=[MakeLabel(answer.return_id)])
    back(answer, disposition="restock")
    (refunded,) = refund(APPROVES, requests=[Refund(answer.return_id)])
    assert not isinstance(refunded, Refused), refunded
    ((fee, tax, flat),) = sql.run("SELECT fee_minor, fee_tax_minor, flat_fee_minor FROM returns_refund")
    ((label,),) = sql.run("SELECT cost_minor FROM returns_label")
    assert flat > 0
    (freight,) = kpis.rows(KPIS["net recovery"], COMPANY, LATER, replace(DAY, kind="return freight"))
    assert label > flat and freight.good == pytest.approx(flat * (1 - tax / fee) - label)


def test_what_is_lost_or_sent_again_is_no_perfect_order(house: Floor):
    """Of five that left one is lost, one was damaged by word of its carrier, one by a claim, and one was sent again."""
    house.stock(0, 100)
    orders = placed(house, 5, (0, 1), address=HOME)
    lost, torn, claimed, again, _ = left = shipped(*orders)
    assert figure("perfect order").facts == 0, "they are on their way"
    troubled("lost", lost)
    troubled("damaged", torn, "u")
    deliver(SYSTEM, requests=[Delivered(one) for one in left[1:]])
    assert (figure("perfect order").good, figure("perfect order").of) == (3, 5)
    assert figure("order cycle time").facts == 4, "what is lost never arrived"
    open_one(claimed, "damaged")
    (resent,) = reship(SYSTEM, requests=[Reship(again, "it arrived in pieces")])
    deliver(SYSTEM, requests=[Delivered(one) for one in shipped(resent.order)])
    kinds = {row.document: row.kind for row in kpis.rows(KPIS["perfect order"], COMPANY, LATER, DAY)}
    assert kinds == dict(
        zip(orders, ("not arrived", "damaged", "damaged", "sent again", "perfect"), strict=True)
    ), "what is sent again is an order of nobody"
    assert figure("perfect order").value == pytest.approx(1 / 5)
    assert (figure("free of damage").good, figure("free of damage").of) == (4, 6)
    assert resent.order not in {
        row.document for row in kpis.rows(KPIS["order cycle time"], COMPANY, LATER, DAY)
    }


def test_damage_is_looked_up_of_the_orders_of_the_window_alone(house: Floor):
    house.stock(0, 100)
    left = shipped(*placed(house, 3, (0, 1)))
    deliver(SYSTEM, requests=[Delivered(one, NOW + timedelta(hours=9)) for one in left])
    for window, looked_up in ((DAY, True), (Asked(DAY.until, DAY.until + timedelta(days=1)), False)):
        params = {"company": COMPANY, "since": window.since, "until": window.until}
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {KPIS['perfect order'].statement}"
        ((plan,),) = sql.run(explain, params)
        told = json.loads(plan) if isinstance(plan, str) else plan
        assert any(_loops(told[0]["Plan"], "shipping_claim")) is looked_up


def _loops(plan: dict[str, Any], table: str) -> list[int]:
    """How often each node of a plan that reads a table was begun."""
    own = [int(plan["Actual Loops"])] if plan.get("Relation Name") == table else []
    return own + [n for one in plan.get("Plans", ()) for n in _loops(one, table)]


def test_a_promise_is_kept_by_the_last_shipment_of_its_order(house: Floor):
    house.stock(0, 100)
    orders = placed(house, 3, (0, 1))
    sql.run("UPDATE orders_order SET promise_at = %(at)s", {"at": NOW + timedelta(hours=10)})
    sql.run("UPDATE orders_order SET promise_at = NULL WHERE id = %(id)s", {"id": orders[2]})
    for hours, shipment in zip((9, 11, 30), shipped(*orders), strict=True):
        deliver(SYSTEM, requests=[Delivered(shipment, NOW + timedelta(hours=hours))])
    found = {row.document: row.good for row in kpis.rows(KPIS["delivered as promised"], COMPANY, LATER, DAY)}
    assert found == {orders[0]: 1, orders[1]: 0}, "who was promised nothing is not told of"


def test_net_cycle_time_leaves_out_what_waited_for_a_decision(house: Floor):
    """Of 20 hours two holds kept it for 1 to 5 and 3 to 7; one that waits for stock is the house's own time."""
    house.stock(0, 100)
    (order,) = placed(house, 1, (0, 1))
    for kind, since, until in (("fraud review", 1, 5), ("address hold", 3, 7), ("inventory hold", 8, 9)):
        (hold,) = place_hold(at(since), requests=[PlaceHold(order, kind, "somebody looks at it")])
        release_holds(at(until), requests=[ReleaseHold(hold.hold, "it is right", "confirmed")])
    (shipment,) = shipped(order)
    deliver(SYSTEM, requests=[Delivered(shipment, NOW + timedelta(hours=20))])
    assert figure("order cycle time").value == pytest.approx(20)
    assert figure("net cycle time").value == pytest.approx(20 - 6)


def test_what_came_before_it_was_placed_spoils_no_figure(house: Floor):
    """A carrier that names a day and no hour says that it came before it was ordered."""
    house.stock(0, 100)
    orders = placed(house, 2, (0, 1))
    (hold,) = place_hold(at(-2), requests=[PlaceHold(orders[0], "fraud review", "somebody looks at it")])
    release_holds(at(-1.5), requests=[ReleaseHold(hold.hold, "it is right", "confirmed")])
    for hours, shipment in zip((-0.5, 20), shipped(*orders), strict=True):
        deliver(SYSTEM, requests=[Delivered(shipment, NOW + timedelta(hours=hours))])
    found = {row.document: row.good for row in kpis.rows(KPIS["net cycle time"], COMPANY, LATER, DAY)}
    assert found == {orders[0]: pytest.approx(-0.5), orders[1]: pytest.approx(20)}, "no time to be held in"


def test_fill_is_told_by_unit_line_and_order_also_where_stock_had_nothing(house: Floor):
    """Of one order one line of two leaves whole; another finds nothing; of one that waits nobody knows yet."""
    house.stock(0, 5)
    house.stock(1, 1)
    part, none, waits = placed(house, 1, (0, 2), (1, 3)) + placed(house, 1, (2, 4)) + placed(house, 1, (0, 1))
    released(part)
    allocated(none, waits)
    assert (figure("fill rate").good, figure("fill rate").of) == (3, 2 + 3 + 4)
    assert (figure("lines filled").good, figure("lines filled").of) == (1, 3)
    assert (figure("orders filled").good, figure("orders filled").of) == (0, 2)
    release(SYSTEM, requests=[ReleaseOrder(waits)])
    assert (figure("orders filled").good, figure("orders filled").of) == (1, 3)


def test_records_are_off_by_units_more_and_less(house: Floor):
    """Of 100 and 20 on record stand 90 and 22: 12 units off, 8 less."""
    house.stock(0, 100)
    house.stock(1, 20)
    (task,) = (one.task for one in ask_counts(at(0), requests=[AskCount(house.bin())]))
    start_counts(at(0, "ann"), requests=[StartCount(task)])
    said = (Counted(house.skus[0], 90), Counted(house.skus[1], 22))
    enter_counts(at(0.1, "ann"), requests=[EnterCount(task, said)])
    assert (figure("units off").good, figure("units off").of) == (12, 120)
    assert figure("units more").value == pytest.approx(-8 / 120)
    worst = kpis.rows(KPIS["units more"], COMPANY, LATER, DAY)[0]
    assert worst.good == -10, "the largest difference first, to whichever side"
    more_or_less = KPIS["units more"]
    assert more_or_less.is_better(0.01, -0.02) and not more_or_less.is_better(-0.03, 0.02)


def test_days_are_those_of_the_zone(house: Floor):
    """It is never the same day on both sides of the line where days change."""
    placed(house, 1, (0, 1))
    days = {
        zone: kpis.over_time(KPIS["cancelled units"], COMPANY, LATER, replace(DAY, zone=zone), "day")[0].name
        for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Honolulu")
    }
    here = {zone: NOW.astimezone(ZoneInfo(zone)).date().isoformat() for zone in days}
    assert days == here
    assert len(set(days.values())) > 1


def test_zones_that_browsers_name_are_known_to_the_database(db: None):
    known = {name for (name,) in sql.run("SELECT name FROM pg_timezone_names")}
    assert {name for name in available_timezones() if str(zone_of(name)) == name} <= known


def test_the_time_before_is_as_many_days_where_clocks_were_changed():
    zone = ZoneInfo("Europe/Berlin")
    asked = Asked(datetime(2026, 3, 30, tzinfo=zone), datetime(2026, 4, 1, tzinfo=zone), zone="Europe/Berlin")
    assert asked.earlier.since == datetime(2026, 3, 28, tzinfo=zone)
    assert asked.earlier.until == asked.since


@pytest.mark.parametrize(
    ("period", "last"), [("day", date(2028, 2, 1)), ("week", date(2028, 2, 7)), ("month", date(2028, 2, 29))]
)
def test_a_figure_over_time_is_of_the_days_from_its_first(period: str, last: date):
    assert kpis.days_of(period, date(2028, 2, 1)) == (date(2028, 2, 1), last)


def test_months_of_the_books_are_told_to_readers_of_every_zone(house: Floor):
    """A month of the books ends in UTC: for a reader ahead of that it is not another month."""
    house.stock(0, 100)
    sold(house, 5, (0, 2))
    first = NOW.replace(day=1).date()
    for name in ("Pacific/Kiritimati", "America/Los_Angeles"):
        zone = ZoneInfo(name)
        since, after = (
            datetime.combine(one, time(), zone)
            for one in (first, (first + timedelta(days=32)).replace(day=1))
        )
        (month,) = kpis.over_time(
            KPIS["cash to cash"], COMPANY, LATER, Asked(since, after, zone=name), "month"
        )
        assert month.name == first.isoformat()
