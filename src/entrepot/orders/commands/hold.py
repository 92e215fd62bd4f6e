"""Hold orders, and let them go again."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.access.rules import stands_for
from entrepot.kernel import ids, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.orders import errors, holding, rules, states
from entrepot.orders.commands import progress
from entrepot.orders.holding import Holding
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveItem, close


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Keep an order from going on. Without `blocks` the hold blocks what its type does (`rules.HOLDS`).

    `waits_for` is what lets it go without a decision (`holding.WAITS`).
    """

    order: UUID
    type: str
    reason: str
    blocks: tuple[str, ...] | None = None
    waits_for: str = "nothing"
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    hold: UUID
    order: UUID


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """The reason of a hold is gone; `note` says how, and `code` (`rules.RESOLUTIONS`) for counting.

    `root_cause` is its work item's, where somebody says why the hold arose.
    """

    hold: UUID
    note: str = ""
    code: str = "other"
    occurred_at: datetime | None = None
    key: str | None = None
    root_cause: str = ""


@dataclass(frozen=True, slots=True)
class HoldReleased:
    """`status` is the order's afterwards: another hold's, or where its units stand. `next` is the hold that follows."""

    hold: UUID
    order: UUID
    status: str
    next: UUID | None = None


class NewHold(NamedTuple):
    """A hold to be written by `open_holds`. Without `waits_for` it waits for what its type does."""

    id: UUID
    company: int
    order: UUID
    type: str
    reason: str
    facts: Mapping[str, Any]
    opened_at: datetime
    blocks: tuple[str, ...] | None = None
    waits_for: str | None = None
    follows: UUID | None = None
    value_minor: int | None = (
        None  # of the order, where it is at hand, for the item's priority; and so the next two
    )
    tier: str | None = None
    promise_at: datetime | None = None
    rules: tuple[str, ...] = ()  # of validation that found its reason; none where a person did


RULES = "rules"
"""Among the facts of a hold, the rules that opened it."""


def open_holds(cause: Cause, holds: Sequence[NewHold]) -> None:
    """Write holds by the policy in force, each with its work item. The caller sees to their orders' status.

    3 statements.
    """
    policies_ = policies.in_force_of(sorted({one.company for one in holds}), Holding, cause.at)
    terms = [
        holding.terms(one.type, cause.at, policies_.get(one.company, {}), one.waits_for) for one in holds
    ]
    items = open_items(
        cause,
        requests=[item_of(one, each.role, each.due_hours) for one, each in zip(holds, terms, strict=True)],
    )
    rows = []
    for one, each, item in zip(holds, terms, items, strict=True):
        assert not isinstance(item, Refused), "opening an item refuses nothing"
        blocks = rules.HOLDS[one.type].blocks if one.blocks is None else one.blocks
        facts = {**one.facts, RULES: one.rules} if one.rules else one.facts
        rows.append((
            one.id, one.company, one.order, one.type, one.reason, wire.dump(facts), ",".join(blocks), each.role,
            one.opened_at, item.item, each.version, each.waits_for, each.expires_at, each.at_expiry, each.next,
            one.follows,
        ))  # fmt: skip
    sql.run(_INSERT, sql.columns(tuple(_COLUMNS), rows))


def item_of(one: NewHold, role: str, due_hours: int | None, priority: int | None = None) -> OpenItem:
    """The work item that asks a role about a hold; without a priority, as urgent as the hold's type."""
    return OpenItem(
        company=one.company, type=one.type, subject_kind="order", subject=one.order, reason=one.reason, role=role,
        facts={name: fact for name, fact in one.facts.items() if name != RULES} | {"hold": one.id},
        priority=priority or rules.HOLDS[one.type].priority,
        due_in_hours=due_hours, dedupe=str(one.id), occurred_at=one.opened_at, value_minor=one.value_minor,
        tier=one.tier, promise_at=one.promise_at,
    )  # fmt: skip


