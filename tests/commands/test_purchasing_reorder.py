"""purchasing.review_reorders, propose_orders, accept_proposals, reject_proposals; and how suppliers keep their word"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access import queries as access
from entrepot.access.errors import DutiesApart
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, ready, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.parties.commands.register import RegisterOffer, register_offers
from entrepot.purchasing import performance, queries
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.change import ChangeOrder, change
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.confirm import ConfirmOrder, confirm
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.proposals import (
    AcceptProposal,
    ProposalOrdered,
    ProposalRejected,
    RejectProposal,
    accept_proposals,
    reject_proposals,
)
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.purchasing.commands.reorder import (
    OrdersProposed,
    ProposeOrders,
    ReordersReviewed,
    ReviewReorders,
    propose_orders,
    review_reorders,
)
from entrepot.purchasing.commands.send_orders import SendOrder, send_orders
from entrepot.purchasing.reordering import Reordering
from entrepot.stock.commands.move import CUSTOMER, At, Move, move_units
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import MANY, SIZES

pytestmark = pytest.mark.django_db

NIGHT = Cause(Actor("system:reorder", everything=True), NOW)
SOLD_DAYS, UNITS_A_DAY = 7, 2


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=2)


def delivered(house: Retailer, units: int, at: datetime, lead_days: int, sku: int = 0) -> UUID:
    """Units that were ordered and came so many days later, all good."""
    wanted = OrderGoods(
        1,
        house.supplier,
        house.node,
        "",
        ((house.skus[sku], units, Decimal("2.50")),),
        at - timedelta(days=lead_days),
    )
    (made,) = order(BUYER, requests=[wanted])
    receive(CLERK, requests=[ReceiveOrder(made.order, bin=house.pick, occurred_at=at)])
    return made.order


class Sold(NamedTuple):
    move: Move
    key: str | None = None


@command("test.sell")
def sell(cause: Cause, /, *, requests: Sequence[Sold]) -> list[int | Refused]:
    return list(move_units(cause, [one.move for one in requests]).values)


def asked_for(house: Retailer, stock: int = 10) -> None:
    """A SKU that sells two units on each day of the window, of which some are left; its offer."""
    register_offers(
        BUYER,
        requests=[RegisterOffer(house.supplier, house.skus[0], Decimal("2.50"), 12, 6, pack_quantity=12)],
    )
    delivered(house, stock + SOLD_DAYS * UNITS_A_DAY, NOW - timedelta(days=40), 8)
    shelf = At(house.skus[0], house.node, house.pick, 1)
    for day in range(SOLD_DAYS, 0, -1):
        at = NOW - timedelta(days=day)
        gone = Move(
            1,
            house.skus[0],
            UNITS_A_DAY,
            shelf,
            CUSTOMER,
            "sale",
            "test",
            ids.uuid7(),
            at,
            "stock.issue.sale",
        )
        sell(Cause(Actor("till", everything=True), at), requests=[Sold(gone)])


def set_policy(**fields) -> None:
    body = Reordering(window_days=SOLD_DAYS, **fields)
    wanted = policies.SetPolicy(1, "purchasing.reordering", body, NOW - timedelta(days=1))
    assert isinstance(policies.set_policy(BUYER, requests=[wanted])[0], policies.PolicySet)


def set_policy_later(minutes: int, **fields) -> None:
    body = Reordering(window_days=SOLD_DAYS, **fields)
    wanted = policies.SetPolicy(1, "purchasing.reordering", body, NOW - timedelta(minutes=minutes))
    assert isinstance(policies.set_policy(BUYER, requests=[wanted])[0], policies.PolicySet)


def proposed(house: Retailer) -> queries.Proposal:
    propose_orders(NIGHT, requests=[ProposeOrders(house.skus[0])])
    (found,) = queries.proposals(1)
    return found


# ---- proposals


def test_a_proposal_has_its_sum(house):
    asked_for(house)
    set_policy()

    answers = propose_orders(NIGHT, requests=[ProposeOrders(house.skus[0]), ProposeOrders(house.skus[1])])

    # d 2, σd 0, L 8 from one delivery, so no safety: 16 to reorder at, 30 up to; 10 are there, packs of 12
    assert answers == [OrdersProposed(house.skus[0], 1, 24, 0), OrdersProposed(house.skus[1], 0, 0, 0)]
    (found,) = queries.proposals(1)
    terms = found.terms
    assert (terms["demand"], terms["demand_deviation"], terms["lead_days"], terms["deliveries"]) == (
        2,
        0,
        8,
        1,
    )
    assert (terms["reorder_point"], terms["up_to"], terms["position"], terms["lacks"]) == (16, 30, 10, 20)
    assert (found.quantity, found.value_minor, found.supplier_name) == (24, 6000, "Mugs Ltd")


def test_a_sku_that_is_offered_in_another_currency_alone_is_proposed_in_it(house):
    asked_for(house)
    sql.change("DELETE FROM parties_offer", {})
    offers = [RegisterOffer(house.foreign_supplier, house.skus[0], Decimal(3), 12, 6, pack_quantity=12)]
    register_offers(BUYER, requests=offers)
    set_policy(order_value_max_minor=10_000)
    assert review_reorders(NIGHT, requests=[ReviewReorders(1)]) == [ReordersReviewed(1)]
    assert sql.run("SELECT abc, figure FROM purchasing_skuclass") == [
        ("C", 0)
    ]  # nobody said what a euro is worth
    (answer,) = propose_orders(NIGHT, requests=[ProposeOrders(house.skus[0])])
    assert answer == OrdersProposed(house.skus[0], 1, 24, 0)

    record_rates(BUYER, requests=[RecordRate(1, "EUR", NOW.date(), Decimal("0.9"))])
    set_policy_later(20, order_value_max_minor=6479)
    review_reorders(NIGHT, requests=[ReviewReorders(1)])
    figure = 100 * SOLD_DAYS * UNITS_A_DAY * Decimal("2.70")
    assert sql.run("SELECT abc, figure FROM purchasing_skuclass") == [("A", figure)]
    found = proposed(house)
    assert (found.unit_cost, found.value_minor, found.currency) == (3, 7200, "EUR")

    set_policy_later(10, order_value_max_minor=6480)  # 72.00 EUR are worth so much
    assert propose_orders(NIGHT, requests=[ProposeOrders(house.skus[0])])[0].ordered == 1


def test_an_offer_in_the_companys_currency_counts_before_a_cheaper_one(house):
    asked_for(house)
    set_policy()
    register_offers(BUYER, requests=[RegisterOffer(house.foreign_supplier, house.skus[0], Decimal(1), 12, 6)])
    record_rates(BUYER, requests=[RecordRate(1, "EUR", NOW.date(), Decimal("0.9"))])
    assert proposed(house).supplier_name == "Mugs Ltd"


def test_a_sku_is_served_by_its_class_as_the_night_measured_it_or_by_what_is_said_of_it(house):
    asked_for(house)
    ((code,),) = sql.run("SELECT code FROM catalog_sku WHERE id = %(id)s", {"id": house.skus[0]})
    offers = [RegisterOffer(house.supplier, sku, Decimal(9)) for sku in (house.skus[1], house.perishable)]
    register_offers(BUYER, requests=offers)
    set_policy(service_by_class={"A": 99.0, "C": 90.0})
    assert proposed(house).terms["service_by"] == "all"  # nobody measured it yet

    assert review_reorders(NIGHT, requests=[ReviewReorders(1)]) == [ReordersReviewed(3)]
    classes = dict(sql.run("SELECT sku_id, abc FROM purchasing_skuclass"))
    assert classes == {house.skus[0]: "A", house.skus[1]: "C", house.perishable: "C"}
    figure = 100 * SOLD_DAYS * UNITS_A_DAY * Decimal("2.50")
    assert sql.run("SELECT figure FROM purchasing_skuclass WHERE abc = 'A'") == [(figure,)]
    terms = proposed(house).terms
    assert (terms["service_percent"], terms["service_by"], terms["class"]) == (99, "class", "A")
    assert terms["z"] == 2.326

    own = Reordering(window_days=SOLD_DAYS, service_by_class={"A": 99.0}, service_of={code: 97.5})
    later = policies.SetPolicy(1, "purchasing.reordering", own, NOW - timedelta(hours=1))
    assert isinstance(policies.set_policy(BUYER, requests=[later])[0], policies.PolicySet)
    terms = proposed(house).terms
    assert (terms["service_percent"], terms["service_by"]) == (97.5, "sku")


def test_a_run_takes_the_place_of_the_one_before_and_what_is_ordered_counts_as_coming(house):
    asked_for(house)
    set_policy()
    first = proposed(house)
    second = proposed(house)
    assert first.number != second.number
    accept_proposals(BUYER, requests=[AcceptProposal(second.id)])
    propose_orders(NIGHT, requests=[ProposeOrders(house.skus[0])])
    assert queries.proposals(1) == []


def test_what_is_accepted_is_ordered_and_its_buyer_receives_nothing(house):
    asked_for(house)
    set_policy()
    found = proposed(house)

    answers = accept_proposals(
        BUYER,
        requests=[
            AcceptProposal(ids.uuid7()), AcceptProposal(found.id, 0), AcceptProposal(found.id, 36),
            AcceptProposal(found.id),
        ],
    )  # fmt: skip

    assert [type(one) for one in answers] == [NotFound, Invalid, ProposalOrdered, WrongState]
    (line,) = queries.lines(answers[2].order)
    assert (line.quantity, line.unit_cost) == (36, Decimal("2.50"))
    assert isinstance(receive(BUYER, requests=[ReceiveOrder(answers[2].order)])[0], DutiesApart)
    assert {(one.side, one.person) for one in access.duties_of(found.id)} == {
        ("propose", "system:reorder"), ("approve", "bea"),
    }  # fmt: skip


def test_invariant_16_whoever_proposed_does_not_accept(house):
    asked_for(house)
    set_policy()
    propose_orders(BUYER, requests=[ProposeOrders(house.skus[0])])
    (found,) = queries.proposals(1)
    assert isinstance(accept_proposals(BUYER, requests=[AcceptProposal(found.id)])[0], DutiesApart)
    with pytest.raises(psycopg.IntegrityError, match="must have taken the duty"), transaction.atomic():
        sql.run(
            "UPDATE purchasing_proposal SET state = 'ordered', order_id = id, decided_by = proposed_by RETURNING 1"
        )
    assert isinstance(accept_proposals(CLERK, requests=[AcceptProposal(found.id)])[0], ProposalOrdered)


def test_small_orders_are_placed_by_rule(house):
    asked_for(house)
    set_policy(order_value_max_minor=6000)
    (answer,) = propose_orders(NIGHT, requests=[ProposeOrders(house.skus[0])])
    assert answer.ordered == 1
    (found,) = queries.proposals(1, state="ordered")
    assert (found.decided_by, found.reason) == ("system:reorder", "within the value that is ordered by rule")
    assert queries.order(found.order).quantity == 24


def test_what_is_rejected_is_not_proposed_again_for_some_days(house):
    asked_for(house)
    set_policy()
    found = proposed(house)
    answers = reject_proposals(
        BUYER,
        requests=[
            RejectProposal(ids.uuid7(), "x"), RejectProposal(found.id, ""), RejectProposal(found.id, "too dear"),
            RejectProposal(found.id, "again"),
        ],
    )  # fmt: skip
    assert [type(one) for one in answers] == [NotFound, Invalid, ProposalRejected, WrongState]
    propose_orders(NIGHT, requests=[ProposeOrders(house.skus[0])])
    assert queries.proposals(1) == []
    set_policy(rejected_days=0)
    propose_orders(NIGHT, requests=[ProposeOrders(house.skus[0])])
    assert len(queries.proposals(1)) == 1


def test_all_that_is_offered_is_looked_at(house):
    asked_for(house)
    assert review_reorders(NIGHT, requests=[ReviewReorders(1)]) == [ReordersReviewed(1)]
    assert ready.claim("reorder", 9) == [house.skus[0]]


def test_a_key_gets_its_answer_again(house):
    asked_for(house)
    set_policy()
    wanted = AcceptProposal(proposed(house).id, key="k")
    assert accept_proposals(BUYER, requests=[wanted]) == accept_proposals(BUYER, requests=[wanted])


def count(statements, command, cause, requests) -> int:
    with statements() as ran:
        answers = command(cause, requests=requests)
    assert not any(isinstance(one, Refused) for one in answers)
    return len([text for text in ran.texts if "SAVEPOINT" not in text])


@pytest.mark.counts(
    "purchasing.review_reorders", "purchasing.propose_orders", "purchasing.accept_proposals",
    "purchasing.reject_proposals",
)  # fmt: skip
def test_statements_do_not_grow_with_the_batch(statements, house):
    asked_for(house)
    set_policy()
    counts: dict[int, list[int]] = {}
    for many in SIZES:
        counts[many] = [count(statements, review_reorders, NIGHT, [ReviewReorders(1)] * many)]
        skus = [house.skus[0], *(ids.uuid7() for _ in range(many - 1))]
        counts[many] += [count(statements, propose_orders, NIGHT, [ProposeOrders(sku) for sku in skus])]
        fresh = [RegisterSku(1, f"R{many}-{i}", "Thing") for i in range(many)]
        things = [one.id for one in register_skus(BUYER, requests=fresh)]
        for command_, request, said in (
            (reject_proposals, RejectProposal, ("x",)), (accept_proposals, AcceptProposal, ()),
        ):  # fmt: skip
            wanted = [request(_proposal(house, sku), *said) for sku in things]
            counts[many] += [count(statements, command_, BUYER, wanted)]
    assert counts[1] == counts[10] == counts[MANY], counts


def _proposal(house: Retailer, sku: UUID) -> UUID:
    which = ids.uuid7()
    columns = (
        "id", "number", "company_id", "sku_id", "node_id", "supplier_id", "quantity", "unit_cost", "value_minor",
        "terms", "state", "proposed_by", "proposed_at",
    )  # fmt: skip
    row = (
        which,
        f"T-{which}",
        1,
        sku,
        house.node,
        house.supplier,
        1,
        Decimal(1),
        1,
        "{}",
        "proposed",
        "x",
        NOW,
    )
    sql.write("purchasing_proposal", columns, [row])
    return which


# ---- suppliers


def test_suppliers_are_judged_by_what_came_when_how_much_and_how_good(house):
    at = NOW - timedelta(days=20)
    delivered(house, 10, at, 5)  # wanted after a week: on time and in full
    late = delivered(house, 10, at, 9)  # two days late
    assert queries.lines(late)[0].wanted_on == (at - timedelta(days=2)).date()
    part = OrderGoods(
        1, house.supplier, house.node, "", ((house.skus[0], 10, Decimal(1)),), at - timedelta(days=7)
    )
    (made,) = order(BUYER, requests=[part])
    (line,) = queries.lines(made.order)
    confirm(BUYER, requests=[ConfirmOrder(made.order, ((line.id, 10, at.date() + timedelta(days=1)),))])
    confirm(BUYER, requests=[ConfirmOrder(made.order, ((line.id, 8, at.date() + timedelta(days=9)),))])
    counted = ((line.id, 6), (line.id, 2, "", None, "damaged", "wet"))
    receive(CLERK, requests=[ReceiveOrder(made.order, counted, occurred_at=at)])  # on time, short, two bad

    today = NOW.date()
    (found,) = performance.of_suppliers(1, since=at.date() - timedelta(days=9), until=today, today=today)

    assert (found.lines, found.came, found.on_time, found.in_full, found.both) == (3, 3, 2, 2, 1)
    assert (found.units, found.bad) == (28, 2)
    assert found.lead_days == pytest.approx(7)
    assert found.lead_deviation == pytest.approx(2)
    assert performance.of_suppliers(1, since=today, until=today + timedelta(days=1), today=today) == []


def judged(since: datetime) -> tuple[int, int]:
    """Lines that were due, and those of them that were on time."""
    today = NOW.date()
    rows = performance.of_suppliers(1, since=since.date() - timedelta(days=30), until=today, today=today)
    return sum(one.lines for one in rows), sum(one.on_time for one in rows)


def test_a_suppliers_lines_and_figures_are_told_together_as_they_are_apart(house, statements):
    at = NOW - timedelta(days=20)
    for units, lead in ((10, 5), (7, 9), (3, 4)):
        delivered(house, units, at, lead)
    asked = {"since": at.date() - timedelta(days=30), "until": NOW.date(), "today": NOW.date()}
    with statements() as ran:
        figures, lines = performance.of_supplier(1, house.supplier, **asked, limit=2)
    assert len(ran.texts) == 1
    assert [figures] == performance.of_suppliers(1, **asked)
    assert lines == performance.of_supplier(1, house.supplier, **asked)[1][:2] and figures.lines == 3
    assert [(one.quantity, one.came, one.bad) for one in lines] == [(3, 3, 0), (10, 10, 0)]
    assert performance.of_supplier(1, ids.uuid7(), **asked) == (None, [])


def test_a_line_that_the_buyer_moved_is_due_on_the_day_that_was_asked_for_then(house):
    at = NOW - timedelta(days=40)
    asked = OrderGoods(1, house.supplier, house.node, "", ((house.skus[0], 10, Decimal(1)),), at)
    moved, again = order(BUYER, requests=[asked, asked])
    first, later = at.date() + timedelta(days=5), at.date() + timedelta(days=20)
    for one in (moved, again):
        (line,) = queries.lines(one.order)
        confirm(BUYER, requests=[ConfirmOrder(one.order, ((line.id, 10, first),))])
        change(BUYER, requests=[ChangeOrder(one.order, ((line.id, None, None, later),))])
    confirm(BUYER, requests=[ConfirmOrder(again.order, ((line.id, 10, later - timedelta(days=2)),))])
    for one in (moved, again):
        receive(
            CLERK, requests=[ReceiveOrder(one.order, bin=house.pick, occurred_at=at + timedelta(days=19))]
        )

    assert judged(at) == (2, 1), (
        "what was confirmed of the first day says nothing of the other; of that it does"
    )
    due = performance.of_supplier(1, house.supplier, since=at.date(), until=NOW.date(), today=NOW.date())[1]
    assert {one.order: one.due_on for one in due} == {
        moved.order: later, again.order: later - timedelta(days=2)
    }  # fmt: skip


def test_a_cancelled_order_ended_when_it_was_cancelled_however_late_it_is_mailed(house):
    at = NOW - timedelta(days=40)
    asked = OrderGoods(
        1,
        house.supplier,
        house.node,
        "",
        ((house.skus[0], 10, Decimal(1)),),
        at,
        wanted_on=NOW.date() - timedelta(days=20),
    )
    (made,) = order(BUYER, requests=[asked])
    cancel(BUYER, requests=[CancelOrder(made.order, "not needed", occurred_at=NOW - timedelta(days=30))])
    assert judged(at) == (0, 0), "called off before its day"
    send_orders(BUYER, requests=[SendOrder(made.order, "orders@mugs.example")])
    assert judged(at) == (0, 0)


def test_what_is_not_due_yet_is_not_late(house):
    """A line whose day is not over counts when all of it came: the rest of it may come still."""
    goods = ((house.skus[0], 10, Decimal(1)),)
    whole, part, _ = order(BUYER, requests=[OrderGoods(1, house.supplier, house.node, "", goods)] * 3)
    receive(CLERK, requests=[ReceiveOrder(whole.order)])
    (line,) = queries.lines(part.order)
    receive(CLERK, requests=[ReceiveOrder(part.order, ((line.id, 6),))])
    span = {"since": NOW.date(), "until": NOW.date() + timedelta(days=90)}
    (found,) = performance.of_suppliers(1, **span, today=line.wanted_on)
    assert (found.lines, found.on_time, found.in_full) == (1, 1, 1)
    assert len(performance.of_supplier(1, house.supplier, **span, today=line.wanted_on)[1]) == 1
    (found,) = performance.of_suppliers(1, **span, today=line.wanted_on + timedelta(days=1))
    assert (found.lines, found.on_time, found.in_full) == (3, 2, 1)


@pytest.mark.parametrize(("ends", "counts"), [(-3, 0), (0, 0), (1, 1), (9, 1)])
@pytest.mark.parametrize("by", ["cancelled", "given up"])
def test_what_was_ended_after_its_day_without_a_unit_is_a_failure(house, ends, counts, by):
    """Ended in time it is nobody's fault; another line of the order keeps what is given up from being cancelled."""
    goods = tuple((sku, 10, Decimal(1)) for sku in house.skus[: 1 if by == "cancelled" else 2])
    asked = OrderGoods(1, house.supplier, house.node, "", goods, NOW - timedelta(days=20))
    (made,) = order(BUYER, requests=[asked])
    line, *others = queries.lines(made.order)
    if others:
        receive(CLERK, requests=[ReceiveOrder(made.order, ((others[0].id, 10),))])
    at = NOW + (line.wanted_on - NOW.date()) + timedelta(days=ends)
    if by == "cancelled":
        cancel(BUYER, requests=[CancelOrder(made.order, "never came", occurred_at=at)])
    else:
        close_rest(BUYER, requests=[CloseRest(made.order, "never came", (line.id,), occurred_at=at)])
    span = {"since": line.wanted_on, "until": line.wanted_on + timedelta(days=1), "today": NOW.date()}
    due = performance.of_supplier(1, house.supplier, **span)[1]
    assert [(one.quantity, one.came) for one in due if one.sku == line.sku] == [(10, 0)] * counts
