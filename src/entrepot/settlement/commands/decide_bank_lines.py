"""A person says what a line of a bank statement belongs to, or what it is booked as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access import rules
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import post
from entrepot.settlement import errors
from entrepot.settlement.bank import BILLS, BOOKED_AS, INSTEAD, OWN_CURRENCY, PURPOSES, BankMatching, Expected
from entrepot.settlement.bank_queries import EXPECTED
from entrepot.settlement.commands.entering import alone_up_to
from entrepot.settlement.commands.take_payouts import LOCK as LOCKED
from entrepot.settlement.commands.take_statements import BANK, DUTY, ITEM, paid
from entrepot.settlement.states import BANK as STATES
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

PAID = "bill×pay"


@dataclass(frozen=True, slots=True)
class DecideBankLine:
    """A line by its statement and number: `known` is the payout, invoice or order on account that it belongs to; or it
    is booked as one of `bank.PURPOSES`, for a reason. `amount_minor`: what it was over when whoever decides saw it."""

    statement: UUID
    line: int
    known: UUID | None = None
    purpose: str = ""
    reason: str = ""
    amount_minor: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BankLineDecided:
    """The line's state, and the statement's."""

    statement: UUID
    line: int
    state: str
    statement_state: str


class _Line(NamedTuple):
    statement: UUID
    number: int
    state: str
    amount: int
    booked_on: date
    statement_number: str
    company: int
    currency: str
    before: str
    root: int
    whole: int | None
    booked: int  # of the line that it is a part of, by whoever decides
    debts: int  # of these, what was booked as debts paid
    home: str  # the company's currency

    @property
    def family(self) -> tuple[UUID, int]:
        """The line at the bank that it is, or a part of."""
        return self.statement, self.root


class _Decided(NamedTuple):
    line: _Line
    request: DecideBankLine
    state: str
    known: Expected | None

    @property
    def purpose(self) -> str:
        """What it is booked as; '' where the books have it."""
        if self.known is None:
            return self.request.purpose
        return BOOKED_AS.get(self.known.kind, "")


@command("settlement.decide_bank_lines")
def decide_bank_lines(
    cause: Cause, /, *, requests: Sequence[DecideBankLine]
) -> list[BankLineDecided | Refused]:
    """Lines of statements that waited, matched by hand or booked; a statement without any that waits is matched.

    What is booked is posted on the day of the line, or now where its month is closed.
    Whoever took a statement does not book more of a line than `settlement.bank` lets them, in parts or at once, and
    whoever entered an invoice or a landed cost, or registered its supplier, does not say what paid it: another person
    does. Nor do they book as a debt paid what is the amount of such a bill that is open: not in parts either, whose
    line or sum is over as much.
    Locks: the companies' bank accounts; the balances.
    An order on account may be paid in parts and ahead of what has left, and what is open of it remains.
    Refuses: NotFound; WrongState (decided before); Invalid (over another amount than was seen, or than what it belongs
    to, or more than an order gives back; another currency, no purpose, no reason); settlement.only_in_own_currency
    (taxes, money between own accounts); access.duties_apart; what the ledger refuses, for all. Again: by key.
    16 statements; 1 more where a supplier is paid, 3 more where a debt is.
    """
    sql.run(LOCK, {"statements": [one.statement for one in requests]})
    columns = sql.columns(("statements", "numbers"), [(one.statement, one.line) for one in requests])
    lines = {(row[0], row[1]): _Line(*row) for row in sql.run(_LINES, columns | {"who": cause.actor.name})}
    known = {
        (company, one[1]): (currency, Expected(*one))
        for company, currency, *one in sql.run(_KNOWN, {"ids": [one.known for one in requests if one.known]})
    }
    limits = alone_up_to(cause, (one.company for one in lines.values()), BankMatching)
    duties = _duties(cause, requests, lines, limits)
    told = zip(duties, access.apart(list(duties.values())), strict=True)
    apart = {which: refused for which, refused in told if refused}

    debts = _debts([one for one in requests if (one.statement, one.line) not in apart], lines)
    own = _own(
        cause, [invoice for _, invoice in known] + [invoice for of in debts.values() for invoice in of]
    )
    answers: list[_Decided | Refused] = []
    for request in requests:
        which = (request.statement, request.line)
        line = lines.get(which)
        if line is None:
            answers.append(NotFound(what="line", which=f"{request.line} of {request.statement}"))
            continue
        answer = apart.get(which) or _decide(line, request, known)
        if isinstance(answer, _Decided):
            of = debts.get(line.family, ()) if _is_debt(request) else (request.known,)
            if theirs := own.keys() & set(of):
                (invoice, *_) = sorted(theirs)
                answer = rules.apart(Duty(invoice, PAID, "pay", cause.actor.name, own[invoice]))
        answers.append(answer)
        if isinstance(answer, _Decided):
            lines[which] = line._replace(state=answer.state)
            if answer.known:
                _bring(known, line, answer.known)
    decided = [one for one in answers if isinstance(one, _Decided)]
    waiting = {line.statement for line in lines.values() if line.state in ("differs", "unmatched")}
    states = {one.line.statement: "open" if one.line.statement in waiting else "matched" for one in decided}
    if decided:
        taken = [duties[one.line[:2]] for one in decided if not one.known and one.line[:2] in duties]
        whole(take_duty(cause, requests=taken))
        _write(cause, decided, states, limits)
    return [
        BankLineDecided(one.line.statement, one.line.number, one.state, states[one.line.statement])
        if isinstance(one, _Decided)
        else one
        for one in answers
    ]


def _bring(known: dict[tuple[int, UUID], tuple[str, Expected]], line: _Line, one: Expected) -> None:
    """What is left of what a line belongs to."""
    rest = one.amount - line.amount
    if rest:
        known[line.company, one.id] = (line.currency, one._replace(amount=rest))
    else:
        del known[line.company, one.id]


def _is_debt(request: DecideBankLine) -> bool:
    return request.known is None and request.purpose == "payable"


def _debts(
    requests: Sequence[DecideBankLine], lines: Mapping[tuple[UUID, int], _Line]
) -> dict[tuple[UUID, int], list[UUID]]:
    """Of lines of the bank that are to be booked as debts paid, the open invoices that each may be of: those over what
    is booked of it, over the whole of it, or over all that is booked of it together."""
    sought: dict[tuple[UUID, int], set[int]] = {}
    sums: dict[tuple[UUID, int], int] = {}
    booked = {
        line[:2]: line
        for one in requests
        if (line := lines.get((one.statement, one.line))) and isinstance(_decide(line, one, {}), _Decided)
        if _is_debt(one)
    }
    for line in booked.values():
        sums[line.family] = sums.get(line.family, line.debts) + line.amount
        sought.setdefault(line.family, set()).update({line.amount, line.whole or line.amount})
    rows = [
        (*line.family, line.company, line.currency, amount)
        for line in {line.family: line for line in booked.values()}.values()
        for amount in sought[line.family] | {sums[line.family]}
    ]
    names = ("statements", "numbers", "companies", "currencies", "amounts")
    found = sql.run(_DEBTS, sql.columns(names, rows)) if rows else []
    return {(statement, number): invoices for statement, number, invoices in found}


def _own(cause: Cause, invoices: Sequence[UUID]) -> dict[UUID, str]:
    """Numbers of invoices that whoever decides has entered, or whose supplier they registered."""
    found = sql.run(_BILLED, {"ids": invoices}) if invoices else []
    suppliers = {supplier for _, _, _, supplier in found if supplier}
    registered = access.first_by(cause.actor.name, PAID, suppliers)
    return {
        invoice: number
        for invoice, number, taken_by, supplier in found
        if taken_by == cause.actor.name or supplier in registered
    }


def _duties(
    cause: Cause,
    requests: Sequence[DecideBankLine],
    lines: dict[tuple[UUID, int], _Line],
    limits: dict[int, int],
) -> dict[tuple[UUID, int], Duty]:
    """Lines that whoever took their statement does not book: in parts no more of a line than at once."""
    duties: dict[tuple[UUID, int], Duty] = {}
    booked: dict[tuple[UUID, int], int] = {}
    for one in requests:
        line = lines.get((one.statement, one.line))
        if line is None or one.known is not None:
            continue
        booked[line.family] = booked.get(line.family, line.booked) + abs(line.amount)
        if booked[line.family] > limits[line.company]:
            duties[line[:2]] = Duty(line.statement, DUTY, "approve", cause.actor.name, line.statement_number)
    return duties


def _decide(
    line: _Line, request: DecideBankLine, known: dict[tuple[int, UUID], tuple[str, Expected]]
) -> _Decided | Refused:
    state = STATES.step(line.state, "match" if request.known else "book")
    if isinstance(state, Refused):
        return state
    if request.amount_minor not in (None, line.amount):
        found = money.told(line.amount, line.currency)
        return Invalid(
            field="amount_minor", expected=money.told(request.amount_minor, line.currency),
            found=Said("{0}: it was split since; look at it again", found),
        )  # fmt: skip
    if request.known is None:
        if request.purpose not in PURPOSES:
            return Invalid(field="purpose", expected=one_of(PURPOSES), found=request.purpose)
        if not request.reason.strip():
            return Invalid(field="reason", expected="what it is", found="nothing")
        if request.purpose in OWN_CURRENCY and line.currency != line.home:
            account = OWN_CURRENCY[request.purpose]
            return errors.OnlyInOwnCurrency(
                account=account, expected=line.home, found=line.currency, instead=INSTEAD
            )
        return _Decided(line, request, state, None)
    currency, one = known.get((line.company, request.known), ("", None))
    if one is None:
        return NotFound(
            what="payout, invoice or order on account that no line has settled", which=str(request.known)
        )
    if currency != line.currency or not one.takes(line.amount):
        expected, found = money.told(line.amount, line.currency), money.told(one.amount, currency)
        return Invalid(field="known", expected=Said("one over {0}", expected), found=found)
    return _Decided(line, request, state, one)


def _write(
    cause: Cause, decided: Sequence[_Decided], states: dict[UUID, str], limits: dict[int, int]
) -> None:
    rows = [
        (
            *one.line[:2], one.state, one.known.kind if one.known else "", one.known.id if one.known else None,
            "" if one.known else one.request.purpose, one.request.reason.strip() or "matched by hand",
            cause.actor.name, limits[one.line.company],
        )
        for one in decided
    ]  # fmt: skip
    names = ("statements", "numbers", "states", "kinds", "known", "purposes", "reasons", "people", "limits")
    sql.run(_DECIDE, sql.columns(names, rows))
    sql.run(_STORE, sql.columns(("statements", "states"), list(states.items())))
    due = [one for one in decided if one.purpose]
    if due:
        whole(post(cause, requests=[
            paid(cause, one.line.company, one.line.statement, one.line.currency, one.purpose, one.line.amount,
                 one.line.booked_on, one.known)
            for one in due
        ]))  # fmt: skip
    announce(cause, [
        Event("bank_statement", one.line.statement, one.line.company, one.line.before, states[one.line.statement],
              cause.at, {"line": one.line.number, "state": one.state, "purpose": one.request.purpose},
              one.request.reason)
        for one in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(company, ITEM, statement, "explained", "every line is decided", cause.at)
        for statement, company in {one.line.statement: one.line.company for one in decided}.items()
        if states[statement] == "matched"
    ])  # fmt: skip


LOCK = LOCKED.format(
    accounts=f"SELECT company_id, '{BANK}' FROM settlement_bankstatement WHERE id = ANY(%(statements)s::uuid[])"
)

_LINES = """
SELECT l.statement_id, l.number, l.state, l.amount_minor, l.booked_on, s.number, s.company_id::int, s.currency::text,
       s.state, COALESCE(l.part_of, l.number), l.whole_minor, COALESCE(b.booked, 0), COALESCE(b.debts, 0),
       c.currency::text
