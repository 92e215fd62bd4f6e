"""What a customer gets back for returned units, and why it is that much. Pure.

Everything that is kept or given back depends on what came back of an order so far, never on the order in which it came:
each amount is the running sum after a refund, less what earlier refunds took of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, NamedTuple
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.errors import Said
from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape
from entrepot.orders.promoting import PromotionTerms
from entrepot.orders.rules import Frozen
from entrepot.returns.rules import OURS, REASONS


@shape("returns.refunds", fee_tax_percent=(0, 100))
@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """What is given back of shipping, what is kept for fees and lost promotions, and on which tender money goes back.

    Beside the policy of returns, which says what part of the goods is kept as a restocking fee.
    """

    standard_shipping: dict[str, int] = field(default_factory=dict)
    """What standard delivery costs, in minor units by currency. Who sends all of an order back gets no more than that
    of its shipping: a faster service was his own choice. For other currencies all of it goes back."""
    handling_minor: int = 0
    """Kept once of each return for handling it, tax included, in the company's own currency."""
    label_minor: int = 0
    """Kept once of each return for its label, likewise."""
    fee_tax_percent: Decimal = Decimal(0)
    """The rate of the tax that every fee contains."""
    waived_reasons: tuple[str, ...] = ()
    """Reasons of returns without a fee, besides those that the house answers for."""
    waived_tiers: tuple[str, ...] = ()
    """Tiers of customers who pay no fee."""
    broken_promotions: Literal["keep", "clawback"] = "keep"
    """What becomes of a promotion when less is kept than it was given for: the customer keeps it, or what the kept
    goods bear of it is deducted. For those whose orders kept no terms of their own (`orders.promotions`)."""
    thresholds: dict[str, int] = field(default_factory=dict)
    """By the code of such a promotion, what had to be bought for it, in minor units before discounts, in the company's
    own currency."""
    tender_order: tuple[str, ...] = ("store_credit",)
    """Payment providers that get money back first, in this order; the others follow, the latest payment first."""


class SoldLine(NamedTuple):
    """A line of goods of an order, whose `name` is its SKU: units that left and that are still to leave, its frozen
    amounts, and what of units and amounts was refunded before: among them units that the house answers for, units that
    bore a restocking fee and what was kept of them, both by its percentage, and units that were exchanged."""

    line: UUID
    quantity: int
    left: int
    to_leave: int
    frozen: Frozen
    refunded: int = 0
    goods_refunded: int = 0
    tax_refunded: int = 0
    shipping_refunded: int = 0
    ours: int = 0
    bore: Mapping[int, int] = MappingProxyType({})
    fees: Mapping[int, int] = MappingProxyType({})
    name: str = ""
    exchanged: int = 0
    goods_exchanged: int = 0
    tax_exchanged: int = 0

    @property
    def given_back(self) -> int:
        """Units that were refunded and not replaced: the first ones. Those exchanged are the last that left."""
        return self.refunded - self.exchanged

    @property
    def kept(self) -> int:
        """Units that the customer has, or will get."""
        return self.left + self.to_leave - self.refunded


class Promotion(NamedTuple):
    """Part of a discount that was given under a name: on a line, or over all of them. `terms` are what the order kept
    of what it was given for, amounts in its currency; without, the policy of refunds says what that was."""

    code: str
    amount: int
    line: UUID | None = None
    terms: PromotionTerms | None = None


class Wanted(NamedTuple):
    """Units of an order line that are refunded; `item` is the line of the return that they come back on. Two of them
    may be of one order line, each on its own terms."""

    line: UUID
    units: int
    reason: str
    item: UUID | None = None


