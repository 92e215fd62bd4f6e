"""A person says that a line of a payout is several: its parts, each of which is found or explained by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.settlement import rules
from entrepot.settlement.commands.explain import LOCK_PAYOUTS
from entrepot.settlement.states import LINE


@dataclass(frozen=True, slots=True)
class SplitPayoutLine:
    """What still waits of a line, in parts of these amounts, which make it; one amount puts it together again."""

    payout: UUID
    line: int
    amounts: tuple[int, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PayoutLineSplit:
    """The numbers of the parts."""

    payout: UUID
    lines: tuple[int, ...]


class _Row(NamedTuple):
    payout: UUID
    root: int
    number: int
    state: str
    kind: str
    amount: int
    company: int
    currency: str
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
    def why(self) -> Said:
        return Said("of a line over {0}", money.told(self.whole, self.of.currency))


@command("settlement.split_payout_lines")
def split_payout_lines(
    cause: Cause, /, *, requests: Sequence[SplitPayoutLine]
) -> list[PayoutLineSplit | Refused]:
    """Lines that wait in parts, each of which is found or explained by itself, as where a provider tells two captures
    of one order as one. What is settled of a line stays; of what waits, the parts are made anew, and belong to nothing
    yet. The fee stays with the line. A number that a part had is no other part's again.

    Locks: the accounts with the providers, in the order of their names.
    Refuses: NotFound; WrongState (settled); Invalid (a line of a kind that is never several; a line twice; parts that
    do not make what waits, of nothing, or too many). Again: by key; the same parts are as they were. 7 statements.
    """
    sql.run(LOCK_PAYOUTS, {"payouts": list({one.payout for one in requests})})
    columns = sql.columns(("payouts", "numbers"), [(one.payout, one.line) for one in requests])
    lines: dict[tuple[UUID, int], list[_Row]] = defaultdict(list)
    for row in sql.run(_LINES, columns):
        lines[row[0], row[1]].append(_Row(*row))
    roots = {(row.payout, row.number): which for which, rows in lines.items() for row in rows}
    last = {rows[0].payout: rows[0].last for rows in lines.values()}

    answers: list[PayoutLineSplit | Refused] = []
    changes: dict[tuple[UUID, int], _Change] = {}
    for request in requests:
        root = roots.get((request.payout, request.line))
        if root is None:
            answers.append(NotFound(what="line of a payout", which=f"{request.line} of {request.payout}"))
            continue
        if root in changes:
            answers.append(Invalid(field="line", expected="each line once", found=request.line))
            continue
        found = _decide(request, lines[root], last)
        if isinstance(found, _Change):
            changes[root] = found
        answers.append(
            PayoutLineSplit(request.payout, found.numbers) if isinstance(found, _Change) else found
        )
    if changes:
        _write(cause, list(changes.values()), last)
    return answers


def _decide(request: SplitPayoutLine, rows: Sequence[_Row], last: dict[UUID, int]) -> _Change | Refused:
    (one,) = (row for row in rows if row.number == request.line)
    state = LINE.step(one.state, "split")
    if isinstance(state, Refused):
        return state
    if one.kind not in rules.SEVERAL:
        return Invalid(field="line", expected=one_of(rules.SEVERAL), found=one.kind)
    waiting = [row for row in rows if row.state in ("differs", "unmatched")]
    left = sum(row.amount for row in waiting)
    if wrong := rules.misfit_parts(request.amounts, left):
        return Invalid(
            field="amounts", expected=Said(wrong, money.told(left, one.currency), rules.PARTS_MAX),
            found=" + ".join(money.told(amount, one.currency) for amount in request.amounts) or "nothing",
        )  # fmt: skip
    stay = [row.number for row in waiting]
    kept = list(zip(stay, request.amounts, strict=False))
    fresh = list(enumerate(request.amounts[len(stay) :], last[one.payout] + 1))
    last[one.payout] += len(fresh)
    return _Change(one, sum(row.amount for row in rows), kept, fresh, stay[len(kept) :])


def _write(cause: Cause, changes: Sequence[_Change], last: Mapping[UUID, int]) -> None:
    sql.run(_NUMBER, sql.columns(("payouts", "numbers"), list(last.items())))
    gone = [(one.of.payout, number) for one in changes for number in one.gone]
    sql.run(_DROP, sql.columns(("payouts", "numbers"), gone))
    names = ("payouts", "roots", "numbers", "amounts", "differences", "wholes", "reasons")
    sql.run(_KEEP, sql.columns(names, _rows(changes, "kept")))
    sql.run(_PUT, sql.columns(names, _rows(changes, "fresh")))
    announce(cause, [
        Event("payout", one.of.payout, one.of.company, "open", "open", cause.at,
              {"line": one.of.root, "parts": [amount for _, amount in (*one.kept, *one.fresh)]})
        for one in changes
    ])  # fmt: skip


def _rows(changes: Sequence[_Change], which: str) -> list[tuple[object, ...]]:
    return [
        (
            one.of.payout, one.of.root, number, amount, rules.difference(one.of.kind, 0, amount), one.whole, one.why,
        )
        for one in changes
        for number, amount in getattr(one, which)
    ]  # fmt: skip


_LINES = """
SELECT l.payout_id, COALESCE(l.part_of, l.number), l.number, l.state, l.kind, l.amount_minor, p.company_id::int,
       p.currency::text, COALESCE(p.numbered, t.last)
