"""Claims to carriers: opened for a parcel in trouble, filed, agreed, credited or refused; in the books as they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.shipping import errors, parcels, trouble
from entrepot.shipping.states import CLAIM
from entrepot.shipping.trouble import CLAIMED, Trouble
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "claim to file"
STEPS = ("file", "agree", "credit", "refuse", "drop")
AMOUNT_MAX = 10**12
PRIORITY = 5
"""Of claims that are for no shipment of an order."""


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """A claim for a shipment; without `amount_minor` what its goods and its carriage are worth. It must be said where
    only some of its parcels are in trouble, and where a part was claimed as of the kind before: all of them claim at
    most what it is worth."""

    shipment: UUID
    kind: str
    amount_minor: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimOpened:
    claim: UUID
    number: str
    amount_minor: int
    due_on: date


@dataclass(frozen=True, slots=True)
class AdvanceClaim:
    """A step of a claim. `amount_minor`: what the carrier agrees to, or credited; without, all of it."""

    claim: UUID
    step: str
    amount_minor: int | None = None
    reason: str = ""
    reference: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimAdvanced:
    claim: UUID
    state: str


class _Shipment(NamedTuple):
    """What is claimed for. `number` is what people call it; `kinds`, `numbers` and `amounts` are of claims for it."""

    id: UUID
    number: str
    company: int
    carrier: str
    currency: str
    shipped_at: datetime
    worth: int
    kinds: list[str]
    numbers: list[str]
    amounts: list[int]
    priority: int


class OtherParcel(NamedTuple):
    """A parcel that is no shipment, of `trouble.OTHER_PARCELS`, locked by whoever it belongs to: of which order, under
    which number, what is in it `worth`, and until which day its carrier takes a claim."""

    id: UUID
    subject_kind: str
    company: int
    order: UUID
    tracking: str
    carrier: str
    currency: str
    worth: int
    due_on: date


class ForParcel(NamedTuple):
    """A claim for another parcel, as `OpenClaim` is for a shipment."""

    parcel: OtherParcel
    kind: str
    amount_minor: int | None = None


class _Claim(NamedTuple):
    id: UUID
    number: str
    company: int
    currency: str
    amount: int
    agreed: int
    credited: int
    state: str
    reference: str


@command("shipping.open_claims")
def open_claims(cause: Cause, /, *, requests: Sequence[OpenClaim]) -> list[ClaimOpened | Refused]:
    """Claims with the last day on which the carrier takes them, each a work item until it is filed.

    Locks: the shipments in id order.
    Refuses: NotFound; Invalid (an unknown kind; an amount that can't be); shipping.claimed;
    shipping.claim_in_part (no amount, and some parcels fared well).
    Again: by key. 9 statements.
    """
    sql.run(_LOCK_SHIPMENTS, {"ids": [one.shipment for one in requests]})
    # As they are now that nobody else claims for them.
    found = {
        row[0]: _Shipment(*row) for row in sql.run(_SHIPMENTS, {"ids": [one.shipment for one in requests]})
    }
    terms = policies.of_companies({one.company for one in found.values()}, Trouble, cause.at)
    fared = parcels.of(found)
    numbers = iter(ids.numbers("CL", len(requests)))
    answers: list[ClaimOpened | Refused] = []
    opened: list[_Opened] = []
    for request in requests:
        one = found.get(request.shipment)
        refused = _misfit(request, one, trouble.apart(fared.get(request.shipment, ()), (request.kind,)))
        if one is None or refused:
            answers.append(refused or NotFound(what="shipment", which=str(request.shipment)))
            continue
        due = trouble.claim_by(one.shipped_at.astimezone(UTC).date(), terms[one.company][1])
        opened.append(_opened(one, request.kind, request.amount_minor, next(numbers), due))
        answers.append(opened[-1].claim)
    _write_opened(cause, opened)
    return answers


def open_for_parcels(cause: Cause, wanted: Sequence[ForParcel]) -> list[ClaimOpened | Refused]:
    """Claims for locked parcels that are no shipments; refused as those for shipments are. 4 statements, none for
    none."""
    if not wanted:
        return []
    found = {one.parcel.id: _of_parcel(cause, one.parcel) for one in wanted}
    for which, kind, number, amount in sql.run(_BEFORE, {"ids": list(found)}):
        found[which].kinds.append(kind)
        found[which].numbers.append(number)
        found[which].amounts.append(amount)
    numbers = iter(ids.numbers("CL", len(wanted)))
    answers: list[ClaimOpened | Refused] = []
    opened: list[_Opened] = []
    for claim in wanted:
        one = found[claim.parcel.id]._replace(worth=claim.parcel.worth)
        if refused := _misfit(claim, one, trouble.Apart()):
            answers.append(refused)
            continue
        made = _opened(one, claim.kind, claim.amount_minor, next(numbers), claim.parcel.due_on)
        opened.append(made._replace(parcel=claim.parcel))
        answers.append(made.claim)
    _write_opened(cause, opened)
    return answers


def _of_parcel(cause: Cause, one: OtherParcel) -> _Shipment:
    return _Shipment(
        one.id,
        one.tracking,
        one.company,
        one.carrier,
        one.currency,
        cause.at,
        one.worth,
        [],
        [],
        [],
        PRIORITY,
    )


class _Opened(NamedTuple):
    """A claim that will be written; `parcel` where it is for no shipment."""

    claim: ClaimOpened
    of: _Shipment
    kind: str
    parcel: OtherParcel | None = None

    @property
    def about(self) -> dict[str, str]:
        """What it is for, as work items and events tell it."""
        kind = self.parcel.subject_kind if self.parcel else "shipment"
        return {kind: str(self.of.id)}


def _opened(one: _Shipment, kind: str, asked: int | None, number: str, due: date) -> _Opened:
    """The claim, which those behind it in the batch see."""
    claim = ClaimOpened(ids.uuid7(), number, one.worth if asked is None else asked, due)
    one.kinds.append(kind)
    one.numbers.append(number)
    one.amounts.append(claim.amount_minor)
    return _Opened(claim, one, kind)


def _write_opened(cause: Cause, opened: Sequence[_Opened]) -> None:
    if not opened:
        return
    sql.write("shipping_claim", _CLAIM, [_row(cause, one) for one in opened])
    open_items(cause, requests=[_to_file(cause, one) for one in opened])
    announce(cause, [
        Event("claim", one.claim.claim, one.of.company, "", "open", cause.at,
              {**one.about, "amount_minor": one.claim.amount_minor}, one.kind)
        for one in opened
    ])  # fmt: skip


def _row(cause: Cause, one: _Opened) -> tuple[object, ...]:
    parcel = one.parcel
    about = (
        (parcel.subject_kind, None, parcel.id, parcel.order, parcel.tracking)
        if parcel
        else ("shipment", one.of.id, None, None, "")
    )
    return (
        one.claim.claim, one.claim.number, one.of.company, *about, one.of.carrier, one.kind, one.of.currency,
        one.claim.amount_minor, "open", one.claim.due_on, cause.at,
    )  # fmt: skip


def _to_file(cause: Cause, one: _Opened) -> OpenItem:
    due = one.claim.due_on
    hours = int((datetime(due.year, due.month, due.day, tzinfo=UTC) - cause.at).total_seconds() // 3600)
    return OpenItem(
        one.of.company, ITEM, "claim", one.claim.claim,
        Said(
            "{0}: {1} is {2}; {3} takes claims until {4}.",
            one.claim.number, one.of.number, one.kind, one.of.carrier or "its carrier", due,
        ),
        "customer service", {**one.about, "amount_minor": one.claim.amount_minor}, one.of.priority,
        due_in_hours=min(max(1, hours), 24 * 14),
    )  # fmt: skip


def _misfit(request: OpenClaim | ForParcel, one: _Shipment | None, fared: trouble.Apart) -> Refused | None:
    if request.kind not in CLAIMED:
        return Invalid(field="kind", expected=one_of(CLAIMED), found=request.kind)
    if one is None:
        return None
    same = [place for place, kind in enumerate(one.kinds) if kind == request.kind]
    left = one.worth - sum(one.amounts[place] for place in same)
    if same and (request.amount_minor is None or left <= 0):
        number = one.numbers[same[-1]]
        if isinstance(request, ForParcel):
            return errors.ParcelClaimed(tracking=one.number, kind=request.kind, number=number)
        return errors.Claimed(shipment=one.number, kind=request.kind, number=number)
    if request.amount_minor is None and fared.well:
        return errors.ClaimInPart(shipment=one.number, **fared.numbers())
    amount = one.worth if request.amount_minor is None else request.amount_minor
    most = left if same else AMOUNT_MAX
    if not 0 < amount <= most:
        return Invalid(
            field="amount_minor",
            expected=Said("above 0, at most {0}", money.told(most, one.currency)),
            found=money.told(amount, one.currency),
        )
    return None


@command("shipping.advance_claims")
def advance_claims(cause: Cause, /, *, requests: Sequence[AdvanceClaim]) -> list[ClaimAdvanced | Refused]:
    """Claims a step on: what the carrier agrees to is receivable, its credit reduces what we owe it, a refusal takes
    back what was agreed.

    Locks: the claims in id order; the balances.
    Refuses: NotFound; WrongState; Invalid (an unknown step, no reason, an amount that can't be); what the ledger
    refuses, for all. Again: by key. 8 statements.
    """
    found = {row[0]: _Claim(*row) for row in sql.run(_LOCK, {"ids": [one.claim for one in requests]})}
    answers: list[ClaimAdvanced | Refused] = []
    changed: dict[UUID, tuple[_Claim, str]] = {}
    postings: list[Posting] = []
    for request in requests:
        one = found.get(request.claim)
        if one is None:
            answers.append(NotFound(what="claim", which=str(request.claim)))
            continue
        state = _step(one, request)
        if isinstance(state, Refused):
            answers.append(state)
            continue
        after = one._replace(state=state, reference=request.reference.strip() or one.reference)
        if request.step != "file":
            moved = trouble.move(request.step, request.amount_minor, one.amount, one.agreed)
            after = after._replace(agreed=moved.agreed, credited=moved.credited)
            amounts = (("claim.agreed", moved.recognized), ("claim.credited", moved.received))
            postings += [
                Posting(one.company, event, "claim", one.id, one.currency, (("claim", amount),), cause.at)
                for event, amount in amounts
                if amount
            ]
        found[one.id] = after
        changed[one.id] = (after, request.reason.strip())
        money = {"agreed_minor": after.agreed, "credited_minor": after.credited}
        announce(cause, [
            Event("claim", one.id, one.company, one.state, state, cause.at, money, request.reason)
        ])  # fmt: skip
        answers.append(ClaimAdvanced(one.id, state))
    if changed:
        _write(cause, changed, postings)
    return answers


def _step(one: _Claim, request: AdvanceClaim) -> str | Refused:
    if request.step not in STEPS:
        return Invalid(field="step", expected=one_of(STEPS), found=request.step)
    state = CLAIM.step(one.state, request.step)
    if isinstance(state, Refused):
        return state
    if request.step in ("refuse", "drop") and not request.reason.strip():
        return Invalid(field="reason", expected="why it is given up", found="nothing")
    if request.amount_minor is not None and not 0 < request.amount_minor <= one.amount:
        return Invalid(
            field="amount_minor",
            expected=Said("above 0, at most {0}", money.told(one.amount, one.currency)),
            found=money.told(request.amount_minor, one.currency),
        )
    return state


def _write(cause: Cause, changed: dict[UUID, tuple[_Claim, str]], postings: Sequence[Posting]) -> None:
    rows = [
        (one.id, one.state, one.agreed, one.credited, one.reference, why) for one, why in changed.values()
    ]
    names = ("ids", "states", "agreed", "credits", "references", "reasons")
    sql.run(_ADVANCE, sql.columns(names, rows))
    if postings:
        whole(post(cause, requests=postings))
    resolve_subjects(cause, requests=[
        ResolveSubject(one.company, ITEM, one.id, "explained", why, cause.at) for one, why in changed.values()
    ])  # fmt: skip


_CLAIM = (
    "id", "number", "company_id", "subject_kind", "shipment_id", "subject_id", "order_id", "tracking", "carrier",
    "kind", "currency", "amount_minor", "state", "due_on", "opened_at",
)  # fmt: skip

_LOCK_SHIPMENTS = """
SELECT FROM shipping_shipment WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

# A claim that was dropped bars no other.
# Worth: the goods at the price that was paid for them, without tax, and their carriage where it is in the same money.
_SHIPMENTS = """
SELECT h.id, h.number, h.company_id::int, h.carrier, o.currency::text, h.shipped_at,
       (SELECT sum(goods_minor - discount_minor) FROM shipping_shipmentline WHERE shipment_id = h.id)::bigint
       + CASE WHEN h.currency = o.currency THEN h.cost_minor ELSE 0 END,
       ARRAY(SELECT kind FROM shipping_claim WHERE shipment_id = h.id AND state <> 'dropped' ORDER BY id),
       ARRAY(SELECT number FROM shipping_claim WHERE shipment_id = h.id AND state <> 'dropped' ORDER BY id),
       ARRAY(SELECT amount_minor FROM shipping_claim WHERE shipment_id = h.id AND state <> 'dropped' ORDER BY id),
       o.priority::int
FROM shipping_shipment AS h JOIN orders_order AS o ON o.id = h.order_id
WHERE h.id = ANY(%(ids)s::uuid[])
"""

_BEFORE = """
SELECT subject_id, kind, number, amount_minor FROM shipping_claim
WHERE subject_id = ANY(%(ids)s::uuid[]) AND state <> 'dropped' ORDER BY id
"""

_LOCK = """
SELECT id, number, company_id::int, currency::text, amount_minor, agreed_minor, credited_minor, state, reference
FROM shipping_claim WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_ADVANCE = """
UPDATE shipping_claim AS c SET state = d.state, agreed_minor = d.agreed, credited_minor = d.credited,
       reference = d.reference, reason = d.reason
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(agreed)s::bigint[], %(credits)s::bigint[], %(references)s::text[],
            %(reasons)s::text[]) AS d(id, state, agreed, credited, reference, reason)
WHERE c.id = d.id
"""
