"""What waits to be packed, and how it would best be: read for the command that packs and the page that proposes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from msgspec import Meta

from entrepot.kernel import policies, sql
from entrepot.kernel.errors import Refused
from entrepot.kernel.shapes import shape
from entrepot.network.rules import local_day
from entrepot.stock.errors import SerialElsewhere
from entrepot.warehouse import dunnage, rules
from entrepot.warehouse.cartons import (
    OWN,
    SUPPORT_PERCENT,
    Carton,
    Item,
    Packed,
    Proposal,
    by_volume,
    proposed,
)
from entrepot.warehouse.errors import LotExpired, SerialIsOut
from entrepot.warehouse.proof import Verify, Weigh


@shape(
    "warehouse.packing",
    weight_tolerance_percent=(0, 100),
    dunnage_from_percent=(0, 100),
    support_percent=(0, 100),
    weigh_from_minor=(0, 10**15),
)
@dataclass(frozen=True, slots=True)
class Packing:
    """How a node packs: its scope is the node's code, without one it is for all nodes. By how much what the scale says
    may differ from what the catalog says: the greater of the two counts. And what fills the room that goods leave in a
    carton: from how many percent of emptiness on, and the grams of a liter of it; 0 grams: nothing does."""

    weight_tolerance_percent: int = 10
    weight_tolerance_g: int = 100
    dunnage_from_percent: int = 10
    dunnage_g_per_liter: int = 0
    support_percent: int = SUPPORT_PERCENT
    """Of its base each unit in a proposed carton stands on the floor or on others with so many percent at least; 0: it
    may stand on a corner, for packers who fill up what is below."""
    verify: Verify = "none"
    """What has to be scanned before it is packed: nothing, one unit of each `sku`, or every `unit`."""
    weigh: Weigh = "never"
    """Whether each package has to be on a scale: never, where the goods are worth `weigh_from_minor` or more in the
    currency of their order (`above_value`), or always."""
    weigh_from_minor: Annotated[int, Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        if min(self.weight_tolerance_percent, self.weight_tolerance_g) < 0:
            raise ValueError("tolerances: expected 0 or more")
        if not 0 <= self.dunnage_from_percent <= 100 or not 0 <= self.dunnage_g_per_liter <= 1_000:
            raise ValueError("dunnage_from_percent: expected 0 to 100; dunnage_g_per_liter: 0 to 1000")
        if not 0 <= self.support_percent <= 100:
            raise ValueError("support_percent: expected 0 to 100")


class Contents(NamedTuple):
    """Units of an order line that were picked, each with what the catalog says of it. `to_note`: how many of them have
    serial numbers that nobody has read yet; None where the SKU's are not noted."""

    line: UUID
    sku: UUID
    units: int
    item: Item
    to_note: int | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A package that could be made: its carton, units by line, and where they stand in it; None: nobody knows."""

    carton: Carton
    units: Mapping[UUID, int]
    packed: Packed | None = None
    proposed: str = ""


@dataclass(slots=True)
class Cartons:
    """The cartons of a company, and those of them that are not too large for every carrier: only these are proposed.
    Alike contents are thought about once."""

    registered: Sequence[Carton]
    carried: Sequence[Carton]
    _thought: dict[tuple[int, tuple[Item, ...]], Proposal | None] = field(default_factory=dict)

    @property
    def usable(self) -> Sequence[Carton]:
        return self.registered or rules.CARTONS

    def find(self, code: str) -> Carton | None:
        return next((one for one in self.usable if one.code == code), None)

    def propose(self, items: Sequence[Item], support: int) -> Proposal | None:
        """Where each item goes, with `support` percent of its base on something; None where nobody registered cartons,
        or the items are not measured or too many."""
        key = (support, tuple(items))
        if key not in self._thought:
            self._thought[key] = proposed(items, self.carried or self.registered, support)
        return self._thought[key]


def contents(fulfillments: Collection[UUID]) -> dict[UUID, list[Contents]]:
    """What was picked of fulfillments; alike contents in the same order. One statement."""
    found: dict[UUID, list[Contents]] = {}
    for fulfillment, line, sku, units, to_note, *facts in sql.run(_CONTENTS, {"ids": list(fulfillments)}):
        found.setdefault(fulfillment, []).append(Contents(line, sku, units, Item(*facts), to_note))
    return found


def elsewhere(units: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], Refused]:
    """Why units (SKU, serial number) can't go out: they did with an order, or stand in a bin. One statement."""
    found: dict[tuple[UUID, str], Refused] = {}
    for sku, serial, code, order, bin_code in sql.run(
        _ELSEWHERE, sql.columns(("skus", "serials"), sorted(units))
    ):
        found[sku, serial] = (
            SerialIsOut(serial=serial, sku=code, order=order)
            if order
            else SerialElsewhere(serial=serial, sku=code, where=bin_code)
        )
    return found


