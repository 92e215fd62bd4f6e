"""Credits for which no sale is known: they wait for a second person, and somebody is asked to find the sale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused, one_of
from entrepot.kernel.events import Event
from entrepot.orders import errors, rules
from entrepot.orders.models import DUTY
from entrepot.parties.commands.register import CustomerRegistered, RegisterCustomer, register_customers
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class CreditItem:
    """Units given back, or a charge given back; quantity and price positive where the customer gets value.

    `amount_minor` is given where it is not quantity × price, because a part of the line belongs to a sale.
    """

    kind: str
    sku: str
    quantity: int
    unit_price: Decimal
    description: str = ""
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class CreditWithoutSale:
    """A credit of a channel. `external_id` is the channel's own name for it, once for ever."""

    company: int
    channel: str
    external_id: str
    lines: tuple[CreditItem, ...]
    currency: str
    occurred_at: datetime | None = None
    customer: str | None = None
    reason: str = "No sale is known that this credit belongs to."
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Credited:
    credit: UUID
    number: str
    total_minor: int


@command("orders.credit")
def credit(cause: Cause, /, *, requests: Sequence[CreditWithoutSale]) -> list[Credited | Refused]:
    """Credits written, each with a work item for the controller. Another person has them booked: `approve_credits`.

    Refuses: NotFound (channel); UnfitCredit; DuplicateCredit.
    Again: by key; and a channel's credit is given once, whatever the key. 8 statements, 1 more for new customers.
    """
    known = _load(cause, requests)

    drafts = [_draft(cause, request, known) for request in requests]
    drafts = _without_duplicates(drafts)
    fresh = [draft for draft in drafts if isinstance(draft, _Draft)]
    numbers = dict(zip((draft.id for draft in fresh), ids.numbers("CN", len(fresh)), strict=True))
    who = cause.actor.name
    if fresh:
        whole(take_duty(cause, requests=[Duty(draft.id, DUTY, "enter", who) for draft in fresh]))
    sql.write("orders_credit", _COLUMNS, [(numbers[draft.id], *draft.row, who) for draft in fresh])
    sql.write("orders_creditline", _LINE_COLUMNS, [row for draft in fresh for row in draft.lines])
    if fresh:
        open_items(cause, requests=[_item(draft, numbers[draft.id]) for draft in fresh])
    announce(cause, [_event(draft, numbers[draft.id]) for draft in fresh])
    return [
        draft if isinstance(draft, Refused) else Credited(draft.id, numbers[draft.id], draft.total)
        for draft in drafts
    ]


# ---- load


class _Known(NamedTuple):
    channels: dict[tuple[int, str], UUID]
    skus: dict[tuple[int, str], UUID]
    customers: dict[tuple[int, str], UUID]
    given: dict[tuple[UUID, str], tuple[UUID, str]]


def _load(cause: Cause, requests: Sequence[CreditWithoutSale]) -> _Known:
    known = _Known({}, {}, {}, {})
    names = list({(one.company, one.channel, one.external_id) for one in requests})
    skus = list({(one.company, line.sku) for one in requests for line in one.lines})
    customers = list({(one.company, one.customer) for one in requests if one.customer is not None})
    params = sql.columns(("channel_of", "channel", "external"), names)
    params |= sql.columns(("sku_of", "sku"), skus)
    params |= sql.columns(("customer_of", "customer"), customers)
    for what, company, code, found, external, credit_id, number in sql.run(_FACTS, params):
        if what == 1:
            known.skus[company, code] = found
        elif what == 2:
            known.customers[company, code] = found
        else:
            known.channels[company, code] = found
            if credit_id is not None:
                known.given[found, external] = (credit_id, number)
    missing = [name for name in customers if name not in known.customers]
    if missing:
        made = register_customers(
            cause,
            requests=[RegisterCustomer(company, code, since=cause.at) for company, code in missing],
            first_order=True,
        )
        for name, customer in zip(missing, made, strict=True):
            assert isinstance(customer, CustomerRegistered), customer
            known.customers[name] = customer.id
    return known


# ---- decide


class _Draft(NamedTuple):
    id: UUID
    request: CreditWithoutSale
    at: datetime
    total: int
    row: tuple[Any, ...]
    lines: list[tuple[Any, ...]]


