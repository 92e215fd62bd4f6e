"""A carrier sends its invoice: the accruals it settles, and each charge to the parcel that it is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.settlement import carriers, errors
from entrepot.settlement.carriers import Billed, CarrierTolerance, Charged, Due
from entrepot.settlement.commands.entering import Entry, Known, enter, in_question, known_of
from entrepot.settlement.commands.take_payouts import LOCK, SHOWN_MAX
from entrepot.shipping.commands.fix_carriage import fix_carriage, lock_carriage
from entrepot.work.commands.open_items import OpenItem

ITEM = "carrier invoice to check"
KIND = "carrier_invoice"


@dataclass(frozen=True, slots=True)
class TakeCarrierInvoice:
    """An invoice as its carrier sends it; `external_id` is the carrier's name for it, once for ever."""

    company: int
    carrier: str
    external_id: str
    currency: str
    total_minor: int
    lines: tuple[Billed, ...]
    invoiced_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CarrierInvoiceTaken:
    """The invoice; `in_question` charges wait for a person, over `question_minor` in all. Not `fresh` where known."""

    invoice: UUID
    number: str
    state: str
    lines: int
    in_question: int
    question_minor: int
    fresh: bool


class _Draft(NamedTuple):
    id: UUID
    number: str
    request: TakeCarrierInvoice
    charges: list[Charged]
    at: datetime

    def known(self) -> Known:
        return known_of(self.id, self.number, self.request.currency, self.request.total_minor, self.charges)


@command("settlement.take_carrier_invoices")
def take_carrier_invoices(
    cause: Cause, /, *, requests: Sequence[TakeCarrierInvoice]
) -> list[CarrierInvoiceTaken | Refused]:
    """Carriers' invoices as what we owe: each charge releases the accrual of its parcel; what is within tolerance
    beyond it is freight variance, and what is not stays in question and is a work item for the controller.

    Locks: the accounts with the carriers, in the order of their names; their shipments, in the order of
    their orders; the balances.
    Refuses: settlement.invoice_does_not_add_up; settlement.not_a_charge; settlement.invoice_taken_otherwise; what the
    ledger refuses, for all. Again: by key, and by the carrier's name for it. 19 statements.
    """
    names = [(one.company, one.carrier, one.external_id) for one in requests]
    columns = sql.columns(("companies", "providers", "externals"), names)
    sql.run(_LOCK, columns)
    known = {row[:3]: Known(*row[3:]) for row in sql.run(_TAKEN, columns)}
    facts = _Facts(requests, cause.at)
    numbers = iter(ids.numbers("CI", len(requests)))

    answers: list[CarrierInvoiceTaken | Refused] = []
    drafts: list[_Draft] = []
    for request, name in zip(requests, names, strict=True):
        if name in known:
            answers.append(_again(known[name], request))
            continue
        refused = carriers.misfit(request.external_id, request.lines, request.total_minor, request.currency)
        if refused:
            answers.append(refused)
            continue
        charges = facts.match(request)
        draft = _Draft(ids.uuid7(), next(numbers), request, charges, request.invoiced_at or cause.at)
        drafts.append(draft)
        known[name] = draft.known()
        answers.append(known[name].answer(CarrierInvoiceTaken, fresh=True))
    if drafts:
        _write(cause, drafts)
    return answers


def _again(known: Known, request: TakeCarrierInvoice) -> CarrierInvoiceTaken | Refused:
    refused = known.misfit(
        errors.InvoiceTakenOtherwise, request.external_id, request.currency, request.total_minor
    )
    return refused or known.answer(CarrierInvoiceTaken, fresh=False)


