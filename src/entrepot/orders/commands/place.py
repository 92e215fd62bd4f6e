"""Take orders in: freeze their amounts, validate them, hold them or hand them on to sourcing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders import errors, kits, rules, validation
from entrepot.orders.commands.hold import NewHold, open_holds
from entrepot.orders.rules import GOODS
from entrepot.orders.validation import GoodsFact, LineFact, OrderFacts, PaymentFact, Validation
from entrepot.parties import address as formats
from entrepot.parties.commands.register import (
    AddressRegistered,
    RegisterAddress,
    RegisterCustomer,
    Registered,
    register_addresses,
    register_customers,
)
from entrepot.parties.rules import SAID_OF_SUBSTITUTES
from entrepot.payments.commands.authorize import KNOWN as PROVIDERS
from entrepot.payments.commands.authorize import Authorize, authorize


@dataclass(frozen=True, slots=True)
class PromotionGiven:
    """What part of a discount was given for."""

    code: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    """Goods by SKU code, or a charge or allowance of another kind (`rules.KINDS`). A kit becomes lines of its
    components."""

    sku: str
    quantity: int
    unit_price: Decimal
    kind: str = GOODS
    description: str = ""
    discount_minor: int = 0
    promotions: tuple[PromotionGiven, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentGiven:
    """An authorization that came with the order."""

    provider: str
    reference: str
    amount_minor: int
    authorized_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddressGiven:
    """Where to send it; kept in the vault of personal data."""

    name: str
    line1: str
    city: str
    line2: str = ""
    region: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """An order of a channel. `external_id` is the channel's own name for it, once for ever.

    Amounts of the order (`discount_minor`, `shipping_minor`, `tax_minor`) are split over its lines. `signals` is what
    the channel says about risk and proof. Without `priority` the channel's holds; without `occurred_at` it is now;
    without `policy` that of its kind of demand (`rules.DEMANDS`). Promotions say what discounts were given for.
    `reservation` is the cart or checkout whose reserved units the order takes over. `substitutes` says whether
    something else may be sent where nothing is left of what was ordered: `agreed`, `refused`, or nothing.
    """

    company: int
    channel: str
    external_id: str
    lines: tuple[OrderLine, ...]
    currency: str
    occurred_at: datetime | None = None
    customer: str | None = None
    country: str = ""
    postal_code: str = ""
    address: AddressGiven | None = None
    discount_minor: int = 0
    shipping_minor: int = 0
    tax_minor: int = 0
    policy: str = ""
    priority: int | None = None
    promise_at: datetime | None = None
    service: str = ""
    payment: PaymentGiven | None = None
    signals: tuple[str, ...] = ()
    demand: str = "sale"
    campaign: str = ""
    reservation: str = ""
    promotions: tuple[PromotionGiven, ...] = ()
    substitutes: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The order, its number, its status, and the types of the holds on it."""

    order: UUID
    number: str
    status: str
    holds: tuple[str, ...]


@command("orders.place")
def place(cause: Cause, /, *, requests: Sequence[PlaceOrder]) -> list[Placed | Refused]:
    """Orders with their amounts frozen: held for what validation found, or ready for the next room.

    Goods unknown to the catalog are held and new customers registered, so that nothing a channel sends is lost.
    Locks: the names of the new orders, in their order.
    Refuses: NotFound (channel); Unplaceable; Duplicate.
    Again: by key; and a channel's order is placed once, whatever the key. 3 statements, and 1 for payments, 1 for
    new customers, 2 for addresses, 3 for holds, 1 for duplicates, 1 where a policy asks for recent orders,
    1 where one asks for more about the goods,
    1 for promotions.
    """
    known = _load(cause, requests)

    drafts = [_draft(cause, request, known) for request in requests]

    fresh = [draft for draft in drafts if isinstance(draft, _Draft)]
    numbers = _write_orders(fresh)
    if len(numbers) < len(fresh):
        existing = _existing([draft for draft in fresh if draft.id not in numbers])
        drafts = [_or_duplicate(draft, numbers, existing) for draft in drafts]
        fresh = [draft for draft in drafts if isinstance(draft, _Draft)]
    sql.write("orders_line", (*LINE_COLUMNS, *_KIT_COLUMNS), [row for draft in fresh for row in draft.lines])
    sql.write("orders_promotion", _PROMOTION_COLUMNS, [row for draft in fresh for row in draft.promotions])
    _keep_addresses(cause, fresh)
    payments = [
        authorization(draft.request.company, draft.id, draft.request.currency, draft.request.payment)
        for draft in fresh
        if draft.request.payment
    ]
    if payments:
        authorize(cause, requests=payments)
    _hold(cause, fresh, known)

    announce(cause, [_event(draft, numbers[draft.id]) for draft in fresh])
    offer("allocate", [draft.ready for draft in fresh if draft.goods and not draft.verdict.holds])
    offer("perform", [draft.ready for draft in fresh if not draft.goods and not draft.verdict.holds])
    return [draft if isinstance(draft, Refused) else draft.answer(numbers[draft.id]) for draft in drafts]


