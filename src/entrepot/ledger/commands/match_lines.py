"""Say which lines of a clearing account belong together, and take that back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.ledger import errors
from entrepot.ledger.clearing import HOW, Item, Part, takes

PARTS_MAX = 100_000
"""Of a match: a payout may bring that many charges."""


@dataclass(frozen=True, slots=True)
class MatchLines:
    """Parts of lines of one clearing account that make up zero; `document` is what a rule found them by."""

    company: int
    parts: tuple[Part, ...]
    why: str
    how: str = "hand"
    document: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LinesMatched:
    match: UUID


@command("ledger.match_lines")
def match_lines(cause: Cause, /, *, requests: Sequence[MatchLines]) -> list[LinesMatched | Refused]:
    """Each request's parts as one match: no part of them is open any more.

    Locks: the items of the lines in their order. Refuses: NotFound; Invalid (no reason, a line named twice, lines of
    two accounts or currencies, too many); ledger.not_open; ledger.does_not_clear. Again: by key. 4 statements.
    """
    items = lock_items(part.line for one in requests for part in one.parts)
    answers: list[LinesMatched | Refused] = []
    matched: list[tuple[UUID, MatchLines, Item, list[tuple[int, int]]]] = []
    for one in requests:
        parts = parts_of(one.company, one.parts, items)
        refused = parts if isinstance(parts, Refused) else _misfit(one, parts, items)
        if isinstance(parts, Refused) or refused:
            answers.append(refused or parts)  # type: ignore[arg-type]
            continue
        for line, amount in parts:
            items[line] = items[line]._replace(open=items[line].open - amount)
        matched.append((ids.uuid7(), one, items[parts[0][0]], parts))
        answers.append(LinesMatched(matched[-1][0]))
    if matched:
        sql.write("ledger_match", _MATCH, [
            (which, of.company, of.account, of.currency, one.how, one.why.strip(), one.document, cause.actor.name,
             cause.at)
            for which, one, of, _ in matched
        ])  # fmt: skip
        sql.write(
            "ledger_matchpart", _PART, [(which, *part) for which, _, _, parts in matched for part in parts]
        )
        _store(items[line] for _, _, _, parts in matched for line, _ in parts)
        announce(cause, [
            Event("match", which, of.company, "", "matched", cause.at,
                  {"account": of.account, "parts": len(parts), "how": one.how}, one.why.strip())
            for which, one, of, parts in matched
            if one.how != "rule"  # what a rule finds stands in the match itself; a thousand an hour tell nothing
        ])  # fmt: skip
    return answers


def lock_items(lines: Iterable[int]) -> dict[int, Item]:
    """Lines of clearing accounts, locked in their order. 1 statement."""
    return {row[0]: Item(*row) for row in sql.run(_LOCK, {"lines": sorted(set(lines))})}


def parts_of(company: int, wanted: Sequence[Part], items: dict[int, Item]) -> list[tuple[int, int]] | Refused:
    """Line and amount of each part, all of one account and currency and open."""
    if not 0 < len(wanted) <= PARTS_MAX:
        return Invalid(field="parts", expected=Said("1 to {0}", PARTS_MAX), found=len(wanted))
    if len({one.line for one in wanted}) < len(wanted):
        return Invalid(field="parts", expected="each line once", found="one twice")
    parts = []
    of: set[tuple[int, str]] = set()
    for one in wanted:
        item = items.get(one.line)
        if item is None or item.company != company:
            return NotFound(what="line of a clearing account", which=str(one.line))
        amount = item.open if one.amount_minor is None else one.amount_minor
        if not takes(item, amount):
            return errors.NotOpen(
                line=one.line, expected=money.told(amount, item.currency),
                found=money.told(item.open, item.currency),
            )  # fmt: skip
        of.add((item.account, item.currency))
        parts.append((one.line, amount))
    if len(of) > 1:
        found = ", ".join(f"{account} {currency}" for account, currency in sorted(of))
        return Invalid(field="parts", expected="lines of one account and currency", found=found)
    return parts


def _misfit(one: MatchLines, parts: list[tuple[int, int]], items: dict[int, Item]) -> Refused | None:
    if not one.why.strip():
        return Invalid(field="why", expected="why they belong together", found="nothing")
    if one.how not in HOW:
        return Invalid(field="how", expected=one_of(HOW), found=one.how)
    off = sum(amount for _, amount in parts)
    if off:
        return errors.DoesNotClear(off=money.told(off, items[parts[0][0]].currency))
    return None


@dataclass(frozen=True, slots=True)
class UndoMatch:
    """A match that was wrong; its lines are open again."""

    match: UUID
    why: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MatchUndone:
    """`lines` are open again."""

    match: UUID
    lines: int


@command("ledger.undo_matches")
def undo_matches(cause: Cause, /, *, requests: Sequence[UndoMatch]) -> list[MatchUndone | Refused]:
    """Matches taken back: what was in them is open again. The rules don't match those lines with each other again.

    Locks: the matches in id order, then the items of their lines. Refuses: NotFound; Invalid (no reason; what was
    written off is not open again by undoing). Again: it stays undone. 5 statements.
    """
    wanted = [one.match for one in requests]
    found = {row[0]: row[1:] for row in sql.run(_LOCK_MATCHES, {"matches": wanted})}
    parts: dict[UUID, list[tuple[int, int]]] = {}
    for which, line, amount in sql.run(_PARTS, {"matches": list(found)}):
        parts.setdefault(which, []).append((line, amount))
    items = lock_items(line for some in parts.values() for line, _ in some)
    answers: list[MatchUndone | Refused] = []
    undone: dict[UUID, UndoMatch] = {}
    for one in requests:
        if one.match not in found:
            answers.append(NotFound(what="match", which=str(one.match)))
            continue
        _company, how, is_undone = found[one.match]
        if not one.why.strip():
            answers.append(Invalid(field="why", expected="what was wrong with it", found="nothing"))
        elif how == "write off":
            answers.append(
                Invalid(field="match", expected="one that posted nothing", found="what was written off")
            )
        else:
            if not is_undone and one.match not in undone:
                undone[one.match] = one
            answers.append(MatchUndone(one.match, len(parts[one.match])))
    if undone:
        for which in undone:
            for line, amount in parts[which]:
                items[line] = items[line]._replace(open=items[line].open + amount)
        rows = [(which, one.why.strip()) for which, one in undone.items()]
        sql.run(_UNDO, {**sql.columns(("matches", "whys"), rows), "who": cause.actor.name, "at": cause.at})
        _store(items[line] for which in undone for line, _ in parts[which])
        announce(cause, [
            Event("match", which, found[which][0], "matched", "undone", cause.at, None, one.why.strip())
            for which, one in undone.items()
        ])  # fmt: skip
    return answers


def _store(items: Iterable[Item]) -> None:
    rows = sorted({one.line: one.open for one in items}.items())
    sql.run(_STORE, sql.columns(("lines", "open"), rows))


_MATCH = (
    "id", "company_id", "account", "currency", "how", "why", "document_id", "matched_by", "matched_at",
)  # fmt: skip
_PART = ("match_id", "line_id", "amount_minor")

_LOCK = """
SELECT line_id, company_id::int, account, currency, amount_minor, open_minor FROM ledger_clearingitem
WHERE line_id = ANY(%(lines)s::bigint[]) ORDER BY line_id FOR UPDATE
"""

_LOCK_MATCHES = """
SELECT id, company_id::int, how, undone_at IS NOT NULL FROM ledger_match WHERE id = ANY(%(matches)s::uuid[])
ORDER BY id FOR UPDATE
"""

_PARTS = (
    "SELECT match_id, line_id, amount_minor FROM ledger_matchpart WHERE match_id = ANY(%(matches)s::uuid[])"
)

_UNDO = """
UPDATE ledger_match AS m SET undone_by = %(who)s::text, undone_at = %(at)s::timestamptz, undone_why = d.why
FROM unnest(%(matches)s::uuid[], %(whys)s::text[]) AS d(id, why) WHERE m.id = d.id
"""

_STORE = """
UPDATE ledger_clearingitem AS i SET open_minor = d.open
FROM unnest(%(lines)s::bigint[], %(open)s::bigint[]) AS d(line, open) WHERE i.line_id = d.line
"""
