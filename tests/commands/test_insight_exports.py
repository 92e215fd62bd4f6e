"""The journal as CSV and as a standard audit file."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from entrepot import __version__
from entrepot.insight import ledger_export, saft
from entrepot.insight.ledger_export import audit_file, journal, span
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger import queries as ledger
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine
from entrepot.tax.commands.register import RegisterRate, register_rates
from tests.back import sold
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.walk import a_house, placed, shipped

pytestmark = pytest.mark.django_db
SPACE = {"s": saft.NAMESPACE}


def posted() -> None:
    """Sales, costs, and an amount in another currency."""
    house = a_house()
    house.stock(0, 10)
    shipped(*placed(house, 2, (0, 1)))
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", NOW.date(), Decimal("0.85"))])
    fee = (PayoutLine("fee", "", 0, 1_000),)
    take_payouts(SYSTEM, requests=[TakePayout(COMPANY, "fake", "po_1", "EUR", -1_000, fee, NOW)])


def test_the_csv_has_every_line_and_makes_the_trial_balance():
    posted()
    out = io.StringIO()
    count = journal(out, span(COMPANY, 2026))

    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert len(rows) == count
    balances: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        balances[int(row["account"])] += Decimal(row["functional_debit"] or 0) - Decimal(
            row["functional_credit"] or 0
        )
    told = {line.account: Decimal(line.balance_minor) / 100 for line in ledger.trial_balance(company=COMPANY)}
    assert balances == told
    assert {row["currency"] for row in rows} == {"GBP", "EUR"}
    empty = io.StringIO()
    assert journal(empty, span(COMPANY, 2025)) == 0


def test_the_audit_file_adds_up():
    posted()
    register_customers(SYSTEM, requests=[RegisterCustomer(COMPANY, "C<1>")])
    register_rates(SYSTEM, requests=[RegisterRate(COMPANY, "GB", Decimal("0.2"), NOW.date())])
    body = {"registration": "01234567", "tax_number": "GB123456789", "line1": "Kiln Lane", "city": "Leeds",
            "postal_code": "LS1 4AP"}  # fmt: skip
    whole(set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.invoicing", body, NOW)]))
    out = io.StringIO()
    entries = audit_file(out, span(COMPANY, 2026), NOW)
    root = ET.fromstring(out.getvalue().encode())

    def found(path: str) -> list[str]:
        return [one.text or "" for one in root.iterfind(path, SPACE)]

    debit = sum(map(Decimal, found(".//s:DebitAmount/s:Amount")))
    credit = sum(map(Decimal, found(".//s:CreditAmount/s:Amount")))
    assert debit == credit == Decimal(found(".//s:TotalDebit")[0]) == Decimal(found(".//s:TotalCredit")[0])
    assert len(found(".//s:Transaction/s:TransactionID")) == entries == int(found(".//s:NumberOfEntries")[0])
    assert found(".//s:CustomerID") == ["C<1>"]
    assert [one.tag.split("}")[1] for one in root.find(".//s:Customer", SPACE)] == ["Name", "CustomerID"]
    assert found("s:Header/s:Company/s:RegistrationNumber") == ["01234567"]
    assert found("s:Header/s:Company/s:TaxRegistration/s:TaxRegistrationNumber") == ["GB123456789"]
    assert found("s:Header/s:Company/s:Address/s:*") == ["Kiln Lane", "Leeds", "LS1 4AP", "GB"]
    assert found("s:Header/s:SoftwareVersion") == [__version__]
    assert found(".//s:TaxPercentage") == ["20"]
    assert set(found(".//s:CurrencyCode")) == {"EUR"}
    closing = {}
    for account in root.iterfind(".//s:Account", SPACE):
        side = Decimal(account.findtext("s:ClosingDebitBalance", "0", SPACE))
        side -= Decimal(account.findtext("s:ClosingCreditBalance", "0", SPACE))
        closing[int(account.findtext("s:AccountID", "", SPACE))] = side
    told = {line.account: Decimal(line.balance_minor) / 100 for line in ledger.trial_balance(company=COMPANY)}
    assert {code: amount for code, amount in closing.items() if amount} == {
        code: amount for code, amount in told.items() if amount
    }


def accounts_of(year: int | None) -> tuple[ET.Element, dict[str, dict[str, Decimal]]]:
    """The audit file, and what its accounts open and close with."""
    out = io.StringIO()
    audit_file(out, span(COMPANY, year), NOW)
    root = ET.fromstring(out.getvalue().encode())
    found: dict[str, dict[str, Decimal]] = {"Opening": {}, "Closing": {}}
    for one in root.iterfind(".//s:Account", SPACE):
        for when, own in found.items():
            debit, credit = (
                Decimal(one.findtext(f"s:{when}{side}Balance", "0", SPACE)) for side in ("Debit", "Credit")
            )
            own[one.findtext("s:AccountID", "", SPACE)] = debit - credit
    return root, found


def test_a_later_year_opens_with_what_the_one_before_closed_with():
    posted()
    root, first = accounts_of(2026)
    types = {
        one.findtext("s:AccountID", "", SPACE): one.findtext("s:AccountType", "", SPACE)
        for one in root.iterfind(".//s:Account", SPACE)
    }
    assert set(first["Opening"].values()) == {Decimal(0)}
    assert first["Closing"]["4000"] < 0 < first["Closing"]["1200"]
    _, second = accounts_of(2027)

    of_a_year = {code for code, kind in types.items() if kind in ("income", "expense")}
    standing = types.keys() - of_a_year
    assert {code: second["Opening"][code] for code in standing} == {
        code: first["Closing"][code] for code in standing
    }
    assert {second["Opening"][code] for code in of_a_year} == {Decimal(0)}
    assert second["Opening"]["RESULT"] == sum(first["Closing"][code] for code in of_a_year) != 0
    assert sum(second["Opening"].values()) == sum(first["Closing"].values()) == 0
    assert second["Opening"] == second["Closing"]


def test_an_audit_file_of_all_time_names_the_days_of_its_entries():
    posted()
    root, _ = accounts_of(None)
    days = [root.findtext(f".//s:Selection{one}Date", "", SPACE) for one in ("Start", "End")]
    assert days == [str(NOW.date()), str(NOW.date())]
    root, _ = accounts_of(2026)
    days = [root.findtext(f".//s:Selection{one}Date", "", SPACE) for one in ("Start", "End")]
    assert days == ["2026-01-01", "2026-12-31"]


def traded() -> None:
    """Sales that are paid and invoiced, one that is taken back in another currency, goods that came, and a fee."""
    house = a_house()
    house.stock(0, 10)
    house.stock(1, 3)
    captured = sold(house, 2, (0, 2), (1, 1))
    shipments = sql.run("SELECT id FROM shipping_shipment ORDER BY id")
    issue_documents(SYSTEM, requests=[IssueDocument(one) for (one,) in shipments])
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", NOW.date(), Decimal("0.8533"))])
    amounts = (("credit.goods", 1_001), ("credit.shipping", 33))
    credit = Posting(COMPANY, "credit", "order", captured[0], "EUR", amounts, NOW)
    post(SYSTEM, requests=[credit])
    issue_documents(SYSTEM, requests=[IssueDocument(captured[0])])
    fee = (PayoutLine("fee", "", 0, 1_000),)
    take_payouts(SYSTEM, requests=[TakePayout(COMPANY, "fake", "po_1", "GBP", -1_000, fee, NOW)])


@pytest.mark.alone("ledger")
def test_source_documents_make_the_totals_of_their_groups():
    traded()
    root, _ = accounts_of(2026)

    def group(name: str) -> ET.Element:
        found = root.find(f"s:SourceDocuments/s:{name}", SPACE)
        assert found is not None
        return found

    def sides(name: str, amount: str) -> tuple[Decimal, Decimal]:
        made = {"D": Decimal(0), "C": Decimal(0)}
        for line in group(name).iterfind(".//s:Line", SPACE):
            made[line.findtext("s:DebitCreditIndicator", "", SPACE)] += Decimal(
                line.findtext(f"s:{amount}/s:Amount", "", SPACE)
            )
        return made["D"], made["C"]

    def told(name: str, *names: str) -> tuple[Decimal, ...]:
        return tuple(Decimal(group(name).findtext(f"s:{one}", "", SPACE)) for one in names)

    totals = ("TotalDebit", "TotalCredit")
    invoices = group("SalesInvoices").findall("s:Invoice", SPACE)
    assert told("SalesInvoices", "NumberOfEntries") == (len(invoices),) == (3,)
    debit, credit = sides("SalesInvoices", "InvoiceLineAmount")
    assert told("SalesInvoices", *totals) == (debit, credit)
    assert debit > 0 < credit
    for one in invoices:
        net = Decimal(one.findtext("s:DocumentTotals/s:NetTotal", "", SPACE))
        lines = [
            Decimal(each.text or "") for each in one.iterfind("s:Line/s:InvoiceLineAmount/s:Amount", SPACE)
        ]
        tax = [Decimal(each.text or "") for each in one.iterfind("s:Line//s:TaxAmount/s:Amount", SPACE)]
        assert net == sum(lines)
        assert Decimal(one.findtext("s:DocumentTotals/s:GrossTotal", "", SPACE)) == net + sum(tax)
    numbers = [one.findtext("s:InvoiceNo", "", SPACE) for one in invoices]
    assert numbers == ["CRN-2026-000001", "INV-2026-000001", "INV-2026-000002"]
    entries = {one.text for one in root.iterfind(".//s:GeneralLedgerEntries//s:TransactionID", SPACE)}
    assert {
        one.text for one in group("SalesInvoices").iterfind("s:Invoice/s:TransactionID", SPACE)
    } <= entries
    assert "EUR" in {one.text for one in group("SalesInvoices").iterfind(".//s:CurrencyCode", SPACE)}

    payments = group("Payments").findall("s:Payment", SPACE)
    assert told("Payments", "NumberOfEntries") == (len(payments),)
    debit, credit = sides("Payments", "PaymentLineAmount")
    assert told("Payments", *totals) == (debit, credit)
    assert (
        debit
        == credit
        == sum(Decimal(one.findtext("s:DocumentTotals/s:GrossTotal", "", SPACE)) for one in payments)
    )
    assert {"payment.captured", "payment.paid_out"} == {
        one.findtext("s:Description", "", SPACE) for one in payments
    }
    assert "fake" in {one.findtext("s:PaymentMethod", "", SPACE) for one in payments}

    moved = group("MovementOfGoods").findall(".//s:Line", SPACE)
    units = {"received": 0, "issued": 0}
    for line in moved:
        units[line.findtext("s:MovementSubType", "", SPACE)] += int(line.findtext("s:Quantity", "", SPACE))
    totals = ("NumberOfMovementLines", "TotalQuantityReceived", "TotalQuantityIssued")
    assert told("MovementOfGoods", *totals) == (len(moved), units["received"], units["issued"])
    assert units == {"received": 13, "issued": 6}
    products = {one.text for one in root.iterfind(".//s:Product/s:ProductCode", SPACE)}
    assert {line.findtext("s:ProductCode", "", SPACE) for line in moved} <= products


@pytest.mark.alone("ledger")
def test_a_credit_note_is_worth_what_was_sold_though_it_is_settled_at_another_rate():
    house = a_house()
    house.stock(0, 10)
    captured = sold(house, 1, (0, 2))
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", NOW.date(), Decimal("0.85"))])
    amounts = (("return.goods", 10_000), ("return.shipping", 1_000), ("return.tax", 2_000))
    back = Posting(COMPANY, "return", "order", captured[0], "EUR", amounts, NOW, as_sold=Decimal("0.7"))
    (posted,) = whole(post(SYSTEM, requests=[back]))
    issue_documents(SYSTEM, requests=[IssueDocument(captured[0])])

    root, _ = accounts_of(2026)

    (note,) = root.iterfind("s:SourceDocuments/s:SalesInvoices/s:Invoice", SPACE)
    assert note.findtext("s:TransactionID", "", SPACE) == str(posted.entry)
    told = [
        sum(Decimal(each.text or "") for each in note.iterfind(path, SPACE))
        for path in ("s:Line/s:InvoiceLineAmount/s:Amount", "s:Line//s:TaxAmount/s:Amount")
    ]
    ((net, tax),) = sql.run(
        "SELECT sum(functional_minor) FILTER (WHERE kind IN ('return.goods', 'return.shipping'))::bigint,"
        " sum(functional_minor) FILTER (WHERE kind = 'return.tax')::bigint FROM ledger_line"
        " WHERE entry_id = %(entry)s",
        {"entry": posted.entry},
    )
    assert [100 * one for one in told] == [net, tax] == [7_700, 1_400]


def test_another_year_has_groups_with_nothing_in_them():
    a_floor(skus=0)
    root, _ = accounts_of(2031)
    counts = [one.text for one in root.iterfind("s:SourceDocuments/s:*/s:NumberOfEntries", SPACE)]
    assert counts == ["0", "0"]
    assert root.findtext("s:SourceDocuments/s:MovementOfGoods/s:NumberOfMovementLines", "", SPACE) == "0"


@pytest.mark.alone("ledger")
def test_the_number_of_statements_does_not_depend_on_how_much_there_is(statements):
    traded()
    with statements() as empty:
        accounts_of(2031)
    with statements() as full:
        accounts_of(2026)
    assert len(full.texts) == len(empty.texts)


def test_a_company_is_found_by_its_code():
    a_floor(skus=0)
    assert ledger_export.company_of("") == ledger_export.company_of("test") == COMPANY
    assert ledger_export.company_of("none") is None
