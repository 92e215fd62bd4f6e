"""What a channel states of a period against what we hold: every difference a row, and work where policy says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.channels import rules
from entrepot.channels.commands.asking import ITEMS, MISSING, ROLE, settled
from entrepot.channels.commands.comparing import Channel, Compared, TakeChannelStatement, compare
from entrepot.channels.rules import Before, Found, Reconciling
from entrepot.channels.statements.stated import KINDS, ROWS_MAX, SOURCE, Kept, StatedOrder
from entrepot.kernel import ids, inbox, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.work.commands.open_items import OpenItem, open_items

SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class ChannelStatementTaken:
    """`differing`: what it shows that is not as here; `fresh` of them were not known; `agreed` are over with it."""

    statement: UUID
    number: str
    stated: int
    held: int
    differing: int
    fresh: int
    agreed: int


class _Row(NamedTuple):
    id: UUID
    channel: UUID
    kind: str
    name: str
    state: str
    theirs: str
    ours: str
    reason: str


class _Change(NamedTuple):
    """A difference as it is to stand; `before` is None where nobody knew of it."""

    id: UUID
    of: Compared
    found: Found
    state: str
    before: _Row | None


@command("channels.take_statements")
def take_statements(
    cause: Cause, /, *, requests: Sequence[TakeChannelStatement]
) -> list[ChannelStatementTaken | Refused]:
    """Statements compared with what we hold. What differs is open, what was mended and differs still is open again, and
    what agrees is over. An order that only the channel has is kept in the inbox as it was stated last,
    ready to be placed.

    Locks: the channels, by an advisory lock of their own, in the order of their ids; the inbox's new rows, then those
    set aside. Refuses: NotFound (channel); Invalid (kind, period, too many rows). Again: by key; the same statement
    without one is compared anew. 17 statements at most.
    """
    names = [(one.company, one.channel) for one in requests]
    channels = {
        (company, code): Channel(channel, code, currency)
        for company, code, channel, currency in sql.run(_CHANNELS, sql.columns(("companies", "codes"), names))
    }
    sql.run(_LOCK, {"channels": sorted({one.id for one in channels.values()})})
    fitting = [one for one in requests if (one.company, one.channel) in channels and _misfit(one) is None]
    by = policies.of_companies({one.company for one in fitting}, Reconciling, cause.at)
    compared = compare(cause, fitting, channels, by)
    before = _before(compared)
    changes, over = _decide(compared, before)
    numbers = dict(zip([one.id for one in compared], ids.numbers("CS", len(compared)), strict=True))
    if compared:
        _write(cause, compared, numbers, changes, over)
        _ask(cause, compared, changes, by)
    told = iter(compared)
    return [
        NotFound(what="channel", which=one.channel)
        if (one.company, one.channel) not in channels
        else _misfit(one) or _answer(next(told), numbers, changes, over)
        for one in requests
    ]


def _misfit(one: TakeChannelStatement) -> Refused | None:
    if one.kind not in KINDS:
        return Invalid(field="kind", expected=one_of(KINDS), found=one.kind)
    if one.since >= one.until:
        return Invalid(
            field="until", expected=Said("after {0}", one.since.isoformat()), found=one.until.isoformat()
        )
    if len(one.orders) + len(one.stock) > ROWS_MAX:
        return Invalid(
            field="orders", expected=Said("at most {0}", ROWS_MAX), found=len(one.orders) + len(one.stock)
        )
    return None


# ---- what becomes of differences

_Name = tuple[UUID, str, str]


def _before(compared: Sequence[Compared]) -> dict[_Name, _Row]:
    if not compared:
        return {}
    rows = [_Row(*row) for row in sql.run(_BEFORE, {"channels": [one.channel.id for one in compared]})]
    return {(row.channel, row.kind, row.name): row for row in rows}


def _decide(
    compared: Sequence[Compared], before: dict[_Name, _Row]
) -> tuple[dict[_Name, _Change], dict[UUID, tuple[Compared, _Row]]]:
    """How each difference is to stand, by its name; and those that are over, with the statement that shows it."""
    changes: dict[_Name, _Change] = {}
    over: dict[UUID, tuple[Compared, _Row]] = {}
    for one in compared:
        shown = {(one.channel.id, kind, name) for kind, name in one.young}
        for found in one.found:
            name = (one.channel.id, found.kind, found.name)
            row, earlier = before.get(name), changes.get(name)
            known = Before(row.state, row.theirs, row.ours) if row else None
            which = earlier.id if earlier else row.id if row else ids.uuid7()
            changes[name] = _Change(which, one, found, rules.state_after(known, found), row)
            over.pop(which, None)
            shown.add(name)
        for name, row in before.items():
            of_kind = (row.kind == rules.OF_STOCK) == (one.request.kind == "stock")
            if row.channel == one.channel.id and of_kind and row.name in one.covered and name not in shown:
                changes.pop(name, None)
                over[row.id] = (one, row)
    return changes, over


def _answer(
    one: Compared,
    numbers: Mapping[UUID, str],
    changes: Mapping[_Name, _Change],
    over: Mapping[UUID, tuple[Compared, _Row]],
) -> ChannelStatementTaken:
    stated = len(one.request.orders) + len(one.request.stock)
    fresh = sum(change.of is one and change.before is None for change in changes.values())
    agreed = sum(by is one for by, _ in over.values())
    return ChannelStatementTaken(one.id, numbers[one.id], stated, one.held, len(one.found), fresh, agreed)


def _write(
    cause: Cause,
    compared: Sequence[Compared],
    numbers: Mapping[UUID, str],
    changes: Mapping[_Name, _Change],
    over: Mapping[UUID, tuple[Compared, _Row]],
) -> None:
    who, at = cause.actor.name, cause.at
    sql.write("channels_statement", _STATEMENT, [
        (
            one.id, numbers[one.id], r.company, one.channel.id, r.kind, r.source, r.name, r.since, r.until,
            len(r.orders) + len(r.stock), one.held, *one.sums, len(one.found), who, at,
        )
        for one in compared
        for r in (one.request,)
    ])  # fmt: skip
    kept = _keep_missing(cause, changes.values())
    rows = [
        (
            change.id, change.of.request.company, change.of.channel.id, change.of.id, change.found.kind,
            change.found.name, change.of.subjects.get(change.found.name), kept.get(name),
            change.found.theirs, change.found.ours, wire.dump(dict(change.found.facts)), change.state,
            change.before.reason if change.before and change.state == "explained" else "",
        )
        for name, change in sorted(changes.items())
    ]  # fmt: skip
    if rows:
        sql.run(_KEEP, sql.columns(_DIFFERENCE, rows) | {"at": at})
    if over:
        gone = [(which, one.id) for which, (one, _) in sorted(over.items())]
        sql.run(_AGREE, sql.columns(("ids", "statements"), gone) | {"at": at})
    _tell(cause, compared, numbers, changes, over)


def _keep_missing(cause: Cause, changes: Iterable[_Change]) -> dict[_Name, UUID]:
    """What the channel said last of orders that are missing here, in the inbox: the ids by the differences' names."""
    missing: dict[_Name, inbox.Incoming] = {}
    orders: dict[UUID, dict[str, StatedOrder]] = {}
    for change in changes:
        if change.found.kind != "missing here":
            continue
        one = change.of
        if one.id not in orders:
            orders[one.id] = {order.name: order for order in one.request.orders}
        stated = orders[one.id][change.found.name]
        said = wire.dump(Kept(one.channel.code, stated))
        name = f"{one.channel.code} {stated.name}"
        missing[one.channel.id, change.found.kind, stated.name] = inbox.Incoming(
            one.request.company, SOURCE, name, "order", said
        )
    if not missing:
        return {}
    inbox.receive(cause, list(missing.values()), state="set_aside")
    inbox.renew(list(missing.values()))
    names = [(one.company, one.source, one.external_id) for one in missing.values()]
    rows = sql.run(_MESSAGES, sql.columns(("companies", "sources", "externals"), names))
    ids_of = {(company, external): which for company, external, which in rows}
    return {name: ids_of[one.company, one.external_id] for name, one in missing.items()}


