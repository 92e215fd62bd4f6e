"""What rates and rules say to orders that are changed: taxes worked out anew, holds that open and holds that end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.policies import in_force_of, version_of
from entrepot.orders import errors, facts, listing, rules
from entrepot.orders.commands.cancel import Cancellation
from entrepot.orders.commands.place import AddressGiven
from entrepot.orders.facts.known import Taxes
from entrepot.orders.facts.supply import Supplies
from entrepot.orders.listing_queries import on_sides
from entrepot.orders.rules import GOODS, Cancellable
from entrepot.orders.taxing import Bears, By, by_line, due
from entrepot.orders.validation import (
    CORRECTABLE,
    FINE,
    OF_ADDRESS,
    OF_AMOUNTS,
    OF_GOODS,
    OF_SERVICE,
    OF_TAX,
    RULES,
    GoodsFact,
    LineFact,
    OrderFacts,
    Validation,
    joined,
    judge,
)
from entrepot.parties.address import difference
from entrepot.parties.numbers import Checked, check

if TYPE_CHECKING:
    from entrepot.orders.commands.edit import Edit, Line, Opened, Order


# ---- tax


def retax(cause: Cause, plan: Cancellation, edits: Iterable[Edit]) -> dict[UUID, Refused]:
    """Units whose tax is another one by the rates go, and come again with it; why it can't be worked out. 3 statements,
    where it is asked for."""
    wanted = [one for one in edits if one.request.retax]
    if not wanted:
        return {}
    policies = _policies(cause, wanted)
    goods = _goods({(one.order.company, line.sku) for one in wanted for line in one.lines.values()})
    taxes = _taxes(wanted)
    refused: dict[UUID, Refused] = {}
    for one in wanted:
        order, by = one.order, _by(one, policies[one.order.id], taxes)
        lines = [line for line in one.lines.values() if line.units]
        bears = _bears(one, lines, goods)
        if any(line.is_instead for line in lines):
            why = Said("something is sent instead of what was ordered")
            instead = rules.instead_of_edit("placed", rules.NOTHING._replace(open=1))
            refused[order.id] = errors.EditTooLate(edit="tax", order=order.number, why=why, instead=instead)
        elif not (should := due(bears, by)).is_known:
            refused[order.id] = Invalid(field="tax", expected="rates where it goes", found=should.reason)
        else:
            _bear(one, plan, lines, by_line(bears, by))
    return refused


def _bear(one: Edit, plan: Cancellation, lines: Sequence[Line], taxes: Sequence[int]) -> None:
    """Have lines come again that are to bear another tax, kits as a whole."""
    other = {line.id for line, tax in zip(lines, taxes, strict=True) if tax != line.stands.tax}
    kits = {line.kit_number for line in lines if line.id in other} - {0}
    last = max((line.kit_number for line in one.lines.values()), default=0)
    known = plan.lines[one.order.id]
    again = [
        line._replace(
            id=ids.uuid7(), quantity=line.units, gone=0, frozen=line.stands._replace(tax=tax),
            kit_number=line.kit_number and line.kit_number + last,
        )
        for line, tax in zip(lines, taxes, strict=True)
        if line.id in other or line.kit_number in kits
    ]  # fmt: skip
    gone = [(line.id, line.units) for line in lines if line.id in other or line.kit_number in kits]
    known |= {line.id: Cancellable(line.quantity, 0, 0, 0, is_goods=line.kind == GOODS) for line in again}
    steps = rules.decide_cancel(one.order.number, known, gone)
    assert not isinstance(steps, Refused), "nothing of it is too far on"
    one.added, one.steps = again, steps
    left = {line for line, _ in gone}
    one.moved = [(line, units) for line, units in one.moved if line not in left]


def _bears(one: Edit, lines: Sequence[Line], goods: Mapping[tuple[int, str], _Goods]) -> list[Bears]:
    """What lines bear, with the category of their goods."""
    company = one.order.company
    return [
        Bears(
            line.kind, found.about.category if (found := goods.get((company, line.sku))) else "", line.stands
        )
        for line in lines
    ]


def _taxes(edits: Sequence[Edit]) -> Taxes:
    orders = [one.order for one in edits]
    return facts.taxes_of(
        {one.company for one in orders},
        {country_of(one) for one in edits},
        {one.buyer for one in orders if one.buyer},
    )


def _by(one: Edit, policy: Validation, taxes: Taxes) -> By:
    """What its tax goes by: where it goes then, on the day that it was placed."""
    order, country = one.order, country_of(one)
    given = one.request.address or AddressGiven.of(order.home)
    there = facts.written(given, country, code_of(one)) if given else None
    region, day = there.region if there else "", order.placed_at.date()
    return taxes.by(order.company, country, region, day, order.buyer, _number(one), policy)


def country_of(one: Edit) -> str:
    return one.order.country if one.request.country is None else one.request.country


def code_of(one: Edit) -> str:
    return one.order.postal_code if one.request.postal_code is None else one.request.postal_code


def _number(one: Edit) -> Checked | None:
    """Its buyer's tax number as it will be, checked by its form."""
    bill, billing = one.order.bill, one.request.billing
    number = one.request.tax_number or (bill.tax_number if bill else "")
    if not number:
        return None
    country = billing.country if billing else bill.country if bill and bill.country else country_of(one)
    return check(country, number)