# ---- load


class _Channel(NamedTuple):
    id: UUID
    kind: str
    priority: int


class _Sku(NamedTuple):
    id: UUID
    status: str
    minimum_age: int


class _Known:
    """What the batch refers to, by (company, code)."""

    __slots__ = (
        "about", "channels", "customers", "first", "kits", "nowhere", "policies", "recent", "skus", "tiers",
    )  # fmt: skip

    def __init__(self) -> None:
        self.channels: dict[tuple[int, str], _Channel] = {}
        self.skus: dict[tuple[int, str], _Sku] = {}
        self.kits: dict[tuple[int, str], list[kits.Part]] = {}
        self.customers: dict[tuple[int, str], UUID] = {}
        self.tiers: dict[UUID, str] = {}
        self.policies: dict[tuple[int, str], tuple[int, Validation]] = {}
        self.recent: dict[UUID, list[tuple[int, datetime]]] = {}
        self.nowhere: frozenset[str] = frozenset()
        self.first: set[tuple[int, str]] = set()  # customers who were not known before this batch
        self.about: dict[UUID, GoodsFact] = {}

    def policy(self, company: int, channel: str) -> tuple[int, Validation]:
        """The version in force for a channel, or that for all channels, or the default of the channel's kind."""
        found = self.policies.get((company, channel)) or self.policies.get((company, ""))
        if found is None:
            imported = self.channels[company, channel].kind == "import"
            found = self.policies[company, channel] = (0, validation.IMPORTED if imported else _DEFAULT)
        return found


_DEFAULT = Validation()


def _load(cause: Cause, requests: Sequence[PlaceOrder]) -> _Known:
    companies = list({one.company for one in requests})
    channels = list({(one.company, one.channel) for one in requests})
    skus = list({(one.company, line.sku) for one in requests for line in one.lines if line.kind == GOODS})
    customers = list({(one.company, one.customer) for one in requests if one.customer is not None})
    params: dict[str, Any] = {"at": cause.at, "companies": companies}
    params |= {"channels": _named(channels), "skus": _named(skus), "customers": _named(customers)}
    known = _Known()
    for what, company, code, found, word, number, body in sql.run(_FACTS, params):
        name = (company, code)
        if what == 1:
            known.skus[name] = _Sku(found, word, number)
        elif what == 2:
            known.customers[name] = found
            if word:
                known.tiers[found] = word
        elif what == 3:
            known.channels[name] = _Channel(found, word, number)
        elif what == 5:
            part = kits.Part(found, word, number, *wire.load(body, tuple[Decimal | None, str, int]))
            known.kits.setdefault(name, []).append(part)
            known.skus.setdefault((company, part.code), _Sku(part.sku, part.status, part.minimum_age))
        else:
            known.policies[name] = (number, _policy(body))
    if len(known.customers) < len(customers):
        _register_customers(cause, [name for name in customers if name not in known.customers], known)
    _load_more(cause, requests, known)
    return known


def _named(names: Sequence[tuple[int, str]]) -> str:
    return wire.dump([{"company": company, "code": code} for company, code in names])


def _register_customers(cause: Cause, names: Sequence[tuple[int, str]], known: _Known) -> None:
    requests = [RegisterCustomer(company, code, since=cause.at) for company, code in names]
    for name, customer in zip(names, register_customers(cause, requests=requests), strict=True):
        assert isinstance(customer, Registered), customer
        known.customers[name] = customer.id
        known.first.add(name)


_policies: dict[str, Validation] = {}


def _policy(body: str) -> Validation:
    found = _policies.get(body)
    if found is None:
        found = _policies[body] = wire.load(body, Validation)
    return found