def _tell(
    cause: Cause,
    compared: Sequence[Compared],
    numbers: Mapping[UUID, str],
    changes: Mapping[_Name, _Change],
    over: Mapping[UUID, tuple[Compared, _Row]],
) -> None:
    events = [
        Event("channel_statement", one.id, one.request.company, "", "taken", None,
              {"number": numbers[one.id], "kind": one.request.kind, "differing": len(one.found)})
        for one in compared
    ]  # fmt: skip
    events += [
        Event("channel_difference", change.id, change.of.request.company, change.before.state if change.before else "",
              change.state, None, {"kind": change.found.kind, "name": change.found.name})
        for change in changes.values()
        if change.before is None or change.before.state != change.state
    ]  # fmt: skip
    events += [
        Event("channel_difference", which, one.request.company, row.state, "agreed", None,
              {"kind": row.kind, "name": row.name})
        for which, (one, row) in over.items()
    ]  # fmt: skip
    announce(cause, events)


# ---- work


def _ask(
    cause: Cause,
    compared: Sequence[Compared],
    changes: Mapping[_Name, _Change],
    by: Mapping[int, tuple[int, Reconciling]],
) -> None:
    """One item for each channel and kind of statement while something is open that policy asks about."""
    items = []
    for one in compared:
        asks = by[one.request.company][1].asks
        waiting = [
            change for change in changes.values()
            if change.of is one and change.state == "open" and change.found.kind in asks
        ]  # fmt: skip
        if waiting:
            items.append(_item(one, waiting))
    if items:
        open_items(cause, requests=items)
    settled(cause, {one.channel.id for one in compared}, [(one.request.company, MISSING, one.channel.id)
                                                          for one in compared])  # fmt: skip


