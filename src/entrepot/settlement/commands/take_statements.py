"""A statement of the bank: each line to the payout or invoice that it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, money, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.settlement import bank, errors
from entrepot.settlement.bank import BOOKED_AS, BankMatching, Expected, Matched, Statement
from entrepot.settlement.bank_queries import EXPECTED, NAMED
from entrepot.settlement.commands.take_payouts import LOCK, SHOWN_MAX
from entrepot.work.commands.open_items import OpenItem, open_items

DUTY = "enter×approve"
ITEM = "bank statement to match"
LATELY = timedelta(days=100)
"""For so long the same lines under another name are the same statement."""
BANK = "bank"
"""Whose account is locked: one at a time says what lines of statements belong to."""


@dataclass(frozen=True, slots=True)
class TakeStatement:
    """A statement; its `external_id` is the bank's name for it, once for ever for an account."""

    company: int
    statement: Statement
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StatementTaken:
    """The statement; `waiting` lines are in the queue. Not `fresh` where it was known."""

    statement: UUID
    number: str
    state: str
    lines: int
    waiting: int
    fresh: bool


class _Known(NamedTuple):
    id: UUID
    number: str
    state: str
    closing: int | None
    lines: int
    total: int
    waiting: int

    def answer(self, *, fresh: bool) -> StatementTaken:
        return StatementTaken(self.id, self.number, self.state, self.lines, self.waiting, fresh)


class _Draft(NamedTuple):
    id: UUID
    number: str
    request: TakeStatement
    lines: list[Matched]

    @property
    def waiting(self) -> list[Matched]:
        return [one for one in self.lines if one.state != "matched"]

    def known(self) -> _Known:
        own, waiting = self.request.statement, self.waiting
        total = sum(line.amount_minor for line in own.lines)
        state = "open" if waiting else "matched"
        return _Known(self.id, self.number, state, own.closing_minor, len(own.lines), total, len(waiting))


@command("settlement.take_statements")
def take_statements(cause: Cause, /, *, requests: Sequence[TakeStatement]) -> list[StatementTaken | Refused]:
    """Statements, their lines matched to payouts, to invoices, which they pay, and to orders on account, which their
    customers pay; the rest is a queue and a work item for the controller. What a payout brought is in the books by its
    report, and is not booked again.

    Locks: the companies' bank accounts; the balances. Refuses: settlement.statement_does_not_add_up;
    settlement.statement_taken_otherwise; settlement.statement_under_another_name; Invalid (a line over nothing, or
    none); what the ledger refuses, for all. Again: by key, and by the bank's name for it. 18 statements at most.
    """
    names = [(one.company, one.statement.account, one.statement.external_id) for one in requests]
    columns = sql.columns(("companies", "accounts", "externals"), names)
    sql.run(_LOCK, columns)
    known = {row[:3]: _Known(*row[3:]) for row in sql.run(_TAKEN, columns)}
    others = _others(requests, cause)
    expected = _expected(requests)
    said = _said(requests)
    policy = policies.of_companies({one.company for one in requests}, BankMatching, cause.at)
    numbers = iter(ids.numbers("BS", len(requests)))

    answers: list[StatementTaken | Refused] = []
    drafts: list[_Draft] = []
    for place, (request, name) in enumerate(zip(requests, names, strict=True)):
        refused = _misfit(request.statement) or others.get(place)
        if name in known or refused:
            answers.append(_again(known[name], request.statement) if name in known else refused)  # type: ignore[arg-type]
            continue
        books = (request.company, request.statement.currency)
        free = expected.setdefault(books, [])
        window = policy[request.company][1].window_days
        lines = bank.match(request.statement.lines, free, window, said[books])
        gone = {one.known.id for one in lines if one.known and one.state == "matched"}
        free[:] = [one for one in free if one.id not in gone]
        draft = _Draft(ids.uuid7(), next(numbers), request, lines)
        drafts.append(draft)
        known[name] = draft.known()
        answers.append(known[name].answer(fresh=True))
    if drafts:
        _write(cause, drafts)
    return answers


def _misfit(one: Statement) -> Refused | None:
    if not 0 < len(one.lines) <= bank.LINES_MAX:
        return Invalid(field="lines", expected=Said("1 to {0}", bank.LINES_MAX), found=len(one.lines))
    if any(not 0 < abs(line.amount_minor) <= bank.AMOUNT_MAX for line in one.lines):
        return Invalid(field="amount_minor", expected="other than 0", found="0, or too much")
    made = bank.sums_to(one.opening_minor, one.closing_minor, one.lines)
    if made is None or one.closing_minor is None:
        return None
    expected = money.told(one.closing_minor, one.currency)
    return errors.StatementDoesNotAddUp(
        external_id=one.external_id, expected=expected, found=money.told(made, one.currency)
    )