def _load_more(cause: Cause, requests: Sequence[PlaceOrder], known: _Known) -> None:
    """What only some policies and some orders need."""
    in_use = {
        (one.company, one.channel): known.policy(one.company, one.channel)[1]
        for one in requests
        if (one.company, one.channel) in known.channels
    }
    asks_recent = {
        name
        for name, policy in in_use.items()
        if policy.duplicates != "off" or (policy.fraud != "off" and policy.review_orders_per_hour is not None)
    }
    if asks_recent:
        _load_recent(requests, known, asks_recent, cause.at)
    if any(policy.inventory != "off" for policy in in_use.values()):
        skus = {sku.id: name[1] for name, sku in known.skus.items() if name not in known.kits}
        without = sql.run(_NOWHERE, {"skus": list(skus)})
        nowhere = {skus[sku] for (sku,) in without}
        kits_ = {code for (_, code), of in known.kits.items() if any(part.code in nowhere for part in of)}
        known.nowhere = frozenset(nowhere | kits_)
    if any(mode != "off" for one in in_use.values() for mode in (one.hazard, one.price, one.export)):
        rows = sql.run(_ABOUT, {"skus": [sku.id for sku in known.skus.values()]})
        known.about = {sku: GoodsFact(*about) for sku, *about in rows}


def _load_recent(
    requests: Sequence[PlaceOrder], known: _Known, channels: set[tuple[int, str]], at: datetime
) -> None:
    customers = {
        known.customers[one.company, one.customer]
        for one in requests
        if one.customer is not None
        and (one.company, one.channel) in channels
        and (one.company, one.customer) in known.customers
    }
    since = min(one.occurred_at or at for one in requests) - _RECENTLY
    for customer, total, placed_at in sql.run(_RECENT, {"customers": list(customers), "since": since}):
        known.recent.setdefault(customer, []).append((total, placed_at))


_RECENTLY = timedelta(hours=1)


# ---- decide


class _Draft:
    """An order on its way to the tables."""

    __slots__ = (
        "channel",
        "customer",
        "goods",
        "id",
        "lines",
        "placed_at",
        "promotions",
        "ready",
        "request",
        "row",
        "verdict",
        "version",
    )

    def __init__(
        self, request: PlaceOrder, channel: _Channel, customer: UUID | None, placed_at: datetime
    ) -> None:
        self.request, self.channel, self.customer, self.placed_at = request, channel, customer, placed_at
        self.id = ids.uuid7()
        self.goods = any(line.kind == GOODS for line in request.lines)
        priority = channel.priority if request.priority is None else request.priority
        self.ready = (self.id, priority, request.promise_at or placed_at)
        self.lines: list[tuple[Any, ...]] = []
        self.promotions: list[tuple[Any, ...]] = []
        self.row: tuple[Any, ...] = ()
        self.verdict = validation.FINE
        self.version = 0

    @property
    def held_by(self) -> str:
        holds = self.verdict.holds
        return rules.first_hold([hold.type for hold in holds]) if holds else ""

    def answer(self, number: str) -> Placed:
        holds = self.verdict.holds
        return Placed(self.id, number, self.held_by or "ready", tuple(hold.type for hold in holds))


def _draft(cause: Cause, request: PlaceOrder, known: _Known) -> _Draft | Refused:
    company = request.company
    channel = known.channels.get((company, request.channel))
    if channel is None:
        return NotFound(what="channel", which=request.channel)
    customer = None
    if request.customer is not None:
        customer = known.customers[company, request.customer]
    policy = request.policy or rules.DEMANDS.get(request.demand, "")
    wrong = _misfit_capture(request) or rules.misfit(request.lines, policy)
    if wrong is None and request.payment is not None:
        wrong = rules.misfit_payment(request.payment.provider, request.payment.amount_minor, PROVIDERS)
    if wrong is not None:
        return errors.Unplaceable(external_id=request.external_id, **wrong._asdict())

    draft = _Draft(request, channel, customer, request.occurred_at or cause.at)
    frozen = rules.freeze(
        [(line.kind, line.quantity, line.unit_price, line.discount_minor) for line in request.lines],
        request.currency, request.discount_minor, request.shipping_minor, request.tax_minor,
    )  # fmt: skip
    goods = discount = 0
    for gross, less, _, _ in frozen:
        goods += gross
        discount += less
        if less and less > gross:
            return errors.Unplaceable(
                external_id=request.external_id,
                field="discount",
                expected=f"at most {gross} on its line",
                found=less,
            )
    total = goods - discount + request.shipping_minor + request.tax_minor
    seen = _set_lines(draft, frozen, known)
    draft.version, validated = known.policy(company, request.channel)
    draft.verdict = validation.judge(
        _facts(draft, seen, goods - discount, total, known, validated), validated
    )
    held_by = draft.held_by
    draft.row = (
        draft.id, company, channel.id, request.external_id, customer, request.currency, request.country,
        request.postal_code, draft.placed_at, draft.ready[1], request.promise_at, policy, request.service,
        request.demand, request.campaign, request.reservation, request.substitutes,
        held_by or "ready", held_by, "placed" if held_by else "confirmed",
        goods, discount, request.shipping_minor, request.tax_minor,
        total, len(draft.lines), draft.version,
    )  # fmt: skip
    return draft