@command("orders.place_hold")
def place_hold(cause: Cause, /, *, requests: Sequence[PlaceHold]) -> list[HoldPlaced | Refused]:
    """Orders held, each by a hold with its work item.

    Locks: the orders in id order.
    Refuses: NotFound; Invalid (type, transition, what it waits for); WrongState (cancelled, closed).
    Again: by key. 8 statements.
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
        new.append(
            NewHold(ids.uuid7(), company, one.order, one.type, one.reason, {}, at, one.blocks, one.waits_for)
        )
        answers.append(HoldPlaced(new[-1].id, one.order))

    hold_now(cause, new)
    return answers


def hold_now(cause: Cause, holds: Sequence[NewHold]) -> None:
    """Open holds of orders that are locked, and tell their orders' status. 7 statements, the event log's among them;
    none for nothing."""
    if not holds:
        return
    open_holds(cause, holds)
    progress.restate(cause, {one.order: one.opened_at for one in holds})
    announce(cause, [_opened(one) for one in holds])


def _opened(one: NewHold) -> Event:
    payload = {"order": one.order, "type": one.type}
    if one.follows:
        payload["follows"] = one.follows
    return Event("hold", one.id, one.company, "", "open", one.opened_at, payload, one.reason)


def _unholdable(one: PlaceHold, commercial: str) -> Refused | None:
    if not commercial:
        return NotFound(what="order", which=str(one.order))
    if one.type not in rules.HOLDS:
        return Invalid(field="type", expected=one_of(rules.HOLDS), found=one.type)
    if one.blocks is not None and not set(one.blocks) <= set(rules.TRANSITIONS):
        return Invalid(
            field="blocks",
            expected=Said("some of {0}", ", ".join(rules.TRANSITIONS)),
            found=", ".join(one.blocks),
        )
    if one.waits_for not in holding.WAITS:
        return Invalid(field="waits_for", expected=one_of(holding.WAITS), found=one.waits_for)
    if commercial == "confirmed":
        return None
    after = states.COMMERCIAL.step("confirmed" if commercial == "placed" else commercial, "hold")
    return after if isinstance(after, Refused) else None


@command("orders.release_holds")
def release_holds(cause: Cause, /, *, requests: Sequence[ReleaseHold]) -> list[HoldReleased | Refused]:
    """Holds released and their work items resolved; an order that nothing holds any longer goes on.

    Where a hold's terms name a next one, that is opened, and the order stays held. Lines whose SKU the catalog did
    not know are looked up once more.
    Locks: the orders in id order, then the work items.
    Refuses: NotFound; Invalid (code); WrongState (released or rejected already); StillUnknown; HoldOfAnotherRole.
    Again: by key. 11 statements; 3 more where holds follow.
    """
    return let_go(cause, requests, decides=True)


def let_go(
    cause: Cause,
    requests: Sequence[ReleaseHold],
    *,
    codes: Container[str] = rules.RESOLUTIONS,
    decides: bool = False,
) -> list[HoldReleased | Refused]:
    """Release holds inside a command, as `release_holds`: `codes` are the ways in which they may end. With `decides`
    the actor decides about them, and must have their roles."""
    sql.run(_LOCK, {"holds": [one.hold for one in requests]})
    found = {row[0]: Found(*row) for row in sql.run(_FIND, {"holds": [one.hold for one in requests]})}
    unknown = _look_up({one.order for one in found.values() if one.type == "inventory hold"})

    answers: list[HoldReleased | Refused] = []
    released: dict[UUID, ReleaseHold] = {}
    following: dict[UUID, NewHold] = {}
    for one in requests:
        refusal = _unreleasable(one, found.get(one.hold), unknown, released, codes)
        if refusal is None and decides:
            refusal = _of_another_role(cause, found[one.hold])
        if refusal is not None:
            answers.append(refusal)
            continue
        released[one.hold] = one
        follower = _follower(found[one.hold], one, one.occurred_at or cause.at)
        if follower:
            following[one.hold] = follower
        answers.append(HoldReleased(one.hold, found[one.hold].order, "", follower.id if follower else None))

    if not released:
        return answers
    close_holds(
        cause,
        [
            Closing(found[one.hold], one.occurred_at or cause.at, one.note, one.code, one.root_cause)
            for one in released.values()
        ],
        "released",
    )
    if following:
        open_holds(cause, list(following.values()))
        announce(cause, [_opened(one) for one in following.values()])
    stands = progress.restate(
        cause, {found[one.hold].order: one.occurred_at or cause.at for one in released.values()}
    )
    progress.hand_on(stands)
    return [
        replace(one, status=stands[one.order].status) if isinstance(one, HoldReleased) else one
        for one in answers
    ]


class Found(NamedTuple):
    """A hold as it was found: `next` is the type that follows it, `before` are the types that it followed itself."""

    id: UUID
    company: int
    order: UUID
    type: str
    state: str
    item: UUID | None
    next: str = ""
    before: Sequence[str] = ()
    role: str = ""  # who decides about it, and who has its work item
    owner: str = ""
    number: str = ""  # of the order


def _unreleasable(
    one: ReleaseHold,
    hold: Found | None,
    unknown: Mapping[UUID, str],
    released: Mapping[UUID, ReleaseHold],
    codes: Container[str],
) -> Refused | None:
    if hold is None:
        return NotFound(what="hold", which=str(one.hold))
    if one.code not in codes:
        return Invalid(field="code", expected=one_of(rules.RESOLUTIONS), found=one.code)
    after = states.HOLD.step("released" if one.hold in released else hold.state, "release")
    if isinstance(after, Refused):
        return WrongState(**after.facts | {"subject": Said("The {0} of order {1}", hold.type, hold.number)})
    if hold.type == "inventory hold" and hold.order in unknown:
        return errors.StillUnknown(skus=unknown[hold.order])
    return None


def _of_another_role(cause: Cause, hold: Found) -> Refused | None:
    if hold.owner == cause.actor.name or stands_for(cause.actor.may, hold.role, cause.actor.roles):
        return None
    return errors.HoldOfAnotherRole(type=hold.type, role=hold.role)


def _follower(hold: Found, one: ReleaseHold, at: datetime) -> NewHold | None:
    kind = holding.follows(hold.type, hold.next, hold.before)
    if not kind:
        return None
    reason = (
        Said("It follows the {0}: {1}", hold.type, one.note)
        if one.note
        else Said("It follows the {0}.", hold.type)
    )
    return NewHold(ids.uuid7(), hold.company, hold.order, kind, reason, {}, at, follows=hold.id)


def _look_up(orders: set[UUID]) -> dict[UUID, str]:
    """Give lines the SKUs that the catalog has learned of; codes still unknown come back by order. 2 statements."""
    if not orders:
        return {}
    sql.run(_LEARN, {"orders": list(orders)})
    return dict(sql.run(_UNKNOWN, {"orders": list(orders)}))  # type: ignore[arg-type]


def holds_of(orders: Sequence[UUID]) -> list[Found]:
    """Open holds of orders that are locked. One statement."""
    return [Found(*row) for row in sql.run(_OPEN_OF, {"orders": list(orders)})]


class Closing(NamedTuple):
    """A hold that ends, in one of the ways of `rules.ENDS`."""

    hold: Found
    at: datetime
    note: str
    code: str
    root_cause: str = ""  # of its work item


def close_holds(cause: Cause, closed: Sequence[Closing], state: str) -> None:
    """Close holds and resolve their work items. 3 statements, the event log's among them."""
    rows = [(one.hold.id, one.at, one.note, one.code) for one in closed]
    params = sql.columns(("holds", "times", "notes", "codes"), rows)
    sql.run(_CLOSE, params | {"state": state, "by": cause.actor.name})
    close(
        cause,
        [
            ResolveItem(one.hold.item, one.root_cause or f"hold {state}", one.note)
            for one in closed
            if one.hold.item
        ],
    )
    announce(
        cause,
        [
            Event(
                "hold", hold.id, hold.company, "open", state, at,
                {"order": hold.order, "type": hold.type, "code": code}, note,
            )
            for hold, at, note, code, _ in closed
        ],
    )  # fmt: skip


