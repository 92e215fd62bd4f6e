"""Labels of packages that were handed over: printed, and voided as long as the carrier was not told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage import tracking
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.shipping import errors
from entrepot.shipping.commands.buy import end_not_bought, give_back
from entrepot.shipping.commands.end_doubts import end_in_place
from entrepot.shipping.commands.take_numbers import (
    Numbered,
    free_numbers,
    in_use,
    leave_numbers,
    take_numbers,
)
from entrepot.shipping.commands.tell_numbers import tell_numbers
from entrepot.shipping.states import LABEL


@dataclass(frozen=True, slots=True)
class PrintLabels:
    """Labels for the packages of a shipment that have none, with the carrier's `numbers` in the packages' order.

    Without numbers the first bears the tracking number of the shipment, unless a label does, and the others our own.
    """

    shipment: UUID
    numbers: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LabelMade:
    label: UUID
    package: UUID
    tracking: str


@dataclass(frozen=True, slots=True)
class LabelsPrinted:
    shipment: UUID
    labels: tuple[LabelMade, ...]


@dataclass(frozen=True, slots=True)
class VoidLabel:
    """A label that is not used: torn, or of the wrong parcel."""

    label: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LabelVoided:
    label: UUID


class _Shipment(NamedTuple):
    id: UUID
    company: int
    number: str
    fulfillment: UUID
    node: UUID
    carrier: str
    tracking: str
    in_force: list[str]  # numbers of its other labels


class _Package(NamedTuple):
    """A package without a label; `place` is its place among all of its fulfillment, from 1."""

    fulfillment: UUID
    id: UUID
    weight_g: int
    place: int


@command("shipping.print_labels")
def print_labels(cause: Cause, /, *, requests: Sequence[PrintLabels]) -> list[LabelsPrinted | Refused]:
    """A label for each package that has none in force. The shipment bears the tracking number of the first; its channel
    is told the numbers that the carrier gave.

    Locks: the shipments in id order; the purchases in doubt that carriers' numbers end.
    Refuses: NotFound; shipping.labeled; shipping.numbers_and_packages; shipping.tracking_misread;
    shipping.tracking_in_use. Again: by key; without one they are there already. 4 statements, 8 where carriers gave
    numbers: whether labels in doubt were bought is known then, 2 more where there were some; 1 more where some are
    refused for a number.
    """
    found = {row[0]: _Shipment(*row) for row in sql.run(_LOCK, {"ids": [one.shipment for one in requests]})}
    bare: dict[UUID, list[_Package]] = {}
    for row in sql.run(_WITHOUT_LABEL, {"ids": [one.fulfillment for one in found.values()]}):
        bare.setdefault(row[0], []).append(_Package(*row))

    decided: list[list[str] | Refused] = []
    given: dict[UUID, list[Numbered]] = {}
    for request in requests:
        one = found.get(request.shipment)
        if one is None:
            decided.append(NotFound(what="shipment", which=str(request.shipment)))
            continue
        numbers = _numbers(request, one, [] if one.id in given else bare.get(one.fulfillment, []))
        decided.append(numbers)
        if not isinstance(numbers, Refused):
            given[one.id] = _carriers(one, numbers)
    held = take_numbers(cause, [one for some in given.values() for one in some])

    answers: list[LabelsPrinted | Refused] = []
    rows, renamed, numbered, known = [], [], [], []
    refused: list[Numbered] = []
    for request, numbers in zip(requests, decided, strict=True):
        if isinstance(numbers, Refused):
            answers.append(numbers)
            continue
        one = found[request.shipment]
        taken = next((each for each in given[one.id] if each in held), None)
        if taken:
            # Its own, from before, stay.
            own = {one.tracking, *one.in_force}
            refused += [each for each in given[one.id] if each not in held and each.tracking not in own]
            answers.append(in_use(taken, held[taken]))
            continue
        packages = bare[one.fulfillment]
        if request.numbers:
            numbered.append(one.id)
            known += [package.id for package in packages]
        made = []
        for package, number in zip(packages, numbers, strict=True):
            made.append(LabelMade(ids.uuid7(), package.id, number))
            rows.append((
                made[-1].label, one.company, one.id, package.id, one.node, one.carrier, number, package.weight_g,
                "printed", cause.at,
            ))  # fmt: skip
        if one.tracking not in one.in_force:
            renamed.append((one.id, made[0].tracking))
        announce(cause, [Event("label", label.label, one.company, "", "printed", cause.at, {"shipment": one.id})
                         for label in made])  # fmt: skip
        answers.append(LabelsPrinted(one.id, tuple(made)))
    leave_numbers(refused)
    if rows:
        sql.write("shipping_label", COLUMNS, rows)
        sql.run(_RENAME, sql.columns(("ids", "numbers"), renamed))
        tell_numbers(cause, numbered)
        end_in_place(cause, known)
    return answers


def our_number(shipment: str, place: int) -> str:
    """What a package bears for want of a carrier's number, by its place among all of its fulfillment."""
    return shipment if place == 1 else f"{shipment}-{place}"


