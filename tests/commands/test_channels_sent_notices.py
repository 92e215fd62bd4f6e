"""channels.take_documents: ship notices of X12 about what a supplier has sent to a customer himself"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.channels.commands.take_documents import DocumentTaken, TakeDocument, take_documents
from entrepot.insight import finding, pages
from entrepot.kernel import policies, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.shipping import queries as shipping
from entrepot.shipping.commands.take_tracking import TakeTracking, TrackingTaken, take_tracking
from entrepot.shipping.commands.watch import (
    AnswerTrouble,
    SilenceWatched,
    TroubleAnswered,
    WatchSilence,
    answer_trouble,
    watch_silence,
)
from entrepot.work import queries as work
from tests import x12
from tests.drop import NOTICES, a_supplier, asked, passed_on, places, profile
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, someone
from tests.retailer import BUYER, a_retailer
from tests.rules.test_easypost import a_message, detail

pytestmark = pytest.mark.django_db
NUMBER = "1Z999AA10123456784"
PARCELS = ("1Z999AA10123457096", "1Z999AA10123457194")


@pytest.fixture
def floor(db: None) -> Floor:
    floor = a_floor()
    a_supplier(floor, skus=(0, 1))
    profile()
    return floor


def a_drop_ship(floor: Floor, *lines: tuple[int, int]) -> tuple[UUID, UUID, str]:
    """A sales order, its drop-ship order and that one's number."""
    sold = passed_on(floor, *(lines or ((0, 3), (1, 2))))
    which = asked(sold)
    found = queries.drop_ship(which)
    assert found
    return sold, which, found.number


def taken(*notices: x12.Lines, control: str = "1") -> DocumentTaken:
    text = x12.document(*notices, control=control)
    (answer,) = take_documents(NOTICES, requests=[TakeDocument(COMPANY, text)])
    assert isinstance(answer, DocumentTaken)
    return answer


def a_notice(reference: str, number: str, *items: x12.Level, **facts: str) -> x12.Lines:
    facts = {"tracking": NUMBER} | facts
    return x12.notice(reference, x12.order(number, *items), **facts)  # type: ignore[arg-type]


def problems(found: DocumentTaken) -> list[str]:
    return [one.problem for one in found.notices]


def items() -> list[str]:
    return [one for (one,) in sql.run("SELECT type FROM work_item WHERE state = 'open' ORDER BY id")]


def test_what_a_supplier_has_sent_is_shipped_with_his_carrier_and_number(floor: Floor):
    sold, which, number = a_drop_ship(floor)
    lines = (x12.item("SKU-000", 2), x12.item("SKU-001", 2), x12.item("SKU-000", 1))
    found = taken(a_notice("N1", number, *lines))
    (told,) = found.notices
    assert (told.units, told.packages, told.problem, told.is_fresh) == (5, 0, "", True)
    (shipment,) = shipping.of_order(sold)
    assert (told.number, shipment.carrier, shipment.tracking) == (shipment.number, "UPS", NUMBER)
    assert places(sold) == [{"shipped": 3}, {"shipped": 2}]
    assert queries.drop_ship(which).state == "shipped"
    assert "AK5*A~" in found.acknowledgement
    assert sql.run("SELECT count(*) FROM purchasing_notice") == [(0,)]

    again = taken(a_notice("N1", number, *lines))
    assert (again.is_fresh, again.notices[0].number, again.notices[0].is_fresh) == (False, told.number, False)
    assert len(shipping.of_order(sold)) == 1


def in_parcels(number: str, whole_: str = "", others: tuple[str, ...] = PARCELS) -> x12.Lines:
    """All of a drop-ship order of two lines, each in a parcel of its own; the first is named twice."""
    first, second = others
    packages = (
        x12.Level("P", [("MAN", "CP", first), ("MAN", "CP", first)], [x12.item("SKU-000", 3)]),
        x12.Level("P", [("MAN", "CP", second)], [x12.item("SKU-001", 2)]),
    )
    return x12.notice("N1", x12.order(number, *packages), tracking=whole_)


