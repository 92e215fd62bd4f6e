"""What suppliers are to send to customers reaches them by mail or X12, and what became of each message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import delivery, ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.purchasing.commands.lock_drop_ships import DropShip, lock_drop_ships
from entrepot.purchasing.commands.store_drop_ships import NOT_TOLD
from entrepot.purchasing.drop_ship import ASKED, BY_MAIL, purpose_of
from entrepot.purchasing.states import COMING
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

BY_MAIL_TO, BY_X12_TO = "drop_ships.mail", "webhook:drop_ships"
"""Destinations: in the lane of mails, and in that of what goes to addresses that anybody may have given us."""


class Telling(NamedTuple):
    """That a supplier is to be told something of a drop-ship order; `body` is the message without its sending."""

    drop_ship: UUID
    company: int
    supplier: str
    purpose: str
    at: datetime
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Posted:
    """What a message says to whoever sends it: which sending, and nobody's address."""

    sending: UUID


def tell(cause: Cause, wanted: Sequence[Telling]) -> list[UUID]:
    """Leave word for suppliers; whoever takes it finds out how each is reached. Called inside the commands that have
    locked or made the drop-ship orders. 2 statements."""
    made = [ids.uuid7() for _ in wanted]
    rows = [
        (which, one.company, one.drop_ship, one.purpose, cause.actor.name, one.at)
        for which, one in zip(made, wanted, strict=True)
    ]
    sql.write("purchasing_dropshipsending", _SENDING, rows)
    delivery.send(
        cause,
        [
            delivery.Message(
                f"suppliers:{one.supplier}", f"drop_ship.{one.purpose}", one.drop_ship, one.company,
                one.body | {"sending": which},
            )
            for which, one in zip(made, wanted, strict=True)
        ],
    )  # fmt: skip
    return made


@dataclass(frozen=True, slots=True)
class SendDropShip:
    """The supplier is told again what he is to send, or that it is called off: as the drop-ship order stands."""

    drop_ship: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropShipSending:
    """What is on its way, and what for: `asked` or `called_off`."""

    drop_ship: UUID
    sending: UUID
    purpose: str


@command("purchasing.send_drop_ships")
def send_drop_ships(cause: Cause, /, *, requests: Sequence[SendDropShip]) -> list[DropShipSending | Refused]:
    """What suppliers were told of drop-ship orders, told once more: by the way that holds now. What is being tried by
    another is superseded; what has not begun yet is the answer.

    Locks: the sales orders in id order, the drop-ship orders. Refuses: NotFound; WrongState (shipped, refused).
    Again: by key; without one what has not begun. 7 statements.
    """
    found = lock_drop_ships([one.drop_ship for one in requests])
    begun: dict[tuple[UUID, str], tuple[UUID, str]] = {
        (drop_ship, purpose): (which, way)
        for which, drop_ship, purpose, way in sql.run(_WAITING, {"ids": list(found)})
    }
    decided: dict[UUID, tuple[SendDropShip, DropShip, str]] = {}
    answers: dict[UUID, DropShipSending | Refused] = {}
    for one in requests:
        drop_ship = found.get(one.drop_ship)
        purpose = purpose_of(drop_ship.state) if drop_ship else None
        if drop_ship is None or purpose is None:
            answers[one.drop_ship] = _refusal(one, drop_ship)
            continue
        which, way = begun.get((drop_ship.id, purpose), (None, ""))
        if which and not way:
            answers[one.drop_ship] = DropShipSending(drop_ship.id, which, purpose)
        else:
            decided[one.drop_ship] = (one, drop_ship, purpose)
    if decided:
        answers |= _tell_again(cause, list(decided.values()))
    return [answers[one.drop_ship] for one in requests]


def _refusal(one: SendDropShip, found: DropShip | None) -> Refused:
    if found is None:
        return NotFound(what="drop-ship order", which=str(one.drop_ship))
    expected = " or ".join((*COMING, "called_off"))
    return WrongState(subject=found.number, found=found.state, event="send", expected=expected)


def _tell_again(
    cause: Cause, decided: Sequence[tuple[SendDropShip, DropShip, str]]
) -> dict[UUID, DropShipSending]:
    params = sql.columns(("ids", "purposes"), [(one.id, purpose) for _, one, purpose in decided])
    sql.run(_SUPERSEDE, params | {"at": cause.at})
    made = tell(cause, [
        Telling(
            one.id, one.company, one.supplier_code, purpose, request.occurred_at or cause.at, {"number": one.number}
        )
        for request, one, purpose in decided
    ])  # fmt: skip
    answers = {
        one.id: DropShipSending(one.id, which, purpose)
        for which, (_, one, purpose) in zip(made, decided, strict=True)
    }
    announce(cause, [
        Event("drop_ship", one.id, one.company, one.state, one.state, request.occurred_at,
              {"sending": answers[one.id].sending, "purpose": purpose})
        for request, one, purpose in decided
    ])  # fmt: skip
    return answers


class Route(NamedTuple):
    """How a sending goes: by mail in a language with a note, or as an X12 document under a number."""

    sending: UUID
    company: int
    purpose: str
    way: str
    address: str
    language: str = ""
    note: str = ""
    number: str = ""


