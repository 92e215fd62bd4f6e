"""returns.announce_parcels, returns.receive_parcels and returns.decide_strays"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.returns import errors, parcel_queries, queries
from entrepot.returns.commands.announce import AnnounceParcel, ParcelAnnounced, announce_parcels
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.decide_strays import DecideStray, StrayDecided, decide_strays
from entrepot.returns.commands.receive_parcels import Content, ParcelReceived, ReceiveParcel, receive_parcels
from entrepot.work import queries as work
from tests.back import ASKS, INSPECTS, RECEIVES, asked, asked_all, came, sold
from tests.floor import COMPANY, Floor, units
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    house.stock(1, 50)
    return house


def announced(*returns: UUID, tracking: str = "jd 0146") -> None:
    answers = announce_parcels(ASKS, requests=[AnnounceParcel(one, tracking, "Post") for one in returns])
    assert all(isinstance(one, ParcelAnnounced) for one in answers), answers


def parcel(house: Floor, *content: tuple[str, int], tracking: str = "JD0146", **facts: Any) -> ReceiveParcel:
    goods = tuple(Content(said, n, condition="torn") for said, n in content)
    return ReceiveParcel(COMPANY, house.nodes[0], goods, tracking, **facts)


def test_returns_of_two_orders_come_in_one_parcel_with_more_less_and_other_things(house: Floor):
    first, second = (asked(order, 2) for order in sold(house, 2, (0, 2)))
    announced(first.return_id, second.return_id)
    announced(first.return_id)  # again: it stands once
    assert [row.units for row in parcel_queries.expected(COMPANY, " jd0146 ")] == [2, 2]
    in_stock = units(house.skus[1])

    content = (("SKU-000", 3), ("SKU-001", 1), ("a sock", 1))
    (answer,) = receive_parcels(RECEIVES, requests=[parcel(house, *content)])

    assert isinstance(answer, ParcelReceived)
    assert (answer.received, answer.missing, answer.returns) == (3, 1, (first.return_id, second.return_id))
    assert [queries.return_(one.return_id).received for one in (first, second)] == [2, 1]
    assert queries.whole(first.return_id).receipts[0].condition == "torn"
    strays = parcel_queries.strays(COMPANY)
    assert [(one.said, one.sku_code, one.why, one.bin, one.quantity) for one in strays] == [
        ("SKU-001", "SKU-001", "other", "QUARANTINE", 1), ("a sock", "", "unknown", "QUARANTINE", 1),
    ]  # fmt: skip
    assert units(house.skus[0], "pending_inspection") == 3
    assert units(house.skus[1]) == in_stock, "what is not ours is in no stock"
    assert units(house.skus[1], "pending_inspection") == 0
    (short,) = work.items(COMPANY, kind="return incomplete")
    assert (short.subject, short.role) == (second.return_id, "customer service")
    questions = work.items(COMPANY, kind="goods nobody announced")
    assert {one.subject for one in questions} == {one.id for one in strays}


def test_a_serial_number_stays_with_the_line_that_it_was_typed_beside(house: Floor):
    first, second = (asked(order, 1) for order in sold(house, 2, (0, 1)))
    announced(first.return_id, second.return_id)
    beside = {second.lines[0]: ("S-2", 700), first.lines[0]: ("S-1", 500)}
    content = tuple(
        Content("SKU-000", 1, "", serial, weight_g=weight, line=line)
        for line, (serial, weight) in beside.items()
    )
    (answer,) = receive_parcels(
        RECEIVES, requests=[ReceiveParcel(COMPANY, house.nodes[0], content, "JD0146")]
    )
    assert (answer.received, answer.strays) == (2, ())
    receipts = sql.run("SELECT return_line_id, serial, weight_g FROM returns_receipt")
    assert {line: (serial, weight) for line, serial, weight in receipts} == beside


def test_a_parcel_that_was_expected_may_be_empty(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    announced(one.return_id)
    empty, unknown = receive_parcels(RECEIVES, requests=[parcel(house), parcel(house, tracking="X9")])
    assert isinstance(empty, ParcelReceived)
    assert (empty.received, empty.missing, empty.returns, empty.strays) == (0, 2, (), ())
    (asks,) = work.items(COMPANY, kind="return incomplete")
    assert asks.subject == one.return_id
    assert isinstance(unknown, Invalid), "of one that nobody expects there has to be something to tell"


def test_a_slip_says_enough_where_nobody_told_of_the_parcel(house: Floor):
    """The customer was told to write the number of the return on it: that of an order does as well."""
    orders = sold(house, 3, (0, 2))
    first, second, third = (asked(order, 1) for order in orders)
    names = dict(sql.run("SELECT id, ARRAY[number, external_id] FROM orders_order"))
    number, external = names[orders[1]][0], names[orders[2]][1]
    for said, one in ((f" {first.number.lower()}", first), (number, second), (f"{external} ", third)):
        assert [row.return_id for row in parcel_queries.expected(COMPANY, said)] == [one.return_id], said
        assert parcel_queries.expected(COMPANY + 1, said) == [], "nor is it there for another company"
        (answer,) = receive_parcels(RECEIVES, requests=[parcel(house, ("SKU-000", 1), tracking=said)])
        assert (answer.received, answer.returns, answer.strays) == (1, (one.return_id,), ())
        assert parcel_queries.expected(COMPANY, said) == []
    (came,) = parcel_queries.meant(COMPANY, first.number)
    assert (came.number, came.state, came.received_by) == (first.number, "received", RECEIVES.actor.name)
    assert parcel_queries.meant(COMPANY, "no such number") == []

    (twice,) = receive_parcels(RECEIVES, requests=[parcel(house, ("SKU-000", 1), tracking=first.number)])
    assert (twice.received, len(twice.strays)) == (0, 1), "what is more than was announced is a question"


def test_an_order_that_came_back_before_says_nothing_of_a_parcel(house: Floor):
    (order,) = sold(house, 1, (0, 2))
    one = asked(order, 1)
    ((number,),) = sql.run("SELECT number FROM orders_order WHERE id = %(order)s", {"order": order})
    close(ASKS, requests=[Close(one.return_id, "kept after all")])
    assert parcel_queries.expected(COMPANY, number) == []
    assert parcel_queries.meant(COMPANY, number) == []
    (seen,) = parcel_queries.meant(COMPANY, one.number)
    assert (seen.number, seen.came_at) == (one.number, None)


def test_more_than_was_announced_and_a_parcel_without_a_number(house: Floor):
    one = asked(sold(house, 1, (0, 3))[0], 1)
    announced(one.return_id)
    more, blind = receive_parcels(
        RECEIVES, requests=[parcel(house, ("SKU-000", 2)), parcel(house, ("SKU-000", 1), tracking="")]
    )
    assert (more.received, len(more.strays), blind.received, len(blind.strays)) == (1, 1, 0, 1)
    assert [row.why for row in parcel_queries.strays(COMPANY)] == ["more", "unannounced"]


def test_a_question_ends_with_a_return_or_a_reason(house: Floor):
    (order,) = sold(house, 1, (0, 2))
    (answer,) = receive_parcels(RECEIVES, requests=[parcel(house, ("SKU-000", 1), ("a sock", 1), ("mud", 1))])
    mine, sock, mud = answer.strays
    late = asked(order, 1)

    answers = decide_strays(ASKS, requests=[
        DecideStray(mine, "matched", late.return_id),
        DecideStray(sock, "sent_back"),
        DecideStray(sock, "sent_back", reason="it belongs to a neighbor"),
        DecideStray(sock, "kept", reason="again"),
        DecideStray(mud, "thrown"),
        DecideStray(mud, "matched", ids.uuid7()),
        DecideStray(late.return_id, "kept", reason="none"),
    ])  # fmt: skip

    assert answers[0] == StrayDecided(mine, "matched")
    assert isinstance(answers[1], errors.ReasonNeeded)
    assert answers[2] == StrayDecided(sock, "sent_back")
    assert isinstance(answers[3], WrongState)
    assert [type(one) for one in answers[4:]] == [Invalid, NotFound, NotFound]
    assert [one.said for one in parcel_queries.strays(COMPANY)] == ["mud"]
    (left,) = work.items(COMPANY, kind="goods nobody announced")
    assert left.subject == mud
    (kept,) = parcel_queries.strays(COMPANY, state="matched")
    assert kept.return_id == late.return_id
    (to_do,) = work.items(COMPANY, kind="goods to take in")
    assert (to_do.subject, to_do.role) == (late.return_id, "returns inspector")
    assert f"1 of SKU-000 in bin QUARANTINE belong to return {late.number}" in to_do.reason
    came(late)
    assert work.items(COMPANY, kind="goods to take in") == []


def test_returns_that_could_take_a_stray_in_are_suggested_the_likeliest_first(house: Floor):
    by_sku, by_number, other, over = (asked(sold(house, 1, (n, 1))[0], 1) for n in (0, 0, 1, 0))
    announced(by_number.return_id, tracking="MINE")
    close(ASKS, requests=[Close(over.return_id, "changed his mind")])
    (answer,) = receive_parcels(
        RECEIVES, requests=[parcel(house, ("SKU-000", 1), ("a sock", 1), tracking="XX")]
    )
    stray, sock = answer.strays
    sql.run("UPDATE returns_stray SET tracking = 'MINE' RETURNING 1")
    found = parcel_queries.candidates(COMPANY, [stray, sock])
    assert [(one.return_id, one.why) for one in found[stray]] == [
        (by_number.return_id, "number"), (by_sku.return_id, "sku"),
    ]  # fmt: skip
    assert [one.return_id for one in found[sock]] == [by_number.return_id]
    assert parcel_queries.candidates(COMPANY + 1, [stray]) == {stray: []}
    assert other.return_id not in {one.return_id for one in found[stray]}


def test_a_return_that_could_not_take_it_in_is_refused(house: Floor):
    (answer,) = receive_parcels(RECEIVES, requests=[parcel(house, ("SKU-000", 1))])
    over, other = asked(sold(house, 1, (0, 1))[0], 1), asked(sold(house, 1, (1, 1))[0], 1)
    close(ASKS, requests=[Close(over.return_id, "changed his mind")])
    ended, foreign = decide_strays(ASKS, requests=[
        DecideStray(answer.strays[0], "matched", over.return_id),
        DecideStray(answer.strays[0], "matched", other.return_id),
    ])  # fmt: skip
    assert isinstance(ended, WrongState)
    assert isinstance(foreign, Invalid)
    assert "a return with SKU-000 in it" in foreign.message
    assert [row.state for row in parcel_queries.strays(COMPANY)] == ["open"]


def test_goods_to_take_in_of_a_return_that_ends_are_no_work(house: Floor):
    (answer,) = receive_parcels(RECEIVES, requests=[parcel(house, ("SKU-000", 1))])
    late = asked(sold(house, 1, (0, 2))[0], 1)
    decide_strays(ASKS, requests=[DecideStray(answer.strays[0], "matched", late.return_id)])
    assert len(work.items(COMPANY, kind="goods to take in")) == 1
    close(ASKS, requests=[Close(late.return_id, "changed his mind")])
    assert work.items(COMPANY, kind="goods to take in") == []


def test_refusals_leave_everything_as_it_was(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    announced(one.return_id)
    pick = house.bins[house.nodes[1], "pick"]
    answers = receive_parcels(RECEIVES, requests=[
        parcel(house, tracking="X9"), parcel(house, ("SKU-000", 0)), parcel(house, (" ", 1)),
        parcel(house, ("SKU-000", 1), bin=pick),
    ])  # fmt: skip
    assert [type(answer) for answer in answers] == [Invalid, Invalid, Invalid, errors.NoBin]
    (answer,) = receive_parcels(ASKS, requests=[parcel(house, ("SKU-000", 1))])
    assert isinstance(answer, DutiesApart)
    assert (queries.return_(one.return_id).received, parcel_queries.strays(COMPANY)) == (0, [])


def test_only_what_is_to_come_is_announced(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    close(ASKS, requests=[Close(one.return_id, "changed his mind")])
    unknown = ids.uuid7()
    ended, nothing, blank = announce_parcels(
        ASKS,
        requests=[
            AnnounceParcel(one.return_id, "X"),
            AnnounceParcel(unknown, "X"),
            AnnounceParcel(one.return_id, " "),
        ],
    )
    assert isinstance(ended, WrongState)
    assert nothing == NotFound(what="return", which=str(unknown))
    assert isinstance(blank, Invalid)


def test_a_key_gets_its_answer_again(house: Floor):
    wanted = parcel(house, ("a sock", 1), key="k")
    first = receive_parcels(RECEIVES, requests=[wanted])
    assert receive_parcels(RECEIVES, requests=[wanted]) == first
    assert len(parcel_queries.strays(COMPANY)) == 1
    other = parcel(house, ("a sock", 2), key="k")
    assert receive_parcels(RECEIVES, requests=[other]) == [
        RequestReused(key="k", command="returns.receive_parcels")
    ]


@pytest.mark.counts("returns.announce_parcels", "returns.receive_parcels", "returns.decide_strays")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    for size in (1, *SIZES):  # the first one makes the bucket that the others find
        returns = asked_all(sold(sold_house, size, (0, 2)), 2)
        trackings = [str(one.return_id) for one in returns]
        with statements() as ran:
            announce_parcels(
                ASKS,
                requests=[AnnounceParcel(r.return_id, t) for r, t in zip(returns, trackings, strict=True)],
            )
            came = receive_parcels(
                RECEIVES,
                requests=[
                    parcel(sold_house, ("SKU-000", 1), ("a sock", 1), tracking=one) for one in trackings
                ],
            )
            decided = decide_strays(
                INSPECTS,
                requests=[
                    DecideStray(one.strays[0], "matched", r.return_id)
                    for one, r in zip(came, returns, strict=True)
                ],
            )
        assert all(isinstance(one, StrayDecided) for one in decided)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1:] == [counts[1]] * 3