class Terms(NamedTuple):
    """What a refund is decided by, besides what was sold."""

    fee_percent: int = 0
    policy: RefundPolicy = RefundPolicy()
    currency: str = ""
    tier: str = ""
    promotions: tuple[Promotion, ...] = ()
    fees: Mapping[UUID, int] = MappingProxyType({})
    """By line of the return, the restocking fee that the customer was told of when it was authorized."""
    by_law: frozenset[UUID] = frozenset()
    """Lines of the return of which the law lets nothing be kept."""
    unlabeled: frozenset[UUID] = frozenset()
    """Lines of the return that no label was promised for: nothing is kept for one."""
    exchange: bool = False
    """The units are exchanged: all that they bear goes to what replaces them, with their part of the shipping. Nothing
    is kept. The rest of the shipping, where nothing else is left of the order, is no part of that: it is refunded by
    itself."""

    def fee_of(self, item: UUID | None) -> int:
        return self.fee_percent if item is None else self.fees.get(item, self.fee_percent)

    def spares(self, reason: str) -> bool:
        """Whether units that come back for a reason bear no fee."""
        waived = reason in self.policy.waived_reasons or self.tier in self.policy.waived_tiers
        return waived or is_ours(reason)

    def told(self, minor: int) -> str:
        return money.told(minor, self.currency)


class Charged(NamedTuple):
    """What earlier refunds kept: of the order fees and lost promotions, each with the tax in it; and of the return what
    is kept once of each."""

    fee: int = 0
    fee_tax: int = 0
    clawback: int = 0
    clawback_tax: int = 0
    flat: int = 0

    def plus(self, other: Charged) -> Charged:
        return Charged(*(a + b for a, b in zip(self, other, strict=True)))


class Part(NamedTuple):
    """What is refunded of a line: `goods` net of discount; `fee` is kept from it. Of its units `ours` are such as the
    house answers for, `spared` bear no fee, and `exchanged` are replaced; the
    others bear `percent`. `item` is the line of the return."""

    line: UUID
    units: int
    goods: int
    tax: int
    shipping: int
    fee: int
    ours: int = 0
    spared: int = 0
    exchanged: int = 0
    percent: int = 0
    item: UUID | None = None


class Step(NamedTuple):
    """A line of the derivation of a refund: what is added or kept, and why."""

    what: str
    minor: int
    why: str


class Sum(NamedTuple):
    """A refund: its parts, one for each line wanted, what is kept of it in all, and the derivation of the total."""

    parts: tuple[Part, ...]
    reasons: tuple[str, ...]
    charged: Charged = Charged()
    steps: tuple[Step, ...] = ()

    @property
    def goods(self) -> int:
        return sum(part.goods for part in self.parts)

    @property
    def tax(self) -> int:
        return sum(part.tax for part in self.parts)

    @property
    def shipping(self) -> int:
        return sum(part.shipping for part in self.parts)

    @property
    def fee(self) -> int:
        """All fees with the tax in them: of the units, and once of the return."""
        return self.charged.fee

    @property
    def total(self) -> int:
        return self.goods + self.tax + self.shipping - self.charged.fee - self.charged.clawback


def is_ours(reason: str) -> bool:
    """Whether the house answers for a reason."""
    return REASONS[reason].group in OURS


def refund(
    lines: Mapping[UUID, SoldLine],
    wanted: Sequence[Wanted],
    terms: Terms = Terms(),  # noqa: B008  immutable
    before: Charged = Charged(),  # noqa: B008  immutable
) -> Sum:
    """What units of an order are refunded with: the amounts frozen when it was placed.

    Any sequence of partial returns, and of refunds that were rejected between them, ends at the same cents. Shipping
    goes back with units that the house answers for, and what is due of it with the last unit of an order that left
    whole. Fees come first, then what a lost promotion costs, then what is kept once of a return; never below zero.
    """
    now, parts = _parts(lines, wanted, terms)
    amounts = sum(part.goods + part.tax + part.shipping - part.fee for part in parts)
    claw = _clawback(now, terms, before, amounts) if _may_claw(now, terms) else _Claw(Charged())
    flat = _flat(parts, terms, before, amounts - claw.charged.clawback)
    fee = sum(part.fee for part in parts) + flat
    fee_tax = _contained(before.fee + fee, terms.policy.fee_tax_percent) - before.fee_tax
    charged = Charged(fee, fee_tax, *claw.charged[2:4], flat)
    steps = [*_steps_of_parts(lines, parts, wanted, terms), *claw.steps, *_steps_of_fees(parts, flat, terms)]
    return Sum(tuple(parts), tuple(_reasons(now, parts, wanted, charged, terms)), charged, tuple(steps))


