"""Parcels that nobody has seen for long, and what policy says to those in trouble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.shipping import rules
from entrepot.shipping.commands.claim import OpenClaim, open_claims
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.shipping.trouble import Trouble, answer
from entrepot.work.commands.open_items import OpenItem, open_items

SOURCE = "silence"
SILENT_MAX = 1_000
"""Shipments that are found silent at a time; the next night takes those that were left."""


@dataclass(frozen=True, slots=True)
class WatchSilence:
    """The shipments of a company that are on their way."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SilenceWatched:
    company: int
    lost: int


@dataclass(frozen=True, slots=True)
class AnswerTrouble:
    """A shipment whose carrier told of trouble, or nothing."""

    shipment: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TroubleAnswered:
    """The claims that were opened for it, and whether it is sent again."""

    shipment: UUID
    claims: tuple[str, ...]
    reshipped: bool


@command("shipping.watch_silence")
def watch_silence(cause: Cause, /, *, requests: Sequence[WatchSilence]) -> list[SilenceWatched | Refused]:
    """Shipments of which no carrier has said anything for the days of `shipping.trouble` count as lost, once: an event,
    a work item, and what the policy says to it.

    Locks: the shipments it finds. Refuses: nothing. Again: by key; what is lost is not lost again. 4 statements.
    """
    companies = sorted({one.company for one in requests})
    terms = policies.of_companies(companies, Trouble, cause.at)
    days = [(company, terms[company][1].silent_after_days) for company in companies]
    params = {**sql.columns(("companies", "days"), days), "at": cause.at, "limit": SILENT_MAX}
    found = sql.run(_SILENT, params)
    rows = [(ids.uuid7(), company, shipment, number) for company, shipment, number, *_ in found]
    if rows:
        sql.run(_LOST, {**sql.columns(("ids", "companies", "shipments", "numbers"), rows), "at": cause.at})
        open_items(cause, requests=[
            OpenItem(
                company, "parcel lost", "shipment", shipment, f"{name} ({number}): nobody has seen it for {told} days",
                "customer service", {"tracking": number, "kind": "lost"}, priority,
                due_in_hours=rules.EXCEPTIONS["lost"],
            )
            for company, shipment, number, name, told, priority in found
        ])  # fmt: skip
        offer("trouble", [(shipment, priority, cause.at) for _, shipment, _, _, _, priority in found])
    lost = [company for company, *_ in found]
    return [SilenceWatched(one.company, lost.count(one.company)) for one in requests]


@command("shipping.answer_trouble")
def answer_trouble(cause: Cause, /, *, requests: Sequence[AnswerTrouble]) -> list[TroubleAnswered | Refused]:
    """What the policy says to the trouble of shipments, done: claims to the carrier, goods sent again.

    Locks: as `shipping.open_claims` and `shipping.reship`. Refuses: NotFound.
    Again: a claim of a kind, and a second parcel, are made once. 2 statements, and those of both commands.
    """
    found = {row[0]: row[1:] for row in sql.run(_TROUBLE, {"ids": [one.shipment for one in requests]})}
    terms = policies.of_companies({row[0] for row in found.values()}, Trouble, cause.at)
    claims: list[OpenClaim] = []
    again: list[Reship] = []
    told: dict[UUID, TroubleAnswered] = {}
    for shipment, (company, arrived, kinds, claimed, sent_again, goods) in found.items():
        says = answer(kinds, goods, arrived=arrived, policy=terms[company][1])
        fresh = tuple(kind for kind in says.claims if kind not in claimed)
        claims += [OpenClaim(shipment, kind) for kind in fresh]
        if says.reship and not sent_again:
            again.append(Reship(shipment, f"{says.reship} on its way"))
        told[shipment] = TroubleAnswered(shipment, fresh, bool(says.reship and not sent_again))
    if claims:
        open_claims(cause, requests=claims)
    if again:
        reship(cause, requests=again)
    answers: list[TroubleAnswered | Refused] = []
    for request in requests:
        which = request.shipment
        if which not in found:
            answers.append(NotFound(what="shipment", which=str(which)))
            continue
        answers.append(told[which])
        told[which] = TroubleAnswered(which, (), reshipped=False)
    return answers


_SILENT = """
SELECT h.company_id::int, h.id, h.tracking, h.number, d.days, o.priority::int
FROM shipping_shipment AS h
JOIN unnest(%(companies)s::smallint[], %(days)s::int[]) AS d(company, days) ON d.company = h.company_id
JOIN orders_order AS o ON o.id = h.order_id
WHERE h.state = 'shipped' AND h.shipped_at < %(at)s::timestamptz - make_interval(days => d.days)
  AND NOT EXISTS (SELECT FROM shipping_carrierevent AS e WHERE e.shipment_id = h.id
                  AND (e.kind IN ('lost', 'returned to sender', 'cancelled')
                       OR e.occurred_at >= %(at)s::timestamptz - make_interval(days => d.days)))
ORDER BY h.id LIMIT %(limit)s::int FOR UPDATE OF h SKIP LOCKED
"""

_LOST = f"""
INSERT INTO shipping_carrierevent
    (id, company_id, shipment_id, source, name, tracking, kind, message, place, occurred_at, recorded_at)
SELECT d.id, d.company, d.shipment, '{SOURCE}', '{SOURCE}', d.number, 'lost', 'no word of it', '',
       %(at)s::timestamptz, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(shipments)s::uuid[], %(numbers)s::text[])
  AS d(id, company, shipment, number)
ON CONFLICT (shipment_id, source, name) DO NOTHING
"""

_TROUBLE = """
SELECT h.id, h.company_id::int, h.state = 'delivered',
       ARRAY(SELECT DISTINCT kind FROM shipping_carrierevent WHERE shipment_id = h.id),
       ARRAY(SELECT kind FROM shipping_claim WHERE shipment_id = h.id),
       EXISTS (SELECT FROM shipping_reshipment AS r WHERE r.shipment_id = h.id),
       COALESCE((SELECT sum(goods_minor - discount_minor) FROM shipping_shipmentline WHERE shipment_id = h.id),
                0)::bigint
FROM shipping_shipment AS h WHERE h.id = ANY(%(ids)s::uuid[])
"""