def arrived(number: str, hours: int) -> TrackingTaken | Refused:
    told = a_message(number, detail("delivered", NOW + timedelta(hours=hours)), name=f"{number}{hours}")
    (taken_,) = take_tracking(SYSTEM, requests=[TakeTracking(COMPANY, "easypost", told)])
    return taken_


def test_every_parcel_of_a_notice_is_known_and_the_last_to_arrive_delivers_it(floor: Floor):
    sold, _, number = a_drop_ship(floor)
    assert problems(taken(in_parcels(number))) == [""]
    (shipment,) = shipping.of_order(sold)
    assert (shipment.tracking, shipment.parcels) == (PARCELS[0], PARCELS)
    assert [one.numbers for one in pages.shipments(order=sold)] == [PARCELS]
    (body,) = [body for (body,) in sql.run("SELECT body FROM kernel_delivery WHERE topic = 'order.shipped'")]
    assert (body["tracking"], tuple(body["numbers"])) == (PARCELS[0], PARCELS)
    assert [(one.kind, one.id) for one in finding.find(company=COMPANY, text=PARCELS[1])] == [
        ("shipment", shipment.id)
    ]

    assert arrived(PARCELS[1], 30) == TrackingTaken("done", 1, 0)
    assert shipping.shipment(shipment.id).state == "shipped"
    assert arrived(PARCELS[0], 20) == TrackingTaken("done", 1, 1)
    assert shipping.shipment(shipment.id).delivered_at == NOW + timedelta(hours=30)
    assert places(sold) == [{"delivered": 3}, {"delivered": 2}]


def test_the_parcels_that_nobody_sees_are_work_where_others_of_the_shipment_arrived(floor: Floor):
    rules = {"reship": ["lost"], "claim": ["lost"]}
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "shipping.trouble", rules, NOW)])
    sold, _, number = a_drop_ship(floor)
    taken(in_parcels(number))
    (shipment,) = shipping.of_order(sold)
    arrived(PARCELS[0], 20)
    late = replace(SYSTEM, at=NOW + timedelta(days=15))
    watched = [WatchSilence(COMPANY), WatchSilence(COMPANY)]
    assert watch_silence(late, requests=watched) == [SilenceWatched(COMPANY, 1)] * 2
    assert watch_silence(late, requests=[WatchSilence(COMPANY)]) == [SilenceWatched(COMPANY, 0)]
    lost = [one.tracking for one in shipping.carrier_events(shipment.id) if one.kind == "lost"]
    assert lost == [PARCELS[1]]
    (item,) = work.of_subject(shipment.id)
    assert (item.type, PARCELS[1] in item.reason, PARCELS[0] in item.reason) == ("parcel lost", True, False)

    answers = answer_trouble(late, requests=[AnswerTrouble(shipment.id)])
    assert answers == [TroubleAnswered(shipment.id, (), reshipped=False)]
    assert shipping.claims(COMPANY) == []
    arrived(PARCELS[1], 24 * 16)
    answer_trouble(late, requests=[AnswerTrouble(shipment.id)])
    assert [one.state for one in work.of_subject(shipment.id)] == ["done"]


@pytest.mark.parametrize("of_one", [False, True])
def test_the_number_of_the_whole_delivers_it_where_no_parcel_bears_it(floor: Floor, of_one: bool):
    sold, _, number = a_drop_ship(floor)
    whole_ = PARCELS[0] if of_one else NUMBER
    taken(in_parcels(number, whole_))
    (shipment,) = shipping.of_order(sold)
    assert (shipment.tracking, shipment.parcels) == (whole_, PARCELS)
    assert arrived(whole_, 20) == TrackingTaken("done", 1, 0 if of_one else 1)


