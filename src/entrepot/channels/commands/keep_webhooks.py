"""Webhooks: whom programs tell, of what, with which secret, and whether at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from uuid import UUID

from django.conf import settings

from entrepot.channels import webhooks
from entrepot.channels.errors import WebhookNamed
from entrepot.channels.states import WEBHOOK
from entrepot.channels.webhook_queries import destination_of
from entrepot.kernel import delivery, ids, sql, strongbox
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event

Step = Literal["open", "pause", "remove"]


@dataclass(frozen=True, slots=True)
class AddWebhook:
    """An address that is told of events by their names. `secret` is made at the edge, which shows it once, or by the
    program that is told."""

    company: int
    name: str
    url: str
    events: tuple[str, ...]
    secret: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeWebhook:
    """A webhook as it shall stand."""

    company: int
    webhook: UUID
    name: str
    url: str
    events: tuple[str, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RenewSecret:
    """A new secret for a webhook; the former one signs beside it for a day."""

    company: int
    webhook: UUID
    secret: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SwitchWebhook:
    """Whether a webhook is told of events, or is forgotten."""

    company: int
    webhook: UUID
    step: Step
    why: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookNow:
    webhook: UUID
    state: str


class _Found(NamedTuple):
    company: int
    state: str
    name: str


@command("channels.add_webhooks")
def add_webhooks(cause: Cause, /, *, requests: Sequence[AddWebhook]) -> list[WebhookNow | Refused]:
    """Webhooks that are told of what happens from now on.

    Refuses: Invalid (name, address, events, secret); WebhookNamed. Again: by key. 3 statements.
    """
    ((newest,),) = sql.run(_NEWEST)
    taken = set(sql.run(_TAKEN, {"companies": [one.company for one in requests]}))
    answers: list[WebhookNow | Refused] = []
    rows = []
    for one in requests:
        refusal = webhooks.misfit_secret(one.secret) or _misfit(one)
        if refusal is None and (one.company, one.name) in taken:
            refusal = WebhookNamed(name=one.name)
        if refusal is not None:
            answers.append(refusal)
            continue
        taken.add((one.company, one.name))
        which = ids.uuid7()
        locked = strongbox.lock(one.secret.encode(), which.bytes)
        rows.append(
            (which, one.company, one.name, one.url, sorted(set(one.events)), locked, "open", newest, newest, cause.at,
             cause.actor.name, cause.at)
        )  # fmt: skip
        answers.append(WebhookNow(which, "open"))

    if rows:
        sql.run(_ADD, sql.columns(_COLUMNS, [(*row[:4], ",".join(row[4]), *row[5:]) for row in rows]))
    announce(
        cause, (Event("webhook", row[0], row[1], "", "open", payload={"events": row[4]}) for row in rows)
    )
    return answers


@command("channels.change_webhooks")
def change_webhooks(cause: Cause, /, *, requests: Sequence[ChangeWebhook]) -> list[WebhookNow | Refused]:
    """Webhooks with other names, addresses or events, for what happens from now on; what waits goes to the new address.
    Of several requests for one webhook the last counts.

    Locks: the webhooks in id order. Refuses: NotFound; Invalid; WebhookNamed. Again: nothing changes. 3 statements.
    """
    found = _lock([one.webhook for one in requests])
    named = {
        (company, name): which
        for which, company, name in sql.run(_NAMED, {"companies": [one.company for one in requests]})
    }
    answers: list[WebhookNow | Refused] = []
    changed: dict[UUID, ChangeWebhook] = {}
    for one in requests:
        refusal = _missing(one, found) or _misfit(one)
        if refusal is None and named.setdefault((one.company, one.name), one.webhook) != one.webhook:
            refusal = WebhookNamed(name=one.name)
        if refusal is None:
            changed[one.webhook] = one
        answers.append(refusal or WebhookNow(one.webhook, found[one.webhook].state))

    if changed:
        rows = [
            (one.webhook, one.name, one.url, ",".join(sorted(set(one.events)))) for one in changed.values()
        ]
        other = sql.run(_CHANGE, sql.columns(("which", "names", "urls", "events"), rows))
        announce(
            cause,
            [
                Event("webhook", which, found[which].company, found[which].state, found[which].state,
                      payload={"events": sorted(set(changed[which].events))})
                for (which,) in sorted(other)
            ],
        )  # fmt: skip
    return answers


@command("channels.renew_secrets")
def renew_secrets(cause: Cause, /, *, requests: Sequence[RenewSecret]) -> list[WebhookNow | Refused]:
    """Webhooks with new secrets. For a day messages bear two signatures, so that nothing is refused while the other
    side changes over. The last of several counts.

    Locks: the webhooks in id order. Refuses: NotFound; Invalid (the secret). Again: by key. 2 statements.
    """
    found = _lock([one.webhook for one in requests])
    answers: list[WebhookNow | Refused] = []
    renewed: dict[UUID, bytes] = {}
    for one in requests:
        refusal = _missing(one, found) or webhooks.misfit_secret(one.secret)
        if refusal is None:
            renewed[one.webhook] = strongbox.lock(one.secret.encode(), one.webhook.bytes)
        answers.append(refusal or WebhookNow(one.webhook, found[one.webhook].state))

    if renewed:
        params = sql.columns(("which", "secrets"), list(renewed.items()))
        sql.run(_RENEW, params | {"until": cause.at + webhooks.BOTH_HOLD})
    announce(cause, (_again(which, found[which], {"secret": "renewed"}) for which in renewed))
    return answers


@command("channels.switch_webhooks")
def switch_webhooks(cause: Cause, /, *, requests: Sequence[SwitchWebhook]) -> list[WebhookNow | Refused]:
    """Webhooks opened, paused or removed. What waits for one that is paused or removed is kept; what was kept goes out
    when it is opened, and what happened in between is not told. Of several requests for one the first that fits counts.

    Locks: the webhooks in id order. Refuses: NotFound; WrongState. Again: it is so already (WrongState); by key.
    5 statements at most.
    """
    found = _lock([one.webhook for one in requests])
    now = {which: one.state for which, one in found.items()}
    answers: list[WebhookNow | Refused] = []
    done: dict[UUID, SwitchWebhook] = {}
    for one in requests:
        after = _missing(one, found) or WEBHOOK.step(now[one.webhook], one.step)
        if isinstance(after, Refused):
            answers.append(after)
            continue
        now[one.webhook] = after
        done[one.webhook] = one
        answers.append(WebhookNow(one.webhook, after))

    if done:
        rows = [(which, now[which], one.why.strip()) for which, one in done.items()]
        switch(cause, rows, {which: found[which] for which in done})
    return answers


def switch(cause: Cause, rows: Sequence[tuple[UUID, str, str]], was: dict[UUID, _Found]) -> None:
    """Write the states of webhooks, and put by or take up what waits for them. 3 statements at most."""
    ((newest,),) = sql.run(_NEWEST)
    sql.run(_SWITCH, sql.columns(("which", "states", "whys"), rows) | {"at": cause.at, "newest": newest})
    ended = [destination_of(which) for which, state, _ in rows if state != "open"]
    opened = [destination_of(which) for which, state, _ in rows if state == "open"]
    if ended:
        delivery.put_by(ended, "the webhook is not open")
    if opened:
        delivery.take_up(cause.at, opened)
    announce(
        cause,
        [
            Event("webhook", which, was[which].company, was[which].state, state, reason=why)
            for which, state, why in rows
        ],
    )


def lock_open(which: Sequence[UUID]) -> dict[UUID, _Found]:
    """Those that are open, locked in id order. 1 statement."""
    return {key: one for key, one in _lock(which).items() if one.state == "open"}


def _lock(which: Sequence[UUID]) -> dict[UUID, _Found]:
    return {key: _Found(*rest) for key, *rest in sql.run(_LOCK, {"which": sorted(set(which))})}


def _missing(one: ChangeWebhook | RenewSecret | SwitchWebhook, found: dict[UUID, _Found]) -> Refused | None:
    is_there = one.webhook in found and found[one.webhook].company == one.company
    return None if is_there else NotFound(what="webhook", which=one.webhook)


def _misfit(one: AddWebhook | ChangeWebhook) -> Refused | None:
    return webhooks.misfit(one.name.strip(), one.url, one.events, permits_local=settings.WEBHOOKS_LOCAL)


def _again(which: UUID, one: _Found, payload: dict[str, str]) -> Event:
    return Event("webhook", which, one.company, one.state, one.state, payload=payload)


_COLUMNS = (
    "which", "companies", "names", "urls", "events", "secrets", "states", "reads", "seens", "opens", "makers", "times",
)  # fmt: skip

_NEWEST = "SELECT COALESCE(max(seq), 0) FROM kernel_event"

_TAKEN = """
SELECT company_id::int, name FROM channels_webhook
WHERE company_id = ANY(%(companies)s::smallint[]) AND state <> 'removed'
"""

_NAMED = """
SELECT id, company_id::int, name FROM channels_webhook
WHERE company_id = ANY(%(companies)s::smallint[]) AND state <> 'removed'
"""

_LOCK = """
SELECT id, company_id::int, state, name FROM channels_webhook
WHERE id = ANY(%(which)s::uuid[]) AND state <> 'removed' ORDER BY id FOR UPDATE
"""

# An array of arrays must be square: the names of events come as one text.
_ADD = """
INSERT INTO channels_webhook
    (id, company_id, name, url, events, secret, state, read_seq, seen_seq, opened_at, made_by, made_at)