def _misfit_capture(request: PlaceOrder) -> rules.Misfit | None:
    """Why the demand, what it says of substitutes or the promotions can't be the order's."""
    if request.substitutes not in SAID_OF_SUBSTITUTES:
        return rules.Misfit("substitutes", "agreed, refused or nothing", request.substitutes)
    if request.demand not in rules.DEMANDS:
        return rules.Misfit("demand", f"one of {', '.join(rules.DEMANDS)}", request.demand)
    wrong = rules.misfit_promotions(request.promotions, request.discount_minor)
    for line in request.lines:
        if line.promotions:
            wrong = wrong or rules.misfit_promotions(line.promotions, line.discount_minor)
    return wrong


def _set_lines(draft: _Draft, frozen: Sequence[rules.Frozen], known: _Known) -> tuple[LineFact, ...]:
    """Give the draft the rows of its lines, those of components for kits; what the catalog knows of the goods, and of
    the kits, comes back."""
    company, order, skus = draft.request.company, draft.id, known.skus
    made_of = [
        known.kits.get((company, line.sku)) if line.kind == GOODS else None for line in draft.request.lines
    ]
    seen = [
        LineFact(line.sku, line.quantity, True, kit.status, kit.minimum_age, line.unit_price, known.about.get(kit.id))
        for line, parts in zip(draft.request.lines, made_of, strict=True)
        if parts and (kit := skus[company, line.sku])
    ]  # fmt: skip
    expanded = kits.expand(draft.request.lines, frozen, made_of, draft.request.currency)
    for number, (line, (gross, discount, shipping, tax), of_kit) in enumerate(expanded, 1):
        sku_id = None
        if line.kind == GOODS:
            sku = skus.get((company, line.sku))
            if sku is None:
                seen.append(LineFact(line.sku, line.quantity, known=False))
            else:
                sku_id = sku.id
                about = known.about.get(sku_id)
                if of_kit.number and about:  # whether the price is too low is asked of the kit
                    about = about._replace(list_price=None)
                seen.append(
                    LineFact(
                        line.sku, line.quantity, True, sku.status, sku.minimum_age, line.unit_price, about
                    )
                )
        key = ids.uuid7()
        if line.promotions:
            draft.promotions += [
                (ids.uuid7(), order, key, company, one.code, one.amount_minor) for one in line.promotions
            ]
        draft.lines.append((
            key, order, company, number, line.kind, sku_id, line.sku, line.description, line.quantity,
            line.unit_price, gross, discount, shipping, tax, line.quantity, *of_kit,
        ))  # fmt: skip
    if draft.request.promotions:
        draft.promotions += [
            (ids.uuid7(), order, None, company, one.code, one.amount_minor)
            for one in draft.request.promotions
        ]
    return tuple(seen)


def _facts(
    draft: _Draft, goods: tuple[LineFact, ...], net: int, total: int, known: _Known, policy: Validation
) -> OrderFacts:
    request, given = draft.request, draft.request.payment
    recent: tuple[tuple[int, datetime], ...] = ()
    if draft.customer is not None and draft.customer in known.recent:
        earlier = draft.placed_at - _RECENTLY
        recent = tuple(one for one in known.recent[draft.customer] if earlier <= one[1] <= draft.placed_at)
    where = request.address
    is_to_box = policy.box != "off" and where is not None and validation.is_box(where.line1, where.line2)
    problems: tuple[str, ...] = ()
    if policy.format != "off" and where is not None:
        place_of = (request.country, request.postal_code, where.region, where.city, where.line1)
        problems = tuple(formats.problems(*place_of))
    customer = request.customer
    is_first = customer is None or (request.company, customer) in known.first
    return OrderFacts(
        draft.placed_at, request.country, request.postal_code, request.currency, net, request.tax_minor, total, goods,
        None if given is None else PaymentFact(given.amount_minor, given.authorized_at, given.expires_at),
        request.signals, recent, known.nowhere, request.promise_at, request.service, customer, is_first, is_to_box,
        problems,
    )  # fmt: skip