# ---- validate


class _Asked(NamedTuple):
    """The rules that an edit is asked: of the order as it will be, and of the goods alone that come."""

    whole: tuple[str, ...]
    added: tuple[str, ...]
    mends: tuple[Opened, ...]  # holds that it may put right

    @property
    def rules(self) -> set[str]:
        return {*self.whole, *self.added, *(name for one in self.mends for name in one.rules)}


class _Seen(NamedTuple):
    """What the rules of a batch of edits are told beside the orders."""

    goods: Mapping[tuple[int, str], _Goods]
    supplies: Supplies
    unserved: set[tuple[int, str]]
    taxes: Taxes | None


class _Goods(NamedTuple):
    status: str
    minimum_age: int
    about: GoodsFact


def validate(cause: Cause, edits: Sequence[Edit]) -> None:
    """Ask the rules again that the changes are about."""
    asked = [(one, only) for one in edits if any(only := _asked(one))]
    if not asked:
        return
    policies = _policies(cause, [one for one, _ in asked])
    told = _told(asked, policies, cause.at)
    seen = {one.order.id: _facts(cause, one, policies[one.order.id], told) for one, _ in asked}
    named = [
        (one.order.company, entry)
        for one, only in asked
        if "blocked" in only.whole
        for entry in _entries(seen[one.order.id])
    ]
    sides = on_sides(named) if named else {}
    for one, only in asked:
        facts_, own = seen[one.order.id], one.order.company
        known = {entry: side for (company, entry), side in sides.items() if company == own}
        listed = listing.sides(_entries(facts_), known)
        _judge(one, replace(facts_, listed=listed), policies[one.order.id], only, told)


def _policies(cause: Cause, edits: Sequence[Edit]) -> dict[UUID, Validation]:
    """The policies that orders are asked by. 1 statement."""
    in_force = in_force_of(sorted({one.order.company for one in edits}), Validation, cause.at)
    found = {}
    for one in edits:
        order = one.order
        _, otherwise = facts.default(order.channel_kind)
        one.version, found[order.id] = version_of(in_force.get(order.company, {}), order.channel, otherwise)
    return found


def _judge(one: Edit, order: OrderFacts, policy: Validation, only: _Asked, told: _Seen) -> None:
    """What the rules say to an edit, and which holds are put right by it."""
    before = replace(
        order, net_minor=_net(one.lines.values()), tax_minor=_tax(one.lines.values()), total_minor=one.before
    )
    anew = [name for name in only.whole if name not in OF_AMOUNTS or _is_new(one, name, before, policy)]
    whole = [name for name in anew if name != "fraud"]
    verdict = judge(order, policy, whole) if whole else FINE
    if "fraud" in anew:
        verdict = joined(verdict, judge(_unsigned(order), policy, ("fraud",)))
    if only.added:
        goods = tuple(_fact(one.order, line, told) for line in one.added if line.kind == GOODS)
        goods += tuple(_of_whole_kit(one.order, code, price, told) for code, price in one.kits)
        come = replace(order, goods=goods, signals=(*order.signals, *_proved(one, told)))
        verdict = joined(verdict, judge(come, policy, only.added))
    one.verdict = verdict
    one.released = [
        hold for hold in only.mends if all(RULES[name](order, policy) is None for name in hold.rules)
    ]


