"""A supplier sends his invoice: each line against what was ordered and what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.settlement import errors, supplier_invoices
from entrepot.settlement.commands.entering import Entry, Known, enter, in_question, known_of
from entrepot.settlement.commands.take_payouts import LOCK, SHOWN_MAX
from entrepot.settlement.supplier_invoices import Goods, Invoiced, Matched, SupplierTolerance
from entrepot.work.commands.open_items import OpenItem

ITEM = "supplier invoice to check"
KIND = "supplier_invoice"
WORK_ORDER = "WO-"


@dataclass(frozen=True, slots=True)
class TakeSupplierInvoice:
    """An invoice as its supplier (by code) sends it; `external_id` is his number of it, once for ever. Lines are
    without tax, `tax_minor` is that of all, `total_minor` what he asks for."""

    company: int
    supplier: str
    external_id: str
    currency: str
    total_minor: int
    lines: tuple[Invoiced, ...]
    tax_minor: int = 0
    invoiced_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SupplierInvoiceTaken:
    """The invoice; `in_question` lines wait for a person, over `question_minor` in all. Not `fresh` where known."""

    invoice: UUID
    number: str
    state: str
    lines: int
    in_question: int
    question_minor: int
    fresh: bool


class _Supplier(NamedTuple):
    id: UUID
    currency: str


class _Draft(NamedTuple):
    id: UUID
    number: str
    request: TakeSupplierInvoice
    supplier: UUID
    lines: list[Matched]
    at: datetime

    def known(self) -> Known:
        return known_of(self.id, self.number, self.request.currency, self.request.total_minor, self.lines)


@command("settlement.take_supplier_invoices")
def take_supplier_invoices(
    cause: Cause, /, *, requests: Sequence[TakeSupplierInvoice]
) -> list[SupplierInvoiceTaken | Refused]:
    """Suppliers' invoices as what we owe: what came of each line leaves goods received not invoiced at what it was
    taken in at, and work on returned goods its accrual at what was reported; what is billed beyond that is price
    variance within tolerance, else in question and a work item.

    Locks: the accounts with the suppliers, in the order of their ids; the balances.
    Refuses: NotFound (the supplier); Invalid (another currency than his); settlement.not_a_supplier_line;
    settlement.supplier_invoice_does_not_add_up; settlement.supplier_invoice_taken_otherwise; what the ledger refuses,
    for all. Again: by key, and by the supplier's number. 17 statements.
    """
    facts = _Facts(requests, cause.at)
    numbers = iter(ids.numbers("SI", len(requests)))
    answers: list[SupplierInvoiceTaken | Refused] = []
    drafts: list[_Draft] = []
    for request in requests:
        found = facts.supplier(request)
        if isinstance(found, Refused):
            answers.append(found)
            continue
        name = (found.id, request.external_id)
        if name in facts.known:
            answers.append(_again(facts.known[name], request))
            continue
        refused = supplier_invoices.misfit(
            request.external_id, request.lines, request.tax_minor, request.total_minor, request.currency
        )
        if refused:
            answers.append(refused)
            continue
        lines = facts.match(request, found.id)
        draft = _Draft(ids.uuid7(), next(numbers), request, found.id, lines, request.invoiced_at or cause.at)
        drafts.append(draft)
        facts.known[name] = draft.known()
        answers.append(facts.known[name].answer(SupplierInvoiceTaken, fresh=True))
    if drafts:
        _write(cause, drafts)
    return answers


def _again(known: Known, request: TakeSupplierInvoice) -> SupplierInvoiceTaken | Refused:
    refused = known.misfit(
        errors.SupplierInvoiceTakenOtherwise, request.external_id, request.currency, request.total_minor
    )
    return refused or known.answer(SupplierInvoiceTaken, fresh=False)


class _Facts:
    """The suppliers of a batch, what of it is known, and the goods that its lines are for. 5 statements."""

    def __init__(self, requests: Sequence[TakeSupplierInvoice], at: datetime) -> None:
        names = sql.columns(("companies", "codes"), sorted({(one.company, one.supplier) for one in requests}))
        rows = sql.run(_SUPPLIERS, names)
        self.suppliers = {(row[0], row[1]): _Supplier(*row[2:]) for row in rows}
        locks = [(row[0], str(row[2])) for row in rows]
        # Two suppliers may bill one work order.
        locks += [
            (one.company, "work")
            for one in requests
            if any(line.order.startswith(WORK_ORDER) for line in one.lines)
        ]
        sql.run(_LOCK, sql.columns(("companies", "providers"), locks))
        taken = [
            (self.suppliers[one.company, one.supplier].id, one.external_id)
            for one in requests
            if (one.company, one.supplier) in self.suppliers
        ]
        found = sql.run(_TAKEN, sql.columns(("suppliers", "externals"), taken))
        self.known = {(row[0], row[1]): Known(*row[2:]) for row in found}
        self.tolerances = policies.of_companies({one.company for one in requests}, SupplierTolerance, at)
        wanted = {
            (self.suppliers[one.company, one.supplier].id, line.order)
            for one in requests
            if (one.company, one.supplier) in self.suppliers
            for line in one.lines
        }
        self.goods = {
            (row[0], row[1], row[2]): Goods(*row[3:])
            for row in sql.run(_GOODS, sql.columns(("suppliers", "orders"), sorted(wanted)))
        }

    def supplier(self, request: TakeSupplierInvoice) -> _Supplier | Refused:
        found = self.suppliers.get((request.company, request.supplier))
        if found is None:
            return NotFound(what="supplier", which=request.supplier)
        if found.currency != request.currency:
            return Invalid(field="currency", expected=found.currency, found=request.currency)
        return found

    def match(self, request: TakeSupplierInvoice, supplier: UUID) -> list[Matched]:
        ordered = {(order, line): goods for (of, order, line), goods in self.goods.items() if of == supplier}
        tolerance = self.tolerances[request.company][1]
        found = supplier_invoices.match(request.lines, ordered, request.currency, tolerance)
        for one in found:
            name = (supplier, one.line.order, one.line.line)
            if one.goods:
                self.goods[name] = self.goods[name].after(one.units)
        return found


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    sql.write("settlement_supplierinvoice", _INVOICE, [
        (
            one.id, one.number, one.request.company, one.supplier, one.request.external_id, one.request.currency,
            one.request.tax_minor, one.request.total_minor, one.known().state, one.at, cause.actor.name,
        )
        for one in drafts
    ])  # fmt: skip
    sql.write("settlement_supplierline", _LINE, [
        (
            one.id, number, m.line.order, m.line.line, m.goods and m.goods.order, m.goods and m.goods.line,
            m.line.quantity, m.line.amount_minor, m.units, m.expected, m.difference, m.state, m.why,
        )
        for one in drafts
        for number, m in enumerate(one.lines, 1)
    ])  # fmt: skip
    enter(cause, KIND, "supplier.invoiced", [
        Entry(one.request.company, one.known(), _amounts(one), _item(one), one.at) for one in drafts
    ])  # fmt: skip


def _amounts(one: _Draft) -> tuple[tuple[str, int], ...]:
    matched = [line for line in one.lines if line.state == "matched"]
    amounts = (
        ("receipt", sum(line.expected for line in one.lines if not (line.goods and line.goods.is_work))),
        ("work", sum(line.expected for line in one.lines if line.goods and line.goods.is_work)),
        ("variance", sum(line.difference for line in matched)),
        ("question", sum(line.difference for line in in_question(one.lines))),
        ("tax", one.request.tax_minor),
    )
    return tuple((kind, amount) for kind, amount in amounts if amount)


def _item(one: _Draft) -> OpenItem | None:
    wrong = in_question(one.lines)
    if not wrong:
        return None
    return OpenItem(
        company=one.request.company, type=ITEM, subject_kind=KIND, subject=one.id,
        reason=Said(
            "Invoice {0} of {1}: lines in question: {2}. {3} line {4}: {5}.",
            one.number, one.request.supplier, len(wrong), wrong[0].line.order, wrong[0].line.line, wrong[0].why,
        ),
        role="controller", priority=50, occurred_at=one.at,
        facts={"lines": [f"{m.line.order} line {m.line.line}: {m.why}" for m in wrong[:SHOWN_MAX]]},
    )  # fmt: skip


_INVOICE = (
    "id", "number", "company_id", "supplier_id", "external_id", "currency", "tax_minor", "total_minor", "state",
    "invoiced_at", "taken_by",
)  # fmt: skip
_LINE = (
    "invoice_id", "number", "order_number", "order_line", "order_id", "line_id", "quantity", "amount_minor", "units",
    "expected_minor", "difference_minor", "state", "why",
)  # fmt: skip

_LOCK = LOCK.format(accounts="SELECT * FROM unnest(%(companies)s::int[], %(providers)s::text[])")

_SUPPLIERS = """
SELECT s.company_id::int, s.code, s.id, s.currency
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN parties_supplier AS s ON s.company_id = d.company AND s.code = d.code
"""

_TAKEN = """
SELECT i.supplier_id, i.external_id, i.id, i.number, i.state, i.currency::text, i.total_minor, count(l.number)::int,
       count(l.number) FILTER (WHERE l.state IN ('differs', 'unmatched', 'disputed'))::int,
       COALESCE(sum(l.difference_minor) FILTER (WHERE l.state IN ('differs', 'unmatched', 'disputed')), 0)::bigint
