"""Decisions about orders: kinds, amounts frozen per line, status, cancellation. Pure.

What holds an order is decided in `validation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

from stdnum import luhn

from entrepot.kernel import money
from entrepot.kernel.errors import Refused, Said, one_of
from entrepot.orders import errors

GOODS = "goods"
KINDS = (
    GOODS, "shipping", "manual", "discount", "sample", "fee.marketplace", "fee.bank", "bad_debt", "donation",
    "packaging", "voucher",
)  # fmt: skip
"""Source kinds of a line. Only goods are picked and shipped; the others are performed."""

POLICIES = ("ship_complete", "line_complete", "partial_backorder", "partial_cancel")
"""What becomes of an order that stock can't serve at once."""

GIFT_MESSAGE_MAX = 500
"""Characters of a gift message: what fits on a packing slip."""

EXCHANGE = "exchange"
DEMANDS = {
    "sale": "partial_backorder", "wholesale": "line_complete", "replenishment": "partial_cancel",
    EXCHANGE: "partial_backorder",
}  # fmt: skip
"""Kinds of demand, and what becomes of an order of each that stock can't serve at once, where it says nothing itself.

Wholesale takes whole lines, as its customers book them in; what a store's replenishment does not get, the next asks
for again. An exchange replaces what comes back: returns places it, it is promised at once and waits for its money.
"""

ASKED_FOR = tuple(demand for demand in DEMANDS if demand != EXCHANGE)
"""Kinds of demand that come from outside."""

WAITS_AS_EXCHANGE = ("release", "ship")
"""What an exchange may not do before what it replaces is there."""

PLACES = (
    "open", "backordered", "allocated", "with_supplier", "released", "picked", "packed", "shipped", "delivered",
    "cancelled",
)  # fmt: skip
"""Where units of a line stand, in the order of their way."""

STATUSES = (
    "payment hold", "fraud review", "address hold", "tax hold", "inventory hold", "ready", "warehouse release",
    "with supplier", "picking", "picked", "packed", "partly shipped", "shipped", "delivered", "exception", "cancelled",
    "closed",
)  # fmt: skip
"""What people see."""

ENDED = ("shipped", "delivered", "cancelled", "closed")
"""Statuses in which nothing of an order is left to leave: it can't be late any more."""


class HoldKind(NamedTuple):
    """Who decides about a hold, what it blocks meanwhile, how urgent its work item is, and what it waits for where the
    house's own rules have opened it."""

    role: str
    blocks: tuple[str, ...]
    priority: int
    waits_for: str = "nothing"


TRANSITIONS = ("allocate", "release", "ship")
"""What a hold can block."""

HOLDS: dict[str, HoldKind] = {
    "payment hold": HoldKind("customer service", TRANSITIONS, 60, "payment"),
    "fraud review": HoldKind("operations lead", TRANSITIONS, 80),
    "address hold": HoldKind("customer service", TRANSITIONS, 60),
    "tax hold": HoldKind("controller", TRANSITIONS, 50),
    "inventory hold": HoldKind("inventory manager", TRANSITIONS, 60, "stock"),
    "exception": HoldKind("operations lead", TRANSITIONS, 70),
}
"""Types of holds; of several, the first of this table is the order's status."""

RESOLUTIONS = {
    "confirmed": "what was doubted is right",
    "corrected": "what was wrong was put right",
    "waived": "let go all the same",
    "other": "another way",
}
"""How people end a hold, for counting; the note beside it is for reading."""

SATISFIED, EXPIRED, CANCELLED = "satisfied", "expired", "cancelled"
"""How holds end without a decision about them: what they waited for came, their time was over, their order was
cancelled."""

ENDS = (*RESOLUTIONS, SATISFIED, EXPIRED, CANCELLED)

ESCALATED_TO, ESCALATED_PRIORITY = "operations lead", 90
"""Who is asked, and how urgently, where nobody decided about a hold in time."""


def first_hold(types: Sequence[str]) -> str:
    """The one that an order with these open holds shows; '' without holds."""
    return min(types, key=list(HOLDS).index) if types else ""


# ---- status


class Totals(NamedTuple):
    """Units of an order by place."""

    open: int = 0
    backordered: int = 0
    allocated: int = 0
    with_supplier: int = 0
    released: int = 0
    picked: int = 0
    packed: int = 0
    shipped: int = 0
    delivered: int = 0
    cancelled: int = 0


NOTHING = Totals()


ON_THE_FLOOR = ("released", "picked", "packed")
"""Places from which units are cancelled when the warehouse gives them back: those that nobody has touched first."""

_TO_COME, _GONE = ("open", "backordered", "allocated", "with_supplier"), ("shipped", "delivered")

