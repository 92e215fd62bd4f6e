"""Change placed orders as far as each change is still allowed.

Amounts that are frozen stay so: units that come are lines of their own, units that go are cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, imprint, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.orders import errors, rules, window
from entrepot.orders.commands import cancel, progress
from entrepot.orders.commands.hold import HoldReleased, NewHold, ReleaseHold, let_go, open_holds
from entrepot.orders.commands.place import (
    LINE_COLUMNS,
    SOLD_AS,
    AddressGiven,
    BillingGiven,
    for_the_vault,
)
from entrepot.orders.edited import code_of, country_of, retax, validate
from entrepot.orders.kits import Left, Part, kits_left, split, taken_out, unit_price
from entrepot.orders.rules import GOODS, Cancellable, Frozen
from entrepot.orders.validation import (
    FINE,
    OF_ADDRESS,
    Found,
    Verdict,
    Warned,
)
from entrepot.orders.validation.taxes import UNTAXED
from entrepot.parties.address import Written, is_country
from entrepot.parties.commands.register import AddressRegistered, RegisterAddress, register_addresses
from entrepot.parties.queries import Address, addresses
from entrepot.stock.commands.allocate import Free, free, lock_promised
from entrepot.stock.commands.hasten import Hasten, hasten


@dataclass(frozen=True, slots=True)
class AddLine:
    """Goods that come to an order. Without a price, that of the line they are `like`, else the catalog's; without a
    tax, at the rate of that line, else of the order's goods. A kit comes as lines of its components: `like` a line of
    the same kit, at the price that the kit had. They are a `final_sale` where the line is that they are like.

    Of another `kind` (`rules.KINDS`) a charge or, below nothing, an allowance, with a price and what it is for.
    """

    sku: str
    quantity: int
    unit_price: Decimal | None = None
    like: UUID | None = None
    discount_minor: int = 0
    tax_minor: int | None = None
    kind: str = GOODS
    description: str = ""
    final_sale: bool = False


@dataclass(frozen=True, slots=True)
class EditOrder:
    """What changes of an order; what is None stays, and so does a tax number of ''. `remove` is (line, units),
    `remove_kits` (number of the kit within the order, kits). A new address is in the same country; a `country` is given
    to an order that came without one.

    `clear` names days (`window.DAYS`) that are taken away.
    More of a line is an `add` that is `like` it; another SKU or price is that and a `remove`. `retax` has the tax
    worked out anew, by the rates of where it goes then: units whose tax is another one go, and come again with it.
    """

    order: UUID
    reason: str
    add: tuple[AddLine, ...] = ()
    remove: tuple[tuple[UUID, int], ...] = ()
    address: AddressGiven | None = None
    postal_code: str | None = None
    service: str | None = None
    priority: int | None = None
    promise_at: datetime | None = None
    occurred_at: datetime | None = None
    key: str | None = None
    country: str | None = None
    billing: BillingGiven | None = None
    tax_number: str = ""
    retax: bool = False
    remove_kits: tuple[tuple[int, int], ...] = ()
    ship_not_before: date | None = None
    ship_by: date | None = None
    cancel_after: date | None = None
    min_fill_percent: int | None = None
    clear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderEdited:
    """Lines added, units cancelled, promised units that are sourced anew, and the money: what the order's units cost
    before and now, how much of it no authorization covers, and what was given back of what was captured. `backordered`
    is for sourcing to forget, and `hastened` to follow: how much more urgent the order is than before. `holds` are
    those that the change opened, `warnings` what was only noticed."""

    order: UUID
    status: str
    added: tuple[UUID, ...]
    cancelled: int
    freed: int
    before_minor: int
    total_minor: int
    uncovered_minor: int
    backordered: tuple[tuple[UUID, int], ...] = ()
    holds: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    refunded_minor: int = 0
    hastened: int = 0
    released: tuple[str, ...] = ()  # types of holds whose rules find nothing any more


@command("orders.edit")
def edit(
    cause: Cause, /, *, requests: Sequence[EditOrder], own_prices: bool = False
) -> list[OrderEdited | Refused]:
    """Orders changed and offered to sourcing again; with `own_prices` also at prices that are nobody else's.

    A new address frees what was promised, as another node may serve it better. Another priority or promised date gives
    an order another place wherever it waits, and its promises among those that give way. What no authorization covers
    is held, and so is what validation finds of a new address or service (`validation.OF_ADDRESS`, `OF_SERVICE`), of
    goods that come (`OF_GOODS`) and of other amounts (`OF_AMOUNTS`). A hold of rules (`CORRECTABLE`) is released that
    find nothing any more. A tax that is worked out anew is owed and given back as the price of units is.
    Locks: as `orders.cancel`.
    Refuses: NotFound (order, SKU, kit); Invalid (nothing to change; no reason; an order twice; no price; another
    country; a tax without rates); EditTooLate; PriceOverridden; and as `orders.cancel`.
    Again: by key. 10 statements; 10 more where lines come and units go, 10 for addresses, 3 for services, 3 for holds,
    3 for priorities and promises, 3 for taxes, 1 where a rule asks for them, 1 where one asks for stock, those of
    `orders.release_holds` where holds go, and those of `orders.release_satisfied` where units go of orders that wait
    for a payment.
    """
    plan = cancel.look(one.order for one in requests)
    known = _load(requests)
    requests = [_whole(one, known.orders.get(one.order)) for one in requests]
    edits: dict[UUID, Edit] = {}
    answers: list[Edit | Refused] = []
    for one in requests:
        found = _decide(one, plan, known, edits, cause.at, own_prices=own_prices)
        if isinstance(found, Edit):
            edits[one.order] = found
        answers.append(found)
    unfit = retax(cause, plan, edits.values())
    edits = {order: one for order, one in edits.items() if order not in unfit}
    answers = [unfit.get(one.order.id, one) if isinstance(one, Edit) else one for one in answers]
    if edits:
        validate(cause, list(edits.values()))
        _write(cause, plan, list(edits.values()))
    return [one if isinstance(one, Refused) else one.answer() for one in answers]


# ---- load


class Order(NamedTuple):
    id: UUID
    company: int
    number: str
    currency: str
    country: str
    postal_code: str
    last_line: int
    authorized: int | None  # without what went back for cancelled units; None without a payment
    held: list[str]  # types of its open holds; of those about a payment, where one is waited for or lacking
    channel: str
    channel_kind: str
    service: str
    buyer: UUID | None
    placed_at: datetime
    signals: list[str]  # what its channel said when it was placed
    billed: Written | None  # where it is billed, as its country writes it
    priority: int
    customer: str
    home: Address | None  # where it goes, out of the vault; where a change asks for it, as `bill`
    opened: tuple[Opened, ...] = ()  # its open holds
    bill: Address | None = None  # who is billed, out of the vault
    window: window.Window = window.ANY_TIME


class Opened(NamedTuple):
    """An open hold of an order; of one that a person placed no rule is told."""

    id: UUID
    type: str
    rules: tuple[str, ...]


def _whole(one: EditOrder, order: Order | None) -> EditOrder:
    """A change of the postal code alone as one of the address: labels are written from the vault. The address of an
    order whose code stays may be there as well, since orders that were split have one address."""
    if (one.postal_code is None and one.country is None) or one.address is not None:
        return one
    if order is None or order.home is None or not order.home.line1:
        return one
    return replace(one, address=AddressGiven.of(order.home))


class Line(NamedTuple):
    id: UUID
    order: UUID
    kind: str
    sku: str
    quantity: int
    gone: int  # cancelled
    unit_price: Decimal
    frozen: Frozen
    description: str = ""
    sku_id: UUID | None = None
    kit_code: str = ""
    kit_number: int = 0
    kit_units: int = 0
    is_instead: bool = False  # it is sent instead of another line
    final_sale: bool = False

    @property
    def stands(self) -> Frozen:
        """What the units that are not cancelled bear."""
        return self.frozen.of_units(self.quantity, 0, self.units)

    @property
    def units(self) -> int:
        return self.quantity - self.gone


def _is_about_people(one: EditOrder) -> bool:
    """Whether a change is of who gets the order or is billed, or rules and taxes ask where they live because of it."""
    moves = (one.address, one.postal_code, one.country, one.billing, one.service)
    return any(each is not None for each in moves) or bool(one.tax_number) or one.retax


_OF_PEOPLE = {*OF_ADDRESS, "recompute", "tax_number"}
"""Rules that ask the vault: a change may put right what one of them has found."""


class _Known(NamedTuple):
    orders: dict[UUID, Order]
    lines: dict[UUID, dict[UUID, Line]]
    totals: dict[UUID, rules.Totals]
    skus: dict[tuple[int, str], _Sku]


class _Sku(NamedTuple):
    id: UUID
    status: str
    list_price: Decimal | None
    parts: tuple[Part, ...]  # what a kit is made of


def _load(requests: Sequence[EditOrder]) -> _Known:
    wanted = {"orders": [one.order for one in requests]}
    rows = sql.run(_ORDERS, wanted)
    about_people = {one.order for one in requests if _is_about_people(one)}
    personal = {
        one
        for row in rows
        if row[0] in about_people or any(not _OF_PEOPLE.isdisjoint(names or ()) for _, _, names in row[-1])
        for one in (row[-5], row[-4])
        if one
    }
    kept = addresses(personal) if personal else {}
    orders = {}
    for row in rows:
        (bill, home, priority, customer, opened), days = row[-5:], window.Window(*row[-9:-5])  # type: ignore[call-arg]
        written = kept[bill].written if bill in kept else None
        holds = tuple(Opened(UUID(key), kind, tuple(names or ())) for key, kind, names in opened)
        orders[row[0]] = Order(  # type: ignore[call-arg]
            *row[:-9], written, priority, customer, kept.get(home), holds, kept.get(bill), days
        )
    lines: dict[UUID, dict[UUID, Line]] = {}
    sums: dict[UUID, list[int]] = {}
    for row in sql.run(_LINES, wanted):
        line = Line(*row[:7], Frozen(*row[7:11]), *row[11:18])  # type: ignore[call-arg]
        lines.setdefault(line.order, {})[line.id] = line
        counts = sums.setdefault(line.order, [0] * len(rules.PLACES))
        if line.kind == GOODS:
            sums[line.order] = [a + b for a, b in zip(counts, row[18:], strict=True)]
    names = {
        (orders[one.order].company, line.sku)
        for one in requests
        if one.order in orders
        for line in one.add
        if line.kind == GOODS
    }
    rows = sql.run(_SKUS, sql.columns(("companies", "codes"), names))
    skus = {
        (company, code): _Sku(sku, status, price, tuple(_part(one) for one in parts))
        for company, code, sku, status, price, parts in rows
    }
    return _Known(orders, lines, {order: rules.Totals(*counts) for order, counts in sums.items()}, skus)


def _part(found: Sequence[Any]) -> Part:
    sku, code, units, price = found
    return Part(UUID(sku), code, units, None if price is None else Decimal(price))


# ---- decide


@dataclass(slots=True)
class Edit:
    request: EditOrder
    order: Order
    lines: dict[UUID, Line]
    added: list[Line] = field(default_factory=list)
    kits: list[tuple[str, Decimal]] = field(default_factory=list)  # kits that come, with what one costs
    steps: list[cancel.Step] = field(default_factory=list)
    moved: list[tuple[UUID, int]] = field(default_factory=list)
    verdict: Verdict = FINE
    released: list[Opened] = field(default_factory=list)  # holds whose rules find nothing any more
    version: int = 0
    status: str = ""
    refunded: int = 0

    @property
    def before(self) -> int:
        return sum(line.stands.total for line in self.lines.values())

    @property
    def left(self) -> list[Line]:
        """Its lines as they will be, those that come among them."""
        gone: dict[UUID, int] = {}
        for line, _, units in self.steps:
            gone[line] = gone.get(line, 0) + units
        every = [*self.lines.values(), *self.added]
        return [line._replace(gone=line.gone + gone.get(line.id, 0)) for line in every]

    @property
    def total(self) -> int:
        return sum(line.stands.total for line in self.left)

    @property
    def uncovered(self) -> int:
        return 0 if self.order.authorized is None else max(0, self.total - self.order.authorized)

    def answer(self) -> OrderEdited:
        freed = sum(units for _, units in self.moved)
        return OrderEdited(
            self.order.id, self.status, tuple(line.id for line in self.added), sum(step[2] for step in self.steps),
            freed, self.before, self.total, self.uncovered,
            tuple((line, units) for line, place, units in self.steps if place == "backordered"),
            tuple(one.type for one in self.holds), self.verdict.warnings, self.refunded, self.hastened,
            tuple(one.type for one in self.released),
        )  # fmt: skip

    @property
    def hastened(self) -> int:
        asked = self.request.priority
        return 0 if asked is None else asked - self.order.priority

    @property
    def is_ranked_anew(self) -> bool:
        """Another service leaves at another hour for the same promise."""
        asked = self.request
        dates = (asked.promise_at, asked.service, asked.ship_by)
        return bool(self.hastened) or "ship_by" in asked.clear or any(each is not None for each in dates)

    @property
    def holds(self) -> list[Found]:
        """What it is held for from now on, as far as nobody decides about that already."""
        if not _stays(self):
            return []  # it is cancelled by that
        found = list(self.verdict.holds)
        if self.uncovered:
            reason = "The order was changed, and its payment no longer covers it."
            facts = {
                "total_minor": self.total,
                "authorized_minor": self.order.authorized,
                "missing_minor": self.uncovered,
            }
            found.append(Found("payment hold", reason, facts))
        return [one for one in found if not self._is_held_for(one)]

    def _is_held_for(self, found: Found) -> bool:
        """Whether an open hold stands for the same: whoever lets go another one of its type knows nothing of this."""
        if not found.rules:
            return found.type in self.order.held
        gone = {one.id for one in self.released}
        stand = (one for one in self.order.opened if one.id not in gone and one.type == found.type)
        return any({*one.rules} >= {*found.rules} for one in stand)


def _decide(
    one: EditOrder,
    plan: cancel.Cancellation,
    known: _Known,
    edits: dict[UUID, Edit],
    at: datetime,
    *,
    own_prices: bool,
) -> Edit | Refused:
    order = known.orders.get(one.order)
    if order is None:
        return NotFound(what="order", which=str(one.order))
    if one.order in edits:
        return Invalid(field="order", expected="each order once in a call", found=str(one.order))
    wanted = _wanted(one)
    if not wanted or not one.reason:
        field_ = "reason" if wanted else "edit"
        return Invalid(field=field_, expected="why it is changed" if wanted else "a change", found="nothing")
    if one.priority is not None and not 0 <= one.priority <= 99:
        return Invalid(field="priority", expected="0 to 99", found=one.priority)
    if one.promise_at is not None and one.promise_at < at:
        return Invalid(field="promise_at", expected="a time to come", found=one.promise_at.isoformat())
    if refused := _misfit_tax(one, order) or _misfit_window(one, order):
        return refused
    for kind in wanted:
        why = rules.why_no_edit(kind, plan.orders[one.order].commercial, known.totals[one.order])
        if why:
            instead = rules.instead_of_edit(plan.orders[one.order].commercial, known.totals[one.order])
            return errors.EditTooLate(edit=kind, order=order.number, why=why, instead=instead)
    whole = _with_kits_out(one, known.lines[one.order].values())
    if isinstance(whole, Refused):
        return whole
    one = whole
    found = Edit(one, order, known.lines[one.order])
    refused = _add(found, known, own_prices=own_prices)
    if refused:
        return refused
    lines = dict(plan.lines[one.order])
    lines |= {
        line.id: Cancellable(line.quantity, 0, 0, 0, is_goods=line.kind == GOODS) for line in found.added
    }
    if one.remove:
        steps = rules.decide_cancel(order.number, lines, one.remove)
        if isinstance(steps, Refused):
            return steps
        found.steps = steps
    if found.total < 0:
        return Invalid(field="unit_price", expected="an order of 0 or more", found=found.total)
    plan.lines[one.order] = lines
    if "address" in wanted:
        gone = {line: units for line, place, units in found.steps if place == "allocated"}
        found.moved = [
            (key, line.allocated - gone.get(key, 0))
            for key, line in lines.items()
            if line.allocated - gone.get(key, 0)
        ]
    return found


def _misfit_tax(one: EditOrder, order: Order) -> Refused | None:
    """Why the country, or the tax that is to be worked out anew, can't be changed so."""
    if one.country is not None and not is_country(one.country):
        return Invalid(field="country", expected="an ISO code of two letters, such as GB", found=one.country)
    if one.country is not None and is_country(order.country) and one.country != order.country:
        expected = Said("{0}: to another country it is another order", order.country)
        return Invalid(field="country", expected=expected, found=one.country)
    if one.retax and (one.add or one.remove or one.remove_kits):
        expected = Said("a change of its own: lines come and go by another one")
        return Invalid(field="retax", expected=expected, found=Said("lines that come or go"))
    return None


