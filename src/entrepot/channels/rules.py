"""What a channel states against what we hold: which differences there are, and what would mend each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from entrepot.channels.statements.stated import StatedOrder, StatedStock
from entrepot.kernel import money
from entrepot.kernel.shapes import shape

MENDS: dict[str, str] = {
    "missing here": "import",
    "missing there": "",
    "cancelled there": "cancel",
    "cancelled here": "tell",
    "shipped here": "tell",
    "shipped there": "",
    "quantity": "tell",
    "amount": "",
    "refunded here": "tell",
    "refunded there": "",
    "stock": "tell",
}
"""What one click does about a kind of difference: place the order, cancel it here, or tell the channel what we hold;
'' where only a person can say what is right."""
KINDS = tuple(MENDS)
OF_STOCK = "stock"


@shape("channels.reconciliation", back_days=(1, 366))
@dataclass(frozen=True, slots=True)
class Reconciling:
    """How channels' statements are compared.

    `grace_hours`: what is younger may still be on its way. `tolerance_minor`: amounts may differ by as much.
    `back_days`: how far back the statements reach that are asked for by themselves. `asks`: kinds of differences that
    become work.
    """

    grace_hours: int = 2
    tolerance_minor: int = 0
    back_days: int = 7
    asks: tuple[str, ...] = KINDS


class OurOrder(NamedTuple):
    """An order as we hold it, with what was split off it. `is_merged`: others are in it, or it is in another, so that
    its amounts and units can't be compared. `changed_at`: when it was edited or cancelled here last."""

    name: str
    placed_at: datetime
    currency: str
    is_cancelled: bool
    total_minor: int
    units: Mapping[str, int]
    shipped: int
    shipped_at: datetime | None
    refunded_minor: int
    is_merged: bool = False
    changed_at: datetime | None = None
    refunded_at: datetime | None = None


class OurStock(NamedTuple):
    """What a channel was told last of a SKU; `is_on_way`: that has not arrived there yet."""

    sku: str
    quantity: int
    is_on_way: bool = False


class Found(NamedTuple):
    """A difference: its kind, the order or SKU, and what each side says. `is_young`: what changed here may still be on
    its way there, so that it is neither told nor over."""

    kind: str
    name: str
    theirs: str
    ours: str
    facts: Mapping[str, Any]
    is_young: bool = False


def compare_orders(
    stated: Sequence[StatedOrder],
    ours: Sequence[OurOrder],
    by: Reconciling,
    *,
    since: datetime,
    until: datetime,
    at: datetime,
) -> list[Found]:
    """Differences of orders that were placed from `since` until before `until`; `at` is when the channel said it."""
    known = {one.name: one for one in ours}
    young = at - timedelta(hours=by.grace_hours)
    found: list[Found] = []
    told: set[str] = set()
    for one in stated:
        told |= {one.name, one.also}
        held = known.get(one.name) or (known.get(one.also) if one.also else None)
        if held is not None:
            found += [
                each._replace(is_young=_is_young(each.kind, held, young)) for each in _of_both(one, held, by)
            ]
        elif since <= one.placed_at < until and one.placed_at < young and not one.is_cancelled:
            facts = {"placed_at": one.placed_at, "units": sum(one.units().values())}
            found.append(Found("missing here", one.name, _sum(one.total_minor, one.currency), "", facts))
    found += [
        Found(
            "missing there", one.name, "", _sum(one.total_minor, one.currency), {"placed_at": one.placed_at}
        )
        for one in ours
        if one.name not in told and not one.is_cancelled and since <= one.placed_at < min(until, young)
    ]
    return found


def _is_young(kind: str, held: OurOrder, young: datetime) -> bool:
    """Whether what a kind of difference is about changed here since `young`."""
    if kind in ("shipped here", "shipped there"):
        latest = held.shipped_at
    elif kind in ("refunded here", "refunded there"):
        latest = held.refunded_at
    else:
        latest = held.changed_at
    return latest is not None and latest >= young


def _of_both(one: StatedOrder, held: OurOrder, by: Reconciling) -> Iterator[Found]:
    if one.is_cancelled != held.is_cancelled:
        kind = "cancelled there" if one.is_cancelled else "cancelled here"
        states = ("open", "cancelled")
        yield Found(
            kind, held.name, states[one.is_cancelled], states[held.is_cancelled], {"units": dict(held.units)}
        )
        return
    if one.is_cancelled:
        return
    if not held.is_merged:
        yield from _of_content(one, held, by)
    if one.shipped is not None and one.shipped != held.shipped:
        kind = "shipped here" if held.shipped > one.shipped else "shipped there"
        yield Found(kind, held.name, str(one.shipped), str(held.shipped), {"units": sum(held.units.values())})
    if one.refunded_minor is not None and abs(one.refunded_minor - held.refunded_minor) > by.tolerance_minor:
        kind = "refunded here" if held.refunded_minor > one.refunded_minor else "refunded there"
        theirs, ours = _sum(one.refunded_minor, one.currency), _sum(held.refunded_minor, held.currency)
        yield Found(kind, held.name, theirs, ours, {"minor": held.refunded_minor - one.refunded_minor})


def _of_content(one: StatedOrder, held: OurOrder, by: Reconciling) -> Iterator[Found]:
    units = one.units()
    if apart := {sku for sku in {*units, *held.units} if units.get(sku, 0) != held.units.get(sku, 0)}:
        theirs, ours = (
            ", ".join(f"{side.get(sku, 0)} × {sku}" for sku in sorted(apart)) for side in (units, held.units)
        )
        yield Found("quantity", held.name, theirs, ours, {"skus": sorted(apart)})
    if one.total_minor is None:
        return
    gap = held.total_minor - one.total_minor
    if abs(gap) > by.tolerance_minor or one.currency != held.currency:
        theirs, ours = _sum(one.total_minor, one.currency), _sum(held.total_minor, held.currency)
        yield Found("amount", held.name, theirs, ours, {"minor": gap})


def compare_stock(stated: Sequence[StatedStock], ours: Sequence[OurStock]) -> list[Found]:
    """SKUs of which the channel shows another figure than it was told last. What is on its way there is not asked
    about, and a SKU that it does not state is none that it sells."""
    told = {one.sku: one for one in ours}
    return [
        Found(
            OF_STOCK,
            one.sku,
            str(one.quantity),
            str(known.quantity),
            {"units": one.quantity - known.quantity},
        )
        for one in stated
        for known in (told.get(one.sku, OurStock(one.sku, 0)),)
        if known.quantity != one.quantity and not known.is_on_way
    ]


def _sum(minor: int | None, currency: str) -> str:
    return "" if minor is None else money.told(minor, currency)


class Before(NamedTuple):
    """A difference as it stood before a statement."""

    state: str
    theirs: str
    ours: str


def state_after(before: Before | None, found: Found) -> str:
    """The state of a difference that a statement shows: what was explained stays so while both sides say the same."""
    if before is None or before.state == "agreed":
        return "open"
    if before.state == "explained" and (before.theirs, before.ours) == (found.theirs, found.ours):
        return "explained"
    return "open"
