"""The policy that steers validation, a version for each channel."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar

from entrepot.kernel.shapes import shape
from entrepot.parties import address as formats
from entrepot.parties.rules import FINGERPRINT

Mode = Literal["enforce", "warn", "off"]


@shape("orders.validation")
@dataclass(frozen=True, slots=True)
class Validation:
    """How orders of a channel are checked: its scope is the channel's code, without one it is for all channels.

    Each rule holds the order (`enforce`), only records what it found in the event (`warn`), or is `off`. That a SKU
    is in the catalog is always enforced, since nothing could ship what is not. Lists are compared without regard to
    case; countries stand in capital letters.
    """

    payment: Mode = "enforce"  # less is authorized than it costs, or the authorization is over or too old
    currency: Mode = "enforce"  # it is paid in another currency than its own
    fraud: Mode = "enforce"  # signals of the channel, a large amount, many orders of one customer
    tax: Mode = "enforce"  # its tax can't be right for its amount
    tax_number: Mode = "warn"  # the tax number has not the form of its country
    recompute: Mode = "off"  # its tax is not what the rates in force make of it
    address: Mode = "enforce"  # country, address or postal code lack or have not their form
    inventory: Mode = "off"  # more units are wanted than the channel can have
    catalog: Mode = "enforce"  # something is discontinued, or asks for an age that is not proved
    duplicates: Mode = "off"  # its customer ordered the same just before
    expiry: Mode = "off"  # the authorization ends before the promised date
    region: Mode = "off"  # nothing is sent there
    export: Mode = "off"  # something may not go to that country
    cash: Mode = "off"  # cash on delivery that is too much, or not taken there
    score: Mode = "off"  # the channel's score of risk is above the limit
    velocity: Mode = "off"  # many orders by one card, address or mail address
    mismatch: Mode = "off"  # it is billed elsewhere than it is sent to
    newcomer: Mode = "off"  # a first order above the limit
    blocked: Mode = "enforce"  # its customer, card, address or mail address is blocked
    hazard: Mode = "off"  # hazardous goods by that service or to that country
    price: Mode = "off"  # something is sold below a part of its list price
    reservation: Mode = "warn"  # nothing is reserved for the cart or checkout that it names
    changed: Mode = "off"  # a list price is another one than when it was quoted
    service: Mode = "warn"  # no carrier of the house has the service that it wishes for
    box: Mode = "off"  # it goes to a PO box by a service that brings nothing there
    format: Mode = "off"  # the address lacks a part that its country requires
    inventory_short: Literal["any", "all"] = "all"  # whether units lack of any of its SKUs, or of all
    payment_required: bool = False
    payment_differs_max_minor: int | None = None  # given, more than the order costs is held as well
    authorization_days_max: int = 7
    expiry_hours_min: int = 0  # that an authorization must last from the order on, promised date or not
    review_signals: tuple[str, ...] = ("high_risk", "velocity", "mismatch", "stolen_card")
    review_total_minor: int | None = None
    review_orders_per_hour: int | None = None
    velocity_minutes: int = 60
    velocity_card_max: int | None = (
        3  # orders by one card within that time; without a number it does not count
    )
    velocity_address_max: int | None = 3
    velocity_email_max: int | None = 3
    mismatch_from: Literal["country", "postal code", "street"] = "country"  # what must differ at least
    mismatch_above_minor: int = 0  # of cheaper orders nobody asks
    tax_max: float = 0.35  # of the net amount: more is a slip somewhere
    tax_tolerance_minor: int = 5  # by which the tax may differ from what was worked out
    tax_tolerance: float = 0.0  # or by this part of it, where that is more
    tax_on_shipping: bool = True
    reverse_charge: bool = (
        False  # businesses of other countries of the European Union owe their tax themselves
    )
    address_required: bool = False
    postal_code_required: bool = False
    duplicate_minutes: int = 10
    duplicate_by: Literal["lines", "total"] = "lines"
    age_signal: str = "age_verified"  # proves any age; "age:18" proves that one
    regions_refused: tuple[str, ...] = ()  # a country, "KP", or the start of its postal codes, "ES35"
    exports_refused: tuple[
        str, ...
    ] = ()  # a SKU, a category or "hs:" and the start of an HS code, "DRONE-1>US"
    cash_signal: str = "cash_on_delivery"
    cash_max_minor: int | None = None  # 0: no cash at all
    cash_countries: tuple[str, ...] = ()  # none named: all
    score_max: int = 80  # the channel's, told by the signal "score:87"
    newcomer_max_minor: int = 50_000
    blocked_customers: tuple[str, ...] = ()
    blocked_fingerprints: tuple[
        str, ...
    ] = ()  # "email:" and 32 hexadecimal digits, as the order's page shows them
    trusted_customers: tuple[str, ...] = ()  # spared by score, newcomer, velocity, mismatch; never by blocked
    trusted_fingerprints: tuple[str, ...] = ()  # likewise
    hazards_refused: tuple[str, ...] = ()  # a service, a country or both: "air>", ">US", "air>US"
    price_floor: float = 0.5  # of the list price
    changed_max: float = 0.0  # the part by which a list price may have changed since the order was priced
    box_services_refused: tuple[str, ...] = ()  # that bring nothing to a PO box

    def __post_init__(self) -> None:
        for names, expected, fits in _CHECKS:
            for name in names:
                given = getattr(self, name)
                for one in given if isinstance(given, tuple) else (given,):
                    if not fits(one):
                        raise ValueError(f"{name}: expected {expected}, found {one!r}")


DAY = 24 * 60


def _is_way(entry: str) -> bool:
    service, arrow, country = entry.rpartition(">")
    return bool(arrow and (service or country) and (not country or formats.is_country(country)))


_REGION = re.compile(r"[A-Z]{2}[A-Z0-9-]*")

_CHECKS: tuple[tuple[tuple[str, ...], str, Callable[[Any], bool]], ...] = (
    (
        ("authorization_days_max", "expiry_hours_min", "mismatch_above_minor", "tax_max", "tax_tolerance_minor",
         "tax_tolerance", "price_floor", "changed_max"),
        "0 or more",
        lambda found: found >= 0,
    ),
    (
        ("velocity_minutes", "duplicate_minutes"),
        f"0 to {DAY} minutes, a day",
        lambda found: 0 <= found <= DAY,
    ),
    (
        ("review_signals", "blocked_customers", "trusted_customers", "box_services_refused"),
        "words without blanks around them",
        lambda entry: bool(entry) and entry == entry.strip(),
    ),
    (
        ("blocked_fingerprints", "trusted_fingerprints"),
        '"card:", "address:" or "email:" and 32 hexadecimal digits',
        lambda entry: bool(FINGERPRINT.fullmatch(entry.lower())),
    ),
    (
        ("regions_refused",),
        'a country and the start of its postal codes, "ES35"',
        lambda entry: bool(_REGION.fullmatch(entry)) and formats.is_country(entry[:2]),
    ),
    (
        ("exports_refused",),
        'a SKU, a category or "hs:8806", and a country, "DRONE-1>US"',
        lambda entry: bool(entry.rpartition(">")[0]) and formats.is_country(entry.rpartition(">")[2]),
    ),
    (("cash_countries",), 'countries by two letters, "GB"', formats.is_country),
    (("hazards_refused",), 'a service and a country, "air>US"', _is_way),
)  # fmt: skip
"""Fields of the policy, what each, or each entry of its list, must be, and whether it is: what is not could never
match."""


T = TypeVar("T", bound=Hashable)
R = TypeVar("R")


def once(read: Callable[[T], R]) -> Callable[[T], R]:
    """What is made of a policy or of one of its lists, made once for each: lists may be long, and every order asks.

    By identity, since to compare them takes as long as to make it again; they never change.
    """
    made: dict[int, tuple[T, R]] = {}

    @wraps(read)
    def asked(of: T) -> R:
        kept = made.get(id(of))
        if kept is None or kept[0] is not of:
            if len(made) >= _KEPT:
                made.clear()
            kept = made[id(of)] = (of, read(of))
        return kept[1]

    return asked


_KEPT = 4096


@once
def folded(entries: tuple[str, ...]) -> frozenset[str]:
    """A list in lower case."""
    return frozenset(one.lower() for one in entries)


@once
def starts(entries: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Starts of postal codes by their country, '' for all of it."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        found.setdefault(entry[:2], set()).add(entry[2:])
    return {country: frozenset(codes) for country, codes in found.items()}


@once
def by_country(entries: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """What is named before `>`, in lower case, by the country behind it."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        what, _, country = entry.rpartition(">")
        found.setdefault(country, set()).add(what.lower())
    return {country: frozenset(names) for country, names in found.items()}


IMPORTED = Validation(
    payment="off",
    currency="off",
    fraud="off",
    tax="warn",
    tax_number="off",
    address="off",
    blocked="off",
    service="off",
    reservation="off",
)
"""The default of channels of kind `import`: what is history already is not held for what can't be mended."""
