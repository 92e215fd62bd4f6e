"""warehouse.unpack"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.orders import queries as orders
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.stock import queries as stock
from entrepot.warehouse import queries
from entrepot.warehouse.commands.pack import FulfillmentPacked, PackFulfillment, pack
from entrepot.warehouse.commands.unpack import FulfillmentUnpacked, UnpackFulfillment, unpack
from entrepot.work import queries as work
from tests.floor import NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, packed, picked, placed, queued, shipped

pytestmark = pytest.mark.django_db
WHY = "the wrong slip is in it"


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    house.stock(1, 5000)
    return house


def test_what_was_packed_wrongly_is_opened_and_packed_again(house: Floor):
    order = house.order((0, 2), (1, 3)).order
    (one,) = packed(order)
    (before,) = queries.packages(order)
    moves = stock.moves(document=one)

    (answer,) = unpack(SYSTEM, requests=[UnpackFulfillment(one, WHY, NOW + timedelta(hours=1))])

    assert answer == FulfillmentUnpacked(one, (before.id,))
    assert (queries.of_order(order)[0].state, orders.order(order).status) == ("picked", "picked")
    assert (queued("pack"), queued("ship")) == ([one], [])
    assert queries.packages(order)[0].voided_at == NOW + timedelta(hours=1)
    assert stock.moves(document=one) == moves, "nothing has moved"
    assert queries.package_lines(one) == []

    (again,) = pack(SYSTEM, requests=[PackFulfillment(one, "XL")])
    assert isinstance(again, FulfillmentPacked)
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(one)])
    assert isinstance(gone, FulfillmentShipped)
    assert [made.carton for made in queries.packages(order) if made.voided_at is None] == ["XL"]


def test_what_a_weight_asked_is_settled(house: Floor):
    (one,) = picked(house.order((0, 2)).order)
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(one, "S", 1_200, weight_note="wet from the rain")])
    assert isinstance(answer, FulfillmentPacked)
    unpack(SYSTEM, requests=[UnpackFulfillment(one, WHY)])
    (item,) = work.of_subject(answer.package)
    assert (item.state, item.root_cause) == ("done", "packed again")


def test_refusals_leave_everything_as_it_was(house: Floor):
    (early,) = picked(house.order((0, 1)).order)
    left = house.order((0, 1)).order
    shipped(left)
    (late,) = [row.id for row in queries.of_order(left)]
    (one,) = packed(house.order((0, 1)).order)
    unknown = ids.uuid7()
    answers = unpack(SYSTEM, requests=[UnpackFulfillment(which, WHY) for which in (early, late, unknown)])
    assert [type(answer) for answer in answers] == [WrongState, WrongState, NotFound]
    (answer,) = unpack(SYSTEM, requests=[UnpackFulfillment(one, "  ")])
    assert isinstance(answer, Invalid)
    assert queued("ship") == [one]

    first, second = unpack(SYSTEM, requests=[UnpackFulfillment(one, WHY)] * 2)
    assert isinstance(first, FulfillmentUnpacked)
    assert isinstance(second, WrongState), "once in one call, too"


def test_the_same_key_opens_once(house: Floor):
    (one,) = packed(house.order((0, 1)).order)
    first = unpack(SYSTEM, requests=[UnpackFulfillment(one, WHY, key="u")])
    pack(SYSTEM, requests=[PackFulfillment(one)])
    assert unpack(SYSTEM, requests=[UnpackFulfillment(one, WHY, key="u")]) == first
    assert queued("ship") == [one]
    (reused,) = unpack(SYSTEM, requests=[UnpackFulfillment(one, "another reason", key="u")])
    assert isinstance(reused, RequestReused)


@pytest.mark.counts("warehouse.unpack")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in SIZES:
        work_ = packed(*placed(house, size, (0, 2), (1, 1)))
        with statements() as ran:
            unpack(SYSTEM, requests=[UnpackFulfillment(one, WHY, key=str(one)) for one in work_])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts
