"""What an invoice or credit note says: its lines, their tax, its sums. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from entrepot.kernel import money
from entrepot.kernel.shapes import shape
from entrepot.network.rules import EUROPEAN_UNION

INVOICE, CREDIT_NOTE = "invoice", "credit_note"
KINDS = {
    "sale": INVOICE, "credit": CREDIT_NOTE, "return": CREDIT_NOTE,
    "card_hold.taken": INVOICE, "card_hold.returned": CREDIT_NOTE,
    "liquidation.sold": INVOICE, "liquidation.reduced": CREDIT_NOTE,
}  # fmt: skip
"""By the event that was posted, the document that tells of it."""
SERIES = {INVOICE: "INV", CREDIT_NOTE: "CRN"}

STANDARD, ZERO, EXPORT, WITHIN_UNION = "S", "Z", "G", "K"
CATEGORIES = (STANDARD, ZERO, EXPORT, WITHIN_UNION)
"""Of tax, by the codes of UNTDID 5305."""

_NAMES = {
    "goods": "Goods", "shipping": "Shipping", "discount": "Discount", "manual": "Adjustment", "fee": "Return fee",
    "adjustment": "Adjustment", "sample": "Sample", "voucher": "Voucher", "clawback": "Promotion lost",
    "bad_debt": "Bad debt", "donation": "Donation", "packaging": "Packaging",
}  # fmt: skip
TAXES_WITHIN = ("fee_tax", "clawback_tax")
"""Kinds of amounts that are tax in what is kept: in a fee, and in a promotion that was taken back."""
TAXES = ("tax", *TAXES_WITHIN)
"""Kinds of amounts that are tax: on all, and in what is kept."""
_RATE_PLACES = Decimal("0.000001")
_WHOLE = Decimal(1)


class Detail(NamedTuple):
    """Units of something that a posting is of, with their part of it: positive, as in the order."""

    sku: str
    description: str
    quantity: int
    goods: int
    discount: int = 0
    shipping: int = 0
    tax: int = 0


class Line(NamedTuple):
    """A line as it is frozen: net = gross − discount + shipping, all without tax."""

    sku: str
    description: str
    quantity: int
    gross: int
    discount: int
    shipping: int
    tax: int
    category: str = STANDARD
    rate: Decimal = Decimal(0)

    @property
    def net(self) -> int:
        return self.gross - self.discount + self.shipping


class Group(NamedTuple):
    """What bears one rate of tax."""

    category: str
    rate: Decimal
    net: int
    tax: int


@shape("settlement.invoicing")
@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, as it stands on invoices; or of a channel by its code as scope.

    `issues`: whether we write the invoices ourselves: some marketplaces do. `registration`: the number in the
    commercial register. `quote_terms` stand below quotes.
    """

    issues: bool = True
    tax_number: str = ""
    registration: str = ""
    line1: str = ""
    city: str = ""
    postal_code: str = ""
    terms: str = "Paid as agreed with the order."
    quote_terms: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where goods went, for the category of what bears no tax."""

    seller: str
    buyer: str
    is_business: bool = False


def number_of(kind: str, year: int, sequence: int) -> str:
    """A document's number; it sorts by itself up to a million a year."""
    return f"{SERIES[kind]}-{year}-{sequence:06}"