class _Facts:
    """The labels and shipments that the lines of a batch are for, and what of them was billed before. 5 statements."""

    def __init__(self, requests: Sequence[TakeCarrierInvoice], at: datetime) -> None:
        self.tolerances = policies.of_companies({one.company for one in requests}, CarrierTolerance, at)
        numbers = {
            (one.company, one.carrier, number)
            for one in requests
            for line in one.lines
            for number in (line.tracking, carriers.plain(line.tracking))
        }
        wanted = sql.columns(("companies", "carriers", "numbers"), sorted(numbers))
        lock_carriage(*wanted.values())
        shipments: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
        for row in sql.run(_PARCELS, wanted):
            shipments[row[0]].append(tuple(row))
        self.dues: dict[tuple[int, str], dict[str, Due]] = defaultdict(dict)
        for parcels in shipments.values():
            self._due(parcels)
        found = [due for by_number in self.dues.values() for due in by_number.values()]
        units = list({unit for due in found for unit in (due.unit, due.shipment)})
        self.charged = {(row[0], row[1]) for row in sql.run(_CHARGED, {"units": units})}

    def _due(self, parcels: list[tuple[Any, ...]]) -> None:
        """The parcels of one shipment: those in force bear its cost together, a voided one bears nothing, also where it
        was of another carrier."""
        _, company, _, cost, currency, reasons, *_ = parcels[0]
        chosen = wire.load(reasons, dict[str, Any])
        # What was bought has one price for all; the surcharges are those of the service's table.
        first = {} if chosen.get("bought") else (chosen.get("candidates") or [{}])[0]
        in_force = [one for one in parcels if not one[9]]
        priced = [(int(price), _surcharges(within)) for price, within in chosen.get("parcels", ())]
        parts = carriers.split(
            cost,
            _surcharges(first.get("surcharges", ())),
            [one[8] for one in in_force],
            priced,
            [one[10] for one in in_force],
        )
        for one, charges in zip(in_force, parts, strict=True):
            self.dues[company, one[2]][one[7]] = Due(one[6], one[0], charges, one[8], False, currency)
        for one in parcels:
            if one[9]:
                due = Due(one[6], one[0], {}, one[8], True, currency)
                self.dues[company, one[2]].setdefault(one[7], due)

    def match(self, request: TakeCarrierInvoice) -> list[Charged]:
        dues = self.dues.get((request.company, request.carrier), {})
        tolerance = self.tolerances[request.company][1]
        found = carriers.match(request.lines, dues, self.charged, request.currency, tolerance)
        self.charged |= {(one.unit, one.line.charge) for one in found if one.unit and one.expected}
        return found


def _surcharges(told: Iterable[Sequence[Any]]) -> list[tuple[str, int]]:
    return [(str(kind), int(amount)) for kind, amount in told]


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    fix_carriage({c.shipment for one in drafts for c in one.charges if c.shipment and c.expected})
    sql.write("settlement_carrierinvoice", _INVOICE, [
        (
            one.id, one.number, one.request.company, one.request.carrier, one.request.external_id,
            one.request.currency, one.request.total_minor, one.known().state, one.at, cause.actor.name,
        )
        for one in drafts
    ])  # fmt: skip
    sql.write("settlement_carriercharge", _CHARGE, [
        (
            one.id, number, c.line.tracking, c.line.charge, c.line.amount_minor, c.line.weight_g, c.unit, c.shipment,
            c.expected, c.difference, c.state, c.why,
        )
        for one in drafts
        for number, c in enumerate(one.charges, 1)
    ])  # fmt: skip
    enter(cause, KIND, "carrier.invoiced", [
        Entry(one.request.company, one.known(), _amounts(one), _item(one), one.at) for one in drafts
    ])  # fmt: skip


def _amounts(one: _Draft) -> tuple[tuple[str, int], ...]:
    matched = [charge for charge in one.charges if charge.state == "matched"]
    wrong = in_question(one.charges)
    return (
        ("accrual", sum(charge.expected for charge in one.charges)),
        ("variance", sum(charge.difference for charge in matched)),
        ("question", sum(charge.difference for charge in wrong)),
    )


def _item(one: _Draft) -> OpenItem | None:
    wrong = in_question(one.charges)
    if not wrong:
        return None
    return OpenItem(
        company=one.request.company, type=ITEM, subject_kind=KIND, subject=one.id,
        reason=Said(
            "Invoice {0} of {1}: charges in question: {2}. {3}: {4}.",
            one.number, one.request.carrier, len(wrong), wrong[0].line.tracking, wrong[0].why,
        ),
        role="controller", priority=50, occurred_at=one.at,
        facts={"charges": [f"{c.line.tracking} {c.line.charge}: {c.why}" for c in wrong[:SHOWN_MAX]]},
    )  # fmt: skip


