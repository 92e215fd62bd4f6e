"""Which units a supplier sends himself: whole lines before nodes are asked, or what they leave out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Said
from entrepot.sourcing.rules import DropShip, Line, Plan, joined


class Offered(NamedTuple):
    """What a supplier offers of a SKU: units that he may be asked for (None: any), the fewest that he sends, and the
    days until he does."""

    units: int | None
    fewest: int
    lead_days: int


class Supplier(NamedTuple):
    """A supplier as one order may ask him: his offers by SKU, and the lines that he has refused."""

    id: UUID
    code: str
    is_first: bool
    offers: Mapping[UUID, Offered]
    refused: frozenset[UUID] = frozenset()


class Passed(NamedTuple):
    """Units of a line that a supplier sends; `is_first`: he was asked before nodes were."""

    line: UUID
    sku: UUID
    supplier: UUID
    code: str
    quantity: int
    lead_days: int
    is_first: bool = False


class Known(NamedTuple):
    """An offer as the catalog and the supplier have it. `left`: what he said that he has, less what was passed to him
    since; None where he says nothing."""

    supplier: UUID
    supplier_code: str
    sku: UUID
    sku_code: str
    category: str
    fewest: int
    lead_days: int
    left: int | None


def suppliers_of(
    asked: Sequence[DropShip],
    country: str,
    known: Sequence[Known],
    refused: Mapping[UUID, Collection[UUID] | None] = {},
) -> list[Supplier]:
    """The suppliers that a profile names, as an order to a country may ask them, in the profile's order.

    `refused` are, by line, those who refused it; None where nobody is asked for it any more.
    """
    found = []
    for one in asked:
        offers = {
            offer.sku: Offered(
                max(0, offer.left or 0) if one.stated_only else None,
                offer.fewest,
                offer.lead_days if one.lead_days is None else one.lead_days,
            )
            for offer in known
            if offer.supplier_code == one.supplier
            and (not one.skus or offer.sku_code in one.skus or offer.category in one.skus)
        }
        if offers and (not one.countries or country in one.countries):
            key = next(offer.supplier for offer in known if offer.supplier_code == one.supplier)
            by_him = frozenset(line for line, who in refused.items() if who is None or key in who)
            found.append(Supplier(key, one.supplier, one.ask == "first", offers, by_him))
    return found


NOT_ASKED = (
    "country", "goods", "kit", "rejected", "too few", "fewest", "another", "complete", "shipments",
)  # fmt: skip
"""Why a supplier is not asked for units of a line: he does not send there, or does not send such goods; it is of a kit;
he refused it; he has not said that he has so many; he does not send so few; another one sends a part of it; the order
ships complete, and something else of it is missing; or he would be a shipment too many."""


def not_asked(
    asked: Sequence[DropShip],
    suppliers: Sequence[Supplier],
    country: str,
    line: Line,
    passed: Sequence[Passed] = (),
    *,
    is_whole: bool,
    is_missing: bool = False,
) -> list[tuple[str, str]]:
    """Of the suppliers that a profile names the code, and why each was not asked for what is short of a line; without
    those who send some of it.

    `suppliers` are those whom the order may ask, before it took anything; `passed` is what it took. `is_whole`: only
    for whole lines. `is_missing`: the order ships complete, and of some line nobody has all (`has_missing`).
    """
    able = {one.code: one for one in suppliers}
    serve = {one.code for one in passed if one.line == line.id}
    left = _Left(suppliers, passed)
    last = "another" if serve else "complete" if is_missing else "shipments"
    return [
        (
            one.supplier,
            _why_not(one, able.get(one.supplier), country, line, left, is_whole=is_whole) or last,
        )
        for one in asked
        if one.supplier not in serve
    ]


def has_missing(lines: Sequence[Line], suppliers: Sequence[Supplier], free: Mapping[UUID, int]) -> bool:
    """Whether of some line neither the nodes nor a supplier have all, in however many shipments; `free` are the units
    of each SKU at all nodes that may be asked."""
    there, left = dict(free), _Left(suppliers)
    for line in lines:
        if there.get(line.sku, 0) >= line.quantity:
            there[line.sku] -= line.quantity
            continue
        able = next((one for one in suppliers if left.of(one, line) == line.quantity), None)
        if able is None:
            return True
        left.take(able, line, line.quantity)
    return False


def _why_not(
    asked: DropShip, one: Supplier | None, country: str, line: Line, left: _Left, *, is_whole: bool
) -> str:
    """What keeps a supplier himself from it; '' where nothing does."""
    if asked.countries and country not in asked.countries:
        return "country"
    offer = one.offers.get(line.sku) if one else None
    if one is None or offer is None:
        return "goods"
    if line.kit:
        return "kit"
    if line.id in one.refused:
        return "rejected"
    units = left.units(one, line)
    if units < line.quantity and (is_whole or units < offer.fewest or not units):
        return "too few"
    return "fewest" if units < offer.fewest else ""


PlanOf = Callable[[Sequence[Line], str, int], Plan]
"""The plan of lines by nodes, under a policy and a limit of shipments."""


class Supplied(NamedTuple):
    """What suppliers send, the lines without that, and the nodes' plan for these."""

    passed: tuple[Passed, ...]
    lines: Sequence[Line]
    plan: Plan