FROM settlement_payoutline AS l JOIN settlement_payout AS p ON p.id = l.payout_id
JOIN LATERAL (SELECT max(number) AS last FROM settlement_payoutline WHERE payout_id = p.id) AS t ON TRUE
WHERE l.payout_id = ANY(%(payouts)s::uuid[]) AND (l.payout_id, COALESCE(l.part_of, l.number)) IN (
    SELECT w.payout_id, COALESCE(w.part_of, w.number)
    FROM settlement_payoutline AS w
    JOIN unnest(%(payouts)s::uuid[], %(numbers)s::int[]) AS d(payout, number)
      ON w.payout_id = d.payout AND w.number = d.number)
ORDER BY l.payout_id, l.number
"""

_NUMBER = """
UPDATE settlement_payout AS p SET numbered = d.number
FROM unnest(%(payouts)s::uuid[], %(numbers)s::int[]) AS d(payout, number)
WHERE p.id = d.payout AND p.numbered IS DISTINCT FROM d.number
"""

_DROP = """
DELETE FROM settlement_payoutline AS l
USING unnest(%(payouts)s::uuid[], %(numbers)s::int[]) AS d(payout, number)
WHERE l.payout_id = d.payout AND l.number = d.number
"""

_PARTS = """
unnest(%(payouts)s::uuid[], %(roots)s::int[], %(numbers)s::int[], %(amounts)s::bigint[], %(differences)s::bigint[],
       %(wholes)s::bigint[], %(reasons)s::text[]) AS d(payout, root, number, amount, difference, whole, reason)
"""

_KEEP = f"""
UPDATE settlement_payoutline AS l
SET amount_minor = d.amount, whole_minor = d.whole, state = 'unmatched', known_id = NULL,
    difference_minor = d.difference, reason = d.reason
FROM {_PARTS} WHERE l.payout_id = d.payout AND l.number = d.number
"""

_PUT = f"""
INSERT INTO settlement_payoutline (payout_id, number, kind, reference, amount_minor, fee_minor, state,
    difference_minor, reason, part_of, whole_minor)
SELECT l.payout_id, d.number, l.kind, l.reference, d.amount, 0, 'unmatched', d.difference, d.reason, l.number, d.whole
FROM {_PARTS} JOIN settlement_payoutline AS l ON l.payout_id = d.payout AND l.number = d.root
"""