DERIVED: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("partly shipped", (_GONE, _TO_COME + ON_THE_FLOOR)),
    ("shipped", (("shipped",),)),
    ("delivered", (("delivered",),)),
    ("picking", (("released",), ("picked", "packed"))),
    ("warehouse release", (("released",),)),
    ("picked", (("picked",),)),
    ("packed", (("packed",),)),
    ("ready", (("open", "allocated"),)),
    ("with supplier", (("with_supplier",),)),
    ("inventory hold", (("backordered",),)),
)
"""The status of an order that nothing holds, by where its units stand: the first row of whose every group of places one
has units. Without units it is cancelled."""


def derive_status(commercial: str, held_by: str, goods: Totals, services: Totals = NOTHING) -> str:
    """What people see of an order. Goods decide; where none are left to send, the services do."""
    if commercial in ("cancelled", "closed"):
        return commercial
    units = goods if sum(goods[:-1]) else services
    if held_by and sum(units[:-1]):
        return held_by
    return next(
        (status for status, groups in DERIVED if all(_any(units, group) for group in groups)), "cancelled"
    )


def _any(units: Totals, places: Sequence[str]) -> bool:
    return any(getattr(units, place) for place in places)


def derive_commercial(commercial: str, held_by: str, *, is_cancelled: bool) -> str:
    """The commercial state: cancelled and closed stay; else placed while something holds the order."""
    if is_cancelled:
        return "cancelled"
    if commercial in ("cancelled", "closed", "draft"):
        return commercial
    return "placed" if held_by else "confirmed"


PAYMENTS = ("unpaid", "authorized", "captured", "part refunded", "refunded", "failed")
"""How far the money has come."""


def derive_payment(tenders: Sequence[tuple[str, int, int, int]]) -> str:
    """The state of an order's payments, given each as (state, authorized, captured, refunded)."""
    captured, refunded = sum(one[2] for one in tenders), sum(one[3] for one in tenders)
    if captured:
        if not refunded:
            return "captured"
        return "refunded" if refunded == captured else "part refunded"
    states = {state for state, *_ in tenders}
    return next((state for state in ("authorized", "failed") if state in states), "unpaid")


# ---- money


class Frozen(NamedTuple):
    """Amounts of a line as they were frozen when the order was placed."""

    gross: int
    discount: int
    shipping: int
    tax: int

    @property
    def total(self) -> int:
        return self.gross - self.discount + self.shipping + self.tax

    def of_units(self, quantity: int, first: int, count: int) -> Frozen:
        """What `count` units from the `first` (from 0) of a line of `quantity` bear of it."""
        if count == quantity and first == 0:
            return self
        return Frozen(*(money.of_units(amount, quantity, first, count) if amount else 0 for amount in self))


def freeze(
    lines: Sequence[tuple[str, int, Decimal, int]], currency: str, discount: int, shipping: int, tax: int
) -> list[Frozen]:
    """Amounts of every line (kind, quantity, unit price, own discount), with its share of those of the order.

    Shares are by largest remainder over what goods cost after their own discounts; over all lines where there are
    no goods.
    """
    factor = 10 ** money.exponent(currency)
    rounded = money.round_half_away
    gross = [rounded(price * quantity * factor) for _, quantity, price, _ in lines]
    own = [line[3] for line in lines]
    if not (discount or shipping or tax):
        return [Frozen(amount, less, 0, 0) for amount, less in zip(gross, own, strict=True)]
    bearing = [i for i, line in enumerate(lines) if line[0] == GOODS] or list(range(len(lines)))
    weights = [max(0, gross[i] - own[i]) for i in bearing]
    shares = [
        dict(zip(bearing, money.share(amount, weights), strict=True)) if amount else {}
        for amount in (discount, shipping, tax)
    ]
    return [
        Frozen(gross[i], own[i] + shares[0].get(i, 0), shares[1].get(i, 0), shares[2].get(i, 0))
        for i in range(len(lines))
    ]


def freeze_more(
    like: Sequence[Frozen], currency: str, quantity: int, unit_price: Decimal, discount: int, tax: int | None
) -> Frozen:
    """Amounts of units that come to an order later; without a tax, at the rate of the lines that they are like."""
    gross = money.extend(quantity, unit_price, currency)
    if tax is None:
        net = sum(one.gross - one.discount for one in like)
        borne = sum(one.tax for one in like)
        tax = money.round_half_away(Decimal(borne) * (gross - discount) / net) if net else 0
    return Frozen(gross, discount, 0, tax)


PriceRule = Literal["ordered", "lower"]
"""What is paid for a substitute: as much as for what was ordered, or its own list price where that is lower."""


