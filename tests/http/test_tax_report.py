"""Tax by jurisdiction: it makes up what the account of output tax says, in the page, its files and the API."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from entrepot.insight import tax_report
from entrepot.kernel import sql
from entrepot.ledger.commands.post import Posting, post
from entrepot.orders.commands.place import AddressGiven
from entrepot.tax.commands.register import RegisterRate, register_rates
from tests.commands.test_settlement_invoices import issue
from tests.floor import COMPANY, NOW, SYSTEM
from tests.walk import a_house, placed

pytestmark = [pytest.mark.django_db, pytest.mark.alone("kernel", "ledger", "settlement", "tax")]
MONTH = date(2026, 11, 1)
ADA = AddressGiven(name="Ada Byron", line1="1 High St", city="Los Angeles", region="CA")


@pytest.fixture
def orders(db: None) -> list:
    """One to Britain, at two rates; one to California, of which a part came back with a fee; one without an invoice."""
    house = a_house()
    register_rates(SYSTEM, requests=[
        RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2026, 1, 1)),
        RegisterRate(COMPANY, "US", Decimal("0.0725"), date(2026, 1, 1), "CA"),
    ])  # fmt: skip
    found = placed(house, 3, (0, 1), address=ADA)
    sql.run("UPDATE orders_order SET country = 'US' WHERE id = %(id)s RETURNING id", {"id": found[1]})

    def posted(order, event: str, **amounts: int) -> None:
        kinds = [(f"{event}.{kind}", amount) for kind, amount in amounts.items()]
        post(SYSTEM, requests=[Posting(COMPANY, event, "order", order, "GBP", kinds, NOW)])

    posted(found[0], "sale", goods=1_000, tax=200)
    posted(found[1], "sale", goods=10_000, tax=725)
    posted(found[1], "return", goods=4_000, tax=290, fee=-100, fee_tax=-7)
    issue(*found[:2])
    posted(found[2], "sale", goods=500, tax=100)
    return found


def test_rows_make_up_the_account_by_place_and_rate(orders):
    found = tax_report.report(COMPANY, MONTH, MONTH)
    rows = {
        (one.jurisdiction, one.rate): (
            one.sold_minor,
            one.collected_minor,
            one.returned_minor,
            one.refunded_minor,
        )
        for one in found.rows
    }
    assert rows == {
        ("GB", Decimal("0.2")): (1_000, 200, 0, 0), ("GB", None): (500, 100, 0, 0),
        ("US-CA", Decimal("0.0725")): (10_000, 725, 3_900, 283),  # less the fee, with the tax in it
    }  # fmt: skip
    assert (found.net_minor, found.account_minor, found.off_minor) == (742, 742, 0)
    for row in found.rows:
        entries = tax_report.entries(COMPANY, row.month, row.country, row.rate, region=row.region)
        assert sum(one.tax_minor for one in entries) == row.net_minor
        assert sum(one.base_minor for one in entries) == row.base_minor
    assert tax_report.report(COMPANY, date(2026, 1, 1), date(2026, 10, 1)).rows == []


def test_rates_that_nothing_tells_apart_are_one_row_with_its_entries(db):
    """Two sales whose amounts make 19.96 % and 20.04 %, since each of many units was rounded, and two of 15.01 % and
    15.03 %, which is no rate of the country."""
    house = a_house()
    register_rates(SYSTEM, requests=[RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2026, 1, 1))])
    found = placed(house, 5, (0, 1), address=ADA)
    for order, tax in zip(found, (2_000, 1_996, 2_004, 1_501, 1_503), strict=True):
        amounts = [("sale.goods", 10_000), ("sale.tax", tax)]
        post(SYSTEM, requests=[Posting(COMPANY, "sale", "order", order, "GBP", amounts, NOW)])
    issue(*found)
    assert len(sql.run("SELECT DISTINCT rate FROM settlement_documentline")) == 5

    told = tax_report.report(COMPANY, MONTH, MONTH)
    assert [(one.rate, one.sold_minor, one.collected_minor) for one in told.rows] == [
        (Decimal("0.15"), 20_000, 3_004), (Decimal("0.2"), 30_000, 6_000),
    ]  # fmt: skip
    assert told.off_minor == 0
    counts = [len(tax_report.entries(COMPANY, MONTH, "GB", row.rate)) for row in told.rows]
    assert counts == [2, 3]


def test_it_is_read_on_a_page_in_files_and_by_programs(orders):
    from tests.asking import a_browser, a_program
    from tests.shop import everybody

    people = everybody()
    page, where = a_browser("auditor"), "/books/tax-report/?since=2026-11&until=2026-11"
    shown = page.get(f"{where}&month=2026-11&country=US&region=CA&rate=0.0725").content.decode()
    assert "The rows make up what account 2200 moved by" in shown
    assert "Entries behind the row" in shown
    assert "US-CA" in shown
    assert "7.25" in shown, "with the digits that tell it from 7.3 %"
    assert page.get(f"{where}&month=2026-11&country=XX&rate=nan").status_code == 200
    lines = page.get(f"{where}&format=csv").content.decode().splitlines()
    assert lines[0] == "month,country,region,rate,sold,collected,returned,refunded,base,net,currency"
    assert lines[1].startswith("2026-11,GB,,0.2")
    assert page.get(f"{where}&format=xlsx").status_code == 200
    told = a_program(people["books"]).get("/api/v1/tax/report?since=2026-11-23&until=2026-11-30").json()
    assert (told["net_minor"], told["account_minor"], len(told["rows"])) == (742, 742, 3)