def _wanted(one: EditOrder) -> list[str]:
    """Kinds of change that are asked for."""
    asked = {
        "lines": one.add or one.remove or one.remove_kits,
        "address": one.address is not None or one.postal_code is not None or one.country is not None,
        "service": one.service is not None,
        "billing": one.billing is not None or bool(one.tax_number),
        "tax": one.retax,
        "priority": one.priority is not None,
        "promise": one.promise_at is not None,
        "window": one.clear or any(each is not None for each in _of_window(one).values()),
    }
    return [kind for kind, is_wanted in asked.items() if is_wanted]


def _with_kits_out(one: EditOrder, lines: Iterable[Line]) -> EditOrder | Refused:
    """The change with the units of the kits that go, of each component's line."""
    if not one.remove_kits:
        return one
    parts: dict[int, list[Left]] = {}
    codes: dict[int, str] = {}
    for line in lines:
        if line.kit_number:
            parts.setdefault(line.kit_number, []).append(Left(line.id, line.kit_units, line.units))
            codes[line.kit_number] = line.kit_code
    gone: list[tuple[UUID, int]] = []
    for number, units in one.remove_kits:
        if number not in parts:
            return NotFound(what="kit", which=str(number))
        if not 1 <= units <= (left := kits_left(parts[number])):
            return errors.MoreThanThereIs(line=codes[number], found=left, expected=units)
        gone += taken_out(parts.pop(number), units)
    return replace(one, remove=(*one.remove, *gone), remove_kits=())


