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
from entrepot.kernel.command import whole
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger import queries as ledger
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine
from entrepot.tax.commands.register import RegisterRate, register_rates
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
    assert len(found(".//s:TransactionID")) == entries == int(found(".//s:NumberOfEntries")[0])
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


def test_a_company_is_found_by_its_code():
    a_floor(skus=0)
    assert ledger_export.company_of("") == ledger_export.company_of("test") == COMPANY
    assert ledger_export.company_of("none") is None