def take(sold: SoldLine, part: Part) -> SoldLine:
    """The line after a part of it was refunded."""
    return sold._replace(
        refunded=sold.refunded + part.units, goods_refunded=sold.goods_refunded + part.goods,
        tax_refunded=sold.tax_refunded + part.tax, shipping_refunded=sold.shipping_refunded + part.shipping,
        ours=sold.ours + part.ours, bore=_more(sold.bore, part.percent, part.units),
        fees=_more(sold.fees, part.percent, part.fee), exchanged=sold.exchanged + part.exchanged,
        goods_exchanged=sold.goods_exchanged + (part.goods if part.exchanged else 0),
        tax_exchanged=sold.tax_exchanged + (part.tax if part.exchanged else 0),
    )  # fmt: skip


def _more(of: Mapping[int, int], percent: int, more: int) -> Mapping[int, int]:
    """What is counted by percentage, with so much more of one."""
    return {**of, percent: of.get(percent, 0) + more} if percent else of


# ---- units


def _parts(
    lines: Mapping[UUID, SoldLine], wanted: Sequence[Wanted], terms: Terms
) -> tuple[dict[UUID, SoldLine], list[Part]]:
    """The parts, and the lines after them."""
    now = dict(lines)
    # Where the last unit was refunded with all of the shipping, and an earlier refund was rejected, nothing is left.
    shipping = sum(one.frozen.of_units(one.quantity, 0, one.left).shipping for one in now.values())
    shipping -= sum(one.shipping_refunded for one in now.values())
    parts = []
    for one in wanted:
        part = _part(now[one.line], one, terms)
        part = part._replace(shipping=min(part.shipping, shipping))
        shipping -= part.shipping
        now[one.line] = take(now[one.line], part)
        parts.append(part)
    if all_is_back(now.values()) and not terms.exchange:
        rest = shipping if any(one.ours for one in now.values()) else _standard(now, shipping, terms)
        if not parts and rest:
            # What was still to leave has been cancelled since: shipping is due without another unit.
            parts.append(Part(next(line for line, one in now.items() if one.refunded), 0, 0, 0, 0, 0))
        if parts:
            parts[-1] = parts[-1]._replace(shipping=parts[-1].shipping + rest)
            last = now[parts[-1].line]
            now[last.line] = last._replace(shipping_refunded=last.shipping_refunded + rest)
    return now, parts


def all_is_back(lines: Iterable[SoldLine]) -> bool:
    """Whether all that left of an order is refunded, and nothing is still to leave."""
    lines = list(lines)
    whole = all(one.refunded == one.left and not one.to_leave for one in lines)
    return whole and any(one.refunded for one in lines)


def _standard(now: Mapping[UUID, SoldLine], left: int, terms: Terms) -> int:
    """Of the shipping that is left, what a customer gets back who only changed his mind."""
    most = terms.policy.standard_shipping.get(terms.currency)
    if most is None:
        return left
    return max(0, min(left, most - sum(one.shipping_refunded for one in now.values())))


def _part(sold: SoldLine, wanted: Wanted, terms: Terms) -> Part:
    exchanged, units = terms.exchange, wanted.units
    ours = is_ours(wanted.reason) and not exchanged
    spared = exchanged or terms.spares(wanted.reason) or wanted.item in terms.by_law
    goods, tax = _worth(sold, units, exchanged=exchanged)
    first = sold.left - sold.exchanged - units if exchanged else sold.ours
    goes_along = ours or exchanged
    shipping = sold.frozen.of_units(sold.quantity, first, units).shipping if goes_along else 0
    # Units differ by a cent: what is kept of one is never more than that one was worth.
    percent = 0 if spared else terms.fee_of(wanted.item)
    fee = min(_restocking(sold, units, percent), goods + tax)
    return Part(
        sold.line, units, goods, tax, shipping, fee, units * ours, units * spared, units * exchanged, percent,
        wanted.item,
    )  # fmt: skip


