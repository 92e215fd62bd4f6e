"""returns.take_comebacks: what was sent again and comes back after all is in stock, and nobody is paid back for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, RequestReused
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder, OrderCancelled, cancel
from entrepot.orders.commands.place import PaymentGiven
from entrepot.returns import comeback_queries, errors, parcel_queries, tasks
from entrepot.returns.commands.expect_sent_back import ExpectSentBack, expect_sent_back
from entrepot.returns.commands.receive_parcels import (
    Content,
    ParcelReceived,
    ReceiveParcel,
    receive_parcels,
)
from entrepot.returns.commands.take_comebacks import (
    ADDRESS,
    BOTH,
    NEITHER,
    PART,
    ComebackTaken,
    ComebackUnits,
    TakeComeback,
    take_comebacks,
)
from entrepot.shipping import queries as shipping
from entrepot.shipping import tasks as shipping_tasks
from entrepot.shipping.commands.claim import AdvanceClaim, OpenClaim, advance_claims, open_claims
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.reship import Reship, Reshipped, reship
from entrepot.work import queries as work
from tests.back import HOME, RECEIVES, asked, back, policy, sent, trackings
from tests.commands.test_shipping_take_tracking import take
from tests.commands.test_shipping_trouble import tell, two_parcels
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.rules.test_easypost import a_message, detail
from tests.sizes import SIZES
from tests.walk import a_house, placed, queued, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    house.stock(1, 50)
    return house


def sent_again(house: Floor, *, leaves: bool = True) -> tuple[UUID, str, UUID]:
    """A shipment of two units that was sent again, its tracking number, and the order that sends its goods again."""
    (order,) = placed(house, 1, (0, 2), address=HOME)
    (shipment,) = shipped(order)
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "nobody has seen it")])
    assert isinstance(again, Reshipped), again
    if leaves:
        shipped(again.order)
    return shipment, shipping.shipment(shipment).tracking, again.order


def came(house: Floor, number: str, *content: tuple[Any, ...], **facts: Any) -> TakeComeback:
    """A parcel of units as (quantity, condition, SKU)."""
    goods = tuple(ComebackUnits(sku, n, condition) for n, condition, sku in content)
    return TakeComeback(COMPANY, house.nodes[0], number, goods, **facts)


def test_it_is_in_stock_by_its_condition_at_its_cost_and_nobody_is_paid(house: Floor):
    shipment, number, again = sent_again(house)
    before, cost, value = units(house.skus[0]), balance(5000), balance(1200)
    wanted = came(house, number.lower(), (1, "as new", "SKU-000"), (1, "damaged", "SKU-000"))
    (answer,) = take_comebacks(RECEIVES, requests=[wanted])
    assert answer == ComebackTaken(
        shipment, shipping.shipment(shipment).number, 2, 0, orders.order(again).number, "shipped", ""
    )
    assert units(house.skus[0]) == before + 1
    assert units(house.skus[0], "damaged") == 1
    moved = sql.run(
        "SELECT sum(value_minor)::int FROM stock_move WHERE document_id = %(id)s::uuid GROUP BY from_place"
        " ORDER BY from_place", {"id": shipment},
    )  # fmt: skip
    assert moved[0] == moved[1], "at what it had left with"
    assert (balance(5000) - cost, balance(1200) - value) == (-moved[0][0], moved[0][0])
    assert sql.run("SELECT id FROM returns_return") == sql.run("SELECT id FROM returns_refund") == []
    (twice,) = take_comebacks(RECEIVES, requests=[wanted])
    assert isinstance(twice, errors.NotOut)
    assert "these are out: -" in twice.message


def test_a_part_of_it_leaves_the_rest_out_and_its_trouble_open(house: Floor):
    shipment, number, _ = sent_again(house)
    (claim,) = open_claims(SYSTEM, requests=[OpenClaim(shipment, "lost")])
    (first,) = take_comebacks(RECEIVES, requests=[came(house, number, (1, "as new", "SKU-000"))])
    assert (first.units, first.out) == (1, 1)
    assert sql.run("SELECT state FROM shipping_claim") == [("open",)]
    (rest,) = take_comebacks(RECEIVES, requests=[came(house, number, (1, "unclear", "SKU-000"))])
    assert (rest.units, rest.out) == (1, 0)
    assert units(house.skus[0], "quarantined") == 1
    assert sql.run("SELECT state, reason FROM shipping_claim") == [("dropped", "it came back after all")]
    assert work.of_subject(claim.claim)[0].state == "done"


def test_a_carrier_that_agreed_to_a_claim_is_to_be_told(house: Floor):
    shipment, number, _ = sent_again(house)
    (claim,) = open_claims(SYSTEM, requests=[OpenClaim(shipment, "lost")])
    advance_claims(SYSTEM, requests=[AdvanceClaim(claim.claim, "agree")])
    advance_claims(SYSTEM, requests=[AdvanceClaim(claim.claim, "credit")])
    take_comebacks(RECEIVES, requests=[came(house, number, (2, "as new", "SKU-000"))])
    (item,) = work.items(COMPANY, kind="claim of what came back")
    assert (item.subject, item.role) == (claim.claim, "customer service")


def test_what_does_not_fit_is_refused_with_what_is_out_and_nothing_is_done(house: Floor):
    _, number, _ = sent_again(house)
    before = units(house.skus[0])
    refusals = take_comebacks(RECEIVES, requests=[
        came(house, "no such", (1, "as new", "SKU-000")),
        came(house, number),
        came(house, number, (1, "wet", "SKU-000")),
        came(house, number, (0, "as new", "SKU-000")),
        came(house, number, (1, "as new", "SKU-001")),
        came(house, number, (1, "as new", "a sock")),
        came(house, number, (1, "as new", "SKU-000"), (2, "damaged", "SKU-000")),
        came(house, number, (1, "as new", "SKU-000"), bin=ids.uuid7()),
    ])  # fmt: skip
    assert [type(one) for one in refusals] == [
        errors.NotSentAgain, Invalid, Invalid, Invalid, errors.NotOut, errors.NotOut, errors.NotOut, errors.NoBin,
    ]  # fmt: skip
    assert "these are out: 2 × SKU-000" in refusals[4].message
    assert units(house.skus[0]) == before
    assert sql.run("SELECT id FROM returns_comeback") == []


def test_a_serial_number_has_to_be_one_that_left(house: Floor):
    """What is not read is known where all of it came, or only one is out."""
    _, number, _ = sent_again(house)
    named = TakeComeback(
        COMPANY, house.nodes[0], number, (ComebackUnits("SKU-000", 1, "as new", serial="S-9"),)
    )
    (other,) = take_comebacks(RECEIVES, requests=[named])
    assert isinstance(other, errors.NotOut)
    assert "not one that left" in other.message


def test_who_was_given_twice_is_told_until_one_of_both_is_back(house: Floor):
    shipment, number, again = sent_again(house)
    assert [one.twice for one in comeback_queries.page(COMPANY)] == [""], "the first one may still be lost"
    deliver(SYSTEM, requests=[Delivered(shipment, NOW + timedelta(days=4))])
    (row,) = comeback_queries.page(COMPANY, twice=True)
    assert (row.shipment, row.again, row.twice, row.sent, row.back) == (shipment, again, "goods", 2, 0)
    (answer,) = take_comebacks(RECEIVES, requests=[came(house, row.number, (1, "as new", "SKU-000"))])
    assert answer.twice == "goods", "one of two is still with the customer"
    (answer,) = take_comebacks(RECEIVES, requests=[came(house, number, (1, "as new", "SKU-000"))])
    assert answer.twice == ""
    assert comeback_queries.page(COMPANY, twice=True) == []
    (row,) = comeback_queries.page(COMPANY)
    assert (row.back, row.came_at) == (2, NOW)


def test_the_address_of_a_second_parcel_is_looked_at_before_it_leaves(house: Floor):
    shipment, number, again = sent_again(house, leaves=False)
    (answer,) = take_comebacks(RECEIVES, requests=[came(house, number, (2, "as new", "SKU-000"))])
    assert answer.twice == ""
    (item,) = work.items(COMPANY, kind=ADDRESS)
    assert item.subject == shipment
    assert orders.order(again).number in item.reason


def test_a_return_of_it_ends_when_it_is_sent_again(house: Floor):
    """The carrier brings it back, and then somebody sends it again: it is not paid back as well."""
    (order,) = placed(house, 1, (0, 2), address=HOME)
    (shipment,) = shipped(order)
    number = shipping.shipment(shipment).tracking
    take(a_message(number, detail("return_to_sender", NOW + timedelta(days=4))))
    shipping_tasks.serve_trouble(SYSTEM, queued("trouble"))
    tasks.serve_sent_back(SYSTEM, queued("sent_back"))
    assert len(parcel_queries.expected(COMPANY, number)) == 1
    reship(SYSTEM, requests=[Reship(shipment, "the street was wrong")])
    tasks.serve_sent_back(SYSTEM, [shipment])
    tasks.serve_sent_back(SYSTEM, [shipment])
    assert parcel_queries.expected(COMPANY, number) == []
    assert sql.run("SELECT state FROM returns_return") == [("cancelled",)]
    (answer,) = take_comebacks(RECEIVES, requests=[came(house, number, (2, "as new", "SKU-000"))])
    assert (answer.units, answer.out) == (2, 0)
    assert work.items(COMPANY, kind=BOTH) == []


def brought_back(house: Floor) -> tuple[UUID, str]:
    """A shipment of two units that its carrier brings back and that a return waits for, and its tracking number."""
    (order,) = placed(house, 1, (0, 2), address=HOME)
    (shipment,) = shipped(order)
    number = shipping.shipment(shipment).tracking
    take(a_message(number, detail("return_to_sender", NOW + timedelta(days=4))))
    shipping_tasks.serve_trouble(SYSTEM, queued("trouble"))
    tasks.serve_sent_back(SYSTEM, queued("sent_back"))
    return shipment, number


def received(house: Floor, number: str, units: int) -> None:
    content = (Content("SKU-000", units, condition="fine"),)
    (answer,) = receive_parcels(RECEIVES, requests=[ReceiveParcel(COMPANY, house.nodes[0], content, number)])
    assert isinstance(answer, ParcelReceived), answer
    assert answer.received == units


def test_what_came_with_its_return_is_not_put_in_stock_a_second_time(house: Floor):
    """The carrier brings it back, it is received under its return, and sent again: its number is scanned again."""
    shipment, number = brought_back(house)
    received(house, number, 2)
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "the street was wrong")])
    shipped(again.order)
    tasks.serve_sent_back(SYSTEM, queued("sent_back"))
    before = units(house.skus[0])
    assert comeback_queries.out([shipment]) == {shipment: []}
    (answer,) = take_comebacks(RECEIVES, requests=[came(house, number, (2, "as new", "SKU-000"))])
    assert isinstance(answer, errors.NotOut), answer
    assert units(house.skus[0]) == before


def test_what_a_return_waits_for_comes_in_by_it_alone(house: Floor):
    """Until the return ends, which it does because its goods are sent again."""
    shipment, number = brought_back(house)
    reship(SYSTEM, requests=[Reship(shipment, "the street was wrong")])
    wanted = came(house, number, (1, "as new", "SKU-000"))
    (refused,) = take_comebacks(RECEIVES, requests=[wanted])
    assert isinstance(refused, errors.ComesWithReturn), refused
    (one,) = parcel_queries.expected(COMPANY, number)
    assert one.number in refused.message
    tasks.serve_sent_back(SYSTEM, queued("sent_back"))
    (answer,) = take_comebacks(RECEIVES, requests=[wanted])
    assert (answer.units, answer.out) == (1, 1)
    assert list(sql.run(comeback_queries.CHECK)) == []
    with transaction.atomic():
        sql.run("UPDATE returns_line SET cancelled = 0")
        sql.run("UPDATE returns_return SET state = 'authorized'")
        ((told,),) = sql.run(comeback_queries.CHECK)
        transaction.set_rollback(True)
    assert "1 units came back" in told
    assert "and 2 with a return, of 2 that left" in told


def test_what_is_not_sent_again_after_all_comes_back_as_if_it_never_was(house: Floor):
    """The second order is cancelled: a return waits for the goods, and they are strays where none does."""
    shipment, number, again = sent_again(house, leaves=False)
    (cancelled,) = cancel(SYSTEM, requests=[CancelOrder(again, "he no longer wants it")])
    assert isinstance(cancelled, OrderCancelled), cancelled
    wanted = ReceiveParcel(COMPANY, house.nodes[0], (Content("SKU-000", 2),), number)
    (parcel,) = receive_parcels(RECEIVES, requests=[wanted])
    (item,) = work.of_subject(parcel.strays[0])
    assert "nothing was announced" in item.reason
    (one,) = expect_sent_back(SYSTEM, requests=[ExpectSentBack(shipment)])
    assert one.number
    assert work.items(COMPANY, kind=BOTH) == []
    received(house, number, 2)


def test_who_has_neither_goods_nor_money_is_work_for_customer_service(house: Floor):
    """And what came back by itself is not expected in a return."""
    shipment, number, again = sent_again(house, leaves=False)
    cancel(SYSTEM, requests=[CancelOrder(again, "he no longer wants it")])
    (answer,) = take_comebacks(RECEIVES, requests=[came(house, number, (1, "as new", "SKU-000"))])
    assert (answer.again_state, answer.twice, answer.out) == ("cancelled", "", 1)
    (item,) = work.items(COMPANY, kind=NEITHER)
    assert (item.subject, item.role) == (shipment, "customer service")
    assert orders.order(again).number in item.reason
    assert work.items(COMPANY, kind=ADDRESS) == []
    expect_sent_back(SYSTEM, requests=[ExpectSentBack(shipment)])
    assert sql.run("SELECT quantity FROM returns_line") == [(1,)]


def test_goods_and_money_are_work_for_customer_service(house: Floor):
    """Money was given back without goods, the goods were sent again, and the first parcel comes back."""
    policy(refund_at="authorized")
    (shipment,) = sent(house, 1)
    ((order,),) = sql.run("SELECT order_id FROM shipping_shipment WHERE id = %(id)s", {"id": shipment})
    one = asked(order, 2)
    tasks.serve_decide_refund(SYSTEM, [one.return_id])
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "lost")])
    shipped(again.order)
    (row,) = comeback_queries.page(COMPANY, twice=True)
    assert (row.twice, row.paid_back) == ("money", 2)
    (answer,) = take_comebacks(
        RECEIVES, requests=[came(house, trackings([shipment])[0], (2, "as new", "SKU-000"))]
    )
    assert answer.twice == "money"
    (item,) = work.items(COMPANY, kind=BOTH)
    assert (item.subject, item.role) == (shipment, "customer service")


def test_a_customer_may_still_return_what_was_sent_again_at_its_cost(house: Floor):
    """He returns it on the order that he paid, and it bears what the second parcel had cost."""
    (shipment,) = sent(house, 1)
    ((order,),) = sql.run("SELECT order_id FROM shipping_shipment WHERE id = %(id)s", {"id": shipment})
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "lost")])
    shipped(again.order)
    take_comebacks(RECEIVES, requests=[came(house, trackings([shipment])[0], (2, "as new", "SKU-000"))])
    back(asked(order, 2))
    left, came_again = sql.run(
        "SELECT sum(m.value_minor)::int FROM stock_move AS m"
        " WHERE 'customer' IN (m.from_place, m.to_place) GROUP BY m.to_place = 'customer' ORDER BY 1"
    )
    assert left == came_again


def test_of_what_is_sent_again_in_part_the_rest_is_never_taken_for_it(house: Floor):
    """Of two parcels the first is lost and sent again alone; later the carrier brings the second one back."""
    shipment, first, second = two_parcels(house)
    tell(first, "l", detail("failure", exact="lost"))
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "lost")])
    shipped(again.order)
    tasks.serve_sent_back(SYSTEM, queued("sent_back"))
    assert [one.type for one in work.of_subject(shipment)] == ["parcel lost"], "the second is on its way"

    tell(second, "r", detail("return_to_sender", NOW + timedelta(days=4)))
    tasks.serve_sent_back(SYSTEM, queued("sent_back"))
    (item,) = [one for one in work.of_subject(shipment) if one.type == PART]
    assert "sent again in part" in item.reason
    (found,) = comeback_queries.sent_again([(COMPANY, second)]).values()
    assert (found.in_part, found.sent) == (True, 1)
    (stray,) = receive_parcels(RECEIVES, requests=[
        ReceiveParcel(COMPANY, house.nodes[0], (Content("SKU-000", 1, condition="fine"),), second)
    ])  # fmt: skip
    (asked_,) = work.of_subject(stray.strays[0])
    assert "sent again in part" in asked_.reason

    (more,) = take_comebacks(SYSTEM, requests=[came(house, second, (2, "as new", "SKU-000"))])
    assert (type(more), "1 × SKU-000" in more.facts["out"]) == (errors.NotOut, True)
    (taken,) = take_comebacks(SYSTEM, requests=[came(house, second, (1, "as new", "SKU-000"))])
    assert isinstance(taken, ComebackTaken)
    (none,) = take_comebacks(SYSTEM, requests=[came(house, second, (1, "as new", "SKU-000"))])
    assert isinstance(none, errors.NotOut), "no more was sent again"


def test_what_was_set_aside_with_a_question_is_answered(house: Floor):
    _, number, _ = sent_again(house)
    receive_parcels(RECEIVES, requests=[
        ReceiveParcel(COMPANY, house.nodes[0], (Content("SKU-000", 2), Content("a sock", 1)), number)
    ])  # fmt: skip
    assert len(parcel_queries.strays(COMPANY)) == 2
    take_comebacks(RECEIVES, requests=[came(house, number, (2, "as new", "SKU-000"))])
    assert [one.said for one in parcel_queries.strays(COMPANY)] == ["a sock"]


def test_of_what_was_set_aside_as_much_is_known_as_came_back(house: Floor):
    """Whoever put three of a kind aside, of which one was the parcel's, is still asked about the rest."""
    _, number, _ = sent_again(house)
    receive_parcels(RECEIVES, requests=[
        ReceiveParcel(COMPANY, house.nodes[0], (Content("SKU-000", n),), number) for n in (3, 1, 1)
    ])  # fmt: skip
    take_comebacks(RECEIVES, requests=[came(house, number, (1, "as new", "SKU-000"))])
    assert sorted(one.quantity for one in parcel_queries.strays(COMPANY)) == [1, 3]
    assert len(work.items(COMPANY, kind="goods nobody announced")) == 2
    take_comebacks(RECEIVES, requests=[came(house, number, (1, "damaged", "SKU-000"))])
    assert [one.quantity for one in parcel_queries.strays(COMPANY)] == [3]


