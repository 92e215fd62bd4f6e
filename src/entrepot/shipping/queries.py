"""What is asked of shipping: shipments with their reasons, and whether they agree with stock, orders and the books."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.ledger.chart import plays
from entrepot.purchasing.queries import SCALE
from entrepot.shipping.states import FORM_THROUGH


@dataclass(frozen=True, slots=True)
class ShipmentRow:
    """A shipment as people see it; `reasons` is what every service would have cost, or why it does not carry it.

    Of a shipment by a supplier, `node_code` is his code, `fulfillment` None, and `drop_ship` the order that he had.
    """

    id: UUID
    number: str
    order: UUID
    order_number: str
    fulfillment: UUID | None
    node_code: str
    carrier: str
    service: str
    tracking: str
    zone: str
    cost_minor: int
    currency: str
    promised_at: datetime | None
    shipped_at: datetime
    delivered_at: datetime | None
    state: str
    reasons: dict[str, Any]
    units: int
    amount_minor: int
    drop_ship: UUID | None = None
    parcels: tuple[str, ...] = ()
    """The carrier's numbers of the parcels that a supplier sent, as he names them."""


def _shipment(row: Sequence[Any]) -> ShipmentRow:
    values = [*row[:-1], tuple(row[-1])]
    return ShipmentRow(*values)


def of_order(order: UUID) -> list[ShipmentRow]:
    """The shipments of an order, the first sent first."""
    return [
        _shipment(row)
        for row in sql.run(_SHIPMENTS + "WHERE h.order_id = %(order)s::uuid ORDER BY h.id", {"order": order})
    ]


def shipment(shipment_id: UUID) -> ShipmentRow | None:
    """One shipment; None where there is none of that id."""
    rows = sql.run(_SHIPMENTS + "WHERE h.id = %(id)s::uuid", {"id": shipment_id})
    return _shipment(rows[0]) if rows else None


def shipments(company: int, *, after: UUID | None = None, limit: int = 50) -> list[ShipmentRow]:
    """Shipments, the latest first, behind the shipment `after`."""
    params = {"company": company, "after": after, "limit": limit}
    return [_shipment(row) for row in sql.run(_SHIPMENTS + _PAGE, params)]


@dataclass(frozen=True, slots=True)
class ShipmentLineRow:
    line: UUID
    sku: UUID
    sku_code: str
    quantity: int
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int


def lines(shipment_id: UUID) -> list[ShipmentLineRow]:
    """What a shipment holds, in the order of the order's lines."""
    return [ShipmentLineRow(*row) for row in sql.run(_LINES, {"id": shipment_id})]


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label with what it says; where it goes is in the vault under `address`."""

    id: UUID
    shipment: UUID
    package: UUID
    package_number: str
    order_number: str
    carrier: str
    service: str
    tracking: str
    weight_g: int
    state: str
    printed_at: datetime
    manifest: UUID | None
    manifest_number: str
    company: int
    node_name: str
    node_postal_code: str
    node_country: str
    address: UUID | None
    picture: str
    """Where the carrier's own label is, where it was bought: a web address, or the label itself in one."""
    missed_at: datetime | None
    """The cut-off of the collection that left it behind."""
    purchase: str = ""
    """What became of asking the carrier for it; '' where nobody has."""
    problem: str = ""
    may_settle: bool = False
    """Nobody knows whether it was bought, and nobody is asked any more: a person has to look."""

    @property
    def is_to_come(self) -> bool:
        """Nothing may be printed of it yet: its package waits for the one that is bought."""
        return self.state == "awaited" and not self.picture


def labels(
    *, shipment: UUID | None = None, label: UUID | None = None, manifest: UUID | None = None
) -> list[LabelRow]:
    """Labels of a shipment or a manifest, or one of them; voided ones too, in the order of printing."""
    params = {"shipment": shipment, "label": label, "manifest": manifest}
    return [LabelRow(*row) for row in sql.run(_LABELS, params)]


@dataclass(frozen=True, slots=True)
class ConsignmentRow:
    """A packed fulfillment that stands in the house until its labels are bought: of its `packages` so many are, so many
    are asked for, were refused, or are in doubt; of the others nobody has asked. `problem`: what a carrier said last.
    """

    id: UUID
    number: str
    fulfillment: UUID
    fulfillment_number: str
    order: UUID
    order_number: str
    node_code: str
    carrier: str
    service: str
    source: str
    asked_at: datetime
    leave_by: datetime | None
    packages: int
    bought: int
    asked: int
    failed: int
    doubted: int
    problem: str

    @property
    def stage(self) -> str:
        """What of it matters most to a person."""
        if self.doubted or self.failed:
            return "in doubt" if self.doubted else "failed"
        is_bought = 0 < self.packages == self.bought
        return "asked" if self.asked else "bought" if is_bought else "not asked"