SELECT d.id, d.company, d.name, d.url, string_to_array(d.events, ','), d.secret, d.state, d.read, d.seen, d.opened,
       d.maker, d.at
FROM unnest(%(which)s::uuid[], %(companies)s::smallint[], %(names)s::text[], %(urls)s::text[], %(events)s::text[],
            %(secrets)s::bytea[], %(states)s::text[], %(reads)s::bigint[], %(seens)s::bigint[],
            %(opens)s::timestamptz[], %(makers)s::text[], %(times)s::timestamptz[])
     AS d(id, company, name, url, events, secret, state, read, seen, opened, maker, at)
"""

_CHANGE = """
UPDATE channels_webhook AS w SET name = d.name, url = d.url, events = string_to_array(d.events, ',')
FROM unnest(%(which)s::uuid[], %(names)s::text[], %(urls)s::text[], %(events)s::text[]) AS d(id, name, url, events)
WHERE w.id = d.id AND (w.name, w.url, w.events) IS DISTINCT FROM (d.name, d.url, string_to_array(d.events, ','))
RETURNING w.id
"""

_RENEW = """
UPDATE channels_webhook AS w
SET former = w.secret, former_until = %(until)s::timestamptz, secret = d.secret
FROM unnest(%(which)s::uuid[], %(secrets)s::bytea[]) AS d(id, secret) WHERE w.id = d.id
"""

_SWITCH = """
UPDATE channels_webhook AS w
SET state = d.state, why = d.why,
    read_seq = CASE WHEN d.state = 'open' THEN %(newest)s::bigint ELSE w.read_seq END,
    seen_seq = CASE WHEN d.state = 'open' THEN %(newest)s::bigint ELSE w.seen_seq END,
    opened_at = CASE WHEN d.state = 'open' THEN %(at)s::timestamptz ELSE w.opened_at END
FROM unnest(%(which)s::uuid[], %(states)s::text[], %(whys)s::text[]) AS d(id, state, why) WHERE w.id = d.id
"""
