"""The source documents of a standard audit file as text: invoices, payments, movements of goods. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.insight.saft import Row, amount, say
from entrepot.kernel import money

UNIT = "C62"
"""One, by UN/ECE Recommendation 20: units are counted."""
TYPES = {"invoice": "380", "credit_note": "381"}
"""Of invoices, by UNTDID 1001."""


class InvoiceLine(NamedTuple):
    """A line of an invoice or credit note with its document, and what it makes in the company's currency."""

    number: str
    kind: str
    issued_on: date
    supplied_on: date
    entry: UUID
    customer: str  # '' where it is a guest
    country: str
    currency: str
    corrects: Sequence[str]
    line: int
    sku: str
    description: str
    quantity: int
    net_minor: int
    category: str
    rate: Decimal
    home_net_minor: int
    home_tax_minor: int


class PaidLine(NamedTuple):
    """A line of the entry that a payment made, and by whom it was paid."""

    row: Row
    method: str


class MoveLine(NamedTuple):
    """Units that came to the house or left it by a document; `came` says which."""

    document_kind: str
    document: UUID
    reason: str
    on_date: date
    recorded_at: datetime
    id: int
    sku: str
    quantity: int
    came: bool
    value_minor: int


def products(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The unit in which goods are counted, and what they are."""
    yield f"<UOMTable><UOMTableEntry>{say('UnitOfMeasure', UNIT)}{say('Description', 'one')}</UOMTableEntry>"
    yield "</UOMTable>\n<Products>\n"
    for code, name in rows:
        yield f"<Product>{say('ProductCode', code)}{say('Description', name)}{say('UOMBase', UNIT)}</Product>\n"
    yield "</Products>\n"


def invoice(lines: Sequence[InvoiceLine], currency: str) -> Iterator[str]:
    """One invoice or credit note whole. What is sold stands on the credit side, what is taken back on the debit."""
    first = lines[0]
    country = f"<BillingAddress>{say('Country', first.country)}</BillingAddress>" if first.country else ""
    who = say("CustomerID", first.customer) if first.customer else say("Name", "guest")
    yield f"<Invoice>{say('InvoiceNo', first.number)}<CustomerInfo>{who}{country}</CustomerInfo>"
    yield f"{_period(first.issued_on)}{say('InvoiceDate', first.issued_on)}{say('InvoiceType', TYPES[first.kind])}"
    yield f"{say('TransactionID', first.entry)}\n"
    for line in lines:
        yield from _invoice_line(line, currency)
    net = sum(one.home_net_minor for one in lines)
    tax = sum(one.home_tax_minor for one in lines)
    yield f"<DocumentTotals>{say('NetTotal', money.text(net, currency))}"
    yield f"{say('GrossTotal', money.text(net + tax, currency))}</DocumentTotals></Invoice>\n"


def _invoice_line(line: InvoiceLine, currency: str) -> Iterator[str]:
    yield f"<Line>{say('LineNumber', line.line)}"
    yield say("ProductCode", line.sku) if line.sku else ""
    yield say("ProductDescription", line.description) if line.description else ""
    yield f"{say('Quantity', line.quantity)}{say('InvoiceUOM', UNIT)}{say('TaxPointDate', line.supplied_on)}"
    yield "".join(
        f"<References><CreditNote>{say('Reference', one)}</CreditNote></References>" for one in line.corrects
    )
    net = amount(line.home_net_minor, line.net_minor, line.currency, currency)
    yield f"<InvoiceLineAmount>{net}</InvoiceLineAmount>"
    yield say("DebitCreditIndicator", "C" if (line.kind == "invoice") == (line.home_net_minor >= 0) else "D")
    yield f"<TaxInformation>{say('TaxType', 'VAT')}{say('TaxCode', line.category)}"
    yield f"{say('TaxPercentage', f'{(line.rate * 100).normalize():f}')}"
    yield f"<TaxAmount>{say('Amount', money.text(line.home_tax_minor, currency))}</TaxAmount></TaxInformation></Line>\n"


def payment(lines: Sequence[PaidLine], currency: str) -> Iterator[str]:
    """One payment whole: both sides of what it posted."""
    first = lines[0].row
    yield f"<Payment>{say('PaymentRefNo', first.entry)}{_period(first.on_date)}{say('TransactionID', first.entry)}"
    yield f"{say('TransactionDate', first.on_date)}{say('PaymentMethod', lines[0].method)}"
    yield f"{say('Description', first.event)}\n"
    for one, _ in lines:
        yield f"<Line>{say('LineNumber', one.number)}{say('SourceDocumentID', f'{one.document_kind} {one.document}')}"
        yield f"{say('AccountID', one.account)}{say('DebitCreditIndicator', 'D' if one.functional_minor >= 0 else 'C')}"
        amounts = amount(one.functional_minor, one.amount_minor, one.currency, currency)
        yield f"<PaymentLineAmount>{amounts}</PaymentLineAmount></Line>\n"
    paid = sum(max(0, one.functional_minor) for one, _ in lines)
    yield f"<DocumentTotals>{say('GrossTotal', money.text(paid, currency))}</DocumentTotals></Payment>\n"


def movements_head(lines: int, received: int, issued: int) -> Iterator[str]:
    """The beginning of the movements: how many lines follow, and how many units came and left."""
    yield f"<MovementOfGoods>\n{say('NumberOfMovementLines', lines)}{say('TotalQuantityReceived', received)}"
    yield f"{say('TotalQuantityIssued', issued)}\n"


def movement(lines: Sequence[MoveLine], currency: str) -> Iterator[str]:
    """What a document moved on a day for a reason."""
    first = lines[0]
    yield f"<StockMovement>{say('MovementReference', first.id)}{say('MovementDate', first.on_date)}"
    yield f"{say('MovementPostingDate', first.recorded_at.date())}{say('MovementType', first.reason)}"
    yield f"<DocumentReference>{say('DocumentType', first.document_kind)}{say('DocumentNumber', first.document)}"
    yield "</DocumentReference>\n"
    for number, one in enumerate(lines, 1):
        yield f"<Line>{say('LineNumber', number)}{say('ProductCode', one.sku)}{say('Quantity', one.quantity)}"
        yield f"{say('UnitOfMeasure', UNIT)}{say('BookValue', money.text(one.value_minor, currency))}"
        yield f"{say('MovementSubType', 'received' if one.came else 'issued')}</Line>\n"
    yield "</StockMovement>\n"


def _period(on: date) -> str:
    return say("Period", on.month) + say("PeriodYear", on.year)