def consignments(
    company: int, *, limit: int = 100, fulfillments: Collection[UUID] | None = None
) -> list[ConsignmentRow]:
    """What is packed and has not left since its labels are not bought, or may not leave with them: what has to leave
    first the first. Or that of some fulfillments. 1 statement."""
    of = None if fulfillments is None else list(fulfillments)
    params = {"company": company, "limit": limit, "fulfillments": of}
    return [ConsignmentRow(*row) for row in sql.run(_CONSIGNMENTS, params)]


def unsettled(fulfillment: UUID) -> list[LabelRow]:
    """Labels that were asked for to let a fulfillment leave, and of which nobody knows whether they were bought: also
    where it was opened or cancelled since. 2 statements, 1 for none."""
    found = sql.run(_CONSIGNMENT_OF, {"fulfillment": fulfillment})
    return [label for (which,) in found for label in labels(shipment=which) if label.may_settle]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Labels of a carrier at a node that are on no manifest yet."""

    node: UUID
    node_code: str
    carrier: str
    labels: int
    weight_g: int
    missed: int
    """Those that a collection has left behind, since `missed_at`."""
    missed_at: datetime | None


def waiting(company: int) -> list[Waiting]:
    """What carriers will collect, by node and carrier."""
    return [Waiting(*row) for row in sql.run(_WAITING, {"company": company})]


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A package that a collection left behind and that waits still."""

    label: UUID
    shipment: UUID
    fulfillment: UUID
    order: UUID
    order_number: str
    package: str
    node_code: str
    carrier: str
    tracking: str
    promised_at: datetime | None
    missed_at: datetime


def left_behind(company: int, *, limit: int = 100) -> list[LeftBehind]:
    """What carriers left behind, of what is promised first the first. 1 statement."""
    return [LeftBehind(*row) for row in sql.run(_LEFT_BEHIND, {"company": company, "limit": limit})]


KEPT_HERE = "data:"
"""Stands for the address of a paper that we keep, since an adapter gave the paper itself."""


class FormRow(NamedTuple):
    """What an adapter made of a manifest; the carrier's paper is at `url` once it is made, or `KEPT_HERE`."""

    source: str
    state: str
    url: str
    problem: str

    @property
    def is_through(self) -> bool:
        return self.state in FORM_THROUGH


@dataclass(frozen=True, slots=True)
class ManifestRow:
    id: UUID
    number: str
    company: int
    node_code: str
    node_name: str
    carrier: str
    labels: int
    weight_g: int
    closed_at: datetime
    closed_by: str
    forms: tuple[FormRow, ...] = ()


def manifests(company: int, *, after: UUID | None = None, limit: int = 50) -> list[ManifestRow]:
    """Closed manifests, the latest first, behind the manifest `after`."""
    return _manifests({"company": company, "after": after, "limit": limit, "id": None})


def manifest(manifest_id: UUID, company: int) -> ManifestRow | None:
    """One manifest of a company; None where there is none of that id."""
    found = _manifests({"company": company, "after": None, "limit": 1, "id": manifest_id})
    return found[0] if found else None


def form(manifest_id: UUID, source: str, company: int) -> tuple[str, str] | None:
    """The number of a manifest, and the address of the carrier's paper, whole; None where none is made. 1 statement."""
    found = sql.run(_FORM, {"id": manifest_id, "source": source, "company": company})
    return (found[0][0], found[0][1]) if found else None


def _manifests(params: dict[str, Any]) -> list[ManifestRow]:
    return [
        ManifestRow(*[*row, tuple(FormRow(*one) for one in forms)])
        for *row, forms in sql.run(_MANIFESTS, params)
    ]


@dataclass(frozen=True, slots=True)
class CarrierEventRow:
    """What a carrier said."""

    tracking: str
    kind: str
    message: str
    place: str
    occurred_at: datetime


def carrier_events(shipment_id: UUID) -> list[CarrierEventRow]:
    """What carriers said of a shipment, by when it happened, whenever they told it."""
    return [CarrierEventRow(*row) for row in sql.run(_CARRIER_EVENTS, {"id": shipment_id})]


