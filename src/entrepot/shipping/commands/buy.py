"""Labels that are bought of an adapter, and given back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.shipping import errors
from entrepot.shipping.commands.end_doubts import NOT_ANSWERED, NOT_BOUGHT, Doubted, end_not_there
from entrepot.shipping.commands.take_numbers import Numbered, take_numbers
from entrepot.shipping.commands.tell_numbers import tell_numbers
from entrepot.shipping.live import Bought
from entrepot.shipping.queries import LABELED, STILL_ASKED
from entrepot.shipping.states import PURCHASE
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

OUTCOMES = ("offer", "buy", "fail", "doubt", "void", "keep")


@dataclass(frozen=True, slots=True)
class BuyLabels:
    """A shipment whose printed labels shall be the carrier's own, bought of the adapter that quotes its service.
    `not_bought`: labels of which nobody knew, void ones too; somebody has looked there, and these were not bought. That
    is noted also where nothing is left to buy."""

    shipment: UUID
    not_bought: Collection[UUID] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LabelsAsked:
    """The labels that a message was left for; none where a doubt was settled and nothing is left to buy."""

    shipment: UUID
    labels: tuple[UUID, ...]

    @property
    def fresh(self) -> bool:
        return bool(self.labels)


@dataclass(frozen=True, slots=True)
class RecordPurchase:
    """What became of a label that was asked for or is given back: `offer` (what it will be bought by), `buy`, `fail`,
    `doubt` (nobody knows), `void`, or `keep` (it can't be)."""

    label: UUID
    outcome: str
    bought: Bought | None = None
    problem: str = ""
    offer: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PurchaseRecorded:
    label: UUID
    state: str


class _Label(NamedTuple):
    shipment: UUID
    company: int
    number: str
    label: UUID | None
    live: str
    purchase: str
    package: UUID | None
    is_void: bool
    """It was voided, or its package was opened."""
    source: str
    is_given_up: bool
    """Nobody asks the adapter about it any more."""


class _Purchase(NamedTuple):
    label: UUID
    company: int
    shipment: UUID
    shipment_number: str
    state: str
    tracking: str
    first: bool
    label_state: str
    source: str
    reference: str
    carrier: str


@command("shipping.buy_labels")
def buy_labels(cause: Cause, /, *, requests: Sequence[BuyLabels]) -> list[LabelsAsked | Refused]:
    """A message to the adapter for each label of the shipments that is not bought, or failed before, unless its package
    was opened. While it is not known whether one was bought that is void by now, no other is asked for its package.

    Locks: the labels in id order. Refuses: NotFound; shipping.not_quoted; shipping.no_label_to_buy;
    shipping.label_in_doubt; shipping.label_not_answered; but none of these where the request settles a doubt.
    Again: by key; without one they are asked for already. 3 statements, 3 more where some were in doubt.
    """
    found: dict[UUID, list[_Label]] = {}
    for row in sql.run(_LOCK_LABELS, {"ids": [one.shipment for one in requests]}):
        one = _Label(*row)
        found.setdefault(one.shipment, []).append(one)
    answers: list[LabelsAsked | Refused] = []
    asked: list[_Label] = []
    looked_at: list[Doubted] = []
    for request in requests:
        labels = found.get(request.shipment)
        if not labels:
            answers.append(NotFound(what="shipment", which=str(request.shipment)))
            continue
        settled = [one for one in labels if _is_settled(request, one)]
        known = [one._replace(purchase="failed") if one in settled else one for one in labels]
        due = _due(known)
        if isinstance(due, Refused):
            if not settled:
                answers.append(due)
                continue
            due = []
        taken = {one.label for one in due}
        found[request.shipment] = [
            one._replace(purchase="asked") if one.label in taken else one for one in known
        ]
        asked += due
        looked_at += [
            Doubted(one.label, one.company, one.shipment, one.purchase) for one in settled if one.label
        ]
        answers.append(LabelsAsked(request.shipment, tuple(one.label for one in due if one.label)))
    end_not_there(cause, looked_at)
    if asked:
        _ask(cause, asked)
    return answers


def _due(known: Sequence[_Label]) -> list[_Label] | Refused:
    """The labels of a shipment to ask for."""
    first = known[0]
    if not first.live:
        return errors.NotQuoted(subject=Said("Shipment {0}", first.number))
    unsure = [one for one in known if one.purchase == "in doubt" or (one.is_void and one.purchase == "asked")]
    # What is void may be sold still, or was: another one for its package would be the second.
    waiting = {one.package for one in unsure}
    due = [
        one for one in known
        if one.label and not one.is_void and one.purchase in ("", "failed") and one.package not in waiting
    ]  # fmt: skip
    if due or not unsure:
        return due or errors.NoLabelToBuy(shipment=first.number)
    doubted = next((one for one in unsure if one.purchase == "in doubt"), None)
    if doubted:
        return errors.LabelInDoubt(shipment=first.number, source=doubted.source)
    return errors.LabelNotAnswered(shipment=first.number, source=unsure[0].source)


def _is_settled(request: BuyLabels, one: _Label) -> bool:
    is_open = one.purchase == "in doubt" or (one.is_void and one.purchase == "asked" and one.is_given_up)
    return is_open and one.label in request.not_bought


def _ask(cause: Cause, asked: Sequence[_Label]) -> None:
    rows, messages = [], []
    for one in asked:
        assert one.label is not None
        source, _, service = one.live.partition(":")
        rows.append((one.label, one.company, one.shipment, source, service))
        messages.append(ask_for(source, one.label, one.company))
    sql.run(_ASK, sql.columns(("labels", "companies", "shipments", "sources", "services"), rows))
    delivery.send(cause, messages)


def ask_for(source: str, label: UUID, company: int) -> delivery.Message:
    """The message by which a label is bought, once."""
    return delivery.Message(f"carriers:{source}", "carrier.buy", label, company, {"label": label}, once=True)


def give_back(cause: Cause, labels: Sequence[UUID]) -> None:
    """Labels that are voided: a message to the adapters for those that were bought. 1 statement, 2 where some were."""
    back = [(row[0], row[1], row[2], row[3]) for row in sql.run(_GIVE_BACK, {"labels": list(labels)})]
    delivery.send(cause, [
        delivery.Message(f"carriers:{source}", "carrier.void", label, company, {"label": label, "reference": reference})
        for label, company, source, reference in back
    ])  # fmt: skip


@command("shipping.record_purchases")
def record_purchases(
    cause: Cause, /, *, requests: Sequence[RecordPurchase]
) -> list[PurchaseRecorded | Refused]:
    """What adapters answered: a bought label bears the carrier's number, and so does its shipment by its first; what
    failed, or is not taken back, is a work item, until all labels of its shipment are bought; one in doubt is until a
    person has looked. A label that was voided meanwhile is given back at once; of the others the channels are told the
    numbers.

    A shipment all of whose labels are bought costs what these cost, unless its carrier has billed some by then.

    What waited for its labels and has them all is offered to the queue `labeled`.

    Locks: the purchases with their labels in the order of these, their shipments in id order, the balances, their
    consignments in id order. Refuses: NotFound; WrongState; Invalid (an unknown outcome; bought without its label).
    Again: by key. 10 statements, 8 more where some were bought, and those of `ledger.post` where they cost something
    else than the service chosen.
    """
    found = {row[0]: _Purchase(*row) for row in sql.run(_LOCK, {"labels": [one.label for one in requests]})}
    answers: list[PurchaseRecorded | Refused] = []
    changed: dict[UUID, tuple[_Purchase, RecordPurchase]] = {}
    for request in requests:
        one = found.get(request.label)
        if one is None:
            answers.append(NotFound(what="purchase of label", which=str(request.label)))
            continue
        if request.outcome not in OUTCOMES or (request.outcome == "buy") != (request.bought is not None):
            answers.append(Invalid(field="outcome", expected=", ".join(OUTCOMES), found=request.outcome))
            continue
        state = PURCHASE.step(one.state, request.outcome)
        if isinstance(state, Refused):
            answers.append(state)
            continue
        found[one.label] = one._replace(state=state)
        changed[one.label] = (found[one.label], request)
        answers.append(PurchaseRecorded(one.label, state))
    if changed:
        _write(cause, list(changed.values()))
    return answers


def _write(cause: Cause, changed: Sequence[tuple[_Purchase, RecordPurchase]]) -> None:
    rows = []
    for one, request in changed:
        kept = "" if request.outcome == "fail" else request.offer or one.reference
        told = request.bought or Bought(kept, "", 0, "", "")
        cost = told.amount_minor if request.bought else None
        rows.append(
            (one.label, one.state, told.reference, cost, told.currency, told.label_url, request.problem[:300])
        )
    names = ("labels", "states", "references", "costs", "currencies", "urls", "problems")
    sql.run(_RECORD, sql.columns(names, rows))
    numbered = [(one.label, request.bought.tracking) for one, request in changed if request.bought]
    if numbered:
        sql.run(_NUMBER, sql.columns(("labels", "numbers"), numbered))
        take_numbers(cause, [
            Numbered(one.company, one.carrier, request.bought.tracking, one.shipment)
            for one, request in changed
            if request.bought and request.bought.tracking and one.label_state != "voided"
        ], sold=True)  # fmt: skip
        sold = [(one, request.bought) for one, request in changed if request.bought]
        # A label that was voided meanwhile names its shipment no more: another may stand in its place already.
        standing = [(one, bought) for one, bought in sold if one.label_state != "voided"]
        firsts = [(one.shipment, bought.tracking) for one, bought in standing if one.first]
        sql.run(_NUMBER_SHIPMENTS, sql.columns(("ids", "numbers"), firsts))
        give_back(cause, [one.label for one, _ in sold if one.label_state == "voided"])
        _accrue(cause, [one.shipment for one, _ in standing])
        tell_numbers(cause, [one.shipment for one, _ in standing])
        end_not_bought(cause, [one.shipment for one, _ in sold])
        _offer_labeled(cause, [one.shipment for one, _ in standing])
    answered = {(one.company, one.shipment) for one, request in changed if request.outcome in _ANSWERS}
    if answered:
        resolve_subjects(cause, requests=[
            ResolveSubject(company, NOT_ANSWERED, shipment, "went on", "it was answered")
            for company, shipment in sorted(answered)
        ])  # fmt: skip
    announce(cause, [
        Event("label", one.label, one.company, "", one.state, cause.at, {"shipment": one.shipment}, request.problem)
        for one, request in changed
        if request.outcome != "offer"
    ])  # fmt: skip
    open_items(cause, requests=[
        OpenItem(
            one.company, "label not given back" if request.outcome == "keep" else NOT_BOUGHT, "shipment",
            one.shipment, _told(one, request), "warehouse supervisor",
            {"label": str(one.label), "source": one.source},
            # What may have been bought is told, also where another label of the shipment is known not to be.
            dedupe=str(one.label) if request.outcome == "doubt" else None,
        )
        for one, request in changed
        if request.problem
    ])  # fmt: skip


def _accrue(cause: Cause, shipments: Collection[UUID]) -> None:
    """Shipments all of whose labels are bought by now cost what these cost, in the books too; but for labels that were
    sold in another currency, of which the carrier's invoice tells, and for shipments of which one has released what was
    accrued: what they cost besides is a difference of the next. 2 statements, and those of the ledger."""
    ids = {"ids": sorted(set(shipments))}
    sql.run(_LOCK_SHIPMENTS, ids)
    postings = [
        Posting(company, "shipping.accrued", "shipment", shipment, currency, (("carriage", more),), cause.at)
        for shipment, company, currency, more in sql.run(_PRICE, ids)
    ]
    if postings:
        whole(post(cause, requests=postings))


def _offer_labeled(cause: Cause, shipments: Collection[UUID]) -> None:
    """What waited for its labels and has them all by now leaves: it goes to the queue `labeled`. Of two relays that
    record two labels of the same the later one sees both. 2 statements."""
    ids = {"ids": sorted(set(shipments))}
    sql.run(_LOCK_CONSIGNMENTS, ids)
    complete = sql.run(_COMPLETE, ids)
    offer("labeled", [(fulfillment, 5, cause.at) for (fulfillment,) in complete])


def _told(one: _Purchase, request: RecordPurchase) -> str:
    if request.outcome != "doubt":
        return f"{one.shipment_number} ({one.tracking}): {request.problem}"
    return Said(
        "{0} ({1}) may have been bought of {2}: {3}. Look in the account there before it is asked for again.",
        one.shipment_number,
        one.tracking,
        one.source,
        request.problem,
    )


_ANSWERS = ("buy", "fail", "doubt")

_LOCK_LABELS = f"""
SELECT h.id, h.company_id::int, h.number, l.id, COALESCE(s.live, ''), COALESCE(p.state, ''), l.package_id,
       COALESCE(l.state = 'voided' OR w.voided_at IS NOT NULL, FALSE), COALESCE(p.source, ''),
       NOT {STILL_ASKED}
FROM (SELECT id, company_id, number, service_id FROM shipping_shipment WHERE id = ANY(%(ids)s::uuid[])
      UNION ALL SELECT id, company_id, number, service_id FROM shipping_consignment
      WHERE id = ANY(%(ids)s::uuid[]) AND state IN ('labeling', 'stopped')) AS h
LEFT JOIN carriage_service AS s ON s.id = h.service_id
LEFT JOIN LATERAL (
    SELECT id, package_id, state FROM shipping_label AS n
    WHERE shipment_id = h.id
      AND (state IN ('awaited', 'printed') OR state = 'voided' AND EXISTS (
              SELECT FROM shipping_purchase WHERE label_id = n.id AND state IN ('asked', 'in doubt')))
    ORDER BY id FOR UPDATE) AS l ON TRUE
LEFT JOIN warehouse_package AS w ON w.id = l.package_id
LEFT JOIN shipping_purchase AS p ON p.label_id = l.id
ORDER BY l.id
"""


def end_not_bought(cause: Cause, shipments: Collection[UUID]) -> None:
    """Work about labels that were not bought is over where no label in force waits for it: it was bought after all, or
    voided; but for labels in doubt, and what is waited for, voided ones too. 1 statement, 3 where
    adapters were asked for some."""
    over = sql.run(_NONE_FAILED, {"ids": sorted(set(shipments))})
    if over:
        resolve_subjects(cause, requests=[
            ResolveSubject(
                company, kind, shipment, "went on", "no label of it waits to be bought", dedupes=(str(shipment), *known)
            )
            for shipment, company, known, waits in over
            for kind in ((NOT_BOUGHT,) if waits else (NOT_BOUGHT, NOT_ANSWERED))
        ])  # fmt: skip


def forget_pictures(orders: Collection[UUID]) -> None:
    """The pictures of bought labels of orders, which bear names and streets, are gone; what they cost stands. 1
    statement."""
    sql.run(_BLANK, {"orders": sorted(orders)})


_ASK = """
INSERT INTO shipping_purchase (label_id, company_id, shipment_id, source, service, state)
SELECT d.*, 'asked'
FROM unnest(%(labels)s::uuid[], %(companies)s::smallint[], %(shipments)s::uuid[], %(sources)s::text[],
            %(services)s::text[]) AS d
ON CONFLICT (label_id) DO UPDATE SET state = 'asked', problem = '', reference = ''
WHERE shipping_purchase.state = 'failed'
"""

_NONE_FAILED = """
SELECT p.shipment_id, p.company_id::int,
       COALESCE(array_agg(p.label_id::text) FILTER (WHERE p.state <> 'in doubt'), '{}'),
       bool_or(p.state = 'asked')
FROM shipping_purchase AS p JOIN shipping_label AS l ON l.id = p.label_id
WHERE p.shipment_id = ANY(%(ids)s::uuid[])
GROUP BY 1, 2 HAVING NOT bool_or(p.state IN ('asked', 'failed', 'in doubt') AND l.state <> 'voided') ORDER BY 1
"""

_GIVE_BACK = """
UPDATE shipping_purchase SET state = 'void asked'
WHERE label_id = ANY(%(labels)s::uuid[]) AND state = 'bought'
RETURNING label_id, company_id::int, source, reference
"""

_LOCK = """
SELECT p.label_id, p.company_id::int, p.shipment_id, COALESCE(h.number, c.number), p.state, l.tracking,
       COALESCE(h.tracking = l.tracking, FALSE), l.state, p.source, p.reference, l.carrier
FROM shipping_purchase AS p
JOIN shipping_label AS l ON l.id = p.label_id
LEFT JOIN shipping_shipment AS h ON h.id = p.shipment_id
LEFT JOIN shipping_consignment AS c ON c.id = p.shipment_id
WHERE p.label_id = ANY(%(labels)s::uuid[]) ORDER BY p.label_id FOR UPDATE OF p, l
"""

_LOCK_CONSIGNMENTS = (
    "SELECT id FROM shipping_consignment WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE"
)

_COMPLETE = (
    f"SELECT c.fulfillment_id FROM shipping_consignment AS c WHERE c.id = ANY(%(ids)s::uuid[]) AND {LABELED}"
)

_RECORD = """
UPDATE shipping_purchase AS p
SET state = d.state, reference = d.reference, cost_minor = COALESCE(d.cost, p.cost_minor),
    currency = COALESCE(NULLIF(d.currency, ''), p.currency), label_url = COALESCE(NULLIF(d.url, ''), p.label_url),
    problem = d.problem
FROM unnest(%(labels)s::uuid[], %(states)s::text[], %(references)s::text[], %(costs)s::bigint[],
            %(currencies)s::text[], %(urls)s::text[], %(problems)s::text[])
  AS d(label, state, reference, cost, currency, url, problem)
WHERE p.label_id = d.label
"""

_NUMBER = """
UPDATE shipping_label AS l SET tracking = d.number
FROM unnest(%(labels)s::uuid[], %(numbers)s::text[]) AS d(label, number) WHERE l.id = d.label
"""

_NUMBER_SHIPMENTS = """
UPDATE shipping_shipment AS h SET tracking = d.number
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[]) AS d(id, number) WHERE h.id = d.id
"""

_LOCK_SHIPMENTS = "SELECT id FROM shipping_shipment WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE"

_PRICE = """
WITH bought AS (
    SELECT l.shipment_id, sum(p.cost_minor)::bigint AS cost
    FROM shipping_label AS l
    JOIN shipping_shipment AS h ON h.id = l.shipment_id
    LEFT JOIN shipping_purchase AS p ON p.label_id = l.id AND p.state = 'bought' AND p.currency = h.currency
    WHERE l.shipment_id = ANY(%(ids)s::uuid[]) AND l.state <> 'voided' AND NOT h.billed
      AND NOT EXISTS (
          SELECT FROM warehouse_package AS w
          WHERE w.fulfillment_id = h.fulfillment_id AND w.voided_at IS NULL
            AND NOT EXISTS (SELECT FROM shipping_label AS x WHERE x.package_id = w.id AND x.state <> 'voided'))
    GROUP BY 1 HAVING count(*) = count(p.cost_minor)),
before AS (SELECT id, cost_minor FROM shipping_shipment WHERE id = ANY(%(ids)s::uuid[]))
UPDATE shipping_shipment AS h SET cost_minor = b.cost, reasons = h.reasons || '{"bought": true}'
FROM bought AS b JOIN before AS x ON x.id = b.shipment_id
WHERE h.id = b.shipment_id AND h.cost_minor <> b.cost
RETURNING h.id, h.company_id::int, h.currency::text, (b.cost - x.cost_minor)::bigint
"""

_BLANK = """
UPDATE shipping_purchase AS p SET label_url = ''
FROM (SELECT id FROM shipping_shipment WHERE order_id = ANY(%(orders)s::uuid[])
      UNION ALL SELECT id FROM shipping_consignment WHERE order_id = ANY(%(orders)s::uuid[])) AS h
WHERE h.id = p.shipment_id AND p.label_url <> ''
"""
