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


def _say(name: str, value: object) -> str:
    text = "".join(one for one in str(value) if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))
    return f"<{name}>{escape(text)}</{name}>"


def head(of: Header) -> Iterator[str]:
    """The declaration, the header, and the beginning of the master files."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<AuditFile xmlns="{NAMESPACE}">\n<Header>\n'
    yield _say("AuditFileVersion", "2.00") + _say("AuditFileCountry", of.country)
    yield _say("AuditFileDateCreated", of.made_at.date()) + _say("SoftwareCompanyName", "Entrepot")
    yield _say("SoftwareID", "Entrepot") + _say("SoftwareVersion", __version__)
    yield f"<Company>{_say('RegistrationNumber', of.registration or of.company)}{_say('Name', of.name)}"
    yield f"{_address(of)}{_registered_for_tax(of.tax_number)}</Company>"
    yield _say("DefaultCurrencyCode", of.currency)
    yield f"<SelectionCriteria>{_say('SelectionStartDate', of.since)}"
    yield f"{_say('SelectionEndDate', of.until)}</SelectionCriteria>"
    yield _say("TaxAccountingBasis", "Invoice Accounting") + "\n</Header>\n<MasterFiles>\n"


def _address(of: Header) -> str:
    names = ("StreetName", "City", "PostalCode", "Country")
    said = [_say(name, value) for name, value in zip(names, (*of.address, of.country), strict=True) if value]
    return f"<Address>{''.join(said)}</Address>"


def _registered_for_tax(number: str) -> str:
    return f"<TaxRegistration>{_say('TaxRegistrationNumber', number)}</TaxRegistration>" if number else ""


def accounts(currency: str, rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Accounts with what stood on them before and after."""
    yield "<GeneralLedgerAccounts>\n"
    for code, name, kind, opening, closing in rows:
        yield f"<Account>{_say('AccountID', code)}{_say('AccountDescription', name)}{_say('AccountType', kind)}"
        yield f"{_balance('Opening', opening, currency)}{_balance('Closing', closing, currency)}</Account>\n"
    yield "</GeneralLedgerAccounts>\n"


def _balance(when: str, minor: int, currency: str) -> str:
    side = "Debit" if minor >= 0 else "Credit"
    return _say(f"{when}{side}Balance", money.text(abs(minor), currency))


def parties(group: str, name: str, rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Customers or suppliers by their keys; a customer's is their name here as well: the other is personal data."""
    yield f"<{group}>\n"
    for code, called in rows:
        yield f"<{name}>{_say('Name', called or code)}{_say(f'{name}ID', code)}</{name}>\n"
    yield f"</{group}>\n"


def taxes(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The rates of each place and category from their days on; the end of the master files."""
    yield "<TaxTable>\n"
    for place, country, category, since, rate in rows:
        yield f"<TaxTableEntry>{_say('TaxType', 'VAT')}{_say('Description', f'{place} {category}'.strip())}"
        yield f"<TaxCodeDetails>{_say('TaxCode', f'{place} {category}'.strip())}{_say('EffectiveDate', since)}"
        yield f"{_say('TaxPercentage', f'{(Decimal(rate) * 100).normalize():f}')}{_say('Country', country)}"
        yield "</TaxCodeDetails></TaxTableEntry>\n"
    yield "</TaxTable>\n</MasterFiles>\n"


def entries_head(entries: int, debit: int, credit: int, currency: str) -> Iterator[str]:
    """How many entries follow, and what their sides make."""
    yield f"<GeneralLedgerEntries>\n{_say('NumberOfEntries', entries)}"
    yield f"{_say('TotalDebit', money.text(debit, currency))}{_say('TotalCredit', money.text(credit, currency))}\n"
    yield f"<Journal>{_say('JournalID', 'GL')}{_say('Description', 'General ledger')}{_say('Type', 'GL')}\n"


def entry(lines: Sequence[Row], currency: str) -> Iterator[str]:
    """One entry whole."""
    first = lines[0]
    yield f"<Transaction>{_say('TransactionID', first.entry)}{_say('Period', first.on_date.month)}"
    yield f"{_say('PeriodYear', first.on_date.year)}{_say('TransactionDate', first.on_date)}"
    yield f"{_say('Description', first.event)}{_say('SystemEntryDate', first.recorded_at.date())}"
    yield f"{_say('GLPostingDate', first.on_date)}\n"
    for line in lines:
        side = "DebitAmount" if line.functional_minor >= 0 else "CreditAmount"
        yield f"<Line>{_say('RecordID', line.number)}{_say('AccountID', line.account)}"
        yield f"{_say('SourceDocumentID', f'{line.document_kind} {line.document}')}{_say('Description', line.kind)}"
        amount = _say("Amount", money.text(abs(line.functional_minor), currency))
        foreign = ""
        if line.currency != currency:
            text = money.text(abs(line.amount_minor), line.currency)
            foreign = f"{_say('CurrencyCode', line.currency)}{_say('CurrencyAmount', text)}"
        yield f"<{side}>{amount}{foreign}</{side}></Line>\n"
    yield "</Transaction>\n"


def foot() -> Iterator[str]:
    yield "</Journal>\n</GeneralLedgerEntries>\n</AuditFile>\n"
