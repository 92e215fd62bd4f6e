"""What receiving needs to know besides the orders, and what it leaves behind besides receipts: serial numbers, quality
checks, claims, and work for a buyer. Parts of `receive`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused, Said
from entrepot.purchasing import errors, receiving, rules
from entrepot.purchasing.commands.noticed import count_notices
from entrepot.purchasing.receiving import Plan, Quality, Receiving, Sample
from entrepot.purchasing.rules import Line, Part
from entrepot.stock.commands.move import Paid
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(slots=True)
class Order:
    """A locked order with its lines, kept up to date while a batch is decided."""

    id: UUID
    number: str
    company: int
    node: UUID
    currency: str
    state: str
    ordered_by: str
    supplier: UUID
    supplier_code: str
    time_zone: str
    home: str
    """The company's own currency."""
    lines: dict[UUID, Line] = field(default_factory=dict)
    apart: Refused | None = None
    """Why the actor does not receive it: they ordered it, or changed it."""


class Arrival(NamedTuple):
    """A part of a receipt as it will be written: what enters stock, and what of it is looked at first."""

    id: UUID
    part: Part
    status: str
    sample: Sample | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that will be written."""

    id: UUID
    number: str
    order: Order
    bin: UUID
    at: datetime
    before: str
    after: str
    arrivals: list[Arrival]
    rate: Decimal | None = None
    """What a unit of the order's currency was worth that day, where it is another than the company's."""

    def at_home(self) -> list[int]:
        """What each arrival is worth in the company's own currency."""
        values, order = [one.part.value_minor for one in self.arrivals], self.order
        return values if self.rate is None else rules.at_home(values, self.rate, order.currency, order.home)

    def paid(self, value: int) -> Paid | None:
        return None if self.rate is None else Paid(self.order.currency, value, self.rate)


@dataclass(slots=True)
class Known:
    """Policies in force, serial numbers that came before, and the deliveries of a SKU by a supplier: what comes of an
    order on one day is one, in however many receipts, and has its place among all. `seen_of` are the units of it that
    came fit for sale, and those of them that are looked at."""

    receiving: dict[int, dict[str, Receiving]]
    quality: dict[int, Quality]
    serials: dict[tuple[UUID, str], str] = field(default_factory=dict)
    deliveries: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    places: dict[tuple[UUID, UUID, date], int] = field(default_factory=dict)
    seen_of: dict[tuple[UUID, UUID, date], tuple[int, int]] = field(default_factory=dict)

    def policy(self, order: Order) -> Receiving:
        return receiving.of_supplier(self.receiving.get(order.company, {}), order.supplier_code)

    def seen(self, parts: Iterable[Part]) -> Refused | None:
        for part in parts:
            for serial in part.serials:
                if receipt := self.serials.get((part.sku, serial)):
                    return errors.SerialSeen(serial=serial, where=Said("with receipt {0}", receipt))
        return None

    def arrivals(self, order: Order, parts: Sequence[Part], number: str, on: date) -> list[Arrival]:
        """Each part of what came on a day with what is looked at of it."""
        found = []
        for part in parts:
            for serial in part.serials:
                self.serials[part.sku, serial] = number
            line = order.lines[part.line]
            plan = self.quality.get(order.company, Quality()).plan_for(
                line.sku_code, line.category, order.supplier_code
            )
            looked_at = None
            if plan:
                nth = self._nth(order, part.sku, on)
                looked_at = self._sample(plan, nth, order, part, on) if part.status == "sellable" else None
            status = "pending_inspection" if looked_at else part.status
            found.append(Arrival(ids.uuid7(), part, status, looked_at))
        return found

    def _sample(self, plan: Plan, nth: int, order: Order, part: Part, on: date) -> Sample | None:
        """What is looked at of a part: what the delivery so far asks for and its earlier parts have not, and one unit
        at least, since what nobody looks at is sold unseen."""
        delivery = (order.id, part.sku, on)
        came, looked_at = self.seen_of.get(delivery, (0, 0))
        found = receiving.sample(plan, nth, came + part.quantity)
        units = max(1, min(part.quantity, found.units - looked_at)) if found else 0
        self.seen_of[delivery] = (came + part.quantity, looked_at + units)
        return found._replace(units=units) if found else None

    def _nth(self, order: Order, sku: UUID, on: date) -> int:
        """Which delivery of a SKU by the order's supplier it is, from 1."""
        delivery, pair = (order.id, sku, on), (order.supplier, sku)
        if delivery not in self.places:
            self.places[delivery] = self.deliveries[pair] = self.deliveries.get(pair, 0) + 1
        return self.places[delivery]


