"""Orders judged by every rule, all of them enforced: the rules alone, and with all that they are told loaded.

Orders differ in what the rules look at: customers, baskets, prices, cards, addresses, countries, services, signals, tax
numbers; about a third of them is held for something. Lists of the policy are long.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from bench import house

if TYPE_CHECKING:
    from entrepot.orders.commands.place import PlaceOrder
    from entrepot.orders.validation import Validation

BATCH, BEFORE, CUSTOMERS = 1_000, 5_000, 30_000
SIGNALS: tuple[tuple[str, ...], ...] = ((), ("age_verified",), ("score:12",), ("score:91",))
PLACES = {
    "GB": ("SW1A 1AA", "London", ""),
    "DE": ("10115", "Berlin", ""),
    "US": ("94105", "San Francisco", "CA"),
    "FR": ("75001", "Paris", ""),
}


def policy() -> Validation:
    """Every rule enforced, with what it needs to have something to say."""
    from entrepot.orders.validation import RULES, Validation

    return Validation(
        **dict.fromkeys(RULES, "enforce"),
        payment_required=True, payment_differs_max_minor=500, expiry_hours_min=12, review_total_minor=90_000,
        review_orders_per_hour=20, address_required=True, postal_code_required=True, mismatch_from="street",
        velocity_card_max=20, velocity_address_max=20, velocity_email_max=20, duplicate_minutes=30, reverse_charge=True,
        cash_max_minor=20_000, cash_countries=("GB", "DE"), newcomer_max_minor=60_000, price_floor=0.4, changed_max=0.2,
        box_services_refused=("courier", "express"),
        regions_refused=("KP", "SY", *(f"ES{code}" for code in range(35_000, 35_500))),
        exports_refused=("SKU-007>US", "optics>FR", *(f"hs:{code}>US" for code in range(8500, 9000))),
        hazards_refused=("air>", "courier>FR"),
        blocked_customers=tuple(f"C-BAD-{i}" for i in range(5_000)), trusted_customers=("C-0001", "C-0002"),
        blocked_fingerprints=tuple(f"email:{i:032x}" for i in range(5_000)),
    )  # fmt: skip


def furnish() -> None:
    """A fresh house with the policy, SKUs with prices of now and before, rates, exemptions and orders of before."""
    from entrepot.catalog.commands.register import RegisterSku, register_skus
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.kernel.policies import SetPolicy, set_policy
    from entrepot.orders.commands.place import place
    from entrepot.parties.commands.register import RegisterCustomer, register_customers
    from entrepot.tax.commands.exempt import RegisterExemption, register_exemptions
    from entrepot.tax.commands.register import RegisterRate, register_rates

    house.fresh()
    actor = Actor("system:bench", everything=True)
    now = Cause(actor, house.AT, "a benchmark")
    for cause, more in ((Cause(actor, house.AT - timedelta(days=30), "before"), 90), (now, 100)):
        whole(register_skus(cause, requests=[
            RegisterSku(
                house.COMPANY, house.sku_code(i), f"Thing {i}", ("things", "optics", "sprays", "books")[i % 4],
                weight_g=100 + i, minimum_age=18 if i % 100 == 0 else 0, hazardous=i % 40 == 0,
                hs_code=f"{8400 + i}.10",
                list_price=Decimal(house.PRICES_MINOR[i] * (more if i % 10 == 0 else 100)) / 10_000,
            )
            for i in range(house.SKUS)
        ]))  # fmt: skip
    people = [RegisterCustomer(house.COMPANY, house.customer_code(i)) for i in range(CUSTOMERS)]
    whole(register_customers(now, requests=people))
    day = date(2020, 1, 1)
    rates = [
        RegisterRate(house.COMPANY, country, Decimal(rate), day, region, category)
        for country, region, rate in (
            ("GB", "", "0.2"),
            ("DE", "", "0.19"),
            ("FR", "", "0.2"),
            ("US", "", "0"),
            ("US", "CA", "0.0725"),
        )
        for category in ("", "books")
    ]
    whole(register_rates(now, requests=rates))
    proofs = [
        RegisterExemption(house.COMPANY, house.customer_code(i), f"EX-{i}", day)
        for i in range(0, CUSTOMERS, 100)
    ]
    whole(register_exemptions(now, requests=proofs))
    whole(
        set_policy(
            now, requests=[SetPolicy(house.COMPANY, "orders.validation", policy(), house.AT - timedelta(1))]
        )
    )
    for some in batches(orders(BEFORE, seed=1)):
        whole(place(now, requests=some))
    with house.connect() as connection:
        connection.execute("ANALYZE")


def orders(count: int, *, seed: int) -> Iterator[PlaceOrder]:
    """Orders of one to four lines, most of them good; made as they are asked for, as they would come."""
    dice = random.Random(seed)
    return (_order(dice, f"V-{seed}-{i}") for i in range(count))


def _order(dice: random.Random, name: str) -> PlaceOrder:
    from entrepot.orders.commands.place import (
        AddressGiven,
        BillingGiven,
        OrderLine,
        PaymentGiven,
        PlaceOrder,
    )

    who, country = dice.randrange(CUSTOMERS), dice.choices(tuple(PLACES), (70, 20, 5, 5))[0]
    code, city, region = PLACES[country]
    skus = dice.sample(range(house.SKUS), dice.randint(1, 4))
    at = house.AT - timedelta(minutes=dice.randrange(240))
    minor = [house.PRICES_MINOR[sku] * dice.choices((100, 30), (98, 2))[0] // 100 for sku in skus]
    rate = {"GB": 20, "DE": 19, "FR": 20, "US": 7}[country]
    tax = sum(minor) * rate // 100
    street = f"{who} High Street" if dice.random() > 0.02 else "PO Box 7"
    mail = f"{who if dice.random() > 0.05 else dice.randrange(500)}@example.com"
    there = AddressGiven(f"Customer {who}", street, city, region=region, email=mail)
    billing = None
    if dice.random() < 0.1:
        billing = BillingGiven(f"Customer {who}", street, city, country, code, region=region)
    return PlaceOrder(
        company=house.COMPANY, channel="shop", external_id=name, currency="GBP", occurred_at=at,
        lines=tuple(
            OrderLine(house.sku_code(sku), 1, Decimal(price) / 100) for sku, price in zip(skus, minor, strict=True)
        ),
        customer=house.customer_code(who), country=country, postal_code=code if dice.random() > 0.02 else "nowhere",
        address=there, billing=billing, tax_minor=tax, service=dice.choice(("post", "post", "courier", "air")),
        promise_at=house.AT + timedelta(days=3), signals=dice.choices(SIGNALS, (60, 20, 18, 2))[0],
        payment=PaymentGiven(
            "account", name, sum(minor) + tax, at - timedelta(days=dice.randrange(8)), house.AT + timedelta(days=6),
            card=f"tok-{who if dice.random() > 0.05 else dice.randrange(500)}",
        ),
        tax_number=dice.choices(("", "DE136695976", "DE136695977"), (90, 9, 1))[0],
    )  # fmt: skip


def batches(some: Iterator[Any]) -> Iterator[Sequence[Any]]:
    while batch := list(islice(some, BATCH)):
        yield batch


def judged(count: int) -> tuple[float, float, float, Counter[str]]:
    """Seconds that so many orders take to be loaded, decided on and judged, how many of them this process worked (the
    rest is the server, and whoever else uses the machine), those of judging alone, and orders by their holds.
    """
    from entrepot.kernel import sql
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.orders import facts, validation
    from entrepot.orders.commands.place import decide

    cause, terms = Cause(Actor("system:bench", everything=True), house.AT, "a benchmark"), policy()
    took = worked = alone = 0.0
    held: Counter[str] = Counter()
    for some in batches(orders(count, seed=2)):
        began, idle = time.perf_counter(), time.process_time()
        with sql.transaction():
            known = facts.load(cause, some)
            drafts = [decide(cause, one, known) for one in some]
        took += time.perf_counter() - began
        worked += time.process_time() - idle
        began = time.perf_counter()
        for draft in drafts:
            validation.judge(draft.seen, terms)
        alone += time.perf_counter() - began
        held.update(
            kind for draft in drafts for kind in {one.type for one in draft.verdict.holds} or {"no hold"}
        )
    return took, worked, alone, held


def placed(count: int) -> float:
    """Seconds that so many orders take to be placed whole, with their holds and work items."""
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.orders.commands.place import place

    cause, some = (
        Cause(Actor("system:bench", everything=True), house.AT, "a benchmark"),
        orders(count, seed=3),
    )
    began = time.perf_counter()
    for batch in batches(some):
        whole(place(cause, requests=batch))
    return time.perf_counter() - began