def _again(known: _Known, one: Statement) -> StatementTaken | Refused:
    total = sum(line.amount_minor for line in one.lines)
    if (known.lines, known.total) == (len(one.lines), total):
        return known.answer(fresh=False)
    return errors.StatementTakenOtherwise(
        external_id=one.external_id, number=known.number,
        expected=Said('{0} lines over {1}', known.lines, money.told(known.total, one.currency)),
        found=Said('{0} over {1}', len(one.lines), money.told(total, one.currency)),
    )  # fmt: skip


def _others(requests: Sequence[TakeStatement], cause: Cause) -> dict[int, Refused]:
    """Statements whose lines were taken lately under another name, by place: files without a name of the bank's are
    named by people, who may do it twice. 1 statement."""
    rows = [
        (place, one.company, one.statement.account, one.statement.external_id, _lines_told(one.statement))
        for place, one in enumerate(requests)
        if _tells_itself(one.statement)
    ]
    params = sql.columns(("places", "companies", "accounts", "externals", "told"), rows)
    found = sql.run(_OTHERS, params | {"since": cause.at - LATELY})
    return {
        place: errors.StatementUnderAnotherName(
            external_id=requests[place].statement.external_id, number=number, found=name
        )
        for place, number, name in found
    }


def _tells_itself(one: Statement) -> bool:
    """Whether its lines can be told from others: one amount without a word may be another one of the day."""
    return len(one.lines) > 1 or any(line.reference or line.text for line in map(bank.told, one.lines))


def _lines_told(one: Statement) -> str:
    return "\n".join(
        f"{line.booked_on} {line.amount_minor} {line.reference} {line.text}"
        for line in map(bank.told, one.lines)
    )


def _said(requests: Sequence[TakeStatement]) -> dict[tuple[int, str], set[str]]:
    """What the lines of all statements say, by company and currency: one may name what another could be guessed
    to be."""
    said: dict[tuple[int, str], set[str]] = defaultdict(set)
    for one in requests:
        said[one.company, one.statement.currency] |= bank.said_by(one.statement.lines)
    return said


def _expected(requests: Sequence[TakeStatement]) -> dict[tuple[int, str], list[Expected]]:
    """What lines may belong to, by company and currency: what they name, and what has their amounts. 1 statement."""
    lines = [line for one in requests for line in one.statement.lines]
    params = {
        "companies": list({one.company for one in requests}),
        "words": list(bank.said_by(lines)),
        "amounts": list({one.amount_minor for line in lines for one in (line, *line.parts)}),
    }
    found: dict[tuple[int, str], list[Expected]] = {}
    for company, currency, *one in sql.run(_EXPECTED, params):
        found.setdefault((company, currency), []).append(Expected(*one))
    return found


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    who = cause.actor.name
    sql.write("settlement_bankstatement", _STATEMENT, [
        (
            one.id, one.number, one.request.company, own.account, own.external_id, own.currency, own.opening_minor,
            own.closing_minor, one.known().state, who, cause.at,
        )
        for one in drafts
        for own in (one.request.statement,)
    ])  # fmt: skip
    sql.write("settlement_bankstatementline", _LINE, [
        (
            one.id, number, one.request.company, m.line.booked_on, m.line.amount_minor, m.line.reference, m.line.text,
            m.state, *_belongs(m), m.why, number - m.place if m.place else None, m.whole,
        )
        for one in drafts
        for number, m in enumerate(one.lines, 1)
    ])  # fmt: skip
    due = [
        (one, m.line, m.known)
        for one in drafts
        for m in one.lines
        if m.state == "matched" and m.known and m.known.kind in BOOKED_AS
    ]
    if due:
        whole(post(cause, requests=[
            paid(cause, one.request.company, one.id, one.request.statement.currency, BOOKED_AS[known.kind],
                 line.amount_minor, line.booked_on, known)
            for one, line, known in due
        ]))  # fmt: skip
    whole(take_duty(cause, requests=[Duty(one.id, DUTY, "enter", who, one.number) for one in drafts]))
    announce(cause, [
        Event("bank_statement", one.id, one.request.company, "", one.known().state, cause.at,
              {"number": one.number, "lines": len(one.lines), "waiting": len(one.waiting)})
        for one in drafts
    ])  # fmt: skip
    items = [_item(cause, one) for one in drafts if one.waiting]
    if items:
        open_items(cause, requests=items)


