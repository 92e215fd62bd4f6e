"""What holds an order when it is placed: pure rules steered by a versioned policy for each channel."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from entrepot.kernel import policies
from entrepot.parties import address as formats

Mode = Literal["enforce", "warn", "off"]


@policies.shape("orders.validation")
@dataclass(frozen=True, slots=True)
class Validation:
    """How orders of a channel are checked. A version of it is a policy, its scope the channel's code.

    Each rule holds the order (`enforce`), only records what it found in the event (`warn`), or is `off`. That a SKU
    is in the catalog is always enforced, since nothing could ship what is not.
    """

    payment: Mode = "enforce"
    fraud: Mode = "enforce"
    tax: Mode = "enforce"
    address: Mode = "enforce"
    inventory: Mode = "off"
    catalog: Mode = "enforce"
    duplicates: Mode = "off"
    expiry: Mode = "off"
    region: Mode = "off"
    export: Mode = "off"
    cash: Mode = "off"
    score: Mode = "off"
    newcomer: Mode = "off"
    blocked: Mode = "off"
    hazard: Mode = "off"
    price: Mode = "off"
    box: Mode = "off"
    format: Mode = "off"
    payment_required: bool = False
    payment_differs_max_minor: int | None = None  # given, more than the order costs is held as well
    authorization_days_max: int = 7
    review_signals: tuple[str, ...] = ("high_risk", "velocity", "mismatch", "stolen_card")
    review_total_minor: int | None = None
    review_orders_per_hour: int | None = None
    tax_max: float = 0.35  # of the net amount: more is a slip somewhere
    postal_code_required: bool = False
    duplicate_minutes: int = 10
    age_signal: str = "age_verified"
    regions_refused: tuple[str, ...] = ()  # a country, "KP", or the start of its postal codes, "ES35"
    exports_refused: tuple[str, ...] = ()  # a SKU or category and a country, "DRONE-1>US"
    cash_signal: str = "cash_on_delivery"
    cash_max_minor: int | None = None  # 0: no cash at all
    cash_countries: tuple[str, ...] = ()  # none named: all
    score_max: int = 80  # the channel's, told by the signal "score:87"
    newcomer_max_minor: int = 50_000
    blocked_customers: tuple[str, ...] = ()
    trusted_customers: tuple[str, ...] = ()  # spared by `score` and `newcomer`, never by `blocked`
    hazards_refused: tuple[
        str, ...
    ] = ()  # a service and a country, "air>US"; "air>" and ">US" for all of one
    price_floor: float = 0.5  # of the list price
    box_services_refused: tuple[str, ...] = ()  # that bring nothing to a PO box

    def __post_init__(self) -> None:
        for one in self.regions_refused:
            if not _REGION.fullmatch(one) or not formats.is_country(one[:2]):
                raise _wrong("regions_refused", 'a country and the start of its postal codes, "ES35"', one)
        for one in self.exports_refused:
            what, arrow, country = one.rpartition(">")
            if not (what and arrow and formats.is_country(country)):
                raise _wrong("exports_refused", 'a SKU or category and a country, "DRONE-1>US"', one)
        for one in self.cash_countries:
            if not formats.is_country(one):
                raise _wrong("cash_countries", 'countries by two letters, "GB"', one)
        for one in self.hazards_refused:
            service, arrow, country = one.rpartition(">")
            if not (arrow and (service or country) and (not country or formats.is_country(country))):
                raise _wrong("hazards_refused", 'a service and a country, "air>US"', one)
        if not self.price_floor >= 0:
            raise _wrong("price_floor", "a part of the list price, 0 or more", self.price_floor)


_REGION = re.compile(r"[A-Z]{2}[A-Z0-9-]*")


def _wrong(name: str, expected: str, found: object) -> ValueError:
    return ValueError(f"{name}: expected {expected}, found {found!r}")


IMPORTED = Validation(payment="off", fraud="off", tax="warn", address="off")
"""The default of channels of kind `import`: what is history already is not held for what can't be mended."""


class GoodsFact(NamedTuple):
    """What only some rules ask of the catalog."""

    category: str
    hazardous: bool
    list_price: Decimal | None


class LineFact(NamedTuple):
    """A line of goods as the catalog knows it; `known` is False where it doesn't."""

    sku: str
    quantity: int
    known: bool
    status: str = "active"
    minimum_age: int = 0
    unit_price: Decimal = Decimal(0)
    about: GoodsFact | None = None  # loaded where a policy asks