def load(cause: Cause, orders: Mapping[UUID, Order], serials: Sequence[tuple[UUID, str]]) -> Known:
    """What is known; `serials` are those said to have come, by order line. 2 statements; 2 more where serial numbers
    came, and 1 where a plan of quality checks is in force."""
    companies = sorted({order.company for order in orders.values()})
    known = Known(
        {
            company: {scope: body for scope, (_, body) in bodies.items()}
            for company, bodies in policies.in_force_of(companies, Receiving, cause.at).items()
        },
        {company: body for company, (_, body) in policies.of_companies(companies, Quality, cause.at).items()},
    )
    if serials:
        lines = {line.id: line.sku for order in orders.values() for line in order.lines.values()}
        read = [(lines[line], serial) for line, serial in serials if line in lines]
        # Two deliveries of one serial number at the same time: the second sees what the first has written.
        sql.run("SELECT pg_advisory_xact_lock(hashtextextended('purchasing.serials', 0))")
        found = sql.run(_SERIALS, sql.columns(("skus", "serials"), read))
        known.serials = {(sku, serial): number for sku, serial, number in found}
    if any(quality.plans for quality in known.quality.values()):
        pairs = {(order.supplier, line.sku) for order in orders.values() for line in order.lines.values()}
        asked = sql.columns(("suppliers", "skus"), sorted(pairs)) | {"orders": list(orders)}
        for supplier, sku, of_order, on, nth, count, came, looked_at in sql.run(_DELIVERIES, asked):
            known.deliveries[supplier, sku] = count
            known.places[of_order, sku, on] = nth
            known.seen_of[of_order, sku, on] = (came, looked_at)
    return known


def write_besides(cause: Cause, receipts: Sequence[Receipt]) -> None:
    """What came, taken off its notices; serial numbers, checks and claims of receipts. 1 statement; 2 more where
    something was announced, 1 for serials, 3 for checks (one of them work items), 3 for claims."""
    came = [(receipt, one) for receipt in receipts for one in receipt.arrivals]
    count_notices(cause, [one.part for _, one in came])
    sql.write(
        "purchasing_serial",
        _SERIAL,
        [
            (one.part.sku, serial, receipt.order.company, receipt.id, one.id)
            for receipt, one in came
            for serial in one.part.serials
        ],
    )
    _open_checks(cause, [(receipt, one, one.sample) for receipt, one in came if one.sample])
    open_claims(
        cause,
        [
            NewClaim(
                receipt.order.company, receipt.order.supplier, receipt.order.id, receipt.order.number,
                receipt.id, one.part.sku, one.part.quantity, one.part.value_minor, "damaged", one.part.note,
                receipt.at,
            )
            for receipt, one in came
            if one.status == "damaged"
        ],
    )  # fmt: skip


def _open_checks(cause: Cause, wanted: Sequence[tuple[Receipt, Arrival, Sample]]) -> None:
    numbers = ids.numbers("QC", len(wanted))
    rows = [
        (
            ids.uuid7(), number, receipt.order.company, receipt.id, one.id, receipt.order.id, one.part.sku,
            receipt.order.node, receipt.bin, one.part.lot, one.part.quantity, sample.units, sample.defects_max,
            sample.why, receipt.at,
        )
        for number, (receipt, one, sample) in zip(numbers, wanted, strict=True)
    ]  # fmt: skip
    sql.write("purchasing_check", _CHECK, rows)
    open_items(
        cause,
        requests=[
            OpenItem(
                row[2], "quality check", "quality_check", row[0],
                Said("{0}: look at {1} of {2} units that came with {3}", row[1], row[11], row[10], receipt.number),
                "warehouse supervisor", {"receipt": str(receipt.id), "sample": row[11], "units": row[10]},
            )
            for row, (receipt, _, _) in zip(rows, wanted, strict=True)
        ],
    )  # fmt: skip


class NewClaim(NamedTuple):
    """Units that a supplier is asked to make good."""

    company: int
    supplier: UUID
    order: UUID
    order_number: str
    receipt: UUID
    sku: UUID
    quantity: int
    value_minor: int
    reason: str
    note: str
    at: datetime