class _Lot(NamedTuple):
    """Picked units of a lot that expires one day, with what is said of them."""

    sku: str
    lot: str
    expires_on: date
    units: int
    fulfillment: str
    order: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Expiring:
    """What was picked of lots that expire, by fulfillment. 1 statement."""

    lots: Mapping[UUID, Sequence[_Lot]]

    @classmethod
    def of(cls, fulfillments: Collection[UUID]) -> Expiring:
        lots: dict[UUID, list[_Lot]] = {}
        for fulfillment, *row in sql.run(_EXPIRING, {"ids": list(fulfillments)}):
            lots.setdefault(fulfillment, []).append(_Lot(*row))
        return cls(lots)

    def refusal(self, fulfillment: UUID, at: datetime) -> Refused | None:
        """Why a fulfillment is not sent at a moment: some of it is not good any more on that day of its node."""
        for one in self.lots.get(fulfillment, ()):
            if one.expires_on < local_day(at, one.time_zone):
                return LotExpired(
                    units=one.units, sku=one.sku, lot=one.lot, expires_on=one.expires_on, fulfillment=one.fulfillment,
                    order=one.order,
                )  # fmt: skip
        return None


def cartons(companies: Collection[int]) -> dict[int, Cartons]:
    """The cartons in use of companies. One statement."""
    found: dict[int, Cartons] = {company: Cartons([], []) for company in companies}
    for company, is_carried, *facts in sql.run(_CARTONS, {"companies": list(companies)}):
        carton = Carton(*facts)
        found[company] = Cartons(
            [*found[company].registered, carton], [*found[company].carried, *[carton] * is_carried]
        )
    return found


def values(fulfillments: Collection[UUID]) -> dict[UUID, int]:
    """What was picked of fulfillments is worth, as sold, in minor units of their orders' currencies. One statement."""
    return dict(sql.run(_VALUES, {"ids": list(fulfillments)}))


def policy_of(company: int, node: str, at: datetime) -> Packing:
    """How a node, by its code, packs. One statement."""
    return policies.of_scope(policies.in_force(company, Packing, at), node, Packing())


def boxes(inside: Sequence[Contents], known: Cartons, policy: Packing) -> list[Box]:
    """The packages to make of contents: as proposed; where nothing can be proposed, by volume and weight."""
    units = [(one.line, one.item) for one in inside for _ in range(one.units)]
    items = [item for _, item in units]
    proposal = known.propose(items, policy.support_percent) if known.registered else None
    if proposal is None:
        return _by_volume(inside, known)
    packed = [
        Box(one.carton, Counter(units[place.item][0] for place in one.places), one, one.carton.code)
        for one in proposal.packed
    ]
    return packed + [
        Box(as_they_are([(units[i][1], 1)]), {units[i][0]: 1}, None, OWN) for i in proposal.unfit
    ]


def _by_volume(inside: Sequence[Contents], known: Cartons) -> list[Box]:
    items = {one.line: one.item for one in inside}
    filled = by_volume([(one.line, one.item, one.units) for one in inside], known.carried or known.usable)
    return [
        Box(one.carton, one.units)
        if one.carton
        else Box(as_they_are([(items[line], count) for line, count in one.units.items()]), one.units)
        for one in filled
    ]


def filling(box: Box, inside: Sequence[Contents], policy: Packing) -> dunnage.Dunnage:
    """What fills the room that the goods of a box leave."""
    units = [(one.item, box.units.get(one.line, 0)) for one in inside]
    return dunnage.needed(box.carton, units, policy.dunnage_from_percent, policy.dunnage_g_per_liter)


def weight(box: Box, inside: Sequence[Contents], policy: Packing) -> int:
    """What a box weighs by the catalog, with its carton and its dunnage."""
    goods = sum(one.item.weight_g * box.units.get(one.line, 0) for one in inside)
    return box.carton.tare_g + filling(box, inside, policy).grams + goods


