"""What carriers told of an order's parcels, on its page, and where they tell more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from entrepot.kernel import ids, sql
from entrepot.shipping import queries as shipping
from entrepot.shipping.commands.take_tracking import TakeTracking, take_tracking
from tests.rules.test_easypost import a_message, detail
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


def test_the_page_of_an_order_tells_what_the_carrier_said_last_and_before(shop, console):
    order = shop.one("shipped")
    ((shipment, number),) = sql.run(
        "SELECT id, tracking FROM shipping_shipment WHERE order_id = %(id)s", {"id": order}
    )
    at = reverse("order", args=[order])
    before = console("auditor").get(at).content.decode()
    assert "Out for delivery" not in before and "What the carrier told before" not in before
    told = a_message(
        number, detail("in_transit", shop.now - timedelta(hours=3)), detail("out_for_delivery", shop.now)
    )
    take_tracking(the_system(shop.now), requests=[TakeTracking(COMPANY, "easypost", told)])
    page = console("auditor").get(at).content.decode()
    assert (
        page.index("Out for delivery")
        < page.index("What the carrier told before: 1")
        < page.index("In transit")
    )
    found = shipping.last_told([shipment, ids.uuid7()])
    assert [one.kind for one in found[shipment]] == ["out for delivery", "in transit"]
    assert [one.kind for one in shipping.last_told([shipment], limit=1)[shipment]] == ["out for delivery"]
    assert shipping.last_told([]) == {}


def test_a_number_leads_to_the_page_of_its_carrier_where_that_is_known(shop, console):
    order = shop.one("shipped")
    at = reverse("order", args=[order])
    assert "noreferrer external" not in console("auditor").get(at).content.decode(), "ours is no carrier's"
    sql.run(
        "UPDATE shipping_label SET tracking = '1Z5R89390357567127' WHERE shipment_id IN"
        " (SELECT id FROM shipping_shipment WHERE order_id = %(id)s) RETURNING 1",
        {"id": order},
    )
    sql.run(
        "UPDATE shipping_shipment SET tracking = '1Z5R89390357567127' WHERE order_id = %(id)s RETURNING 1",
        {"id": order},
    )
    page = console("auditor").get(at).content.decode()
    link = (
        '<a href="https://www.ups.com/track?tracknum=1Z5R89390357567127" rel="noopener noreferrer external"'
    )
    assert link in page