def last_told(shipments: Collection[UUID], limit: int = 40) -> dict[UUID, list[CarrierEventRow]]:
    """What carriers said last of shipments, each by its id: at most `limit` of one, the latest first. 1 statement; none
    for none."""
    found: dict[UUID, list[CarrierEventRow]] = {}
    for which, *event in sql.run(_LAST_TOLD, {"ids": sorted(shipments), "limit": limit}) if shipments else ():
        found.setdefault(which, []).append(CarrierEventRow(*event))
    return found


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim to a carrier; `reshipped` is the order by which the goods were sent again. One that is about no shipment
    (`subject_kind`) is about the parcel of the number `tracking`."""

    id: UUID
    number: str
    shipment: UUID | None
    shipment_number: str
    order: UUID
    order_number: str
    carrier: str
    kind: str
    currency: str
    amount_minor: int
    agreed_minor: int
    credited_minor: int
    state: str
    due_on: date
    reference: str
    reason: str
    reshipped: UUID | None
    reshipped_number: str
    subject_kind: str
    tracking: str


def claims(
    company: int,
    *,
    after: UUID | None = None,
    limit: int = 50,
    shipment: UUID | None = None,
    ids: Sequence[UUID] | None = None,
) -> list[ClaimRow]:
    """Claims to carriers, the latest first, behind the claim `after`; or those for a shipment, or of some `ids`."""
    some = None if ids is None else list(ids)
    params = {"company": company, "after": after, "limit": limit, "shipment": shipment, "ids": some}
    return [ClaimRow(*row) for row in sql.run(_CLAIMS, params)]


def currency_of_claim(company: int, which: UUID) -> str | None:
    """What the amounts of a claim are in; None for no claim of the company."""
    found = sql.run(_CURRENCY_OF_CLAIM, {"company": company, "claim": which})
    return found[0][0] if found else None


def currency_of_shipment(company: int, which: UUID) -> str | None:
    """What is claimed for a shipment is in the money of its order; None for no shipment of the company."""
    found = sql.run(_CURRENCY_OF_SHIPMENT, {"company": company, "shipment": which})
    return found[0][0] if found else None


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the promises of a carrier's service: shipments that arrived, of those late, and the hours by which
    they came after their promise on average; those still on their way past it."""

    carrier: str
    service: str
    delivered: int
    late: int
    hours_late: int
    overdue: int


def kept(company: int, *, since: datetime, now: datetime) -> list[Kept]:
    """Promises against what happened, of shipments that left since a moment and had one."""
    return [Kept(*row) for row in sql.run(_KEPT, {"company": company, "since": since, "now": now})]


def totals(company: int) -> dict[str, int]:
    """Shipments, units, and what carriage costs, in all."""
    row = sql.run(_TOTALS, {"company": company})[0]
    return {"shipments": row[0], "units": row[1], "carriage_minor": row[2]}


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = {
        "shipments": "shipping_shipment",
        "shipment lines": "shipping_shipmentline",
        "labels": "shipping_label",
        "claims": "shipping_claim",
    }
    return {name: sql.run(f"SELECT count(*) FROM {table}")[0][0] for name, table in tables.items()}


def discrepancies() -> list[str]:
    """Sentences about shipments that disagree with fulfillments, stock, orders or the journal; [] when all is right."""
    return [sentence for statement in _WRONG for (sentence,) in sql.run(statement)]


_SHIPMENTS = """
SELECT h.id, h.number, h.order_id, o.number, h.fulfillment_id, COALESCE(n.code, b.code), h.carrier,
       COALESCE(s.code, ''), h.tracking, h.zone, h.cost_minor, h.currency, h.promised_at, h.shipped_at, h.delivered_at,
       h.state, h.reasons, l.units, l.amount, h.drop_ship_id,
       ARRAY(SELECT p.tracking FROM shipping_parcel AS p WHERE p.shipment_id = h.id ORDER BY p.place)
FROM shipping_shipment AS h
JOIN orders_order AS o ON o.id = h.order_id
LEFT JOIN network_node AS n ON n.id = h.node_id
LEFT JOIN purchasing_dropship AS d ON d.id = h.drop_ship_id
LEFT JOIN parties_supplier AS b ON b.id = d.supplier_id
LEFT JOIN carriage_service AS s ON s.id = h.service_id
CROSS JOIN LATERAL (
    SELECT sum(quantity)::int AS units, sum(goods_minor - discount_minor + shipping_minor + tax_minor)::bigint AS amount
    FROM shipping_shipmentline WHERE shipment_id = h.id) AS l
"""

_PAGE = """
WHERE h.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR h.id < %(after)s::uuid)
ORDER BY h.id DESC LIMIT %(limit)s::int
"""

_LINES = """
SELECT l.line_id, l.sku_id, o.sku_code, l.quantity, l.goods_minor, l.discount_minor, l.shipping_minor, l.tax_minor
FROM shipping_shipmentline AS l JOIN orders_line AS o ON o.id = l.line_id
WHERE l.shipment_id = %(id)s::uuid ORDER BY o.number
"""

