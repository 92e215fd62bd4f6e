"""Mend differences with channels: place what is missing here, cancel what was cancelled there, tell what we hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.channels import errors, ours
from entrepot.channels.commands.asking import settled
from entrepot.channels.rules import MENDS, OF_STOCK
from entrepot.channels.statements.stated import SOURCE, Kept, StatedOrder
from entrepot.channels.states import DIFFERENCE
from entrepot.kernel import delivery, inbox, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.kernel.messages import EMPTIED, Erased
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.place import AddressGiven, OrderLine, Placed, PlaceOrder, place
from entrepot.orders.errors import Duplicate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.stock.commands.publish import TellAgain, tell_again

TOPIC = "order.stands"


@dataclass(frozen=True, slots=True)
class MendDifference:
    """A difference that one command ends (`rules.MENDS`)."""

    difference: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ExplainDifference:
    """A difference that may stay, and why."""

    difference: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ImportStated:
    """An order that only its channel has, by the message of the inbox that keeps it and waits to be taken."""

    message: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DifferenceNow:
    """A difference, its state, and the order where it was placed."""

    difference: UUID
    state: str
    order: UUID | None = None


@dataclass(frozen=True, slots=True)
class StatedImported:
    """The order; not `fresh` where it was here already."""

    order: UUID | None
    number: str
    fresh: bool


class _Row(NamedTuple):
    id: UUID
    company: int
    channel: UUID
    code: str
    kind: str
    name: str
    state: str
    subject: UUID | None
    message: UUID | None


@command("channels.mend_differences")
def mend_differences(cause: Cause, /, *, requests: Sequence[MendDifference]) -> list[DifferenceNow | Refused]:
    """What would end each difference done: the order placed as the channel states it, cancelled here, or the channel
    told what we hold. It is mended until a statement shows whether both sides agree.

    Locks: the differences by id, then as placing, cancelling and publishing do.
    Refuses: NotFound; WrongState (not open); channels.no_mend; what placing or cancelling refuses. Again: by key.
    14 statements, and those of placing and cancelling.
    """
    rows = _lock([one.difference for one in requests])
    answers: list[DifferenceNow | Refused | None] = [None] * len(requests)
    todo: dict[UUID, tuple[int, _Row]] = {}
    for place_, one in enumerate(requests):
        row = rows.get(one.difference)
        refused = _misfit(row, one.difference, repeated=one.difference in todo)
        if refused is not None or row is None:
            answers[place_] = refused
        else:
            todo[row.id] = (place_, row)
    of = {
        how: [row for _, row in todo.values() if MENDS[row.kind] == how]
        for how in ("import", "cancel", "tell")
    }
    done = _import(cause, of["import"]) | _cancel(cause, of["cancel"]) | _say(cause, of["tell"])
    for which, answer in done.items():
        answers[todo[which][0]] = answer
    mended = [todo[which][1] for which, answer in done.items() if isinstance(answer, DifferenceNow)]
    # What was imported was noted by the import.
    _note(cause, [row for row in mended if MENDS[row.kind] != "import"], "mended", {})
    return [one for one in answers if one is not None]


def _misfit(row: _Row | None, which: UUID, *, repeated: bool) -> Refused | None:
    if row is None:
        return NotFound(what="difference", which=str(which))
    state = DIFFERENCE.step("mended" if repeated else row.state, "mend")
    if isinstance(state, Refused):
        return state
    return None if MENDS[row.kind] else errors.NoMend(difference=row.kind, name=row.name)


@command("channels.explain_differences")
def explain_differences(
    cause: Cause, /, *, requests: Sequence[ExplainDifference]
) -> list[DifferenceNow | Refused]:
    """Differences that may stay as they are, each for a reason: asked about again where one side says something else.

    Locks: the differences by id. Refuses: NotFound; WrongState; Invalid (no reason). Again: by key. 6 statements.
    """
    rows = _lock([one.difference for one in requests])
    answers: list[DifferenceNow | Refused] = []
    reasons: dict[UUID, str] = {}
    for one in requests:
        row = rows.get(one.difference)
        if row is None:
            answers.append(NotFound(what="difference", which=str(one.difference)))
            continue
        state = DIFFERENCE.step("explained" if row.id in reasons else row.state, "explain")
        if isinstance(state, Refused):
            answers.append(state)
        elif not one.reason.strip():
            answers.append(Invalid(field="reason", expected="why it may stay", found="nothing"))
        else:
            reasons[row.id] = one.reason.strip()
            answers.append(DifferenceNow(row.id, state))
    _note(cause, [rows[which] for which in reasons], "explained", reasons)
    return answers


@command("channels.import_stated")
def import_stated(cause: Cause, /, *, requests: Sequence[ImportStated]) -> list[StatedImported | Refused]:
    """Orders that only their channels had, placed as they state them; the differences about them are mended.

    Locks: the messages in id order, then as placing does. Refuses: NotFound (nothing that waits);
    kernel.message_erased; Invalid (it can't be read); what placing refuses: the message is set aside again.
    Again: NotFound; by key. 7 statements, and those of placing.
    """
    kept = inbox.lock([one.message for one in requests], [SOURCE])
    answers: dict[UUID, StatedImported | Refused] = {}
    wanted: dict[UUID, PlaceOrder] = {}
    for which, one in kept.items():
        read = _read(one.company, one.payload)
        if isinstance(read, Refused):
            answers[which] = read
        else:
            wanted[which] = read
    placed = place(cause, requests=list(wanted.values())) if wanted else []
    for which, answer in zip(wanted, placed, strict=True):
        if isinstance(answer, Placed):
            answers[which] = StatedImported(answer.order, answer.number, fresh=True)
        elif isinstance(answer, Duplicate):
            answers[which] = StatedImported(None, str(answer.facts["number"]), fresh=False)
        else:
            answers[which] = answer
    taken = [which for which, answer in answers.items() if not isinstance(answer, Refused)]
    inbox.mark(taken, "done")
    inbox.mark_each(
        {which: one.message for which, one in answers.items() if isinstance(one, Refused)}, "set_aside"
    )
    _note(cause, [_Row(*row) for row in sql.run(_OF_MESSAGES, {"messages": taken})], "mended", {})
    return [
        answers.get(one.message, NotFound(what="waiting message", which=str(one.message))) for one in requests
    ]


def _read(company: int, payload: str) -> PlaceOrder | Refused:
    if payload == EMPTIED:
        return Erased()
    try:
        kept = wire.load(payload, Kept)
    except ValueError as error:
        return Invalid(field="content", expected="an order of a channel's statement", found=str(error))
    return as_placed(company, kept.channel, kept.order)


def as_placed(company: int, channel: str, one: StatedOrder) -> PlaceOrder:
    """The order as its channel would have sent it. Pure."""
    home = one.address
    address = (
        AddressGiven(home.name, home.line1, home.city, home.line2, home.region, home.email, home.phone)
        if home
        else None
    )
    lines = tuple(
        OrderLine(line.sku, line.quantity, line.unit_price, description=line.description,
                  discount_minor=line.discount_minor)
        for line in one.lines
    )  # fmt: skip
    return PlaceOrder(
        company, channel, one.name, lines, one.currency, one.placed_at, country=one.country,
        postal_code=one.postal_code, address=address, discount_minor=one.discount_minor,
        shipping_minor=one.shipping_minor, tax_minor=one.tax_minor,
    )  # fmt: skip


# ---- ways to mend

_Answers = dict[UUID, DifferenceNow | Refused]


def _import(cause: Cause, rows: Sequence[_Row]) -> _Answers:
    answers: _Answers = {row.id: NotFound(what="message with the order", which=row.name) for row in rows}
    waiting = {row.message: row for row in rows if row.message}
    if waiting:
        inbox.mark(list(waiting), "received")
        told = import_stated(cause, requests=[ImportStated(which) for which in waiting])
        answers |= {
            row.id: answer if isinstance(answer, Refused) else DifferenceNow(row.id, "mended", answer.order)
            for row, answer in zip(waiting.values(), told, strict=True)
        }
    return answers


def _cancel(cause: Cause, rows: Sequence[_Row]) -> _Answers:
    if not rows:
        return {}
    told = cancel(
        cause,
        requests=[
            CancelOrder(row.subject, "cancelled by the channel", code="customer")
            for row in rows
            if row.subject
        ],
    )
    return {
        row.id: answer if isinstance(answer, Refused) else DifferenceNow(row.id, "mended", row.subject)
        for row, answer in zip(rows, told, strict=True)
    }


def _say(cause: Cause, rows: Sequence[_Row]) -> _Answers:
    """Tell channels what we hold of orders, and of SKUs the figure that they were told last, by a newer version."""
    of_stock = [row for row in rows if row.kind == OF_STOCK]
    answers: _Answers = {row.id: DifferenceNow(row.id, "mended", row.subject) for row in rows}
    unknown = [row for row in rows if row.subject is None]
    answers |= {
        row.id: NotFound(what="SKU" if row.kind == OF_STOCK else "order", which=row.name) for row in unknown
    }
    told = [row for row in of_stock if row.subject]
    if told:
        tell_again(cause, requests=[TellAgain(row.channel, row.subject) for row in told if row.subject])
    others = [row for row in rows if row.kind != OF_STOCK and row.subject]
    if others:
        which = [row.subject for row in others if row.subject]
        held = {one.id: one.order for own in ours.orders([], [], which).values() for one in own}
        delivery.send(
            cause,
            [
                delivery.Message(
                    f"channels:{row.code}", TOPIC, row.subject, row.company, _stands(held[row.subject])
                )
                for row in {row.subject: row for row in others}.values()
                if row.subject
            ],
        )
    return answers


def _stands(one: ours.OurOrder) -> dict[str, Any]:
    """What a channel is told of an order: all of it that statements are compared by."""
    return {
        "order": one.name, "is_cancelled": one.is_cancelled, "units": dict(one.units), "shipped": one.shipped,
        "total_minor": one.total_minor, "refunded_minor": one.refunded_minor, "currency": one.currency,
    }  # fmt: skip


# ---- steps


def _lock(which: Sequence[UUID]) -> dict[UUID, _Row]:
    return {row[0]: _Row(*row) for row in sql.run(_LOCK, {"ids": list(which)})}


def _note(cause: Cause, rows: Sequence[_Row], state: str, reasons: dict[UUID, str]) -> None:
    if not rows:
        return
    changes = [(row.id, reasons.get(row.id, "")) for row in rows]
    params: dict[str, Any] = {"state": state, "who": cause.actor.name, "at": cause.at}
    sql.run(_NOTE, sql.columns(("ids", "reasons"), changes) | params)
    announce(cause, [
        Event("channel_difference", row.id, row.company, row.state, state, None, {"kind": row.kind, "name": row.name},
              reasons.get(row.id, ""))
        for row in rows
    ])  # fmt: skip
    settled(cause, {row.channel for row in rows})


_ROW = """SELECT m.id, m.company_id::int, m.channel_id, c.code, m.kind, m.name, m.state, m.subject_id, m.message_id
FROM channels_difference AS m JOIN network_channel AS c ON c.id = m.channel_id"""

_LOCK = f"{_ROW} WHERE m.id = ANY(%(ids)s::uuid[]) ORDER BY m.id FOR UPDATE OF m"

_OF_MESSAGES = f"""
{_ROW} WHERE m.message_id = ANY(%(messages)s::uuid[]) AND m.state = 'open' ORDER BY m.id FOR UPDATE OF m
"""

_NOTE = """
UPDATE channels_difference AS m SET state = %(state)s::text, reason = d.reason, decided_by = %(who)s::text,
       changed_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS d(id, reason) WHERE m.id = d.id
"""