class PaymentFact(NamedTuple):
    amount_minor: int
    authorized_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """All that the rules see of an order."""

    at: datetime
    country: str
    postal_code: str
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    goods: tuple[LineFact, ...]
    payment: PaymentFact | None
    signals: tuple[str, ...] = ()
    recent: tuple[tuple[int, datetime], ...] = ()  # total and time of the customer's orders of the last hour
    nowhere: frozenset[str] = frozenset()  # SKUs of which no node has a unit
    promise_at: datetime | None = None
    service: str = ""
    customer: str | None = None
    is_first: bool = False  # no order of the customer came before
    is_to_box: bool = False
    problems: tuple[str, ...] = ()  # of the address's form, in words that don't repeat it


@dataclass(frozen=True, slots=True)
class Found:
    """A reason to hold the order, with the facts it was seen by."""

    type: str
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Rule = Callable[[OrderFacts, Validation], Found | None]
"""None is a pass."""


def payment(order: OrderFacts, policy: Validation) -> Found | None:
    given = order.payment
    if given is None:
        paid_later = policy.cash != "off" and policy.cash_signal in order.signals
        if policy.payment_required and order.total_minor > 0 and not paid_later:
            return Found(
                "payment hold", "No payment came with the order.", {"total_minor": order.total_minor}
            )
        return None
    differs = given.amount_minor - order.total_minor
    allowed = policy.payment_differs_max_minor
    if -differs > (allowed or 0) or (allowed is not None and differs > allowed):
        facts = {
            "authorized_minor": given.amount_minor,
            "total_minor": order.total_minor,
            "difference_minor": differs,
        }
        word = "Less" if differs < 0 else "More"
        return Found("payment hold", f"{word} is authorized than the order costs.", facts)
    if given.expires_at is not None and given.expires_at <= order.at:
        return Found(
            "payment hold", "The authorization has expired.", {"expires_at": given.expires_at.isoformat()}
        )
    age = (order.at - given.authorized_at).days
    if age > policy.authorization_days_max:
        facts = {"days": age, "days_max": policy.authorization_days_max}
        return Found("payment hold", "The authorization is too old.", facts)
    return None


def fraud(order: OrderFacts, policy: Validation) -> Found | None:
    raised = [signal for signal in order.signals if signal in policy.review_signals]
    if raised:
        return Found("fraud review", f"The channel reports {', '.join(raised)}.", {"signals": raised})
    if policy.review_total_minor is not None and order.total_minor >= policy.review_total_minor:
        facts = {"total_minor": order.total_minor, "from_minor": policy.review_total_minor}
        return Found("fraud review", "The amount is reviewed from this size on.", facts)
    if policy.review_orders_per_hour is not None and len(order.recent) >= policy.review_orders_per_hour:
        facts = {"orders": len(order.recent) + 1, "orders_max": policy.review_orders_per_hour}
        return Found("fraud review", "Many orders of one customer within an hour.", facts)
    return None


def tax(order: OrderFacts, policy: Validation) -> Found | None:
    if order.tax_minor == 0:
        return None
    limit = round(max(0, order.net_minor) * policy.tax_max)
    if not 0 <= order.tax_minor <= limit:
        facts = {"tax_minor": order.tax_minor, "net_minor": order.net_minor, "tax_minor_max": limit}
        return Found("tax hold", "The tax can't be right for this amount.", facts)
    return None


_COUNTRY = re.compile(r"[A-Z]{2}")
_POSTAL_CODES = {
    "AT": r"\d{4}", "AU": r"\d{4}", "BE": r"\d{4}", "CA": r"[A-Z]\d[A-Z] ?\d[A-Z]\d", "CH": r"\d{4}", "DE": r"\d{5}",
    "DK": r"\d{4}", "ES": r"\d{5}", "FI": r"\d{5}", "FR": r"\d{5}",
    "GB": r"GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", "IT": r"\d{5}", "JP": r"\d{3}-?\d{4}",
    "NL": r"\d{4} ?[A-Z]{2}", "NO": r"\d{4}", "PL": r"\d{2}-\d{3}", "PT": r"\d{4}-\d{3}", "SE": r"\d{3} ?\d{2}",
    "US": r"\d{5}(-\d{4})?",
}  # fmt: skip
_POSTAL_PATTERNS = {country: re.compile(pattern) for country, pattern in _POSTAL_CODES.items()}