_TOTALS = """
SELECT count(*), COALESCE(sum(l.units), 0)::bigint, COALESCE(sum(h.cost_minor), 0)::bigint
FROM shipping_shipment AS h
CROSS JOIN LATERAL (SELECT sum(quantity) AS units FROM shipping_shipmentline WHERE shipment_id = h.id) AS l
WHERE h.company_id = %(company)s::smallint
"""

_CARRIER_EVENTS = """
SELECT tracking, kind, message, place, occurred_at FROM shipping_carrierevent
WHERE shipment_id = %(id)s::uuid ORDER BY occurred_at, id
"""

_LAST_TOLD = """
SELECT d.id, e.tracking, e.kind, e.message, e.place, e.occurred_at FROM unnest(%(ids)s::uuid[]) AS d(id)
CROSS JOIN LATERAL (SELECT * FROM shipping_carrierevent AS e WHERE e.shipment_id = d.id
                    ORDER BY e.occurred_at DESC, e.id DESC LIMIT %(limit)s::int) AS e
ORDER BY d.id, e.occurred_at DESC, e.id DESC
"""

_CLAIMS = """
SELECT c.id, c.number, c.shipment_id, COALESCE(h.number, ''), o.id, o.number, c.carrier, c.kind, c.currency::text,
       c.amount_minor, c.agreed_minor, c.credited_minor, c.state, c.due_on, c.reference, c.reason, r.order_id,
       COALESCE(x.number, ''), c.subject_kind, c.tracking
FROM shipping_claim AS c
LEFT JOIN shipping_shipment AS h ON h.id = c.shipment_id
JOIN orders_order AS o ON o.id = COALESCE(h.order_id, c.order_id)
LEFT JOIN shipping_reshipment AS r ON r.shipment_id = c.shipment_id
LEFT JOIN orders_order AS x ON x.id = r.order_id
WHERE c.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR c.id < %(after)s::uuid)
  AND (%(shipment)s::uuid IS NULL OR c.shipment_id = %(shipment)s::uuid)
  AND (%(ids)s::uuid[] IS NULL OR c.id = ANY(%(ids)s::uuid[]))
ORDER BY c.id DESC LIMIT %(limit)s::int
"""

_CURRENCY_OF_SHIPMENT = """
SELECT o.currency::text FROM shipping_shipment AS h JOIN orders_order AS o ON o.id = h.order_id
WHERE h.company_id = %(company)s::smallint AND h.id = %(shipment)s::uuid
"""

_CURRENCY_OF_CLAIM = """
SELECT currency::text FROM shipping_claim WHERE company_id = %(company)s::smallint AND id = %(claim)s::uuid
"""

_KEPT = """
SELECT h.carrier, COALESCE(s.code, ''), count(h.delivered_at)::int,
       count(*) FILTER (WHERE h.delivered_at > h.promised_at)::int,
       COALESCE(round(avg(extract(epoch FROM h.delivered_at - h.promised_at) / 3600)
                      FILTER (WHERE h.delivered_at > h.promised_at)), 0)::int,
       count(*) FILTER (WHERE h.delivered_at IS NULL AND h.promised_at < %(now)s::timestamptz)::int
FROM shipping_shipment AS h LEFT JOIN carriage_service AS s ON s.id = h.service_id
WHERE h.company_id = %(company)s::smallint AND h.shipped_at >= %(since)s::timestamptz AND h.promised_at IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
"""

BEARS = """
SELECT id FROM shipping_shipment WHERE company_id = d.company AND tracking = d.number AND tracking <> ''
UNION SELECT shipment_id FROM shipping_label WHERE company_id = d.company AND tracking = d.number
UNION SELECT shipment_id FROM shipping_parcel WHERE company_id = d.company AND tracking = d.number
"""
"""Shipments that bear, or ever bore, the carrier's number that a row `d` of (company, number) asks for."""


def is_ours(number: str) -> str:
    """The condition that a number is what we gave a label of shipment `h` for want of a carrier's."""
    return f"({number} = h.number OR starts_with({number}, h.number || '-'))"


STILL_ASKED = """
EXISTS (SELECT FROM kernel_delivery AS d
        WHERE d.subject_id = l.id AND d.topic = 'carrier.buy' AND d.state = 'waiting')
"""
"""Whether an adapter will be asked for label `l`, once more or at all."""

