"""returns.offer_repairs, answer_repairs, settle_repairs, send_back and note_arrivals"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.insight import kpi_facts
from entrepot.kernel import policies, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, RequestReused, WrongState
from entrepot.returns import departure_queries, errors, portal_queries, queries, repair_queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.finish_work import FinishWork, finish_work
from entrepot.returns.commands.note_arrivals import (
    ArrivalNoted,
    NoteArrival,
    SentBackWatched,
    WatchSentBack,
    note_arrivals,
    watch_sent_back,
)
from entrepot.returns.commands.override import OverrideDisposition, override_dispositions
from entrepot.returns.commands.redispose import Redispose, Redisposed, redispose
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.repairs import (
    AnswerRepair,
    OfferRepair,
    RepairAnswered,
    RepairOffered,
    RepairSettled,
    SettleRepair,
    answer_repairs,
    offer_repairs,
    settle_repairs,
)
from entrepot.returns.commands.send_back import PartsSent, SendBack, send_back
from entrepot.returns.commands.verdicts import RefuseUnits, refuse_units
from entrepot.returns.commands.watch_repairs import RepairsWatched, WatchRepairs, watch_repairs
from entrepot.returns.commands.work_orders import (
    OpenWorkOrder,
    StartWork,
    WithdrawWork,
    open_work_orders,
    start_work,
    withdraw_work,
)
from entrepot.returns.onward import Onward, Outcome, Part
from entrepot.returns.repairing import Repairs
from entrepot.returns.tasks import serve_decide_refund
from tests.back import INSPECTS, asked_all, came, came_all, found, lines_of, policy, put, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, someone, units
from tests.onward import UNKNOWN, lines
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

SERVES = someone("sue")
OFFERS = Admission((Rule("we mend", outcomes=("repair", "refund", "exchange", "store_credit")),), ("",))


def kept(kind: str, body: Any) -> None:
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, kind, body, NOW - timedelta(days=1))])


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    policy(approve_above_minor=None)
    kept("returns.authorization", OFFERS)
    return house


def to_repair(
    house: Floor, count: int = 1, units_: int = 1, reason: str = "defective"
) -> list[tuple[Any, UUID]]:
    """Returns whose customers want repaired what came, with the dispositions of that."""
    asked = asked_all(sold(house, count, (0, units_)), units_, reason=reason, asked="repair")
    put(found(came_all(asked), "C"))
    made = dict(sql.run("SELECT return_id, id FROM returns_disposition WHERE disposition = 'repair'"))
    return [(one, made[one.return_id]) for one in asked]


def offered(disposition: UUID, quantity: int = 1, **facts: Any) -> RepairOffered:
    (answer,) = whole(
        offer_repairs(SERVES, requests=[OfferRepair(COMPANY, disposition, quantity, "a new coil", **facts)])
    )
    return answer


def order_of(repair: UUID) -> UUID:
    return sql.run("SELECT work_order_id FROM returns_repair WHERE id = %(id)s", {"id": repair})[0][0]


def worked(repair: UUID, **facts: Any) -> None:
    work_order = order_of(repair)
    whole(start_work(INSPECTS, requests=[StartWork(work_order)]))
    whole(finish_work(INSPECTS, requests=[FinishWork(work_order, **({"repaired": 1} | facts))]))


def one_repair(return_id: UUID) -> repair_queries.RepairRow:
    (row,) = repair_queries.repairs(COMPANY, return_id=return_id)
    return row


def step_of(return_id: UUID) -> str:
    (order,) = sql.run("SELECT order_id FROM returns_return WHERE id = %(id)s", {"id": return_id})[0]
    return next(one.step for one in portal_queries.returns_of(order) if one.id == return_id)


def test_a_repair_under_warranty_from_the_request_to_the_door_of_its_customer(house: Floor):
    """A unit that cost 100; the work takes a part of 70 out of stock, one bought for 30, and an hour."""
    kept("returns.onward", Onward(labor_minor_per_hour=2_000))
    house.stock(1, 3, cost=210)
    stock = balance(1200)
    ((one, disposition),) = to_repair(house)
    (before,) = queries.whole(one.return_id).inspections
    assert (before.proposed, before.why) == ("repair", "its customer wants it repaired")
    assert (units(house.skus[0], "refurbish"), balance(1200)) == (1, stock), "what left came back at its cost"

    answer = offered(disposition, told="We replace the coil.")
    assert answer == RepairOffered(answer.repair, f"RP-{NOW.year}-000001", "agreed", "warranty")
    worked(
        answer.repair,
        parts_minor=30,
        labor_minutes=60,
        parts=(Part(house.skus[1], 1),),
        told="It heats again.",
    )
    assert lines(order_of(answer.repair)) == {1200: -70, 2160: -2_030, 5360: 2_100}
    row = one_repair(one.return_id)
    assert (row.state, row.cost_minor, row.told, row.work_order_state) == (
        "repaired",
        2_100,
        "It heats again.",
        "finished",
    )
    assert repair_queries.to_send(one.return_id) == repair_queries.ToSend(1, ())

    (sent,) = send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "pp 77")])
    assert sent == PartsSent(sent.sent_back, 1)
    whole_ = queries.whole(one.return_id)
    assert (whole_.head.state, whole_.lines[0].repaired, whole_.lines[0].refunded) == ("closed", 1, 0)
    assert (units(house.skus[0], "refurbish"), balance(1200)) == (0, stock - 100 - 70)
    assert [(p.tracking, p.state, p.units) for p in repair_queries.sent_back(one.return_id)] == [
        ("PP77", "sent", 1)
    ]
    assert note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP77")]) == [ArrivalNoted("PP77", 1)]
    assert one_repair(one.return_id).state == "delivered"
    assert note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP77"), NoteArrival(COMPANY, "X1")]) == [
        ArrivalNoted("PP77", 0), ArrivalNoted("X1", 0),
    ]  # fmt: skip
    times = repair_queries.cycle_times(COMPANY, NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert [(each.step, each.repairs) for each in times] == [
        ("arrived to offered", 1), ("ordered to done", 1), ("done to sent", 1), ("sent to arrived", 1),
        ("all of it", 1),
    ]  # fmt: skip


def test_what_was_repaired_may_come_back_once_more(house: Floor):
    ((one, disposition),) = to_repair(house)
    worked(offered(disposition).repair)
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    (order,) = sql.run("SELECT order_id FROM returns_return WHERE id = %(id)s", {"id": one.return_id})[0]
    (again,) = whole(
        authorize(SERVES, requests=[Authorize(order, (Item(lines_of(order)[0], 1, "defective"),))])
    )
    put(found(came(again)))
    serve_decide_refund(SYSTEM, [again.return_id])
    assert queries.whole(again.return_id).lines[0].refunded == 1


def test_the_customer_agrees_to_the_price_of_what_is_not_the_houses_fault(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    (no,) = offer_repairs(SERVES, requests=[OfferRepair(COMPANY, disposition, 1, "a new coil")])
    assert no == Invalid(
        field="price_minor", expected="above 0, what the customer is asked to agree to", found=0
    )
    answer = offered(disposition, price_minor=1_200)
    assert (answer.state, answer.payer) == ("offered", "customer")
    assert one_repair(one.return_id).work_order is None, "nothing is done before he agrees"
    (early,) = send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")])
    assert early == errors.NothingToSend(number=one.number)

    assert answer_repairs(SERVES, requests=[AnswerRepair(answer.repair, True)]) == [
        RepairAnswered(answer.repair, "agreed")
    ]
    assert isinstance(answer_repairs(SERVES, requests=[AnswerRepair(answer.repair, False)])[0], WrongState)
    worked(answer.repair, parts_minor=500)
    assert lines(order_of(answer.repair)) == {2160: -500, 5365: 500}
    assert lines(answer.repair) == {}, "he owes nothing before it goes back to him"
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    row = one_repair(one.return_id)
    assert (row.state, row.price_minor, row.tax_minor) == ("sent", 1_200, 0), "his order bore no tax"
    assert lines(answer.repair) == {1150: 1_200, 4040: -1_200}


def test_what_is_its_customers_is_nothing_that_could_be_recovered(house: Floor):
    around = {
        "company": COMPANY,
        "since": NOW - timedelta(days=1),
        "until": NOW + timedelta(days=1),
        "now": NOW,
    }
    pairs = to_repair(house, 3)
    mends, fails, _ = (offered(disposition).repair for _, disposition in pairs)
    worked(mends)
    whole(send_back(SERVES, requests=[SendBack(pairs[0][0].return_id, "Parcel Post", "PP1")]))
    assert sql.run(kpi_facts.RECOVERED, around) == []
    worked(fails, repaired=0, failed=1)
    whole(settle_repairs(SERVES, requests=[SettleRepair(fails, "refund", "he wants his money")]))
    (row,) = sql.run(kpi_facts.RECOVERED, around)
    assert (row[3], row[-2:]) == ("repair", (100.0, 100.0)), "it is the house's, and stands in its workshop"


def test_a_price_that_is_declined_sends_the_unit_back_as_it_is(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    repair = offered(disposition, price_minor=900).repair
    answer_repairs(SERVES, requests=[AnswerRepair(repair, False)])
    assert repair_queries.to_send(one.return_id).unrepaired == ((repair, one_repair(one.return_id).number),)
    (none,) = send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")])
    assert none == errors.NothingToSend(number=one.number), "it goes only where somebody names it"
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1", (repair,))]))
    assert lines(repair) == {}
    assert (queries.whole(one.return_id).head.state, one_repair(one.return_id).state) == ("closed", "sent")


def test_what_can_not_be_repaired_is_refunded_by_agreement_and_is_the_houses(house: Floor):
    ((one, disposition),) = to_repair(house)
    repair = offered(disposition).repair
    worked(repair, repaired=0, failed=1, told="The board is broken.")
    (item,) = sql.run(
        "SELECT type, reason FROM work_item WHERE subject_id = %(id)s AND state <> 'done'",
        {"id": one.return_id},
    )
    assert item[0] == "repair failed"
    (no,) = settle_repairs(SERVES, requests=[SettleRepair(repair, "refund", " ")])
    assert isinstance(no, errors.ReasonNeeded)
    (no,) = settle_repairs(SERVES, requests=[SettleRepair(repair, "keep", "he said so")])
    assert isinstance(no, Invalid)
    assert settle_repairs(SERVES, requests=[SettleRepair(repair, "refund", "he wants his money")]) == [
        RepairSettled(repair, "refund")
    ]
    assert one.return_id in queued("decide_refund")
    serve_decide_refund(SYSTEM, [one.return_id])
    found_ = queries.whole(one.return_id)
    assert (found_.head.state, found_.head.asked, found_.lines[0].refunded) == ("closed", "refund", 1)
    (made,) = open_work_orders(INSPECTS, requests=[OpenWorkOrder(COMPANY, disposition, 1, "for parts")])
    start_work(INSPECTS, requests=[StartWork(made.work_order)])
    whole(finish_work(INSPECTS, requests=[FinishWork(made.work_order, scrapped=1)]))
    assert units(house.skus[0], "refurbish") == 0


def test_a_work_order_that_is_given_up_is_a_repair_that_failed(house: Floor):
    ((one, disposition),) = to_repair(house)
    repair = offered(disposition).repair
    whole(withdraw_work(INSPECTS, requests=[WithdrawWork(order_of(repair), "no parts are made any more")]))
    assert one_repair(one.return_id).state == "failed"
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1", (repair,))]))
    assert one_repair(one.return_id).state == "sent"


def test_while_others_are_in_repair_nothing_else_is_agreed_on(house: Floor):
    ((one, disposition),) = to_repair(house, units_=2)
    first, second = offered(disposition).repair, offered(disposition).repair
    worked(first, repaired=0, failed=1)
    wanted = SettleRepair(first, "refund", "he wants his money")
    assert settle_repairs(SERVES, requests=[wanted]) == [errors.RepairsOpen(number=one.number, units=1)]
    worked(second)
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    assert settle_repairs(SERVES, requests=[wanted]) == [RepairSettled(first, "refund")]
    serve_decide_refund(SYSTEM, [one.return_id])
    line = queries.whole(one.return_id).lines[0]
    assert (line.refunded, line.repaired, line.quantity) == (1, 1, 2)


def test_what_an_offer_can_not_be(house: Floor):
    ((_, disposition),) = to_repair(house)
    wanted = OfferRepair(COMPANY, disposition, 1, "a new coil")
    kept("returns.authorization", replace(OFFERS, business_tiers=()))
    ((consumer, claimed),) = to_repair(house)
    answers = offer_repairs(SERVES, requests=[
        replace(wanted, disposition=UNKNOWN), replace(wanted, company=COMPANY + 1), replace(wanted, plan=" "),
        replace(wanted, payer="nobody"), replace(wanted, payer="goodwill", price_minor=5), replace(wanted, quantity=0),
        replace(wanted, quantity=2), replace(wanted, disposition=claimed, payer="customer", price_minor=500),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [
        NotFound, NotFound, Invalid, Invalid, Invalid, Invalid, errors.MoreThanWaits, errors.RepairIsFree,
    ]  # fmt: skip
    assert answers[-1] == errors.RepairIsFree(number=consumer.number)
    assert offer_repairs(SERVES, requests=[OfferRepair(COMPANY, claimed, 1, "x")])[0].payer == "warranty"  # type: ignore[union-attr]
    (no,) = open_work_orders(INSPECTS, requests=[OpenWorkOrder(COMPANY, disposition, 1, "x")])
    assert no == Invalid(field="disposition", expected="refurbish", found="repair"), "it is its customer's"
    assert isinstance(answer_repairs(SERVES, requests=[AnswerRepair(UNKNOWN, True)])[0], NotFound)
    assert isinstance(settle_repairs(SERVES, requests=[SettleRepair(UNKNOWN, "refund", "x")])[0], NotFound)


def test_work_on_what_is_its_customers_ends_with_all_of_it_repaired_or_failed(house: Floor):
    ((_, disposition),) = to_repair(house, units_=2)
    repair = offered(disposition, 2).repair
    work_order = order_of(repair)
    start_work(INSPECTS, requests=[StartWork(work_order)])
    wanted = FinishWork(work_order)
    for wrong in (
        replace(wanted, outcomes=(Outcome(2, "A"),)), replace(wanted, scrapped=2), wanted, replace(wanted, repaired=1),
        replace(wanted, repaired=1, failed=1), replace(wanted, repaired=3),
    ):  # fmt: skip
        assert isinstance(finish_work(INSPECTS, requests=[wrong])[0], Invalid), wrong
    whole(finish_work(INSPECTS, requests=[replace(wanted, repaired=2)]))


def test_repairs_under_warranty_come_out_of_their_provision_where_there_is_one(house: Floor):
    kept("returns.repairs", Repairs(warranty_from="provision"))
    house.stock(1, 3, cost=210)
    ((_, disposition),) = to_repair(house)
    repair = offered(disposition).repair
    worked(repair, parts_minor=30, parts=(Part(house.skus[1], 1),))
    assert lines(order_of(repair)) == {1200: -70, 2160: -30, 2260: 100}
    ((_, kind),) = to_repair(house)
    kindly = offered(kind, payer="goodwill").repair
    worked(kindly, parts_minor=30)
    assert lines(order_of(kindly)) == {2160: -30, 5360: 30}


def test_refused_units_go_back_in_a_parcel_that_is_followed(house: Floor):
    asked = asked_all(sold(house, 1, (0, 1)), 1)[0]
    ((inspection, count),) = found(came(asked), "B")
    whole(
        refuse_units(SERVES, requests=[RefuseUnits(inspection.inspection, "swapped", "It is another one.")])
    )
    wanted = SendBack(asked.return_id, "Parcel Post", "PP9", key="k")
    assert send_back(SERVES, requests=[replace(wanted, key=None)]) == [
        errors.NothingToSend(number=asked.number)
    ]
    whole(dispose(INSPECTS, requests=[Dispose(inspection.inspection, count)]))
    (sent,) = whole(send_back(SERVES, requests=[wanted]))
    assert send_back(SERVES, requests=[wanted]) == [sent]
    assert isinstance(send_back(SERVES, requests=[replace(wanted, tracking="PP8")])[0], RequestReused)
    (seen,) = repair_queries.sent_back(asked.return_id)
    assert (seen.units, seen.state) == (1, "sent")
    assert note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "pp 9", lost=True)]) == [
        ArrivalNoted("PP9", 1)
    ]
    assert repair_queries.sent_back(asked.return_id)[0].state == "lost"
    assert items_of(asked.return_id) == ["parcel sent back was lost"]
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP9")])
    assert repair_queries.sent_back(asked.return_id)[0].state == "delivered", "it was found again"
    assert items_of(asked.return_id) == []
    others = send_back(SERVES, requests=[
        SendBack(UNKNOWN, "Parcel Post", "PP1"), SendBack(asked.return_id, "Parcel Post", " "),
        SendBack(asked.return_id, "", "PP1"), SendBack(asked.return_id, "Parcel Post", "PP9"),
        SendBack(asked.return_id, "Parcel Post", "PP10"),
    ])  # fmt: skip
    assert [type(one) for one in others] == [NotFound, Invalid, Invalid, Invalid, errors.NothingToSend]
    assert isinstance(note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, " ")])[0], Invalid)


def items_of(return_id: UUID) -> list[str]:
    statement = "SELECT type FROM work_item WHERE subject_id = %(id)s AND state <> 'done' ORDER BY type"
    return [kind for (kind,) in sql.run(statement, {"id": return_id})]


def test_somebody_asks_about_a_parcel_that_does_not_arrive(house: Floor):
    ((one, disposition),) = to_repair(house)
    worked(offered(disposition).repair)
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    for days, late in ((14, 0), (15, 1), (15, 1)):
        at = replace(SYSTEM, at=NOW + timedelta(days=days))
        assert watch_sent_back(at, requests=[WatchSentBack(COMPANY)]) == [SentBackWatched(COMPANY, late)]
    assert items_of(one.return_id) == ["parcel sent back is late"]
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP1")])
    assert items_of(one.return_id) == []


def test_repeated_requests_change_nothing(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    wanted = OfferRepair(COMPANY, disposition, 1, "a new coil", price_minor=900, key="o")
    (answer,) = offer_repairs(SERVES, requests=[wanted])
    assert offer_repairs(SERVES, requests=[wanted]) == [answer]
    assert isinstance(answer, RepairOffered)
    says = AnswerRepair(answer.repair, False, key="a")
    assert answer_repairs(SERVES, requests=[says]) == answer_repairs(SERVES, requests=[says])
    settles = SettleRepair(answer.repair, "store_credit", "he likes us", key="s")
    first = settle_repairs(SERVES, requests=[settles])
    assert settle_repairs(SERVES, requests=[settles]) == first
    assert isinstance(first[0], (errors.NoCustomer, RepairSettled))
    assert len(repair_queries.repairs(COMPANY, return_id=one.return_id)) == 1


@pytest.mark.counts(
    "returns.offer_repairs", "returns.answer_repairs", "returns.settle_repairs", "returns.send_back",
    "returns.note_arrivals",
)  # fmt: skip
def test_statements_are_equal_at_1_10_and_many(house: Floor, statements):
    for size in SIZES:
        with statements():
            goes, fails = (prepared(house, size) for _ in range(2))
            for repairs, became in ((goes, "repaired"), (fails, "failed")):
                whole(answer_repairs(SERVES, requests=[AnswerRepair(one, True) for one, _ in repairs]))
                work = orders_of([one for one, _ in repairs])
                whole(start_work(INSPECTS, requests=[StartWork(one) for one in work]))
                whole(finish_work(INSPECTS, requests=[FinishWork(one, **{became: 1}) for one in work]))
            whole(settle_repairs(SERVES, requests=[SettleRepair(one, "refund", "so") for one, _ in fails]))
            names = [f"P{size}-{place}" for place in range(size)]
            parcels = [SendBack(of, "Post", name) for (_, of), name in zip(goes, names, strict=True)]
            whole(send_back(SERVES, requests=parcels))
            whole(note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, name) for name in names]))


@pytest.mark.counts("returns.watch_sent_back")
def test_statements_do_not_grow_with_the_parcels_that_are_late(house: Floor, statements):
    late = 0
    for size in SIZES:
        goes = prepared(house, size)
        whole(answer_repairs(SERVES, requests=[AnswerRepair(one, False) for one, _ in goes]))
        parcels = [SendBack(of, "Post", f"W{size}-{place}", (one,)) for place, (one, of) in enumerate(goes)]
        whole(send_back(SERVES, requests=parcels))
        late += size
        with statements():
            wanted = [WatchSentBack(COMPANY, key=f"{size}-{place}") for place in range(size)]
            answers = watch_sent_back(replace(SYSTEM, at=NOW + timedelta(days=15)), requests=wanted)
        assert answers[0] == SentBackWatched(COMPANY, late)


def prepared(house: Floor, size: int) -> list[tuple[UUID, UUID]]:
    """Repairs that customers are asked to pay, with their returns."""
    pairs = to_repair(house, size, reason="changed_mind")
    offers = [OfferRepair(COMPANY, which, 1, "a coil", price_minor=900) for _, which in pairs]
    made = whole(offer_repairs(SERVES, requests=offers))
    return [(one.repair, of.return_id) for one, (of, _) in zip(made, pairs, strict=True)]


def orders_of(repairs: list[UUID]) -> list[UUID]:
    rows = sql.run(
        "SELECT work_order_id FROM returns_repair WHERE id = ANY(%(ids)s::uuid[])", {"ids": repairs}
    )
    return [which for (which,) in rows]


def test_what_is_in_repair_is_neither_refunded_nor_refused_nor_exchanged(house: Floor):
    ((one, disposition),) = to_repair(house)
    repair = offered(disposition).repair
    open_ = errors.RepairsOpen(number=one.number, units=1)
    assert refund(SERVES, requests=[Refund(one.return_id)]) == [open_]
    assert refund(SERVES, requests=[Refund(one.return_id, ((one.lines[0], 1),))]) == [open_]
    (inspection,) = queries.whole(one.return_id).inspections
    no = RefuseUnits(inspection.id, "swapped", "It is another one.", "keep", "he said so")
    assert refuse_units(SERVES, requests=[no]) == [open_]
    assert exchange(SERVES, requests=[Exchange(one.return_id, one.lines[0], 1, "SKU-001")]) == [open_]
    (still,) = close(SERVES, requests=[Close(one.return_id, "he is gone", without_refund=True)])
    assert isinstance(still, errors.NotDone)
    worked(repair)
    assert refund(SERVES, requests=[Refund(one.return_id)]) == [open_]
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    assert isinstance(refund(SERVES, requests=[Refund(one.return_id)])[0], errors.NothingToRefund)


def test_others_of_a_return_are_refunded_while_one_is_in_repair(house: Floor):
    ((one, disposition),) = to_repair(house, units_=2)
    repair = offered(disposition).repair
    whole(refund(SERVES, requests=[Refund(one.return_id)]))
    assert queries.whole(one.return_id).lines[0].refunded == 1
    (no,) = offer_repairs(SERVES, requests=[OfferRepair(COMPANY, disposition, 1, "a new coil")])
    assert no == errors.NotThatMuch(number=one.number, what="units", wanted=1, left=0)
    worked(repair)
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    assert queries.whole(one.return_id).lines[0].repaired == 1


def test_something_else_is_agreed_on_even_of_what_was_repaired_and_it_costs_nothing(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    repair = offered(disposition, price_minor=900).repair
    answer_repairs(SERVES, requests=[AnswerRepair(repair, True)])
    worked(repair)
    whole(settle_repairs(SERVES, requests=[SettleRepair(repair, "refund", "it took too long")]))
    serve_decide_refund(SYSTEM, [one.return_id])
    assert (queries.whole(one.return_id).head.state, lines(repair)) == ("closed", {})


def test_repairs_of_a_return_are_settled_together_and_alike(house: Floor):
    ((one, disposition),) = to_repair(house, units_=2)
    first, second = offered(disposition).repair, offered(disposition).repair
    worked(first, repaired=0, failed=1)
    both = [SettleRepair(which, "refund", "he wants his money") for which in (first, second)]
    answers = settle_repairs(SERVES, requests=both)
    assert [type(each) for each in answers] == [errors.RepairsOpen, WrongState], "the second is at work"
    worked(second, repaired=0, failed=1)
    answers = settle_repairs(SERVES, requests=[both[0], replace(both[1], instead="exchange")])
    assert [type(each) for each in answers] == [errors.RepairsOpen, Invalid], "one return asks for one thing"
    answers = settle_repairs(SERVES, requests=[*both, both[0]])
    assert [type(each) for each in answers] == [RepairSettled, RepairSettled, WrongState]
    serve_decide_refund(SYSTEM, [one.return_id])
    assert queries.whole(one.return_id).lines[0].refunded == 2


def test_what_was_agreed_on_for_one_is_not_paid_out_by_another_answer_for_the_next(house: Floor):
    ((one, disposition),) = to_repair(house, units_=2)
    first, second = offered(disposition).repair, offered(disposition).repair
    worked(first)
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    worked(second, repaired=0, failed=1)
    whole(settle_repairs(SERVES, requests=[SettleRepair(second, "exchange", "he wants another one")]))
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP1", lost=True)])
    (other,) = settle_repairs(SERVES, requests=[SettleRepair(first, "refund", "the carrier lost it")])
    assert isinstance(other, Invalid), "the exchange of the second is still to come"
    whole(settle_repairs(SERVES, requests=[SettleRepair(first, "exchange", "the carrier lost it")]))


def test_that_it_was_delivered_counts_before_that_it_was_lost_and_the_earliest_word_first(house: Floor):
    pairs = to_repair(house, 2)
    for place, (one, disposition) in enumerate(pairs):
        worked(offered(disposition).repair)
        whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", f"PP{place}")]))
    days = [NOW + timedelta(days=count) for count in (1, 2, 3)]
    note_arrivals(SYSTEM, requests=[
        NoteArrival(COMPANY, "PP0", occurred_at=days[2]), NoteArrival(COMPANY, "PP0", occurred_at=days[1]),
        NoteArrival(COMPANY, "PP0", lost=True, occurred_at=days[0]),
        NoteArrival(COMPANY, "PP1", lost=True, occurred_at=days[0]), NoteArrival(COMPANY, "PP1", occurred_at=days[2]),
        NoteArrival(COMPANY, "PP1", lost=True, occurred_at=days[1]),
    ])  # fmt: skip
    seen = [repair_queries.sent_back(one.return_id)[0] for one, _ in pairs]
    assert [(each.state, each.delivered_at) for each in seen] == [
        ("delivered", days[1]),
        ("delivered", days[2]),
    ]


def test_a_warranty_is_counted_from_the_delivery_whatever_the_window_is_counted_from(house: Floor):
    body = Admission((Rule("we mend", outcomes=("repair",), counted_from="order", window_days=1_000),), ("",))
    kept("returns.authorization", body)
    orders = sold(house, 1, (0, 1), occurred_at=NOW - timedelta(days=800))
    (one,) = asked_all(orders, 1, reason="defective", asked="repair")
    put(found(came(one), "C"))
    ((disposition,),) = sql.run("SELECT id FROM returns_disposition WHERE disposition = 'repair'")
    assert offered(disposition).payer == "warranty", (
        "it is new in his hands, and 800 days since he ordered it"
    )


def lost_on_its_way(house: Floor) -> tuple[Any, UUID]:
    """A repair that its customer agreed to pay, and that its carrier lost."""
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    repair = offered(disposition, price_minor=900).repair
    answer_repairs(SERVES, requests=[AnswerRepair(repair, True)])
    worked(repair)
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP1", lost=True)])
    return one, repair


def test_instead_of_what_was_lost_on_its_way_back_something_else_is_agreed_on(house: Floor):
    one, repair = lost_on_its_way(house)
    assert (one_repair(one.return_id).state, lines(repair)) == ("lost", {1150: 900, 4040: -900})
    assert items_of(one.return_id) == ["parcel sent back was lost"]
    whole(settle_repairs(SERVES, requests=[SettleRepair(repair, "refund", "the carrier lost it")]))
    assert {account: amount for account, amount in lines(repair).items() if amount} == {}
    assert items_of(one.return_id) == []
    serve_decide_refund(SYSTEM, [one.return_id])
    found_ = queries.whole(one.return_id)
    assert (found_.head.state, found_.lines[0].refunded, found_.lines[0].repaired) == ("closed", 1, 0)
    assert repair_queries.to_send(one.return_id) == repair_queries.ToSend(0, ())
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP1")])
    assert one_repair(one.return_id).state == "settled", "what was agreed on stands, though it was found"
    assert items_of(one.return_id) == ["parcel sent back arrived after all"], "he has both"


def test_work_about_one_repair_ends_without_that_about_another_of_its_return(house: Floor):
    ((one, disposition),) = to_repair(house, units_=2, reason="changed_mind")
    first, second = (offered(disposition, price_minor=900).repair for _ in range(2))
    answer_repairs(SERVES, requests=[AnswerRepair(first, False), AnswerRepair(second, False)])
    assert items_of(one.return_id) == ["repair failed"] * 2
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1", (first,))]))
    assert items_of(one.return_id) == ["repair failed"]
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP2", (second,))]))
    assert items_of(one.return_id) == []
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, one_, lost=True) for one_ in ("PP1", "PP2")])
    assert items_of(one.return_id) == ["parcel sent back was lost"] * 2
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP1")])
    assert items_of(one.return_id) == ["parcel sent back was lost"]


def test_what_was_refunded_before_its_repair_was_offered_is_the_houses(house: Floor):
    ((one, disposition),) = to_repair(house)
    wanted = [OpenWorkOrder(COMPANY, disposition, 1, "clean it")]
    assert isinstance(open_work_orders(INSPECTS, requests=wanted)[0], Refused)
    whole(refund(SERVES, requests=[Refund(one.return_id)]))
    assert repair_queries.waiting(COMPANY) == []
    (waits,) = departure_queries.waiting(COMPANY, "refurbish")
    assert (waits.disposition, waits.kind) == (disposition, "refurbish")
    whole(open_work_orders(INSPECTS, requests=wanted))
    assert departure_queries.waiting(COMPANY) == []


def test_what_was_lost_and_is_found_again_is_with_its_customer(house: Floor):
    one, repair = lost_on_its_way(house)
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP1")])
    assert (one_repair(one.return_id).state, lines(repair)) == ("delivered", {1150: 900, 4040: -900})
    (no,) = settle_repairs(SERVES, requests=[SettleRepair(repair, "refund", "the carrier lost it")])
    assert isinstance(no, WrongState)


def test_what_its_customer_asks_to_return_once_more_was_not_lost(house: Floor):
    one, repair = lost_on_its_way(house)
    (order,) = sql.run("SELECT order_id FROM returns_return WHERE id = %(id)s", {"id": one.return_id})[0]
    whole(authorize(SERVES, requests=[Authorize(order, (Item(lines_of(order)[0], 1, "defective"),))]))
    (no,) = settle_repairs(SERVES, requests=[SettleRepair(repair, "refund", "the carrier lost it")])
    assert no == errors.MoreThanSold(line=str(one.lines[0]), wanted=1, left=0)


def test_somebody_is_asked_about_a_price_that_was_declined(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    repair = offered(disposition, price_minor=900).repair
    answer_repairs(SERVES, requests=[AnswerRepair(repair, False)])
    assert items_of(one.return_id) == ["repair failed"]
    whole(settle_repairs(SERVES, requests=[SettleRepair(repair, "refund", "he wants his money")]))
    assert items_of(one.return_id) == []


def test_somebody_is_asked_about_a_repair_that_does_not_go_on(house: Floor):
    (one, disposition), (soon, other) = to_repair(house, 2, reason="changed_mind")
    offered(other, price_minor=900)

    def waits(days: int) -> int:
        at = replace(SYSTEM, at=NOW + timedelta(days=days))
        (answer,) = watch_repairs(at, requests=[WatchRepairs(COMPANY)])
        assert isinstance(answer, RepairsWatched)
        return answer.late

    assert [waits(days) for days in (3, 4, 4)] == [0, 2, 2]
    assert [items_of(each.return_id) for each in (one, soon)] == [["repair waits"], ["repair waits"]]
    repair = offered(disposition, payer="goodwill").repair
    assert waits(4) == 1, "the workshop has it"
    worked(repair)
    assert waits(4) == 2, "it is repaired, and not sent back"
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    assert waits(4) == 1
    assert [items_of(each.return_id) for each in (one, soon)] == [[], ["repair waits"]]


@pytest.mark.counts("returns.watch_repairs")
def test_statements_do_not_grow_with_the_repairs_that_wait(house: Floor, statements):
    late = 0
    for size in SIZES:
        prepared(house, size)
        late += size
        with statements():
            wanted = [WatchRepairs(COMPANY, key=f"{size}-{place}") for place in range(size)]
            answers = watch_repairs(replace(SYSTEM, at=NOW + timedelta(days=5)), requests=wanted)
        assert answers[0] == RepairsWatched(COMPANY, late)


def test_what_its_customer_wants_repaired_is_not_the_houses_to_sell(house: Floor):
    (one,) = asked_all(sold(house, 1, (0, 1)), 1, reason="defective", asked="repair")
    ((inspection, _),) = found(came(one), "C")
    which = inspection.inspection
    for instead in ("restock", "liquidate", "dispose"):
        (no,) = override_dispositions(SERVES, requests=[OverrideDisposition(which, instead, "so")])
        assert isinstance(no, Invalid), instead
        (no,) = dispose(SERVES, requests=[Dispose(which, 1, instead, reason="so")])
        assert isinstance(no, Invalid), instead
    whole(
        override_dispositions(SERVES, requests=[OverrideDisposition(which, "quarantine", "to be looked at")])
    )
    whole(override_dispositions(SERVES, requests=[OverrideDisposition(which, "repair", "it is harmless")]))
    whole(override_dispositions(SERVES, requests=[OverrideDisposition(which, "quarantine", "not yet")]))
    (apart,) = whole(dispose(SERVES, requests=[Dispose(which, 1)]))
    assert units(house.skus[0], "quarantined") == 1
    again = Redispose(COMPANY, apart.disposition_id, 1, "liquidate", "nobody wants it")
    assert isinstance(redispose(SERVES, requests=[again])[0], Invalid), "it is its customer's"
    (made,) = redispose(SERVES, requests=[replace(again, instead="repair")])
    assert isinstance(made, Redisposed)
    assert (units(house.skus[0], "quarantined"), units(house.skus[0], "refurbish")) == (0, 1)
    worked(offered(made.disposition_id).repair)
    whole(send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP1")]))
    assert queries.whole(one.return_id).head.state == "closed"


def test_something_else_is_agreed_on_before_any_repair_is_offered(house: Floor):
    (one,) = asked_all(sold(house, 1, (0, 1)), 1, reason="defective", asked="repair")
    ((inspection, _),) = found(came(one), "A")
    settles = SettleRepair(None, "refund", "it is as new, and he wants his money", return_id=one.return_id)
    answers = settle_repairs(SERVES, requests=[
        replace(settles, return_id=UNKNOWN), replace(settles, return_id=None), replace(settles, reason=" "),
        settles, settles,
    ])  # fmt: skip
    assert [type(each) for each in answers] == [
        NotFound, NotFound, errors.ReasonNeeded, RepairSettled, WrongState,
    ]  # fmt: skip
    whole(dispose(SERVES, requests=[Dispose(inspection.inspection, 1, "restock", reason="as new")]))
    serve_decide_refund(SYSTEM, [one.return_id])
    found_ = queries.whole(one.return_id)
    assert (found_.head.asked, found_.head.state, found_.lines[0].refunded) == ("refund", "closed", 1)


def test_nothing_else_is_agreed_on_for_a_return_while_some_of_it_is_in_repair(house: Floor):
    ((one, disposition),) = to_repair(house, units_=2)
    offered(disposition)
    settles = SettleRepair(None, "refund", "he wants his money", return_id=one.return_id)
    assert settle_repairs(SERVES, requests=[settles]) == [errors.RepairsOpen(number=one.number, units=1)]


def test_the_tax_in_a_price_is_as_that_on_the_goods_and_their_shipping_was(house: Floor):
    """Goods of 9.99 and shipping of 2.01 bore 2.40: a fifth."""
    orders = sold(house, 1, (0, 1), shipping_minor=201, tax_minor=240)
    (one,) = asked_all(orders, 1, reason="changed_mind", asked="repair")
    put(found(came(one), "C"))
    ((disposition,),) = sql.run("SELECT id FROM returns_disposition WHERE disposition = 'repair'")
    offered(disposition, price_minor=1_200)
    assert one_repair(one.return_id).tax_minor == 200


@pytest.mark.counts("returns.settle_repairs", "returns.note_arrivals")
def test_statements_do_not_grow_with_the_repairs_that_were_lost(house: Floor, statements):
    for size in SIZES:
        goes = prepared(house, size)
        whole(answer_repairs(SERVES, requests=[AnswerRepair(one, True) for one, _ in goes]))
        work = orders_of([one for one, _ in goes])
        whole(start_work(INSPECTS, requests=[StartWork(one) for one in work]))
        whole(finish_work(INSPECTS, requests=[FinishWork(one, repaired=1) for one in work]))
        names = [f"L{size}-{place}" for place in range(size)]
        parcels = [SendBack(of, "Post", name) for (_, of), name in zip(goes, names, strict=True)]
        whole(send_back(SERVES, requests=parcels))
        with statements():
            whole(note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, name, lost=True) for name in names]))
            whole(settle_repairs(SERVES, requests=[SettleRepair(one, "refund", "lost") for one, _ in goes]))
