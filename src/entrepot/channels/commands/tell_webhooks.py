"""Tell webhooks what happened: read the event log for them, try them, send again, and give up those that are dead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot.channels import webhook_queries, webhooks
from entrepot.channels.commands.keep_webhooks import WebhookNow, lock_open, switch
from entrepot.channels.states import WEBHOOK
from entrepot.kernel import delivery, ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.delivery import Claimed, Message
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.kernel.messages import EMPTIED, Erased, ReplayMessage, replay_messages
from entrepot.parties import queries as parties
from entrepot.work.commands.open_items import OpenItem, open_items

AT_ONCE = 1_000
"""Events that are read for each webhook at once."""
ROLE = "integration engineer"


@dataclass(frozen=True, slots=True)
class TellWebhooks:
    """The next events of the log."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class WebhooksTold:
    messages: int


@dataclass(frozen=True, slots=True)
class TryWebhook:
    """A message that says nothing, to see whether it arrives."""

    company: int
    webhook: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SendAgain:
    """A message to a webhook once more, under its first id: whoever has it already knows it by that."""

    company: int
    webhook: UUID
    message: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OnItsWay:
    webhook: UUID
    message: str


@dataclass(frozen=True, slots=True)
class GiveUpWebhooks:
    """Those that have been dead for long."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class WebhooksGivenUp:
    webhooks: tuple[WebhookNow, ...]


class _Read(NamedTuple):
    webhook: UUID
    company: int
    events: list[str]
    seq: int
    at: object
    of: int
    kind: str
    subject: UUID
    before: str
    after: str
    command: str


@command("channels.tell_webhooks")
def tell_webhooks(cause: Cause, /, *, requests: Sequence[TellWebhooks]) -> list[WebhooksTold | Refused]:
    """Messages for all open webhooks, of events that they have subscribed to, in the order of the log.

    Numbers of the log are not handed out in the order of commits: so the newest number is noted with the number of our
    own transaction, and read up to in a later call, when every transaction before it has ended. Nothing is passed over.

    Locks: the webhooks, passing by those that another reads for now. Again: finds what is left. 7 statements; 2 where
    nobody is told of anything.
    """
    ((newest, is_any),) = sql.run(_NEWEST)
    if not is_any:
        return [WebhooksTold(0) for _ in requests]
    # Taken after the newest number was read, and by a transaction that has none yet: see the docstring.
    ((running,),) = sql.run("SELECT pg_current_xact_id()::text::bigint")
    ripe = [which for (which,) in sql.run(_LOCK)]
    wanted = {"which": ripe, "limit": AT_ONCE, "kinds": list(webhooks.KINDS)}
    rows = [_Read(*row) for row in sql.run(_READ, wanted)] if ripe else []
    told = _messages(rows) if rows else []
    delivery.send(cause, told)
    # Of which a whole share was read, there may be more up to the same number.
    sizes, read = Counter(one.webhook for one in rows), {one.webhook: one.seq for one in rows}
    full = [which for which, size in sizes.items() if size == AT_ONCE]
    params = {"which": ripe, "full": full, "reads": [read[which] for which in full]}
    sql.run(_MOVE_ON, params | {"newest": newest, "running": running})
    return [WebhooksTold(len(told) if i == 0 else 0) for i in range(len(requests))]


def _messages(rows: Sequence[_Read]) -> list[Message]:
    codes = {one.id: one.code for one in parties.companies()}
    return [
        Message(
            webhook_queries.destination_of(one.webhook), name, one.subject, one.company,
            webhooks.message(
                name, f"msg_{one.seq}_{name}", one.at, codes.get(one.company, ""), one.kind, one.subject,  # type: ignore[arg-type]
                one.before, one.after,
            ),
        )
        for one in rows
        for name in webhooks.names_of(one.kind, one.before, one.after, one.command)
        if name in one.events
    ]  # fmt: skip


@command("channels.try_webhooks")
def try_webhooks(cause: Cause, /, *, requests: Sequence[TryWebhook]) -> list[OnItsWay | Refused]:
    """A message of the kind `webhook.test` to each open webhook.

    Locks: the webhooks in id order. Refuses: NotFound (none that is open). Again: another message; by key.
    3 statements.
    """
    found = lock_open([one.webhook for one in requests])
    codes = {one.id: one.code for one in parties.companies()}
    answers: list[OnItsWay | Refused] = []
    messages = []
    for one in requests:
        if one.webhook not in found or found[one.webhook].company != one.company:
            answers.append(NotFound(what="open webhook", which=one.webhook))
            continue
        which = f"msg_{ids.uuid7().hex}"
        body = webhooks.message(webhooks.TEST, which, cause.at, codes.get(one.company, ""))
        to = webhook_queries.destination_of(one.webhook)
        messages.append(Message(to, webhooks.TEST, one.webhook, one.company, body))
        answers.append(OnItsWay(one.webhook, which))
    delivery.send(cause, messages)
    announce(
        cause,
        [
            Event("webhook", one.subject, one.company, "open", "open", payload={"tried": True})
            for one in messages
        ],
    )
    return answers


@command("channels.send_again")
def send_again(cause: Cause, /, *, requests: Sequence[SendAgain]) -> list[OnItsWay | Refused]:
    """Messages to open webhooks on their way once more: what has arrived as a copy, what stands still as it is.

    Locks: the webhooks in id order; messages that stand still. Refuses: NotFound (no open webhook, or no message of
    it); Erased (what it said). Again: another copy; by key. 6 statements at most.
    """
    found = lock_open([one.webhook for one in requests])
    known = delivery.bodies([one.message for one in requests])
    misfits = [_misfit(one, known.get(one.message), is_open=one.webhook in found) for one in requests]
    fitting = [one for one, misfit in zip(requests, misfits, strict=True) if misfit is None]
    arrived = delivery.arrived([one.message for one in fitting])
    copies = [known[one.message] for one in fitting if one.message in arrived]
    delivery.send(
        cause,
        [
            Message(one.destination, one.topic, one.subject, one.company, msgspec.Raw(one.body.encode()))
            for one in copies
        ],
    )
    waiting = [
        ReplayMessage(one.company, "out", str(one.message), "sent again by hand", anyway=True)
        for one in fitting
        if one.message not in arrived
    ]
    replayed = replay_messages(cause, requests=waiting) if waiting else []
    refused = {
        int(one.message): answer
        for one, answer in zip(waiting, replayed, strict=True)
        if isinstance(answer, Refused)
    }
    announce(
        cause,
        [
            Event("webhook", one.webhook, one.company, "open", "open", payload={"sent_again": one.message})
            for one in fitting
            if one.message in arrived
        ],
    )
    return [
        misfit or refused.get(one.message) or OnItsWay(one.webhook, str(one.message))
        for one, misfit in zip(requests, misfits, strict=True)
    ]


def _misfit(one: SendAgain, message: Claimed | None, *, is_open: bool) -> Refused | None:
    to = webhook_queries.destination_of(one.webhook)
    if not is_open or message is None or (message.destination, message.company) != (to, one.company):
        return NotFound(what="message of an open webhook", which=one.message)
    return Erased() if message.body == EMPTIED else None


@command("channels.give_up_webhooks")
def give_up_webhooks(
    cause: Cause, /, *, requests: Sequence[GiveUpWebhooks]
) -> list[WebhooksGivenUp | Refused]:
    """Open webhooks that nothing has reached for as long as a message is tried, or that say that they are gone: given
    up, with a work item. What waits for them is kept.

    Locks: those webhooks in id order. Again: finds no more. 6 statements at most; 1 where all is well.
    """
    dead = {
        which: webhooks.GONE_FOR_GOOD if gone else webhooks.DEAD
        for which, given_up, gone in webhook_queries.failing()
        if webhooks.is_given_up(webhooks.Tried(given_up, gone))
    }
    found = lock_open(list(dead)) if dead else {}
    if found:
        after = WEBHOOK.step("open", "give_up")
        assert isinstance(after, str)
        switch(cause, [(which, after, dead[which]) for which in found], found)
        open_items(
            cause,
            requests=[
                OpenItem(
                    company=one.company, type="webhook", subject_kind="webhook", subject=which,
                    reason=Said("The webhook {0} is told nothing any more: {1}.", one.name, dead[which]), role=ROLE,
                )
                for which, one in found.items()
            ],
        )  # fmt: skip
    ended = tuple(WebhookNow(which, "given_up") for which in found)
    return [WebhooksGivenUp(ended if i == 0 else ()) for i in range(len(requests))]


_NEWEST = """
SELECT (SELECT COALESCE(max(seq), 0) FROM kernel_event), EXISTS (SELECT FROM channels_webhook WHERE state = 'open')
"""

# Ripe is a webhook where every transaction has ended that may have written below the number that it is read up to.
_LOCK = """
SELECT id FROM channels_webhook
WHERE state = 'open' AND seen_xid <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
ORDER BY id FOR UPDATE SKIP LOCKED
"""

_READ = """
SELECT w.id, w.company_id::int, w.events, e.seq, e.recorded_at, e.company_id::int, e.subject_kind, e.subject_id,
       e.state_before, e.state_after, e.command
FROM channels_webhook AS w
CROSS JOIN LATERAL (
    SELECT * FROM kernel_event AS e
    WHERE e.seq > w.read_seq AND e.seq <= w.seen_seq AND e.company_id = w.company_id
      AND e.subject_kind = ANY(%(kinds)s::text[])
    ORDER BY e.seq LIMIT %(limit)s::int
) AS e
WHERE w.id = ANY(%(which)s::uuid[]) ORDER BY w.id, e.seq
"""

_MOVE_ON = """
UPDATE channels_webhook AS w
SET read_seq = COALESCE(d.read, w.seen_seq),
    seen_seq = CASE WHEN d.read IS NULL THEN greatest(%(newest)s::bigint, w.seen_seq) ELSE w.seen_seq END,
    seen_xid = CASE WHEN d.read IS NULL THEN %(running)s::bigint ELSE w.seen_xid END
FROM unnest(%(which)s::uuid[]) AS one(id)
LEFT JOIN unnest(%(full)s::uuid[], %(reads)s::bigint[]) AS d(id, read) ON d.id = one.id
WHERE w.id = one.id AND (w.read_seq < w.seen_seq OR w.seen_seq < %(newest)s::bigint)
"""