def _worth(sold: SoldLine, units: int, *, exchanged: bool) -> tuple[int, int]:
    """Goods net of discount, and tax. What is refunded runs from the first unit on and what is exchanged from the last
    one back, so that neither depends on which came first; whatever closes the line takes the rest of it."""
    if sold.refunded + units == sold.left and not sold.to_leave:
        all_ = sold.frozen.of_units(sold.quantity, 0, sold.left)
        return all_.gross - all_.discount - sold.goods_refunded, all_.tax - sold.tax_refunded
    if exchanged:
        last = sold.frozen.of_units(sold.quantity, sold.left - sold.exchanged - units, units)
        return last.gross - last.discount, last.tax
    upto = sold.frozen.of_units(sold.quantity, 0, sold.given_back + units)
    goods, tax = sold.goods_refunded - sold.goods_exchanged, sold.tax_refunded - sold.tax_exchanged
    return upto.gross - upto.discount - goods, upto.tax - tax


def _restocking(sold: SoldLine, units: int, percent: int) -> int:
    """What is left to keep of all units that bear this percentage, so that it matters neither in how many parts units
    come back, nor which of two percentages comes first, nor what was rejected between them."""
    if not percent:
        return 0
    due = fee_upto(sold, sold.bore.get(percent, 0) + units, percent)
    return max(0, due - sold.fees.get(percent, 0))


def fee_upto(sold: SoldLine, units: int, percent: int) -> int:
    """What is kept of so many units of a line that bear a percentage, whichever they are."""
    part = sold.frozen.of_units(sold.quantity, 0, units)
    return round_half_away(Decimal((part.gross - part.discount) * percent) / 100)


# ---- what is kept


def _flat(parts: Sequence[Part], terms: Terms, before: Charged, most: int) -> int:
    """What is kept once of a return, as far as its units that bear fees are worth it."""
    worth = sum(part.goods + part.tax - part.fee for part in parts if not part.spared)
    due = terms.policy.handling_minor + _label(parts, terms) - before.flat
    return max(0, min(due, worth, most))


def _label(parts: Sequence[Part], terms: Terms) -> int:
    """What is kept for the label: nothing where none was promised for units that bear fees."""
    labeled = any(part.units and not part.spared and part.item not in terms.unlabeled for part in parts)
    return terms.policy.label_minor if labeled else 0


def _contained(gross: int, percent: Decimal) -> int:
    """The tax in an amount that includes it."""
    return round_half_away(gross * percent / (100 + percent))


def _may_claw(now: Mapping[UUID, SoldLine], terms: Terms) -> bool:
    """An exchange costs no promotion, and gives none back while something else of the order is kept."""
    return not terms.exchange or not any(one.kept for one in now.values())


class _Claw(NamedTuple):
    charged: Charged
    steps: tuple[Step, ...] = ()


class Lost(NamedTuple):
    """What the kept goods bear of promotions that too little is kept for, and the tax on it; `paid` is what they cost
    with them."""

    codes: tuple[str, ...]
    paid: int
    goods: int
    tax: int

    @property
    def total(self) -> int:
        return self.goods + self.tax


def _clawback(now: Mapping[UUID, SoldLine], terms: Terms, before: Charged, most: int) -> _Claw:
    lost = lost_promotions(now, terms)
    after = min(lost.total, before.clawback + max(0, most))
    tax = round_half_away(Decimal(lost.tax * after) / lost.total) if lost.total else 0
    charged = Charged(0, 0, after - before.clawback, tax - before.clawback_tax)
    if not charged.clawback:
        return _Claw(charged)
    return _Claw(charged, (Step("promotion", -charged.clawback, _why_clawback(lost, before, after, terms)),))


