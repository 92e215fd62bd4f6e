"""Pages call things by their names: no key of a document, SKU or webhook stands where somebody reads."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from entrepot.kernel import sql
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.web import format as fmt
from entrepot.work.commands.open_items import ItemOpened, OpenItem, open_items
from tests.floor import SYSTEM
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def test_facts_of_an_item_are_called_by_their_names(console, shop, statements):
    order, sku = shop.one("ready"), shop.skus["MUG-BLUE"]
    ((bin_, code),) = sql.run("SELECT id, code FROM network_bin ORDER BY id LIMIT 1")
    facts = {"order": order, "goods": [{"sku": sku, "units": 2}], "bin": bin_}
    wanted = OpenItem(COMPANY, "short pick", "order", order, "not there", "operations lead", facts)
    (made,) = open_items(SYSTEM, requests=[wanted])
    assert isinstance(made, ItemOpened)
    page = console("lead").get(f"/work/{made.item}/").content.decode()
    (number,) = sql.run("SELECT number FROM orders_order WHERE id = %(o)s", {"o": order})[0]
    assert f'<a href="/orders/{order}/">{number}</a>' in page and "MUG-BLUE" in page and f">{code}<" in page
    assert f"…{str(sku)[-8:]}" not in page and f"…{str(bin_)[-8:]}" not in page


def test_a_message_to_a_webhook_is_told_by_its_name(console, shop):
    engineer = console("engineer")
    told = {"name": "The ledger", "url": "https://example.com/hook", "event": "order.placed"}
    which = engineer.post("/integration/webhooks/add/", told)["Location"].rstrip("/").rpartition("/")[2]
    engineer.post(f"/integration/webhooks/{which}/send/", {"test": "1"})
    page = engineer.get("/integration/?state=waiting").content.decode()
    assert "webhook The ledger" in page and f">webhook:{which}<" not in page
    ((message,),) = sql.run(
        "SELECT id FROM kernel_delivery WHERE destination = %(d)s", {"d": f"webhook:{which}"}
    )
    assert "To webhook The ledger" in engineer.get(f"/integration/out/{message}/").content.decode()


def test_roles_are_told_in_the_language_of_the_page(console, shop):
    browser = console("root")
    browser.cookies["django_language"] = "de"
    page = browser.get("/people/", headers={"Accept-Language": "de"}).content.decode()
    assert "Betriebsleitung" in page and "operations lead" not in page.replace('value="operations lead"', "")


def test_why_something_happened_is_told_and_stands_as_it_was_recorded_too(console, shop):
    """Somebody may have typed what reads like a sentence of ours: the record is what they wrote."""
    typed, order = "The authorization is too old.", shop.one("ready")
    cancel(replace(SYSTEM, reason=typed), requests=[CancelOrder(order, typed)])
    query = "SELECT max(seq) FROM kernel_event WHERE reason = %(r)s AND company_id = %(c)s"
    ((seq,),) = sql.run(query, {"r": typed, "c": COMPANY})
    browser = console("root")
    browser.cookies["django_language"] = "de"
    page = browser.get(f"/events/{seq}/").content.decode()
    assert f'Die Autorisierung ist zu alt. <small class="soft">{typed}</small>' in page
    browser.cookies["django_language"] = "en"
    assert f'<small class="soft">{typed}' not in browser.get(f"/events/{seq}/").content.decode()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("6.258", "6.2580"),
        ("15.4854", "15.4854"),
        ("24.5", "24.50"),
        ("47.483333", "47.4833"),
        ("0.00125", "0.00125"),
    ],
)
def test_prices_of_a_column_stand_in_line(value, told):
    assert fmt.price(Decimal(value), "GBP") == told