def _is_new(one: Edit, name: str, before: OrderFacts, policy: Validation) -> bool:
    """Whether a rule about amounts found nothing before. Of cash on delivery what was too much may become more: who let
    that go said nothing of this."""
    found = RULES[name](_unsigned(before) if name == "fraud" else before, policy)
    return found is None or (name == "cash" and "cash_minor_max" in found.facts and one.total > one.before)


def _unsigned(order: OrderFacts) -> OrderFacts:
    """An order for its review: what the channel reported was reviewed when it was placed, and only its size counts."""
    return replace(order, signals=())


def _proved(one: Edit, told: _Seen) -> tuple[str, ...]:
    """Who may have what stood in the order proved the age for it, or waits for somebody who decides about that."""
    stood = (_fact(one.order, line, told) for line in one.lines.values() if _is_goods_left(line))
    return tuple({f"age:{fact.minimum_age}" for fact in stood if fact.minimum_age})


def _is_goods_left(line: Line) -> bool:
    return line.kind == GOODS and line.units > 0


def _net(lines: Iterable[Line]) -> int:
    return sum(line.stands.gross - line.stands.discount for line in lines)


def _tax(lines: Iterable[Line]) -> int:
    return sum(line.stands.tax for line in lines)


def _told(asked: Sequence[tuple[Edit, _Asked]], policies: Mapping[UUID, Validation], at: datetime) -> _Seen:
    """What rules ask about goods and services: 1 statement for each that one asks for."""
    names = {
        (one.order.company, line.sku)
        for one, only in asked
        if only.added or not only.rules.isdisjoint(_about_goods(policies[one.order.id]))
        for line in [*one.lines.values(), *one.added]
        if _is_goods_left(line)
    }
    names |= {(one.order.company, code) for one, only in asked if only.added for code, _ in one.kits}
    goods = _goods(names)
    stocked = {
        (one.order.id, (one.order.company, one.order.channel, line.sku))
        for one, only in asked
        if "inventory" in only.whole and policies[one.order.id].inventory != "off"
        for line in one.left
        if _is_goods_left(line)
    }
    supplies = Supplies()
    if stocked:
        supplies.load({one for _, one in stocked}, at, orders={order for order, _ in stocked})
    wished = {
        (one.order.company, wish)
        for one, only in asked
        if "service" in only.rules and (wish := _service(one))
    }
    taxed = [
        one for one, only in asked if "recompute" in only.rules and policies[one.order.id].recompute != "off"
    ]
    unserved = facts.unserved(wished) if wished else set()
    return _Seen(goods, supplies, unserved, _taxes(taxed) if taxed else None)


def _goods(names: Collection[tuple[int, str]]) -> dict[tuple[int, str], _Goods]:
    """What rules and taxes ask of goods, by company and code. 1 statement, where there are any."""
    rows = sql.run(_GOODS, sql.columns(("companies", "codes"), names)) if names else ()
    return {
        (company, code): _Goods(status, age, GoodsFact(*about)) for company, code, status, age, *about in rows
    }


def _about_goods(policy: Validation) -> set[str]:
    """Rules that look at goods, as far as they are asked."""
    return {name for name in (*OF_GOODS, "recompute") if getattr(policy, name) != "off"}


def _service(one: Edit) -> str:
    return one.order.service if one.request.service is None else one.request.service


def _entries(order: OrderFacts) -> list[str]:
    """What of it people may have blocked or trusted."""
    own = [listing.of_customer(order.customer)] if order.customer else []
    return [*own, *order.fingerprints]


