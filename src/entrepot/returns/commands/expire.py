"""Goods that do not come: their customer is reminded, and later their return is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from entrepot.kernel import delivery, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.returns import expiring
from entrepot.returns.commands.giving_up import Ending, give_up
from entrepot.returns.commands.lock import Return, lock_returns
from entrepot.returns.expiring import ExpiryPolicy, Waiting
from entrepot.returns.states import FINAL


@dataclass(frozen=True, slots=True)
class Expire:
    """Look whether the goods of a return are still waited for."""

    return_id: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    """What was done: `wait`, `remind` or `close`; and the return's state."""

    return_id: UUID
    did: str
    state: str


@command("returns.expire")
def expire(cause: Cause, /, *, requests: Sequence[Expire]) -> list[Expired | Refused]:
    """Returns whose goods have not come by the day that the policy `returns.expiry` says are closed: what was refunded
    is missing, what was not may be asked for again. Before that their customers are reminded, by a message to the
    channel. Nothing happens while something of them is to be done here, or an amount is held on a card.

    Locks: the orders in id order. Refuses: NotFound; WrongState. Again: reminded once, closed once.
    23 statements at most.
    """
    found = lock_returns([one.return_id for one in requests])
    waiting = {key: Waiting(*row) for key, *row in sql.run(_WAITING, {"returns": list(found)})}
    rules = policies.of_companies((one.company for one in found.values()), ExpiryPolicy, cause.at)
    answers: list[Expired | Refused] = []
    did: dict[UUID, str] = {}
    for request in requests:
        one = found.get(request.return_id)
        refused = _refuse(request, one)
        if refused or one is None:
            answers.append(refused or NotFound(what="return", which=str(request.return_id)))
            continue
        facts = waiting[one.id]._replace(blocked=_blocked(one))
        did.setdefault(one.id, expiring.decide(rules[one.company][1], facts, cause.at))
        answers.append(Expired(one.id, did[one.id], ""))
    endings = [
        Ending(found[key], f"did not come in {(cause.at - waiting[key].since).days} days", by_clock=True)
        for key, what in did.items()
        if what == "close"
    ]
    if endings:
        give_up(cause, endings)
    reminded = [found[key] for key, what in did.items() if what == "remind"]
    if reminded:
        _remind(cause, [(one, _last_day(rules[one.company][1], waiting[one.id], cause)) for one in reminded])
    return [
        Expired(a.return_id, a.did, found[a.return_id].state) if isinstance(a, Expired) else a
        for a in answers
    ]


def _refuse(request: Expire, one: Return | None) -> Refused | None:
    if one is None:
        return NotFound(what="return", which=str(request.return_id))
    if one.state in FINAL or one.state == "requested" or one.asked == "keep":
        return WrongState(
            subject="return", found=one.state, event="expire", expected="one whose goods are to come"
        )
    return None


def _blocked(one: Return) -> str:
    """What has to be done before its goods can be given up."""
    units = one.units
    if not any(line.to_come for line in one.lines.values()):
        return "nothing is to come"
    if units.received > units.disposed:
        return "units wait for inspection or disposition"
    if any(line.received > line.refunded for line in one.lines.values()) and not one.without_refund:
        return "units came and are not refunded"
    if one.open_refunds:
        return "refunds are not paid yet"
    return "an amount is held on the card" if one.open_holds else ""


def _last_day(policy: ExpiryPolicy, one: Waiting, cause: Cause) -> date | None:
    """As the customer is told."""
    due = expiring.due_at(policy, one._replace(reminded_at=cause.at))
    return due.date() if due else None


def _remind(cause: Cause, reminded: Sequence[tuple[Return, date | None]]) -> None:
    ids = [one.id for one, _ in reminded]
    sql.run(_REMINDED, {"returns": ids, "companies": [one.company for one, _ in reminded], "at": cause.at})
    told = {key: row for key, *row in sql.run(_TOLD, {"returns": ids})}
    delivery.send(cause, [
        delivery.Message(f"channels:{told[one.id][0]}", "return.reminder", one.id, one.company, {
            "number": one.number, "order": told[one.id][1], "external_id": told[one.id][2], "until": day,
            "trackings": told[one.id][3],
            "lines": [{"line": line.line, "quantity": line.to_come} for line in one.lines.values() if line.to_come],
        })
        for one, day in reminded
    ])  # fmt: skip
    announce(cause, [
        Event("return", one.id, one.company, "", "", None, {"reminded": True, "until": day}) for one, day in reminded
    ])  # fmt: skip


_WAITING = """
SELECT r.id, r.changed_at, (SELECT max(p.scanned_at) FROM returns_parcel AS p WHERE p.return_id = r.id), e.reminded_at
FROM returns_return AS r LEFT JOIN returns_expiry AS e ON e.return_id = r.id
WHERE r.id = ANY(%(returns)s::uuid[])
"""

_REMINDED = """
INSERT INTO returns_expiry AS e (return_id, company_id, reminded_at)
SELECT id, company, %(at)s::timestamptz
FROM unnest(%(returns)s::uuid[], %(companies)s::smallint[]) AS d(id, company)
ON CONFLICT (return_id) DO UPDATE SET reminded_at = excluded.reminded_at
"""

_TOLD = """
SELECT r.id, c.code, o.number, o.external_id,
       ARRAY(SELECT p.tracking FROM returns_parcel AS p WHERE p.return_id = r.id ORDER BY p.announced_at, p.tracking)
FROM returns_return AS r
JOIN orders_order AS o ON o.id = r.order_id
JOIN network_channel AS c ON c.id = r.channel_id
WHERE r.id = ANY(%(returns)s::uuid[])
"""