def _why_clawback(lost: Lost, before: Charged, after: int, terms: Terms) -> str:
    if not lost.total:
        return Said("deducted before for a promotion; nothing is kept that bears it now")
    told = terms.told
    why = Said(
        "the goods kept cost {0} with {1}, and {2} without: {3} more",
        told(lost.paid), ", ".join(lost.codes), told(lost.paid + lost.total), told(lost.total),
    )  # fmt: skip
    if before.clawback:
        why = Said("{0}, of which {1} was deducted before", why, told(before.clawback))
    return why if after == lost.total else Said("{0}; no more than this refund is deducted", why)


def lost_promotions(lines: Mapping[UUID, SoldLine], terms: Terms) -> Lost:
    """Promotions that too little is kept for, priced over the goods that are kept.

    What came back for a reason of the house's own counts as kept, and so does what was cancelled or exchanged: the
    customer is not to pay for that.
    """
    paid, goods, tax = 0, 0, 0
    codes = []
    for one in terms.promotions if any(line.kept for line in lines.values()) else ():
        deserved = _deserved(lines, one, terms.policy)
        if deserved < one.amount:
            more = _more_for(lines, one, terms, deserved)
            codes += [one.code] * bool(more)
            goods += sum(net for net, _ in more)
            tax += sum(on_it for _, on_it in more)
    for line in lines.values() if codes else ():
        kept = line.frozen.of_units(line.quantity, line.given_back, line.kept)
        paid += kept.gross - kept.discount + kept.tax
    return Lost(tuple(dict.fromkeys(codes)), paid, goods, tax)


def _deserved(lines: Mapping[UUID, SoldLine], promotion: Promotion, policy: RefundPolicy) -> int:
    """How much of a promotion is given for what counts as kept."""
    if promotion.terms is None:
        threshold = policy.thresholds.get(promotion.code, 0) if policy.broken_promotions == "clawback" else 0
        counts = [one for one in lines.values() if one.line != promotion.line]
        return promotion.amount if sum(map(_worth_kept, counts)) >= threshold else 0
    if promotion.terms.when_broken == "keep":
        return promotion.amount
    is_gift = promotion.terms.given_for == "gift"
    counts = [
        one
        for one in lines.values()
        if promotion.terms.qualifies(one.name) and not (is_gift and one.line == promotion.line)
    ]
    sold = promotion.terms.times(sum(one.frozen.gross for one in counts), sum(one.quantity for one in counts))
    kept = promotion.terms.times(sum(map(_worth_kept, counts)), sum(map(_counts_kept, counts)))
    # Where as little had been bought from the start, as after a split, nothing that comes back breaks it.
    return promotion.amount * kept // sold if sold else promotion.amount


def _counts_kept(line: SoldLine) -> int:
    """The units of a line that count as kept."""
    return line.quantity - line.refunded + line.ours + line.exchanged


def _worth_kept(line: SoldLine) -> int:
    """What these are worth towards a promotion: before discounts."""
    return line.frozen.of_units(line.quantity, 0, _counts_kept(line)).gross


def _more_for(
    lines: Mapping[UUID, SoldLine], promotion: Promotion, terms: Terms, deserved: int
) -> list[tuple[int, int]]:
    """What kept goods bear of a promotion beyond what they deserve of it, with the tax on it, line by line."""
    over = _over(lines, promotion, terms)
    borne = [_borne(lines[line], part) for line, part in over.items()]
    more = money.share(max(0, sum(borne) - deserved), borne)
    return [(net, _tax_on(lines[line], net)) for line, net in zip(over, more, strict=True) if net]


def _over(lines: Mapping[UUID, SoldLine], promotion: Promotion, terms: Terms) -> dict[UUID, int]:
    """A promotion over the lines that bear it, as discounts are split when an order is placed."""
    if promotion.line is not None:
        return {promotion.line: promotion.amount} if promotion.line in lines else {}
    own: dict[UUID | None, int] = {}
    for one in terms.promotions:
        own[one.line] = own.get(one.line, 0) + one.amount
    weights = [max(0, one.frozen.gross - own.get(one.line, 0)) for one in lines.values()]
    return dict(zip(lines, money.share(promotion.amount, weights), strict=True))


