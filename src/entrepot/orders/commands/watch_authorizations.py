"""Orders whose authorization ends before they leave: who should look at them, and which must not go on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.orders import lapsing, rules
from entrepot.orders.commands import progress
from entrepot.orders.commands.hold import NewHold, hold_now
from entrepot.orders.commands.satisfy import totals_of
from entrepot.orders.lapsing import ITEM, RULE, Authorizations, Due, Step, Tender
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

OVER, HELD = "its payments cover it again, or it has left", "it is held for it now"
"""The root causes of items that end by themselves; any other was given by somebody who decided."""
LOOKED_BACK = timedelta(days=30)
"""For how long after its end an authorization is looked for that nobody was told of."""


@dataclass(frozen=True, slots=True)
class WatchAuthorizations:
    """The orders of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationsWatched:
    """Orders that somebody is told of, those that are held, and items that were closed; over all companies that were
    asked for."""

    told: int
    held: int
    closed: int


@command("orders.watch_authorizations")
def watch_authorizations(
    cause: Cause, /, *, requests: Sequence[WatchAuthorizations]
) -> list[AuthorizationsWatched | Refused]:
    """A work item, or by the policy `orders.authorizations` a payment hold, for each order with units in the house that
    its payments will not cover any more when it leaves. Items end with what they told of, holds by the payment that
    they wait for. Of what somebody has decided nobody is told again, unless the authorization's end moves.

    Locks: the orders that are held, in id order. Refuses: nothing. Again: tells nothing anew. 5 statements; 1 where
    orders are told of, 3 where items end, 11 where orders are held.
    """
    companies = sorted({one.company for one in requests})
    in_force = policies.in_force_of(companies, Authorizations, cause.at)
    open_ = sql.run(_OPEN, {"companies": companies, "type": ITEM})
    since = {"since": cause.at - LOOKED_BACK, "companies": companies}
    found = [order for (order,) in sql.run(_ENDING, since)]
    steps = _steps(cause, {*found, *(order for order, _ in open_)}, in_force)

    wanted = [one.id for one, step in steps if step == "hold"]
    if wanted:  # a payment may have come while nothing was locked
        progress.lock(wanted)
        steps = [pair for pair in steps if pair[1] != "hold"] + _steps(cause, wanted, in_force)
    held = [one for one, step in steps if step == "hold"]
    hold_now(cause, [_hold(one, cause.at, in_force) for one in held])
    told = [one for one, step in steps if step == "tell"]
    items = [_item(one, cause.at, in_force) for one in told if one.ends not in one.told_of]
    if items:
        open_items(cause, requests=items)
    stays = {one.id for one in told}
    stopped = {one.id for one in held}
    over = [
        ResolveSubject(company, ITEM, order, HELD if order in stopped else OVER)
        for order, company in open_
        if order not in stays
    ]
    if over:
        resolve_subjects(cause, requests=over)
    return [AuthorizationsWatched(len(items), len(held), len(over)) for _ in requests]


def stop_lapsed(cause: Cause, orders: Collection[UUID]) -> set[UUID]:
    """Hold those of orders, which are locked, whose authorization is over where their channel's policy enforces that:
    what leaves now would not be paid. 4 statements; 11 more where some are held."""
    if not orders:
        return set()
    companies = [company for (company,) in sql.run(_COMPANIES, {"orders": list(orders)})]
    in_force = policies.in_force_of(companies, Authorizations, cause.at)
    gone = [
        one
        for one, step in _steps(cause, orders, in_force)
        if step == "hold" and one.due.ends_at is not None and one.due.ends_at <= cause.at
    ]
    hold_now(cause, [_hold(one, cause.at, in_force) for one in gone])
    return {one.id for one in gone}


def end_told(cause: Cause, orders: Collection[UUID]) -> None:
    """Close the items about orders, which are locked, whose payments cover them again. 1 statement; 7 more where
    somebody was told of some."""
    told = sql.run(_OPEN_OF, {"orders": list(orders), "type": ITEM})
    if not told:
        return
    in_force = policies.in_force_of(sorted({company for _, company in told}), Authorizations, cause.at)
    stays = {one.id for one, _ in _steps(cause, [order for order, _ in told], in_force)}
    over = [ResolveSubject(company, ITEM, order, OVER) for order, company in told if order not in stays]
    if over:
        resolve_subjects(cause, requests=over)


InForce = Mapping[int, Mapping[str, tuple[int, Authorizations]]]
_NOTHING_SAID = Authorizations()


class _Order(NamedTuple):
    id: UUID
    company: int
    channel: str
    number: str
    priority: int
    promise_at: datetime | None
    ship_not_before: date | None
    total: int
    on_floor: bool
    is_held: bool  # for this already
    told_of: frozenset[str]  # ends of authorizations that somebody has decided about
    due: Due

    @property
    def ends(self) -> str:
        return self.due.ends_at.isoformat() if self.due.ends_at else ""


