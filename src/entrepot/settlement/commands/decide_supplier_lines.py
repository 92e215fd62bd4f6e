"""A person decides about lines of suppliers' invoices that are in question; and goods come that were billed before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.settlement import in_question, supplier_invoices
from entrepot.settlement.commands.entering import DUTY, alone_up_to
from entrepot.settlement.commands.take_payouts import LOCK
from entrepot.settlement.commands.take_supplier_invoices import BILLED, CAME, ITEM, KIND
from entrepot.settlement.states import IN_QUESTION, SUPPLIER_LINE
from entrepot.settlement.supplier_invoices import Goods, Invoiced, Matched, SupplierTolerance
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

BOUGHT = "order×receive×accept"


@dataclass(frozen=True, slots=True)
class DecideSupplierLine:
    """A line by its invoice and place: accepted as a cost and disputed with a reason, or credited by the supplier, with
    `credited_minor` (without: all of it). What is not credited is a cost."""

    invoice: UUID
    line: int
    decision: str
    reason: str = ""
    credited_minor: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SupplierLineDecided:
    """The line's state, and the invoice's: open, disputed, or settled."""

    invoice: UUID
    line: int
    state: str
    invoice_state: str


class _Line(NamedTuple):
    invoice: UUID
    line: int
    state: str
    difference: int
    number: str
    company: int
    currency: str
    before: str
    order: UUID | None
    order_number: str


_Decided = in_question.Decided[_Line, DecideSupplierLine]


@command("settlement.decide_supplier_lines")
def decide_supplier_lines(
    cause: Cause, /, *, requests: Sequence[DecideSupplierLine]
) -> list[SupplierLineDecided | Refused]:
    """Lines in question, decided: a cost becomes price variance, a credit reduces what we owe, a dispute waits.

    Whoever took an invoice does not accept more of it than `settlement.suppliers` lets them, and whoever ordered or
    received the goods accepts nothing of it: another person does.
    Locks: the accounts with the suppliers, in the order of their ids; the balances.
    Refuses: NotFound; WrongState (decided before); Invalid (an unknown decision, no reason, a credit beyond the
    difference); access.duties_apart; what the ledger refuses, for all. Again: by key. 13 statements.
    """
    sql.run(_LOCK, {"invoices": [one.invoice for one in requests]})
    lines = _lines(requests)
    limits = alone_up_to(cause, (one.company for one in lines.values()), SupplierTolerance)
    duties = _duties(cause, requests, lines, limits)
    told = zip(duties, access.apart([duty for _, duty in duties]), strict=True)
    apart = {which: refused for (which, _), refused in told if refused}

    answers, states = in_question.decide_all(SUPPLIER_LINE, requests, lines, apart, _missing)
    decided = [one for one in answers if not isinstance(one, Refused)]
    invoices = in_question.of_invoices(states)
    if decided:
        accepted = {one.line[:2] for one in decided if one.state != "disputed"}
        whole(take_duty(cause, requests=[duty for which, duty in duties if which in accepted]))
        _write(cause, decided, invoices, limits)
    return [
        SupplierLineDecided(one.line.invoice, one.line.line, one.state, invoices[one.line.invoice])
        if not isinstance(one, Refused)
        else one
        for one in answers
    ]


def _lines(requests: Sequence[DecideSupplierLine]) -> dict[tuple[UUID, int], _Line]:
    """The lines asked for, and those of the same invoices that are in question. 1 statement."""
    rows = sql.columns(("invoices", "lines"), [(one.invoice, one.line) for one in requests])
    return {(row[0], row[1]): _Line(*row) for row in sql.run(_LINES, rows)}


def _duties(
    cause: Cause,
    requests: Sequence[DecideSupplierLine],
    lines: dict[tuple[UUID, int], _Line],
    limits: dict[int, int],
) -> list[tuple[tuple[UUID, int], Duty]]:
    """Lines that whoever ordered or received the goods, or took their invoice, does not accept, as a whole or in
    part."""
    duties: list[tuple[tuple[UUID, int], Duty]] = []
    for request in requests:
        line = lines.get((request.invoice, request.line))
        if not line or line.state not in IN_QUESTION:
            continue
        cost = in_question.cost_of(request.decision, request.credited_minor, line.difference)
        if line.order and cost:
            duties.append((line[:2], Duty(line.order, BOUGHT, "accept", cause.actor.name, line.order_number)))
        if abs(cost) > limits[line.company]:
            duties.append((line[:2], Duty(line.invoice, DUTY, "approve", cause.actor.name, line.number)))
    return duties


def _missing(request: DecideSupplierLine) -> Refused:
    return NotFound(what="line of a supplier's invoice", which=f"{request.line} of {request.invoice}")


def _write(
    cause: Cause, decided: Sequence[_Decided], invoices: dict[UUID, str], limits: dict[int, int]
) -> None:
    last = {one.line[:2]: one for one in decided}
    rows = [
        (
            *which,
            one.state,
            one.credited,
            one.request.reason.strip(),
            cause.actor.name,
            limits[one.line.company],
        )
        for which, one in last.items()
    ]
    names = ("invoices", "lines", "states", "credits", "reasons", "people", "limits")
    sql.run(_DECIDE, sql.columns(names, rows))
    touched = {one.line.invoice: one.line for one in decided}
    postings = [posting for one in last.values() for posting in _postings(cause, one)]
    if postings:
        whole(post(cause, requests=postings))
    announce(cause, [
        Event(KIND, one.line.invoice, one.line.company, one.line.before, invoices[one.line.invoice], cause.at,
              {"line": one.line.line, "state": one.state, "credited_minor": one.credited}, one.request.reason)
        for one in decided
    ])  # fmt: skip
    _store(cause, touched.values(), invoices, "explained")


def _store(cause: Cause, lines: Iterable[_Line], invoices: dict[UUID, str], outcome: str) -> None:
    of_invoice = {line.invoice: line for line in lines}
    stored = [(invoice, invoices[invoice]) for invoice in of_invoice]
    sql.run(_STORE, sql.columns(("invoices", "states"), stored))
    resolve_subjects(cause, requests=[
        ResolveSubject(line.company, ITEM, invoice, outcome, cause.reason, cause.at)
        for invoice, line in of_invoice.items()
        if invoices[invoice] != "open"
    ])  # fmt: skip


def _postings(cause: Cause, one: _Decided) -> list[Posting]:
    if one.state == "disputed":
        return []
    amounts = (("supplier.credited", one.credited), ("supplier.accepted", one.line.difference - one.credited))
    return [
        Posting(
            one.line.company,
            event,
            KIND,
            one.line.invoice,
            one.line.currency,
            (("question", amount),),
            cause.at,
        )
        for event, amount in amounts
        if amount
    ]


# ---- goods that came after their invoice


@dataclass(frozen=True, slots=True)
class MatchArrivals:
    """An invoice whose lines were billed before their goods came."""

    invoice: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ArrivalsMatched:
    """Units that have come since, and the invoice's state."""

    invoice: UUID
    units: int
    state: str