def _borne(line: SoldLine, part: int) -> int:
    """What the kept units bear of a line's part of a promotion."""
    return money.of_units(part, line.quantity, line.given_back, line.kept)


def _tax_on(line: SoldLine, more: int) -> int:
    """The tax on more that is paid for a line, at the rate it was sold with."""
    net = line.frozen.gross - line.frozen.discount
    return round_half_away(Decimal(line.frozen.tax * more) / net) if net else 0


# ---- why


def _steps_of_parts(
    lines: Mapping[UUID, SoldLine],
    parts: Sequence[Part],
    wanted: Sequence[Wanted],
    terms: Terms,
) -> Iterable[Step]:
    for part, reason in zip(parts, [one.reason for one in wanted] or [""], strict=False):
        name = lines[part.line].name or "goods"
        if part.units:
            why = Said("{0} of {1}, as paid after discounts", part.units, name)
            yield Step("goods", part.goods, why)
        if part.tax:
            yield Step("tax", part.tax, Said("on {0} of {1}, as charged when sold", part.units, name))
        if part.shipping:
            yield Step("shipping", part.shipping, _why_shipping(part, reason, terms))


def _why_shipping(part: Part, reason: str, terms: Terms) -> str:
    if part.exchanged:
        return Said("as paid: what replaces it is sent for it")
    if part.ours:
        return Said("because it {0}", REASONS[reason].says)
    most = terms.policy.standard_shipping.get(terms.currency)
    if most is None:
        return Said("because all of the order came back")
    return Said(
        "because all of the order came back: at most {0}, the cost of standard delivery", terms.told(most)
    )


def _steps_of_fees(parts: Sequence[Part], flat: int, terms: Terms) -> Iterable[Step]:
    restocking = sum(part.fee for part in parts)
    rate = terms.policy.fee_tax_percent
    taxed = f"{rate.normalize():f}" if rate else ""
    if restocking:
        why = Said("{0} of the goods for restocking", _percents(parts))
        yield Step("fee", -restocking, _with_tax(why, taxed))
    if flat:
        yield Step("fee", -flat, _with_tax(_why_flat(parts, terms), taxed))


def _with_tax(why: str, taxed: str) -> str:
    return Said("{0}, {1} % tax in it", why, taxed) if taxed else why


def _why_flat(parts: Sequence[Part], terms: Terms) -> str:
    if not _label(parts, terms):
        return Said("for handling, once of a return")
    if not terms.policy.handling_minor:
        return Said("for the label, once of a return")
    return Said("for handling and the label, once of a return")


def _percents(parts: Sequence[Part]) -> str:
    return " and ".join(f"{one} %" for one in sorted({part.percent for part in parts if part.fee}))


def _reasons(
    now: Mapping[UUID, SoldLine],
    parts: Sequence[Part],
    wanted: Sequence[Wanted],
    charged: Charged,
    terms: Terms,
) -> dict[str, None]:
    """In short, each once."""
    told = [
        Said("shipping, because it {0}", REASONS[of.reason].says)
        for part, of in zip(parts, wanted, strict=False)
        if part.shipping and part.ours
    ]
    if any(part.exchanged for part in parts):
        told.append(Said("exchanged: worth what was paid"))
    elif parts and all_is_back(now.values()):
        standard = terms.currency in terms.policy.standard_shipping and not any(
            one.ours for one in now.values()
        )
        told.append(
            Said("all of the order came back, so standard delivery")
            if standard
            else Said("all of the order came back, so all of its shipping")
        )
    if any(part.fee for part in parts):
        told.append(Said("a fee of {0} is kept", _percents(parts)))
    if charged.flat:
        label = _label(parts, terms)
        told.append(Said("handling and label are kept") if label else Said("handling is kept"))
    if charged.clawback > 0:
        told.append(Said("a promotion is lost"))
    elif charged.clawback:
        told.append(Said("a lost promotion is given back"))
    return dict.fromkeys(told)