@pytest.mark.parametrize(
    ("beside", "known"),
    [
        ((("CN", "1234567890"), ("2I", PARCELS[0])), ("1234567890", (PARCELS[0],))),
        ((("2I", PARCELS[0]), ("2I", PARCELS[1]), ("CN", "1234567890")), ("1234567890", PARCELS)),
        ((("2I", PARCELS[0]), ("2I", PARCELS[1])), (PARCELS[0], PARCELS)),
        ((("CN", PARCELS[0]), ("CN", PARCELS[1])), (PARCELS[0], PARCELS)),
    ],
)
def test_of_the_numbers_beside_a_shipment_the_carriers_reference_is_of_the_whole(
    floor: Floor, beside: tuple[tuple[str, str], ...], known: tuple[str, tuple[str, ...]]
):
    sold, _, number = a_drop_ship(floor)
    lines = a_notice("N1", number, x12.item("SKU-000", 3), tracking=NUMBER)
    at = lines.index(("REF", "CN", NUMBER))
    lines[at : at + 1] = [("REF", *one) for one in beside]
    lines[lines.index(("TD5", "B", "2", "UPSM"))] = ("TD5", "B", "2", "HAULIER")
    taken(lines)
    assert [(one.tracking, one.parcels) for one in shipping.of_order(sold)] == [known]


def test_an_id_of_a_package_that_is_no_number_of_the_carrier_holds_up_nothing(floor: Floor):
    sold, _, number = a_drop_ship(floor)
    assert problems(taken(in_parcels(number, NUMBER, others=("CARTON-1", PARCELS[1])))) == [""]
    (shipment,) = shipping.of_order(sold)
    assert (shipment.tracking, shipment.parcels) == (NUMBER, (PARCELS[1],))
    (item,) = work.of_subject(shipment.id)
    assert (item.type, item.role) == ("tracking number in doubt", "inventory manager")
    assert "CARTON-1 is left out" in item.reason
    other = a_drop_ship(floor)[2]
    taken(x12.notice("N2", x12.order(other, x12.Level("P", [("MAN", "CP", "C-2")], [x12.item("SKU-000", 3)])),
                     tracking=NUMBER), control="2")  # fmt: skip
    assert items() == ["tracking number in doubt"], "one for a supplier"


def test_where_no_number_is_one_of_the_carrier_the_notice_is_held_up(floor: Floor):
    sold, _, number = a_drop_ship(floor)
    (why,) = problems(taken(in_parcels(number, others=("CARTON-1", "CARTON-2"))))
    assert "CARTON-1 can't be" in why
    assert shipping.of_order(sold) == []


def test_a_parcel_whose_number_is_misread_holds_up_the_notice(floor: Floor):
    sold, _, number = a_drop_ship(floor)
    (why,) = problems(taken(in_parcels(number, others=(PARCELS[0], "1Z999AA10123457195"))))
    assert "1Z999AA10123457195 can't be" in why
    assert (shipping.of_order(sold), items()) == ([], ["ship notice refused"])


def test_a_short_one_leaves_the_rest_to_come_and_the_next_closes_it(floor: Floor):
    sold, which, number = a_drop_ship(floor)
    taken(a_notice("N1", number, x12.item("SKU-000", 1)))
    assert places(sold) == [{"with_supplier": 2, "shipped": 1}, {"with_supplier": 2}]
    assert queries.drop_ship(which).state == "part_shipped"
    taken(a_notice("N2", number, x12.item("SKU-000", 2), x12.item("SKU-001", 2)), control="2")
    assert queries.drop_ship(which).state == "shipped"
    assert len(shipping.of_order(sold)) == 2


def test_what_he_refuses_is_sourced_again(floor: Floor):
    sold, which, number = a_drop_ship(floor)
    lines = (x12.item("SKU-000", 1, status="ID"), x12.item("SKU-001", 0, status="IR"))
    (told,) = taken(a_notice("N1", number, *lines)).notices
    assert (told.units, told.problem) == (1, "")
    assert queries.drop_ship(which).state == "shipped"
    refused = [(one.shipped, one.refused) for one in queries.lines_of([which])[which]]
    assert refused == [(1, 2), (0, 2)]
    assert places(sold) == [{"open": 2, "shipped": 1}, {"open": 2}]

    other, which, number = a_drop_ship(floor, (1, 2))
    (told,) = taken(a_notice("N2", number, x12.item("SKU-001", 0, status="IR")), control="2").notices
    assert (told.number, told.units, told.problem) == (number, 0, "")
    assert (queries.drop_ship(which).state, shipping.of_order(other)) == ("refused", [])