LABELED = """
(c.state = 'labeling'
 AND EXISTS (SELECT FROM warehouse_package AS o WHERE o.fulfillment_id = c.fulfillment_id AND o.voided_at IS NULL)
 AND NOT EXISTS (
    SELECT FROM warehouse_package AS w
    WHERE w.fulfillment_id = c.fulfillment_id AND w.voided_at IS NULL
      AND NOT EXISTS (SELECT FROM shipping_label AS x JOIN shipping_purchase AS y ON y.label_id = x.id
                      WHERE x.shipment_id = c.id AND x.package_id = w.id AND x.state <> 'voided'
                        AND y.state = 'bought')))
"""
"""Whether the label of each package of consignment `c` is bought: of those that are closed, of which there are some."""

_LABELS = f"""
SELECT l.id, l.shipment_id, l.package_id, p.number, o.number, l.carrier, COALESCE(s.name, ''), l.tracking, l.weight_g,
       l.state, l.printed_at, l.manifest_id, COALESCE(m.number, ''), l.company_id::int, n.name, n.postal_code,
       n.country, o.address_id, COALESCE(CASE b.state WHEN 'bought' THEN b.label_url END, ''),
       CASE l.state WHEN 'printed' THEN l.missed_at END, COALESCE(b.state, ''), COALESCE(b.problem, ''),
       COALESCE(b.state = 'in doubt' OR b.state = 'asked' AND l.state = 'voided' AND NOT {STILL_ASKED}, FALSE)
FROM shipping_label AS l
LEFT JOIN shipping_purchase AS b ON b.label_id = l.id
LEFT JOIN shipping_shipment AS h ON h.id = l.shipment_id
LEFT JOIN shipping_consignment AS c ON c.id = l.shipment_id
JOIN orders_order AS o ON o.id = COALESCE(h.order_id, c.order_id)
JOIN warehouse_package AS p ON p.id = l.package_id
JOIN network_node AS n ON n.id = l.node_id
LEFT JOIN carriage_service AS s ON s.id = COALESCE(h.service_id, c.service_id)
LEFT JOIN shipping_manifest AS m ON m.id = l.manifest_id
WHERE l.shipment_id = %(shipment)s::uuid OR l.id = %(label)s::uuid OR l.manifest_id = %(manifest)s::uuid
ORDER BY l.id
"""

_CONSIGNMENT_OF = "SELECT id FROM shipping_consignment WHERE fulfillment_id = %(fulfillment)s::uuid"

_CONSIGNMENTS = """
SELECT c.id, c.number, f.id, f.number, o.id, o.number, n.code, c.carrier, s.code, split_part(s.live, ':', 1),
       c.asked_at, f.leave_by, k.packages, k.bought, k.asked, k.failed, k.doubted, k.problem
FROM shipping_consignment AS c
JOIN warehouse_fulfillment AS f ON f.id = c.fulfillment_id
JOIN orders_order AS o ON o.id = c.order_id
JOIN network_node AS n ON n.id = c.node_id
JOIN carriage_service AS s ON s.id = c.service_id
CROSS JOIN LATERAL (
    SELECT count(*)::int AS packages, (count(*) FILTER (WHERE b.state = 'bought'))::int AS bought,
           (count(*) FILTER (WHERE b.state = 'asked'))::int AS asked,
           (count(*) FILTER (WHERE b.state = 'failed'))::int AS failed,
           (count(*) FILTER (WHERE b.state = 'in doubt'))::int AS doubted, COALESCE(max(b.problem), '') AS problem
    FROM warehouse_package AS p
    LEFT JOIN shipping_label AS l ON l.shipment_id = c.id AND l.package_id = p.id AND l.state <> 'voided'
    LEFT JOIN shipping_purchase AS b ON b.label_id = l.id
    WHERE p.fulfillment_id = c.fulfillment_id AND p.voided_at IS NULL) AS k
WHERE c.company_id = %(company)s::smallint AND c.state = 'labeling' AND f.state = 'packed'
  AND (%(fulfillments)s::uuid[] IS NULL OR c.fulfillment_id = ANY(%(fulfillments)s::uuid[]))
ORDER BY f.leave_by NULLS LAST, c.id LIMIT %(limit)s::int
"""

_WAITING = """
SELECT l.node_id, n.code, l.carrier, count(*)::int, sum(l.weight_g)::bigint, count(l.missed_at)::int,
       min(l.missed_at)
FROM shipping_label AS l JOIN network_node AS n ON n.id = l.node_id
WHERE l.company_id = %(company)s::smallint AND l.state = 'printed'
GROUP BY l.node_id, n.code, l.carrier ORDER BY n.code, l.carrier
"""