# ---- write


def _write_orders(drafts: Sequence[_Draft]) -> dict[UUID, str]:
    """Numbers of the orders written, by id; those that a channel sent before are missing."""
    if not drafts:
        return {}
    rows = wire.dump([dict(zip(_ORDERS, draft.row, strict=True)) for draft in drafts])
    return dict(sql.run(_INSERT, {"rows": rows}))  # type: ignore[arg-type]


def _existing(drafts: Sequence[_Draft]) -> dict[tuple[UUID, str], tuple[UUID, str]]:
    names = [(draft.channel.id, draft.request.external_id) for draft in drafts]
    rows = sql.run(_EXISTING, sql.columns(("channels", "externals"), names))
    return {(channel, external): (order, number) for channel, external, order, number in rows}


def _or_duplicate(
    draft: _Draft | Refused,
    numbers: Mapping[UUID, str],
    existing: Mapping[tuple[UUID, str], tuple[UUID, str]],
) -> _Draft | Refused:
    if isinstance(draft, Refused) or draft.id in numbers:
        return draft
    request = draft.request
    order, number = existing[draft.channel.id, request.external_id]
    return errors.Duplicate(
        external_id=request.external_id, channel=request.channel, order=str(order), number=number
    )


def _keep_addresses(cause: Cause, drafts: Sequence[_Draft]) -> None:
    """Put addresses into the vault: after the orders, so that a repeated order leaves no personal data behind."""
    addressed = [draft for draft in drafts if draft.request.address]
    if not addressed:
        return
    kept = register_addresses(
        cause,
        requests=[
            for_the_vault(one.company, one.address, one.postal_code, one.country)
            for one in (draft.request for draft in addressed)
            if one.address
        ],
    )
    rows = [
        (draft.id, one.id)
        for draft, one in zip(addressed, kept, strict=True)
        if isinstance(one, AddressRegistered)
    ]
    sql.run(_ADDRESS, sql.columns(("orders", "addresses"), rows))


def for_the_vault(company: int, given: AddressGiven, postal_code: str, country: str) -> RegisterAddress:
    """An address as the vault of personal data takes it."""
    return RegisterAddress(
        company=company, name=given.name, line1=given.line1, line2=given.line2, city=given.city,
        region=given.region, postal_code=postal_code, country=country, email=given.email, phone=given.phone,
    )  # fmt: skip


def authorization(company: int, order: UUID, currency: str, given: PaymentGiven) -> Authorize:
    """What came as a payment of an order, as payments take it."""
    return Authorize(
        company=company, order=order, provider=given.provider, reference=given.reference, currency=currency,
        amount_minor=given.amount_minor, authorized_at=given.authorized_at, expires_at=given.expires_at,
    )  # fmt: skip


def _hold(cause: Cause, drafts: Sequence[_Draft], known: _Known) -> None:
    found = [
        NewHold(
            ids.uuid7(),
            draft.request.company,
            draft.id,
            one.type,
            one.reason,
            one.facts,
            draft.placed_at,
            value_minor=draft.row[_TOTAL],
            tier=known.tiers.get(draft.customer) if draft.customer else None,
            promise_at=draft.request.promise_at,
        )
        for draft in drafts
        for one in draft.verdict.holds
    ]
    if found:
        open_holds(cause, found)


def _event(draft: _Draft, number: str) -> Event:
    verdict = draft.verdict
    payload: dict[str, Any] = {"number": number, "total_minor": draft.row[-3], "lines": draft.row[-2]}
    if verdict is not validation.FINE:
        payload["holds"] = [one.type for one in verdict.holds]
        payload["warnings"] = verdict.warnings
        payload["policy_version"] = draft.version
    request = draft.request
    return Event("order", draft.id, request.company, "", draft.held_by or "ready", draft.placed_at, payload)


LINE_COLUMNS = (
    "id", "order_id", "company_id", "number", "kind", "sku_id", "sku_code", "description", "quantity", "unit_price",
    "gross_minor", "discount_minor", "shipping_minor", "tax_minor", "open",
)  # fmt: skip

_KIT_COLUMNS = ("kit_code", "kit_number", "kit_units")

_PROMOTION_COLUMNS = ("id", "order_id", "line_id", "company_id", "code", "amount_minor")