def test_units_beside_a_rejected_item_have_not_left(floor: Floor):
    sold, which, number = a_drop_ship(floor)
    lines = (x12.item("SKU-000", 3, status="IR"), x12.item("SKU-001", 1), x12.item("SKU-001", 1, status="IR"))
    (told,) = taken(a_notice("N1", number, *lines)).notices
    assert (told.units, told.problem) == (1, "")
    assert places(sold) == [{"open": 3}, {"open": 1, "shipped": 1}]
    assert [(one.shipped, one.refused) for one in queries.lines_of([which])[which]] == [(0, 3), (1, 1)]


def test_two_notices_of_a_document_that_end_one_line_are_both_taken(floor: Floor):
    sold, which, number = a_drop_ship(floor, (0, 5))
    one, other = (a_notice(name, number, x12.item("SKU-000", 1, status="ID")) for name in ("N1", "N2"))
    found = taken(one, other)
    assert problems(found) == ["", ""]
    assert places(sold) == [{"open": 3, "shipped": 2}]
    assert [(each.shipped, each.refused) for each in queries.lines_of([which])[which]] == [(2, 3)]
    later = taken(one, other, control="2")
    assert all("was announced before" in why for why in problems(later))
    assert len(shipping.of_order(sold)) == 2


def test_a_notice_that_is_taken_once_its_month_is_closed_is_booked_now(floor: Floor):
    sold, _, number = a_drop_ship(floor, (0, 1))
    text, before = (
        x12.document(a_notice("N1", number, x12.item("SKU-000", 1))),
        NOTICES.at - timedelta(days=40),
    )
    (found,) = take_documents(replace(SYSTEM, at=before), requests=[TakeDocument(COMPANY, text)])
    assert isinstance(found, DocumentTaken) and problems(found)[0], "whoever ordered it does not bring it"
    whole(close_month(someone("books"), requests=[CloseMonth(COMPANY, before.date().replace(day=1))]))
    (again,) = take_documents(NOTICES, requests=[TakeDocument(COMPANY, text)])
    assert isinstance(again, DocumentTaken) and problems(again) == [""]
    assert [one.shipped_at for one in shipping.of_order(sold)] == [NOTICES.at]


def test_the_same_notice_ships_nothing_twice_whatever_it_comes_in(floor: Floor):
    sold, _, number = a_drop_ship(floor)
    one = a_notice("N1", number, x12.item("SKU-000", 1))
    twice = taken(one, one)
    assert [bool(problem) for problem in problems(twice)] == [False, True]
    later = taken(one, control="2")
    assert "was announced before" in problems(later)[0]
    assert twice.notices[0].number in problems(later)[0]
    assert len(shipping.of_order(sold)) == 1


@pytest.mark.parametrize(
    ("units", "facts", "why"),
    [
        (4, {}, "has 3 units still to be sent, 4 were told"),
        (1, {"tracking": "1Z999AA10123456785"}, "can't be the tracking number"),
        (1, {"purpose": "05"}, "expected 00 (new) of what has left for a customer"),
        (1, {"purpose": "01"}, "expected 00 (new) of what has left for a customer"),
    ],
)
def test_what_can_not_be_changes_nothing_and_is_work_until_it_comes_right(floor: Floor, units, facts, why):
    sold, _, number = a_drop_ship(floor)
    found = taken(a_notice("N1", number, x12.item("SKU-000", units), **facts))
    assert why in problems(found)[0]
    assert "AK5*R*5~" in found.acknowledgement
    assert (shipping.of_order(sold), items()) == ([], ["ship notice refused"])
    assert places(sold) == [{"with_supplier": 3}, {"with_supplier": 2}]

    right = taken(a_notice("N1", number, x12.item("SKU-000", 3)), control="2")
    assert (problems(right), len(shipping.of_order(sold))) == ([""], 1)