def with_suppliers(
    lines: Sequence[Line], plan: Plan, suppliers: Sequence[Supplier], policy: str, limit: int, plan_of: PlanOf
) -> Supplied:
    """Pass to suppliers what the profile gives to them first, and what nodes leave out.

    Kits are not passed on: their components belong into one parcel. Nodes and suppliers together keep to the limit of
    shipments, and what is left over keeps to the order's policy.
    """
    alone = Supplied((), lines, plan)
    if not suppliers:
        return alone
    passed = asked_first(lines, suppliers, limit)
    rest = without(lines, passed)
    if passed:
        plan = plan_of(rest, policy, limit - _shipments(passed)) if rest else _nothing_left()
    if plan.short:
        trial = plan
        if policy == "ship_complete":  # which lines are short is seen where each goes by itself
            trial = plan_of(rest, "line_complete", limit - _shipments(passed))
        more = _fill(trial, rest, suppliers, passed, policy, limit)
        whole = _all_of_it(lines, suppliers, limit)
        is_served = sum(one.quantity for one in more) == sum(line.quantity for line in trial.short)
        if not is_served and whole:
            passed, plan = whole, _nothing_left()
        elif is_served or policy != "ship_complete":
            passed = (*passed, *more)
            plan = replace(trial, short=tuple(without(trial.short, more)))
        else:
            return alone
    if not passed:
        return alone
    return Supplied(passed, without(lines, passed), _told(plan, passed))


def asked_first(lines: Sequence[Line], suppliers: Sequence[Supplier], limit: int) -> tuple[Passed, ...]:
    """Whole lines for those who are asked before nodes; a place among the shipments is kept for nodes, unless nothing
    is left for them."""
    suppliers = [one for one in suppliers if one.is_first]
    for places in (limit, limit - 1):
        passed: list[Passed] = []
        left = _Left(suppliers)
        for line in lines:
            for one in suppliers:
                fits = one.id in {by.supplier for by in passed} or _shipments(passed) < places
                if fits and left.of(one, line) == line.quantity:
                    passed.append(left.take(one, line, line.quantity))
                    break
        if places < limit or not without(lines, passed):
            return tuple(passed)
    return ()


def _fill(
    plan: Plan,
    lines: Sequence[Line],
    suppliers: Sequence[Supplier],
    passed: Sequence[Passed],
    policy: str,
    limit: int,
) -> list[Passed]:
    """What nodes left out, each line by the first supplier who has units of it; in whole lines only where the policy
    wants them whole."""
    wanted = {line.id: line.quantity for line in lines}
    is_whole = policy in ("ship_complete", "line_complete")
    nodes = len({share.node for share in plan.shares})
    left = _Left(suppliers, passed)
    more: list[Passed] = []
    for line in plan.short:
        for one in suppliers:
            used = {by.supplier for by in (*passed, *more)}
            units = left.of(one, line)
            if one.id not in used and nodes + len(used) >= limit:
                continue
            if units and not (is_whole and units < wanted[line.id]):
                more.append(left.take(one, line, units))
                break
    return more


def _all_of_it(lines: Sequence[Line], suppliers: Sequence[Supplier], limit: int) -> tuple[Passed, ...]:
    """The whole order from the first supplier who has all of it."""
    for one in suppliers if limit else ():
        left = _Left([one])
        passed = [
            left.take(one, line, line.quantity) for line in lines if left.of(one, line) == line.quantity
        ]
        if len(passed) == len(lines):
            return tuple(passed)
    return ()


class _Left:
    """What suppliers may still be asked for, while lines are passed to them."""

    def __init__(self, suppliers: Sequence[Supplier], passed: Sequence[Passed] = ()) -> None:
        self._units = {(one.id, sku): offer.units for one in suppliers for sku, offer in one.offers.items()}
        for one in passed:
            self._less(one.supplier, one.sku, one.quantity)

    def of(self, supplier: Supplier, line: Line) -> int:
        """Units of a line that a supplier may be asked for: none of a kit, or of what he refused."""
        offer = supplier.offers.get(line.sku)
        if offer is None or line.kit or line.id in supplier.refused:
            return 0
        units = self.units(supplier, line)
        return units if units >= offer.fewest else 0

    def units(self, supplier: Supplier, line: Line) -> int:
        """Units of a line that a supplier has, of a SKU that he offers."""
        there = self._units[supplier.id, line.sku]
        return line.quantity if there is None else min(line.quantity, there)

    def take(self, supplier: Supplier, line: Line, units: int) -> Passed:
        self._less(supplier.id, line.sku, units)
        lead_days = supplier.offers[line.sku].lead_days
        return Passed(line.id, line.sku, supplier.id, supplier.code, units, lead_days, supplier.is_first)

    def _less(self, supplier: UUID, sku: UUID, units: int) -> None:
        there = self._units.get((supplier, sku))
        if there is not None:
            self._units[supplier, sku] = there - units


def without(lines: Sequence[Line], passed: Sequence[Passed]) -> list[Line]:
    """Lines less what is passed on."""
    gone: dict[UUID, int] = {}
    for one in passed:
        gone[one.line] = gone.get(one.line, 0) + one.quantity
    return [
        line._replace(quantity=line.quantity - gone.get(line.id, 0))
        for line in lines
        if line.quantity > gone.get(line.id, 0)
    ]


def _shipments(passed: Sequence[Passed]) -> int:
    return len({one.supplier for one in passed})


def _nothing_left() -> Plan:
    return Plan((), (), "drop-shipped", "", ())


def _told(plan: Plan, passed: Sequence[Passed]) -> Plan:
    """The plan with its outcome and why, as they are with what suppliers send."""
    codes = joined(list(dict.fromkeys(one.code for one in passed)))
    units = sum(one.quantity for one in passed)
    if _shipments(passed) > 1:
        said = Said("{0} send {1} units to the customer", codes, units)
    elif units > 1:
        said = Said("{0} sends {1} units to the customer", codes, units)
    else:
        said = Said("{0} sends 1 unit to the customer", codes)
    why = f"{plan.why}; {said}" if plan.why else said
    if plan.short:
        return replace(plan, outcome="part backordered", why=why)
    return replace(plan, outcome="split" if plan.shares else "drop-shipped", why=why)