class _Waiting(NamedTuple):
    line: _Line
    told: Invoiced
    units: int
    expected: int
    goods: Goods


@command("settlement.match_arrivals")
def match_arrivals(cause: Cause, /, *, requests: Sequence[MatchArrivals]) -> list[ArrivalsMatched | Refused]:
    """Lines that were billed before their goods came, against what came since: what came leaves goods received not
    invoiced and is no longer in question; a line of which all came at its price is matched.

    Locks: the accounts with the suppliers, in the order of their ids; the balances.
    Refuses: NotFound. Again: finds no more. 11 statements at most.
    """
    wanted = [one.invoice for one in requests]
    sql.run(_LOCK, {"invoices": wanted})
    known = {row[0]: row[1] for row in sql.run(_STATES, {"invoices": wanted})}
    waiting = [_waiting(row) for row in sql.run(_WAITING, {"invoices": wanted})]
    lines = {(row[0], row[1]): _Line(*row) for row in sql.run(_OPEN_LINES, {"invoices": wanted})}
    tolerances = policies.of_companies({one.line.company for one in waiting}, SupplierTolerance, cause.at)
    goods = {one.goods.line: one.goods for one in waiting}
    came: list[tuple[_Waiting, Matched]] = []
    for one in waiting:
        tolerance, stand = tolerances[one.line.company][1], goods[one.goods.line]
        found = supplier_invoices.judge(
            one.told, stand, one.line.currency, tolerance, before=one.units, released=one.expected
        )
        if found.units:
            goods[stand.line] = stand.after(found.units)
            came.append((one, found))
    states = {which: line.state for which, line in lines.items()}
    for one, found in came:
        if found.state == "matched":
            states[one.line[:2]] = "matched"
    invoices = {**known, **in_question.of_invoices(states)}
    if came:
        _arrive(cause, came, invoices)
    units: dict[UUID, int] = {}
    for one, found in came:
        units[one.line.invoice] = units.get(one.line.invoice, 0) + found.units
    return [
        ArrivalsMatched(which, units.get(which, 0), invoices[which])
        if which in known
        else NotFound(what="supplier's invoice", which=str(which))
        for which in wanted
    ]


def _waiting(row: tuple[object, ...]) -> _Waiting:
    line = _Line(*row[:10])  # type: ignore[arg-type]
    order_line, quantity, amount, units, expected = row[10:15]
    told = Invoiced(line.order_number, order_line, quantity, amount)  # type: ignore[arg-type]
    return _Waiting(line, told, units, expected, Goods(*row[16:]))  # type: ignore[arg-type]