def test_goods_that_it_has_not_and_orders_that_go_together_are_refused(floor: Floor):
    _, _, number = a_drop_ship(floor, (0, 1))
    _, _, other = a_drop_ship(floor, (0, 1))
    together = x12.notice(
        "N1", x12.order(number, x12.item("SKU-000", 1)), x12.order(other, x12.item("SKU-000", 1))
    )
    told = problems(taken(together, a_notice("N2", number, x12.item("SKU-001", 1))))
    assert "one drop-ship order by itself" in told[0]
    assert "expected goods of" in told[1]


def test_who_ordered_it_does_not_say_that_it_left(floor: Floor):
    sold, _, number = a_drop_ship(floor)
    text = x12.document(a_notice("N1", number, x12.item("SKU-000", 1)))
    (found,) = take_documents(SYSTEM, requests=[TakeDocument(COMPANY, text)])
    assert isinstance(found, DocumentTaken)
    assert (bool(problems(found)[0]), shipping.of_order(sold)) == (True, [])


def test_refused_goods_of_an_order_that_comes_here_are_a_buyers(db: None):
    """An ordinary order is closed by whoever buys: what a notice refuses of it is told, and taken for no delivery."""
    house = a_retailer(skus=1)
    (bought,) = order(BUYER, requests=[
        OrderGoods(house.company, house.supplier, house.node, "", ((house.skus[0], 10, Decimal(1)),))
    ])  # fmt: skip
    ((code,),) = sql.run("SELECT code FROM catalog_sku WHERE id = %(id)s", {"id": house.skus[0]})
    text = x12.document(x12.notice("N1", x12.order(bought.number, x12.item(code, 4, status="IR"))))
    (found,) = take_documents(BUYER, requests=[TakeDocument(house.company, text)])
    assert isinstance(found, DocumentTaken)
    assert "close the rest of the order" in problems(found)[0]


def test_statements_do_not_grow_with_the_notices(floor: Floor, statements):
    for many in (1, 10, 100):
        numbers = [a_drop_ship(floor, (0, 1))[2] for _ in range(many)]
        later = replace(NOTICES, at=NOTICES.at + timedelta(minutes=many))
        text = x12.document(
            *(a_notice(f"N{number}", number, x12.item("SKU-000", 1), tracking="") for number in numbers),
            control=f"s{many}",
        )
        with statements():
            take_documents(later, requests=[TakeDocument(COMPANY, text)])


def test_an_answer_confirms_a_drop_ship_order_and_refuses_what_is_not_sent(floor):
    _, which, number = a_drop_ship(floor)
    item = x12.answered("1", 3, ("IA", 2, "20260309"), ("IR", 1, ""))
    text = x12.answers(x12.answer(number, "AE", item, reference="AB-9"))
    (answer,) = take_documents(SYSTEM, requests=[TakeDocument(COMPANY, text)])
    assert isinstance(answer, DocumentTaken) and answer.refused == 0
    found = queries.drop_ship(which)
    assert found and (found.state, found.reference) == ("confirmed", "AB-9")
    assert sql.run("SELECT number, refused FROM purchasing_dropshipline ORDER BY number") == [(1, 1), (2, 0)]


def test_an_answer_to_a_drop_ship_order_is_taken_with_both_its_halves_or_with_none(floor):
    _, which, number = a_drop_ship(floor)
    nothing = x12.answer(number, "RJ", reference="AB-1")
    item = x12.answered("1", 3, ("IA", 2, "20260309"), ("IR", 1, ""))
    some = x12.answer(number, "AE", item, reference="AB-2")
    text = x12.answers(nothing, some)
    (answer,) = take_documents(SYSTEM, requests=[TakeDocument(COMPANY, text)])
    assert isinstance(answer, DocumentTaken)
    assert [(one.number, bool(one.problem)) for one in answer.notices] == [(number, False), ("", True)]
    found = queries.drop_ship(which)
    assert found and (found.state, found.reference) == ("refused", "")
    (again,) = take_documents(SYSTEM, requests=[TakeDocument(COMPANY, text)])
    assert isinstance(again, DocumentTaken)
    assert [(one.number, bool(one.problem)) for one in again.notices] == [(number, False), ("", True)]
