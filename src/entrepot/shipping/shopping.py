"""With whom a parcel goes: the least of label, surcharges and what lateness is expected to cost, and why. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from entrepot.carriage.rules import (
    Barred,
    Choice,
    Leaves,
    Offer,
    Parcel,
    Service,
    arrival,
    arrives_on,
    lane_of,
    offer_for,
    on_lane,
)
from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape

WHY = {
    "asked_for": "the order asks for it",
    "named": "it was named by hand",
    "own_means": "no service is set up, it goes by our own means",
    "none": "none carries it",
    "only_one": "the only one",
    "only_in_time": "the only one in time",
    "fastest": "the fastest, none is in time",
    "least": "the least in all",
    "supplier": "a supplier sends it",
}
"""Why a service is taken: what is said of it, by code."""

NOT_QUOTED = {
    "not_asked": "{0} was not asked",
    "too_old": "the quote of {0} is too old",
    "other_currency": "{0} quotes in {1}, not in {2}",
    "problem": "{0}: {1}",
}
"""Why a table's price stands where one of an adapter, the first fact, was wanted: what is said of it, by code."""

SLIPS = (-5, 15)
"""The least and the most days after its service's time that a parcel is counted under; what is beyond counts there."""


@shape("shipping.shopping")
@dataclass(frozen=True, slots=True)
class Shopping:
    """How services are compared. `late_penalty_minor`: what a late parcel costs, in apologies and customers, in the
    company's own currency.

    `prior_late_per_10k`: how often a service is expected to be late before anything is known of it, where it has no day
    to spare; it halves with each day to spare. `prior_weight`: how many parcels that expectation counts for.
    `quote_minutes`: how long a live quote is good for.
    """

    late_penalty_minor: int = 500
    prior_late_per_10k: int = 500
    prior_weight: int = 20
    quote_minutes: int = 240


class Known(NamedTuple):
    """How many parcels came how many days after their service's time: on this lane, and of the service everywhere."""

    lane: Mapping[int, int]
    service: Mapping[int, int]


NOTHING = Known({}, {})


class Quote(NamedTuple):
    """What an adapter said: a price for a service, and what it takes to this place (`days`) where it knows; or why it
    gave none (`problem`)."""

    source: str
    price_minor: int
    currency: str
    quoted_at: datetime
    problem: str = ""
    days: int | None = None


class Candidate(NamedTuple):
    """A service that carries the parcel, with every term of what it costs. `source`: the table, or who quoted it.

    `days` are the service's in its zone, or what was quoted. `late`: by that time it does not keep the promise. `seen`:
    parcels of its zone that the chance is known from. `zone` and `lane` (from, to): the row of its table by which it
    goes. `note`: why a table's price stands where a quote was wanted, a code of `NOT_QUOTED` with its facts; () where
    none does. `timed_by`: the table, or who quoted its days. Its amounts are in the service's `currency`;
    `compared_minor` is its total in the company's own, by which it was compared.
    """

    service: str
    carrier: str
    days: int
    source: str
    label_minor: int
    surcharges: tuple[tuple[str, int], ...]
    late_per_10k: int
    seen: int
    late_minor: int
    total_minor: int
    late: bool
    note: tuple[str, ...] = ()
    currency: str = ""
    timed_by: str = "table"
    compared_minor: int = 0
    zone: str = ""
    lane: tuple[str, str] = ("", "")


class Shopped(NamedTuple):
    """The choice, all candidates (the one taken first, then as they would have been taken), and why: a code of
    `WHY`. `leaves_on`: the day on which it goes with the one taken."""

    choice: Choice
    candidates: tuple[Candidate, ...]
    why: str
    leaves_on: date | None = None

    def reasons(self) -> dict[str, Any]:
        """As it is stored with the shipment: where several parcels go, what each of them costs as well, the lightest
        first."""
        parcels = self.choice.taken.parcels if self.choice.taken else ()
        return {
            "late": self.choice.late,
            "why": self.why,
            "leaves_on": self.leaves_on.isoformat() if self.leaves_on else None,
            "barred": [(one.service, one.why, *one.facts) for one in self.choice.barred],
            "candidates": [one._asdict() for one in self.candidates],
        } | ({"parcels": parcels} if parcels else {})


def slip(shipped_on: date, delivered_on: date, transit_days: int) -> int:
    """How many days a parcel came after its service's time, within the days that are counted."""
    return max(SLIPS[0], min(SLIPS[1], (delivered_on - arrival(shipped_on, transit_days)).days))


def late_per_10k(spare_days: int, known: Known, policy: Shopping) -> int:
    """How often of 10,000 a parcel with days to spare comes too late.

    The expectation is that of the policy, corrected by the service's parcels, and that by those of its lane.
    """
    if spare_days < 0:
        expected = 1.0
    else:
        expected = policy.prior_late_per_10k / 10_000 / 2**spare_days
    for counts in (known.service, known.lane):
        late = sum(count for days, count in counts.items() if days > spare_days)
        weight = policy.prior_weight + sum(counts.values())
        if weight:
            expected = (expected * policy.prior_weight + late) / weight
    return round(expected * 10_000)