def _item(one: Compared, waiting: Sequence[_Change]) -> OpenItem:
    told = [
        f"{change.found.kind} {change.found.name}: {change.found.theirs or '–'} there,"
        f" {change.found.ours or '–'} here"
        for change in waiting
    ]
    return OpenItem(
        company=one.request.company, type=ITEMS[one.request.kind], subject_kind="channel", subject=one.channel.id,
        reason=Said(
            "{0}: {1} differences with its statement. {2}.",
            one.channel.code, len(waiting), told[0],
        ), role=ROLE,
        priority=40, facts={"channel": one.channel.code, "differences": told[:SHOWN_MAX]},
    )  # fmt: skip


_STATEMENT = (
    "id", "number", "company_id", "channel_id", "kind", "source", "name", "since", "until", "stated", "held",
    "stated_sum", "held_sum", "differing", "taken_by", "taken_at",
)  # fmt: skip
_DIFFERENCE = (
    "ids", "companies", "channels", "statements", "kinds", "names", "subjects", "messages", "theirs", "ours", "facts",
    "states", "reasons",
)  # fmt: skip

_CHANNELS = """
SELECT c.company_id::int, c.code, c.id, c.currency
FROM (SELECT DISTINCT * FROM unnest(%(companies)s::smallint[], %(codes)s::text[])) AS d(company, code)
JOIN network_channel AS c ON c.company_id = d.company AND c.code = d.code
"""

# Two statements of a channel at once would each think the other's differences over.
_LOCK = """
SELECT count(pg_advisory_xact_lock(hashtextextended('channels.statement ' || one, 0)))
FROM (SELECT one::text FROM unnest(%(channels)s::uuid[]) AS one ORDER BY 1) AS d
"""

_BEFORE = """
SELECT id, channel_id, kind, name, state, theirs, ours, reason FROM channels_difference
WHERE channel_id = ANY(%(channels)s::uuid[]) AND state <> 'agreed' ORDER BY id FOR UPDATE
"""

_MESSAGES = """
SELECT m.company_id::int, m.external_id, m.id
FROM unnest(%(companies)s::smallint[], %(sources)s::text[], %(externals)s::text[]) AS d(company, source, external)
JOIN kernel_inbox AS m ON m.company_id = d.company AND m.source = d.source AND m.external_id = d.external
"""

_KEEP = """
INSERT INTO channels_difference AS m (id, company_id, channel_id, statement_id, kind, name, subject_id, message_id,
                                      theirs, ours, facts, state, reason, decided_by, found_at, changed_at)
SELECT d.id, d.company, d.channel, d.statement, d.kind, d.name, d.subject, d.message, d.theirs, d.ours, d.facts::jsonb,
       d.state, d.reason, '', %(at)s::timestamptz, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(channels)s::uuid[], %(statements)s::uuid[], %(kinds)s::text[],
            %(names)s::text[], %(subjects)s::uuid[], %(messages)s::uuid[], %(theirs)s::text[], %(ours)s::text[],
            %(facts)s::text[], %(states)s::text[], %(reasons)s::text[])
     AS d(id, company, channel, statement, kind, name, subject, message, theirs, ours, facts, state, reason)
ON CONFLICT (id) DO UPDATE SET statement_id = excluded.statement_id, subject_id = excluded.subject_id,
    message_id = COALESCE(excluded.message_id, m.message_id), theirs = excluded.theirs, ours = excluded.ours,
    facts = excluded.facts,
    changed_at = CASE WHEN m.state = excluded.state THEN m.changed_at ELSE excluded.changed_at END,
    reason = excluded.reason, state = excluded.state
"""

_AGREE = """
UPDATE channels_difference AS m SET state = 'agreed', statement_id = d.statement, changed_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(statements)s::uuid[]) AS d(id, statement) WHERE m.id = d.id
"""
