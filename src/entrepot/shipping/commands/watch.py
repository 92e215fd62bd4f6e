"""Parcels that nobody has seen for long, and what policy says to those in trouble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.shipping import parcels, rules
from entrepot.shipping.commands.claim import AdvanceClaim, OpenClaim, advance_claims, open_claims
from entrepot.shipping.commands.deliver import TROUBLE
from entrepot.shipping.commands.reship import SENT_BACK, Reship, reship
from entrepot.shipping.parcels import PARCELS
from entrepot.shipping.trouble import Trouble, answer, of_all
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

SOURCE = "silence"
ARRIVED_TOO = "sent again and arrived"
"""Type of the work item about a customer who has the goods of both parcels, or soon will."""
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
    """The claims that were opened for it, and whether it is sent again; `over` is trouble that its arrival ended."""

    shipment: UUID
    claims: tuple[str, ...]
    reshipped: bool
    over: tuple[str, ...] = ()


class _Troubled(NamedTuple):
    """A shipment with the kinds of trouble that were told of it, and those that its arrival ended."""

    id: UUID
    number: str
    company: int
    priority: int
    arrived: bool
    """Whole, or a parcel of it."""
    kinds: list[str]
    over: list[str]
    claimed: list[str]
    again: str | None
    """The order by which it was sent again."""
    goods: int


@command("shipping.watch_silence")
def watch_silence(cause: Cause, /, *, requests: Sequence[WatchSilence]) -> list[SilenceWatched | Refused]:
    """Shipments of which no carrier has said anything for the days of `shipping.trouble` count as lost, once: an event,
    a work item, and what the policy says to it. Where a parcel of it has arrived, the others are work only. Where
    nobody ever tells how a service's parcels fare, silence is no news.

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
                company, "parcel lost", "shipment", shipment, _silent(name, number, told, missing, supplied=supplied),
                "customer service", {"tracking": number, "kind": "lost"}, priority,
                due_in_hours=rules.EXCEPTIONS["lost"],
            )
            for company, shipment, number, name, told, priority, missing, supplied in found
        ])  # fmt: skip
        offer(TROUBLE, [(shipment, priority, cause.at) for _, shipment, _, _, _, priority, *_ in found])
    lost = [company for company, *_ in found]
    return [SilenceWatched(one.company, lost.count(one.company)) for one in requests]


def _silent(name: str, number: str, days: int, missing: Sequence[str] | None, *, supplied: bool) -> Said:
    if missing is None:
        return Said("{0} ({1}): nobody has seen it for {2} days", name, number, days)
    some = ", ".join(missing)
    if supplied:
        return Said(
            "{0}: other parcels of it arrived, and nobody has seen these for {1} days: {2}. Claim the amount of what"
            " was in them, and place an order for it: the supplier has not said what is in which.",
            name,
            days,
            some,
        )
    return Said(
        "{0}: other parcels of it arrived, and nobody has seen these for {1} days: {2}. Claim the amount of what was in"
        " them, and send it again: only what was packed into these is sent.",
        name,
        days,
        some,
    )