def _carriers(one: _Shipment, numbers: Sequence[str]) -> list[Numbered]:
    """Those of some numbers that the carrier gave, and not we for want of one."""
    ours = f"{one.number}-"
    return [
        Numbered(one.company, one.carrier, number, one.id)
        for number in numbers
        if number != one.number and not number.startswith(ours)
    ]


def _numbers(request: PrintLabels, one: _Shipment, packages: Sequence[_Package]) -> list[str] | Refused:
    """The tracking number of each package that has no label."""
    if not packages:
        return errors.Labeled(shipment=one.number)
    if not request.numbers:
        ours = [our_number(one.number, package.place) for package in packages]
        return ours if one.tracking in one.in_force else [one.tracking, *ours[1:]]
    verdicts = [tracking.judge(number, one.carrier) for number in request.numbers]
    # A number that another package bears would let the shipment arrive with that one.
    different = {verdict.number for verdict in verdicts} - {"", *one.in_force}
    if not len(different) == len(verdicts) == len(packages):
        return errors.NumbersAndPackages(shipment=one.number, packages=len(packages), found=len(verdicts))
    for verdict in verdicts:
        if verdict.problem and verdict.certain:
            return errors.TrackingMisread(
                tracking=verdict.number, fulfillment=one.number, carrier=one.carrier, problem=verdict.problem
            )
    return [verdict.number for verdict in verdicts]


@command("shipping.void_labels")
def void_labels(cause: Cause, /, *, requests: Sequence[VoidLabel]) -> list[LabelVoided | Refused]:
    """Labels that stand for nothing any more: their packages want new ones. What was bought is given back.

    Locks: the labels in id order. Refuses: NotFound; Invalid (no reason); WrongState (voided, manifested).
    Again: by key. 5 statements, 1 more where some were bought, 2 where adapters were asked for some.
    """
    found = {row[0]: row[1:] for row in sql.run(_LOCK_LABELS, {"ids": [one.label for one in requests]})}
    answers: list[LabelVoided | Refused] = []
    voided: dict[UUID, None] = {}
    for request in requests:
        if request.label not in found:
            answers.append(NotFound(what="label", which=str(request.label)))
            continue
        company, state, shipment = found[request.label]
        after = LABEL.step("voided" if request.label in voided else state, "void")
        if isinstance(after, Refused):
            answers.append(after)
        elif not request.reason.strip():
            answers.append(Invalid(field="reason", expected="why it is not used", found="nothing"))
        else:
            voided[request.label] = None
            told = Event(
                "label",
                request.label,
                company,
                state,
                after,
                cause.at,
                {"shipment": shipment},
                request.reason,
            )
            announce(cause, [told])
            answers.append(LabelVoided(request.label))
    if voided:
        sql.run(_VOID, {"ids": list(voided), "at": cause.at})
        free_numbers(list(voided))
        give_back(cause, list(voided))
        end_not_bought(cause, [found[label][2] for label in voided])
    return answers


COLUMNS = (
    "id", "company_id", "shipment_id", "package_id", "node_id", "carrier", "tracking", "weight_g", "state",
    "printed_at",
)  # fmt: skip
"""What is written of a label when it is made."""

_LOCK = """
SELECT id, company_id::int, number, fulfillment_id, node_id, carrier, tracking,
       ARRAY(SELECT l.tracking FROM shipping_label AS l WHERE l.shipment_id = s.id AND l.state <> 'voided')
FROM shipping_shipment AS s WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_WITHOUT_LABEL = """
SELECT * FROM (
    SELECT fulfillment_id, id, weight_g, row_number() OVER (PARTITION BY fulfillment_id ORDER BY number)::int
    FROM warehouse_package WHERE fulfillment_id = ANY(%(ids)s::uuid[]) AND voided_at IS NULL) AS p
WHERE NOT EXISTS (SELECT FROM shipping_label AS l WHERE l.package_id = p.id AND l.state <> 'voided')
ORDER BY 1, 4
"""

_RENAME = """
UPDATE shipping_shipment AS s SET tracking = d.number
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[]) AS d(id, number) WHERE s.id = d.id AND s.tracking <> d.number
"""

_LOCK_LABELS = """
SELECT id, company_id::int, state, shipment_id FROM shipping_label
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_VOID = "UPDATE shipping_label SET state = 'voided', voided_at = %(at)s::timestamptz WHERE id = ANY(%(ids)s::uuid[])"