def _steps(cause: Cause, orders: Collection[UUID], in_force: InForce) -> list[tuple[_Order, Step]]:
    """What is to be done about which orders; those that need nothing are not among them. 3 statements."""
    if not orders:
        return []
    which = {"orders": list(orders)}
    tenders: dict[UUID, list[Tender]] = {}
    for order, *tender in sql.run(_TENDERS, which):
        tenders.setdefault(order, []).append(Tender(*tender))
    totals = totals_of(orders)
    steps: list[tuple[_Order, Step]] = []
    for row in sql.run(
        _SEEN, which | {"type": ITEM, "rule": RULE, "over": [OVER, HELD], "decided": list(rules.RESOLUTIONS)}
    ):
        one = _order(row, tenders.get(row[0], ()), totals[row[0]])
        step = lapsing.step(_policy(in_force, one), one.due, cause.at)
        if step == "hold" and (one.is_held or one.ends in one.told_of):
            step = ""
        if step:
            steps.append((one, step))
    return steps


def _order(row: Sequence[Any], tenders: Sequence[Tender], total: int) -> _Order:
    *head, told_of = row
    known = _Order(*head[:7], total, *head[7:], frozenset(told_of), Due(None))  # type: ignore[call-arg]
    leaves = lapsing.leaves_at(known.promise_at, known.ship_not_before)
    return known._replace(due=Due(lapsing.ends_at(total, tenders), leaves, known.on_floor))


def _policy(in_force: InForce, one: _Order) -> Authorizations:
    return policies.of_scope(in_force.get(one.company, {}), one.channel, _NOTHING_SAID)


def _facts(one: _Order) -> dict[str, Any]:
    """With what the order comes to, so that only what is captured of its payments counts beside later ones."""
    return {"expires_at": one.ends, "total_minor": one.total}


def _hold(one: _Order, at: datetime, in_force: InForce) -> NewHold:
    reason = lapsing.why(one.due, at, _policy(in_force, one).hours)
    return NewHold(
        ids.uuid7(), one.company, one.id, "payment hold", reason, _facts(one), at, value_minor=one.total,
        promise_at=one.promise_at, rules=(RULE,),
    )  # fmt: skip


def _item(one: _Order, at: datetime, in_force: InForce) -> OpenItem:
    reason = lapsing.why(one.due, at, _policy(in_force, one).hours)
    return OpenItem(
        one.company, ITEM, "order", one.id, reason, rules.HOLDS["payment hold"].role, _facts(one), one.priority,
        due_in_hours=8, value_minor=one.total, promise_at=one.promise_at,
    )  # fmt: skip


_COMPANIES = "SELECT DISTINCT company_id::int FROM orders_order WHERE id = ANY(%(orders)s::uuid[]) ORDER BY 1"

_OPEN = """
SELECT subject_id, company_id::int FROM work_item
WHERE company_id = ANY(%(companies)s::smallint[]) AND type = %(type)s::text AND state <> 'done' ORDER BY id
"""

_OPEN_OF = """
SELECT subject_id, company_id::int FROM work_item
WHERE subject_id = ANY(%(orders)s::uuid[]) AND type = %(type)s::text AND state <> 'done' ORDER BY id
"""

# By an index of when authorizations end: those of past months are not looked at.
_ENDING = """
SELECT DISTINCT p.order_id FROM payments_payment AS p JOIN orders_order AS o ON o.id = p.order_id
WHERE p.company_id = ANY(%(companies)s::smallint[]) AND p.expires_at > %(since)s::timestamptz
  AND p.authorized_minor > p.captured_minor AND NOT p.is_hold AND p.state NOT IN ('voided', 'failed')
  AND o.commercial IN ('placed', 'confirmed')
"""

# What went back for cancelled units is not there any more; what is being captured is as good as captured.
_TENDERS = """
SELECT p.order_id, p.authorized_minor - g.back, false, p.expires_at, p.captured_minor + p.capturing_minor - g.back
FROM payments_payment AS p JOIN orders_order AS o ON o.id = p.order_id AND o.currency = p.currency
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(a.amount_minor), 0)::bigint AS back FROM payments_attempt AS a
    WHERE a.payment_id = p.id AND a.document_id = o.id AND a.kind = 'refund' AND a.state IN ('waiting', 'done')
) AS g
WHERE p.order_id = ANY(%(orders)s::uuid[]) AND NOT p.is_hold AND p.state NOT IN ('voided', 'failed')
"""

_SEEN = """
SELECT o.id, o.company_id::int, c.code, o.number, o.priority::int, o.promise_at, o.ship_not_before, l.on_floor,
       h.is_held, h.ends || i.ends
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(released + picked + packed), 0) > 0 AS on_floor,
           COALESCE(sum(quantity - shipped - delivered - cancelled), 0) > 0 AS is_here
    FROM orders_line WHERE order_id = o.id AND kind = 'goods'
) AS l
CROSS JOIN LATERAL (
    SELECT COALESCE(bool_or(state = 'open'), false) AS is_held,
           COALESCE(array_agg(facts ->> 'expires_at')
                    FILTER (WHERE resolution = ANY(%(decided)s::text[])), '{}') AS ends
    FROM orders_hold WHERE order_id = o.id AND facts -> 'rules' ? %(rule)s::text
) AS h
CROSS JOIN LATERAL (
    SELECT COALESCE(array_agg(w.facts ->> 'expires_at'), '{}') AS ends FROM work_item AS w
    WHERE w.subject_id = o.id AND w.type = %(type)s::text AND w.state = 'done' AND w.root_cause <> ALL(%(over)s::text[])
) AS i
WHERE o.id = ANY(%(orders)s::uuid[]) AND o.commercial IN ('placed', 'confirmed') AND l.is_here ORDER BY o.id
"""
