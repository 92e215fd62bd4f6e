"""What is known of packed fulfillments whose labels are bought before they leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from entrepot.carriage import tracking
from entrepot.kernel import sql, wire
from entrepot.kernel.errors import Refused, Said
from entrepot.shipping import errors, rules
from entrepot.shipping.shopping import Shopped


class Carriage(NamedTuple):
    """With whom a shipment goes, at what cost, and why, as it is stored. `live`: who sells its labels, and under which
    name; '' where it goes with our own."""

    carrier: str
    service: UUID | None
    code: str
    zone: str
    cost_minor: int
    currency: str
    reasons: str
    live: str = ""


def carriage_of(shopped: Shopped, currency: str, carrier: str = "") -> Carriage:
    """The service that was chosen; where none was, the `carrier` that somebody tells, at no cost."""
    offer, reasons = shopped.choice.taken, wire.dump(shopped.reasons())
    if offer is None:
        return Carriage(carrier, None, "", "", 0, currency, reasons)
    service = offer.service
    return Carriage(
        service.carrier, service.id, service.code, offer.zone, offer.price_minor, service.currency, reasons,
        service.live,
    )  # fmt: skip


class Package(NamedTuple):
    """A closed package, with its label in force and what became of buying that; `unsure`: a void label of it may have
    been bought, or be bought still."""

    fulfillment: UUID
    id: UUID
    number: str
    weight_g: int
    label: UUID | None
    tracking: str
    purchase: str
    cost_minor: int | None
    currency: str
    problem: str
    unsure: str


class Awaited(NamedTuple):
    """A label that is to be bought, or was, under lock; `is_opened`: its package was opened since."""

    fulfillment: UUID
    id: UUID
    is_opened: bool


class Consignment(NamedTuple):
    """The shipment that a fulfillment will be, and its packages as they are now, in their order. `opened`: labels of
    packages that were opened since, and that nobody has taken back yet."""

    id: UUID
    number: str
    fulfillment: UUID
    state: str
    carriage: Carriage
    reason: str
    packages: tuple[Package, ...] = ()
    opened: tuple[UUID, ...] = ()

    @property
    def stands(self) -> bool:
        """Some package has a label of it: others were opened, or their labels were voided."""
        return self.state == "labeling" and any(one.label for one in self.packages)

    @property
    def purchases(self) -> list[str]:
        return [one.purchase for one in self.packages]

    @property
    def source(self) -> str:
        return self.carriage.live.partition(":")[0]

    def bears(self, number: str) -> bool:
        """Whether a number, as carriers write it, is that of a label that was bought for one of its packages."""
        bought = [one.tracking for one in self.packages if one.purchase == "bought"]
        return number in [tracking.read(one).number for one in bought]

    def bought_for(self) -> Carriage:
        """The carriage at what its labels were bought for, where all are, in the currency of its service."""
        costs = [one.cost_minor or 0 for one in self.packages if one.currency == self.carriage.currency]
        if not rules.all_bought(self.purchases) or len(costs) < len(self.packages):
            return self.carriage
        told = msgspec.json.decode(self.carriage.reasons) | {"bought": True}
        return self.carriage._replace(cost_minor=sum(costs), reasons=wire.dump(told))

    def missing(self, fulfillment: str) -> Refused:
        """The refusal to let it leave, with what is not there."""
        found = [
            f"{one.number}: {one.problem or one.purchase}"
            for one in self.packages
            if one.purchase != "bought"
        ]
        return errors.LabelsAwaited(
            fulfillment=fulfillment, service=self.carriage.code, missing="; ".join(found)
        )

    def surplus(self, fulfillment: str, number: str) -> Refused:
        """The refusal of a number that is none of the labels which are bought for all its packages."""
        bought = ", ".join(f"{one.number}: {one.tracking}" for one in self.packages)
        return errors.NotItsLabel(fulfillment=fulfillment, tracking=number, bought=bought)

    def unsure(self, *, anew: bool) -> Refused | None:
        """Why no label may be asked for yet: one of the same package may be sold, or was. `anew`: those that are asked
        for now would be void."""
        found = [one.unsure for one in self.packages if anew or not one.label]
        if anew:
            found += [state for state in self.purchases if state in rules.UNSURE]
        if "in doubt" in found:
            return errors.LabelInDoubt(shipment=self.number, source=self.source)
        return errors.LabelNotAnswered(shipment=self.number, source=self.source) if any(found) else None


def not_asked(fulfillment: str, service: str) -> Refused:
    """The refusal to let leave what nobody has asked all labels for."""
    missing = Said("not all were asked for, or they are void by now")
    return errors.LabelsAwaited(fulfillment=fulfillment, service=service, missing=missing)


def packages(fulfillments: Collection[UUID]) -> dict[UUID, list[Package]]:
    """The closed packages of fulfillments with their labels. 1 statement."""
    found: dict[UUID, list[Package]] = {}
    for row in sql.run(_PACKAGES, {"ids": list(fulfillments)}):
        found.setdefault(row[0], []).append(Package(*row))
    return found


def lock_awaited(fulfillments: Collection[UUID]) -> list[Awaited]:
    """The awaited labels of fulfillments that are locked: whoever sells or voids one is through, or waits for us. Read
    of them in later statements only. 1 statement."""
    return [Awaited(*row) for row in sql.run(_LOCK_AWAITED, {"ids": list(fulfillments)})]


def consigned(fulfillments: Sequence[UUID]) -> dict[UUID, Consignment]:
    """What was begun for fulfillments that are locked, by fulfillment. Locks: the awaited labels in id order. 3
    statements, none for none."""
    if not fulfillments:
        return {}
    opened: dict[UUID, list[UUID]] = {}
    for label in lock_awaited(fulfillments):
        if label.is_opened:
            opened.setdefault(label.fulfillment, []).append(label.id)
    closed = packages(fulfillments)
    return {
        fulfillment: Consignment(
            which, number, fulfillment, state, Carriage(*carriage), reason, tuple(closed.get(fulfillment, ())),
            tuple(opened.get(fulfillment, ())),
        )
        for which, number, fulfillment, state, reason, *carriage in sql.run(_CONSIGNED, {"ids": list(fulfillments)})
    }  # fmt: skip


_LOCK_AWAITED = """
SELECT c.fulfillment_id, l.id, p.voided_at IS NOT NULL
FROM shipping_consignment AS c
JOIN shipping_label AS l ON l.shipment_id = c.id AND l.state = 'awaited'
JOIN warehouse_package AS p ON p.id = l.package_id
WHERE c.fulfillment_id = ANY(%(ids)s::uuid[]) ORDER BY l.id FOR UPDATE OF l
"""

_CONSIGNED = """
SELECT c.id, c.number, c.fulfillment_id, c.state, c.reason, c.carrier, c.service_id, s.code, c.zone, c.cost_minor,
       c.currency::text, c.reasons::text, s.live
FROM shipping_consignment AS c JOIN carriage_service AS s ON s.id = c.service_id
WHERE c.fulfillment_id = ANY(%(ids)s::uuid[])
"""

_PACKAGES = """
SELECT p.fulfillment_id, p.id, p.number, p.weight_g, l.id, COALESCE(l.tracking, ''), COALESCE(b.state, ''),
       b.cost_minor, COALESCE(b.currency, ''), COALESCE(b.problem, ''),
       COALESCE((SELECT max(u.state) FROM shipping_label AS v JOIN shipping_purchase AS u ON u.label_id = v.id
                 WHERE v.shipment_id = c.id AND v.package_id = p.id AND v.state = 'voided'
                   AND u.state IN ('asked', 'in doubt')), '')
FROM warehouse_package AS p
LEFT JOIN shipping_consignment AS c ON c.fulfillment_id = p.fulfillment_id
LEFT JOIN shipping_label AS l ON l.package_id = p.id AND l.state <> 'voided'
LEFT JOIN shipping_purchase AS b ON b.label_id = l.id
WHERE p.fulfillment_id = ANY(%(ids)s::uuid[]) AND p.voided_at IS NULL ORDER BY p.fulfillment_id, p.number
"""
