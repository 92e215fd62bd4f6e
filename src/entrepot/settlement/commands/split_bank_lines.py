"""A person says that a line of a bank statement is of several things: its parts, each of which waits by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.settlement import bank, rules
from entrepot.settlement.commands.decide_bank_lines import LOCK
from entrepot.settlement.states import BANK as STATES


@dataclass(frozen=True, slots=True)
class SplitBankLine:
    """What still waits of a line, in parts of these amounts, which make it; one amount puts it together again."""

    statement: UUID
    line: int
    amounts: tuple[int, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BankLineSplit:
    """The numbers of the parts."""

    statement: UUID
    lines: tuple[int, ...]


class _Row(NamedTuple):
    statement: UUID
    root: int
    number: int
    state: str
    amount: int
    why: str
    company: int
    currency: str
    statement_state: str
    last: int


class _Change(NamedTuple):
    """What a line is in: `kept` are the rows that stay with another amount, `fresh` those that come, `gone` those that
    go."""

    of: _Row
    whole: int
    kept: list[tuple[int, int]]
    fresh: list[tuple[int, int]]
    gone: list[int]

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(number for number, _ in (*self.kept, *self.fresh))

    @property
    def why(self) -> str:
        """What its parts say of themselves, and what the line named, where that was over another amount."""
        of = f"of a line over {money.told(self.whole, self.of.currency)}"
        if self.of.why.endswith(of):
            return self.of.why
        return f"{self.of.why}; {of}" if self.of.state == "differs" else of


@command("settlement.split_bank_lines")
def split_bank_lines(cause: Cause, /, *, requests: Sequence[SplitBankLine]) -> list[BankLineSplit | Refused]:
    """Lines that wait in parts, each of which is decided by itself, as where a customer pays two orders at once, or a
    bank takes its charge off what it brings. What is decided of a line stays; of what waits, the parts are made anew.
    One person books no more of a line alone than at once. A number that a part had is no other part's again.

    Locks: the companies' bank accounts. Refuses: NotFound; WrongState (decided); Invalid (parts that do not make what
    waits, of nothing, or more than `rules.PARTS_MAX`). Again: by key; the same parts are as they were. 7 statements.
    """
    sql.run(LOCK, {"statements": [one.statement for one in requests]})
    columns = sql.columns(("statements", "numbers"), [(one.statement, one.line) for one in requests])
    lines: dict[tuple[UUID, int], list[_Row]] = defaultdict(list)
    for row in sql.run(_LINES, columns):
        lines[row[0], row[1]].append(_Row(*row))
    roots = {(row.statement, row.number): which for which, rows in lines.items() for row in rows}
    last = {rows[0].statement: rows[0].last for rows in lines.values()}

    answers: list[BankLineSplit | Refused] = []
    changes: dict[tuple[UUID, int], _Change] = {}
    for request in requests:
        root = roots.get((request.statement, request.line))
        if root is None:
            answers.append(NotFound(what="line", which=f"{request.line} of {request.statement}"))
            continue
        if root in changes:
            answers.append(Invalid(field="line", expected="each line once", found=request.line))
            continue
        found = _decide(request, lines[root], last)
        if isinstance(found, _Change):
            changes[root] = found
        answers.append(
            BankLineSplit(request.statement, found.numbers) if isinstance(found, _Change) else found
        )
    if changes:
        _write(cause, list(changes.values()), last)
    return answers


def _decide(request: SplitBankLine, rows: Sequence[_Row], last: dict[UUID, int]) -> _Change | Refused:
    (one,) = (row for row in rows if row.number == request.line)
    state = STATES.step(one.state, "split")
    if isinstance(state, Refused):
        return state
    waiting = [row for row in rows if row.state in ("differs", "unmatched")]
    left = sum(row.amount for row in waiting)
    if wrong := bank.misfit_parts(request.amounts, left):
        return Invalid(
            field="amounts", expected=Said(wrong, money.told(left, one.currency), rules.PARTS_MAX),
            found=" + ".join(money.told(amount, one.currency) for amount in request.amounts) or "nothing",
        )  # fmt: skip
    stay = [row.number for row in waiting]
    kept = list(zip(stay, request.amounts, strict=False))
    fresh = list(enumerate(request.amounts[len(stay) :], last[one.statement] + 1))
    last[one.statement] += len(fresh)
    return _Change(one, sum(row.amount for row in rows), kept, fresh, stay[len(kept) :])


def _write(cause: Cause, changes: Sequence[_Change], last: Mapping[UUID, int]) -> None:
    sql.run(_NUMBER, sql.columns(("statements", "numbers"), list(last.items())))
    gone = [(one.of.statement, number) for one in changes for number in one.gone]
    sql.run(_DROP, sql.columns(("statements", "numbers"), gone))
    sql.run(_KEEP, sql.columns(("statements", "numbers", "amounts", "wholes", "reasons"), [
        (one.of.statement, number, amount, one.whole, one.why)
        for one in changes
        for number, amount in one.kept
    ]))  # fmt: skip
    sql.run(_PUT, sql.columns(("statements", "roots", "numbers", "amounts", "wholes", "reasons"), [
        (one.of.statement, one.of.root, number, amount, one.whole, one.why)
        for one in changes
        for number, amount in one.fresh
    ]))  # fmt: skip
    announce(cause, [
        Event("bank_statement", one.of.statement, one.of.company, one.of.statement_state, one.of.statement_state,
              cause.at, {"line": one.of.root, "parts": [amount for _, amount in (*one.kept, *one.fresh)]})
        for one in changes
    ])  # fmt: skip


_LINES = """
SELECT l.statement_id, COALESCE(l.part_of, l.number), l.number, l.state, l.amount_minor, l.why,
       s.company_id::int, s.currency::text, s.state, COALESCE(s.numbered, t.last)
