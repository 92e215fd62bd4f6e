"""Hold orders, and let them go again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders import errors, rules, states
from entrepot.orders.commands import progress
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveItem, resolve


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Keep an order from going on. Without `blocks` the hold blocks what its type does (`rules.HOLDS`)."""

    order: UUID
    type: str
    reason: str
    blocks: tuple[str, ...] | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    hold: UUID
    order: UUID


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """The reason of a hold is gone; `note` says how."""

    hold: UUID
    note: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class HoldReleased:
    """`status` is the order's afterwards: another hold's, or where its units stand."""

    hold: UUID
    order: UUID
    status: str


class NewHold(NamedTuple):
    """A hold to be written by `open_holds`."""

    id: UUID
    company: int
    order: UUID
    type: str
    reason: str
    facts: Mapping[str, Any]
    opened_at: datetime
    blocks: tuple[str, ...] | None = None


def open_holds(cause: Cause, holds: Sequence[NewHold]) -> None:
    """Write holds, each with its work item. The caller sees to their orders' status. 2 statements."""
    items = open_items(
        cause,
        requests=[
            OpenItem(
                company=one.company, type=one.type, subject_kind="order", subject=one.order, reason=one.reason,
                role=rules.HOLDS[one.type].role, facts={**one.facts, "hold": one.id},
                priority=rules.HOLDS[one.type].priority, dedupe=str(one.id), occurred_at=one.opened_at,
            )
            for one in holds
        ],
    )  # fmt: skip
    rows = []
    for one, item in zip(holds, items, strict=True):
        assert not isinstance(item, Refused), "opening an item refuses nothing"
        kind = rules.HOLDS[one.type]
        blocks = kind.blocks if one.blocks is None else one.blocks
        rows.append((
            one.id, one.company, one.order, one.type, one.reason, wire.dump(one.facts), ",".join(blocks), kind.role,
            one.opened_at, item.item,
        ))  # fmt: skip
    sql.run(_INSERT, sql.columns(tuple(_COLUMNS), rows))


@command("orders.place_hold")
def place_hold(cause: Cause, /, *, requests: Sequence[PlaceHold]) -> list[HoldPlaced | Refused]:
    """Orders held, each by a hold with its work item.

    Locks: the orders in id order.
    Refuses: NotFound; Invalid (type, transition); WrongState (cancelled, closed). Again: by key. 7 statements.
    """
    progress.lock(one.order for one in requests)
    params = {"orders": [one.order for one in requests]}
    orders = {order: (company, commercial) for order, company, commercial in sql.run(_ORDERS, params)}

    answers: list[HoldPlaced | Refused] = []
    new: list[NewHold] = []
    for one in requests:
        company, commercial = orders.get(one.order, (0, ""))
        refusal = _unholdable(one, commercial)
        if refusal is not None:
            answers.append(refusal)
            continue
        at = one.occurred_at or cause.at
        new.append(NewHold(ids.uuid7(), company, one.order, one.type, one.reason, {}, at, one.blocks))
        answers.append(HoldPlaced(new[-1].id, one.order))

    if new:
        open_holds(cause, new)
        progress.restate(cause, {one.order: one.opened_at for one in new})
        announce(
            cause,
            [
                Event(
                    "hold", one.id, one.company, "", "open", one.opened_at,
                    {"order": one.order, "type": one.type}, one.reason,
                )
                for one in new
            ],
        )  # fmt: skip
    return answers


def _unholdable(one: PlaceHold, commercial: str) -> Refused | None:
    if not commercial:
        return NotFound(what="order", which=str(one.order))
    if one.type not in rules.HOLDS:
        return Invalid(field="type", expected=f"one of {', '.join(rules.HOLDS)}", found=one.type)
    if one.blocks is not None and not set(one.blocks) <= set(rules.TRANSITIONS):
        return Invalid(
            field="blocks", expected=f"some of {', '.join(rules.TRANSITIONS)}", found=", ".join(one.blocks)
        )
    if commercial == "confirmed":
        return None
    after = states.COMMERCIAL.step("confirmed" if commercial == "placed" else commercial, "hold")
    return after if isinstance(after, Refused) else None


@command("orders.release_holds")
def release_holds(cause: Cause, /, *, requests: Sequence[ReleaseHold]) -> list[HoldReleased | Refused]:
    """Holds released and their work items resolved; an order that nothing holds any longer goes on.

    Lines whose SKU the catalog did not know are looked up once more.
    Locks: the orders in id order, then the work items.
    Refuses: NotFound; WrongState (released or rejected already); StillUnknown.
    Again: by key. 11 statements.
    """
    sql.run(_LOCK, {"holds": [one.hold for one in requests]})
    found = {row[0]: _Found(*row) for row in sql.run(_FIND, {"holds": [one.hold for one in requests]})}
    unknown = _look_up({one.order for one in found.values() if one.type == "inventory hold"})

    answers: list[HoldReleased | Refused] = []
    released: dict[UUID, ReleaseHold] = {}
    for one in requests:
        refusal = _unreleasable(one, found.get(one.hold), unknown, released)
        if refusal is not None:
            answers.append(refusal)
        else:
            released[one.hold] = one
            answers.append(HoldReleased(one.hold, found[one.hold].order, ""))

    if not released:
        return answers
    close_holds(
        cause,
        [(found[one.hold], one.occurred_at or cause.at, one.note) for one in released.values()],
        "released",
    )
    stands = progress.restate(
        cause, {found[one.hold].order: one.occurred_at or cause.at for one in released.values()}
    )
    progress.hand_on(stands)
    return [
        HoldReleased(one.hold, one.order, stands[one.order].status) if isinstance(one, HoldReleased) else one
        for one in answers
    ]


