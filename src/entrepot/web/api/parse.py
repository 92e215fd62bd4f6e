"""From what the API takes to the requests of commands."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from entrepot.catalog import queries as catalog
from entrepot.insight import owners
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, Said
from entrepot.network import queries as network
from entrepot.orders import queries as orders
from entrepot.orders import rules
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import AddLine, EditOrder
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold
from entrepot.orders.commands.merge import MergeOrders
from entrepot.orders.commands.place import (
    AddressGiven,
    BillingGiven,
    OrderLine,
    PaymentGiven,
    PlaceOrder,
    PromotionGiven,
)
from entrepot.orders.commands.split import SplitOrder
from entrepot.orders.commands.take_payment import TakePayment
from entrepot.orders.window import DAYS
from entrepot.parties import queries as parties
from entrepot.sourcing.commands.decide_holds import DecideHold
from entrepot.web.api.auth import ASKED_BY
from entrepot.web.api.schemas import (
    CancelIn,
    DecideHoldIn,
    EditIn,
    HoldIn,
    LineIn,
    MergeIn,
    OrderIn,
    PromotionIn,
    ReleaseIn,
    SplitIn,
    TakePaymentIn,
)


def actor_of(request: HttpRequest) -> Actor:
    actor: Actor = request.auth  # type: ignore[attr-defined]
    return actor


def cause_of(request: HttpRequest) -> Cause:
    return Cause(actor_of(request), timezone.now())


def company_of(code: str | None) -> int:
    """The company of that code; without one, the only company that there is for whoever asks."""
    actor = ASKED_BY.get()
    companies = [one for one in parties.companies() if actor is None or actor.is_of(one.id)]
    if code is None:
        if len(companies) == 1:
            return companies[0].id
        known = ", ".join(one.code for one in companies) or "none yet"
        raise Invalid(field="company", expected=Said("one of: {0}", known), found="nothing")
    for one in companies:
        if one.code == code:
            return one.id
    raise NotFound(what="company", which=code)


def own(what: str, which: UUID, company: str | None) -> None:
    """Refuse what is another company's as if it were not there. Without a code the company is the only one."""
    if owners.others([which], company=company_of(company)):
        raise NotFound(what=what, which=str(which))


def own_order(which: UUID, company: str | None) -> orders.OrderView:
    """An order, unless it is another company's or not there."""
    own("order", which, company)
    found = orders.order(which)
    if found is None:
        raise NotFound(what="order", which=str(which))
    return found


def known(what: str, wanted: Collection[str], there: Collection[str]) -> None:
    """All codes are known, or nothing is done: a request with an unknown thing in it is a mistake of the program."""
    for code in sorted(wanted):
        if code not in there:
            raise NotFound(what=what, which=code)


def skus_of(company: int, codes: Collection[str]) -> dict[str, UUID]:
    """The SKUs of a company with these codes, all of which it must have."""
    found = catalog.skus(company=company, codes=list(codes)) if codes else {}
    known("SKU", codes, found)
    return {code: sku.id for code, sku in found.items()}


def nodes_of(company: int, codes: Collection[str]) -> dict[str, UUID]:
    """All nodes of a company by code, those with these codes among them."""
    found = {node.code: node.id for node in network.nodes(company=company)}
    known("node", codes, found)
    return found


def keys_of(request: HttpRequest, header: str, items: Sequence[Any]) -> list[str]:
    """A key for each of a list: its own, or the header's and its place. Callers can't meet each other's keys."""
    name = actor_of(request).name
    return [f"api:{name}:{own_key(header, i, items)}" for i in range(len(items))]


def own_key(header: str, place: int, items: Sequence[Any]) -> str:
    """The key of one of what was sent, as its caller knows it."""
    key: str = items[place].key or (header if len(items) == 1 else f"{header}/{place}")
    return key


def place_order(company: int, item: OrderIn, key: str) -> PlaceOrder:
    return PlaceOrder(
        company=company, channel=item.channel, external_id=item.external_id,
        lines=order_lines(item.lines), currency=item.currency,
        occurred_at=item.occurred_at, customer=item.customer, country=item.country, postal_code=item.postal_code,
        address=AddressGiven(**item.address.model_dump()) if item.address else None,
        discount_minor=item.discount_minor, shipping_minor=item.shipping_minor, tax_minor=item.tax_minor,
        policy=item.policy or "", priority=item.priority, promise_at=item.promise_at, service=item.service,
        payment=PaymentGiven(**item.payment.model_dump()) if item.payment else None, signals=tuple(item.signals),
        demand=item.demand, campaign=item.campaign, reservation=item.reservation, substitutes=item.substitutes,
        promotions=promotions_of(item.promotions), tax_number=item.tax_number, priced_at=item.priced_at, key=key,
        billing=BillingGiven(**item.billing.model_dump()) if item.billing else None, gift_message=item.gift_message,
        store_credit_minor=item.store_credit_minor, **window_of(item),
    )  # fmt: skip


def window_of(item: Any) -> dict[str, Any]:
    """When an order may leave, and how much of it must go."""
    return {
        name: getattr(item, name)
        for name in ("ship_not_before", "ship_by", "cancel_after", "min_fill_percent")
    }


def order_lines(lines: Sequence[LineIn]) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(
            line.sku,
            line.quantity,
            Decimal(line.unit_price),
            line.kind,
            line.description,
            line.discount_minor,
            promotions_of(line.promotions),
            line.final_sale,
        )
        for line in lines
    )


def promotions_of(items: Sequence[PromotionIn]) -> tuple[PromotionGiven, ...]:
    return tuple(PromotionGiven(one.code, one.amount_minor) for one in items)


def edit_order(item: EditIn, key: str) -> EditOrder:
    add = tuple(
        AddLine(
            one.sku, one.quantity, None if one.unit_price is None else Decimal(one.unit_price), one.like,
            one.discount_minor, one.tax_minor, one.kind, one.description, one.final_sale,
        )
        for one in item.add
    )  # fmt: skip
    address = AddressGiven(**item.address.model_dump()) if item.address else None
    return EditOrder(
        item.order, item.reason, add, tuple((one.line, one.quantity) for one in item.remove), address,
        item.postal_code, item.service, item.priority, item.promise_at, key=key, country=item.country,
        billing=BillingGiven(**item.billing.model_dump()) if item.billing else None, tax_number=item.tax_number,
        retax=item.retax, remove_kits=tuple((one.kit, one.quantity) for one in item.remove_kits),
        clear=tuple(name for name in DAYS if name in item.model_fields_set and getattr(item, name) is None),
        **window_of(item),
    )  # fmt: skip


def split_order(item: SplitIn, key: str) -> SplitOrder:
    return SplitOrder(item.order, tuple((one.line, one.quantity) for one in item.lines), item.reason, key=key)


def merge_orders(item: MergeIn, key: str) -> MergeOrders:
    return MergeOrders(item.into, tuple(item.orders), item.reason, key=key)


def place_hold(item: HoldIn, key: str) -> PlaceHold:
    blocks = None if item.blocks is None else tuple(item.blocks)
    return PlaceHold(item.order, item.type, item.reason, blocks, item.waits_for, key=key)


def release_hold(item: ReleaseIn, key: str) -> ReleaseHold:
    return ReleaseHold(item.hold, item.note, item.code, key=key)


def decide_hold(item: DecideHoldIn, key: str) -> DecideHold:
    return DecideHold(item.item, item.decision, item.note, item.code, item.root_cause, key)


def take_payment(item: TakePaymentIn, key: str) -> TakePayment:
    return TakePayment(item.order, PaymentGiven(**item.payment.model_dump()), key)


def cancel_order(item: CancelIn, key: str) -> CancelOrder:
    lines = None if item.lines is None else tuple((line.line, line.quantity) for line in item.lines)
    return CancelOrder(
        item.order, rules.why_cancelled(item.code, item.reason), lines, code=item.code, key=key
    )


def bytes_of(text: str) -> bytes:
    """What stands in base64; none where the text is no base64: no bytes are no file, which the commands say."""
    try:
        return b64decode(text, validate=True)
    except ValueError:  # letters beyond ASCII among them
        return b""


def behind(after: str | None, *reads: Callable[[str], Any]) -> Any:
    """What a cursor of several parts says, each as it is read; None without one. Raises Invalid."""
    if after is None:
        return None
    parts = after.split(".")
    try:
        return tuple(read(part) for read, part in zip(reads, parts, strict=True))
    except (ValueError, OverflowError) as wrong:
        raise Invalid(field="after", expected="what `next` of a page says", found=after) from wrong


def currency(text: str) -> str:
    """The three letters of a currency."""
    if not (len(text) == 3 and text.isascii() and text.isupper()):
        raise ValueError(text)
    return text


def small(text: str) -> int:
    """A whole number that a column holds."""
    number = int(text)
    if not text.isascii() or abs(number) >= 2**31:
        raise ValueError(text)
    return number


def microseconds(text: str) -> int:
    """A moment of these centuries."""
    number = int(text)
    if not text.isascii() or not 0 <= number < 2**53:
        raise ValueError(text)
    return number
