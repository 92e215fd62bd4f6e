"""A person decides about charges of carriers that are in question: a cost, disputed, or credited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.settlement import in_question
from entrepot.settlement.carriers import CarrierTolerance
from entrepot.settlement.commands.entering import DUTY, alone_up_to
from entrepot.settlement.commands.take_carrier_invoices import ITEM
from entrepot.settlement.commands.take_payouts import LOCK
from entrepot.settlement.states import CHARGE, IN_QUESTION
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class DecideCharge:
    """A charge by its invoice and line: accepted as a cost and disputed with a reason, or credited by the carrier, with
    `credited_minor` (without: all of it). What is not credited is a cost."""

    invoice: UUID
    line: int
    decision: str
    reason: str = ""
    credited_minor: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ChargeDecided:
    """The charge's state, and the invoice's: open, disputed, or settled."""

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


_Decided = in_question.Decided[_Line, DecideCharge]


@command("settlement.decide_charges")
def decide_charges(cause: Cause, /, *, requests: Sequence[DecideCharge]) -> list[ChargeDecided | Refused]:
    """Charges in question, decided: a cost becomes freight variance, a credit reduces what we owe, a dispute waits.

    Whoever took an invoice does not accept more of it than `settlement.carriers` lets them: another person does.
    Locks: the accounts with the carriers, in the order of their names; the balances.
    Refuses: NotFound; WrongState (decided before); Invalid (an unknown decision, no reason, a credit beyond the
    charge); access.duties_apart; what the ledger refuses, for all. Again: by key. 14 statements.
    """
    sql.run(_LOCK, {"invoices": [one.invoice for one in requests]})
    lines = _lines(requests)
    limits = alone_up_to(cause, (one.company for one in lines.values()), CarrierTolerance)
    duties = _duties(cause, requests, lines, limits)
    told = zip(duties, access.apart(list(duties.values())), strict=True)
    apart = {which: refused for which, refused in told if refused}

    answers, states = in_question.decide_all(CHARGE, requests, lines, apart, _missing)
    decided = [one for one in answers if not isinstance(one, Refused)]
    invoices = in_question.of_invoices(states)
    if decided:
        taken = [
            duties[one.line[:2]] for one in decided if one.state != "disputed" and one.line[:2] in duties
        ]
        whole(take_duty(cause, requests=taken))
        _write(cause, decided, invoices, limits)
    return [
        ChargeDecided(one.line.invoice, one.line.line, one.state, invoices[one.line.invoice])
        if not isinstance(one, Refused)
        else one
        for one in answers
    ]


def _lines(requests: Sequence[DecideCharge]) -> dict[tuple[UUID, int], _Line]:
    """The charges asked for, and those of the same invoices that are in question. 1 statement."""
    rows = sql.columns(("invoices", "lines"), [(one.invoice, one.line) for one in requests])
    return {(row[0], row[1]): _Line(*row) for row in sql.run(_LINES, rows)}


def _duties(
    cause: Cause,
    requests: Sequence[DecideCharge],
    lines: dict[tuple[UUID, int], _Line],
    limits: dict[int, int],
) -> dict[tuple[UUID, int], Duty]:
    """Charges that whoever took their invoice does not accept, as a whole or in part."""
    duties: dict[tuple[UUID, int], Duty] = {}
    for request in requests:
        line = lines.get((request.invoice, request.line))
        if line is None or line.state not in IN_QUESTION:
            continue
        cost = in_question.cost_of(request.decision, request.credited_minor, line.difference)
        if abs(cost) > limits[line.company]:
            duties[line[:2]] = Duty(line.invoice, DUTY, "approve", cause.actor.name, line.number)
    return duties


def _missing(request: DecideCharge) -> Refused:
    return NotFound(what="charge", which=f"line {request.line} of {request.invoice}")


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
    touched = {one.line.invoice: one for one in decided}
    stored = [(invoice, invoices[invoice]) for invoice in touched]
    sql.run(_STORE, sql.columns(("invoices", "states"), stored))
    postings = [posting for one in last.values() for posting in _postings(cause, one)]
    if postings:
        whole(post(cause, requests=postings))
    announce(cause, [
        Event("carrier_invoice", one.line.invoice, one.line.company, one.line.before, invoices[one.line.invoice],
              cause.at, {"line": one.line.line, "state": one.state, "credited_minor": one.credited},
              one.request.reason)
        for one in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(one.line.company, ITEM, invoice, "explained", one.request.reason, cause.at)
        for invoice, one in touched.items()
        if invoices[invoice] != "open"
    ])  # fmt: skip


def _postings(cause: Cause, one: _Decided) -> list[Posting]:
    if one.state == "disputed":
        return []
    amounts = (("carrier.credited", one.credited), ("carrier.accepted", one.line.difference - one.credited))
    return [
        Posting(one.line.company, event, "carrier_invoice", one.line.invoice, one.line.currency,
                (("question", amount),), cause.at)
        for event, amount in amounts
        if amount
    ]  # fmt: skip


_LOCK = LOCK.format(
    accounts="SELECT company_id, carrier FROM settlement_carrierinvoice WHERE id = ANY(%(invoices)s::uuid[])"
)

_LINES = """
SELECT c.invoice_id, c.number, c.state, c.difference_minor, i.number, i.company_id::int, i.currency::text, i.state
FROM settlement_carriercharge AS c JOIN settlement_carrierinvoice AS i ON i.id = c.invoice_id
WHERE c.invoice_id = ANY(%(invoices)s::uuid[])
  AND (c.state IN ('differs', 'unmatched', 'disputed')
       OR (c.invoice_id, c.number) IN (SELECT * FROM unnest(%(invoices)s::uuid[], %(lines)s::int[])))
"""

_DECIDE = """
UPDATE settlement_carriercharge AS c SET state = d.state, credited_minor = d.credited, reason = d.reason,
       decided_by = d.person, alone_minor = d.alone
FROM unnest(%(invoices)s::uuid[], %(lines)s::int[], %(states)s::text[], %(credits)s::bigint[], %(reasons)s::text[],
            %(people)s::text[], %(limits)s::bigint[]) AS d(invoice, line, state, credited, reason, person, alone)
WHERE c.invoice_id = d.invoice AND c.number = d.line
"""

_STORE = """
UPDATE settlement_carrierinvoice AS i SET state = d.state
FROM unnest(%(invoices)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE i.id = d.id
"""
