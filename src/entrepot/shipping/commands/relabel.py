"""Send what was labeled and not collected with another service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage.rules import Offer
from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.shipping.choosing import Choosing, not_carried
from entrepot.shipping.commands.label import LabelMade, PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.tell_numbers import tell_numbers
from entrepot.shipping.shopping import Shopped

CHEAPER = "relabeled"
"""The queue of shipments that cost less by now: their first carrier may have billed them."""


@dataclass(frozen=True, slots=True)
class Relabel:
    """A shipment whose packages stand here still: with the `service` of a code, or the one chosen now."""

    shipment: UUID
    reason: str
    service: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Relabeled:
    """The service that takes it now, what it costs, and its new labels."""

    shipment: UUID
    carrier: str
    service: str
    cost_minor: int
    currency: str
    labels: tuple[LabelMade, ...]


class _Shipment(NamedTuple):
    id: UUID
    company: int
    number: str
    fulfillment: UUID
    state: str
    carrier: str
    cost: int
    currency: str
    labels: dict[UUID, str]
    """Those in force, by their state."""


@command("shipping.relabel")
def relabel(cause: Cause, /, *, requests: Sequence[Relabel]) -> list[Relabeled | Refused]:
    """New labels for shipments that no carrier has yet, by the service that is best now or the one that is named: the
    old labels are void, what was bought is given back, and the carriage that is accrued is that of the new one.
    Channels are told the carrier and the numbers.

    Locks: the shipments in id order, their labels, the balances. Refuses: NotFound; Invalid (no reason); WrongState (a
    package is on a manifest; it arrived); shipping.no_service; what the ledger refuses, for all. Again: by key.
    29 statements.
    """
    params = {"ids": [one.shipment for one in requests]}
    found = {row[0]: _Shipment._make((*row, {})) for row in sql.run(_LOCK, params)}
    for label, shipment, state in sql.run(_LOCK_LABELS, params):  # by themselves: manifests lock labels alone
        if shipment in found:
            found[shipment].labels[label] = state
    choosing = Choosing([one.fulfillment for one in found.values()], cause.at)
    answers: list[Relabeled | Refused | None] = []
    chosen: dict[UUID, tuple[Shopped, Offer, str]] = {}
    for request in requests:
        one = found.get(request.shipment)
        refused = _misfit(request, one, chosen)
        if one is None or refused:
            answers.append(refused or NotFound(what="shipment", which=str(request.shipment)))
            continue
        shopped = _choose(cause, request, one, choosing)
        if isinstance(shopped, Refused):
            answers.append(shopped)
            continue
        assert shopped.choice.taken is not None
        chosen[one.id] = (shopped, shopped.choice.taken, request.reason.strip())
        answers.append(None)
    made = _write(cause, found, chosen) if chosen else {}
    return [
        made[request.shipment] if answer is None else answer
        for request, answer in zip(requests, answers, strict=True)
    ]


def _misfit(
    request: Relabel, one: _Shipment | None, chosen: dict[UUID, tuple[Shopped, Offer, str]]
) -> Refused | None:
    if one is None:
        return None
    if not request.reason.strip():
        return Invalid(field="reason", expected="why it is labeled anew", found="nothing")
    expected = "one whose packages stand on no manifest"
    if one.state != "shipped" or one.id in chosen:
        return WrongState(subject="shipment", found=one.state, event="label anew", expected=expected)
    if set(one.labels.values()) != {"printed"}:
        found = "manifested" if one.labels else "without a label"
        return WrongState(subject="shipment", found=found, event="label anew", expected=expected)
    return None


def _choose(cause: Cause, request: Relabel, one: _Shipment, choosing: Choosing) -> Shopped | Refused:
    """As at the first time, with the days of now; a service that is named is taken or refused."""
    shopped = choosing.choose(one.fulfillment, cause.at, request.service)
    return not_carried(shopped, request.service, one.number) or shopped


def _write(
    cause: Cause, found: dict[UUID, _Shipment], chosen: dict[UUID, tuple[Shopped, Offer, str]]
) -> dict[UUID, Relabeled]:
    some = [found[which] for which in chosen]
    whole(
        void_labels(
            cause, requests=[VoidLabel(label, chosen[one.id][2]) for one in some for label in one.labels]
        )
    )
    rows = [
        (
            one.id, taken.service.carrier, taken.service.id, taken.zone, taken.price_minor, taken.service.currency,
            wire.dump(shopped.reasons()),
        )
        for one, (shopped, taken, _) in zip(some, chosen.values(), strict=True)
    ]  # fmt: skip
    names = ("ids", "carriers", "services", "zones", "costs", "currencies", "reasons")
    sql.run(_STORE, sql.columns(names, rows))
    whole(post(cause, requests=[
        posting for one in some for posting in _postings(cause, one, chosen[one.id][1])
    ]))  # fmt: skip
    announce(cause, [
        Event("shipment", one.id, one.company, one.state, one.state, cause.at,
              {"carrier": chosen[one.id][1].service.carrier, "was": one.carrier}, chosen[one.id][2])
        for one in some
    ])  # fmt: skip
    offer(CHEAPER, [(one.id, 5, cause.at) for one in some])
    printed = whole(print_labels(cause, requests=[PrintLabels(one.id) for one in some]))
    tell_numbers(cause, [one.id for one in some])
    return {
        one.id: Relabeled(
            one.id, taken.service.carrier, taken.service.code, taken.price_minor, taken.service.currency, labels.labels
        )
        for one, labels, (_, taken, _) in zip(some, printed, chosen.values(), strict=True)
    }  # fmt: skip


def _postings(cause: Cause, one: _Shipment, taken: Offer) -> list[Posting]:
    """What was accrued, taken back, and what it costs now; in one currency, the difference."""
    currency = taken.service.currency
    amounts = (
        [(currency, taken.price_minor - one.cost)]
        if currency == one.currency
        else [(one.currency, -one.cost), (currency, taken.price_minor)]
    )
    return [
        Posting(one.company, "shipping.accrued", "shipment", one.id, code, (("carriage", amount),), cause.at)
        for code, amount in amounts
        if amount
    ]


_LOCK = """
SELECT h.id, h.company_id::int, h.number, h.fulfillment_id, h.state, h.carrier, h.cost_minor, h.currency::text
FROM shipping_shipment AS h
WHERE h.id = ANY(%(ids)s::uuid[]) AND h.fulfillment_id IS NOT NULL ORDER BY h.id FOR UPDATE
"""

_LOCK_LABELS = """
SELECT id, shipment_id, state FROM shipping_label
WHERE shipment_id = ANY(%(ids)s::uuid[]) AND state <> 'voided' ORDER BY id FOR UPDATE
"""

# The number is the shipment's own again until the new carrier gives one. What was billed for the old labels is asked
# back, and the new ones are to be priced.
_STORE = """
UPDATE shipping_shipment AS h
SET carrier = d.carrier, service_id = d.service, zone = d.zone, cost_minor = d.cost, currency = d.currency,
    reasons = d.reasons, tracking = h.number, polled_at = NULL, billed = FALSE
FROM unnest(%(ids)s::uuid[], %(carriers)s::text[], %(services)s::uuid[], %(zones)s::text[], %(costs)s::bigint[],
            %(currencies)s::text[], %(reasons)s::jsonb[]) AS d(id, carrier, service, zone, cost, currency, reasons)
WHERE h.id = d.id
"""