def _asked(one: Edit) -> _Asked:
    request = one.request
    moves = request.address is not None or request.postal_code is not None
    bills = request.billing is not None
    taxes = moves or bills or request.retax or bool(request.tax_number)
    comes = any(line.kind == GOODS for line in one.added) and not request.retax
    whole = (OF_ADDRESS if moves or request.country is not None else ()) + (
        ("mismatch", "blocked") if bills else ()
    )
    whole += OF_SERVICE if request.service is not None else ()
    whole += ("export", "hazard", "cash") if request.country is not None else ()
    whole += OF_AMOUNTS if one.added else ()
    whole += OF_TAX if taxes else ()
    whole += ("tax_number",) if request.tax_number or bills else ()
    whole += ("inventory",) if comes else ()
    about = {*whole, *((*OF_GOODS, "tax", "cash") if one.added or one.steps else ())}
    added = tuple(name for name in OF_GOODS if name not in whole) if comes else ()
    return _Asked(tuple(dict.fromkeys(whole)), added, _mended(one, about))


def _mended(one: Edit, about: set[str]) -> tuple[Opened, ...]:
    """Holds that a change may put right by what it is about. Of the prices of a kit's components only the kit itself
    can tell."""
    is_kit = any(line.kit_number for line in one.lines.values())
    can = {*CORRECTABLE} - ({"price"} if is_kit else set())
    return tuple(
        hold for hold in one.order.opened if hold.rules and can >= {*hold.rules} and about & {*hold.rules}
    )


def _facts(cause: Cause, one: Edit, policy: Validation, told: _Seen) -> OrderFacts:
    """The order as it will be, with what its channel signalled when it was placed."""
    order, asked, country, code = one.order, one.request, country_of(one), code_of(one)
    left = one.left
    goods = tuple(_fact(order, line, told) for line in left if _is_goods_left(line))
    given = asked.address or AddressGiven.of(order.home)
    is_to_box, problems = facts.of_address(given, country, code, policy)
    service, billing = _service(one), asked.billing
    seen = given if billing else asked.address
    there = facts.written(seen, country, code) if seen else None
    # Of some only a tax number is known: that is no place.
    billed = order.billed if order.billed and order.billed.line1 else None
    if billing:
        billed = facts.written(billing, billing.country, billing.postal_code)
    should = None
    if told.taxes and policy.recompute != "off":
        lines = [line for line in left if line.units]
        should = due(_bears(one, lines, told.goods), _by(one, policy, told.taxes))
    supply = told.supplies.of(order.company, order.channel, str(order.id), [one.sku for one in goods])
    return OrderFacts(
        asked.occurred_at or cause.at, country, code, order.currency, _net(left), _tax(left), one.total,
        goods, None, _signals(order, policy), supply=supply, service=service,
        is_unserved=(order.company, service) in told.unserved, customer=order.customer or None,
        has_address=given is not None, is_to_box=is_to_box,
        problems=problems, billing_differs=difference(there, billed) if there and billed else "",
        fingerprints=tuple(
            facts.fingerprints_of_places((there, billed if billing else None), (asked.address, billing))
        ),
        tax_number=_number(one), expected_tax=should,
    )  # fmt: skip


def _signals(order: Order, policy: Validation) -> tuple[str, ...]:
    """What its channel said. One that is held for its cash was told to be paid so, if nobody kept that then."""
    is_held_for_cash = any("cash" in hold.rules for hold in order.opened)
    return (*order.signals, policy.cash_signal) if is_held_for_cash else tuple(order.signals)


def _fact(order: Order, line: Line, told: _Seen) -> LineFact:
    found = told.goods.get((order.company, line.sku))
    if found is None:  # nobody asks about it, or the catalog doesn't know it, which holds the order already
        return LineFact(line.sku, line.units, known=True)
    about = found.about._replace(list_price=None) if line.kit_number else found.about
    return LineFact(line.sku, line.units, True, found.status, found.minimum_age, line.unit_price, about)


def _of_whole_kit(order: Order, code: str, price: Decimal, told: _Seen) -> LineFact:
    """A kit that comes: whether it is still sold, and for enough, is asked of it, and the rest of its components."""
    found = told.goods[order.company, code]
    return LineFact(code, 0, True, found.status, found.minimum_age, price, found.about)


_GOODS = """
SELECT s.company_id::int, s.code, s.status, s.minimum_age::int, s.category, s.hazardous, s.list_price, s.hs_code,
       c.currency
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
JOIN parties_company AS c ON c.id = s.company_id
"""
