"""Purchase orders are sent to their suppliers by mail, and what became of each mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.errors import NoMailServer
from entrepot.kernel import delivery, ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.purchasing.errors import WaitsForApproval
from entrepot.purchasing.rules import misfit_sending
from entrepot.work.commands.open_items import OpenItem, open_items

DESTINATION = "suppliers.mail"


@dataclass(frozen=True, slots=True)
class SendOrder:
    """The paper of an order, as the order stands when the mail goes out, to an address and in a language of papers;
    `note` stands in the mail."""

    order: UUID
    address: str
    language: str = "en"
    note: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderSending:
    """The mail that is on its way."""

    order: UUID
    sending: UUID


@dataclass(frozen=True, slots=True)
class Posted:
    """What the message to the relay says: which sending, and nobody's address."""

    sending: UUID


@command("purchasing.send_orders")
def send_orders(cause: Cause, /, *, requests: Sequence[SendOrder]) -> list[OrderSending | Refused]:
    """A mail for each request, which the relay sends after the commit: until it is taken by the mail server, or
    refused by it, or given up after the last try, which is work for a buyer. An order that was cancelled is sent as one
    that was.

    Locks: nothing. Refuses: access.no_mail_server; NotFound; Invalid (address, language);
    purchasing.waits_for_approval.
    Again: by key; without one it is sent again. 4 statements.
    """
    if not access.sends_mail():
        return [NoMailServer() for _ in requests]
    found = {row[0]: row[1:] for row in sql.run(_ORDERS, {"ids": sorted({one.order for one in requests})})}
    answers: list[OrderSending | Refused] = []
    taken: list[tuple[UUID, SendOrder]] = []
    for one in requests:
        if one.order not in found:
            answers.append(NotFound(what="purchase order", which=str(one.order)))
        elif found[one.order][1] == "waiting":
            answers.append(WaitsForApproval(number=found[one.order][2]))
        elif refusal := misfit_sending(one.address, one.language):
            answers.append(refusal)
        else:
            taken.append((ids.uuid7(), one))
            answers.append(OrderSending(one.order, taken[-1][0]))
    if not taken:
        return answers
    rows = [
        (
            which, found[one.order][0], one.order, one.address, one.language, one.note, cause.actor.name,
            one.occurred_at or cause.at,
        )
        for which, one in taken
    ]  # fmt: skip
    sql.write("purchasing_sending", _SENDING, rows)
    delivery.send(
        cause,
        [
            # The mail itself is the subject: none waits for another of its order, which may go to another address.
            delivery.Message(DESTINATION, "order", which, found[one.order][0], Posted(which))
            for which, one in taken
        ],
    )
    announce(cause, [
        Event("purchase_order", one.order, company, state, state, one.occurred_at,
              {"sending": which, "language": one.language})
        for which, one in taken
        for company, state, _ in [found[one.order]]
    ])  # fmt: skip
    return answers


@dataclass(frozen=True, slots=True)
class NoteSending:
    """What became of a mail; `error` is why it is not sent: what the mail server said where it takes it never, or after
    the last try."""

    sending: UUID
    error: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SendingNoted:
    sending: UUID
    state: str


@command("purchasing.note_sendings")
def note_sendings(cause: Cause, /, *, requests: Sequence[NoteSending]) -> list[SendingNoted | Refused]:
    """Mails that went out, or never will: these are work for a buyer.

    Locks: the sendings. Refuses: NotFound (none that waits). Again: NotFound; by key. 1 statement; 1 more where one
    was refused.
    """
    errors = {one.sending: one.error[:500] for one in requests}
    params = sql.columns(("ids", "errors"), list(errors.items())) | {"at": cause.at}
    noted = {which: row for which, *row in sql.run(_NOTE, params)}
    open_items(
        cause,
        requests=[
            not_sent(
                company,
                order,
                Said(
                    "{0}: the mail server did not take the mail to the supplier: {1}", number, errors[which]
                ),
                {"sending": str(which)},
            )
            for which, (company, order, number, state) in noted.items()
            if state == "failed"
        ],
    )
    return [
        SendingNoted(one.sending, noted[one.sending][3])
        if one.sending in noted
        else NotFound(what="mail that is being sent", which=str(one.sending))
        for one in requests
    ]


def not_sent(company: int, order: UUID, reason: str, facts: dict[str, str]) -> OpenItem:
    """Work for a buyer: what was to tell a supplier of an order did not reach him. Once for an order, whichever way it
    was to go."""
    return OpenItem(
        company, "order not sent", "purchase_order", order, reason, "inventory manager", facts, dedupe=str(order)
    )  # fmt: skip


_SENDING = ("id", "company_id", "order_id", "address", "language", "note", "asked_by", "asked_at")

_ORDERS = "SELECT id, company_id::int, state, number FROM purchasing_order WHERE id = ANY(%(ids)s::uuid[])"

_NOTE = """
UPDATE purchasing_sending AS s
SET state = CASE WHEN d.error = '' THEN 'sent' ELSE 'failed' END, error = d.error, done_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(errors)s::text[]) AS d(id, error), purchasing_order AS o
WHERE s.id = d.id AND s.state = 'waiting' AND o.id = s.order_id
RETURNING s.id, s.company_id::int, s.order_id, o.number, s.state
"""