@command("shipping.answer_trouble")
def answer_trouble(cause: Cause, /, *, requests: Sequence[AnswerTrouble]) -> list[TroubleAnswered | Refused]:
    """What the policy says to the trouble of shipments, done: claims to the carrier, goods sent again. Of those that
    arrived after all, work about them is closed, claims that were not filed are dropped, and what went on meanwhile is
    a work item. What the carrier brings back is offered to returns, which expect what nobody sends again. Where only
    some parcels of a shipment are in trouble, what to claim of them, and whether to send them again, is a person's to
    say.

    Locks: as `shipping.open_claims`, `shipping.advance_claims` and `shipping.reship`. Refuses: NotFound.
    Again: a claim of a kind, and a second parcel, are made once. 3 statements, those of the commands, and 4 more where
    something arrived after all.
    """
    rows = sql.run(_TROUBLE, {"ids": [one.shipment for one in requests], "kinds": list(rules.EXCEPTIONS)})
    found = {row[0]: _Troubled(*row) for row in rows}
    fared = parcels.of(found)
    terms = policies.of_companies({one.company for one in found.values()}, Trouble, cause.at)
    claims: list[OpenClaim] = []
    again: list[Reship] = []
    told: dict[UUID, TroubleAnswered] = {}
    for shipment, one in found.items():
        kinds = of_all(one.kinds, fared.get(shipment, ()))
        says = answer(kinds, one.goods, arrived=one.arrived, policy=terms[one.company][1])
        fresh = tuple(kind for kind in says.claims if kind not in one.claimed)
        claims += [OpenClaim(shipment, kind) for kind in fresh]
        if says.reship and not one.again:
            again.append(Reship(shipment, f"{says.reship} on its way"))
        reshipped = bool(says.reship and not one.again)
        told[shipment] = TroubleAnswered(shipment, fresh, reshipped, tuple(one.over))
        if "returned to sender" in set(one.kinds) - set(one.over) and not reshipped:
            offer(SENT_BACK, [(shipment, one.priority, cause.at)])
    if claims:
        open_claims(cause, requests=claims)
    if again:
        reship(cause, requests=again)
    over = [one for one in found.values() if one.over]
    if over:
        _end(cause, over)
    answers: list[TroubleAnswered | Refused] = []
    for request in requests:
        which = request.shipment
        if which not in found:
            answers.append(NotFound(what="shipment", which=str(which)))
            continue
        answers.append(told[which])
        told[which] = TroubleAnswered(which, (), reshipped=False)
    return answers


def _end(cause: Cause, over: Sequence[_Troubled]) -> None:
    """What was done about parcels that arrived after all."""
    resolve_subjects(cause, requests=[
        ResolveSubject(one.company, f"parcel {kind}", one.id, "went on", "it arrived")
        for one in over
        for kind in one.over
        if kind in rules.EXCEPTIONS and kind != "damaged"
    ])  # fmt: skip
    gone_by = {one.id: one for one in over}
    kinds = ["lost", "returned to sender"]
    claims = sql.run(_CLAIMS, {"ids": list(gone_by), "kinds": kinds, "states": ["open", "filed", "agreed"]})
    drops = [
        claim
        for claim, _, shipment, kind, state in claims
        if state == "open" and kind in gone_by[shipment].over
    ]
    if drops:
        advance_claims(
            cause, requests=[AdvanceClaim(claim, "drop", reason="it arrived after all") for claim in drops]
        )
    open_items(cause, requests=[
        OpenItem(
            gone_by[shipment].company, "claim of what arrived", "claim", claim,
            Said(
                "{0} arrived after it was claimed as {1} ({2}): tell the carrier, and drop it.",
                gone_by[shipment].number, kind, number,
            ),
            "customer service", {"shipment": str(shipment)}, gone_by[shipment].priority,
        )
        for claim, number, shipment, kind, state in claims
        if state != "open" and kind in gone_by[shipment].over
    ] + [
        OpenItem(
            one.company, ARRIVED_TOO, "shipment", one.id,
            Said(
                "{0} arrived after its goods were sent again with order {1}: cancel that order while it is here,"
                " or ask the customer for one of both.",
                one.number, one.again,
            ),
            "customer service", {"order": one.again}, one.priority, due_in_hours=8,
        )
        for one in over
        if one.again
    ])  # fmt: skip


class Found(NamedTuple):
    """A shipment that is here again; `priority` is that of its order."""

    company: int
    number: str
    priority: int