def shop(
    services: Sequence[Service],
    parcels: Sequence[Parcel],
    wanted: str,
    ships_on: Leaves,
    promised_on: date | None,
    policy: Shopping,
    known: Mapping[tuple[Any, str, str], Known],
    quotes: Mapping[Any, Quote],
    at: datetime,
    *,
    worth: Mapping[str, Decimal] = MappingProxyType({}),
    hazards: Collection[str] = (),
    is_named: bool = False,
) -> Shopped:
    """The service for parcels that go together, of all that carry them.

    The one that the order asks for, if it carries them; else of those whose time keeps the promise the least in all;
    where none does, the one that arrives first. `known` is by service, zone, and who told the time, since those who
    quote for a street are late otherwise than a table for a country; `quotes` by service.

    `worth`: minor units of the company's own currency for one of each other; where it is empty, all prices are in one
    currency. A service that asks in a currency of which nobody knows the worth is barred. `hazards`: codes of services
    that may not take what is hazardous in the parcels. `is_named`: a person wants the service, not the order.
    """
    offers: list[tuple[Offer, Candidate]] = []
    barred: list[Barred] = []
    for service in services:
        answer, note = _offer(service, parcels, quotes.get(service.id), policy, at)
        answer = _may_take(answer, parcels, worth, hazards)
        if isinstance(answer, Barred):
            barred.append(answer)
            continue
        timed_by = answer.timed_by
        everywhere = known.get((service.id, "", timed_by), NOTHING)
        history = known.get((service.id, answer.zone, timed_by), everywhere)
        value = worth.get(answer.service.currency, Decimal(1))
        offers.append((answer, _candidate(answer, ships_on, promised_on, policy, history, note, value)))
    in_time = sorted((pair for pair in offers if not pair[1].late), key=lambda pair: _by_total(pair[1]))
    behind = sorted(
        (pair for pair in offers if pair[1].late), key=lambda pair: _by_arrival(pair[0], pair[1], ships_on)
    )
    asked = [pair for pair in in_time + behind if wanted and pair[1].service == wanted]
    ranked = asked + [pair for pair in in_time + behind if pair not in asked]
    taken = ranked[0][0] if ranked else None
    choice = Choice(
        taken, bool(ranked) and ranked[0][1].late, tuple(barred), ranked[1][0] if len(ranked) > 1 else None
    )
    why = _why(len(asked), len(in_time), len(ranked), len(barred))
    return Shopped(
        choice, tuple(one for _, one in ranked), "named" if asked and is_named else why,
        ships_on.with_(taken.service.carrier) if taken else None,
    )  # fmt: skip


def _may_take(
    answer: Offer | Barred, parcels: Sequence[Parcel], worth: Mapping[str, Decimal], hazards: Collection[str]
) -> Offer | Barred:
    """An offer, unless its price can't be compared, or its service may not take what is in the parcels."""
    if isinstance(answer, Barred):
        return answer
    code, currency = answer.service.code, answer.service.currency
    if code in hazards:
        return Barred(code, "hazardous", (parcels[0].destination,))
    if worth and currency not in worth:
        return Barred(code, "no_exchange", (currency,))
    return answer


def _why(asked: int, in_time: int, ranked: int, barred: int) -> str:
    if asked:
        return "asked_for"
    if not ranked:
        return "none" if barred else "own_means"
    if ranked == 1:
        return "only_one"
    return {0: "fastest", 1: "only_in_time"}.get(in_time, "least")


def _offer(
    service: Service, parcels: Sequence[Parcel], quote: Quote | None, policy: Shopping, at: datetime
) -> tuple[Offer | Barred, tuple[str, ...]]:
    """What a service costs and takes: by a quote that is good, else by its table; and why not by a quote."""
    table = offer_for(service, parcels)
    source = service.live.partition(":")[0]
    if not source:
        return table, ()
    if quote is None:
        return table, ("not_asked", source)
    if quote.problem:
        return table, ("problem", source, quote.problem)
    if at - quote.quoted_at > timedelta(minutes=policy.quote_minutes):
        return table, ("too_old", source)
    if service.currency not in ("", quote.currency):
        return table, ("other_currency", source, quote.currency, service.currency)
    zone = table.zone if isinstance(table, Offer) else ""
    charged = table.charged_g if isinstance(table, Offer) else sum(one.weight_g for one in parcels)
    first = parcels[0]
    lane = lane_of(service, first.origin, first.destination, first.origin_postal_code, first.postal_code)
    there = on_lane(service, lane) if lane else service
    timed_by, days = ("table", there.transit_days) if quote.days is None else (quote.source, quote.days)
    priced = service._replace(currency=quote.currency, transit_days=days)
    return Offer(
        priced,
        zone,
        charged,
        quote.price_minor,
        source=quote.source,
        timed_by=timed_by,
        lane=lane or ("", ""),
    ), ()


def _candidate(
    offer: Offer,
    ships_on: Leaves,
    promised_on: date | None,
    policy: Shopping,
    known: Known,
    note: tuple[str, ...],
    worth: Decimal,
) -> Candidate:
    service = offer.service
    spare = (promised_on - arrives_on(service, ships_on)).days if promised_on else None
    chance = late_per_10k(spare, known, policy) if spare is not None else 0
    late_at_home = (chance * policy.late_penalty_minor + 5_000) // 10_000
    late_minor = round_half_away(late_at_home / worth)
    compared = round_half_away(offer.price_minor * worth) + late_at_home
    return Candidate(
        service.code, service.carrier, service.transit_days, offer.source, offer.label_minor, offer.surcharges, chance,
        sum(known.lane.values()), late_minor, offer.price_minor + late_minor, spare is not None and spare < 0, note,
        service.currency, offer.timed_by, compared, offer.zone, offer.lane,
    )  # fmt: skip


def _by_total(one: Candidate) -> tuple[int, int, str]:
    return (one.compared_minor, one.days, one.service)


def _by_arrival(offer: Offer, one: Candidate, ships_on: Leaves) -> tuple[date, int, str]:
    return (arrives_on(offer.service, ships_on), one.compared_minor, one.service)