_INVOICE = (
    "id", "number", "company_id", "carrier", "external_id", "currency", "total_minor", "state", "invoiced_at",
    "taken_by",
)  # fmt: skip
_CHARGE = (
    "invoice_id", "number", "tracking", "charge", "amount_minor", "weight_g", "unit_id", "shipment_id",
    "expected_minor", "difference_minor", "state", "why",
)  # fmt: skip

_LOCK = LOCK.format(accounts="SELECT * FROM unnest(%(companies)s::int[], %(providers)s::text[])")

_TAKEN = """
SELECT i.company_id::int, i.carrier, i.external_id, i.id, i.number, i.state, i.currency::text, i.total_minor,
       count(c.number)::int, count(c.number) FILTER (WHERE c.state IN ('differs', 'unmatched', 'disputed'))::int,
       COALESCE(sum(c.difference_minor) FILTER (WHERE c.state IN ('differs', 'unmatched', 'disputed')), 0)::bigint
FROM unnest(%(companies)s::smallint[], %(providers)s::text[], %(externals)s::text[]) AS d(company, carrier, external)
JOIN settlement_carrierinvoice AS i
  ON i.company_id = d.company AND i.carrier = d.carrier AND i.external_id = d.external
LEFT JOIN settlement_carriercharge AS c ON c.invoice_id = i.id
GROUP BY i.id
"""

# Every parcel of the shipments that the numbers lead to: labels, or the shipment itself where it has none in force, in
# the order in which their prices were stored. A return's label is a shipment by itself.
_PARCELS = """
WITH named AS (
    SELECT DISTINCT h.id
    FROM unnest(%(companies)s::smallint[], %(carriers)s::text[], %(numbers)s::text[]) AS d(company, carrier, number)
    JOIN shipping_shipment AS h ON h.company_id = d.company AND h.tracking = d.number AND h.carrier = d.carrier
    UNION
    SELECT DISTINCT l.shipment_id
    FROM unnest(%(companies)s::smallint[], %(carriers)s::text[], %(numbers)s::text[]) AS d(company, carrier, number)
    JOIN shipping_label AS l ON l.company_id = d.company AND l.tracking = d.number AND l.carrier = d.carrier)
SELECT h.id, h.company_id::int, p.carrier, h.cost_minor, h.currency::text, h.reasons::text, p.unit, p.number,
       p.weight_g, p.voided, p.bought, p.volume
FROM named AS n JOIN shipping_shipment AS h ON h.id = n.id
CROSS JOIN LATERAL (
    SELECT l.carrier, l.id AS unit, l.tracking AS number, l.weight_g, l.state = 'voided' AS voided,
           CASE WHEN b.currency = h.currency THEN COALESCE(b.cost_minor, 0) ELSE 0 END AS bought,
           k.volume_cm3 AS volume
    FROM shipping_label AS l
    JOIN warehouse_package AS k ON k.id = l.package_id
    LEFT JOIN shipping_purchase AS b ON b.label_id = l.id AND b.state = 'bought'
    WHERE l.shipment_id = h.id
    UNION ALL
    SELECT h.carrier, h.id, h.tracking,
           COALESCE((SELECT sum(w.weight_g) FROM warehouse_package AS w
                     WHERE w.fulfillment_id = h.fulfillment_id AND w.voided_at IS NULL), 0)::int, FALSE, 0, 0
    WHERE NOT EXISTS (SELECT FROM shipping_label AS l WHERE l.shipment_id = h.id AND l.state <> 'voided')) AS p
UNION ALL
SELECT l.id, l.company_id::int, l.carrier, l.cost_minor, l.currency::text, '{}', l.id, l.tracking, l.weight_g,
       l.state = 'voided', 0, 0
FROM (SELECT DISTINCT * FROM unnest(%(companies)s::smallint[], %(carriers)s::text[], %(numbers)s::text[])) AS d(
    company, carrier, number)
JOIN returns_label AS l ON l.company_id = d.company AND l.carrier = d.carrier AND l.tracking = d.number
ORDER BY 1, 10, 9, 12, 7
"""

_CHARGED = """
SELECT unit_id, charge FROM settlement_carriercharge WHERE unit_id = ANY(%(units)s::uuid[]) AND expected_minor <> 0
"""
