"""returns.make_labels and returns.void_labels"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.returns import errors, label_queries, parcel_queries, queries
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.labels import (
    LabelMade,
    LabelVoided,
    MakeLabel,
    VoidLabel,
    make_labels,
    void_labels,
)
from entrepot.returns.commands.note_scans import NoteScan, note_scans
from entrepot.returns.commands.receive_parcels import Content, ParcelReceived, ReceiveParcel, receive_parcels
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.take_carrier_invoices import TakeCarrierInvoice, take_carrier_invoices
from tests.back import ASKS, HOME, RECEIVES, asked, asked_all, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    return house


def wrong(house: Floor, units: int = 2):
    """A return of what was not as described: the house pays for its way back."""
    return asked(sold(house, 1, (0, 2), address=HOME)[0], units, reason="damaged_in_transit")


def made(*returns, **facts) -> list[LabelMade]:
    answers = make_labels(ASKS, requests=[MakeLabel(one.return_id, **facts) for one in returns])
    assert all(isinstance(one, LabelMade) for one in answers), answers
    return answers


def owed() -> int:
    """What is accrued for carriage of returns."""
    (row,) = sql.run(
        "SELECT COALESCE(sum(amount_minor), 0)::bigint FROM ledger_line"
        " WHERE document_kind = 'return_label' AND account = 2150"
    )
    return -row[0]


def test_the_cheapest_takes_it_back_and_its_parcel_is_expected(house: Floor):
    one = wrong(house)
    (label,) = made(one)
    assert (label.carrier, label.service, label.cost_minor, label.currency) == ("Post", "slow", 300, "GBP")
    assert label.tracking == one.number
    assert label.fresh
    assert owed() == 300
    told = label_queries.of_return(one.return_id)
    assert told
    assert (told.id, told.tracking, told.address is not None) == (label.label, one.number, True)
    assert [row.number for row in parcel_queries.expected(COMPANY, one.number.lower())] == [one.number]
    goods = (Content("SKU-000", 2, condition="fine"),)
    (came,) = receive_parcels(
        RECEIVES, requests=[ReceiveParcel(COMPANY, house.nodes[0], goods, label.tracking)]
    )
    assert isinstance(came, ParcelReceived)
    assert (came.received, came.returns) == (2, (one.return_id,))


@pytest.mark.parametrize(("rate", "taken"), [("0.04", "krona"), ("0.8", "slow")])
def test_what_asks_in_another_currency_is_compared_by_its_rate_and_accrued_as_it_asks(
    house: Floor, rate: str, taken: str
):
    tables = "SEK", (("GB", "GB", "inland"),), (("inland", 30_000, 4_000),)
    register_services(
        SYSTEM, requests=[RegisterService(COMPANY, "Sea", "krona", "Krona", 3, 30_000, *tables)]
    )
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "SEK", NOW.date(), Decimal(rate))])
    (label,) = made(wrong(house))
    assert label.service == taken
    asks = {"krona": (4_000, "SEK", 4_000), "slow": (300, "GBP", 300)}
    assert (label.cost_minor, label.currency, owed()) == asks[taken]


def test_there_is_one_label_whoever_asks_how_often(house: Floor):
    one = wrong(house)
    first, second = make_labels(ASKS, requests=[MakeLabel(one.return_id, key="a"), MakeLabel(one.return_id)])
    (third,) = made(one)
    assert isinstance(first, LabelMade)
    assert first.fresh
    assert (second, third) == (second, second)
    assert (second.label, second.fresh) == (first.label, False)
    assert make_labels(ASKS, requests=[MakeLabel(one.return_id, key="a")]) == [first]
    assert owed() == 300


def test_what_is_refused(house: Floor):
    mine, closed, ours, far = (
        asked(order, 2, reason=reason)
        for order, reason in zip(
            sold(house, 4, (0, 2)), ("changed_mind", *["damaged_in_transit"] * 3), strict=True
        )
    )
    close(ASKS, requests=[Close(closed.return_id, "changed his mind")])
    sql.change(
        "UPDATE orders_order SET country = 'SE' WHERE id = (SELECT order_id FROM returns_return WHERE id = %(id)s)",
        {"id": far.return_id},
    )
    unknown = ids.uuid7()
    answers = make_labels(ASKS, requests=[
        MakeLabel(unknown), MakeLabel(mine.return_id), MakeLabel(closed.return_id), MakeLabel(far.return_id),
        MakeLabel(ours.return_id, service="teleport"),
    ])  # fmt: skip
    assert answers[0] == NotFound(what="return", which=str(unknown))
    assert answers[1] == errors.NoLabel(number=mine.number)
    assert isinstance(answers[2], WrongState)
    assert isinstance(answers[3], errors.NotCarriedBack)
    assert "does not go from SE to GB" in str(answers[3])
    assert isinstance(answers[4], errors.NotCarriedBack)
    assert owed() == 0


def test_what_was_bought_at_the_carrier_has_his_number(house: Floor):
    one, other = wrong(house), wrong(house)
    (label,) = made(one, service="fast", tracking="ab 12 34")
    assert (label.service, label.cost_minor, label.tracking) == ("fast", 900, "AB1234")
    (again,) = make_labels(ASKS, requests=[MakeLabel(other.return_id, tracking="AB1234")])
    assert isinstance(again, Invalid)
    assert again.facts["field"] == "tracking"


def test_a_voided_label_is_out_of_the_books_and_the_next_has_another_number(house: Floor):
    one = wrong(house)
    (label,) = made(one)
    nothing, voided, twice = void_labels(ASKS, requests=[
        VoidLabel(one.return_id, " "), VoidLabel(one.return_id, "lost", key="v"), VoidLabel(one.return_id, "lost"),
    ])  # fmt: skip
    assert isinstance(nothing, Invalid)
    assert voided == LabelVoided(one.return_id, label.label)
    assert isinstance(twice, NotFound)
    assert void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost", key="v")]) == [voided]
    assert owed() == 0
    assert label_queries.of_return(one.return_id) is None
    (second,) = made(one)
    assert second.tracking == f"{one.number}-2"
    assert owed() == 300
    # The first may still be on the parcel: whoever scans it finds the return.
    assert parcel_queries.expected(COMPANY, label.tracking)


def test_what_a_carrier_has_seen_is_owed(house: Floor):
    one = wrong(house)
    (label,) = made(one)
    note_scans(SYSTEM, requests=[NoteScan(COMPANY, label.tracking)])
    (refused,) = void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost")])
    assert isinstance(refused, WrongState)
    close(ASKS, requests=[Close(one.return_id, "it is lost on its way")])
    assert label_queries.of_return(one.return_id)
    assert owed() == 300


def test_the_label_of_what_does_not_come_is_void(house: Floor):
    one = wrong(house)
    made(one)
    close(ASKS, requests=[Close(one.return_id, "he keeps it")])
    head = queries.return_(one.return_id)
    assert head
    assert head.state == "cancelled"
    assert label_queries.of_return(one.return_id) is None
    assert owed() == 0


def test_the_carriers_invoice_releases_it(house: Floor):
    one = wrong(house)
    (label,) = made(one)
    bill = TakeCarrierInvoice(
        COMPANY, "Post", "INV-1", "GBP", 300, (Billed(label.tracking, 300),), NOW + timedelta(days=1)
    )
    (taken,) = take_carrier_invoices(SYSTEM, requests=[bill])
    assert (taken.state, taken.in_question) == ("settled", 0), taken
    (balance,) = sql.run(
        "SELECT sum(amount_minor)::bigint FROM ledger_line WHERE account = 2150 AND document_id = ANY(%(ids)s::uuid[])",
        {"ids": [label.label, taken.invoice]},
    )
    assert balance == (0,)


def test_the_label_holds_nothing_personal(house: Floor):
    one = wrong(house)
    made(one)
    (row,) = sql.run("SELECT to_jsonb(l)::text FROM returns_label AS l")
    assert not any(said in row[0] for said in (HOME.name, HOME.line1, HOME.city, HOME.email))


def several(house: Floor, count: int, *reasons: str, **facts):
    """Returns of as many orders of one customer."""
    given = reasons or ("damaged_in_transit",) * count
    return [
        asked(order, 2, reason=reason, **facts)
        for order, reason in zip(sold(house, count, (0, 2), address=HOME), given, strict=True)
    ]


def in_force(*returns) -> list[tuple[str, list[str]]]:
    found = [label_queries.of_return(one.return_id) for one in returns]
    return [(one.tracking, [number for number, _ in one.returns]) if one else ("", []) for one in found]


def test_returns_of_several_orders_in_one_parcel_have_one_label_and_one_receipt(house: Floor):
    first, second, third = several(house, 3, "damaged_in_transit", "changed_mind", "defective")
    (own,) = made(first)
    (label,) = make_labels(ASKS, requests=[
        MakeLabel(second.return_id, together=(first.return_id, third.return_id), key="all")
    ])  # fmt: skip
    assert isinstance(label, LabelMade), label
    assert (label.tracking, label.fresh) == (second.number, True)
    assert set(label.returns) == {first.return_id, second.return_id, third.return_id}
    numbers = sorted((first.number, second.number, third.number))
    assert in_force(first, second, third) == [(second.number, numbers)] * 3
    assert owed() == label.cost_minor, "one is accrued, and that of the first is not any more"
    assert sql.run("SELECT state FROM returns_label WHERE id = %(id)s", {"id": own.label}) == [("voided",)]
    assert made(first)[0].label == label.label, "whoever asks for one of them gets the same"
    again = make_labels(ASKS, requests=[MakeLabel(third.return_id, together=(first.return_id,))])
    assert [one.label for one in again] == [label.label]

    # By the number of the label, and by any other that stands on it or lies in it, all of it is expected.
    for number in (label.tracking, own.tracking, first.number, third.number):
        expected = parcel_queries.expected(COMPANY, number)
        assert sorted({row.number for row in expected}) == numbers, number
    goods = (Content("SKU-000", 6, condition="fine"),)
    (came,) = receive_parcels(
        RECEIVES, requests=[ReceiveParcel(COMPANY, house.nodes[0], goods, label.tracking)]
    )
    assert isinstance(came, ParcelReceived)
    assert (came.received, came.missing, came.strays) == (6, 0, ())
    assert set(came.returns) == set(label.returns)


def test_the_label_weighs_what_all_of_them_weigh(house: Floor):
    sql.change("UPDATE catalog_sku SET weight_g = 700", {})
    one, other = several(house, 2)
    made(one)
    make_labels(ASKS, requests=[MakeLabel(other.return_id, together=(one.return_id,))])
    told = label_queries.of_return(one.return_id)
    assert told and told.weight_g == 4 * 700


def test_what_can_not_be_in_one_parcel(house: Floor):
    one, node, country, closed = several(house, 4)
    (own,) = several(house, 1, "changed_mind")
    (also,) = several(house, 1, "changed_mind")
    sql.change(
        "UPDATE returns_return SET node_id = %(node)s WHERE id = %(id)s",
        {"node": house.nodes[1], "id": node.return_id},
    )
    sql.change(
        "UPDATE orders_order SET country = 'SE' WHERE id = (SELECT order_id FROM returns_return WHERE id = %(id)s)",
        {"id": country.return_id},
    )
    close(ASKS, requests=[Close(closed.return_id, "he keeps it")])
    unknown = ids.uuid7()
    answers = make_labels(ASKS, requests=[
        MakeLabel(one.return_id, together=(other,))
        for other in (unknown, node.return_id, country.return_id, closed.return_id)
    ] + [MakeLabel(own.return_id, together=(also.return_id,))])  # fmt: skip
    assert answers[0] == NotFound(what="return", which=str(unknown))
    assert isinstance(answers[1], errors.NotInOneParcel) and "different nodes" in str(answers[1])
    assert isinstance(answers[2], errors.NotInOneParcel) and "different countries" in str(answers[2])
    assert isinstance(answers[3], WrongState)
    assert answers[4] == errors.NoLabel(number=own.number), "the terms of none of them promise one"
    assert owed() == 0


def test_of_two_customers_nothing_is_in_one_parcel(house: Floor):
    one, other = several(house, 2)
    for each in (one, other):
        sql.change(
            "UPDATE returns_return SET customer_id = %(who)s WHERE id = %(id)s",
            {"who": ids.uuid7(), "id": each.return_id},
        )
    (refused,) = make_labels(ASKS, requests=[MakeLabel(one.return_id, together=(other.return_id,))])
    assert isinstance(refused, errors.NotInOneParcel) and "different customers" in str(refused)


def test_a_return_is_in_one_parcel_of_a_batch(house: Floor):
    one, other, third = several(house, 3)
    label, refused = make_labels(ASKS, requests=[
        MakeLabel(one.return_id, together=(other.return_id,)),
        MakeLabel(third.return_id, together=(other.return_id,)),
    ])  # fmt: skip
    assert isinstance(label, LabelMade)
    assert isinstance(refused, Invalid) and refused.facts["field"] == "together"


def test_what_a_carrier_has_is_not_put_into_another_parcel(house: Floor):
    one, other = several(house, 2)
    (label,) = made(one)
    note_scans(SYSTEM, requests=[NoteScan(COMPANY, label.tracking)])
    (refused,) = make_labels(ASKS, requests=[MakeLabel(other.return_id, together=(one.return_id,))])
    assert isinstance(refused, WrongState) and refused.facts["found"] == "scanned"
    assert in_force(one, other) == [(one.number, [one.number]), ("", [])]


def test_the_label_stands_until_nothing_comes_with_it(house: Floor):
    one, other = several(house, 2)
    make_labels(ASKS, requests=[MakeLabel(one.return_id, together=(other.return_id,))])
    close(ASKS, requests=[Close(one.return_id, "he keeps it")])
    assert in_force(one, other) == [("", []), (one.number, [other.number])]
    assert owed() == 300
    close(ASKS, requests=[Close(other.return_id, "he keeps it")])
    assert in_force(one, other) == [("", [])] * 2
    assert owed() == 0


def test_a_label_of_several_is_void_for_all_of_them(house: Floor):
    one, other = several(house, 2)
    make_labels(ASKS, requests=[MakeLabel(one.return_id, together=(other.return_id,))])
    first, second = void_labels(ASKS, requests=[
        VoidLabel(other.return_id, "lost"), VoidLabel(one.return_id, "lost")
    ])  # fmt: skip
    assert isinstance(first, LabelVoided) and isinstance(second, NotFound)
    assert in_force(one, other) == [("", [])] * 2
    assert owed() == 0
    (anew,) = made(other)
    assert anew.returns == (other.return_id,)


def test_of_who_is_asked_what_could_come_along(house: Floor):
    one, other, gone = several(house, 3)
    who = ids.uuid7()
    for each in (one, other, gone):
        sql.change(
            "UPDATE returns_return SET customer_id = %(who)s WHERE id = %(id)s",
            {"who": who, "id": each.return_id},
        )
    close(ASKS, requests=[Close(gone.return_id, "he keeps it")])
    assert [row.number for row in label_queries.mates(one.return_id)] == [other.number]
    make_labels(ASKS, requests=[MakeLabel(one.return_id, together=(other.return_id,))])
    assert label_queries.mates(one.return_id) == []


@pytest.mark.counts("returns.make_labels", "returns.void_labels")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    for size in (1, *SIZES):
        returns = asked_all(sold(sold_house, size, (0, 2)), 2, reason="damaged_in_transit")
        with statements() as ran:
            made(*returns)
            voided = void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost") for one in returns])
        assert all(isinstance(one, LabelVoided) for one in voided)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1:] == [counts[1]] * 3
