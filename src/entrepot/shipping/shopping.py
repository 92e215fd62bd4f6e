"""With whom a parcel goes: the least of label, surcharges and what lateness is expected to cost, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from entrepot.carriage.rules import Choice, Leaves, Offer, Parcel, Service, arrival, arrives_on, offer_for
from entrepot.kernel.shapes import shape

SLIPS = (-5, 15)
"""The least and the most days after its service's time that a parcel is counted under; what is beyond counts there."""


@shape("shipping.shopping")
@dataclass(frozen=True, slots=True)
class Shopping:
    """How services are compared. `late_penalty_minor`: what a late parcel costs, in apologies and customers.

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

    `days` are the service's, or what was quoted. `late`: by that time it does not keep the promise. `seen`: parcels of
    its lane that the chance is known from. `note`: why a table's price stands where a quote was wanted. Its amounts are
    in the service's `currency`.
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
    note: str = ""
    currency: str = ""


class Shopped(NamedTuple):
    """The choice, all candidates (the one taken first, then as they would have been taken), and why: a word."""

    choice: Choice
    candidates: tuple[Candidate, ...]
    why: str

    def reasons(self) -> dict[str, Any]:
        """As it is stored with the shipment: where several parcels go, what each of them costs as well, the lightest
        first."""
        parcels = self.choice.taken.parcels if self.choice.taken else ()
        return {
            "late": self.choice.late,
            "why": self.why,
            "services": self.choice.reasons,
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
    known: Mapping[tuple[Any, str], Known],
    quotes: Mapping[Any, Quote],
    at: datetime,
) -> Shopped:
    """The service for parcels that go together, of all that carry them.

    The one that the order asks for, if it carries them; else of those whose time keeps the promise the least in all;
    where none does, the one that arrives first. `known` is by service and zone, `quotes` by service.
    """
    offers: list[tuple[Offer, Candidate]] = []
    told: list[tuple[str, str]] = []
    for service in services:
        answer, note = _offer(service, parcels, quotes.get(service.id), policy, at)
        if isinstance(answer, str):
            told.append((service.code, answer))
            continue
        history = known.get((service.id, answer.zone), known.get((service.id, ""), NOTHING))
        one = _candidate(answer, ships_on, promised_on, policy, history, note)
        offers.append((answer, one))
        told.append((service.code, answer.told(late=one.late)))
    in_time = sorted((pair for pair in offers if not pair[1].late), key=lambda pair: _by_total(pair[1]))
    behind = sorted(
        (pair for pair in offers if pair[1].late), key=lambda pair: _by_arrival(pair[0], pair[1], ships_on)
    )
    asked = [pair for pair in in_time + behind if wanted and pair[1].service == wanted]
    ranked = asked + [pair for pair in in_time + behind if pair not in asked]
    taken = ranked[0][0] if ranked else None
    choice = Choice(
        taken, bool(ranked) and ranked[0][1].late, tuple(told), ranked[1][0] if len(ranked) > 1 else None
    )
    return Shopped(choice, tuple(one for _, one in ranked), _why(len(asked), len(in_time), len(ranked)))


def _why(asked: int, in_time: int, ranked: int) -> str:
    if asked:
        return "asked for"
    if ranked < 2:
        return "the only one" if ranked else "none carries it"
    return {0: "the fastest, none is in time", 1: "the only one in time"}.get(in_time, "the least in all")


def _offer(
    service: Service, parcels: Sequence[Parcel], quote: Quote | None, policy: Shopping, at: datetime
) -> tuple[Offer | str, str]:
    """What a service costs and takes: by a quote that is good, else by its table; and why not by a quote."""
    table = offer_for(service, parcels)
    source = service.live.partition(":")[0]
    if not source:
        return table, ""
    problem = "was not asked" if quote is None else quote.problem
    if quote and not problem and at - quote.quoted_at > timedelta(minutes=policy.quote_minutes):
        problem = "its quote is too old"
    if quote and not problem and service.currency not in ("", quote.currency):
        problem = f"quotes in {quote.currency}, not in {service.currency}"
    if quote is None or problem:
        return table, f"{source}: {problem}"
    zone = table.zone if isinstance(table, Offer) else ""
    charged = table.charged_g if isinstance(table, Offer) else sum(one.weight_g for one in parcels)
    days = service.transit_days if quote.days is None else quote.days
    priced = service._replace(currency=quote.currency, transit_days=days)
    return Offer(priced, zone, charged, quote.price_minor, source=quote.source), ""


def _candidate(
    offer: Offer, ships_on: Leaves, promised_on: date | None, policy: Shopping, known: Known, note: str
) -> Candidate:
    service = offer.service
    spare = (promised_on - arrives_on(service, ships_on)).days if promised_on else None
    chance = late_per_10k(spare, known, policy) if spare is not None else 0
    late_minor = (chance * policy.late_penalty_minor + 5_000) // 10_000
    return Candidate(
        service.code, service.carrier, service.transit_days, offer.source, offer.label_minor, offer.surcharges, chance,
        sum(known.lane.values()), late_minor, offer.price_minor + late_minor, spare is not None and spare < 0, note,
        service.currency,
    )  # fmt: skip


def _by_total(one: Candidate) -> tuple[int, int, str]:
    return (one.total_minor, one.days, one.service)


def _by_arrival(offer: Offer, one: Candidate, ships_on: Leaves) -> tuple[date, int, str]:
    return (arrives_on(offer.service, ships_on), one.total_minor, one.service)
