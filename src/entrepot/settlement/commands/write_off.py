"""Give up what is left of lines of a clearing account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, money, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.ledger.clearing import Item, Part
from entrepot.ledger.commands.match_lines import LinesMatched, MatchLines, lock_items, match_lines, parts_of
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.rules import WRITTEN_OFF
from entrepot.settlement import errors
from entrepot.settlement.clearing import CODES, DUTY, ClearingPolicy, needs_another
from entrepot.settlement.states import WRITE_OFF
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "write-off to approve"
KIND = "write_off"
ELSEWHERE = {
    1010: Said(
        "match it with the other side, or with a journal entry by hand that takes it to where it belongs"
    ),
    1100: Said("explain the line of the payout"),
    1170: Said("accept the carrier's charge, or have it credited"),
    1175: Said("accept the supplier's line, or have it credited"),
}
"""How accounts end of which nothing is written off here; of the others the claim, dispute or departure is settled."""


@dataclass(frozen=True, slots=True)
class WriteOff:
    """Parts of lines of one clearing account: what they make together is given up."""

    company: int
    parts: tuple[Part, ...]
    code: str
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """`state` is `posted`, or `waiting` where another person has to approve it."""

    write_off: UUID
    number: str
    state: str
    amount_minor: int


class _Worth(NamedTuple):
    """A line's amount, and what it is in the company's currency."""

    amount: int
    home: int
    currency: str
    written: (
        int  # of it written off before, or asked for: limits hold for a line and not for each slice of it
    )


class _Draft(NamedTuple):
    """A write-off with its parts as they stand."""

    id: UUID
    number: str
    company: int
    account: int
    currency: str
    parts: list[tuple[int, int]]
    reason: str
    state: str = "posted"
    home: int = 0  # in the company's currency, with what was given up of its lines before
    alone: int = 0

    @property
    def amount(self) -> int:
        return sum(amount for _, amount in self.parts)


@command("settlement.write_off")
def write_off(cause: Cause, /, *, requests: Sequence[WriteOff]) -> list[WrittenOff | Refused]:
    """What is left of lines, posted to where the ledger's rules say and the lines matched with it; beyond what the
    policy `settlement.clearing` lets one person give up, it waits for another one's approval.

    Locks: the items of the lines in their order; the balances. Refuses: NotFound; Invalid (no or an unknown reason,
    lines of two accounts, lines that make zero); ledger.not_open; settlement.settled_elsewhere;
    settlement.too_much_to_write_off; what the ledger refuses, for all. Again: by key. 18 statements at most.
    """
    lines = sorted({part.line for one in requests for part in one.parts})
    items = lock_items(lines)
    worth = {row[0]: _Worth(*row[1:]) for row in sql.run(_WORTH, {"lines": lines})}
    limits = policies.of_companies({one.company for one in requests}, ClearingPolicy, cause.at)
    numbers = iter(ids.numbers("WF", len(requests)))
    answers: list[WrittenOff | Refused] = []
    drafts: list[tuple[_Draft, WriteOff]] = []
    for one in requests:
        decided = _decide(one, items, worth, limits[one.company][1])
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        draft = decided._replace(number=next(numbers))
        for line, amount in draft.parts:
            items[line] = items[line]._replace(open=items[line].open - amount)
            worth[line] = worth[line]._replace(written=worth[line].written + abs(amount))
        drafts.append((draft, one))
        answers.append(WrittenOff(draft.id, draft.number, draft.state, draft.amount))
    if drafts:
        _write(cause, drafts)
    return answers


def _decide(
    one: WriteOff, items: dict[int, Item], worth: dict[int, _Worth], policy: ClearingPolicy
) -> _Draft | Refused:
    parts = parts_of(one.company, one.parts, items)
    if isinstance(parts, Refused):
        return parts
    if one.code not in CODES:
        return Invalid(field="code", expected=one_of(CODES), found=one.code)
    if not one.reason.strip():
        return Invalid(field="reason", expected="why it is given up", found="nothing")
    item = items[parts[0][0]]
    if item.account not in WRITTEN_OFF:
        how = ELSEWHERE.get(item.account, Said("settle the claim, dispute or departure"))
        return errors.SettledElsewhere(account=item.account, how=how)
    draft = _Draft(ids.uuid7(), "", one.company, item.account, item.currency, parts, one.reason.strip())
    if not draft.amount:
        return Invalid(field="parts", expected="lines that leave something", found="lines that make zero")
    home = sum(
        money.nearest(worth[line].home * (abs(amount) + worth[line].written), abs(worth[line].amount))
        for line, amount in parts
    )
    if abs(home) > policy.at_most_minor:
        currency = worth[parts[0][0]].currency
        return errors.TooMuch(
            expected=money.told(policy.at_most_minor, currency), found=money.told(abs(home), currency)
        )
    draft = draft._replace(home=home, alone=policy.alone_up_to_minor)
    return draft._replace(state="waiting") if needs_another(home, policy) else draft


def _write(cause: Cause, drafts: Sequence[tuple[_Draft, WriteOff]]) -> None:
    who = cause.actor.name
    whole(take_duty(cause, requests=[Duty(one.id, DUTY, "enter", who, one.number) for one, _ in drafts]))
    matches = _post(cause, [one for one, _ in drafts if one.state == "posted"])
    sql.write("settlement_writeoff", _COLUMNS, [
        (
            one.id, one.number, one.company, one.account, one.currency, one.amount, one.home, one.alone, asked.code,
            one.reason, one.state, who, cause.at, who if one.id in matches else "",
            cause.at if one.id in matches else None, matches.get(one.id),
        )
        for one, asked in drafts
    ])  # fmt: skip
    sql.write("settlement_writeoffpart", ("write_off_id", "line_id", "amount_minor"), [
        (one.id, *part) for one, _ in drafts for part in one.parts
    ])  # fmt: skip
    announce(cause, [
        Event(KIND, one.id, one.company, "", one.state, cause.at,
              {"number": one.number, "account": one.account, "amount_minor": one.amount}, f"{asked.code}: {one.reason}")
        for one, asked in drafts
    ])  # fmt: skip
    waiting = [one for one, _ in drafts if one.state == "waiting"]
    if waiting:
        open_items(cause, requests=[
            OpenItem(
                company=one.company, type=ITEM, subject_kind=KIND, subject=one.id, role="controller", priority=50,
                reason=Said(
                    "{0} asks to write off {1} of account {2} ({3}): {4}",
                    who, money.told(one.amount, one.currency), one.account, one.number, one.reason,
                ), occurred_at=cause.at,
            )
            for one in waiting
        ])  # fmt: skip


def _post(cause: Cause, drafts: Sequence[_Draft]) -> dict[UUID, UUID]:
    """Post what is given up and match it with its lines: the match of each."""
    if not drafts:
        return {}
    whole(post(cause, requests=[
        Posting(one.company, "clearing.written_off", KIND, one.id, one.currency,
                ((f"remainder.{one.account}", one.amount),), cause.at)
        for one in drafts
    ]))  # fmt: skip
    lines = dict(sql.run(_POSTED, {"ids": [one.id for one in drafts]}))
    answers = match_lines(cause, requests=[
        MatchLines(
            one.company, (*(Part(*part) for part in one.parts), Part(lines[one.id], -one.amount)),
            f"written off: {one.reason}", "write off", one.id,
        )
        for one in drafts
    ])  # fmt: skip
    whole(answers)
    return {
        one.id: answer.match
        for one, answer in zip(drafts, answers, strict=True)
        if isinstance(answer, LinesMatched)
    }


# ---- what one person may not give up alone


@dataclass(frozen=True, slots=True)
class DecideWriteOff:
    """Approved, or declined with a note."""

    write_off: UUID
    approve: bool
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WriteOffDecided:
    write_off: UUID
    state: str


class _Waiting(NamedTuple):
    id: UUID
    number: str
    company: int
    account: int
    currency: str
    reason: str
    state: str


@command("settlement.decide_write_offs")
def decide_write_offs(
    cause: Cause, /, *, requests: Sequence[DecideWriteOff]
) -> list[WriteOffDecided | Refused]:
    """Write-offs that waited, posted and matched, or declined. Who asked for one does not approve it.

    Locks: the write-offs in id order, then the items of their lines; the balances. Refuses: NotFound; WrongState;
    Invalid (declined without a note); access.duties_apart; ledger.not_open (matched since); what the ledger refuses,
    for all. Again: by key. 18 statements at most.
    """
    wanted = {one.write_off for one in requests}
    found = {row[0]: _Waiting(*row) for row in sql.run(_LOCK, {"ids": sorted(wanted)})}
    parts: dict[UUID, list[Part]] = {}
    for which, line, amount in sql.run(_PARTS, {"ids": list(found)}):
        parts.setdefault(which, []).append(Part(line, amount))
    items = lock_items(part.line for some in parts.values() for part in some)
    approving = {one.write_off for one in requests if one.approve and one.write_off in found}
    duties = [Duty(which, DUTY, "approve", cause.actor.name, found[which].number) for which in sorted(approving)
              if found[which].state == "waiting"]  # fmt: skip
    told = zip(duties, access.apart(duties), strict=True)
    apart = {duty.document: refused for duty, refused in told if refused}
    answers: list[WriteOffDecided | Refused] = []
    decided: list[tuple[_Draft, DecideWriteOff, str]] = []
    for request in requests:
        one = found.get(request.write_off)
        answer = _settle(request, one, parts, items, apart)
        answers.append(answer if isinstance(answer, Refused) else WriteOffDecided(answer.id, answer.state))
        if isinstance(answer, _Draft):
            decided.append((answer, request, found[answer.id].state))
            found[answer.id] = found[answer.id]._replace(state=answer.state)
            if answer.state == "posted":
                for line, amount in answer.parts:
                    items[line] = items[line]._replace(open=items[line].open - amount)
    if decided:
        posted = {one.id for one, _, _ in decided if one.state == "posted"}
        whole(take_duty(cause, requests=[duty for duty in duties if duty.document in posted]))
        _store(cause, decided)
    return answers


def _settle(
    request: DecideWriteOff,
    one: _Waiting | None,
    parts: dict[UUID, list[Part]],
    items: dict[int, Item],
    apart: dict[UUID, Refused],
) -> _Draft | Refused:
    if one is None:
        return NotFound(what="write-off", which=str(request.write_off))
    state = WRITE_OFF.step(one.state, "approve" if request.approve else "decline")
    if isinstance(state, Refused):
        return state
    if not request.approve:
        if not request.note.strip():
            return Invalid(field="note", expected="why it is declined", found="nothing")
        return _Draft(one.id, one.number, one.company, one.account, one.currency, [], one.reason, state)
    if one.id in apart:
        return apart[one.id]
    taken = parts_of(one.company, parts[one.id], items)
    if isinstance(taken, Refused):
        return taken
    return _Draft(one.id, one.number, one.company, one.account, one.currency, taken, one.reason, state)


def _store(cause: Cause, decided: Sequence[tuple[_Draft, DecideWriteOff, str]]) -> None:
    matches = _post(cause, [one for one, _, _ in decided if one.state == "posted"])
    rows = [(one.id, one.state, request.note.strip(), matches.get(one.id)) for one, request, _ in decided]
    names = ("ids", "states", "notes", "matches")
    sql.run(_DECIDE, {**sql.columns(names, rows), "who": cause.actor.name, "at": cause.at})
    announce(cause, [
        Event(KIND, one.id, one.company, before, one.state, cause.at, None, request.note.strip())
        for one, request, before in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(one.company, ITEM, one.id, one.state, request.note.strip(), cause.at)
        for one, request, _ in decided
    ])  # fmt: skip


_COLUMNS = (
    "id", "number", "company_id", "account", "currency", "amount_minor", "home_minor", "alone_minor", "code",
    "reason", "state", "asked_by", "asked_at", "decided_by", "decided_at", "match_id",
)  # fmt: skip

_WORTH = """
SELECT l.id, l.amount_minor, l.functional_minor, c.currency::text,
       COALESCE((SELECT sum(abs(p.amount_minor)) FROM settlement_writeoffpart AS p
                 JOIN settlement_writeoff AS w ON w.id = p.write_off_id
                 WHERE p.line_id = l.id AND w.state IN ('posted', 'waiting')), 0)::bigint
FROM ledger_line AS l JOIN parties_company AS c ON c.id = l.company_id WHERE l.id = ANY(%(lines)s::bigint[])
"""

_POSTED = """
SELECT l.document_id, i.line_id FROM ledger_line AS l JOIN ledger_clearingitem AS i ON i.line_id = l.id
WHERE l.document_id = ANY(%(ids)s::uuid[])
"""

_LOCK = """
SELECT id, number, company_id::int, account, currency, reason, state FROM settlement_writeoff
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_PARTS = """
SELECT write_off_id, line_id, amount_minor FROM settlement_writeoffpart
WHERE write_off_id = ANY(%(ids)s::uuid[]) ORDER BY 1, 2
"""

_DECIDE = """
UPDATE settlement_writeoff AS w SET state = d.state, note = d.note, match_id = d.match, decided_by = %(who)s::text,
       decided_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(notes)s::text[], %(matches)s::uuid[]) AS d(id, state, note, match)
WHERE w.id = d.id
"""
