"""Purchase orders go to their suppliers as X12 documents (850), and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.channels import errors
from entrepot.channels.x12.contract import CANCELLED, NEW, REPLACED
from entrepot.channels.x12.purchase_order import Partner, WantedLine, WantedOrder, purchase_order
from entrepot.kernel import delivery, ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.network.rules import local_day
from entrepot.purchasing.commands.send_orders import not_sent
from entrepot.purchasing.errors import WaitsForApproval
from entrepot.purchasing.states import ORDER
from entrepot.work.commands.open_items import open_items

DESTINATION = "webhook:orders"
"""In the lane of what goes to addresses that anybody may have given us."""


@dataclass(frozen=True, slots=True)
class SendOrderDocument:
    """An order as it stands now, as a document for its supplier."""

    order: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDocumentMade:
    """The document, and whether it is on its way (`waiting`) or to be taken as a file."""

    order: UUID
    document: UUID
    number: str
    purpose: str
    state: str
    content: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What the message to the relay says: which document."""

    document: UUID


@command("channels.send_order_documents")
def send_order_documents(
    cause: Cause, /, *, requests: Sequence[SendOrderDocument]
) -> list[OrderDocumentMade | Refused]:
    """A document for each request: the first of its order, one in the place of those before, or its cancellation. It is
    posted after the commit where the policy `channels.x12` has an address, else it is taken as a file.

    Locks: the orders, in the order of their ids. Refuses: NotFound; WrongState (received); Invalid (nothing left to ask
    for; an order cancelled before a document of it went out); channels.no_x12_partner; purchasing.waits_for_approval.
    Again: by key; without one it is sent again, in the place of the one before. 8 statements; 1 more where
    some are posted.
    """
    wanted = sorted({one.order for one in requests})
    orders = {row[0]: row[1:] for row in sql.run(_ORDERS, {"ids": wanted})}
    lines: dict[UUID, list[WantedLine]] = {order: [] for order in orders}
    for order, *line in sql.run(_LINES, {"ids": list(orders)}):
        lines[order].append(WantedLine(*line))
    in_force = policies.InForce(sorted({row[0] for row in orders.values()}), [Partner], cause.at)
    sent = {order for (order,) in sql.run(_SENT, {"ids": list(orders)})}
    numbers = iter(ids.numbers("ED", len(requests)))
    answers: list[OrderDocumentMade | Refused] = []
    rows: list[tuple[Any, ...]] = []
    for one in requests:
        found = orders.get(one.order)
        if found is None:
            answers.append(NotFound(what="purchase order", which=str(one.order)))
            continue
        company, code = found[0], found[6]
        partner = in_force.of(company, Partner, code)[1]
        if not partner.own_id:
            answers.append(errors.NoX12Partner(supplier=code))
            continue
        if found[3] == "waiting":
            answers.append(WaitsForApproval(number=found[1]))
            continue
        if refusal := _misfit(found[3], lines[one.order], is_known=one.order in sent):
            answers.append(refusal)
            continue
        row = _made(cause, one, found, lines[one.order], partner, next(numbers), is_again=one.order in sent)
        sent.add(one.order)
        rows.append(row)
        answers.append(OrderDocumentMade(one.order, row[0], row[1], row[4], row[7], row[5]))
    if rows:
        _write(cause, rows, orders)
    return answers


def _misfit(state: str, lines: Sequence[WantedLine], *, is_known: bool) -> Refused | None:
    """Why there is nothing to say of an order to its supplier; `is_known`: a document of it may have reached him."""
    if state == "cancelled":
        if is_known:
            return None
        return Invalid(
            field="order",
            expected="one of which a document went to the supplier",
            found="none: tell him yourself",
        )
    if isinstance(refused := ORDER.step(state, "receive_rest"), Refused):
        return refused
    if not lines:
        return Invalid(field="order", expected="lines of which something is asked for", found="none")
    return None


def _made(
    cause: Cause,
    one: SendOrderDocument,
    found: tuple[Any, ...],
    lines: Sequence[WantedLine],
    partner: Partner,
    number: str,
    *,
    is_again: bool,
) -> tuple[Any, ...]:
    company, order_number, ref, state, ordered_at, currency, code, *names, zone = found
    buyer, supplier, node, node_code, postal_code, country = names
    purpose = CANCELLED if state == "cancelled" else REPLACED if is_again else NEW
    order = WantedOrder(
        order_number, ref, local_day(ordered_at, zone), currency, buyer, supplier, code, node or node_code, node_code,
        postal_code, country, tuple(lines),
    )  # fmt: skip
    control = number.rpartition("-")[2][-9:]
    return (
        ids.uuid7(), number, company, one.order, purpose, purchase_order(order, partner, control, cause.at, purpose),
        partner.url, "waiting" if partner.url else "file", cause.actor.name, one.occurred_at or cause.at,
    )  # fmt: skip