def lines_of(
    details: Sequence[Detail],
    amounts: Mapping[str, int],
    rates: Collection[Decimal],
    place: Place,
    goods: str = "",
    billed: Decimal = Decimal(0),
) -> list[Line]:
    """The lines of a document over what was posted: `amounts` by kind, positive where the customer owes or gets it.

    What no detail tells of becomes a line for each kind, so that the lines make what was posted, to the minor unit;
    `goods` says what its goods are. `billed` is the rate of the invoices that it corrects.
    """
    names = _NAMES | ({"goods": goods} if goods else {})
    lines = [
        Line(
            one.sku,
            one.description,
            max(1, abs(one.quantity)),
            one.goods,
            one.discount,
            one.shipping,
            one.tax,
        )
        for one in details
    ]
    left = dict(amounts)
    left["goods"] = left.get("goods", 0) + left.pop("exchanged", 0)
    for one in details:
        parts = {"goods": one.goods, "discount": -one.discount, "shipping": one.shipping, "tax": one.tax}
        for kind, amount in parts.items():
            left[kind] = left.get(kind, 0) - amount
    tax = left.pop("tax", 0)
    within = {kind.removesuffix("_tax"): left.pop(kind, 0) for kind in TAXES_WITHIN}
    rest = [
        Line("", names.get(kind, kind), 1, left.get(kind, 0), 0, 0, within.get(kind, 0))
        for kind in dict.fromkeys((*left, *within))
        if left.get(kind) or within.get(kind)
    ]
    if tax and not (lines or rest):
        rest = [Line("", "", 1, 0, 0, 0, 0)]
    if any(one.net > 0 for one in rest) or not lines:
        rest = _taxed(rest, tax) if rest else []
    else:
        lines = _taxed(lines, tax)
    base = billed or max((rate for rate in rates if rate > 0), default=_WHOLE)
    return [
        _rated(part, rates, place)
        for one in (*lines, *rest)
        if one.net or one.tax or one.gross
        for part in _with_base(one, base)
    ]


def _with_base(line: Line, rate: Decimal) -> list[Line]:
    """Tax is a part of what it is of, by EN 16931 as well. What is no part of its line, such as tax that is given back
    alone, is told as goods of this rate with their tax, less the same goods without it."""
    if not line.tax or (line.net and _RATE_PLACES <= Decimal(line.tax) / line.net <= 1):
        return [line]
    base, what = money.round_half_away(line.tax / rate), line.description or _NAMES["goods"]
    return [
        *([line._replace(tax=0)] if line.net or line.gross else []),
        Line(line.sku, f"{what}, as taxed", 1, base, 0, 0, line.tax),
        Line(line.sku, f"{what}, without tax", 1, -base, 0, 0, 0),
    ]


def _taxed(lines: Sequence[Line], tax: int) -> list[Line]:
    """Lines that bear a further tax together, each by its amount."""
    shares = money.share(tax, [max(0, one.net) for one in lines])
    return [one._replace(tax=one.tax + part) for one, part in zip(lines, shares, strict=True)]


def _rated(line: Line, rates: Collection[Decimal], place: Place) -> Line:
    rate = rate_of(line.net, line.tax, rates)
    return line._replace(rate=rate, category=category_of(rate, place))


def rate_of(net: int, tax: int, rates: Collection[Decimal]) -> Decimal:
    """The rate that a line bears: of those in force the one that fits to the minor unit, else what its amounts make.

    Orders bear the tax that their channel took, which need not be one that we know.
    """
    if not net or not tax:
        return Decimal(0)
    off = {rate: abs(money.round_half_away(net * rate) - tax) for rate in rates if rate}
    near = [rate for rate, by in off.items() if by <= 1]
    if near:
        return min(near, key=lambda rate: (off[rate], -rate))
    return (Decimal(tax) / Decimal(net)).quantize(_RATE_PLACES)


def category_of(rate: Decimal, place: Place) -> str:
    """Why a line bears the tax that it bears."""
    if rate:
        return STANDARD
    if place.seller == place.buyer or not place.buyer:
        return ZERO
    if place.seller in EUROPEAN_UNION and place.buyer in EUROPEAN_UNION:
        return WITHIN_UNION if place.is_business else ZERO
    return EXPORT


def groups(lines: Sequence[Line]) -> list[Group]:
    """The sums by category and rate, the highest rate first."""
    sums: dict[tuple[str, Decimal], list[int]] = {}
    for line in lines:
        found = sums.setdefault((line.category, line.rate), [0, 0])
        found[0] += line.net
        found[1] += line.tax
    ordered = sorted(sums.items(), key=lambda one: (-one[0][1], one[0][0]))
    return [Group(category, rate, *both) for (category, rate), both in ordered]


def main_rate(lines: Sequence[Line]) -> Decimal:
    """The rate at which most of the tax was billed; 0 where none was."""
    return (
        max(groups(lines), key=lambda one: one.tax).rate if any(one.tax > 0 for one in lines) else Decimal(0)
    )


def percent(rate: Decimal) -> str:
    """A rate as documents write it: `20`, `5.5`."""
    return f"{(rate * 100).normalize():f}"