def came_back(cause: Cause, shipments: Mapping[UUID, Found]) -> None:
    """Goods that were sent again are here after all: work about their first parcels is over, claims for their loss that
    were not filed are dropped, and carriers are to be told where they were. 4 statements, 8 more for claims to drop."""
    params = {"ids": list(shipments)}
    ended = [f"parcel {kind}" for kind in rules.EXCEPTIONS if kind != "damaged"] + [ARRIVED_TOO]
    resolve_subjects(cause, requests=[
        ResolveSubject(one.company, kind, shipment, "went on", "it came back")
        for shipment, one in shipments.items()
        for kind in ended
    ])  # fmt: skip
    states = ["open", "filed", "agreed", "credited"]
    claims = sql.run(_CLAIMS, {**params, "kinds": ["lost"], "states": states})
    drops = [claim for claim, _, _, _, state in claims if state == "open"]
    if drops:
        advance_claims(
            cause, requests=[AdvanceClaim(claim, "drop", reason="it came back after all") for claim in drops]
        )
    items = [
        OpenItem(
            shipments[shipment].company, "claim of what came back", "claim", claim,
            Said(
                "{0} came back after it was claimed as {1} ({2}): tell the carrier, and pay back what it has credited.",
                shipments[shipment].number, kind, number,
            ),
            "customer service", {"shipment": str(shipment)}, shipments[shipment].priority,
        )
        for claim, number, shipment, kind, state in claims
        if state != "open"
    ]  # fmt: skip
    if items:
        open_items(cause, requests=items)


_SILENT = f"""
SELECT h.company_id::int, h.id, COALESCE(n.missing[1], h.tracking), h.number, d.days, o.priority::int,
       CASE WHEN n.some_came THEN n.missing END, h.drop_ship_id IS NOT NULL
FROM shipping_shipment AS h
JOIN unnest(%(companies)s::smallint[], %(days)s::int[]) AS d(company, days) ON d.company = h.company_id
JOIN orders_order AS o ON o.id = h.order_id
CROSS JOIN LATERAL (
    SELECT array_agg(number ORDER BY number <> h.tracking, number) FILTER (WHERE labeled AND NOT came) AS missing,
           bool_or(came) AS some_came
    FROM ({PARCELS}) AS p) AS n
WHERE h.state = 'shipped' AND h.shipped_at < %(at)s::timestamptz - make_interval(days => d.days)
  AND (EXISTS (SELECT FROM shipping_transit AS t WHERE t.company_id = h.company_id AND t.service_id = h.service_id)
       OR EXISTS (SELECT FROM carriage_service AS v WHERE v.id = h.service_id AND v.live <> '')
       OR EXISTS (SELECT FROM shipping_carrierevent AS e WHERE e.shipment_id = h.id))
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

# What came in part has arrived for the policy too. Silence says nothing of a time: whatever arrived ended it.
_TROUBLE = f"""
SELECT h.id, h.number, h.company_id::int, o.priority::int,
       h.state = 'delivered' OR EXISTS (SELECT FROM ({PARCELS}) AS p WHERE p.came),
       ARRAY(SELECT DISTINCT kind FROM shipping_carrierevent WHERE shipment_id = h.id),
       ARRAY(SELECT kind FROM shipping_carrierevent WHERE shipment_id = h.id AND kind = ANY(%(kinds)s::text[])
             GROUP BY kind
             HAVING COALESCE(max(occurred_at) FILTER (WHERE source <> '{SOURCE}'), h.delivered_at) <= h.delivered_at),
       ARRAY(SELECT kind FROM shipping_claim WHERE shipment_id = h.id),
       (SELECT x.number FROM shipping_reshipment AS r JOIN orders_order AS x ON x.id = r.order_id
        WHERE r.shipment_id = h.id),
       COALESCE((SELECT sum(goods_minor - discount_minor) FROM shipping_shipmentline WHERE shipment_id = h.id),
                0)::bigint
FROM shipping_shipment AS h JOIN orders_order AS o ON o.id = h.order_id WHERE h.id = ANY(%(ids)s::uuid[])
"""

_CLAIMS = """
SELECT id, number, shipment_id, kind, state FROM shipping_claim
WHERE shipment_id = ANY(%(ids)s::uuid[]) AND kind = ANY(%(kinds)s::text[]) AND state = ANY(%(states)s::text[])
ORDER BY id
"""