def route(cause: Cause, routes: Sequence[Route]) -> None:
    """Sendings on their ways, each once. Called inside the command that knows them. 2 statements."""
    names = ("ids", "ways", "addresses", "languages", "notes", "numbers")
    rows = [(one.sending, one.way, one.address, one.language, one.note, one.number) for one in routes]
    taken = {which for (which,) in sql.run(_ROUTE, sql.columns(names, rows))}
    # The sending itself is the subject: none waits for another of its order, which may go to another address. What was
    # called off before it went out does not go out. Of mails nobody on the other side knows which came before.
    delivery.send(
        cause,
        [
            delivery.Message(
                BY_MAIL_TO if one.way == BY_MAIL else BY_X12_TO, f"drop_ship.{one.purpose}", one.sending, one.company,
                Posted(one.sending), once=one.way == BY_MAIL,
            )
            for one in routes
            if one.sending in taken
        ],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoteDropShipSending:
    """What became of a sending: `sent`, `failed`, `no_channel` or `superseded`; `error` is why it did not go out."""

    sending: UUID
    state: str = "sent"
    error: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropShipSendingNoted:
    sending: UUID
    state: str


@command("purchasing.note_drop_ship_sendings")
def note_drop_ship_sendings(
    cause: Cause, /, *, requests: Sequence[NoteDropShipSending]
) -> list[DropShipSendingNoted | Refused]:
    """Sendings that went out, or won't: what nobody took, or what nobody could be sent, is work for a buyer, until it
    went out after all. One that was taken while another came in its place says so.

    Locks: the sendings. Refuses: NotFound (none that waits). Again: NotFound; by key.
    1 statement; 1 more where some are work, 2 more where some went out.
    """
    rows = [(one.sending, one.state, one.error[:500]) for one in requests]
    params = sql.columns(("ids", "states", "errors"), rows) | {"at": cause.at}
    rows_noted = sql.run(_NOTE, params)
    noted = {which: row for which, *row, _ in rows_noted}
    called_off = {which for which, *_, is_off in rows_noted if is_off}
    not_told = [_item(which, row) for which, row in noted.items() if row[-2] in ("failed", "no_channel")]
    if not_told:
        open_items(cause, requests=not_told)
    # That he knows what to send says nothing of whether he knows that it is called off.
    went_out = [
        row
        for which, row in noted.items()
        if row[-2] == "sent" and not (row[6] == ASKED and which in called_off)
    ]
    if went_out:
        over = [ResolveSubject(row[0], NOT_TOLD, row[1], "sent") for row in went_out]
        resolve_subjects(cause, requests=over)
    return [
        DropShipSendingNoted(one.sending, noted[one.sending][-2])
        if one.sending in noted
        else NotFound(what="message that is being sent", which=str(one.sending))
        for one in requests
    ]


def _item(which: UUID, row: Sequence[Any]) -> OpenItem:
    company, drop_ship, number, supplier, order, priority, purpose, _, error = row
    if purpose == ASKED:
        reason = Said("{0}: {1} was not told what he is to send: {2}", number, supplier, error)
    else:
        reason = Said("{0}: {1} was not told that it is called off: {2}", number, supplier, error)
    facts = {"order": order, "sending": which}
    return OpenItem(
        company, NOT_TOLD, "drop_ship", drop_ship, reason, "inventory manager", facts, priority,
    )  # fmt: skip


_SENDING = ("id", "company_id", "drop_ship_id", "purpose", "asked_by", "asked_at")

# Asked once the drop-ship orders are locked: whoever asked meanwhile has committed.
_WAITING = """
SELECT id, drop_ship_id, purpose, way FROM purchasing_dropshipsending
WHERE drop_ship_id = ANY(%(ids)s::uuid[]) AND state = 'waiting'
"""

_SUPERSEDE = """
UPDATE purchasing_dropshipsending AS d SET state = 'superseded', done_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(purposes)s::text[]) AS one(drop_ship, purpose)
WHERE d.drop_ship_id = one.drop_ship AND d.purpose = one.purpose AND d.state = 'waiting'
"""

_ROUTE = """
UPDATE purchasing_dropshipsending AS d
SET way = one.way, address = one.address, language = one.language, note = one.note, number = one.number
FROM unnest(%(ids)s::uuid[], %(ways)s::text[], %(addresses)s::text[], %(languages)s::text[], %(notes)s::text[],
            %(numbers)s::text[]) AS one(id, way, address, language, note, number)
WHERE d.id = one.id AND d.state = 'waiting' AND d.way = ''
RETURNING d.id
"""

_NOTE = """
UPDATE purchasing_dropshipsending AS d SET state = n.state, error = n.error, done_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(errors)s::text[]) AS n(id, state, error),
     purchasing_dropship AS p, parties_supplier AS s, orders_order AS o
WHERE d.id = n.id AND (d.state = 'waiting' OR (d.state = 'superseded' AND n.state = 'sent'))
  AND p.id = d.drop_ship_id AND s.id = p.supplier_id AND o.id = p.order_id
RETURNING d.id, d.company_id::int, p.id, p.number, s.name, p.order_id, o.priority::int, d.purpose, d.state, d.error,
          EXISTS (SELECT FROM purchasing_dropshipsending AS c WHERE c.drop_ship_id = p.id AND c.purpose <> 'asked')
"""