_COLUMNS = {
    "id": "uuid", "company_id": "smallint", "order_id": "uuid", "type": "text", "reason": "text", "facts": "text",
    "blocks": "text", "owner_role": "text", "opened_at": "timestamptz", "work_item": "uuid", "policy_version": "int",
    "waits_for": "text", "expires_at": "timestamptz", "at_expiry": "text", "next": "text", "follows": "uuid",
}  # fmt: skip

_INSERT = f"""
INSERT INTO orders_hold (id, company_id, order_id, type, reason, facts, blocks, owner_role, state, opened_at,
                         work_item, policy_version, waits_for, expires_at, at_expiry, next, follows)
SELECT id, company_id, order_id, type, reason, facts::jsonb, string_to_array(blocks, ','), owner_role, 'open',
       opened_at, work_item, policy_version, waits_for, expires_at, at_expiry, next, follows
FROM {sql.unnest("d", **_COLUMNS)}
"""

_ORDERS = "SELECT id, company_id::int, commercial FROM orders_order WHERE id = ANY(%(orders)s::uuid[])"

# A hold never changes its order, so the order may be looked up before it is locked. By an array of keys: as a join it
# may be planned over every order, where statistics are old.
_LOCK = """
SELECT FROM orders_order
WHERE id = ANY(ARRAY(SELECT order_id FROM orders_hold WHERE id = ANY(%(holds)s::uuid[])))
ORDER BY id FOR UPDATE
"""