_LEFT_BEHIND = """
SELECT l.id, h.id, h.fulfillment_id, h.order_id, o.number, p.number, n.code, l.carrier, l.tracking, h.promised_at,
       l.missed_at
FROM shipping_label AS l
JOIN shipping_shipment AS h ON h.id = l.shipment_id
JOIN orders_order AS o ON o.id = h.order_id
JOIN warehouse_package AS p ON p.id = l.package_id
JOIN network_node AS n ON n.id = l.node_id
WHERE l.company_id = %(company)s::smallint AND l.state = 'printed' AND l.missed_at IS NOT NULL
ORDER BY h.promised_at, l.id LIMIT %(limit)s::int
"""

_MANIFESTS = f"""
SELECT m.id, m.number, m.company_id::int, n.code, n.name, m.carrier, m.labels, m.weight_g, m.closed_at, m.closed_by,
       COALESCE((SELECT jsonb_agg(jsonb_build_array(source, state,
                                CASE WHEN url LIKE '{KEPT_HERE}%%' THEN '{KEPT_HERE}' ELSE url END, problem)
                           ORDER BY source)
                 FROM shipping_manifestform WHERE manifest_id = m.id), '[]')
FROM shipping_manifest AS m JOIN network_node AS n ON n.id = m.node_id
WHERE m.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR m.id < %(after)s::uuid)
  AND (%(id)s::uuid IS NULL OR m.id = %(id)s::uuid)
ORDER BY m.id DESC LIMIT %(limit)s::int
"""

_FORM = """
SELECT m.number, f.url FROM shipping_manifest AS m JOIN shipping_manifestform AS f ON f.manifest_id = m.id
WHERE m.id = %(id)s::uuid AND m.company_id = %(company)s::smallint AND f.source = %(source)s::text AND f.url <> ''
"""

