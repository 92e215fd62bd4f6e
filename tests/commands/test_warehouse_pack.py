"""warehouse.pack"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.orders import queries as orders
from entrepot.warehouse import errors, queries
from entrepot.warehouse.commands.pack import FulfillmentPacked, PackFulfillment, pack
from tests.floor import NOW, SYSTEM, Floor
from tests.walk import a_house, picked, placed, queued, released

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    house.stock(1, 5000)
    return house


def test_what_was_picked_goes_into_the_smallest_carton_that_holds_it(house: Floor):
    order = house.order((0, 2), (1, 3)).order  # five things of 250 g and 500 cm³
    (work_,) = picked(order)

    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, occurred_at=NOW + timedelta(hours=2))])

    assert (answer.carton, answer.weight_g) == ("S", 5 * 250 + 90)
    (package,) = queries.packages(order)
    assert (package.id, package.number, package.units) == (answer.package, answer.number, 5)
    assert package.packed_at == NOW + timedelta(hours=2)
    assert orders.order(order).status == "packed"
    assert queries.of_order(order)[0].state == "packed"
    assert (queued("pack"), queued("ship")) == ([], [work_])


def test_the_packer_says_which_carton_and_what_the_scale_says(house: Floor):
    (work_,) = picked(house.order((0, 1)).order)
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, "XL", 1234)])
    assert isinstance(answer, FulfillmentPacked)
    assert (answer.carton, answer.weight_g) == ("XL", 1234)


def test_refusals_leave_everything_as_it_was(house: Floor):
    order = house.order((0, 1)).order
    (work_,) = picked(order)
    (early,) = released(house.order((0, 1)).order)
    unknown = ids.uuid7()

    answers = pack(
        SYSTEM,
        requests=[
            PackFulfillment(unknown),
            PackFulfillment(early),
            PackFulfillment(work_, "HUGE"),
            PackFulfillment(work_, weight_g=0),
        ],
    )

    assert answers == [
        NotFound(what="fulfillment", which=str(unknown)),
        WrongState(subject="fulfillment", found="released", event="pack", expected="picked"),
        errors.CartonUnknown(carton="HUGE", known="XS, S, M, L, XL, PALLET"),
        Invalid(field="weight_g", expected="more than 0", found=0),
    ]
    assert queries.packages(order) == []
    assert orders.order(order).status == "picked"


def test_a_fulfillment_is_packed_once(house: Floor):
    order = house.order((0, 1)).order
    (work_,) = picked(order)
    first, second = pack(SYSTEM, requests=[PackFulfillment(work_), PackFulfillment(work_)])
    assert isinstance(first, FulfillmentPacked)
    assert second == WrongState(subject="fulfillment", found="packed", event="pack", expected="picked")
    assert len(queries.packages(order)) == 1


def test_a_key_gets_its_answer_again(house: Floor):
    order = house.order((0, 1)).order
    (work_,) = picked(order)
    first = pack(SYSTEM, requests=[PackFulfillment(work_, key="k")])
    assert pack(SYSTEM, requests=[PackFulfillment(work_, key="k")]) == first
    assert len(queries.packages(order)) == 1


@pytest.mark.counts("warehouse.pack")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in (1, 10, 1000):
        work_ = picked(*placed(house, size, (0, 2), (1, 1)))
        with statements() as ran:
            pack(SYSTEM, requests=[PackFulfillment(one, key=str(one)) for one in work_])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [13] * 3