def address(order: OrderFacts, policy: Validation) -> Found | None:
    if not order.goods:
        return None
    if not _COUNTRY.fullmatch(order.country):
        return Found("address hold", "The country is no ISO code of two letters.", {"country": order.country})
    if not order.postal_code:
        if policy.postal_code_required:
            return Found("address hold", "The postal code is missing.", {"country": order.country})
        return None
    pattern = _POSTAL_PATTERNS.get(order.country)
    if pattern and not pattern.fullmatch(order.postal_code.strip().upper()):
        # The code itself is personal data and stays with the order.
        return Found("address hold", "The postal code is none of its country.", {"country": order.country})
    return None


def inventory(order: OrderFacts, policy: Validation) -> Found | None:  # noqa: ARG001  rules are of one shape
    missing = sorted({line.sku for line in order.goods if line.sku in order.nowhere})
    if missing and len(missing) == len({line.sku for line in order.goods}):
        return Found("inventory hold", "No node has a unit of any of it.", {"skus": missing})
    return None


def catalog(order: OrderFacts, policy: Validation) -> Found | None:
    discontinued = sorted({line.sku for line in order.goods if line.known and line.status == "discontinued"})
    if discontinued:
        return Found(
            "inventory hold", f"Discontinued: {', '.join(discontinued)}.", {"discontinued": discontinued}
        )
    if policy.age_signal not in order.signals:
        restricted = sorted({line.sku for line in order.goods if line.minimum_age > 0})
        if restricted:
            facts = {"restricted": restricted, "signal": policy.age_signal}
            return Found("exception", f"The customer's age is not proved for {', '.join(restricted)}.", facts)
    return None


def duplicates(order: OrderFacts, policy: Validation) -> Found | None:
    minutes = policy.duplicate_minutes
    for total, at in order.recent:
        if total == order.total_minor and abs((order.at - at).total_seconds()) <= minutes * 60:
            facts = {"minutes": minutes, "total_minor": total}
            return Found(
                "fraud review", "The customer placed an order of the same amount just before.", facts
            )
    return None


def expiry(order: OrderFacts, policy: Validation) -> Found | None:  # noqa: ARG001  rules are of one shape
    given, promised = order.payment, order.promise_at
    if given is None or given.expires_at is None or promised is None:
        return None
    if order.at < given.expires_at < promised:  # one that has expired already is found by `payment`
        facts = {"expires_at": given.expires_at.isoformat(), "promise_at": promised.isoformat()}
        return Found("payment hold", "The authorization expires before the promised date.", facts)
    return None


def region(order: OrderFacts, policy: Validation) -> Found | None:
    if not order.goods:
        return None
    place = order.country + "".join(order.postal_code.upper().split())
    refused = [one for one in policy.regions_refused if one and place.startswith(one)]
    if refused:
        facts = {"country": order.country, "refused": refused}
        return Found("address hold", f"Nothing is sent to {', '.join(refused)}.", facts)
    return None


def export(order: OrderFacts, policy: Validation) -> Found | None:
    refused = sorted(
        {
            line.sku
            for line in order.goods
            if f"{line.sku}>{order.country}" in policy.exports_refused
            or (line.about and f"{line.about.category}>{order.country}" in policy.exports_refused)
        }
    )
    if refused:
        facts = {"refused": refused, "country": order.country}
        return Found("exception", f"May not be sent to {order.country}: {', '.join(refused)}.", facts)
    return None


def cash(order: OrderFacts, policy: Validation) -> Found | None:
    if policy.cash_signal not in order.signals:
        return None
    limit = policy.cash_max_minor
    if limit is not None and order.total_minor > limit:
        facts = {"total_minor": order.total_minor, "cash_minor_max": limit}
        return Found("payment hold", "More is to be paid on delivery than may be.", facts)
    if policy.cash_countries and order.country not in policy.cash_countries:
        where: dict[str, Any] = {"country": order.country, "cash_countries": policy.cash_countries}
        return Found("payment hold", "Nothing is paid on delivery in this country.", where)
    return None


def score(order: OrderFacts, policy: Validation) -> Found | None:
    if order.customer in policy.trusted_customers:
        return None
    told = [int(one[6:]) for one in order.signals if _SCORE.fullmatch(one)]
    if told and max(told) > policy.score_max:
        facts = {"score": max(told), "score_max": policy.score_max}
        return Found("fraud review", "The channel's score of risk is above the limit.", facts)
    return None


