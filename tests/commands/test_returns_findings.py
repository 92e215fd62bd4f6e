"""returns.inspect by checklists, returns.override_dispositions and returns.add_photos"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.returns import errors, inspection_queries, photos, queries
from entrepot.returns.checklists import Checklists, Question
from entrepot.returns.commands.add_photos import AddPhoto, PhotoAdded, add_photos
from entrepot.returns.commands.dispose import Dispose, Disposed, dispose
from entrepot.returns.commands.inspect import Inspect, Inspected, inspect
from entrepot.returns.commands.override import (
    DispositionOverridden,
    OverrideDisposition,
    override_dispositions,
)
from entrepot.returns.fraud import FraudPolicy
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.work import queries as work
from tests.back import INSPECTS, asked, asked_all, came, came_all, found, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.rules.test_returns_photos import jpeg, png
from tests.sizes import SIZES
from tests.walk import a_house, shipped

pytestmark = pytest.mark.django_db

LEADS = someone("lea")


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    return house


def checklist(**facts: object) -> None:
    body = Checklists(**facts)  # type: ignore[arg-type]
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.checklists", body, NOW)])


def a_receipt(house: Floor, quantity: int = 1) -> tuple[UUID, UUID]:
    one = asked(sold(house, 1, (0, quantity))[0], quantity)
    return one.return_id, came(one)[0].receipt


def inspected(house: Floor, quantity: int = 1) -> tuple[UUID, UUID]:
    """A return, and an inspection that proposes to restock."""
    one = asked(sold(house, 1, (0, quantity))[0], quantity)
    return one.return_id, found(came(one))[0][0].inspection


# ---- checklists


def test_answers_and_weight_lower_the_grade_and_are_kept_with_the_version_that_asked(house: Floor):
    sql.run("UPDATE catalog_sku SET weight_g = 1000 WHERE id = %(sku)s", {"sku": house.skus[0]})
    clean = Question("clean", "Is it clean?", caps={"no": "B"}, codes={"no": "dirty"})
    checklist(by_category={"*": (clean,)}, weight_tolerance_percent=10)
    one, receipt = a_receipt(house, 5)

    answers = inspect(INSPECTS, requests=[
        Inspect(receipt, 1, "A", ("opened",), answers={"clean": "no"}),
        Inspect(receipt, 2, answers={"clean": "yes"}, weight_g=2100),
        Inspect(receipt, 1, "B", answers={"clean": "no"}, weight_g=100),
        Inspect(receipt, 1, "A"),
        Inspect(receipt, 1, "A", answers={"clean": "yes", "other": "yes"}),
        Inspect(receipt, 1, answers={"clean": "yes"}, weight_g=-1),
    ])  # fmt: skip

    assert [a.grade for a in answers[:3]] == ["B", "A", "D"]
    assert [a.codes for a in answers[:3]] == [("opened", "dirty"), (), ("dirty", "lighter_than_sold")]
    assert answers[0].proposed == "second_grade"
    assert answers[2].why.endswith("D at most: weight: 100 g, expected 1000 g")
    assert answers[3] == errors.AnswersMissing(codes="clean")
    assert [type(a) for a in answers[4:]] == [Invalid, Invalid]
    rows = queries.whole(one).inspections
    assert [(row.grade, row.codes, row.weight_g) for row in rows] == [
        ("B", "opened dirty", None), ("A", "", 2100), ("D", "dirty lighter_than_sold", 100),
    ]  # fmt: skip
    assert rows[0].answers == [
        {"question": "clean", "asks": "Is it clean?", "answer": "no", "cap": "B", "code": "dirty"}
    ]
    assert sql.run("SELECT DISTINCT checklist FROM returns_inspection") == [(1,)]
    assert inspection_queries.questions(COMPANY, "shoes", NOW) == (clean,)


def test_a_grade_is_needed_where_nothing_is_asked(house: Floor):
    _, receipt = a_receipt(house)
    assert inspect(INSPECTS, requests=[Inspect(receipt, 1)]) == [
        Invalid(field="grade", expected="one of A, B, C, D", found="none")
    ]


def test_a_swapped_serial_number_is_a_question_and_the_right_one_is_not(house: Floor):
    right, wrong = (asked(order, 1) for order in sold(house, 2, (0, 1)))
    receipts = [came(one)[0].receipt for one in (right, wrong)]
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s", {"sku": house.skus[0]})
    sql.run(
        "UPDATE stock_bucket SET serial = 'S-1' WHERE id IN"
        " (SELECT from_bucket FROM stock_move WHERE to_place = 'customer')"
    )

    none, same, swap = inspect(INSPECTS, requests=[
        Inspect(receipts[0], 1, "A"), Inspect(receipts[0], 1, "A", serial="S-1"),
        Inspect(receipts[1], 1, "A", serial="S-9"),
    ])  # fmt: skip

    assert none == errors.SerialNeeded(left=1)
    assert (same.grade, same.codes) == ("A", ())
    assert (swap.grade, swap.codes, swap.proposed) == ("D", ("serial_swap",), "quarantine")
    (item,) = work.items(COMPANY, kind="swapped serial number")
    assert (item.subject, item.role) == (wrong.return_id, "customer service")
    assert "S-9 did not leave with the order" in item.reason
    sql.run("UPDATE stock_bucket SET serial = ''")


def test_one_unit_is_not_inspected_twice_in_a_return(house: Floor):
    asked = asked_all(sold(house, 2, (0, 2)), 2)
    first, second = came_all(asked)
    wanted = Inspect(first.receipt, 1, "A", serial="S-1")
    answers = inspect(INSPECTS, requests=[wanted, wanted, Inspect(second.receipt, 1, "A", serial="S-1")])
    assert isinstance(answers[0], Inspected)
    assert answers[1] == errors.InspectedAlready(serial="S-1", number=asked[0].number)
    assert isinstance(answers[2], Inspected), "another return has another"
    assert inspect(INSPECTS, requests=[wanted]) == [answers[1]]
    assert isinstance(inspect(INSPECTS, requests=[replace(wanted, serial="S-2")])[0], Inspected)


def test_a_serial_number_of_the_second_parcel_is_right_on_the_order_that_was_paid(house: Floor):
    """What was sent again left with an order of its own, and is returned on the first one."""
    policies.set_policy(SYSTEM, requests=[
        policies.SetPolicy(COMPANY, "returns.fraud", FraudPolicy(serial_swap="enforce"), NOW - timedelta(days=1))
    ])  # fmt: skip
    house.stock(1, 2)
    serial = "UPDATE stock_bucket SET serial = %(serial)s WHERE sku_id = %(sku)s AND serial = ''"
    orders = sold(house, 2, (1, 1))
    sql.run(serial, {"serial": "S-1", "sku": house.skus[1]})
    house.stock(1, 2)
    shipments = sql.run(
        "SELECT id FROM shipping_shipment WHERE order_id = ANY(%(ids)s::uuid[])", {"ids": orders}
    )
    again = reship(SYSTEM, requests=[Reship(one, "lost") for (one,) in shipments])
    shipped(*(one.order for one in again))
    sql.run(serial, {"serial": "S-2", "sku": house.skus[1]})
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s", {"sku": house.skus[1]})
    right, wrong = (came(one)[0].receipt for one in asked_all(orders, 1))

    same, swap = inspect(INSPECTS, requests=[
        Inspect(right, 1, "A", serial="S-2"), Inspect(wrong, 1, "A", serial="S-9"),
    ])  # fmt: skip

    assert (same.grade, same.codes) == ("A", ())
    assert swap.codes == ("serial_swap",)
    assert sql.run("SELECT state, count(*)::int FROM returns_judgment GROUP BY 1 ORDER BY 1") == [
        ("clean", 1), ("open", 1)
    ]  # fmt: skip
    sql.run("UPDATE stock_bucket SET serial = '' WHERE serial = 'S-2'")


# ---- another disposition


def test_another_disposition_is_proposed_for_a_reason_and_the_rules_is_kept(house: Floor):
    one, inspection = inspected(house, 2)
    inspector = Cause(Actor("ivy", frozenset({"returns.dispose"})), NOW)
    (refused,) = dispose(inspector, requests=[Dispose(inspection, 1, "donate", reason="a gift")])
    assert refused == NotPermitted(actor="ivy", command="returns.override_dispositions")

    (answer,) = override_dispositions(LEADS, requests=[OverrideDisposition(inspection, "donate", " a gift ")])
    (done,) = dispose(inspector, requests=[Dispose(inspection, 2)])

    assert answer == DispositionOverridden(inspection, "restock", "donate")
    assert isinstance(done, Disposed)
    assert done.disposition == "donate"
    assert queries.whole(one).inspections[0].why == "donate instead of restock, says lea: a gift"
    kept = sql.run("SELECT inspection_id, proposed, instead, reason, decided_by FROM returns_override")
    assert kept == [(inspection, "restock", "donate", "a gift", "lea")]


def test_what_can_t_be_overridden_is_refused(house: Floor):
    _, inspection = inspected(house)
    unknown = ids.uuid7()
    answers = override_dispositions(LEADS, requests=[
        OverrideDisposition(unknown, "donate", "a gift"), OverrideDisposition(inspection, "burn", "it is cold"),
        OverrideDisposition(inspection, "restock", "it is fine"), OverrideDisposition(inspection, "donate", " "),
    ])  # fmt: skip
    assert answers[0] == NotFound(what="inspection", which=str(unknown))
    assert [type(one) for one in answers[1:]] == [Invalid, Invalid, errors.ReasonNeeded]
    dispose(INSPECTS, requests=[Dispose(inspection, 1)])
    (late,) = override_dispositions(LEADS, requests=[OverrideDisposition(inspection, "donate", "a gift")])
    assert isinstance(late, WrongState)
    assert sql.run("SELECT count(*) FROM returns_override") == [(0,)]


def test_the_same_key_gets_the_answer_again(house: Floor):
    _, inspection = inspected(house)
    wanted = OverrideDisposition(inspection, "donate", "a gift", key="o")
    first = override_dispositions(LEADS, requests=[wanted])
    assert override_dispositions(LEADS, requests=[wanted]) == first
    picture = AddPhoto(inspection, png(), key="p")
    assert add_photos(INSPECTS, requests=[picture]) == add_photos(INSPECTS, requests=[picture])
    assert add_photos(INSPECTS, requests=[AddPhoto(inspection, jpeg(), key="p")]) == [
        RequestReused(key="p", command="returns.add_photos")
    ]


# ---- photos


def test_equal_photos_are_kept_once_and_shown_by_all_that_they_show(house: Floor):
    (one, first), (_, second) = inspected(house), inspected(house)

    answers = add_photos(INSPECTS, requests=[
        AddPhoto(first, png()), AddPhoto(first, jpeg()), AddPhoto(second, png()), AddPhoto(first, png()),
        AddPhoto(first, b"<svg/>"), AddPhoto(one, png()),
    ])  # fmt: skip

    shots, refused = answers[:4], answers[4:]
    assert all(isinstance(each, PhotoAdded) for each in shots)
    assert len({each.photo for each in shots}) == 2
    assert shots[0] == shots[2] == shots[3]
    assert [type(each) for each in refused] == [Invalid, NotFound]
    assert queries.whole(one).inspections[0].photos == sorted({each.photo for each in shots[:2]})
    kept = inspection_queries.photo(shots[1].photo, company=COMPANY)
    assert kept == inspection_queries.Photo(jpeg(), "image/jpeg", shots[1].digest)
    assert inspection_queries.photo(shots[1].photo, company=COMPANY + 1) is None
    assert len(inspection_queries.photos_of([one])[one]) == 2
    assert add_photos(INSPECTS, requests=[AddPhoto(second, png())]) == [shots[0]]


def test_an_inspection_has_so_many_photos(house: Floor):
    _, inspection = inspected(house)
    wanted = [AddPhoto(inspection, png(1, n)) for n in range(1, photos.PHOTOS_MAX + 2)]
    answers = add_photos(INSPECTS, requests=[*wanted, wanted[0]])
    assert answers[-2] == errors.TooManyPhotos(most=photos.PHOTOS_MAX)
    assert answers[-1] == answers[0], "what is there may be sent again"


@pytest.mark.counts("returns.override_dispositions", "returns.add_photos")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    for size in SIZES:
        made = found(came_all(asked_all(sold(sold_house, size, (0, 2)), 1)))
        assert all(isinstance(one, Inspected) for one, _ in made)
        with statements() as ran:
            override_dispositions(
                LEADS, requests=[OverrideDisposition(one.inspection, "donate", "a gift") for one, _ in made]
            )
        with statements() as shot:
            add_photos(INSPECTS, requests=[AddPhoto(one.inspection, png()) for one, _ in made])
        counts.append([len([t for t in one.texts if "SAVEPOINT" not in t]) for one in (ran, shot)])
    assert counts == [counts[0]] * 3
    assert counts[0][1] <= 7