def _write(cause: Cause, rows: Sequence[tuple[Any, ...]], orders: dict[UUID, tuple[Any, ...]]) -> None:
    sql.write("channels_orderdocument", _DOCUMENT, rows)
    # What still waits is out of date; only the first of its order goes before, as a supplier neither replaces nor
    # cancels what he never had.
    made = sql.columns(("orders", "ids"), [(row[3], row[0]) for row in rows])
    sql.run(_SUPERSEDE, {**made, "at": cause.at})
    posted = [row for row in rows if row[7] == "waiting"]
    if posted:
        # The order is the subject, so that its documents go out one after the other.
        delivery.send(
            cause, [delivery.Message(DESTINATION, "order", row[3], row[2], Posted(row[0])) for row in posted]
        )
    announce(
        cause,
        [
            Event(
                "purchase_order", row[3], row[2], orders[row[3]][3], orders[row[3]][3], row[9],
                {"document": row[0], "number": row[1], "purpose": row[4]},
            )
            for row in rows
        ],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoteOrderDocument:
    """What became of a document; `error` is why it is given up. `is_posted`: it was tried itself; else none of its
    order before it reached the supplier."""

    document: UUID
    error: str = ""
    is_posted: bool = True
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDocumentNoted:
    document: UUID
    state: str


@command("channels.note_order_documents")
def note_order_documents(
    cause: Cause, /, *, requests: Sequence[NoteOrderDocument]
) -> list[OrderDocumentNoted | Refused]:
    """Documents that were taken, or that are given up: these are work for a buyer.

    One that was taken while another came in its place says so. A cancellation of what the supplier never had is no
    work: it is superseded. Locks: the documents. Refuses: NotFound (none that is being sent). Again: NotFound; by key.
    1 statement; 1 more where one is given up.
    """
    rows = {one.document: (one.document, one.error[:500], one.is_posted) for one in requests}
    params = sql.columns(("ids", "errors", "posted"), list(rows.values())) | {"at": cause.at}
    noted = {which: row for which, *row in sql.run(_NOTE, params)}
    open_items(
        cause,
        requests=[
            not_sent(
                company,
                order,
                Said("{0}: the supplier's address did not take the document: {1}", number, error),
                {"document": str(which)},
            )
            for which, (company, order, number, state, error) in noted.items()
            if state == "failed"
        ],
    )
    return [
        OrderDocumentNoted(one.document, noted[one.document][3])
        if one.document in noted
        else NotFound(what="document that is being sent", which=str(one.document))
        for one in requests
    ]


_DOCUMENT = (
    "id", "number", "company_id", "order_id", "purpose", "content", "url", "state", "asked_by", "asked_at",
)  # fmt: skip

_ORDERS = """
SELECT o.id, o.company_id::int, o.number, o.external_ref, o.state, o.ordered_at, o.currency, s.code, c.name, s.name,
       n.name, n.code, n.postal_code, n.country, n.time_zone
FROM purchasing_order AS o JOIN parties_supplier AS s ON s.id = o.supplier_id
JOIN parties_company AS c ON c.id = o.company_id JOIN network_node AS n ON n.id = o.node_id
WHERE o.id = ANY(%(ids)s::uuid[]) ORDER BY o.id FOR UPDATE OF o
"""

# What stands in the place of an order, and what its supplier answers to it, is the whole of it, also of what came; only
# what was given up is not asked for any more. An order that was cancelled tells what it was.
_LINES = """
SELECT l.order_id, l.number, k.code, k.barcode, k.name,
       CASE WHEN o.state = 'cancelled' THEN l.quantity ELSE l.quantity - l.short END, l.unit_cost,
       l.wanted_on
FROM purchasing_orderline AS l JOIN purchasing_order AS o ON o.id = l.order_id
JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE l.order_id = ANY(%(ids)s::uuid[]) AND (o.state = 'cancelled' OR l.quantity > l.short)
ORDER BY l.order_id, l.number
"""

# Asked once the orders are locked: whoever made a document meanwhile has committed. What was given up did not arrive,
# and what was overtaken was not posted.
_SENT = """
SELECT DISTINCT order_id FROM channels_orderdocument
WHERE order_id = ANY(%(ids)s::uuid[]) AND state IN ('file', 'waiting', 'sent')
"""

_SUPERSEDE = """
UPDATE channels_orderdocument AS d SET state = 'superseded', done_at = %(at)s::timestamptz
WHERE d.state = 'waiting' AND d.purpose <> '00' AND d.order_id = ANY(%(orders)s::uuid[])
  AND EXISTS (SELECT FROM unnest(%(orders)s::uuid[], %(ids)s::uuid[]) AS n(bought, id)
              WHERE n.bought = d.order_id AND n.id > d.id)
"""

_NOTE = """
UPDATE channels_orderdocument AS d
SET state = CASE WHEN n.error = '' THEN 'sent' WHEN d.purpose = '01' AND NOT n.is_posted THEN 'superseded'
                 ELSE 'failed' END,
    error = n.error, done_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(errors)s::text[], %(posted)s::bool[]) AS n(id, error, is_posted), purchasing_order AS o
WHERE d.id = n.id AND o.id = d.order_id AND (d.state = 'waiting' OR (d.state = 'superseded' AND n.error = ''))
RETURNING d.id, d.company_id::int, d.order_id, o.number, d.state, d.error
"""
