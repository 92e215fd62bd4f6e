"""Drafts and quotes: orders that nobody has placed yet. They promise nothing and hold no stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.orders import errors, rules
from entrepot.orders.commands.place import (
    AddressGiven,
    BillingGiven,
    PaymentGiven,
    Placed,
    PlaceOrder,
    for_the_vault,
    place,
)
from entrepot.parties import numbers
from entrepot.parties import queries as parties
from entrepot.parties.commands.erase import drop_addresses
from entrepot.parties.commands.register import AddressRegistered, RegisterAddress, register_addresses
from entrepot.parties.queries import Address


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """An order as it stands; without `draft` a new one. It gets its `external_id` from its number; its payment, who is
    billed where that is somebody else, and its gift message when it is placed. Its address and tax number are kept in
    the vault. A quote says until when it is `valid_until`."""

    order: PlaceOrder
    draft: UUID | None = None
    valid_until: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DraftSaved:
    draft: UUID
    number: str
    total_minor: int


@dataclass(frozen=True, slots=True)
class PlaceDraft:
    """The customer agreed: the draft becomes an order. Without an address or a tax number, those of the draft."""

    draft: UUID
    address: AddressGiven | None = None
    payment: PaymentGiven | None = None
    billing: BillingGiven | None = None
    tax_number: str = ""
    gift_message: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DiscardDraft:
    draft: UUID
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DraftDiscarded:
    draft: UUID


@command("orders.draft")
def draft(cause: Cause, /, *, requests: Sequence[SaveDraft]) -> list[DraftSaved | Refused]:
    """Drafts made or changed. Nothing of them is promised, validated or frozen yet.

    Locks: the drafts in id order. Refuses: NotFound (draft, channel); WrongState (placed, discarded); UnfitDraft;
    Invalid (another company's; a draft twice; a payment; a last day that is over).
    Again: by key. 4 statements, 4 for addresses, and 3 where one is not its draft's any more.
    """
    found = _lock([one.draft for one in requests if one.draft])
    channels = _channels([one.order for one in requests])
    refusals = _refusals(requests, found, channels, cause.at)
    fresh = [i for i, one in enumerate(requests) if one.draft is None and refusals[i] is None]
    named = dict(zip(fresh, ids.numbers("QT", len(fresh)), strict=True))
    keys = [one.draft or ids.uuid7() for one in requests]
    kept = _keep_buyers(cause, requests, keys, refusals, found)
    answers: list[DraftSaved | Refused] = []
    rows, happened = [], []
    for i, (one, refused) in enumerate(zip(requests, refusals, strict=True)):
        if refused is not None:
            answers.append(refused)
            continue
        key = keys[i]
        number = named[i] if one.draft is None else found[key].number
        order = replace(
            one.order, external_id=number, occurred_at=None, key=None, address=None, tax_number=""
        )
        total = total_of(order)
        rows.append((
            key, order.company, number, channels[order.company, order.channel], order.customer or "",
            order.currency, total, wire.dump(order), kept[i], one.valid_until, "draft", cause.actor.name,
            cause.at,
        ))  # fmt: skip
        happened.append(
            Event(
                "draft",
                key,
                order.company,
                "draft" if one.draft else "",
                "draft",
                None,
                {"total_minor": total},
            )
        )
        answers.append(DraftSaved(key, number, total))
    sql.upsert("orders_draft", ("id",), _COLUMNS, rows)
    drop_addresses(cause, _left(requests, refusals, kept, found))
    announce(cause, happened)
    return answers


@command("orders.place_draft")
def place_draft(cause: Cause, /, *, requests: Sequence[PlaceDraft]) -> list[Placed | Refused]:
    """Drafts become orders, as `orders.place` takes them in: their amounts are frozen and validated now.

    Locks: the drafts in id order, then as `orders.place`. Refuses: NotFound; WrongState (placed, discarded);
    QuoteExpired; Invalid (a draft twice); and as `orders.place`. Again: by key. 2 statements more than
    `orders.place`, and 1 for addresses.
    """
    found = _lock([one.draft for one in requests])
    buyers = _buyers([one.address for one in found.values()])
    answers: list[Placed | Refused | None] = []
    wanted: list[tuple[PlaceDraft, PlaceOrder]] = []
    for one, refused in zip(requests, _unfit([one.draft for one in requests], found, "place"), strict=True):
        known = found.get(one.draft)
        if refused is None and known and known.valid_until and known.valid_until < cause.at:
            refused = errors.QuoteExpired(number=known.number, expired=known.valid_until.isoformat())
        if refused is None and known:
            buyer = buyers.get(known.address) if known.address else None
            order = replace(
                known.order, address=one.address or _place_of(buyer), payment=one.payment, billing=one.billing,
                tax_number=one.tax_number or (buyer.tax_number if buyer else ""), priced_at=known.saved_at,
                gift_message=one.gift_message,
            )  # fmt: skip
            wanted.append((one, order))
        answers.append(refused)
    done = place(cause, requests=[order for _, order in wanted]) if wanted else []
    placed = [
        (one.draft, answer.order)
        for (one, _), answer in zip(wanted, done, strict=True)
        if isinstance(answer, Placed)
    ]
    _end(cause, found, placed, "placed")
    rest = iter(done)
    return [next(rest) if answer is None else answer for answer in answers]


@command("orders.discard_draft")
def discard_draft(cause: Cause, /, *, requests: Sequence[DiscardDraft]) -> list[DraftDiscarded | Refused]:
    """Drafts that come to nothing. They stay to be read.

    Locks: the drafts in id order. Refuses: NotFound; WrongState (placed, discarded); Invalid (a draft twice).
    Again: by key. 2 statements.
    """
    found = _lock([one.draft for one in requests])
    refusals = _unfit([one.draft for one in requests], found, "discard")
    gone = [(one.draft, None) for one, refused in zip(requests, refusals, strict=True) if refused is None]
    reasons = {one.draft: one.reason for one in requests}
    _end(cause, found, gone, "discarded", reasons)
    return [
        DraftDiscarded(one.draft) if refused is None else refused
        for one, refused in zip(requests, refusals, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class RestoreDraft:
    """A draft that was discarded and goes on after all."""

    draft: UUID
    key: str | None = None


@command("orders.restore_draft")
def restore_draft(cause: Cause, /, *, requests: Sequence[RestoreDraft]) -> list[DraftSaved | Refused]:
    """Drafts that were discarded, as they stood.

    Locks: the drafts in id order. Refuses: NotFound; WrongState (not discarded); Invalid (a draft twice).
    Again: by key. 2 statements.
    """
    asked = [one.draft for one in requests]
    found = _lock(asked)
    refusals = _unfit(asked, found, "restore", state="discarded")
    back = [(key, None) for key, refused in zip(asked, refusals, strict=True) if refused is None]
    _end(cause, found, back, "draft", before="discarded")
    return [
        DraftSaved(key, found[key].number, total_of(found[key].order)) if refused is None else refused
        for key, refused in zip(asked, refusals, strict=True)
    ]


def total_of(order: PlaceOrder) -> int:
    """What an order costs as it stands."""
    lines = [(line.kind, line.quantity, line.unit_price, line.discount_minor) for line in order.lines]
    frozen = rules.freeze(lines, order.currency, order.discount_minor, order.shipping_minor, order.tax_minor)
    return sum(one.total for one in frozen)


class _Found(NamedTuple):
    company: int
    number: str
    state: str
    order: PlaceOrder
    valid_until: datetime | None
    saved_at: datetime
    address: UUID | None


def _buyers(addresses: Iterable[UUID | None]) -> dict[UUID, Address]:
    """Whom drafts are for, out of the vault. 1 statement, where there are any."""
    wanted = {one for one in addresses if one}
    return parties.addresses(wanted) if wanted else {}


def _place_of(buyer: Address | None) -> AddressGiven | None:
    """Where a draft goes, of what the vault has of its buyer; None where that is a tax number alone."""
    return AddressGiven.of(buyer) if buyer and buyer.line1 else None


def _keep_buyers(
    cause: Cause,
    requests: Sequence[SaveDraft],
    keys: Sequence[UUID],
    refusals: Sequence[Refused | None],
    found: Mapping[UUID, _Found],
) -> list[UUID | None]:
    """Where in the vault each draft's buyer stands: where they stood, as long as nothing of them changed, and they are
    the same customer: the address is sealed with their key."""
    stood = [found[one.draft].address if one.draft and one.draft in found else None for one in requests]
    buyers = _buyers(stood)
    kept: list[UUID | None] = [None] * len(requests)
    fresh: dict[int, RegisterAddress] = {}
    for i, (one, refused, before) in enumerate(zip(requests, refusals, stood, strict=True)):
        wanted = _for_the_vault(one.order, keys[i]) if refused is None else None
        if wanted is None:
            continue
        known = found.get(one.draft) if one.draft else None
        is_theirs = known is not None and (known.order.customer or "") == (one.order.customer or "")
        if is_theirs and before in buyers and _same(wanted, buyers[before]):
            kept[i] = before
        else:
            fresh[i] = wanted
    if fresh:
        for i, answer in zip(fresh, register_addresses(cause, requests=list(fresh.values())), strict=True):
            assert isinstance(answer, AddressRegistered), answer
            kept[i] = answer.id
    return kept


def _left(
    requests: Sequence[SaveDraft],
    refusals: Sequence[Refused | None],
    kept: Sequence[UUID | None],
    found: Mapping[UUID, _Found],
) -> set[UUID]:
    """Addresses in the vault that were their drafts' and are so no more. Nothing else names them: an order that is
    placed gets an address of its own."""
    before = [found[one.draft].address if one.draft and one.draft in found else None for one in requests]
    return {
        old
        for old, new, refused in zip(before, kept, refusals, strict=True)
        if old and refused is None and old != new
    }


def _for_the_vault(order: PlaceOrder, draft: UUID) -> RegisterAddress | None:
    """Whom a draft is for, as the vault takes them; None where nothing is known of them.

    Who has neither a code nor a mail address is one person as long as the draft is written.
    """
    if order.address is None and not order.tax_number:
        return None
    is_nobody = not order.customer and not (order.address and order.address.email)
    customer = f"draft {draft}" if is_nobody else order.customer or ""
    if order.address is None:
        return RegisterAddress(
            order.company, country=order.country, tax_number=order.tax_number, customer=customer
        )
    kept = for_the_vault(order.company, order.address, order.postal_code, order.country, customer)
    return replace(kept, tax_number=order.tax_number)


def _same(wanted: RegisterAddress, stood: Address) -> bool:
    """Whether the vault says already what is to be kept."""
    names = ("name", "line1", "line2", "city", "region", "postal_code", "country", "email", "phone")
    number = numbers.check(wanted.country, wanted.tax_number).number if wanted.tax_number else ""
    return number == stood.tax_number and all(getattr(wanted, one) == getattr(stood, one) for one in names)


def _lock(drafts: Sequence[UUID]) -> dict[UUID, _Found]:
    rows = sql.run(_LOCK, {"drafts": list(drafts)})
    return {
        key: _Found(company, number, state, wire.load(body, PlaceOrder), *rest)
        for key, company, number, state, body, *rest in rows
    }


def _unfit(
    drafts: Sequence[UUID], found: Mapping[UUID, _Found], event: str, state: str = "draft"
) -> list[Refused | None]:
    """Why each of the drafts can't be gone on with."""
    answers: list[Refused | None] = []
    seen: set[UUID] = set()
    for key in drafts:
        known = found.get(key)
        if known is None:
            answers.append(NotFound(what="draft", which=str(key)))
        elif known.state != state:
            expected = "a draft" if state == "draft" else state
            answers.append(
                WrongState(subject=known.number, found=known.state, event=event, expected=expected)
            )
        elif key in seen:
            answers.append(Invalid(field="draft", expected="each draft once in a call", found=str(key)))
        else:
            answers.append(None)
        seen.add(key)
    return answers


def _refusals(
    requests: Sequence[SaveDraft],
    found: Mapping[UUID, _Found],
    channels: Mapping[tuple[int, str], UUID],
    at: datetime,
) -> list[Refused | None]:
    known = iter(_unfit([one.draft for one in requests if one.draft], found, "change"))
    answers: list[Refused | None] = []
    for one in requests:
        refused = next(known) if one.draft else None
        answers.append(refused or _misfit(one, found, channels, at))
    return answers


def _misfit(
    one: SaveDraft, found: Mapping[UUID, _Found], channels: Mapping[tuple[int, str], UUID], at: datetime
) -> Refused | None:
    order = one.order
    if (order.company, order.channel) not in channels:
        return NotFound(what="channel", which=order.channel)
    if one.draft and found[one.draft].company != order.company:
        return Invalid(field="company", expected=found[one.draft].company, found=order.company)
    if order.payment or order.billing or order.gift_message:
        return Invalid(
            field="payment, who is billed and gift message",
            expected="to come when it is placed",
            found="given now",
        )
    if one.valid_until is not None and one.valid_until < at:
        return Invalid(field="valid_until", expected="a time to come", found=one.valid_until.isoformat())
    if order.currency not in money.CURRENCIES:
        expected = "one that is paid with, such as GBP (ISO 4217)"
        return Invalid(field="currency", expected=expected, found=order.currency)
    wrong = rules.misfit(order.lines, order.policy or rules.DEMANDS.get(order.demand, ""))
    name = found[one.draft].number if one.draft else Said("The draft")
    return wrong and errors.UnfitDraft(draft=name, **wrong._asdict())


def _channels(orders: Sequence[PlaceOrder]) -> dict[tuple[int, str], UUID]:
    names = {(one.company, one.channel) for one in orders}
    rows = sql.run(_CHANNELS, sql.columns(("companies", "codes"), names))
    return {(company, code): channel for company, code, channel in rows}


def _end(
    cause: Cause,
    found: Mapping[UUID, _Found],
    ended: Sequence[tuple[UUID, UUID | None]],
    state: str,
    reasons: Mapping[UUID, str] | None = None,
    before: str = "draft",
) -> None:
    if not ended:
        return
    sql.change(_END, sql.columns(("ids", "orders"), ended) | {"state": state, "at": cause.at})
    announce(
        cause,
        [
            Event(
                "draft", key, found[key].company, before, state,
                payload={"order": order} if order else None, reason=(reasons or {}).get(key, ""),
            )
            for key, order in ended
        ],
    )  # fmt: skip


_COLUMNS = (
    "id", "company_id", "number", "channel_id", "customer", "currency", "total_minor", "body", "address_id",
    "valid_until", "state", "saved_by", "saved_at",
)  # fmt: skip

_LOCK = """
SELECT id, company_id::int, number, state, body::text, valid_until, saved_at, address_id FROM orders_draft
WHERE id = ANY(%(drafts)s::uuid[]) ORDER BY id FOR UPDATE
"""

_CHANNELS = """
SELECT c.company_id::int, c.code, c.id
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN network_channel AS c ON c.company_id = d.company AND c.code = d.code AND c.active
"""

_END = """
UPDATE orders_draft AS q SET state = %(state)s::text, order_id = d.order_id, saved_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[]) AS d(id, order_id) WHERE q.id = d.id
"""