_ORDERS = {
    "id": "uuid", "company_id": "smallint", "channel_id": "uuid", "external_id": "text", "customer_id": "uuid",
    "currency": "text", "country": "text", "postal_code": "text", "placed_at": "timestamptz", "priority": "smallint",
    "promise_at": "timestamptz", "policy": "text", "service": "text",
    "demand": "text", "campaign": "text", "reservation": "text", "substitutes": "text", "status": "text",
    "held_by": "text", "commercial": "text", "goods_minor": "bigint", "discount_minor": "bigint",
    "shipping_minor": "bigint", "tax_minor": "bigint", "total_minor": "bigint", "line_count": "int",
    "policy_version": "int",
}  # fmt: skip
_TOTAL = list(_ORDERS).index("total_minor")

# Rows of this width travel as JSON: half the time of arrays. Numbers are taken here, in the order of the batch: a
# statement of their own would cost a round trip. Names are claimed in their order, so that batches that overlap wait
# for each other and don't lock each other out.
_INSERT = f"""
INSERT INTO orders_order ({", ".join(_ORDERS)}, number)
SELECT * FROM (
    SELECT d.*, 'SO-' || nextval('number_so')
    FROM json_to_recordset(%(rows)s::json) AS d({", ".join(f"{name} {kind}" for name, kind in _ORDERS.items())})
) AS numbered
ORDER BY company_id, channel_id, external_id
ON CONFLICT (company_id, channel_id, external_id) DO NOTHING RETURNING id, number
"""

_ADDRESS = """
UPDATE orders_order AS o SET address_id = d.address
FROM unnest(%(orders)s::uuid[], %(addresses)s::uuid[]) AS d(id, address) WHERE o.id = d.id
"""

_EXISTING = """
SELECT o.channel_id, o.external_id, o.id, o.number
FROM unnest(%(channels)s::uuid[], %(externals)s::text[]) AS d(channel, external)
JOIN orders_order AS o ON o.channel_id = d.channel AND o.external_id = d.external
"""

# All that a batch refers to in one round trip: SKUs, customers, channels, policies in force, and what kits are made of.
_FACTS = """
SELECT 1, s.company_id::int, s.code, s.id, s.status, s.minimum_age::int, NULL
FROM json_to_recordset(%(skus)s::json) AS d(company smallint, code text)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
UNION ALL
SELECT 2, u.company_id::int, u.code, u.id, u.tier, NULL, NULL
FROM json_to_recordset(%(customers)s::json) AS d(company smallint, code text)
JOIN parties_customer AS u ON u.company_id = d.company AND u.code = d.code
UNION ALL
SELECT 3, c.company_id::int, c.code, c.id, c.kind, c.priority::int, NULL
FROM json_to_recordset(%(channels)s::json) AS d(company smallint, code text)
JOIN network_channel AS c ON c.company_id = d.company AND c.code = d.code AND c.active
UNION ALL
(SELECT DISTINCT ON (company_id, scope) 4, company_id::int, scope, NULL, NULL, version, body::text
 FROM kernel_policy
 WHERE company_id = ANY(%(companies)s::smallint[]) AND kind = 'orders.validation'
   AND in_force_from <= %(at)s::timestamptz
 ORDER BY company_id, scope, version DESC)
UNION ALL
(SELECT 5, k.company_id::int, k.code, s.id, s.code, m.units,
        json_build_array(s.list_price::text, s.status, s.minimum_age)::text
 FROM json_to_recordset(%(skus)s::json) AS d(company smallint, code text)
 JOIN catalog_sku AS k ON k.company_id = d.company AND k.code = d.code
 JOIN catalog_component AS m ON m.kit_id = k.id
 JOIN catalog_sku AS s ON s.id = m.sku_id
 ORDER BY m.kit_id, m.number)
"""

_RECENT = """
SELECT customer_id, total_minor, placed_at FROM orders_order
WHERE customer_id = ANY(%(customers)s::uuid[]) AND placed_at >= %(since)s::timestamptz AND commercial <> 'cancelled'
"""

_ABOUT = "SELECT id, category, hazardous, list_price FROM catalog_sku WHERE id = ANY(%(skus)s::uuid[])"

_NOWHERE = """
SELECT sku FROM unnest(%(skus)s::uuid[]) AS d(sku)
WHERE NOT EXISTS (SELECT FROM stock_position AS p WHERE p.sku_id = d.sku AND p.sellable > 0)
"""
