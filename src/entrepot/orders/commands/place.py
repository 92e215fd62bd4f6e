"""Take orders in: freeze their amounts, validate them, hold them or hand them on to sourcing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from entrepot.kernel import ids, money, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.orders import errors, facts, kits, promoting, rules, validation, window
from entrepot.orders.commands.hold import NewHold, open_holds
from entrepot.orders.facts import Channel, Known
from entrepot.orders.rules import GOODS
from entrepot.orders.validation import LineFact, OrderFacts, Warned
from entrepot.parties.commands.gift_messages import KeepGiftMessage, keep_gift_messages
from entrepot.parties.commands.register import AddressRegistered, RegisterAddress, register_addresses
from entrepot.parties.queries import Address
from entrepot.parties.rules import SAID_OF_SUBSTITUTES
from entrepot.payments.commands.authorize import KNOWN as PROVIDERS
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.store_credit import Spend, spend
from entrepot.stock.commands.keep import Keep, keep_for_orders


@dataclass(frozen=True, slots=True)
class PromotionGiven:
    """What part of a discount was given for."""

    code: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    """Goods by SKU code, or a charge or allowance of another kind (`rules.KINDS`). A kit becomes lines of its
    components. `final_sale` was sold as not to come back, which its customer was told."""

    sku: str
    quantity: int
    unit_price: Decimal
    kind: str = GOODS
    description: str = ""
    discount_minor: int = 0
    promotions: tuple[PromotionGiven, ...] = ()
    final_sale: bool = False


@dataclass(frozen=True, slots=True)
class PaymentGiven:
    """An authorization that came with the order, in its currency unless it names another.

    `card` is the provider's token of the card, the same each time that it pays; never its number.
    """

    provider: str
    reference: str
    amount_minor: int
    authorized_at: datetime
    expires_at: datetime | None = None
    currency: str = ""
    card: str = ""


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

    @classmethod
    def of(cls, home: Address | None) -> AddressGiven | None:
        """The same address once more; none where it was erased."""
        if home is None:
            return None
        return cls(home.name, home.line1, home.city, home.line2, home.region, home.email, home.phone)


@dataclass(frozen=True, slots=True)
class BillingGiven:
    """Who is billed, where it is not whom it is sent to; kept in the vault as well."""

    name: str
    line1: str
    city: str
    country: str
    postal_code: str = ""
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
    something else may be sent where nothing is left of what was ordered: `agreed`, `refused`, or nothing. `tax_number`
    is the buyer's, kept in the vault. `priced_at` is when its prices were quoted, without it when it was placed.
    `store_credit_minor` is to be paid with the customer's store credit: no more than is there and the order costs.
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
    billing: BillingGiven | None = None
    tax_number: str = ""
    priced_at: datetime | None = None
    store_credit_minor: int = 0
    key: str | None = None
    gift_message: str = ""
    """What the buyer writes to whoever gets it: kept in the vault, and printed on the packing slip."""
    region: str = ""
    """Of the country that it goes to, for its tax, where no address says it."""
    ship_not_before: date | None = None
    ship_by: date | None = None
    """The last day on which it should leave."""
    cancel_after: date | None = None
    """What has not left by the end of that day may not leave any more."""
    min_fill_percent: int | None = None
    """Of which less is not sent; None: as the policy of its channel says (`orders.windows`)."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The order, its number, its status, the types of the holds on it, what rules noticed that only warn, what is paid
    with store credit, and why each of the holds is there."""

    order: UUID
    number: str
    status: str
    holds: tuple[str, ...]
    warnings: tuple[Warned, ...] = ()
    store_credit_minor: int = 0
    reasons: tuple[str, ...] = ()


AHEAD_MAX = timedelta(days=1)
"""How far the clock of a channel may be ahead, or its zone be mistaken."""


@command("orders.place")
def place(cause: Cause, /, *, requests: Sequence[PlaceOrder]) -> list[Placed | Refused]:
    """Orders with their amounts frozen: held for what validation found, or ready for the next room.

    Goods unknown to the catalog are held and new customers registered, so that nothing a channel sends is lost.
    Locks: whose orders a policy counts, by advisory locks; the store credit that they ask for, then the names of the
    new orders, each in their order.
    Refuses: NotFound (channel); Unplaceable; Duplicate.
    Again: by key; and a channel's order is placed once, whatever the key. 3 statements, and 1 for payments, 1 for
    new customers, 4 for addresses, 3 for holds, 1 for duplicates, 1 for promotions, 1 for reservations; where a policy
    asks for them 1 each for recent orders, first orders, the locks of these, more about the goods, their list prices,
    stock and tax, and 2 for fingerprints; 5 for store credit.
    """
    known = facts.load(cause, requests)

    drafts = [decide(cause, request, known) for request in requests]

    fresh = [draft for draft in drafts if isinstance(draft, _Draft)]
    numbers = _write_orders(fresh)
    if len(numbers) < len(fresh):
        existing = _existing([draft for draft in fresh if draft.id not in numbers])
        drafts = [_or_duplicate(draft, numbers, existing) for draft in drafts]
        fresh = [draft for draft in drafts if isinstance(draft, _Draft)]
    sql.write("orders_line", (*LINE_COLUMNS, *SOLD_AS), [row for draft in fresh for row in draft.lines])
    prints = [row for draft in fresh for row in draft.fingerprints]
    sql.write("orders_fingerprint", _FINGERPRINT_COLUMNS, prints)
    sql.write("orders_promotion", _PROMOTION_COLUMNS, [row for draft in fresh for row in draft.promotions])
    _keep_addresses(cause, fresh)
    _keep_gift_messages(cause, fresh)
    payments = [
        authorization(draft.request.company, draft.id, draft.request.currency, draft.request.payment)
        for draft in fresh
        if draft.request.payment
    ]
    if payments:
        authorize(cause, requests=payments)
    spent = [
        Spend(one.id, known.account_of(one.request), one.credit, one.placed_at) for one in fresh if one.credit
    ]
    if spent:
        spend(cause, spent)
    _hold(cause, fresh, known)
    keep_for_orders(cause, [kept for draft in fresh for kept in draft.kept])

    announce(cause, [_event(draft, numbers[draft.id]) for draft in fresh])
    offer("allocate", [draft.ready for draft in fresh if draft.goods and draft.goes_on])
    offer("perform", [draft.ready for draft in fresh if not draft.goods and not draft.verdict.holds])
    return [draft if isinstance(draft, Refused) else draft.answer(numbers[draft.id]) for draft in drafts]


# ---- decide


class _Draft:
    """An order on its way to the tables."""

    __slots__ = (
        "channel",
        "credit",
        "customer",
        "fingerprints",
        "goods",
        "id",
        "lines",
        "placed_at",
        "promotions",
        "ready",
        "request",
        "row",
        "seen",
        "verdict",
        "version",
    )

    def __init__(
        self, request: PlaceOrder, channel: Channel, customer: UUID | None, placed_at: datetime
    ) -> None:
        self.request, self.channel, self.customer, self.placed_at = request, channel, customer, placed_at
        self.id = ids.uuid7()
        self.goods = any(line.kind == GOODS for line in request.lines)
        priority = channel.priority if request.priority is None else request.priority
        self.ready = (self.id, priority, request.promise_at or placed_at)
        self.lines: list[tuple[Any, ...]] = []
        self.promotions: list[tuple[Any, ...]] = []
        self.fingerprints: list[tuple[Any, ...]] = []
        self.row: tuple[Any, ...] = ()
        self.seen: OrderFacts
        self.verdict = validation.FINE
        self.version = 0
        self.credit = 0

    @property
    def goes_on(self) -> bool:
        """Whether stock is promised to it now: an exchange waits for its money later."""
        return not self.verdict.holds or self.request.demand == rules.EXCHANGE

    @property
    def kept(self) -> list[Keep]:
        """What its cart has reserved, as far as it was ordered: a hold may last for longer than a cart."""
        one = self.request
        return [
            Keep(one.company, one.reservation, line[_SKU], self.id, line[_QUANTITY])
            for line in self.lines
            if one.reservation and line[_SKU]
        ]

    @property
    def held_by(self) -> str:
        holds = self.verdict.holds
        return rules.first_hold([hold.type for hold in holds]) if holds else ""

    def answer(self, number: str) -> Placed:
        holds = self.verdict.holds
        types = tuple(hold.type for hold in holds)
        reasons = tuple(hold.reason for hold in holds)
        return Placed(
            self.id, number, self.held_by or "ready", types, self.verdict.warnings, self.credit, reasons
        )


def decide(cause: Cause, request: PlaceOrder, known: Known) -> _Draft | Refused:
    """An order as it shall stand, with what its policy says to it."""
    company = request.company
    channel = known.channels.get((company, request.channel))
    if channel is None:
        return NotFound(what="channel", which=request.channel)
    customer = None
    if request.customer is not None:
        customer = known.customers[company, request.customer]
    policy = request.policy or rules.DEMANDS.get(request.demand, "")
    days = _window(request, known)
    wrong = _misfit_capture(request, cause.at) or window.misfit(days) or rules.misfit(request.lines, policy)
    if wrong is None and request.payment is not None:
        given = request.payment
        wrong = rules.misfit_payment(given.provider, given.amount_minor, PROVIDERS, given.card)
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
                expected=Said("at most {0} on its line", gross),
                found=less,
            )
    total = goods - discount + request.shipping_minor + request.tax_minor
    draft.credit = known.pay_with_credit(request, total, draft.placed_at)
    lines = _set_lines(draft, frozen, known)
    _judge(draft, facts.Priced(lines, frozen, goods - discount, total, draft.credit), known)
    held_by = draft.held_by
    draft.row = (
        draft.id, company, channel.id, request.external_id, customer, request.currency, request.country,
        request.postal_code, draft.placed_at, draft.ready[1], request.promise_at, policy, request.service,
        request.demand, request.campaign, request.reservation, request.substitutes, request.signals,
        *days, held_by or "ready", held_by, "placed" if held_by else "confirmed",
        goods, discount, request.shipping_minor, request.tax_minor,
        total, len(draft.lines), draft.version,
    )  # fmt: skip
    return draft


def _judge(draft: _Draft, priced: facts.Priced, known: Known) -> None:
    request = draft.request
    draft.version, policy = known.policy(request.company, request.channel)
    seen = draft.seen = facts.of(request, draft.placed_at, priced, known, policy)
    draft.verdict = _EXCHANGED if request.demand == rules.EXCHANGE else validation.judge(seen, policy)
    known.note((request.company, request.channel, request.external_id), draft.customer, seen)
    if seen.supply is not None and not any(one.type == "inventory hold" for one in draft.verdict.holds):
        known.supplies.take(request.company, seen.basket)
    # Whoever reviews it may want to block its card, which nothing else keeps.
    if policy.velocity != "off" or any(hold.type == "fraud review" for hold in draft.verdict.holds):
        marks = known.marks(request).fingerprints
        draft.fingerprints = [(draft.id, one, request.company, draft.placed_at) for one in marks]


_EXCHANGED = validation.Verdict(
    (validation.Found("payment hold", "It replaces what comes back, and waits for that.", {}),), ()
)


def _window(request: PlaceOrder, known: Known) -> window.Window:
    percent = request.min_fill_percent
    if percent is None:
        percent = known.windows_of(request.company, request.channel).min_fill_percent
    return window.Window(request.ship_not_before, request.ship_by, request.cancel_after, percent)


def _misfit_capture(request: PlaceOrder, at: datetime) -> rules.Misfit | None:
    """Why the currency, the time, the demand, what it says of substitutes or the promotions can't be the order's."""
    if request.currency not in money.CURRENCIES:
        return rules.Misfit("currency", "one that is paid with, such as GBP (ISO 4217)", request.currency)
    if request.occurred_at is not None and request.occurred_at > at + AHEAD_MAX:
        return rules.Misfit("occurred_at", "a time that has come", request.occurred_at.isoformat())
    if request.substitutes not in SAID_OF_SUBSTITUTES:
        return rules.Misfit("substitutes", "agreed, refused or nothing", request.substitutes)
    if request.store_credit_minor < 0 or (request.store_credit_minor and request.customer is None):
        return rules.Misfit("store_credit_minor", "0 or more, of a customer", request.store_credit_minor)
    if request.demand not in rules.DEMANDS:
        return rules.Misfit("demand", one_of(rules.DEMANDS), request.demand)
    if len(request.gift_message) > rules.GIFT_MESSAGE_MAX:
        expected = Said("at most {0} characters", rules.GIFT_MESSAGE_MAX)
        return rules.Misfit("gift_message", expected, len(request.gift_message))
    wrong = rules.misfit_promotions(request.promotions, request.discount_minor)
    for line in request.lines:
        if line.promotions:
            wrong = wrong or rules.misfit_promotions(line.promotions, line.discount_minor)
    return wrong


def _set_lines(draft: _Draft, frozen: Sequence[rules.Frozen], known: Known) -> tuple[LineFact, ...]:
    """Give the draft the rows of its lines, those of components for kits; what the catalog knows of the goods, and of
    the kits, comes back."""
    company, order, skus = draft.request.company, draft.id, known.skus
    priced_at = draft.request.priced_at or draft.placed_at
    made_of = [
        known.kits.get((company, line.sku)) if line.kind == GOODS else None for line in draft.request.lines
    ]
    seen = [
        facts.kit(line.sku, line.unit_price, skus[company, line.sku], priced_at)
        for line, parts in zip(draft.request.lines, made_of, strict=True)
        if parts
    ]
    expanded = kits.expand(draft.request.lines, frozen, made_of, draft.request.currency)
    for number, (line, (gross, discount, shipping, tax), of_kit) in enumerate(expanded, 1):
        sku_id = None
        if line.kind == GOODS:
            sku = skus.get((company, line.sku))
            sku_id = sku and sku.id
            fact = facts.line(line.sku, line.quantity, line.unit_price, sku, priced_at)
            seen.append(facts.of_kit(fact) if of_kit.number else fact)
        key = ids.uuid7()
        if line.promotions:
            draft.promotions += [
                (ids.uuid7(), order, key, company, one.code, one.amount_minor) for one in line.promotions
            ]
        draft.lines.append((
            key, order, company, number, line.kind, sku_id, line.sku, line.description, line.quantity,
            line.unit_price, gross, discount, shipping, tax, line.quantity, *of_kit, line.final_sale,
        ))  # fmt: skip
    if draft.request.promotions:
        draft.promotions += [
            (ids.uuid7(), order, None, company, one.code, one.amount_minor)
            for one in draft.request.promotions
        ]
    _fix_promotions(draft, known)
    return tuple(seen)


def _fix_promotions(draft: _Draft, known: Known) -> None:
    """Have the order keep what its promotions were given for."""
    company = draft.request.company
    goods = {
        line[_SKU_CODE]: sku.category
        for line in draft.lines
        if line[_SKU] and (sku := known.skus.get((company, line[_SKU_CODE])))
    }
    codes = {promotion[_PROMOTION_CODE] for promotion in draft.promotions}
    terms = promoting.terms_of(known.promotions.get(company, {}), goods, codes)
    draft.promotions = [(*promotion, terms.get(promotion[_PROMOTION_CODE])) for promotion in draft.promotions]


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
    wanted: list[RegisterAddress] = []
    places: list[tuple[UUID, int | None, int | None]] = []  # of an order's two addresses among those wanted
    for draft in drafts:
        one, there, billed = draft.request, None, None
        if one.address:
            there = len(wanted)
            wanted.append(
                for_the_vault(one.company, one.address, one.postal_code, one.country, one.customer or "")
            )
        if one.billing or one.tax_number:
            billed = len(wanted)
            wanted.append(_billed(one))
        if there is not None or billed is not None:
            places.append((draft.id, there, billed))
    if not wanted:
        return
    kept = [
        one.id if isinstance(one, AddressRegistered) else None
        for one in register_addresses(cause, requests=wanted)
    ]
    rows = [
        (order, None if there is None else kept[there], None if billed is None else kept[billed])
        for order, there, billed in places
    ]
    sql.run(_ADDRESS, sql.columns(("orders", "addresses", "billings"), rows))


def _keep_gift_messages(cause: Cause, drafts: Sequence[_Draft]) -> None:
    said = [
        KeepGiftMessage(one.request.company, one.id, one.request.gift_message.strip())
        for one in drafts
        if one.request.gift_message.strip()
    ]
    if said:
        keep_gift_messages(cause, requests=said)


def _billed(one: PlaceOrder) -> RegisterAddress:
    """Who is billed; of whom nothing is known but a tax number, that."""
    if one.billing is None:
        return RegisterAddress(
            one.company, country=one.country, tax_number=one.tax_number, customer=one.customer or ""
        )
    kept = for_the_vault(
        one.company, one.billing, one.billing.postal_code, one.billing.country, one.customer or ""
    )
    return replace(kept, tax_number=one.tax_number)


def for_the_vault(
    company: int, given: AddressGiven | BillingGiven, postal_code: str, country: str, customer: str
) -> RegisterAddress:
    """An address as the vault of personal data takes it."""
    return RegisterAddress(
        company=company, name=given.name, line1=given.line1, line2=given.line2, city=given.city,
        region=given.region, postal_code=postal_code, country=country, email=given.email, phone=given.phone,
        customer=customer,
    )  # fmt: skip


def authorization(company: int, order: UUID, currency: str, given: PaymentGiven) -> Authorize:
    """What came as a payment of an order, as payments take it."""
    return Authorize(
        company=company, order=order, provider=given.provider, reference=given.reference,
        currency=given.currency or currency,
        amount_minor=given.amount_minor, authorized_at=given.authorized_at, expires_at=given.expires_at,
    )  # fmt: skip


def _hold(cause: Cause, drafts: Sequence[_Draft], known: Known) -> None:
    found = [
        NewHold(
            ids.uuid7(),
            draft.request.company,
            draft.id,
            one.type,
            one.reason,
            one.facts,
            draft.placed_at,
            rules.WAITS_AS_EXCHANGE if draft.request.demand == rules.EXCHANGE else None,
            waits_for=one.waits_for,
            value_minor=draft.row[_TOTAL],
            tier=known.tiers.get(draft.customer) if draft.customer else None,
            promise_at=draft.request.promise_at,
            rules=one.rules,
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

_SKU, _SKU_CODE, _QUANTITY = (LINE_COLUMNS.index(name) for name in ("sku_id", "sku_code", "quantity"))

_FINGERPRINT_COLUMNS = ("order_id", "fingerprint", "company_id", "placed_at")
SOLD_AS = ("kit_code", "kit_number", "kit_units", "final_sale")

_PROMOTION_COLUMNS = ("id", "order_id", "line_id", "company_id", "code", "amount_minor", "terms")
_PROMOTION_CODE = _PROMOTION_COLUMNS.index("code")

_ORDERS = {
    "id": "uuid", "company_id": "smallint", "channel_id": "uuid", "external_id": "text", "customer_id": "uuid",
    "currency": "text", "country": "text", "postal_code": "text", "placed_at": "timestamptz", "priority": "smallint",
    "promise_at": "timestamptz", "policy": "text", "service": "text",
    "demand": "text", "campaign": "text", "reservation": "text", "substitutes": "text", "signals": "text[]",
    "ship_not_before": "date", "ship_by": "date", "cancel_after": "date", "min_fill_percent": "smallint",
    "status": "text", "held_by": "text", "commercial": "text", "goods_minor": "bigint", "discount_minor": "bigint",
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
UPDATE orders_order AS o SET address_id = d.address, billing_id = d.billing
FROM unnest(%(orders)s::uuid[], %(addresses)s::uuid[], %(billings)s::uuid[]) AS d(id, address, billing)
WHERE o.id = d.id
"""

_EXISTING = """
SELECT o.channel_id, o.external_id, o.id, o.number
FROM unnest(%(channels)s::uuid[], %(externals)s::text[]) AS d(channel, external)
JOIN orders_order AS o ON o.channel_id = d.channel AND o.external_id = d.external
"""
