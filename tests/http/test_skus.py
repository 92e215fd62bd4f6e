"""SKUs set up and changed on pages."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

import pytest

from entrepot.catalog import queries as catalog
from tests.http.test_console import said
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db

NEW = {
    "code": "TEA-2", "name": "Assam tea, 1 kg", "category": "food", "weight_g": "1050", "length_mm": "200",
    "width_mm": "120", "height_mm": "", "minimum_age": "0", "list_price": "31.90", "standard_cost": "12",
    "lot_policy": "lot_expiry", "serial_policy": "none", "status": "active", "upright": "on",
    "barcode": "4006381333931",
}  # fmt: skip


def sku(code: str) -> catalog.Sku:
    return catalog.skus(company=COMPANY, codes=[code])[code]


def test_a_sku_is_set_up_and_changed(console, shop):
    browser = console("inventory")
    assert 'name="code"' in browser.get("/stock/new/").content.decode()
    answer = browser.post("/stock/add/", NEW)
    made = sku("TEA-2")
    assert answer["Location"] == f"/stock/{made.id}/" and said(answer) == ["The SKU is set up."]
    assert (made.weight_g, made.height_mm, made.lot_policy) == (1050, 0, "lot_expiry")
    assert (made.list_price, made.standard_cost) == (Decimal("31.90"), Decimal(12))
    assert (made.upright, made.fragile, made.barcode) == (True, False, "4006381333931")
    assert "TEA-2 is there already" in said(browser.post("/stock/add/", NEW))[-1]
    form = browser.get(f"/stock/{made.id}/catalog/").content.decode()
    assert 'value="31.90"' in form and 'value="1050"' in form and 'name="upright" checked' in form
    assert f"/stock/{made.id}/catalog/" in browser.get(f"/stock/{made.id}/").content.decode()
    browser.post(f"/stock/{made.id}/change/", NEW | {"code": "OTHER", "name": "Assam", "list_price": ""})
    assert asdict(sku("TEA-2")) == asdict(made) | {"name": "Assam", "list_price": None}


@pytest.mark.parametrize(
    "wrong", [{"weight_g": "heavy"}, {"list_price": "cheap"}, {"lot_policy": "some"}, {"length_mm": "999999"}]
)
def test_what_can_not_stand_is_told_and_stays_typed(console, shop, wrong):
    browser = console("inventory")
    answer = browser.post("/stock/add/", NEW | wrong)
    assert answer["Location"] == "/stock/new/" and "TEA-2" not in catalog.skus(
        company=COMPANY, codes=["TEA-2"]
    )
    page = browser.get("/stock/new/").content.decode()
    assert (
        f'data-refused="/stock/add/" data-field="{next(iter(wrong))}"' in page
    )  # whoever sent it is led there
    assert 'value="Assam tea, 1 kg"' in page and 'value="TEA-2"' in page and 'name="upright" checked' in page


def test_prices_are_written_as_their_reader_writes_them(console, shop):
    browser = console("inventory")
    browser.cookies["django_language"] = "de"
    browser.post("/stock/add/", NEW | {"list_price": "31,90"}, headers={"Accept-Language": "de"})
    made = sku("TEA-2")
    assert made.list_price == Decimal("31.90")
    form = browser.get(f"/stock/{made.id}/catalog/", headers={"Accept-Language": "de"}).content.decode()
    assert 'value="31,90"' in form and 'value="1050"' in form


def test_a_price_keeps_its_digits_where_its_form_is_saved(console, shop):
    browser = console("inventory")
    browser.post("/stock/add/", NEW | {"standard_cost": "0.012345"})
    made = sku("TEA-2")
    assert 'value="0.012345"' in browser.get(f"/stock/{made.id}/catalog/").content.decode()


def test_who_may_not_sees_no_form_and_changes_nothing(console, shop):
    browser, before = console("picker" if "picker" in shop.people else "service"), sku("MUG-BLUE")
    assert 'name="name"' not in browser.get("/stock/new/").content.decode()
    assert "may not do" in said(browser.post(f"/stock/{before.id}/change/", NEW))[0]
    assert sku("MUG-BLUE") == before
