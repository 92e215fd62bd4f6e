"""Claims to carriers for parcels of returns: by hand, and by what the policy `returns.claims` says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.currency_queries import rate_on
from entrepot.returns import claiming
from entrepot.returns.claiming import Claims, Content
from entrepot.returns.commands.announce import tracking_of
from entrepot.returns.commands.left import Costs
from entrepot.returns.commands.lock import Return, lock_returns
from entrepot.shipping.commands.claim import (
    AdvanceClaim,
    ClaimOpened,
    ForParcel,
    OpenClaim,
    OtherParcel,
    advance_claims,
    open_claims,
    open_for_parcels,
)
from entrepot.work.commands.open_items import OpenItem, open_items

ARRIVED = "claim of what arrived"
GONE = ("lost", "returned to sender")
"""Kinds that what arrives after all ends."""


@dataclass(frozen=True, slots=True)
class ClaimParcel:
    """A claim for a parcel of a return, by the number on it: the one of its label, or one that went back to its
    customer. Without `amount_minor` what is in it is worth."""

    return_id: UUID
    tracking: str
    kind: str
    amount_minor: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimParcels:
    """A return that a carrier told of, or that damage was found of."""

    return_id: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ParcelsClaimed:
    """The numbers of the claims that the policy opened, and of those that were dropped since the parcel arrived."""

    return_id: UUID
    opened: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


class _Way(NamedTuple):
    """A parcel of a return, locked: `told` is its trouble, `owner` the return that it was made for."""

    id: UUID
    subject_kind: str
    return_id: UUID
    owner: UUID
    order: UUID
    company: int
    tracking: str
    carrier: str
    sent_at: datetime
    told: list[str]
    given_up: bool
    arrived: bool
    currency: str
    rate: Decimal | None
    home: str


class _Units(NamedTuple):
    """Units in a parcel: `out` of them have not come."""

    parcel: UUID
    order: UUID
    line: UUID
    units: int
    out: int
    paid: int
    cost: int | None
    currency: str
    rate: Decimal | None


class _Found(NamedTuple):
    """An inspection that no claim is for: what was paid for its units, what they cost, and the shipment that had
    brought them."""

    id: UUID
    return_id: UUID
    reason: str
    grade: str
    codes: str
    paid: int
    cost: int
    shipment: UUID | None


class _Before(NamedTuple):
    """A claim for a parcel."""

    id: UUID
    number: str
    parcel: UUID
    kind: str
    state: str


class _Parcels:
    """The parcels of locked returns with what is in them. 5 statements; 2 more where something is on its way back."""

    def __init__(self, cause: Cause, returns: Mapping[UUID, Return]) -> None:
        self.returns = returns
        wanted = {"returns": list(returns)}
        sql.run(_LOCK, wanted)
        ways = sorted(
            (_Way(*row) for row in sql.run(_WAYS, wanted)),
            key=lambda one: (one.id, one.return_id != one.owner, one.return_id),
        )
        self.of: dict[UUID, list[_Way]] = defaultdict(list)
        for one in ways:
            self.of[one.return_id].append(one)
        # What several returns come in is told of once, of the one that it was made for if that is among them.
        self.way = {one.id: one for one in reversed(ways)}
        self.units: dict[UUID, list[_Units]] = defaultdict(list)
        for row in sql.run(_UNITS, {"ids": list(self.way)}) if ways else ():
            self.units[row[0]].append(_Units(*row))
        back = [one for units in self.units.values() for one in units if one.cost is None]
        self.costs = Costs({one.order for one in back}, {one.line for one in back}) if back else None
        self.rules = policies.of_companies({one.company for one in returns.values()}, Claims, cause.at)
        self._worth: dict[tuple[UUID, bool], int] = {}

    def policy(self, company: int) -> Claims:
        return self.rules[company][1]

    def parcel(self, one: _Way, kind: str) -> OtherParcel:
        """What is claimed for: of what was damaged all that is in it, of the rest what has not come."""
        whole = kind == "damaged"
        if (one.id, whole) not in self._worth:
            contents = [
                self._content(one, units, units.units if whole else units.out) for units in self.units[one.id]
            ]
            self._worth[one.id, whole] = claiming.worth(contents, self.policy(one.company))
        return OtherParcel(
            one.id, one.subject_kind, one.company, one.order, one.tracking, one.carrier, one.currency,
            self._worth[one.id, whole], self.policy(one.company).due_on(_day(one.sent_at)),
        )  # fmt: skip

    def _content(self, one: _Way, units: _Units, count: int) -> Content:
        if not count:
            return Content(0, 0)
        paid = claiming.part(units.paid, count, units.units)
        if units.currency != one.currency:
            own = money.in_own(paid, units.rate, units.currency, one.home)
            paid = money.out_of_own(own, one.rate, one.home, one.currency)
        by_cost = self.policy(one.company).worth == "cost"
        return Content(paid, self._cost(one, units, count) if by_cost else None)

    def _cost(self, one: _Way, units: _Units, count: int) -> int | None:
        """In the currency of the claim; None where nobody knows a rate."""
        if one.rate is None and one.home != one.currency:
            return None
        if units.cost is not None:
            cost = claiming.part(units.cost, count, units.units)
        else:
            assert self.costs, "loaded for units without a cost"
            cost = self.costs.take(units.line, count)
        return money.out_of_own(cost, one.rate, one.home, one.currency)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


@command("returns.claim_parcels")
def claim_parcels(cause: Cause, /, *, requests: Sequence[ClaimParcel]) -> list[ClaimOpened | Refused]:
    """Claims for parcels of returns, as `shipping.open_claims` opens them for shipments.

    Locks: the orders in id order, then the parcels. Refuses: NotFound (the return, or such a parcel of it); Invalid (an
    unknown kind; an amount that can't be); shipping.parcel_claimed. Again: by key. 16 statements.
    """
    returns = lock_returns([one.return_id for one in requests])
    known = _Parcels(cause, returns)
    answers: list[ClaimOpened | Refused | None] = []
    wanted: list[tuple[ForParcel, UUID]] = []
    for request in requests:
        number = tracking_of(request.tracking)
        one = next((way for way in known.of[request.return_id] if way.tracking == number), None)
        if request.return_id not in returns or one is None:
            what, which = (
                ("return", str(request.return_id))
                if request.return_id not in returns
                else ("parcel of a label of ours, or that went back to the customer", number or "no number")
            )
            answers.append(NotFound(what=what, which=which))
            continue
        wanted.append(
            (
                ForParcel(known.parcel(one, request.kind), request.kind, request.amount_minor),
                request.return_id,
            )
        )
        answers.append(None)
    opened = iter(open_for_parcels(cause, [claim for claim, _ in wanted]))
    told = [one if one is not None else next(opened) for one in answers]
    made = zip((request.return_id for request in requests), told, strict=True)
    _note(cause, returns, [(one, None, claim) for one, claim in made if isinstance(claim, ClaimOpened)])
    return told


@command("returns.claim_by_policy")
def claim_by_policy(cause: Cause, /, *, requests: Sequence[ClaimParcels]) -> list[ParcelsClaimed | Refused]:
    """What the policy `returns.claims` says to the trouble of returns, done: claims for the shipments that inspections
    found damaged, for lost and damaged parcels of our labels, and for lost ones that went back to customers. Of what
    arrived after all, claims that were not filed are dropped, and the others are work.

    Locks: the orders in id order, the parcels, then as `shipping.open_claims`. Refuses: NotFound. Again: an inspection,
    and a kind of trouble of a parcel, is claimed for once. 28 statements at most; 9 more where something arrived.
    """
    returns = lock_returns([one.return_id for one in requests])
    known = _Parcels(cause, returns)
    before = [_Before(*row) for row in sql.run(_BEFORE, {"ids": list(known.way)})] if known.way else []
    parcels, shipments = _found_damaged(known)
    parcels = [*_in_trouble(known, {(one.parcel, one.kind) for one in before}), *parcels]
    answers = open_for_parcels(cause, [claim for *_, claim in parcels])
    if shipments:
        answers += open_claims(cause, requests=[claim for *_, claim in shipments])
    # What is refused is claimed already, or worth nothing.
    opened = [
        (of_return, inspection, answer)
        for (of_return, inspection, _), answer in zip([*parcels, *shipments], answers, strict=True)
        if isinstance(answer, ClaimOpened)
    ]
    _note(cause, returns, opened)
    dropped = _end(cause, known, before)
    return [_answer(one.return_id, returns, opened, dropped) for one in requests]


def _in_trouble(known: _Parcels, claimed: set[tuple[UUID, str]]) -> list[tuple[UUID, UUID | None, ForParcel]]:
    """Claims for what carriers told of parcels, each with its return."""
    return [
        (one.return_id, None, ForParcel(known.parcel(one, kind), kind))
        for one in known.way.values()
        for kind in known.policy(one.company).kinds_of(one.told, given_up=one.given_up, arrived=one.arrived)
        if (one.id, kind) not in claimed
    ]


def _found_damaged(
    known: _Parcels,
) -> tuple[list[tuple[UUID, UUID | None, ForParcel]], list[tuple[UUID, UUID, OpenClaim]]]:
    """Claims for what inspections found, of the parcels that came back and of shipments, each with its return."""
    parcels: list[tuple[UUID, UUID | None, ForParcel]] = []
    shipments: list[tuple[UUID, UUID, OpenClaim]] = []
    for found in (_Found(*row) for row in sql.run(_FOUND, {"returns": list(known.returns)})):
        of = known.returns[found.return_id]
        policy = known.policy(of.company)
        way = policy.way_of_damage(found.reason, found.grade, found.codes.split())
        label = next((one for one in reversed(known.of[of.id]) if one.subject_kind == "return_label"), None)
        if way == "out" and found.shipment:
            shipments.append(
                (of.id, found.id, OpenClaim(found.shipment, "damaged", _amount(found, of, policy, of)))
            )
        elif way == "back" and label:
            amount = _amount(found, of, policy, label)
            parcels.append((of.id, found.id, ForParcel(known.parcel(label, "damaged"), "damaged", amount)))
    return parcels, shipments


def _amount(found: _Found, of: Return, policy: Claims, claimed: Return | _Way) -> int:
    """What the units of an inspection of a return count at, in the currency of what is claimed for: a label may be made
    for a return in another."""
    known = claimed.rate is not None or of.home == claimed.currency
    cost = money.out_of_own(found.cost, claimed.rate, of.home, claimed.currency) if known else None
    paid = found.paid
    if claimed.currency != of.currency:
        own = money.in_own(paid, of.rate, of.currency, of.home)
        paid = money.out_of_own(own, claimed.rate, of.home, claimed.currency)
    return claiming.worth([Content(paid, cost)], policy)


def _answer(
    which: UUID,
    returns: Collection[UUID],
    opened: Iterable[tuple[UUID, UUID | None, ClaimOpened]],
    dropped: Mapping[UUID, list[str]],
) -> ParcelsClaimed | Refused:
    if which not in returns:
        return NotFound(what="return", which=str(which))
    numbers = tuple(claim.number for one, _, claim in opened if one == which)
    return ParcelsClaimed(which, numbers, tuple(dropped.get(which, ())))


def _note(
    cause: Cause, returns: Mapping[UUID, Return], opened: Sequence[tuple[UUID, UUID | None, ClaimOpened]]
) -> None:
    if not opened:
        return
    sql.write("returns_claimed", ("claim_id", "company_id", "return_id", "inspection_id"), [
        (claim.claim, returns[one].company, one, inspection) for one, inspection, claim in opened
    ])  # fmt: skip
    announce(cause, [
        Event("return", one, returns[one].company, "", "", None,
              {"claim": claim.number, "amount_minor": claim.amount_minor})
        for one, _, claim in opened
    ])  # fmt: skip


def _end(cause: Cause, known: _Parcels, before: Sequence[_Before]) -> dict[UUID, list[str]]:
    """What was claimed of parcels that arrived after all; the numbers of the claims that were dropped, by return."""
    over = [
        (one, known.way[one.parcel])
        for one in before
        if one.kind in GONE and known.way[one.parcel].arrived and one.state in ("open", "filed", "agreed")
    ]
    dropped: dict[UUID, list[str]] = defaultdict(list)
    drops = [(one, way) for one, way in over if one.state == "open"]
    for one, way in drops:
        dropped[way.return_id].append(one.number)
    if drops:
        advance_claims(
            cause, requests=[AdvanceClaim(one.id, "drop", reason="it arrived after all") for one, _ in drops]
        )
    open_items(cause, requests=[
        OpenItem(
            way.company, ARRIVED, "claim", one.id,
            Said("{0} arrived after it was claimed as {1} ({2}): tell the carrier, and drop it.", way.tracking,
                 one.kind, one.number),
            "customer service", {"return": str(way.return_id)},
        )
        for one, way in over if one.state != "open"
    ])  # fmt: skip
    return dropped


# A label that several returns come with is a parcel of each.
_LABELS = """
SELECT l.id, m.return_id, l.return_id AS owner, l.company_id, l.tracking, l.carrier, l.made_at
FROM returns_labelreturn AS m JOIN returns_label AS l ON l.id = m.label_id AND l.state = 'made'
WHERE m.return_id = ANY(%(returns)s::uuid[])
"""

_LOCK = """
WITH labels AS MATERIALIZED (
    SELECT l.id FROM returns_label AS l
    WHERE l.id IN (SELECT label_id FROM returns_labelreturn WHERE return_id = ANY(%(returns)s::uuid[]))
    ORDER BY l.id FOR UPDATE)
SELECT FROM labels UNION ALL
SELECT FROM (SELECT id FROM returns_sentback WHERE return_id = ANY(%(returns)s::uuid[]) ORDER BY id FOR UPDATE) AS b
"""

# It arrived where its carrier says so, or where all is here that was to come in it.
_WAYS = f"""
SELECT l.id, 'return_label', l.return_id, l.owner, r.order_id, l.company_id::int, l.tracking, l.carrier,
       COALESCE(t.scanned_at, l.made_at), COALESCE(t.told, '{{}}'), t.given_up, t.delivered_at IS NOT NULL OR h.here,
       r.currency::text, {rate_on("r.company_id", "r.currency", "(o.placed_at AT TIME ZONE 'UTC')::date")},
       c.currency::text
FROM ({_LABELS}) AS l
JOIN returns_return AS r ON r.id = l.owner JOIN orders_order AS o ON o.id = r.order_id
JOIN parties_company AS c ON c.id = r.company_id
CROSS JOIN LATERAL (
    SELECT min(p.scanned_at) AS scanned_at, max(p.delivered_at) AS delivered_at,
           (SELECT array_agg(DISTINCT k) FROM returns_parcel AS q CROSS JOIN unnest(q.troubles) AS k
            WHERE q.company_id = l.company_id AND q.tracking = l.tracking) AS told,
           COALESCE(bool_or(p.scanned_at IS NOT NULL AND e.by_clock AND e.missing > 0 AND e.reopened_at IS NULL), FALSE)
             AS given_up
    FROM returns_parcel AS p LEFT JOIN returns_expiry AS e ON e.return_id = p.return_id
    WHERE p.company_id = l.company_id AND p.tracking = l.tracking) AS t
CROSS JOIN LATERAL (
    SELECT COALESCE(bool_or(x.received > 0) AND bool_and(x.quantity - x.cancelled <= x.received), FALSE) AS here
    FROM returns_labelreturn AS m JOIN returns_line AS x ON x.return_id = m.return_id WHERE m.label_id = l.id) AS h
UNION ALL
SELECT b.id, 'sent_back', b.return_id, b.return_id, r.order_id, b.company_id::int, b.tracking, b.carrier, b.sent_at,
       CASE b.state WHEN 'lost' THEN ARRAY['lost'] ELSE '{{}}' END, FALSE, b.state = 'delivered', r.currency::text,
       {rate_on("r.company_id", "r.currency", "(o.placed_at AT TIME ZONE 'UTC')::date")}, c.currency::text
FROM returns_sentback AS b
JOIN returns_return AS r ON r.id = b.return_id JOIN orders_order AS o ON o.id = r.order_id
JOIN parties_company AS c ON c.id = r.company_id
WHERE b.return_id = ANY(%(returns)s::uuid[])
ORDER BY 1
"""

# What a parcel of a label had in it, or has: all of its returns that was not called off; and what went back.
_UNITS = f"""
SELECT m.label_id, x.order_id, x.line_id, x.quantity - x.cancelled, x.quantity - x.cancelled - x.received,
       ((o.gross_minor - o.discount_minor) * (x.quantity - x.cancelled) / o.quantity)::bigint, NULL::bigint,
       r.currency::text, {rate_on("r.company_id", "r.currency", "(a.placed_at AT TIME ZONE 'UTC')::date")}
FROM returns_labelreturn AS m JOIN returns_return AS r ON r.id = m.return_id
JOIN returns_line AS x ON x.return_id = r.id AND x.quantity > x.cancelled
JOIN orders_line AS o ON o.id = x.line_id JOIN orders_order AS a ON a.id = r.order_id
WHERE m.label_id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT u.sent_back_id, x.order_id, x.line_id, d.quantity, d.quantity,
       ((o.gross_minor - o.discount_minor) * d.quantity / o.quantity)::bigint, d.value_minor, r.currency::text, NULL
FROM returns_sentbackunits AS u JOIN returns_disposition AS d ON d.id = u.disposition_id
JOIN returns_line AS x ON x.id = d.return_line_id JOIN returns_return AS r ON r.id = d.return_id
JOIN orders_line AS o ON o.id = x.line_id
WHERE u.sent_back_id = ANY(%(ids)s::uuid[])
ORDER BY 1, 3
"""

_FOUND = """
SELECT i.id, i.return_id, x.reason, i.grade, i.codes,
       ((o.gross_minor - o.discount_minor) * i.quantity / o.quantity)::bigint,
       (c.cost_minor * i.quantity / c.quantity)::bigint,
       (SELECT h.id FROM shipping_shipmentline AS s JOIN shipping_shipment AS h ON h.id = s.shipment_id
        WHERE s.line_id = x.line_id ORDER BY h.shipped_at DESC, h.id DESC LIMIT 1)
FROM returns_inspection AS i JOIN returns_line AS x ON x.id = i.return_line_id
JOIN returns_receipt AS c ON c.id = i.receipt_id JOIN orders_line AS o ON o.id = x.line_id
WHERE i.return_id = ANY(%(returns)s::uuid[])
  AND NOT EXISTS (SELECT FROM returns_claimed AS d WHERE d.inspection_id = i.id)
ORDER BY i.id
"""

_BEFORE = """
SELECT id, number, subject_id, kind, state FROM shipping_claim WHERE subject_id = ANY(%(ids)s::uuid[])
ORDER BY id FOR UPDATE
"""