FROM settlement_bankstatementline AS l JOIN settlement_bankstatement AS s ON s.id = l.statement_id
JOIN parties_company AS c ON c.id = s.company_id
LEFT JOIN (SELECT statement_id, COALESCE(part_of, number) AS root, sum(abs(amount_minor))::bigint AS booked,
                  COALESCE(sum(amount_minor) FILTER (WHERE purpose = 'payable'), 0)::bigint AS debts
           FROM settlement_bankstatementline
           WHERE statement_id = ANY(%(statements)s::uuid[]) AND state = 'booked' AND decided_by = %(who)s::text
             AND whole_minor IS NOT NULL GROUP BY 1, 2) AS b
  ON b.statement_id = l.statement_id AND b.root = COALESCE(l.part_of, l.number)
WHERE l.statement_id = ANY(%(statements)s::uuid[])
  AND (l.state IN ('differs', 'unmatched')
       OR (l.statement_id, l.number) IN (SELECT * FROM unnest(%(statements)s::uuid[], %(numbers)s::int[])))
"""

_KNOWN = f"""
SELECT company, currency, kind, id, number, names, amount, on_day FROM ({EXPECTED}) AS e
WHERE e.id = ANY(%(ids)s::uuid[])
"""

_BILLS = ", ".join(f"'{kind}'" for kind in BILLS)

_DEBTS = f"""
SELECT d.statement, d.number, array_agg(e.id)
FROM unnest(%(statements)s::uuid[], %(numbers)s::int[], %(companies)s::int[], %(currencies)s::text[],
            %(amounts)s::bigint[]) AS d(statement, number, company, currency, amount)
JOIN ({EXPECTED}) AS e USING (company, currency, amount)
WHERE e.kind IN ({_BILLS}) GROUP BY 1, 2
"""

_BILLED = """
SELECT id, number, taken_by, supplier_id FROM settlement_supplierinvoice WHERE id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT id, number, taken_by, NULL FROM settlement_carrierinvoice WHERE id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT id, number, landed_by, NULL FROM purchasing_landedcost WHERE id = ANY(%(ids)s::uuid[])
"""

_DECIDE = """
UPDATE settlement_bankstatementline AS l SET state = d.state, known_kind = d.kind, known_id = d.known,
       purpose = d.purpose, why = d.reason, decided_by = d.person, alone_minor = d.alone
FROM unnest(%(statements)s::uuid[], %(numbers)s::int[], %(states)s::text[], %(kinds)s::text[], %(known)s::uuid[],
            %(purposes)s::text[], %(reasons)s::text[], %(people)s::text[], %(limits)s::bigint[])
     AS d(statement, number, state, kind, known, purpose, reason, person, alone)
WHERE l.statement_id = d.statement AND l.number = d.number
"""

_STORE = """
UPDATE settlement_bankstatement AS s SET state = d.state
FROM unnest(%(statements)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE s.id = d.id
"""
