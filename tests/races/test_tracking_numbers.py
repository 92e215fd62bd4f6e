"""Desks scan the same number at once: one parcel bears it."""

from __future__ import annotations

import pytest

from entrepot.kernel import sql
from entrepot.shipping import errors
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from tests.floor import SYSTEM
from tests.together import at_once
from tests.walk import a_house, packed, placed

pytestmark = pytest.mark.usefixtures("committed_db")


def test_of_desks_that_scan_one_number_at_once_one_has_it() -> None:
    house = a_house()
    house.stock(0, 50)
    ready = packed(*placed(house, 6, (0, 1)))
    answers = at_once([
        lambda which=which: ship(SYSTEM, requests=[ShipFulfillment(which, "PX123456789GB")])[0] for which in ready
    ])  # fmt: skip
    assert sum(isinstance(one, FulfillmentShipped) for one in answers) == 1
    assert sum(isinstance(one, errors.TrackingInUse) for one in answers) == 5
    assert sql.run("SELECT count(*)::int FROM shipping_number") == [(1,)]