def _draft(cause: Cause, request: CreditWithoutSale, known: _Known) -> _Draft | Refused:
    channel = known.channels.get((request.company, request.channel))
    if channel is None:
        return NotFound(what="channel", which=request.channel)
    if (channel, request.external_id) in known.given:
        existing, its_number = known.given[channel, request.external_id]
        return _duplicate(request, str(existing), its_number)
    if not request.lines:
        return _unfit(request, "lines", "at least one", "none")
    unknown = [line.kind for line in request.lines if line.kind not in rules.KINDS]
    if unknown:
        return _unfit(request, "kind", one_of(rules.KINDS), unknown[0])
    if any(line.quantity == 0 for line in request.lines):
        return _unfit(request, "quantity", "other than 0", "0")

    key, at = ids.uuid7(), request.occurred_at or cause.at
    total, lines = 0, []
    for number, line in enumerate(request.lines, 1):
        amount = line.amount_minor
        if amount is None:
            amount = money.extend(line.quantity, line.unit_price, request.currency)
        total += amount
        sku = known.skus.get((request.company, line.sku)) if line.kind == rules.GOODS else None
        lines.append((
            ids.uuid7(), key, number, line.kind, sku, line.sku, line.description, line.quantity, line.unit_price,
            amount,
        ))  # fmt: skip
    customer = known.customers[request.company, request.customer] if request.customer is not None else None
    row = (
        key, request.company, channel, request.external_id, customer, request.currency, total, at, "waiting",
    )  # fmt: skip
    return _Draft(key, request, at, total, row, lines)


def _unfit(request: CreditWithoutSale, field: str, expected: str, found: str) -> Refused:
    return errors.UnfitCredit(external_id=request.external_id, field=field, expected=expected, found=found)


def _duplicate(request: CreditWithoutSale, credit_id: str, number: str) -> Refused:
    return errors.DuplicateCredit(
        external_id=request.external_id, channel=request.channel, credit=credit_id, number=number
    )


def _without_duplicates(drafts: Sequence[_Draft | Refused]) -> list[_Draft | Refused]:
    """The first of each name; a second one in the same batch is refused."""
    seen: set[tuple[int, str, str]] = set()
    kept: list[_Draft | Refused] = []
    for draft in drafts:
        if isinstance(draft, _Draft):
            name = (draft.request.company, draft.request.channel, draft.request.external_id)
            if name in seen:
                kept.append(_duplicate(draft.request, "", "another of this call"))
                continue
            seen.add(name)
        kept.append(draft)
    return kept


# ---- write


def _item(draft: _Draft, number: str) -> OpenItem:
    request = draft.request
    return OpenItem(
        company=request.company, type="unmatched credit", subject_kind="credit", subject=draft.id,
        reason=request.reason, role="controller", priority=40, occurred_at=draft.at,
        facts={
            "number": number, "external_id": request.external_id, "total_minor": draft.total,
            "currency": request.currency,
        },
    )  # fmt: skip


def _event(draft: _Draft, number: str) -> Event:
    payload = {"number": number, "total_minor": draft.total, "lines": len(draft.lines)}
    return Event(
        "credit", draft.id, draft.request.company, "", "waiting", draft.at, payload, draft.request.reason
    )


_COLUMNS = (
    "number", "id", "company_id", "channel_id", "external_id", "customer_id", "currency", "total_minor",
    "credited_at", "state", "entered_by",
)  # fmt: skip

_LINE_COLUMNS = (
    "id", "credit_id", "number", "kind", "sku_id", "sku_code", "description", "quantity", "unit_price",
    "amount_minor",
)  # fmt: skip

_FACTS = """
SELECT 1, s.company_id::int, s.code, s.id, NULL, NULL::uuid, NULL
FROM unnest(%(sku_of)s::smallint[], %(sku)s::text[]) AS d(company, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
UNION ALL
SELECT 2, u.company_id::int, u.code, u.id, NULL, NULL, NULL
FROM unnest(%(customer_of)s::smallint[], %(customer)s::text[]) AS d(company, code)
JOIN parties_customer AS u ON u.company_id = d.company AND u.code = d.code
UNION ALL
SELECT 3, c.company_id::int, c.code, c.id, d.external, r.id, r.number
FROM unnest(%(channel_of)s::smallint[], %(channel)s::text[], %(external)s::text[]) AS d(company, code, external)
JOIN network_channel AS c ON c.company_id = d.company AND c.code = d.code
LEFT JOIN orders_credit AS r
  ON r.company_id = d.company AND r.channel_id = c.id AND r.external_id = d.external
"""