def open_claims(cause: Cause, wanted: Sequence[NewClaim]) -> list[str]:
    """The numbers of new claims, each with work for a buyer. 3 statements; none for nothing."""
    numbers = ids.numbers("SC", len(wanted))
    rows = [
        (
            ids.uuid7(), number, one.company, one.supplier, one.order, one.receipt, one.sku, one.quantity,
            one.value_minor, one.reason, one.note, cause.actor.name, one.at,
        )
        for number, one in zip(numbers, wanted, strict=True)
    ]  # fmt: skip
    sql.write("purchasing_claim", _CLAIM, rows)
    open_items(
        cause,
        requests=[
            OpenItem(
                one.company, "supplier claim", "supplier_claim", row[0],
                Said(
                    "{0}: {1} units of {2} are to be made good ({3}: {4})",
                    row[1], one.quantity, one.order_number, one.reason, one.note,
                ),
                "inventory manager", {"order": str(one.order), "units": one.quantity, "value_minor": one.value_minor},
            )
            for row, one in zip(rows, wanted, strict=True)
        ],
    )  # fmt: skip
    return numbers


FOR_A_BUYER = {
    errors.ExceedsOrdered: "more than ordered",
    errors.Expired: "expired on arrival",
    errors.ShelfLife: "expired on arrival",
    errors.SerialSeen: "serial seen twice",
}
"""What a person must decide of goods that stand at the dock and were not taken."""


def ask_buyer(cause: Cause, refused: Sequence[tuple[Order, Refused]]) -> None:
    """Work for whoever decides what becomes of goods that were not taken. 1 statement; none where all were."""
    open_items(
        cause,
        requests=[
            OpenItem(
                order.company, FOR_A_BUYER[type(one)], "purchase_order", order.id,
                f"{order.number}: {one.message}", "inventory manager", dict(one.facts),
                dedupe=f"{order.id}/{sorted(map(str, one.facts.items()))}",
            )
            for order, one in refused
            if type(one) in FOR_A_BUYER
        ],
    )  # fmt: skip


def held(arrivals: Iterable[Arrival], status: str) -> int:
    return sum(one.part.quantity for one in arrivals if one.status == status)


_SERIAL = ("sku_id", "serial", "company_id", "receipt_id", "line_id")

_CHECK = (
    "id", "number", "company_id", "receipt_id", "line_id", "order_id", "sku_id", "node_id", "bin_id", "lot",
    "quantity", "sample", "defects_max", "why", "opened_at",
)  # fmt: skip

_CLAIM: tuple[Any, ...] = (
    "id", "number", "company_id", "supplier_id", "order_id", "receipt_id", "sku_id", "quantity", "value_minor",
    "reason", "note", "opened_by", "opened_at",
)  # fmt: skip

_SERIALS = """
SELECT s.sku_id, s.serial, receipt.number
FROM unnest(%(skus)s::uuid[], %(serials)s::text[]) AS asked(sku, serial)
JOIN purchasing_serial AS s ON s.sku_id = asked.sku AND s.serial = asked.serial
JOIN purchasing_receipt AS receipt ON receipt.id = s.receipt_id
"""

# The last one, which says how many there were, and those of the orders at hand. Days are those of the node.
_DELIVERIES = """
SELECT supplier, sku, order_id, day, nth::int, total::int, units::int, looked_at::int
FROM (
    SELECT asked.supplier, asked.sku, line.order_id, days.day,
           row_number() OVER (PARTITION BY asked.supplier, asked.sku ORDER BY min(receipt.id::text)) AS nth,
           count(*) OVER (PARTITION BY asked.supplier, asked.sku) AS total,
           COALESCE(sum(line.quantity) FILTER (WHERE line.status <> 'damaged'), 0) AS units,
           COALESCE(sum(looked.sample), 0) AS looked_at
    FROM unnest(%(suppliers)s::uuid[], %(skus)s::uuid[]) AS asked(supplier, sku)
    JOIN purchasing_receiptline AS line ON line.sku_id = asked.sku
    JOIN purchasing_order AS bought ON bought.id = line.order_id AND bought.supplier_id = asked.supplier
    JOIN purchasing_receipt AS receipt ON receipt.id = line.receipt_id
    JOIN network_node AS node ON node.id = receipt.node_id
    LEFT JOIN purchasing_check AS looked ON looked.order_id = line.order_id AND looked.line_id = line.id
    CROSS JOIN LATERAL (SELECT (receipt.received_at AT TIME ZONE node.time_zone)::date AS day) AS days
    GROUP BY 1, 2, 3, 4) AS came
WHERE nth = total OR order_id = ANY(%(orders)s::uuid[])
"""