def _belongs(one: Matched) -> tuple[str, UUID | None]:
    return (one.known.kind, one.known.id) if one.known and one.state == "matched" else ("", None)


def paid(
    cause: Cause,
    company: int,
    statement: UUID,
    currency: str,
    purpose: str,
    amount: int,
    day: date,
    known: Expected | None,
) -> Posting:
    """A line of the bank in the books, below zero where money left, on its own day, so that a month ends with what its
    bank statement says; of an order that it pays, where its other entries are."""
    of = ("order", known.id) if known and known.kind == "order" else ("bank_statement", statement)
    at = min(cause.at, datetime.combine(day, time(), UTC))
    return Posting(company, "bank.booked", *of, currency, ((purpose, amount),), at, or_now=True)


def _item(cause: Cause, one: _Draft) -> OpenItem:
    waiting, own = one.waiting, one.request.statement
    told = [f"{m.line.booked_on} {money.told(m.line.amount_minor, own.currency)}: {m.why}" for m in waiting]
    return OpenItem(
        company=one.request.company, type=ITEM, subject_kind="bank_statement", subject=one.id,
        reason=Said(
            "Bank statement {0}: lines that belong to nothing we know: {1}. {2}.",
            one.number, len(waiting), told[0],
        ),
        role="controller", priority=50, occurred_at=cause.at, facts={"lines": told[:SHOWN_MAX]},
    )  # fmt: skip


_STATEMENT = (
    "id", "number", "company_id", "account", "external_id", "currency", "opening_minor", "closing_minor", "state",
    "taken_by", "taken_at",
)  # fmt: skip
_LINE = (
    "statement_id", "number", "company_id", "booked_on", "amount_minor", "reference", "text", "state", "known_kind",
    "known_id", "why", "part_of", "whole_minor",
)  # fmt: skip

_LOCK = LOCK.format(accounts=f"SELECT company, '{BANK}' FROM unnest(%(companies)s::int[]) AS c(company)")

_TAKEN = """
SELECT s.company_id::int, s.account, s.external_id, s.id, s.number, s.state, s.closing_minor, l.lines, l.total,
       l.waiting
FROM unnest(%(companies)s::smallint[], %(accounts)s::text[], %(externals)s::text[]) AS d(company, account, external)
JOIN settlement_bankstatement AS s
  ON s.company_id = d.company AND s.account = d.account AND s.external_id = d.external
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE part_of IS NULL)::int AS lines, COALESCE(sum(amount_minor), 0)::bigint AS total,
           count(*) FILTER (WHERE state IN ('differs', 'unmatched'))::int AS waiting
    FROM settlement_bankstatementline WHERE statement_id = s.id) AS l
"""

_OTHERS = """
SELECT DISTINCT ON (d.place) d.place, s.number, s.external_id
FROM unnest(%(places)s::int[], %(companies)s::smallint[], %(accounts)s::text[], %(externals)s::text[],
            %(told)s::text[]) AS d(place, company, account, external, told)
JOIN settlement_bankstatement AS s
  ON s.company_id = d.company AND s.account = d.account AND s.external_id <> d.external
 AND s.taken_at >= %(since)s::timestamptz
WHERE d.told = (
    SELECT string_agg(concat_ws(' ', l.booked_on, COALESCE(l.whole_minor, l.amount_minor), l.reference, l.text), E'\n'
                      ORDER BY l.number)
    FROM settlement_bankstatementline AS l WHERE l.statement_id = s.id AND l.part_of IS NULL)
ORDER BY d.place, s.taken_at
"""

# Orders on account may be many: those that are named are looked up, and their money is summed alone.
_EXPECTED = f"""
SELECT company, currency, kind, id, number, names, amount, on_day FROM ({EXPECTED}) AS e
WHERE e.company = ANY(%(companies)s::int[]) AND e.kind <> 'order'
  AND (upper(e.names[1]) = ANY(%(words)s::text[]) OR upper(e.number) = ANY(%(words)s::text[])
       OR (e.kind = 'payout' AND e.amount = ANY(%(amounts)s::bigint[])))
UNION ALL
SELECT company, currency, kind, id, number, names, amount, on_day FROM ({EXPECTED}) AS e
WHERE e.company = ANY(%(companies)s::int[]) AND e.kind = 'order' AND e.id = ANY(ARRAY(
    {NAMED}))
"""