def _arrive(cause: Cause, came: Sequence[tuple[_Waiting, Matched]], invoices: dict[UUID, str]) -> None:
    rows = [
        (
            *one.line[:2], one.units + found.units, found.expected, found.difference,
            "matched" if found.state == "matched" else one.line.state, found.why,
        )
        for one, found in came
    ]  # fmt: skip
    names = ("invoices", "lines", "units", "expected", "differences", "states", "whys")
    sql.run(_ARRIVED, sql.columns(names, rows))
    whole(post(cause, requests=[
        Posting(one.line.company, "supplier.arrived", KIND, one.line.invoice, one.line.currency,
                _amounts(one, found), cause.at)
        for one, found in came
        if _amounts(one, found)
    ]))  # fmt: skip
    announce(cause, [
        Event(KIND, one.line.invoice, one.line.company, one.line.before, invoices[one.line.invoice], cause.at,
              {"line": one.line.line, "units": found.units})
        for one, found in came
    ])  # fmt: skip
    _store(cause, [one.line for one, _ in came], invoices, "arrived")


def _amounts(one: _Waiting, found: Matched) -> tuple[tuple[str, int], ...]:
    variance = found.difference if found.state == "matched" else 0
    amounts = (("receipt", found.expected - one.expected), ("variance", variance))
    return tuple((kind, amount) for kind, amount in amounts if amount)


_LOCK = LOCK.format(
    accounts="SELECT company_id::int, supplier_id::text FROM settlement_supplierinvoice"
    " WHERE id = ANY(%(invoices)s::uuid[])"
)

_COLUMNS = """
l.invoice_id, l.number, l.state, l.difference_minor, i.number, i.company_id::int, i.currency::text, i.state, l.order_id,
l.order_number
"""

_LINES = f"""
SELECT {_COLUMNS} FROM settlement_supplierline AS l JOIN settlement_supplierinvoice AS i ON i.id = l.invoice_id
WHERE l.invoice_id = ANY(%(invoices)s::uuid[])
  AND (l.state IN ('differs', 'unmatched', 'disputed')
       OR (l.invoice_id, l.number) IN (SELECT * FROM unnest(%(invoices)s::uuid[], %(lines)s::int[])))
"""

_OPEN_LINES = f"""
SELECT {_COLUMNS} FROM settlement_supplierline AS l JOIN settlement_supplierinvoice AS i ON i.id = l.invoice_id
WHERE l.invoice_id = ANY(%(invoices)s::uuid[]) AND l.state IN ('differs', 'unmatched', 'disputed')
"""

_STATES = "SELECT id, state FROM settlement_supplierinvoice WHERE id = ANY(%(invoices)s::uuid[])"

_WAITING = f"""
SELECT w.*, l.id, l.order_id, came.units, came.value, billed.units, billed.value
FROM (
    SELECT {_COLUMNS}, l.order_line, l.quantity, l.amount_minor, l.units, l.expected_minor, l.line_id
    FROM settlement_supplierline AS l JOIN settlement_supplierinvoice AS i ON i.id = l.invoice_id
    WHERE l.invoice_id = ANY(%(invoices)s::uuid[]) AND l.state IN ('differs', 'disputed') AND l.units < l.quantity
) AS w (invoice, place, state, difference, number, company, currency, before, order_id, order_number, order_line,
        quantity, amount, units, expected, line_id)
JOIN purchasing_orderline AS l ON l.id = w.line_id
CROSS JOIN LATERAL ({CAME}) AS came CROSS JOIN LATERAL ({BILLED}) AS billed
ORDER BY w.invoice, w.place
"""

_DECIDE = """
UPDATE settlement_supplierline AS l SET state = d.state, credited_minor = d.credited, reason = d.reason,
       decided_by = d.person, alone_minor = d.alone
FROM unnest(%(invoices)s::uuid[], %(lines)s::int[], %(states)s::text[], %(credits)s::bigint[], %(reasons)s::text[],
            %(people)s::text[], %(limits)s::bigint[]) AS d(invoice, line, state, credited, reason, person, alone)
WHERE l.invoice_id = d.invoice AND l.number = d.line
"""

_ARRIVED = """
UPDATE settlement_supplierline AS l SET units = d.units, expected_minor = d.expected, difference_minor = d.difference,
       state = d.state, why = d.why
FROM unnest(%(invoices)s::uuid[], %(lines)s::int[], %(units)s::int[], %(expected)s::bigint[], %(differences)s::bigint[],
            %(states)s::text[], %(whys)s::text[]) AS d(invoice, line, units, expected, difference, state, why)
WHERE l.invoice_id = d.invoice AND l.number = d.line
"""

_STORE = """
UPDATE settlement_supplierinvoice AS i SET state = d.state
FROM unnest(%(invoices)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE i.id = d.id
"""
