"""What validation is told of an order: the facts that its rules see, as far as its policy asks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from entrepot.orders import rules, validation
from entrepot.orders.facts.known import (
    SAME_TIME,
    Channel,
    Known,
    Name,
    Sku,
    asks_fingerprints,
    asks_recent,
    default,
    load,
    recently,
    taxes_of,
    unserved,
)
from entrepot.orders.facts.marks import fingerprints_of_places, region_of, written
from entrepot.orders.taxing import Bears, due
from entrepot.orders.validation import Earlier, LineFact, OrderFacts, PaymentFact, Validation
from entrepot.parties import address as formats
from entrepot.parties import numbers
from entrepot.parties.address import Written
from entrepot.parties.numbers import Checked
from entrepot.tax.rules import Expected

if TYPE_CHECKING:
    from entrepot.orders.commands.place import AddressGiven, PlaceOrder

__all__ = [
    "Channel", "Known", "Priced", "Sku", "default", "fingerprints_of_places", "kit", "line", "load", "of", "of_address",
    "of_kit", "region_of", "taxes_of", "unserved", "written",
]  # fmt: skip


class Priced(NamedTuple):
    """What an order costs, and its goods, as they are frozen."""

    goods: tuple[LineFact, ...]
    frozen: Sequence[rules.Frozen]
    net_minor: int
    total_minor: int
    credit_minor: int = 0  # to be paid with store credit


def line(sku: str, quantity: int, unit_price: Decimal, found: Sku | None, priced_at: datetime) -> LineFact:
    """A line of goods as the catalog knows it."""
    if found is None:
        return LineFact(sku, quantity, known=False)
    then = _listed(found.listed, priced_at) if found.listed else None
    return LineFact(sku, quantity, True, found.status, found.minimum_age, unit_price, found.about, then)


def kit(sku: str, unit_price: Decimal, found: Sku, priced_at: datetime) -> LineFact:
    """What was ordered as one and is sent as its components: no units of its own, but a price."""
    return line(sku, 0, unit_price, found, priced_at)


def of_kit(component: LineFact) -> LineFact:
    """A component without list prices: whether the price is right is asked of its kit."""
    about = component.about and component.about._replace(list_price=None)
    return component._replace(about=about, listed_then=None)


def _listed(history: Sequence[tuple[datetime, Decimal | None]], at: datetime) -> Decimal | None:
    """The list price at a moment; the first one before there was any."""
    place = bisect_right(history, at, key=lambda one: one[0]) if len(history) > 1 else 1
    return history[max(0, place - 1)][1]


def of(
    request: PlaceOrder, placed_at: datetime, priced: Priced, known: Known, policy: Validation
) -> OrderFacts:
    """All that the rules see of an order, as far as its policy asks."""
    given, customer = request.payment, request.customer
    who = None if customer is None else known.customers[request.company, customer]
    asks_where = asks_fingerprints(policy) or policy.mismatch != "off" or policy.recompute != "off"
    asks_where = asks_where or request.company in known.lists_fingerprints
    there, billed, marks = known.marks(request) if asks_where else (None, None, ())
    number = None
    if request.tax_number and (policy.tax_number, policy.recompute) != ("off", "off"):
        number = numbers.check(
            request.billing.country if request.billing else request.country, request.tax_number
        )
    should = None
    if policy.recompute != "off":
        should = _expected_tax(request, placed_at, priced, known, policy, who, there, number)
    paid = None
    if given is not None:
        paid = PaymentFact(
            given.amount_minor + priced.credit_minor, given.authorized_at, given.expires_at, given.currency
        )
    elif priced.credit_minor:
        paid = PaymentFact(priced.credit_minor, placed_at, None, "")
    supply = None
    if policy.inventory != "off":
        codes = [one.sku for one in priced.goods]
        supply = known.supplies.of(request.company, request.channel, request.reservation, codes)
    is_to_box, problems = of_address(request.address, request.country, request.postal_code, policy)
    differs = formats.difference(there, billed) if there and billed else ""
    return OrderFacts(
        placed_at, request.country, request.postal_code, request.currency, priced.net_minor, request.tax_minor,
        priced.total_minor, priced.goods, paid, request.signals,
        recent=_recent(request, who, placed_at, known, policy), supply=supply, promise_at=request.promise_at,
        unreserved=request.reservation if (request.company, request.reservation) in known.unreserved else "",
        service=request.service, is_unserved=(request.company, request.service) in known.unserved, customer=customer,
        is_first=who is None or who in known.first,
        has_address=request.address is not None, is_to_box=is_to_box, problems=problems, billing_differs=differs,
        fingerprints=marks, sightings=_sightings(request, marks, placed_at, known, policy), tax_number=number,
        expected_tax=should, listed=known.sides(request, marks),
    )  # fmt: skip


def of_address(
    given: AddressGiven | None, country: str, postal_code: str, policy: Validation
) -> tuple[bool, tuple[str, ...]]:
    """Whether an address is a PO box, and what is wrong with its form, as far as the policy asks."""
    if given is None:
        return False, ()
    is_to_box = policy.box != "off" and validation.is_box(given.line1, given.line2)
    if policy.format == "off":
        return is_to_box, ()
    problems = formats.problems(country, postal_code, given.region, given.city, given.line1)
    return is_to_box, tuple(problems)


def _recent(
    request: PlaceOrder, customer: UUID | None, placed_at: datetime, known: Known, policy: Validation
) -> tuple[Earlier, ...]:
    if customer is None or not known.recent.get(customer) or not asks_recent(policy):
        return ()
    own, since = _name(request), placed_at - recently(policy)
    rest = ((name, one) for name, one in known.recent[customer].items() if name != own)
    return tuple(one for _, one in rest if since <= one.at <= placed_at + SAME_TIME)


def _sightings(
    request: PlaceOrder, marks: Iterable[str], placed_at: datetime, known: Known, policy: Validation
) -> Mapping[str, int]:
    """How many orders just before shared the card, an address or a mail address: of each kind, the most."""
    found: dict[str, int] = {}
    own, since = _name(request), placed_at - timedelta(minutes=policy.velocity_minutes)
    for one in marks:
        seen = known.sightings.get((request.company, one))
        if seen:
            count = sum(since <= at <= placed_at + SAME_TIME for name, at in seen.items() if name != own)
            kind = one.partition(":")[0]
            found[kind] = max(count, found.get(kind, 0))
    return found


def _name(request: PlaceOrder) -> Name:
    return request.company, request.channel, request.external_id


def _expected_tax(
    request: PlaceOrder,
    placed_at: datetime,
    priced: Priced,
    known: Known,
    policy: Validation,
    customer: UUID | None,
    there: Written | None,
    number: Checked | None,
) -> Expected:
    about = {one.sku: one.about.category for one in priced.goods if one.about}
    region, day = region_of(request, there), placed_at.date()
    by = known.taxes.by(request.company, request.country, region, day, customer, number, policy)
    lines = zip(request.lines, priced.frozen, strict=True)
    return due([Bears(one.kind, about.get(one.sku, ""), frozen) for one, frozen in lines], by)