def _of_window(one: EditOrder) -> dict[str, Any]:
    """The days and the least part that are asked for, None for what is not."""
    return {name: getattr(one, name) for name in window.Window._fields}


def _window(one: EditOrder, order: Order) -> window.Window:
    """Its days and its least part as they will be."""
    changed = {name: to for name, to in _of_window(one).items() if to is not None or name in one.clear}
    return order.window._replace(**changed)


def _misfit_window(one: EditOrder, order: Order) -> Invalid | None:
    """Why its days can't be what they would be then."""
    for name in one.clear:
        if name not in window.DAYS:
            return Invalid(field="clear", expected=one_of(window.DAYS), found=name)
        if (day := getattr(one, name)) is not None:
            return Invalid(field=name, expected="no day, where it is taken away", found=day)
    wrong = window.misfit(_window(one, order))
    return Invalid(**wrong._asdict()) if wrong else None


def _written(price: Decimal, currency: str) -> str:
    """A price with the digits of its currency, and more where it has more."""
    digits = max(money.exponent(currency), -int(price.normalize().as_tuple().exponent))
    return f"{price:.{digits}f}"


def _add(edit_: Edit, known: _Known, *, own_prices: bool) -> Refused | None:
    """Give an edit its new lines, or say why they can't be."""
    order, goods = edit_.order, [line for line in edit_.lines.values() if line.kind == GOODS]
    for wanted in edit_.request.add:
        if wanted.kind != GOODS:
            charge = _charge(order, goods, wanted, own_prices=own_prices)
            if isinstance(charge, Refused):
                return charge
            edit_.added.append(charge)
            continue
        sku = known.skus.get((order.company, wanted.sku))
        like = edit_.lines.get(wanted.like) if wanted.like else None
        if sku is None or sku.status != "active":
            return NotFound(what="SKU for sale", which=wanted.sku)
        if wanted.like and like is None:
            return NotFound(what="line", which=str(wanted.like))
        if wanted.quantity < 1:
            return Invalid(field="quantity", expected="at least 1", found=wanted.quantity)
        alike = _alike(edit_, like, wanted.sku)
        usual = _usual(order, like, alike, wanted.sku, sku)
        price = usual if wanted.unit_price is None else wanted.unit_price
        if price is None or price < 0:
            return Invalid(
                field="unit_price", expected="a price from 0", found=price or "none in the catalog"
            )
        if price != usual and not own_prices:
            told = {
                "usual": _written(usual, order.currency) if usual is not None else Said("none"),
                "found": _written(price, order.currency),
            }
            return errors.PriceOverridden(sku=wanted.sku, **told)
        frozen = rules.freeze_more(
            [line.frozen for line in alike or goods], order.currency, wanted.quantity, price,
            wanted.discount_minor, wanted.tax_minor,
        )  # fmt: skip
        if not 0 <= frozen.discount <= frozen.gross:
            return Invalid(field="discount", expected=Said("0 to {0}", frozen.gross), found=frozen.discount)
        line = Line(
            ids.uuid7(), order.id, GOODS, wanted.sku, wanted.quantity, 0, price, frozen, sku_id=sku.id,
            final_sale=wanted.final_sale or bool(like and like.final_sale),
        )  # fmt: skip
        if sku.parts:
            edit_.kits.append((wanted.sku, price))
        edit_.added += _components(edit_, line, sku.parts) if sku.parts else [line]
    return None