_SCORE = re.compile(r"score:[0-9]{1,9}")


def newcomer(order: OrderFacts, policy: Validation) -> Found | None:
    if not order.is_first or order.customer in policy.trusted_customers:
        return None
    if order.total_minor > policy.newcomer_max_minor:
        facts = {"total_minor": order.total_minor, "first_minor_max": policy.newcomer_max_minor}
        return Found("fraud review", "A first order is reviewed above this amount.", facts)
    return None


def blocked(order: OrderFacts, policy: Validation) -> Found | None:
    if order.customer in policy.blocked_customers:
        return Found("fraud review", "The customer is on the block list.", {"customer": order.customer})
    return None


def hazard(order: OrderFacts, policy: Validation) -> Found | None:
    ways = (f"{order.service}>{order.country}", f"{order.service}>", f">{order.country}")
    refused = [one for one in policy.hazards_refused if one in ways and one != ">"]
    goods = sorted({line.sku for line in order.goods if line.about and line.about.hazardous})
    if refused and goods:
        facts = {"hazardous": goods, "service": order.service, "country": order.country, "refused": refused}
        return Found("exception", f"Hazardous goods may not go this way: {', '.join(goods)}.", facts)
    return None


def price(order: OrderFacts, policy: Validation) -> Found | None:
    part = Decimal(str(policy.price_floor))
    below = sorted(
        {
            line.sku
            for line in order.goods
            if line.about and line.about.list_price and line.unit_price < line.about.list_price * part
        }
    )
    if below:
        facts = {"below": below, "price_floor": policy.price_floor}
        return Found("exception", f"Sold below the floor: {', '.join(below)}.", facts)
    return None


def box(order: OrderFacts, policy: Validation) -> Found | None:
    if order.is_to_box and order.service in policy.box_services_refused:
        return Found(
            "address hold", f"{order.service} brings nothing to a PO box.", {"service": order.service}
        )
    return None


_BOX = re.compile(
    r"\b(p\.? ?o\.? ?box|post office box|postfach|postbus|apartado( de correos)?|casella postale)\b"
)


def is_box(*lines: str) -> bool:
    """Whether an address names a PO box, in the words of some languages."""
    return any(_BOX.search(line.lower()) for line in lines)


def format(order: OrderFacts, policy: Validation) -> Found | None:  # noqa: A001, ARG001  the name of its mode
    if order.goods and order.problems:
        return Found("address hold", " ".join(order.problems), {"country": order.country})
    return None


RULES: dict[str, Rule] = {
    "payment": payment,
    "fraud": fraud,
    "tax": tax,
    "address": address,
    "inventory": inventory,
    "catalog": catalog,
    "duplicates": duplicates,
    "expiry": expiry,
    "region": region,
    "export": export,
    "cash": cash,
    "score": score,
    "newcomer": newcomer,
    "blocked": blocked,
    "hazard": hazard,
    "price": price,
    "box": box,
    "format": format,
}
"""Every rule, by the name of its mode in the policy."""


class Verdict(NamedTuple):
    """What holds the order, and what was only noticed, as (rule, reason)."""

    holds: tuple[Found, ...]
    warnings: tuple[tuple[str, str], ...]


FINE = Verdict((), ())


def judge(order: OrderFacts, policy: Validation) -> Verdict:
    """Ask every rule that the policy has not switched off. One hold of a type bears all reasons of that type."""
    holds: dict[str, Found] = {}
    warnings: list[tuple[str, str]] = []
    unknown = sorted({line.sku for line in order.goods if not line.known})
    if unknown:
        reason = f"Not in the catalog: {', '.join(unknown)}."
        holds["inventory hold"] = Found("inventory hold", reason, {"unknown": unknown})
    for name, rule in RULES.items():
        mode = getattr(policy, name)
        found = None if mode == "off" else rule(order, policy)
        if found is None:
            continue
        if mode == "warn":
            warnings.append((name, found.reason))
        else:
            before = holds.get(found.type)
            holds[found.type] = found if before is None else _joined(before, found)
    return Verdict(tuple(holds.values()), tuple(warnings)) if holds or warnings else FINE


def _joined(one: Found, other: Found) -> Found:
    return Found(one.type, f"{one.reason} {other.reason}", {**one.facts, **other.facts})