class _Found(NamedTuple):
    id: UUID
    company: int
    order: UUID
    type: str
    state: str
    item: UUID | None


def _unreleasable(
    one: ReleaseHold, hold: _Found | None, unknown: Mapping[UUID, str], released: Mapping[UUID, ReleaseHold]
) -> Refused | None:
    if hold is None:
        return NotFound(what="hold", which=str(one.hold))
    after = states.HOLD.step("released" if one.hold in released else hold.state, "release")
    if isinstance(after, Refused):
        return after
    if hold.type == "inventory hold" and hold.order in unknown:
        return errors.StillUnknown(skus=unknown[hold.order])
    return None


def _look_up(orders: set[UUID]) -> dict[UUID, str]:
    """Give lines the SKUs that the catalog has learned of; codes still unknown come back by order. 2 statements."""
    if not orders:
        return {}
    sql.run(_LEARN, {"orders": list(orders)})
    return dict(sql.run(_UNKNOWN, {"orders": list(orders)}))  # type: ignore[arg-type]


def holds_of(orders: Sequence[UUID]) -> list[_Found]:
    """Open holds of orders that are locked. One statement."""
    return [_Found(*row) for row in sql.run(_OPEN_OF, {"orders": list(orders)})]


def close_holds(cause: Cause, closed: Sequence[tuple[_Found, datetime, str]], state: str) -> None:
    """Close holds as (hold, when, note) and resolve their work items. 3 statements, the event log's among them."""
    rows = [(hold.id, at) for hold, at, _ in closed]
    sql.run(_CLOSE, sql.columns(("holds", "times"), rows) | {"state": state, "by": cause.actor.name})
    resolve(
        cause,
        requests=[ResolveItem(hold.item, f"hold {state}", note) for hold, _, note in closed if hold.item],
    )
    announce(
        cause,
        [
            Event(
                "hold",
                hold.id,
                hold.company,
                "open",
                state,
                at,
                {"order": hold.order, "type": hold.type},
                note,
            )
            for hold, at, note in closed
        ],
    )


_COLUMNS = {
    "id": "uuid", "company_id": "smallint", "order_id": "uuid", "type": "text", "reason": "text", "facts": "text",
    "blocks": "text", "owner_role": "text", "opened_at": "timestamptz", "work_item": "uuid",
}  # fmt: skip

_INSERT = f"""
INSERT INTO orders_hold (id, company_id, order_id, type, reason, facts, blocks, owner_role, state, opened_at,
                         work_item)
SELECT id, company_id, order_id, type, reason, facts::jsonb, string_to_array(blocks, ','), owner_role, 'open',
       opened_at, work_item
FROM {sql.unnest("d", **_COLUMNS)}
"""

_ORDERS = "SELECT id, company_id::int, commercial FROM orders_order WHERE id = ANY(%(orders)s::uuid[])"

# A hold never changes its order, so the order may be looked up before it is locked.
_LOCK = """
SELECT FROM orders_order WHERE id IN (SELECT order_id FROM orders_hold WHERE id = ANY(%(holds)s::uuid[]))
ORDER BY id FOR UPDATE
"""

_HOLD = "SELECT id, company_id::int, order_id, type, state, work_item FROM orders_hold "

_FIND = _HOLD + "WHERE id = ANY(%(holds)s::uuid[])"

_OPEN_OF = _HOLD + "WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'open' ORDER BY id"

_CLOSE = """
UPDATE orders_hold AS h SET state = %(state)s::text, closed_by = %(by)s::text, closed_at = d.at
FROM unnest(%(holds)s::uuid[], %(times)s::timestamptz[]) AS d(id, at) WHERE h.id = d.id
"""

_LEARN = """
UPDATE orders_line AS l SET sku_id = s.id FROM catalog_sku AS s
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.kind = 'goods' AND l.sku_id IS NULL
  AND s.company_id = l.company_id AND s.code = l.sku_code
"""

_UNKNOWN = """
SELECT order_id, string_agg(DISTINCT sku_code, ', ') FROM orders_line
WHERE order_id = ANY(%(orders)s::uuid[]) AND kind = 'goods' AND sku_id IS NULL AND cancelled < quantity GROUP BY 1
"""
