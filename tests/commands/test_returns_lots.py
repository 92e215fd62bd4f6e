"""What a lot is sold at: its tax by the buyer's country, its invoice, and its credit note where it costs less."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from entrepot.insight import tax_report
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.returns import departure_queries, errors
from entrepot.returns.commands.leave_departures import DepartureLeft, LeaveDeparture, leave_departures
from entrepot.returns.commands.open_departures import OpenDeparture, open_departures
from entrepot.returns.commands.settle_departures import DepartureSettled, SettleDeparture, settle_departures
from entrepot.settlement import invoice_queries, tasks, ubl
from entrepot.settlement import queries as settlement
from entrepot.settlement.invoice_queries import DocumentRow
from entrepot.tax.commands.exempt import register_exemptions
from entrepot.tax.commands.register import register_rates
from entrepot.tax.rules import RegisterExemption, RegisterRate
from entrepot.web import invoice_paper
from tests.back import APPROVES, INSPECTS
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.onward import JOBBER, disposed, lines, opened
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db
DAY = date(2020, 1, 1)
ABROAD = replace(JOBBER, customer="VENTE", name="Vente SARL", country="FR", city="Lyon", postal_code="69001",
                 tax_number="FR40303265045")  # fmt: skip


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 2_000)
    whole(register_rates(SYSTEM, requests=[RegisterRate(COMPANY, "GB", Decimal("0.2"), DAY)]))
    return house


def sold(house: Floor, price: int, *units: int, **facts: object) -> UUID:
    """A lot of dispositions of so many units that cost 100 each, at a price without tax."""
    found = disposed(house, "liquidate", *units)
    which = opened("liquidation", *zip(found, units, strict=True), **facts).departure
    (left,) = leave_departures(INSPECTS, requests=[LeaveDeparture(which, price)])
    assert isinstance(left, DepartureLeft), left
    return which


def told(which: UUID) -> list[DocumentRow]:
    """The documents of a lot, the latest first, as the worker writes them."""
    tasks.serve_invoice(SYSTEM, [which])
    return invoice_queries.documents(COMPANY, source=which)


def one(which: UUID) -> departure_queries.DepartureRow:
    found = departure_queries.departure(COMPANY, which)
    assert found
    return found


def test_a_lot_is_owed_with_its_tax_and_invoiced(house: Floor):
    """Three units that cost 300 are sold for 360 net: 72 of tax are owed to the state, and 60 are gained."""
    which = sold(house, 360, 2, 1)

    lot = one(which)
    assert (lot.receiver, lot.price_minor, lot.tax_minor, lot.owed_minor) == ("JOB", 360, 72, 432)
    assert lot.tax_reason == "20 % in GB"
    assert lines(which) == {1196: 432, 1200: -300, 2200: -72, 5350: -60}
    assert which in queued("invoice")

    (invoice,) = told(which)

    assert (invoice.number, invoice.net_minor, invoice.tax_minor, invoice.total_minor) == (
        f"INV-{NOW.year}-000001", 360, 72, 432,
    )  # fmt: skip
    assert (invoice.order, invoice.order_number, invoice.source_kind) == (None, lot.number, "departure")
    assert [(row.sku, row.quantity, row.net, row.tax, row.category) for row in invoice_queries.lines(invoice.id)] == [
        (house.codes[0], 2, 240, 48, "S"), (house.codes[0], 1, 120, 24, "S"),
    ]  # fmt: skip
    paper = invoice_queries.paper(invoice)
    assert (paper.buyer.name, paper.buyer.tax_number, paper.buyer.city) == (
        "Jobber Ltd",
        "GB980780684",
        "Hull",
    )
    assert told(which) == [invoice], "once"
    assert settlement.discrepancies() == []

    (done,) = settle_departures(APPROVES, requests=[SettleDeparture(which, reference="paid")])
    assert (done.credited_minor, done.difference_minor, balance(1196)) == (432, 0, 0)
    assert len(told(which)) == 1


def test_the_tax_of_a_lot_stands_in_the_tax_report(house: Floor):
    told(sold(house, 360, 3))
    month = NOW.date().replace(day=1)
    report = tax_report.report(COMPANY, month, month)
    (row,) = [row for row in report.rows if row.collected_minor]
    assert (row.country, row.rate, row.sold_minor, row.collected_minor) == ("GB", Decimal("0.2"), 360, 72)
    assert report.off_minor == 0


def test_what_is_paid_less_by_agreement_is_credited_with_its_tax(house: Floor):
    """Of 432 the buyer pays 360, since a sixth was broken: the price falls by 60 and its tax by 12."""
    which = sold(house, 360, 2, 1)
    invoice = told(which)[0]
    receivable = balance(1150)

    (done,) = settle_departures(
        APPROVES, requests=[SettleDeparture(which, 360, "x", "a sixth was broken", agreed=True)]
    )

    assert (done.state, done.credited_minor, done.difference_minor) == ("settled", 360, -60)
    assert lines(which) == {1150: 360, 1200: -300, 2200: -60}
    assert (balance(1196), balance(1150), balance(5350)) == (0, receivable + 360, 0)
    lot = one(which)
    assert (lot.reduced_minor, lot.reduced_tax_minor, lot.written_off_minor) == (72, 12, 0)
    note, same = told(which)
    assert (same, note.number, note.corrects) == (invoice, f"CRN-{NOW.year}-000001", (invoice.number,))
    assert (note.net_minor, note.tax_minor, note.total_minor) == (60, 12, 72)
    assert [(row.quantity, row.net, row.tax) for row in invoice_queries.lines(note.id)] == [
        (2, 40, 8), (1, 20, 4),
    ]  # fmt: skip
    assert settlement.discrepancies() == []
    month = NOW.date().replace(day=1)
    (row,) = [row for row in tax_report.report(COMPANY, month, month).rows if row.rate]
    assert (row.collected_minor, row.refunded_minor, row.net_minor) == (72, 12, 60)


def test_what_was_not_paid_is_a_loss_and_its_tax_is_owed_still(house: Floor):
    which = sold(house, 360, 3)
    settle_departures(APPROVES, requests=[SettleDeparture(which, 0, note="he is bankrupt")])
    assert (balance(1196), balance(2200), balance(5350)) == (0, -72, 372)
    assert one(which).written_off_minor == 432
    assert [row.kind for row in told(which)] == ["invoice"]


@pytest.mark.parametrize(
    ("buyer", "seller", "tax", "category", "reason"),
    [
        (JOBBER, "GB", 72, "S", "20 % in GB"),
        (ABROAD, "GB", 0, "G", "no rate is in force in FR"),
        (ABROAD, "IE", 0, "K", "a business of another country owes it itself"),
        (replace(ABROAD, tax_number=""), "IE", 0, "Z", "no rate is in force in FR"),
        (replace(JOBBER, country="US", tax_number=""), "GB", 0, "G", "no rate is in force in US"),
    ],
)
def test_the_tax_is_that_of_the_buyers_country(house: Floor, buyer, seller, tax, category, reason):
    sql.run("UPDATE parties_company SET country = %(country)s", {"country": seller})
    which = sold(house, 360, 3, buyer=buyer)
    lot = one(which)
    assert (lot.tax_minor, lot.tax_reason, lot.owed_minor) == (tax, reason, 360 + tax)
    (invoice,) = told(which)
    (line,) = invoice_queries.lines(invoice.id)
    assert (line.category, invoice.tax_minor, invoice.net_minor) == (category, tax, 360)
    paper = invoice_queries.paper(invoice)
    root = ET.fromstring(ubl.render(paper))
    said = [one.text for one in root.iter() if one.tag.endswith(("}ID", "}TaxAmount", "}PayableAmount"))]
    assert lot.number in said
    assert category in said
    assert f"{(360 + tax) / 100:.2f}" in said
    assert invoice_paper.pdf(paper).startswith(b"%PDF-")


def test_a_buyer_who_is_exempt_pays_no_tax(house: Floor):
    whole(register_customers(SYSTEM, requests=[RegisterCustomer(COMPANY, "JOB", "gold")]))
    whole(register_exemptions(SYSTEM, requests=[RegisterExemption(COMPANY, "JOB", "X-1", DAY)]))
    lot = one(sold(house, 360, 3))
    assert (lot.tax_minor, lot.tax_reason) == (0, "the customer is exempt by X-1")
    assert sql.run("SELECT tier FROM parties_customer WHERE code = 'JOB'") == [("gold",)], (
        "it is left as it was"
    )


def test_a_buyer_whose_tax_number_is_mistyped_is_asked_about_and_nothing_is_charged(house: Floor):
    """Else a business of another country would be charged a tax that it owes itself, and nobody would see why."""
    sql.run("UPDATE parties_company SET country = 'IE'")
    (lot,) = disposed(house, "liquidate", 2)
    mistyped = replace(ABROAD, tax_number="FR40303265046")
    ask = OpenDeparture(COMPANY, "liquidation", ((lot, 2),), buyer=mistyped, key="a")
    (refused,) = open_departures(INSPECTS, requests=[ask])
    assert isinstance(refused, Invalid)
    assert "expected a VAT number of FR, or none" in refused.message and "303265046" not in refused.message
    assert sql.run("SELECT count(*) FROM returns_departure") == [(0,)]

    (mended,) = open_departures(INSPECTS, requests=[replace(ask, buyer=ABROAD)])
    (left,) = leave_departures(INSPECTS, requests=[LeaveDeparture(mended.departure, 360)])
    assert isinstance(left, DepartureLeft)
    assert one(mended.departure).tax_minor == 0


def test_a_lot_that_was_gathered_before_numbers_were_looked_at_does_not_leave_with_a_mistyped_one(
    house: Floor, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as then:
        then.setattr("entrepot.returns.lots.misfit_number", lambda *_: None)
        mistyped = replace(ABROAD, tax_number="FR40303265046")
        lot = opened("liquidation", (disposed(house, "liquidate", 1)[0], 1), buyer=mistyped).departure
    (refused,) = leave_departures(INSPECTS, requests=[LeaveDeparture(lot, 10)])
    assert isinstance(refused, Invalid)
    assert one(lot).state == "open"


def test_a_price_of_nothing_writes_no_invoice(house: Floor):
    which = sold(house, 0, 3)
    assert lines(which) == {1200: -300, 5350: 300}
    assert told(which) == []


def test_only_a_lot_with_a_buyer_leaves_or_costs_less(house: Floor):
    which = sold(house, 360, 3)
    answers = settle_departures(APPROVES, requests=[
        SettleDeparture(which, 432, "x", "all", agreed=True),
        SettleDeparture(which, 500, "x", "more", agreed=True),
        SettleDeparture(which, 100, "x", "less", final=False, agreed=True),
        SettleDeparture(which, 400, "x", agreed=True),
    ])  # fmt: skip
    assert [type(answer) for answer in answers] == [Invalid, Invalid, Invalid, errors.ReasonNeeded]

    (lot,) = disposed(house, "liquidate", 1)
    early = opened("liquidation", (lot, 1)).departure
    sql.run(
        "UPDATE returns_departure SET buyer_id = NULL, customer_id = NULL, buyer_country = '', receiver = 'Jobber'"
        " WHERE id = %(id)s",
        {"id": early},
    )
    (refused,) = leave_departures(INSPECTS, requests=[LeaveDeparture(early, 10)])
    assert isinstance(refused, errors.NoReceiver), "it was gathered before buyers were asked for"
    gone = opened("liquidation", (disposed(house, "liquidate", 1)[0], 1)).departure
    sql.run(
        "UPDATE parties_address SET sealed = NULL, region = '', place = '', billed = '',"
        " mailbox = '', phone = '', called = ''"
    )
    (refused,) = leave_departures(INSPECTS, requests=[LeaveDeparture(gone, 10)])
    assert isinstance(refused, errors.NoReceiver), "its buyer was erased"


def test_whom_it_is_sold_to_is_in_the_vault_alone(house: Floor):
    told(sold(house, 360, 3))
    rows = sql.run(
        "SELECT to_jsonb(p)::text FROM returns_departure AS p UNION ALL SELECT to_jsonb(d)::text FROM"
        " settlement_document AS d UNION ALL SELECT to_jsonb(e)::text FROM kernel_event AS e"
    )
    assert not [text for (text,) in rows if "Jobber" in text or "980780684" in text]


def test_again_answers_the_same(house: Floor):
    (lot,) = disposed(house, "liquidate", 2)
    which = opened("liquidation", (lot, 2)).departure
    leave = LeaveDeparture(which, 360, key="a")
    less = SettleDeparture(which, 360, "x", "broken", key="b", agreed=True)
    assert leave_departures(INSPECTS, requests=[leave]) == leave_departures(INSPECTS, requests=[leave])
    (first,), (again,) = (settle_departures(APPROVES, requests=[less]) for _ in range(2))
    assert first == again == DepartureSettled(which, "settled", 360, -60)
    assert balance(2200) == -60


def test_what_is_out_of_order_is_told(house: Floor):
    which = sold(house, 360, 3)
    told(which)
    sql.run("UPDATE returns_departure SET tax_minor = 70 WHERE id = %(id)s", {"id": which})
    assert "says 432 and tax of 72, lot LOT-2026-000001 says 432 and tax of 70" in " ".join(
        invoice_queries.discrepancies()
    )
    found = [row[0] for row in sql.run(departure_queries.CHECKS[-1])]
    assert "lot LOT-2026-000001 is sold at 432 with tax of 70" in " ".join(found)
    sql.run("UPDATE returns_departure SET tax_minor = 72 WHERE id = %(id)s", {"id": which})


@pytest.mark.counts("returns.open_departures", "returns.leave_departures", "returns.settle_departures")
def test_statements_are_equal_at_1_10_and_many(house: Floor, statements):
    counts = []
    for size in (1, *SIZES):  # the first one makes what the others find
        found = disposed(house, "liquidate", *[1] * size)
        asks = [OpenDeparture(COMPANY, "liquidation", ((which, 1),), buyer=JOBBER) for which in found]
        with statements() as ran:
            made = open_departures(INSPECTS, requests=asks)
            leave_departures(INSPECTS, requests=[LeaveDeparture(a.departure, 110) for a in made])
            done = settle_departures(
                replace(APPROVES, at=NOW + timedelta(days=1)),
                requests=[SettleDeparture(a.departure, 120, "x", "broken", agreed=True) for a in made],
            )
        assert [a.difference_minor for a in done] == [-10] * size
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1:] == [counts[1]] * 3