FROM unnest(%(suppliers)s::uuid[], %(externals)s::text[]) AS d(supplier, external)
JOIN settlement_supplierinvoice AS i ON i.supplier_id = d.supplier AND i.external_id = d.external
LEFT JOIN settlement_supplierline AS l ON l.invoice_id = i.id
GROUP BY i.id
"""

CAME = """
    SELECT COALESCE(sum(r.quantity), 0)::int AS units, COALESCE(sum(r.value_minor), 0)::bigint AS value
    FROM purchasing_receiptline AS r WHERE r.line_id = l.id
"""
"""What came of a line `l` of an order, and what it was taken in at."""

BILLED = """
    SELECT COALESCE(sum(b.units), 0)::int AS units, COALESCE(sum(b.expected_minor), 0)::bigint AS value
    FROM settlement_supplierline AS b WHERE b.line_id = l.id
"""

_GOODS = f"""
SELECT o.supplier_id, o.number, l.number, l.id, o.id, came.units, came.value, billed.units, billed.value, FALSE
FROM unnest(%(suppliers)s::uuid[], %(orders)s::text[]) AS d(supplier, number)
JOIN purchasing_order AS o ON o.supplier_id = d.supplier AND o.number = d.number
JOIN purchasing_orderline AS l ON l.order_id = o.id
CROSS JOIN LATERAL ({CAME}) AS came CROSS JOIN LATERAL ({BILLED}) AS billed
UNION ALL
SELECT s.id, l.number, 1, l.id, l.id, l.quantity, worked.value, billed.units, billed.value, TRUE
FROM unnest(%(suppliers)s::uuid[], %(orders)s::text[]) AS d(supplier, number)
JOIN parties_supplier AS s ON s.id = d.supplier
JOIN returns_workorder AS l ON l.company_id = s.company_id AND l.number = d.number AND l.currency = s.currency
CROSS JOIN LATERAL (
    SELECT COALESCE(-sum(amount_minor), 0)::bigint AS value FROM ledger_line
    WHERE document_id = l.id AND document_kind = 'work order' AND account = 2160
) AS worked
CROSS JOIN LATERAL ({BILLED}) AS billed WHERE l.state = 'finished'
"""
