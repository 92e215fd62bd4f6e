"""The parts of a standard audit file (SAF-T, structure of OECD 2.0) as text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID
from xml.sax.saxutils import escape

from entrepot import __version__
from entrepot.kernel import money

NAMESPACE = "urn:OECD:StandardAuditFile-Tax:2.00"


class Header(NamedTuple):
    company: str
    name: str
    currency: str
    country: str
    since: date
    until: date  # the last day
    made_at: datetime
    registration: str = ""
    tax_number: str = ""
    address: tuple[str, str, str] = ("", "", "")  # street, city, postal code


class Row(NamedTuple):
    """A line of the journal with the name of its account."""

    entry: UUID
    number: int
    account: int
    account_name: str
    amount_minor: int
    currency: str
    functional_minor: int
    kind: str
    event: str
    document_kind: str
    document: UUID
    on_date: date
    recorded_at: datetime


def say(name: str, value: object) -> str:
    """An element with a text, without the signs that XML has no place for."""
    text = "".join(one for one in str(value) if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))
    return f"<{name}>{escape(text)}</{name}>"


def head(of: Header) -> Iterator[str]:
    """The declaration, the header, and the beginning of the master files."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<AuditFile xmlns="{NAMESPACE}">\n<Header>\n'
    yield say("AuditFileVersion", "2.00") + say("AuditFileCountry", of.country)
    yield say("AuditFileDateCreated", of.made_at.date()) + say("SoftwareCompanyName", "Entrepot")
    yield say("SoftwareID", "Entrepot") + say("SoftwareVersion", __version__)
    yield f"<Company>{say('RegistrationNumber', of.registration or of.company)}{say('Name', of.name)}"
    yield f"{_address(of)}{_registered_for_tax(of.tax_number)}</Company>"
    yield say("DefaultCurrencyCode", of.currency)
    yield f"<SelectionCriteria>{say('SelectionStartDate', of.since)}"
    yield f"{say('SelectionEndDate', of.until)}</SelectionCriteria>"
    yield say("TaxAccountingBasis", "Invoice Accounting") + "\n</Header>\n<MasterFiles>\n"


def _address(of: Header) -> str:
    names = ("StreetName", "City", "PostalCode", "Country")
    said = [say(name, value) for name, value in zip(names, (*of.address, of.country), strict=True) if value]
    return f"<Address>{''.join(said)}</Address>"


def _registered_for_tax(number: str) -> str:
    return f"<TaxRegistration>{say('TaxRegistrationNumber', number)}</TaxRegistration>" if number else ""


def accounts(currency: str, rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Accounts with what stood on them before and after."""
    yield "<GeneralLedgerAccounts>\n"
    for code, name, external, kind, opening, closing in rows:
        standard = say("StandardAccountID", external) if external else ""
        yield f"<Account>{say('AccountID', code)}{say('AccountDescription', name)}{standard}{say('AccountType', kind)}"
        yield f"{_balance('Opening', opening, currency)}{_balance('Closing', closing, currency)}</Account>\n"
    yield "</GeneralLedgerAccounts>\n"


def _balance(when: str, minor: int, currency: str) -> str:
    side = "Debit" if minor >= 0 else "Credit"
    return say(f"{when}{side}Balance", money.text(abs(minor), currency))


def parties(group: str, name: str, rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Customers or suppliers by their keys; a customer's is their name here as well: the other is personal data."""
    yield f"<{group}>\n"
    for code, called in rows:
        yield f"<{name}>{say('Name', called or code)}{say(f'{name}ID', code)}</{name}>\n"
    yield f"</{group}>\n"


def taxes(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The rates of each place and category from their days on."""
    yield "<TaxTable>\n"
    for place, country, category, since, rate in rows:
        yield f"<TaxTableEntry>{say('TaxType', 'VAT')}{say('Description', f'{place} {category}'.strip())}"
        yield f"<TaxCodeDetails>{say('TaxCode', f'{place} {category}'.strip())}{say('EffectiveDate', since)}"
        yield f"{say('TaxPercentage', f'{(Decimal(rate) * 100).normalize():f}')}{say('Country', country)}"
        yield "</TaxCodeDetails></TaxTableEntry>\n"
    yield "</TaxTable>\n"


def group(name: str, count: int, debit: int, credit: int, currency: str) -> Iterator[str]:
    """The beginning of a group: how many entries or documents follow, and what the sides of their lines make."""
    yield f"<{name}>\n{say('NumberOfEntries', count)}{say('TotalDebit', money.text(debit, currency))}"
    yield f"{say('TotalCredit', money.text(credit, currency))}\n"


def amount(functional_minor: int, minor: int, currency: str, home: str) -> str:
    """What a line is over in the company's currency, and in its own where that is another; the side is said beside."""
    at_home = say("Amount", money.text(abs(functional_minor), home))
    if currency == home:
        return at_home
    return (
        f"{at_home}{say('CurrencyCode', currency)}{say('CurrencyAmount', money.text(abs(minor), currency))}"
    )


def entries_head(entries: int, debit: int, credit: int, currency: str) -> Iterator[str]:
    """The end of the master files; how many entries follow, and what their sides make."""
    yield "</MasterFiles>\n"
    yield from group("GeneralLedgerEntries", entries, debit, credit, currency)
    yield f"<Journal>{say('JournalID', 'GL')}{say('Description', 'General ledger')}{say('Type', 'GL')}\n"


def entry(lines: Sequence[Row], currency: str) -> Iterator[str]:
    """One entry whole."""
    first = lines[0]
    yield f"<Transaction>{say('TransactionID', first.entry)}{say('Period', first.on_date.month)}"
    yield f"{say('PeriodYear', first.on_date.year)}{say('TransactionDate', first.on_date)}"
    yield f"{say('Description', first.event)}{say('SystemEntryDate', first.recorded_at.date())}"
    yield f"{say('GLPostingDate', first.on_date)}\n"
    for line in lines:
        side = "DebitAmount" if line.functional_minor >= 0 else "CreditAmount"
        yield f"<Line>{say('RecordID', line.number)}{say('AccountID', line.account)}"
        yield f"{say('SourceDocumentID', f'{line.document_kind} {line.document}')}{say('Description', line.kind)}"
        amounts = amount(line.functional_minor, line.amount_minor, line.currency, currency)
        yield f"<{side}>{amounts}</{side}></Line>\n"
    yield "</Transaction>\n"


def entries_foot() -> Iterator[str]:
    yield "</Journal>\n</GeneralLedgerEntries>\n"


def foot() -> Iterator[str]:
    yield "</AuditFile>\n"