def _alike(edit_: Edit, like: Line | None, sku: str) -> list[Line]:
    """The lines at whose rate a SKU is taxed that comes like one of them: all of a kit, where it is the same kit."""
    if like is None:
        return []
    if like.kit_number and like.kit_code == sku:
        return [line for line in edit_.lines.values() if line.kit_number == like.kit_number]
    return [like]


def _usual(order: Order, like: Line | None, alike: Sequence[Line], code: str, sku: _Sku) -> Decimal | None:
    """What a SKU costs that comes to an order: as much as the same one did, else what the catalog says."""
    if like and like.sku == code:
        return like.unit_price
    if like and like.kit_number and like.kit_code == code:
        gross = sum(line.frozen.gross for line in alike)
        return unit_price(gross, like.quantity // like.kit_units, order.currency)
    return sku.list_price


def _components(edit_: Edit, kit: Line, parts: Sequence[Part]) -> list[Line]:
    """A kit as lines of its components, which bear what it costs to the cent."""
    last = max((line.kit_number for line in [*edit_.lines.values(), *edit_.added]), default=0)
    found = []
    for part, share in zip(parts, split(kit.frozen, parts), strict=True):
        units = kit.quantity * part.units
        price = unit_price(share.gross, units, edit_.order.currency)
        found.append(
            Line(
                ids.uuid7(), kit.order, GOODS, part.code, units, 0, price, share, sku_id=part.sku, kit_code=kit.sku,
                kit_number=last + 1, kit_units=part.units, final_sale=kit.final_sale,
            )
        )  # fmt: skip
    return found


def _charge(order: Order, goods: Sequence[Line], wanted: AddLine, *, own_prices: bool) -> Line | Refused:
    """A charge or an allowance. What takes something off is a price of one's own."""
    if wanted.kind not in rules.KINDS:
        return Invalid(field="kind", expected=one_of(rules.KINDS), found=wanted.kind)
    if wanted.like:
        return Invalid(field="like", expected="no line, for a charge", found=str(wanted.like))
    if wanted.quantity < 1:
        return Invalid(field="quantity", expected="at least 1", found=wanted.quantity)
    if wanted.unit_price is None:
        return Invalid(field="unit_price", expected="what a charge costs", found="nothing")
    untaxed = wanted.kind in UNTAXED and wanted.tax_minor is None
    frozen = rules.freeze_more(
        [line.frozen for line in goods], order.currency, wanted.quantity, wanted.unit_price, wanted.discount_minor,
        0 if untaxed else wanted.tax_minor,
    )  # fmt: skip
    if wanted.discount_minor and not 0 <= wanted.discount_minor <= frozen.gross:
        expected = Said("0 to {0}", max(0, frozen.gross))
        return Invalid(field="discount", expected=expected, found=wanted.discount_minor)
    if frozen.gross < 0 and not own_prices:
        name, price = wanted.description or wanted.kind, _written(wanted.unit_price, order.currency)
        return errors.PriceOverridden(sku=name, usual=Said("none"), found=price)
    return Line(
        ids.uuid7(), order.id, wanted.kind, wanted.sku, wanted.quantity, 0, wanted.unit_price, frozen,
        description=wanted.description,
    )  # fmt: skip


# ---- write


def _write(cause: Cause, plan: cancel.Cancellation, edits: Sequence[Edit]) -> None:
    times = {one.order.id: one.request.occurred_at or cause.at for one in edits}
    sql.write("orders_line", (*LINE_COLUMNS, *SOLD_AS), [row for one in edits for row in _rows(one)])
    imprint.put_in("orders_line", [line.id for one in edits for line in one.added])
    addresses = _addresses(cause, edits)
    sql.change(_STORE, sql.columns(_STORED, [_stored(one, addresses) for one in edits]))
    for one in edits:
        if one.steps:
            request = cancel.CancelOrder(one.order.id, one.request.reason, one.request.remove)
            plan.decided[one.order.id] = (request, one.steps)
    hastened = [one for one in edits if one.is_ranked_anew]
    if hastened:
        lock_promised([one.order.id for one in edits])
        hasten([Hasten(one.order.id, one.hastened, one.request.promise_at) for one in hastened])
    cancel.carry_out(cause, plan)
    _source_again(cause, edits, times)
    held = [_hold(one, found, times[one.order.id]) for one in edits for found in one.holds]
    if held:
        open_holds(cause, held)
    _release(cause, edits, times)
    gone = frozenset(one.order.id for one in edits if one.steps and not _stays(one))
    stands = progress.restate(cause, times, cancelled=gone)
    progress.rank({one.order.id: stands[one.order.id] for one in hastened})
    progress.hand_on(stands)
    for one in edits:
        one.status, one.refunded = stands[one.order.id].status, plan.refunded.get(one.order.id, 0)
    announce(cause, [_event(one, times[one.order.id]) for one in edits])


def _stays(one: Edit) -> bool:
    """Whether any unit of the order is left."""
    return any(line.units for line in one.left)


PUT_RIGHT = Said("The order was changed, and the rules that held it find nothing any more.")


def _release(cause: Cause, edits: Sequence[Edit], times: Mapping[UUID, datetime]) -> None:
    """Holds let go whose reason the change has put right."""
    releases = [
        ReleaseHold(hold.id, PUT_RIGHT, "corrected", times[one.order.id])
        for one in edits
        if _stays(one)
        for hold in one.released
    ]
    if releases:
        answers = let_go(cause, releases)
        gone = {one.hold for one in answers if isinstance(one, HoldReleased)}
        for one in edits:
            one.released = [hold for hold in one.released if hold.id in gone]


def _rows(one: Edit) -> list[tuple[Any, ...]]:
    order = one.order
    return [
        (
            line.id, order.id, order.company, order.last_line + i, line.kind, line.sku_id, line.sku, line.description,
            line.quantity, line.unit_price, *line.frozen, line.quantity, line.kit_code, line.kit_number, line.kit_units,
            line.final_sale,
        )
        for i, line in enumerate(one.added, 1)
    ]  # fmt: skip


def _addresses(cause: Cause, edits: Sequence[Edit]) -> dict[tuple[UUID, str], UUID]:
    """New addresses in the vault, by order and whether it goes there or is billed there."""
    wanted: dict[tuple[UUID, str], RegisterAddress] = {}
    for one in edits:
        order, given = one.order, one.request.address
        if given:
            wanted[order.id, "home"] = for_the_vault(
                order.company, given, code_of(one), country_of(one), order.customer
            )
        if one.request.billing or one.request.tax_number:
            wanted[order.id, "bill"] = _billed(one)
    kept = register_addresses(cause, requests=list(wanted.values())) if wanted else []
    return {
        name: answer.id
        for name, answer in zip(wanted, kept, strict=True)
        if isinstance(answer, AddressRegistered)
    }


def _billed(one: Edit) -> RegisterAddress:
    """Who is billed from now on: what nobody changes of it, as it was."""
    order, billing, bill = one.order, one.request.billing, one.order.bill
    number = one.request.tax_number or (bill.tax_number if bill else "")
    if billing:
        kept = for_the_vault(order.company, billing, billing.postal_code, billing.country, order.customer)
    elif bill and (given := AddressGiven.of(bill)) and given.line1:
        kept = for_the_vault(order.company, given, bill.postal_code, bill.country, order.customer)
    else:
        kept = RegisterAddress(order.company, country=country_of(one), customer=order.customer)
    return replace(kept, tax_number=number)


def _stored(one: Edit, addresses: dict[tuple[UUID, str], UUID]) -> tuple[Any, ...]:
    """What changes of the order's own row: None for what stays, what its sums grow by, and its days as they will be."""
    request, more = one.request, [line.frozen for line in one.added]
    sums = [sum(frozen[i] for frozen in more) for i in range(4)]
    return (
        one.order.id, addresses.get((one.order.id, "home")), request.postal_code, request.service, request.priority,
        request.promise_at, *sums, len(more), request.country, addresses.get((one.order.id, "bill")),
        *_window(request, one.order),
    )  # fmt: skip


def _source_again(cause: Cause, edits: Sequence[Edit], times: dict[UUID, datetime]) -> None:
    """What was promised to the old address is free again, and open."""
    moved = [(one.order.id, line, units) for one in edits for line, units in one.moved]
    if moved:
        free(cause, requests=[Free(order, line, units) for order, line, units in moved])
        steps = [progress.Progress(line, order, "allocated", "open", units) for order, line, units in moved]
        progress.progress(cause, requests=steps, times=times)


def _hold(one: Edit, found: Found, at: datetime) -> NewHold:
    return NewHold(
        ids.uuid7(), one.order.company, one.order.id, found.type, found.reason, found.facts, at,
        waits_for=found.waits_for, value_minor=one.total, promise_at=one.request.promise_at, rules=found.rules,
    )  # fmt: skip


def _event(one: Edit, at: datetime) -> Event:
    payload: dict[str, Any] = {"changed": _wanted(one.request)}
    if one.added or one.steps:
        payload |= {"before_minor": one.before, "total_minor": one.total}
    if one.verdict is not FINE:
        payload |= {
            "holds": [found.type for found in one.verdict.holds],
            "warnings": one.verdict.warnings,
            "policy_version": one.version,
        }
    if one.released:
        payload["released"] = [hold.type for hold in one.released]
    return Event(
        "order", one.order.id, one.order.company, occurred_at=at, payload=payload, reason=one.request.reason
    )


_STORED = (
    "ids", "addresses", "codes", "services", "priorities", "promises", "goods", "discounts", "shippings", "taxes",
    "lines", "countries", "billings", "not_before", "ship_by", "cancel_after", "fills",
)  # fmt: skip

# A hold for another reason, as that too much is authorized, is let go however little is by then. One for a shortfall is
# told by its facts where a policy has it wait for no payment.
_ORDERS = """
SELECT o.id, o.company_id::int, o.number, o.currency, o.country, o.postal_code,
       (SELECT COALESCE(max(l.number), 0) FROM orders_line AS l WHERE l.order_id = o.id),
       (SELECT sum(p.authorized_minor - COALESCE(g.back, 0))::bigint FROM payments_payment AS p
        LEFT JOIN LATERAL (SELECT sum(a.amount_minor) AS back FROM payments_attempt AS a
                           WHERE a.payment_id = p.id AND a.document_id = o.id AND a.kind = 'refund'
                             AND a.state IN ('waiting', 'done')) AS g ON true
        WHERE p.order_id = o.id AND p.currency = o.currency AND p.state NOT IN ('voided', 'failed')),
       ARRAY(SELECT h.type FROM orders_hold AS h WHERE h.order_id = o.id AND h.state = 'open'
             AND (h.type <> 'payment hold' OR h.waits_for = 'payment' OR h.facts ? 'missing_minor')),
       c.code, c.kind, o.service, o.customer_id, o.placed_at, o.signals, o.ship_not_before,
       o.ship_by, o.cancel_after, o.min_fill_percent::int, o.billing_id, o.address_id, o.priority::int,
       COALESCE((SELECT k.code FROM parties_customer AS k WHERE k.id = o.customer_id), ''),
       COALESCE((SELECT json_agg(json_build_array(h.id, h.type, h.facts -> 'rules') ORDER BY h.id) FROM orders_hold AS h
                 WHERE h.order_id = o.id AND h.state = 'open'), '[]')
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id WHERE o.id = ANY(%(orders)s::uuid[])
"""

_LINES = f"""
SELECT id, order_id, kind, sku_code, quantity, cancelled, unit_price, gross_minor, discount_minor, shipping_minor,
       tax_minor, description, sku_id, kit_code, kit_number, kit_units, instead_of IS NOT NULL, final_sale,
       {", ".join(rules.PLACES)}
FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY order_id, number
"""

_SKUS = """
SELECT s.company_id::int, s.code, s.id, s.status, s.list_price, COALESCE((
           SELECT json_agg(json_build_array(part.id, part.code, m.units, part.list_price::text) ORDER BY m.number)
           FROM catalog_component AS m JOIN catalog_sku AS part ON part.id = m.sku_id WHERE m.kit_id = s.id), '[]')
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
"""

_STORE = """
UPDATE orders_order AS o SET
    address_id = COALESCE(d.address, o.address_id), postal_code = COALESCE(d.code, o.postal_code),
    service = COALESCE(d.service, o.service), priority = COALESCE(d.priority, o.priority),
    promise_at = COALESCE(d.promise_at, o.promise_at), country = COALESCE(d.country, o.country),
    billing_id = COALESCE(d.billing, o.billing_id), goods_minor = o.goods_minor + d.goods,
    discount_minor = o.discount_minor + d.discount, shipping_minor = o.shipping_minor + d.shipping,
    tax_minor = o.tax_minor + d.tax, total_minor = o.total_minor + d.goods - d.discount + d.shipping + d.tax,
    line_count = o.line_count + d.lines, ship_not_before = d.not_before, ship_by = d.ship_by,
    cancel_after = d.cancel_after, min_fill_percent = d.fill
FROM unnest(%(ids)s::uuid[], %(addresses)s::uuid[], %(codes)s::text[], %(services)s::text[],
            %(priorities)s::smallint[], %(promises)s::timestamptz[], %(goods)s::bigint[], %(discounts)s::bigint[],
            %(shippings)s::bigint[], %(taxes)s::bigint[], %(lines)s::int[],
            %(countries)s::text[], %(billings)s::uuid[], %(not_before)s::date[], %(ship_by)s::date[],
            %(cancel_after)s::date[], %(fills)s::smallint[])
     AS d(id, address, code, service, priority, promise_at, goods, discount, shipping, tax, lines, country, billing,
          not_before, ship_by, cancel_after, fill)
WHERE o.id = d.id
"""
