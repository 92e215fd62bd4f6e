"""settlement.issue_documents"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import NotFound
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.orders.commands.approve_credits import ApproveCredit, approve_credits
from entrepot.orders.commands.credit import CreditItem, CreditWithoutSale, credit
from entrepot.orders.commands.place import AddressGiven
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.settlement import invoice_queries, invoicing, queries, tasks, ubl
from entrepot.settlement.closing_queries import checklist
from entrepot.settlement.commands.issue_documents import DocumentsIssued, IssueDocument, issue_documents
from entrepot.settlement.invoicing import Seller
from entrepot.tax.commands.register import RegisterRate, register_rates
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import MANY
from tests.walk import a_house, placed, queued, shipped

pytestmark = pytest.mark.django_db
ADA = AddressGiven(name="Ada Byron", line1="1 High St", city="Leeds")


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 2_000)
    return house


def issue(*sources: UUID, cause=SYSTEM) -> list:
    return issue_documents(cause, requests=[IssueDocument(one) for one in sources])


def sold(*amounts: tuple[str, int], event: str = "sale", document: UUID | None = None) -> UUID:
    """A posting of a credit that no sale is known for, or of anything that a document tells of."""
    document = document or ids.uuid7()
    post(SYSTEM, requests=[Posting(COMPANY, event, "order", document, "GBP", [*amounts], NOW)])
    return document


def test_what_ships_is_invoiced_after_the_transaction(house: Floor):
    one, two = shipped(*placed(house, 2, (0, 2), address=ADA))
    assert set(queued("invoice")) == {one, two}
    assert len(invoice_queries.untold(COMPANY, NOW - timedelta(days=1), NOW + timedelta(days=1))) == 2

    tasks.serve_invoice(SYSTEM, [one, two])

    found = invoice_queries.documents(COMPANY)
    assert [row.number for row in found] == ["INV-2026-000002", "INV-2026-000001"]
    assert {(row.source, row.kind, row.net_minor, row.tax_minor, row.total_minor) for row in found} == {
        (one, "invoice", 1998, 0, 1998), (two, "invoice", 1998, 0, 1998),
    }  # fmt: skip
    (line,) = invoice_queries.lines(found[0].id)
    assert (line.sku, line.quantity, line.net) == (house.codes[0], 2, 1998)
    assert invoice_queries.untold(COMPANY, NOW - timedelta(days=1), NOW + timedelta(days=1)) == []
    assert invoice_queries.documents(COMPANY, order=found[0].order) == [found[0]]
    assert invoice_queries.documents(COMPANY, kind="credit_note") == []


def test_an_invoice_says_what_is_paid_and_what_is_not(house: Floor):
    """By card, on account, and 1,500 of 1,998 by card with the rest on account."""

    def on(*tenders: tuple[str, int]) -> UUID:
        (order,) = placed(house, 1, (0, 2), address=ADA)
        authorize(
            SYSTEM, requests=[Authorize(COMPANY, order, by, by, "GBP", minor, NOW) for by, minor in tenders]
        )
        return order

    orders = [on(("stripe", 1_998)), on(("account", 1_998)), on(("stripe", 1_500), ("account", 498))]
    issue(*shipped(*orders))

    papers = [invoice_queries.paper(invoice_queries.documents(COMPANY, order=one)[0]) for one in orders]
    assert [(one.paid, one.payable) for one in papers] == [(1_998, 0), (0, 1_998), (1_500, 498)]
    xml = [ubl.render(one).decode() for one in papers]
    assert [one.count("PrepaidAmount") for one in xml] == [2, 0, 2]
    assert "19.98" in xml[1] and ">4.98</cbc:PayableAmount>" in xml[2]


def test_tax_in_another_currency_is_told_in_the_companys_own(house: Floor):
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", NOW.date(), Decimal("0.85"))])
    orders, amounts = placed(house, 2, (0, 1)), (("credit.goods", 1000), ("credit.tax", 200))
    told: list[tuple[str, int] | None] = []
    for source, currency in zip(orders, ("EUR", "GBP"), strict=True):
        post(SYSTEM, requests=[Posting(COMPANY, "credit", "order", source, currency, amounts, NOW)])
        issue(source)
        (row,) = invoice_queries.documents(COMPANY, source=source)
        told.append(invoice_queries.paper(row).at_home)
    assert told == [("GBP", 170), None]


def test_the_tax_in_a_fee_is_told_at_home_as_in_the_currency_of_the_document(house: Floor, monkeypatch):
    """Those of before told it as a line of its own, and not as tax."""
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", NOW.date(), Decimal("0.5"))])
    before, now = placed(house, 2, (0, 1))
    amounts = (("goods", 1000), ("tax", 200), ("fee", -100), ("fee_tax", -20))
    booked = tuple((f"return.{kind}", amount) for kind, amount in amounts)
    told = []
    for source, within in ((before, ()), (now, invoicing.TAXES_WITHIN)):
        post(SYSTEM, requests=[Posting(COMPANY, "return", "order", source, "EUR", booked, NOW)])
        with monkeypatch.context() as old:
            old.setattr(invoicing, "TAXES_WITHIN", within)
            issue(source)
        (row,) = invoice_queries.documents(COMPANY, source=source)
        told.append((row.tax_minor, invoice_queries.paper(row).at_home))
    assert told == [(200, ("GBP", 100)), (180, ("GBP", 90))]
    assert invoice_queries.discrepancies() == []


def test_names_come_out_of_the_vault_only_for_rendering(house: Floor):
    (shipment,) = shipped(*placed(house, 1, (0, 1), address=ADA))
    seller = Seller(tax_number="GB123456789", city="Leeds")
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.invoicing", seller, NOW)])
    issue(shipment)
    (row,) = invoice_queries.documents(COMPANY)

    paper = invoice_queries.paper(row)
    assert (paper.buyer.name, paper.buyer.city, paper.seller.name) == ("Ada Byron", "Leeds", "Test Ltd")
    assert (paper.seller.tax_number, paper.seller.city) == ("GB123456789", "Leeds")
    sql.run(
        "UPDATE parties_address SET sealed = NULL, region = '', place = '', billed = '',"
        " mailbox = '', phone = '', called = ''"
    )
    paper = invoice_queries.paper(row)
    assert (paper.buyer.name, paper.buyer.country, paper.number) == ("Customer", "GB", "INV-2026-000001")
    kept = sql.run(
        "SELECT to_jsonb(d)::text || to_jsonb(l)::text FROM settlement_document AS d, settlement_documentline AS l"
    )
    assert not any("Ada" in text or "High St" in text for (text,) in kept)


def test_again_gives_the_same_numbers_and_nothing_new(house: Floor):
    (shipment,) = shipped(*placed(house, 1, (0, 1)))
    unknown = ids.uuid7()
    expected = DocumentsIssued(shipment, ("INV-2026-000001",))
    assert issue(shipment, unknown, shipment) == [
        expected, NotFound(what="posted sale, credit or refund", which=str(unknown)), expected,
    ]  # fmt: skip
    assert issue(shipment) == [expected]
    assert len(invoice_queries.documents(COMPANY)) == 1


def test_each_year_and_kind_has_a_series_of_its_own(house: Floor):
    first, second = shipped(*placed(house, 2, (0, 1)))
    issue(first)
    (next_year,) = issue(second, cause=replace(SYSTEM, at=NOW + timedelta(days=60)))
    assert next_year.numbers == ("INV-2027-000001",)
    order = invoice_queries.documents(COMPANY)[1].order
    sold(("credit.goods", 500), event="credit", document=order)
    (told,) = issue(order)
    assert told.numbers == ("CRN-2026-000001",)
    note = invoice_queries.documents(COMPANY, kind="credit_note")[0]
    assert (note.total_minor, note.corrects) == (500, ("INV-2026-000001",))


def test_tax_that_is_given_back_alone_stands_at_the_rate_of_its_invoice(house: Floor):
    rates = [RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2020, 1, 1)),
             RegisterRate(COMPANY, "GB", Decimal("0.05"), date(2020, 1, 1), "", "reduced")]  # fmt: skip
    register_rates(SYSTEM, requests=rates)
    (shipment,) = shipped(*placed(house, 1, (0, 1), tax_minor=50))
    issue(shipment)
    order = invoice_queries.documents(COMPANY)[0].order
    for amount in (50, 7):
        post(
            SYSTEM,
            requests=[Posting(COMPANY, "credit", "order", order, "GBP", [("credit.tax", amount)], NOW)],
        )
        issue(order)
        note = invoice_queries.documents(COMPANY, kind="credit_note")[0]
        assert (note.net_minor, note.tax_minor, note.total_minor) == (0, amount, amount)
        taxed, free = invoice_queries.lines(note.id)
        assert (taxed.net, taxed.tax, taxed.category, taxed.rate) == (
            20 * amount,
            amount,
            "S",
            Decimal("0.05"),
        )
        assert (free.net, free.tax, free.category) == (-20 * amount, 0, "Z")
    assert queries.discrepancies() == []


def test_a_credit_of_a_month_that_closed_since_keeps_its_day(house: Floor):
    """Given in October, approved when October is closed: posted now, and its credit note says when it was given."""
    given, second = NOW - timedelta(days=30), someone("second")
    item = CreditItem("goods", house.codes[0], 1, Decimal("10.00"))
    wanted = CreditWithoutSale(COMPANY, "shop", "C1", (item,), "GBP", occurred_at=given)
    (one,) = credit(SYSTEM, requests=[wanted])
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, given.date().replace(day=1))])
    approve_credits(second, requests=[ApproveCredit(one.credit)])
    issue(one.credit)
    (note,) = invoice_queries.documents(COMPANY)
    assert (note.kind, note.supplied_at, note.issued_at) == ("credit_note", given, NOW)


def test_a_channel_that_writes_its_own_invoices_is_left_alone(house: Floor):
    (shipment,) = shipped(*placed(house, 1, (0, 1)))
    set_policy(
        SYSTEM, requests=[SetPolicy(COMPANY, "settlement.invoicing", Seller(issues=False), NOW, "shop")]
    )
    assert issue(shipment) == [DocumentsIssued(shipment, ())]
    assert invoice_queries.untold(COMPANY, NOW - timedelta(days=1), NOW + timedelta(days=1)) == []
    assert not [
        one for one in checklist(COMPANY, NOW.date().replace(day=1), NOW) if one.open.kind == "documents"
    ]
    assert invoice_queries.documents(COMPANY) == []


def test_a_rollback_leaves_no_hole_and_what_is_issued_stays(house: Floor):
    one, two = shipped(*placed(house, 2, (0, 1)))
    with pytest.raises(RuntimeError), transaction.atomic():
        issue(one)
        raise RuntimeError
    assert issue(two)[0].numbers == ("INV-2026-000001",)
    for change in ("UPDATE settlement_document SET number = 'X'", "DELETE FROM settlement_documentline"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction.atomic():
            sql.run(change)


def test_what_is_out_of_order_is_told(house: Floor):
    (shipment,) = shipped(*placed(house, 1, (0, 1)))
    issue(shipment)
    copied = """
    INSERT INTO settlement_document
    SELECT (jsonb_populate_record(d, %(changes)s::jsonb)).* FROM settlement_document AS d
    """
    changes = {
        "id": str(ids.uuid7()),
        "entry_id": str(ids.uuid7()),
        "sequence": 3,
        "number": "INV-2026-000003",
    }
    with transaction.atomic():
        sql.run(copied, {"changes": json.dumps(changes)})
        told = " / ".join(invoice_queries.discrepancies())
        transaction.set_rollback(True)
    assert "2 invoice of 2026 have been issued, the last number is 3 and the series stands at 1" in told
    assert "document INV-2026-000003 says 999 and tax of 0, its lines make 0 and 0" in told
    assert "document INV-2026-000003 says 999 and tax of 0, the journal 0 and 0" in told
    assert queries.discrepancies() == []


@pytest.mark.counts("settlement.issue_documents")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    shipments = shipped(*placed(house, MANY + 11, (0, 1)))
    counts = []
    for some in (shipments[:1], shipments[1:11], shipments[11:]):
        with statements() as ran:
            issue(*some)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [11] * 3