def as_they_are(units: Sequence[tuple[Item, int]]) -> Carton:
    """What goes in its own packaging, as (item, how many): a carton that costs and weighs nothing more. Several in one
    are strapped on top of each other."""
    here = [(item, count) for item, count in units if count]
    length = max((item.length_mm for item, _ in here), default=0)
    width = max((item.width_mm for item, _ in here), default=0)
    height = sum(item.height_mm * count for item, count in here)
    return Carton(OWN, length, width, height, max(1, sum(item.weight_g * count for item, count in here)))


# Alike contents come in the same order, whatever their keys.
_CONTENTS = """
SELECT l.fulfillment_id, l.line_id, l.sku_id, sum(l.picked)::int,
       CASE WHEN s.serial_policy = 'at_ship' THEN (
           SELECT COALESCE(sum(t.picked), 0)::int FROM warehouse_picktask AS t
           WHERE t.fulfillment_id = l.fulfillment_id AND t.line_id = l.line_id AND t.serial = '') END,
       s.length_mm, s.width_mm, s.height_mm, s.weight_g, s.fragile, s.upright, s.hazardous, s.code
FROM warehouse_fulfillmentline AS l JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE l.fulfillment_id = ANY(%(ids)s::uuid[]) AND l.picked > 0
GROUP BY l.fulfillment_id, l.line_id, l.sku_id, s.id ORDER BY s.code, l.line_id
"""

_VALUES = """
SELECT l.fulfillment_id, sum((o.gross_minor - o.discount_minor) * l.picked / o.quantity)::bigint
FROM warehouse_fulfillmentline AS l JOIN orders_line AS o ON o.id = l.line_id
WHERE l.fulfillment_id = ANY(%(ids)s::uuid[]) AND l.picked > 0 GROUP BY 1
"""

_EXPIRING = """
SELECT f.id, s.code, t.lot, b.expires_on, sum(t.picked)::int, f.number, o.number, n.time_zone
FROM warehouse_fulfillment AS f
JOIN warehouse_picktask AS t ON t.fulfillment_id = f.id AND t.picked > 0
JOIN stock_bucket AS b ON b.bin_id = f.staging_bin_id AND b.sku_id = t.sku_id AND b.lot = t.lot
 AND b.serial = t.serial AND b.quantity > 0 AND b.expires_on IS NOT NULL
JOIN catalog_sku AS s ON s.id = t.sku_id
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_node AS n ON n.id = f.node_id
WHERE f.id = ANY(%(ids)s::uuid[]) AND f.state IN ('picked', 'packed')
GROUP BY 1, 2, 3, 4, 6, 7, 8 ORDER BY 1, 4, 2, 3
"""

_ELSEWHERE = """
SELECT k.sku, k.serial, c.code, COALESCE(o.number, ''), COALESCE(s.bin, '')
FROM unnest(%(skus)s::uuid[], %(serials)s::text[]) AS k(sku, serial)
JOIN catalog_sku AS c ON c.id = k.sku
LEFT JOIN warehouse_packedserial AS p ON p.sku_id = k.sku AND p.serial = k.serial AND NOT p.back
LEFT JOIN warehouse_fulfillment AS f ON f.id = p.fulfillment_id
LEFT JOIN orders_order AS o ON o.id = f.order_id
LEFT JOIN LATERAL (
    SELECT COALESCE(i.code, n.code) AS bin
    FROM stock_bucket AS b JOIN network_node AS n ON n.id = b.node_id LEFT JOIN network_bin AS i ON i.id = b.bin_id
    WHERE b.serial = k.serial AND b.serial <> '' AND b.sku_id = k.sku AND b.quantity > 0 LIMIT 1) AS s ON TRUE
WHERE o.id IS NOT NULL OR s.bin IS NOT NULL
"""

# What a carton's size counts as, in grams, is its mm³ by the divisor: as `carriage.rules.charged_weight_g`.
_CARTONS = """
SELECT c.company_id::int,
       EXISTS (SELECT FROM carriage_service AS s
               WHERE s.company_id = c.company_id AND s.active
                 AND (s.divisor = 0
                      OR CASE WHEN c.outer_length_mm > 0
                              THEN c.outer_length_mm::bigint * c.outer_width_mm * c.outer_height_mm
                              ELSE c.length_mm::bigint * c.width_mm * c.height_mm END
                         <= s.max_weight_g::bigint * s.divisor)),
       c.code, c.length_mm, c.width_mm, c.height_mm, c.max_weight_g, c.tare_g, c.cost_minor, c.outer_length_mm,
       c.outer_width_mm, c.outer_height_mm
FROM warehouse_carton AS c
WHERE c.company_id = ANY(%(companies)s::smallint[]) AND c.active ORDER BY c.company_id, c.code
"""