_WRONG = (
    # invariant 11: parcels with numbers of their carrier are those of what suppliers sent
    """
    SELECT format('shipment %s has parcels of a supplier, and left a node', h.number)
    FROM shipping_shipment AS h
    WHERE h.drop_ship_id IS NULL AND EXISTS (SELECT FROM shipping_parcel AS p WHERE p.shipment_id = h.id)
    UNION ALL
    SELECT format('parcel %s is of no shipment of its company', p.tracking) FROM shipping_parcel AS p
    WHERE NOT EXISTS (SELECT FROM shipping_shipment AS h WHERE (h.id, h.company_id) = (p.shipment_id, p.company_id))
    """,
    # invariant 13: claims in the books are what carriers agreed to, and the receivable what they have not credited yet
    """
    SELECT format('company %s: account 1180 holds %s %s, agreed claims make %s', company_id, COALESCE(b.balance, 0),
                  currency, COALESCE(c.amount, 0))
    FROM (SELECT company_id, currency::text, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_balance
          WHERE account = 1180 GROUP BY 1, 2) AS b
    FULL JOIN (SELECT company_id, currency::text, sum(agreed_minor - credited_minor)::bigint AS amount
               FROM shipping_claim GROUP BY 1, 2) AS c USING (company_id, currency)
    WHERE COALESCE(b.balance, 0) <> COALESCE(c.amount, 0)
    """,
    # invariant 11: what is known of a service's time is what arrived with it
    """
    SELECT format('of service %s, node %s, zone %s, timed by %s, %s shipments arrived, its history counts %s',
                  service_id, node_id, zone, timed_by, COALESCE(h.shipments, 0), COALESCE(t.shipments, 0))
    FROM (SELECT service_id, node_id, zone, COALESCE(reasons #>> '{candidates,0,timed_by}', 'table') AS timed_by,
                 count(*) AS shipments
          FROM shipping_shipment WHERE state = 'delivered' AND service_id IS NOT NULL GROUP BY 1, 2, 3, 4) AS h
    FULL JOIN (SELECT service_id, node_id, zone, timed_by, sum(shipments) AS shipments FROM shipping_transit
               GROUP BY 1, 2, 3, 4) AS t USING (service_id, node_id, zone, timed_by)
    WHERE h.shipments IS DISTINCT FROM t.shipments
    """,
    # invariant 8: a manifest lists what it says, of its carrier and node
    """
    SELECT format('manifest %s has %s labels of %s g, its labels say %s of %s g', m.number, m.labels, m.weight_g,
                  COALESCE(l.labels, 0), COALESCE(l.weight_g, 0))
    FROM shipping_manifest AS m
    LEFT JOIN (SELECT manifest_id, company_id, node_id, carrier, count(*) AS labels, sum(weight_g) AS weight_g
               FROM shipping_label WHERE manifest_id IS NOT NULL GROUP BY 1, 2, 3, 4) AS l
      ON (l.manifest_id, l.company_id, l.node_id, l.carrier) = (m.id, m.company_id, m.node_id, m.carrier)
    WHERE (m.labels, m.weight_g) IS DISTINCT FROM (COALESCE(l.labels, 0), COALESCE(l.weight_g, 0))
    """,
    # invariant 9: a label in force is of a package of its shipment
    """
    SELECT format('label %s is of a package that is not of its shipment', l.tracking)
    FROM shipping_label AS l
    JOIN shipping_shipment AS h ON h.id = l.shipment_id
    LEFT JOIN warehouse_package AS p ON p.id = l.package_id AND p.fulfillment_id = h.fulfillment_id
    WHERE l.state <> 'voided' AND (p.id IS NULL OR p.voided_at IS NOT NULL)
    """,
    # invariant 21: what waits for its labels has not left, and only such labels are awaited
    """
    SELECT format('consignment %s waits for labels, and fulfillment %s is %s', c.number, f.number, f.state)
    FROM shipping_consignment AS c JOIN warehouse_fulfillment AS f ON f.id = c.fulfillment_id
    WHERE f.state = 'shipped'
       -- It is stopped some minutes after its packages were opened.
       OR f.state = 'cancelled' AND c.state = 'labeling'
          AND NOT EXISTS (SELECT FROM warehouse_package AS p
                          WHERE p.fulfillment_id = f.id AND p.voided_at > now() - interval '1 hour')
    UNION ALL
    SELECT format('label %s is awaited, and nothing waits for it', l.tracking) FROM shipping_label AS l
    WHERE l.state = 'awaited'
      AND NOT EXISTS (SELECT FROM shipping_consignment AS c WHERE c.id = l.shipment_id AND c.state = 'labeling')
    """,
    # invariant 1: every shipped fulfillment has its shipment, and the other way round
    """
    SELECT format('fulfillment %s is %s, shipment %s', f.number, f.state, COALESCE(h.number, 'absent'))
    FROM warehouse_fulfillment AS f FULL JOIN shipping_shipment AS h ON h.fulfillment_id = f.id
    WHERE (f.state = 'shipped') IS DISTINCT FROM (h.id IS NOT NULL) AND h.drop_ship_id IS NULL
    """,
    # invariant 2: what left stock for a shipment is what its lines say
    """
    SELECT format('shipment %s: %s units, its moves took %s', h.number, COALESCE(l.units, 0), COALESCE(m.units, 0))
    FROM shipping_shipment AS h
    LEFT JOIN (SELECT shipment_id, sum(quantity) AS units FROM shipping_shipmentline GROUP BY 1) AS l
      ON l.shipment_id = h.id
    LEFT JOIN (SELECT document_id, sum(quantity) AS units FROM stock_move
               WHERE document_kind = 'shipment' AND to_place = 'customer' GROUP BY 1) AS m ON m.document_id = h.id
    WHERE COALESCE(l.units, 0) <> COALESCE(m.units, 0)
    """,
    # invariant 3: an order line's units that left, and that arrived, are those of its shipments
    """
    SELECT format('line %s: %s units gone and %s of them delivered, its shipments say %s and %s', k.id, k.gone,
                  k.delivered, COALESCE(h.gone, 0), COALESCE(h.delivered, 0))
    FROM (SELECT id, shipped + delivered AS gone, delivered FROM orders_line WHERE kind = 'goods') AS k
    LEFT JOIN (SELECT l.line_id, sum(l.quantity) AS gone,
                      sum(l.quantity) FILTER (WHERE h.state = 'delivered') AS delivered
               FROM shipping_shipmentline AS l JOIN shipping_shipment AS h ON h.id = l.shipment_id GROUP BY 1) AS h
      ON h.line_id = k.id
    WHERE (k.gone, k.delivered) <> (COALESCE(h.gone, 0), COALESCE(h.delivered, 0))
    """,
    # invariant 4: a line that left whole bears its frozen amounts, whatever the shipments
    """
    SELECT format('line %s left whole; its shipments bear %s, frozen are %s', o.id, (h.g, h.d, h.s, h.t),
                  (o.gross_minor, o.discount_minor, o.shipping_minor, o.tax_minor))
    FROM orders_line AS o
    JOIN (SELECT line_id, sum(quantity) AS units, sum(goods_minor) AS g, sum(discount_minor) AS d,
                 sum(shipping_minor) AS s, sum(tax_minor) AS t FROM shipping_shipmentline GROUP BY 1) AS h
      ON h.line_id = o.id AND h.units = o.quantity
    WHERE (h.g, h.d, h.s, h.t) <> (o.gross_minor, o.discount_minor, o.shipping_minor, o.tax_minor)
    """,
    # invariant 5: revenue in the journal is what the shipments bear
    """
    SELECT format('shipment %s bears %s, the journal has %s', h.number, l.amount, COALESCE(j.amount, 0))
    FROM shipping_shipment AS h
    JOIN (SELECT shipment_id, sum(goods_minor - discount_minor + shipping_minor + tax_minor) AS amount
          FROM shipping_shipmentline GROUP BY 1) AS l ON l.shipment_id = h.id
    LEFT JOIN (SELECT document_id, -sum(amount_minor) AS amount FROM ledger_line
               WHERE document_kind = 'shipment' AND kind LIKE 'sale.%%' GROUP BY 1) AS j ON j.document_id = h.id
    WHERE l.amount <> COALESCE(j.amount, 0)
    """,
    # invariant 6: services are in the journal when they are performed, and not before
    """
    SELECT format('services of order %s: %s performed, the journal has %s', COALESCE(l.order_id, j.document_id),
                  COALESCE(l.amount, 0), COALESCE(j.amount, 0))
    FROM (SELECT order_id, sum(gross_minor - discount_minor + shipping_minor + tax_minor) AS amount FROM orders_line
          WHERE kind <> 'goods' AND shipped + delivered = quantity GROUP BY 1) AS l
    FULL JOIN (SELECT document_id, -sum(amount_minor) AS amount FROM ledger_line
               WHERE document_kind = 'order' AND kind LIKE 'sale.%%' GROUP BY 1) AS j ON j.document_id = l.order_id
    WHERE COALESCE(l.amount, 0) <> COALESCE(j.amount, 0)
    """,
    # invariant 7: carriage is accrued at the rate that was chosen
    f"""
    SELECT format('shipment %s costs %s to carry, accrued are %s', h.number, h.cost_minor, COALESCE(j.amount, 0))
    FROM shipping_shipment AS h
    LEFT JOIN (SELECT document_id, sum(amount_minor) AS amount FROM ledger_line AS b
               WHERE document_kind = 'shipment' AND kind = 'carriage' AND {plays("b", 5500)} GROUP BY 1) AS j
      ON j.document_id = h.id
    WHERE h.cost_minor <> COALESCE(j.amount, 0)
    """,
    # invariant 11: what suppliers have sent is on the shipments of their orders, line by line
    """
    SELECT format('drop-ship order %s, line %s: %s units sent, its shipments say %s', d.number, l.number, l.shipped,
                  COALESCE(h.units, 0))
    FROM purchasing_dropshipline AS l
    JOIN purchasing_dropship AS d ON d.id = l.drop_ship_id
    LEFT JOIN (SELECT h.drop_ship_id, s.line_id, sum(s.quantity) AS units
               FROM shipping_shipment AS h JOIN shipping_shipmentline AS s ON s.shipment_id = h.id
               WHERE h.drop_ship_id IS NOT NULL GROUP BY 1, 2) AS h
      ON h.drop_ship_id = l.drop_ship_id AND h.line_id = l.line_id
    WHERE l.shipped <> COALESCE(h.units, 0)
    """,
    # invariant 12: and owed to them at the agreed cost, as goods received and not invoiced
    f"""
    SELECT format('drop-ship order %s: what was sent of it costs %s, its moves %s, account 2050 was credited %s',
                  d.number, l.due, COALESCE(m.value, 0), COALESCE(j.owed, 0))
    FROM purchasing_dropship AS d
    JOIN (SELECT l.drop_ship_id, sum(round(l.shipped * l.unit_cost * {SCALE})) AS due
          FROM purchasing_dropshipline AS l JOIN purchasing_dropship AS p ON p.id = l.drop_ship_id GROUP BY 1) AS l
      ON l.drop_ship_id = d.id
    LEFT JOIN (SELECT h.drop_ship_id, sum(m.value_minor) AS value
               FROM shipping_shipment AS h JOIN stock_move AS m ON m.document_id = h.id AND m.from_place = 'supplier'
               WHERE h.drop_ship_id IS NOT NULL GROUP BY 1) AS m ON m.drop_ship_id = d.id
    LEFT JOIN (SELECT h.drop_ship_id, -sum(b.functional_minor) AS owed
               FROM shipping_shipment AS h JOIN ledger_line AS b ON b.document_id = h.id AND b.account = 2050
               WHERE h.drop_ship_id IS NOT NULL GROUP BY 1) AS j ON j.drop_ship_id = d.id
    WHERE (l.due, l.due) <> (COALESCE(m.value, 0), COALESCE(j.owed, 0))
    """,
)