# Few holds name a next one, and few follow another: only for these the chain is walked.
_FIND = """
SELECT h.id, h.company_id::int, h.order_id, h.type, h.state, h.work_item, h.next,
       CASE WHEN h.next <> '' AND h.follows IS NOT NULL THEN ARRAY(
           WITH RECURSIVE earlier AS (
               SELECT e.type, e.follows FROM orders_hold AS e WHERE e.id = h.follows
               UNION ALL SELECT e.type, e.follows FROM orders_hold AS e JOIN earlier ON e.id = earlier.follows
           ) SELECT type FROM earlier
       ) ELSE ARRAY[]::text[] END, COALESCE(w.role, h.owner_role), COALESCE(w.owner, ''), o.number
FROM orders_hold AS h JOIN orders_order AS o ON o.id = h.order_id LEFT JOIN work_item AS w ON w.id = h.work_item
WHERE h.id = ANY(%(holds)s::uuid[])
"""

_OPEN_OF = """
SELECT id, company_id::int, order_id, type, state, work_item FROM orders_hold
WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'open' ORDER BY id
"""

_CLOSE = """
UPDATE orders_hold AS h SET state = %(state)s::text, closed_by = %(by)s::text, closed_at = d.at, note = d.note,
                            resolution = d.code
FROM unnest(%(holds)s::uuid[], %(times)s::timestamptz[], %(notes)s::text[], %(codes)s::text[])
     AS d(id, at, note, code)
WHERE h.id = d.id
"""

_LEARN = """
UPDATE orders_line AS l SET sku_id = s.id FROM catalog_sku AS s
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.kind = 'goods' AND l.sku_id IS NULL
  AND s.company_id = l.company_id AND s.code = l.sku_code
  AND NOT EXISTS (SELECT FROM catalog_component AS m WHERE m.kit_id = s.id)
"""

_UNKNOWN = """
SELECT order_id, string_agg(DISTINCT sku_code, ', ') FROM orders_line
WHERE order_id = ANY(%(orders)s::uuid[]) AND kind = 'goods' AND sku_id IS NULL AND cancelled < quantity GROUP BY 1
"""