def test_lines_of_one_sku_share_what_the_second_parcel_had_cost(house: Floor):
    house.stock(2, 1_000, cost=100_500)
    (order,) = placed(
        house, 1, (2, 1), (2, 1), address=HOME, payment=PaymentGiven("account", "an account", 2_998, NOW)
    )
    (shipment,) = shipped(order)
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "lost")])
    shipped(again.order)
    take_comebacks(RECEIVES, requests=[came(house, trackings([shipment])[0], (2, "as new", "SKU-002"))])
    back(asked(order, 1, 1))
    (home, left) = sql.run(
        "SELECT sum(quantity)::int, sum(value_minor)::int FROM stock_move WHERE sku_id = %(sku)s"
        " AND 'customer' IN (from_place, to_place) GROUP BY to_place = 'customer' ORDER BY to_place = 'customer'",
        {"sku": house.skus[2]},
    )
    assert home == left == (4, left[1])


def test_of_three_parcels_each_comes_back_at_its_own_cost(house: Floor):
    """The first two are lost and sent again, and come back in turn; the customer returns the third."""
    house.stock(2, 2, cost=2_000)
    (order,) = placed(
        house, 1, (2, 2), address=HOME, payment=PaymentGiven("account", "an account", 2_998, NOW)
    )
    (first,) = shipped(order)
    house.stock(2, 2, cost=6_001)
    (again,) = reship(SYSTEM, requests=[Reship(first, "lost")])
    (second,) = shipped(again.order)
    house.stock(2, 2, cost=14_000)
    (third,) = reship(SYSTEM, requests=[Reship(second, "lost as well")])
    shipped(third.order)
    numbers = trackings([first, second])
    take_comebacks(RECEIVES, requests=[came(house, numbers[1], (1, "as new", "SKU-002"))])
    take_comebacks(
        RECEIVES,
        requests=[came(house, one, (n, "as new", "SKU-002")) for one, n in zip(numbers, (2, 1), strict=True)],
    )
    back(asked(order, 2))
    moved = sql.run(
        "SELECT from_place = 'customer', quantity, value_minor::int FROM stock_move WHERE sku_id = %(sku)s"
        " AND 'customer' IN (from_place, to_place) ORDER BY id", {"sku": house.skus[2]},
    )  # fmt: skip
    assert [value for home, _, value in moved if not home] == [2_000, 6_001, 14_000]
    assert [(units, value) for home, units, value in moved if home] == [
        (1, 1_000), (2, 1_000 + 3_001), (1, 3_000), (2, 14_000),
    ]  # fmt: skip


def test_an_answer_is_given_again_for_its_key(house: Floor):
    _, number, _ = sent_again(house)
    wanted = came(house, number, (1, "as new", "SKU-000"), key="k")
    first = take_comebacks(RECEIVES, requests=[wanted])
    assert take_comebacks(RECEIVES, requests=[wanted]) == first
    (other,) = take_comebacks(RECEIVES, requests=[came(house, number, (2, "as new", "SKU-000"), key="k")])
    assert isinstance(other, RequestReused)


@pytest.mark.counts("returns.take_comebacks")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    for size in (1, *SIZES):
        found = sent(sold_house, size)
        reship(SYSTEM, requests=[Reship(one, "lost") for one in found])
        requests = [came(sold_house, number, (2, "as new", "SKU-000")) for number in trackings(found)]
        with statements():
            done = take_comebacks(RECEIVES, requests=requests)
        assert all(isinstance(one, ComebackTaken) for one in done)