def freeze_substitute(
    bore: Frozen, rule: PriceRule, quantity: int, list_price: Decimal | None, currency: str
) -> Frozen:
    """Amounts of units that are sent instead of units which bore so much: the same, or less.

    Where the substitute's own price is lower, the difference is a discount of its line, and the tax less by the same
    rate. Shipping stays: it was promised for the parcel.
    """
    paid = bore.gross - bore.discount
    if rule == "ordered" or list_price is None:
        return bore
    own = money.extend(quantity, list_price, currency)
    if own >= paid:
        return bore
    tax = money.round_half_away(Decimal(bore.tax) * own / paid)
    return Frozen(bore.gross, bore.gross - own, bore.shipping, tax)


class Asked(Protocol):
    """What a line of a request must have."""

    @property
    def kind(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit_price(self) -> Decimal: ...
    @property
    def discount_minor(self) -> int: ...


class Misfit(NamedTuple):
    field: str
    expected: str
    found: Any


def misfit(lines: Sequence[Asked], policy: str) -> Misfit | None:
    """Why lines can't be an order's; None where they can."""
    if not lines:
        return Misfit("lines", "at least one", "none")
    if policy not in POLICIES:
        return Misfit("policy", one_of(POLICIES), policy)
    for line in lines:
        if line.kind not in _KINDS:
            return Misfit("kind", one_of(KINDS), line.kind)
        if line.quantity < 1:
            return Misfit("quantity", "at least 1", line.quantity)
        if line.unit_price < 0 and line.kind == GOODS:
            return Misfit("unit_price", "not negative for goods", str(line.unit_price))
        if line.discount_minor < 0:
            return Misfit("discount_minor", "not negative", line.discount_minor)
    return None


class Promoted(Protocol):
    """What a promotion must have."""

    @property
    def code(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...


def misfit_promotions(promotions: Sequence[Promoted], discount: int) -> Misfit | None:
    """Why promotions can't be what a discount was given for: they are parts of it, and can't be more."""
    for one in promotions:
        if not one.code:
            return Misfit("promotion", "a code", "nothing")
        if one.amount_minor < 0:
            return Misfit("promotion amount", "not negative", one.amount_minor)
    given = sum(one.amount_minor for one in promotions)
    if given > discount:
        return Misfit("promotions", Said("at most the discount of {0} together", discount), given)
    return None


def misfit_payment(
    provider: str, amount_minor: int, providers: Sequence[str], card: str = ""
) -> Misfit | None:
    """Why what came as a payment can't be one."""
    if provider not in providers:
        return Misfit("payment provider", one_of(providers), provider)
    if amount_minor < 0:
        return Misfit("payment amount", "not negative", amount_minor)
    if card and _is_card_number(card):
        # Who takes a number has to keep it, and nobody here may.
        return Misfit("card", "the provider's token of it, never its number", "a card number")
    return None


def _is_card_number(text: str) -> bool:
    digits = text.replace(" ", "").replace("-", "")
    return digits.isdecimal() and 12 <= len(digits) <= 19 and bool(luhn.is_valid(digits))


_KINDS = frozenset(KINDS)


# ---- cancelling


class Cancellable(NamedTuple):
    """A line as it was found: units that can be cancelled, those that are too far on (a supplier's among them), and
    which of these the warehouse still has."""

    open: int
    backordered: int
    allocated: int
    late: int
    is_goods: bool = True
    released: int = 0
    picked: int = 0
    packed: int = 0
    with_supplier: int = 0
    name: str = ""  # its number and SKU

    @property
    def units(self) -> int:
        """All that are not cancelled."""
        return self.open + self.backordered + self.allocated + self.late

    @property
    def gone(self) -> int:
        """Units that have left the house."""
        return self.late - self.released - self.picked - self.packed - self.with_supplier

    def less(self, place: str, units: int) -> Cancellable:
        """The line without units that stood in a place."""
        late = self.late - units if place in (*ON_THE_FLOOR, "with_supplier") else self.late
        return self._replace(**{"late": late, place: getattr(self, place) - units})


CANCEL_REASONS = {
    "customer": "the customer changed their mind",
    "duplicate": "ordered twice",
    "fraud": "fraud",
    "no stock": "not to be had",
    "price": "a wrong price",
    "address": "can't be delivered there",
    "payment": "not paid",
    "other": "another reason",
}
"""Why orders are cancelled, for counting; the note beside it is for reading."""


def why_cancelled(code: str, note: str) -> str:
    """What is written down as the reason: the note, or else what the code says by itself, '' where that is nothing."""
    return note or (CANCEL_REASONS.get(code, "") if code != "other" else "")


CANCELLED_FOR = {"payment hold": "payment", "fraud review": "fraud", "address hold": "address"}
"""The reason of a cancellation by the type of hold that led to it; of the other types, `other`."""


def give_back(captured: int, stands: int, cancelled: int, given: int) -> int:
    """What is given back for cancelled units: captured beyond what the other units bear, and at most what they bore
    themselves. `given` was given back for them before."""
    return max(0, min(captured - stands, cancelled) - given)


CANCELLED_FROM = ("backordered", "open", "allocated")
"""Places in the order in which units are cancelled: those that nobody has promised first."""


def decide_cancel(
    order: Any,
    lines: Mapping[Any, Cancellable],
    wanted: Sequence[tuple[Any, int]] | None,
    *,
    from_floor: bool = False,
) -> list[tuple[Any, str, int]] | Refused:
    """Units to take out as (line, place, units): of all lines, or of those wanted; `from_floor`, of the warehouse too.

    With the last of its goods an order loses its services too: nobody pays for the shipping of nothing.
    """
    places = CANCELLED_FROM + ON_THE_FLOOR if from_floor else CANCELLED_FROM
    if wanted is None:
        wanted = [(key, line.units) for key, line in lines.items()]
        late = sum(line.units - _can(line, places) for line in lines.values())
        if late:
            return _late(order, late, from_floor=from_floor)
    left = dict(lines)
    steps: list[tuple[Any, str, int]] = []
    for key, quantity in wanted:
        line = left.get(key)
        if line is None:
            return errors.MoreThanThereIs(line=str(key), found=0, expected=quantity)
        can = _can(line, places)
        if not 0 <= quantity <= can:
            if can < quantity <= line.units:
                return _late(order, quantity - can, from_floor=from_floor)
            return errors.MoreThanThereIs(line=line.name or str(key), found=can, expected=quantity)
        for place in places:
            units = min(quantity, getattr(line, place))
            if units:
                steps.append((key, place, units))
                quantity -= units
                line = left[key] = line.less(place, units)
    return steps + services_too(left)


def services_too(left: Mapping[Any, Cancellable]) -> list[tuple[Any, str, int]]:
    """The services that go as well, where no goods are left of an order."""
    goods = [line for line in left.values() if line.is_goods]
    if not goods or any(line.units for line in goods):
        return []
    return [(key, "open", line.open) for key, line in left.items() if not line.is_goods and line.open]


# ---- editing

EDITS: dict[str, tuple[str, ...]] = {
    "lines": (),
    "address": ("with_supplier", *ON_THE_FLOOR, "shipped", "delivered"),
    "service": ("with_supplier", "packed", "shipped", "delivered"),
    "billing": ("shipped", "delivered"),
    "tax": ("with_supplier", *ON_THE_FLOOR, "shipped", "delivered"),
    "priority": (),
    "promise": (),
    "window": (),
}
"""Kinds of change, and the places where no unit may stand for them. Each needs something that is still to leave."""


def why_no_edit(edit: str, commercial: str, goods: Totals) -> str:
    """Why an order can't be changed in a way any more; '' where it can."""
    if commercial in ("cancelled", "closed"):
        return Said("it is {0}", commercial)
    if not sum(goods[:-3]):
        return Said("nothing of it is still to leave")
    for place in EDITS[edit]:
        units, name = getattr(goods, place), place.replace("_", " ")
        if units:
            return (
                Said("1 of its units is {0}", name)
                if units == 1
                else Said("{0} of its units are {1}", units, name)
            )
    return ""


def instead_of_edit(commercial: str, goods: Totals) -> str:
    """What can be done where an order can't be changed any more."""
    if commercial in ("cancelled", "closed"):
        return Said("Place another order.")
    if not sum(goods[:-3]):
        return Said("Take a return, or place another order.")
    return Said("Cancel it and place another order, or take a return once it has left.")


def why_no_split(goods: Totals, parts: int, taken_minor: int, stands_minor: int) -> str:
    """Why nothing of an order can go to another one; '' where it can.

    `goods` are units that are not cancelled, `parts` those of them that may leave it; `taken_minor` is what was
    captured, of which the old order keeps what it costs.
    """
    if sum(goods[:-1]) < 2:
        return Said("it has only one unit")
    if not parts:
        return Said("no unit is free to go: they are with the warehouse, gone, of a kit, or sent instead")
    if taken_minor and taken_minor >= stands_minor:
        return Said("its payment was captured")
    return ""


def _can(line: Cancellable, places: Sequence[str]) -> int:
    return sum(getattr(line, place) for place in places)


def _late(order: Any, units: int, *, from_floor: bool) -> Refused:
    if from_floor:
        return errors.AlreadyShipped(order=str(order), units=units)
    return errors.TooLate(order=str(order), late=units)