FROM settlement_bankstatementline AS l JOIN settlement_bankstatement AS s ON s.id = l.statement_id
JOIN LATERAL (SELECT max(number) AS last FROM settlement_bankstatementline WHERE statement_id = s.id) AS t ON TRUE
WHERE l.statement_id = ANY(%(statements)s::uuid[]) AND (l.statement_id, COALESCE(l.part_of, l.number)) IN (
    SELECT w.statement_id, COALESCE(w.part_of, w.number)
    FROM settlement_bankstatementline AS w
    JOIN unnest(%(statements)s::uuid[], %(numbers)s::int[]) AS d(statement, number)
      ON w.statement_id = d.statement AND w.number = d.number)
ORDER BY l.statement_id, l.number
"""

_NUMBER = """
UPDATE settlement_bankstatement AS s SET numbered = d.number
FROM unnest(%(statements)s::uuid[], %(numbers)s::int[]) AS d(statement, number)
WHERE s.id = d.statement AND s.numbered IS DISTINCT FROM d.number
"""

_DROP = """
DELETE FROM settlement_bankstatementline AS l
USING unnest(%(statements)s::uuid[], %(numbers)s::int[]) AS d(statement, number)
WHERE l.statement_id = d.statement AND l.number = d.number
"""

_KEEP = """
UPDATE settlement_bankstatementline AS l
SET amount_minor = d.amount, whole_minor = d.whole, state = 'unmatched', why = d.reason
FROM unnest(%(statements)s::uuid[], %(numbers)s::int[], %(amounts)s::bigint[], %(wholes)s::bigint[],
            %(reasons)s::text[]) AS d(statement, number, amount, whole, reason)
WHERE l.statement_id = d.statement AND l.number = d.number
"""

# What a part is of is written on it, as the bank has it.
_PUT = """
INSERT INTO settlement_bankstatementline (statement_id, number, company_id, booked_on, amount_minor, reference, text,
    state, why, part_of, whole_minor)
SELECT l.statement_id, d.number, l.company_id, l.booked_on, d.amount, l.reference, l.text, 'unmatched', d.reason,
       l.number, d.whole
FROM unnest(%(statements)s::uuid[], %(roots)s::int[], %(numbers)s::int[], %(amounts)s::bigint[], %(wholes)s::bigint[],
            %(reasons)s::text[]) AS d(statement, root, number, amount, whole, reason)
JOIN settlement_bankstatementline AS l ON l.statement_id = d.statement AND l.number = d.root
"""
