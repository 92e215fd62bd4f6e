"""What stands in the house until its labels are bought: begun, and ended by leaving. Inside a command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.shipping.commands.buy import BuyLabels, buy_labels
from entrepot.shipping.commands.label import COLUMNS, VoidLabel, our_number, void_labels
from entrepot.shipping.consigning import Carriage, packages
from entrepot.shipping.states import CONSIGNMENT, LABEL
from entrepot.warehouse.commands.lock import Fulfillment
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

NOT_SHIPPED = "labeled and not shipped"
"""Type of the work item about a fulfillment whose labels are bought and that may not leave all the same."""

OPENED = Said("its package was opened")
"""Why a label is void that nobody sticks onto a parcel any more."""


class Consigned(NamedTuple):
    """A fulfillment whose labels are asked for; `state` is what there was of it before, '' for nothing."""

    id: UUID
    number: str
    of: Fulfillment
    carriage: Carriage
    state: str
    reason: str


class Ended(NamedTuple):
    """A consignment that left as a shipment."""

    id: UUID
    company: int
    fulfillment: UUID


def consign(cause: Cause, begun: Sequence[Consigned]) -> dict[UUID, Refused]:
    """The service is noted, each package without a label gets one that is awaited, and it is asked for. Of what none
    could be asked for, by fulfillment why: it stands all the same, and is asked for when it is shipped again. The
    fulfillments are locked. 5 statements and those of `shipping.buy_labels`; none for none."""
    if not begun:
        return {}
    sql.run(_BEGIN, {**sql.columns(_BEGUN, [_row(one) for one in begun]), "at": cause.at})
    closed = packages([one.of.id for one in begun])
    rows = [
        (
            ids.uuid7(), one.of.company, one.id, package.id, one.of.node, one.carriage.carrier,
            our_number(one.number, place), package.weight_g, "awaited", cause.at,
        )
        for one in begun
        for place, package in enumerate(closed.get(one.of.id, ()), 1)
        if package.label is None
    ]  # fmt: skip
    sql.write("shipping_label", COLUMNS, rows)
    announce(cause, [
        Event("consignment", one.id, one.of.company, one.state, _after(one.state), cause.at,
              {"order": one.of.order, "fulfillment": one.of.id}, one.reason)
        for one in begun
    ])  # fmt: skip
    announce(cause, [
        Event("label", label, company, "", "awaited", cause.at, {"shipment": which})
        for label, company, which, *_ in rows
    ])  # fmt: skip
    # What is in doubt of a package is not asked for: whoever decided has seen the others under the lock.
    answers = buy_labels(cause, requests=[BuyLabels(one.id) for one in begun])
    return {
        one.of.id: answer for one, answer in zip(begun, answers, strict=True) if isinstance(answer, Refused)
    }


def _after(state: str) -> str:
    return str(CONSIGNMENT.step(state, "label")) if state else CONSIGNMENT.initial


def leave_without(cause: Cause, labels: Sequence[UUID], opened: Sequence[UUID] = ()) -> None:
    """Labels that a fulfillment leaves without, or gets others for, and those of packages that were opened: void, and
    given back where they are bought. They are locked. The statements of `shipping.void_labels`; none for none."""
    why = Said("it goes otherwise")
    void = [VoidLabel(label, why) for label in labels] + [VoidLabel(label, OPENED) for label in opened]
    if void:
        whole(void_labels(cause, requests=void))


def end_consignments(cause: Cause, ended: Sequence[Ended]) -> None:
    """They have left: their labels are printed, and what was to be done about them is over. 5 statements; none for
    none."""
    if not ended:
        return
    company = {one.id: one.company for one in ended}
    printed = sql.run(_PRINT, {"ids": sorted(company), "at": cause.at})
    sql.run(_END, {"ids": sorted(company)})
    announce(cause, [
        Event("label", label, company[which], "awaited", str(LABEL.step("awaited", "print")), cause.at,
              {"shipment": which})
        for label, which in printed
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(one.company, NOT_SHIPPED, one.fulfillment, "went on", Said("it has left")) for one in ended
    ])  # fmt: skip


_BEGUN = (
    "ids", "numbers", "companies", "orders", "fulfillments", "nodes", "carriers", "services", "zones", "costs",
    "currencies", "reasons", "whys",
)  # fmt: skip


def _row(one: Consigned) -> tuple[object, ...]:
    of, carriage = one.of, one.carriage
    return (
        one.id, one.number, of.company, of.order, of.id, of.node, carriage.carrier, carriage.service, carriage.zone,
        carriage.cost_minor, carriage.currency, carriage.reasons, one.reason,
    )  # fmt: skip


_BEGIN = """
INSERT INTO shipping_consignment (id, number, company_id, order_id, fulfillment_id, node_id, carrier, service_id, zone,
                                  cost_minor, currency, reasons, reason, state, asked_at)
SELECT d.*, 'labeling', %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[], %(companies)s::smallint[], %(orders)s::uuid[],
            %(fulfillments)s::uuid[], %(nodes)s::uuid[], %(carriers)s::text[], %(services)s::uuid[], %(zones)s::text[],
            %(costs)s::bigint[], %(currencies)s::text[], %(reasons)s::jsonb[], %(whys)s::text[]) AS d
ON CONFLICT (fulfillment_id) DO UPDATE
SET carrier = excluded.carrier, service_id = excluded.service_id, zone = excluded.zone,
    cost_minor = excluded.cost_minor, currency = excluded.currency, reasons = excluded.reasons,
    reason = excluded.reason, state = excluded.state, asked_at = excluded.asked_at
"""

_PRINT = """
UPDATE shipping_label AS l SET state = 'printed', printed_at = %(at)s::timestamptz
FROM warehouse_package AS p
WHERE l.shipment_id = ANY(%(ids)s::uuid[]) AND l.state = 'awaited' AND p.id = l.package_id AND p.voided_at IS NULL
RETURNING l.id, l.shipment_id
"""

_END = "DELETE FROM shipping_consignment WHERE id = ANY(%(ids)s::uuid[])"
