"""A synthetic retailer: who, where, what, and what it costs. The same seed makes the same house."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from biip.checksums import gs1_standard_check_digit

from entrepot.carriage.commands.register import register_services
from entrepot.carriage.rules import RegisterService, Zone
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.kernel import policies
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands import register as network
from entrepot.orders.validation import Validation
from entrepot.parties.commands import register as parties
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.returns.portal_queries import Portal
from entrepot.settlement.invoicing import Seller
from entrepot.sourcing.rules import Profile
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.tax.commands.register import register_rates
from entrepot.tax.rules import RegisterRate
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.work.rules import Priority

COMPANY = 1
CURRENCY = "GBP"
SKUS = 400
CUSTOMERS = 400
TIERS = {"silver": 6, "gold": 17}
"""One customer in so many is of a tier."""
SCARCE_EVERY = 33
"""One SKU in so many is too little for a day: these make splits and backorders."""
FACE_UNITS = 60
"""Of a SKU that its place for picking has room for."""

NODES = (
    ("LDN", "London", 1, "NW10 7XF", 51.53, -0.27),
    ("MAN", "Manchester", 2, "M17 1SN", 53.47, -2.32),
    ("GLA", "Glasgow", 3, "G51 4BP", 55.86, -4.33),
)
CHANNELS = (
    ("shop", "Web shop", "storefront", 5, 0),
    ("market", "Marketplace", "marketplace", 6, 2),
    ("trade", "Trade accounts", "wholesale", 7, 0),
    ("social", "Social shop", "social", 4, 1),
)
SUPPLIERS = (
    ("ALDER", "Alder & Sons", 5),
    ("BRIGHT", "Brightside Imports", 9),
    ("CLAY", "Claymakers Guild", 14),
)

_THINGS = {
    "kitchen": (
        ("mug", 380, 12, 12),
        ("serving bowl", 1400, 28, 10),
        ("chef's knife", 310, 36, 5),
        ("teapot", 900, 22, 16),
    ),
    "lighting": (("desk lamp", 2100, 30, 25), ("night light", 240, 12, 9), ("lantern", 1300, 24, 20)),
    "textiles": (("wool throw", 1200, 40, 12), ("linen napkins", 300, 22, 5), ("cushion", 700, 40, 18)),
    "paper": (("notebook", 270, 21, 3), ("fountain pen", 60, 15, 3), ("gift wrap", 180, 70, 6)),
    "toys": (("wooden train", 800, 30, 12), ("jigsaw", 950, 32, 7), ("juggling balls", 420, 14, 8)),
    "garden": (("trowel", 350, 32, 6), ("watering can", 1100, 38, 22), ("seed tin", 500, 20, 12)),
}
"""By category: what it is, grams, and the length and height in centimetres."""

CARTONS = (
    ("C1", 250, 180, 80, 5_000, 60, 22),
    ("C2", 320, 240, 140, 10_000, 110, 34),
    ("C3", 420, 320, 200, 15_000, 210, 55),
    ("C4", 460, 380, 280, 20_000, 320, 78),
    ("C5", 600, 420, 320, 25_000, 480, 110),
    ("C6", 600, 500, 480, 30_000, 780, 180),
)
"""Inner measures in millimetres, the grams they hold, their own grams, and pence."""

_FRAGILE = ("mug", "serving bowl", "teapot", "desk lamp", "night light", "lantern")
_UPRIGHT = ("teapot", "desk lamp", "lantern")
_KITS = (
    ("HH-TEA", "Tea for four", (("HH-0001", 4), ("HH-0004", 1))),
    ("HH-LETTERS", "The letter writer's set", (("HH-0011", 2), ("HH-0012", 1))),
    ("HH-GARDEN", "The first garden", (("HH-0017", 1), ("HH-0018", 1), ("HH-0019", 3))),
)
"""What is sold together: by code, name and components. It costs a tenth less than these do alone."""

_COLORS = ("river blue", "sand", "moss", "brick", "slate", "cream", "plum", "ochre")

PLACES: dict[str, tuple[float, float]] = {
    "": (54.0, -2.5), "BA": (51.38, -2.36), "BS": (51.45, -2.59), "CF": (51.48, -3.18), "DD": (56.46, -2.97),
    "LA": (54.33, -2.74), "LS": (53.80, -1.55), "OX": (51.75, -1.26), "YO": (53.96, -1.08),
}  # fmt: skip
"""Where customers live, by the area of their postal codes."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A SKU for sale. `demand` weighs how often it is bought."""

    code: str
    id: UUID
    price: Decimal
    cost: Decimal
    demand: float
    is_scarce: bool
    minimum_age: int = 0


@dataclass(frozen=True, slots=True)
class Retailer:
    """Ids of what was set up."""

    nodes: tuple[UUID, ...]
    channels: dict[str, UUID]
    things: tuple[Thing, ...]
    discontinued: Thing
    kits: tuple[Thing, ...]


def set_up(cause: Cause, buyer: Cause, receiver: Cause, seed: int) -> Retailer:
    """Make the house and fill its shelves: the buyer orders, the receiver attests that it came."""
    chance = Random(seed)
    company = parties.RegisterCompany(COMPANY, "hearth", "Hearth & Home Ltd", CURRENCY, "GB")
    whole(parties.register_companies(cause, requests=[company]))
    whole(open_books(cause, requests=[OpenBooks(COMPANY)]))
    nodes, floors = _network(cause)
    channels = _channels(cause, nodes)
    things = _catalog(cause, chance)
    kits = _kits(cause, things)
    _carriage(cause)
    whole(register_cartons(cause, requests=[RegisterCarton(COMPANY, *carton) for carton in CARTONS]))
    rate = RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2011, 1, 4))
    whole(register_rates(cause, requests=[rate]))
    suppliers = _suppliers(cause, things)
    _customers(cause)
    _policies(cause)
    _fill(buyer, receiver, chance, floors, suppliers, things)
    _floors(cause, nodes, channels, things)
    return Retailer(nodes, channels, things[:-1], things[-1], kits)


@dataclass(frozen=True, slots=True)
class Floor:
    """Where goods stand at a node: bins by what they are for, in the order of the walk."""

    dock: UUID
    picks: tuple[UUID, ...]
    reserves: tuple[UUID, ...]


def _network(cause: Cause) -> tuple[tuple[UUID, ...], dict[UUID, Floor]]:
    """The nodes, and where goods stand in each."""
    requests = [
        network.RegisterNode(
            COMPANY,
            code,
            name,
            "GB",
            postal_code=postal_code,
            latitude=latitude,
            longitude=longitude,
            priority=priority,
            time_zone="Europe/London",
        )
        for code, name, priority, postal_code, latitude, longitude in NODES
    ]
    nodes = tuple(node.id for node in whole(network.register_nodes(cause, requests=requests)))
    places = [network.RegisterPlace("GB", start, *place) for start, place in PLACES.items()]
    whole(network.register_places(cause, requests=places))
    zones = whole(
        network.register_zones(
            cause,
            requests=[
                network.RegisterZone(node, zone, kind)
                for node in nodes
                for zone, kind in (("A", "pick"), ("R", "reserve"), ("D", "dock"))
            ],
        )
    )
    wanted = [
        bin_
        for i, node in enumerate(nodes)
        for bin_ in _bins(node, [zone.id for zone in zones[3 * i : 3 * i + 3]])
    ]
    made = whole(network.register_bins(cause, requests=wanted))
    bins: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for bin_, registered in zip(wanted, made, strict=True):
        bins[bin_.node, bin_.kind].append(registered.id)
    floors = {
        node: Floor(bins[node, "receiving"][0], tuple(bins[node, "pick"]), tuple(bins[node, "reserve"]))
        for node in nodes
    }
    layouts = [network.RegisterLayout(node, (1, 2, 3, 4, 5), (0, 9), 1, 0, unit_mm=3_000) for node in nodes]
    whole(network.register_layouts(cause, requests=layouts))
    cut_offs = [network.SetCutOff(node, weekday, time(16)) for node in nodes for weekday in range(5)]
    whole(network.set_cut_offs(cause, requests=cut_offs))
    return nodes, floors


def _bins(node: UUID, zones: list[UUID]) -> list[network.RegisterBin]:
    pick, reserve, dock = zones
    aisles = [
        network.RegisterBin(
            COMPANY,
            node,
            f"A{aisle}-{place:02}",
            "pick",
            zone=pick,
            pick_sequence=10 * aisle + place,
            x=aisle,
            y=place,
        )
        for aisle in range(1, 5)
        for place in range(1, 9)
    ]
    high = [
        network.RegisterBin(
            COMPANY, node, f"R-{i:02}", "reserve", zone=reserve, pick_sequence=200 + i, x=5, y=i
        )
        for i in range(1, 9)
    ]
    floor = [
        network.RegisterBin(COMPANY, node, code, kind, zone=dock, pick_sequence=300 + i, x=i + 1)
        for i, (code, kind) in enumerate(
            (("IN", "receiving"), ("OUT", "staging"), ("PACK-1", "packing"), ("Q", "quarantine"))
        )
    ]
    return aisles + high + floor


def _channels(cause: Cause, nodes: tuple[UUID, ...]) -> dict[str, UUID]:
    requests = [
        network.RegisterChannel(COMPANY, code, name, CURRENCY, kind=kind, priority=priority, buffer=buffer)
        for code, name, kind, priority, buffer in CHANNELS
    ]
    made = {one.code: one.id for one in whole(network.register_channels(cause, requests=requests))}
    serving = [network.ServeChannel(channel, node) for channel in made.values() for node in nodes]
    whole(network.serve_channels(cause, requests=serving))
    return made


def _catalog(cause: Cause, chance: Random) -> tuple[Thing, ...]:
    """SKUs with dimensions, prices and costs; the last one is discontinued."""
    kinds = [(category, *thing) for category, things in _THINGS.items() for thing in things]
    requests = []
    for i in range(SKUS):
        category, noun, weight_g, length_cm, height_cm = kinds[i % len(kinds)]
        price = Decimal(chance.randint(395, 8995)) / 100
        requests.append(
            RegisterSku(
                COMPANY,
                f"HH-{i + 1:04}",
                f"{noun.capitalize()}, {_COLORS[i // len(kinds) % len(_COLORS)]} no. {i + 1}",
                category=category,
                weight_g=weight_g + chance.randint(0, 90),
                length_mm=10 * length_cm,
                width_mm=8 * length_cm,
                height_mm=10 * height_cm,
                barcode=barcode(i),
                list_price=price,
                fragile=noun in _FRAGILE,
                upright=noun in _UPRIGHT,
                minimum_age=18 if noun == "chef's knife" else 0,
                standard_cost=(price * Decimal("0.42")).quantize(Decimal("0.0001")),
                status="discontinued" if i == SKUS - 1 else "active",
            )
        )
    made = whole(register_skus(cause, requests=requests))
    return tuple(
        _thing(i, sku.id, request) for i, (sku, request) in enumerate(zip(made, requests, strict=True))
    )


def barcode(i: int) -> str:
    """Of the i-th thing, with its check digit: what is scanned as GS1 is read by it."""
    digits = f"5012345{i:05}"
    return f"{digits}{gs1_standard_check_digit(digits)}"


def _thing(i: int, sku: UUID, request: RegisterSku) -> Thing:
    assert request.list_price is not None
    assert request.standard_cost is not None
    is_scarce = i % SCARCE_EVERY == 20
    return Thing(
        request.code,
        sku,
        request.list_price,
        request.standard_cost,
        1 / (1 + i % 97),
        is_scarce,
        request.minimum_age,
    )


def _kits(cause: Cause, things: tuple[Thing, ...]) -> tuple[Thing, ...]:
    """What is sold together, and has no stock of its own."""
    by_code = {thing.code: thing for thing in things}
    kits = []
    for code, name, components in _KITS:
        alone = sum((by_code[part].price * units for part, units in components), Decimal(0))
        price = (alone * Decimal("0.9")).quantize(Decimal("0.01"))
        kits.append(RegisterSku(COMPANY, code, name, category="sets", list_price=price))
    made = whole(register_skus(cause, requests=kits))
    wanted = [
        RegisterKit(COMPANY, code, tuple(Component(*part) for part in components))
        for code, _, components in _KITS
    ]
    whole(register_kits(cause, requests=wanted))
    return tuple(
        Thing(kit.code, sku.id, kit.list_price or Decimal(0), Decimal(0), 1, is_scarce=False)
        for kit, sku in zip(kits, made, strict=True)
    )


def _carriage(cause: Cause) -> None:
    zones = (Zone("GB", "GB", "inland"), Zone("GB", "*", "abroad"))
    whole(
        register_services(
            cause,
            requests=[
                RegisterService(
                    COMPANY,
                    carrier,
                    code,
                    name,
                    days,
                    30_000,
                    CURRENCY,
                    zones,
                    (
                        ("inland", 1_000, price),
                        ("inland", 5_000, 2 * price),
                        ("inland", 30_000, 4 * price),
                        ("abroad", 2_000, 4 * price),
                        ("abroad", 30_000, 12 * price),
                    ),
                )
                for carrier, code, name, days, price in (
                    ("Parcel Post", "PP-48", "Standard, two days", 2, 345),
                    ("Northern Express", "NX-24", "Next day", 1, 620),
                    ("Harbour Freight", "HF-96", "Economy, four days", 4, 290),
                )
            ],
        )
    )


def _suppliers(cause: Cause, things: tuple[Thing, ...]) -> tuple[UUID, ...]:
    requests = [
        parties.RegisterSupplier(COMPANY, code, name, CURRENCY, lead_days=days)
        for code, name, days in SUPPLIERS
    ]
    made = tuple(one.id for one in whole(parties.register_suppliers(cause, requests=requests)))
    offers = [
        parties.RegisterOffer(made[i % len(made)], thing.id, thing.cost, 1, SUPPLIERS[i % len(made)][2])
        for i, thing in enumerate(things)
    ]
    whole(parties.register_offers(cause, requests=offers))
    return made


def customer_code(number: int) -> str:
    """The code of a customer, of 1 to `CUSTOMERS`."""
    return f"C-{number:04}"


def _customers(cause: Cause) -> None:
    """Those who have a tier are known before they order; the others with their first order."""
    tiers = {n: tier for tier, every in TIERS.items() for n in range(every, CUSTOMERS + 1, every)}
    requests = [
        parties.RegisterCustomer(COMPANY, customer_code(n), tier) for n, tier in sorted(tiers.items())
    ]
    whole(parties.register_customers(cause, requests=requests))


def _policies(cause: Cause) -> None:
    """Whom tiers help, on the floor and in the lists of work. The shops want payment and a postal code; accounts of the
    trade pay later. The shop's customers have a portal."""
    strict = Validation(payment_required=True, postal_code_required=True, review_total_minor=90_000)
    bodies = {"shop": strict, "market": strict, "social": strict, "trade": Validation(fraud="warn")}
    wanted = [
        policies.SetPolicy(COMPANY, "orders.validation", body, cause.at, scope=channel, note="opening")
        for channel, body in bodies.items()
    ]
    wanted.append(
        policies.SetPolicy(
            COMPANY,
            "sourcing.profile",
            Profile(tier_priority={"gold": 10, "silver": 5}),
            cause.at,
            note="opening",
        )
    )
    urgency = Priority(
        minor_per_point=2_500,
        value_points_max=20,
        points_by_tier={"gold": 16, "silver": 8},
        promise_points=48,
    )
    wanted.append(policies.SetPolicy(COMPANY, "work.priority", urgency, cause.at, note="opening"))
    portal = Portal(is_open=True)
    wanted.append(
        policies.SetPolicy(COMPANY, "returns.portal", portal, cause.at, scope="shop", note="opening")
    )
    seller = Seller(
        tax_number="GB123456789",
        registration="01234567",
        line1="Unit 4, Kiln Lane",
        city="Leeds",
        postal_code="LS1 4AP",
    )
    wanted.append(policies.SetPolicy(COMPANY, "settlement.invoicing", seller, cause.at, note="opening"))
    whole(policies.set_policy(cause, requests=wanted))


def _fill(
    buyer: Cause,
    receiver: Cause,
    chance: Random,
    floors: dict[UUID, Floor],
    suppliers: tuple[UUID, ...],
    things: tuple[Thing, ...],
) -> None:
    """An order to each supplier for each node, all of it received and put away; scarce goods only a few, and spread.
    They were ordered so long ago as the supplier takes, a day more or less, so that reordering knows lead times."""
    requests = []
    for place, node in enumerate(floors):
        for number, supplier in enumerate(suppliers):
            lines = tuple(
                (thing.id, chance.randint(1, 4) if thing.is_scarce else chance.randint(30, 90), thing.cost)
                for i, thing in enumerate(things)
                if i % len(suppliers) == number
            )
            took = timedelta(days=SUPPLIERS[number][2] + place % 3 - 1)
            requests.append(OrderGoods(COMPANY, supplier, node, "", lines, buyer.at - took))
    ordered = whole(order(buyer, requests=requests))
    arrived = [
        ReceiveOrder(made.order, None, floors[request.node].dock)
        for made, request in zip(ordered, requests, strict=True)
    ]
    whole(receive(receiver, requests=arrived))
    _put_away(receiver, floors, requests, things)
    scarce = tuple((thing.id, 60, thing.cost) for thing in things if thing.is_scarce)
    more = [OrderGoods(COMPANY, suppliers[0], next(iter(floors)), "", scarce)]
    whole(order(buyer, requests=more))


def _put_away(
    receiver: Cause, floors: dict[UUID, Floor], arrived: Sequence[OrderGoods], things: tuple[Thing, ...]
) -> None:
    """What is bought most stands at the front of the walk, a few SKUs to a bin; what a pick face has no room for goes
    into reserve."""
    by_demand = sorted(range(len(things)), key=lambda i: (-things[i].demand, i))
    rank = {things[i].id: n for n, i in enumerate(by_demand)}
    moves = []
    for one in arrived:
        floor = floors[one.node]
        for sku, units, _cost in one.lines:
            face = floor.picks[rank[sku] * len(floor.picks) // len(things)]
            high = floor.reserves[rank[sku] % len(floor.reserves)]
            spare = max(0, units - FACE_UNITS)
            moves += [
                PutAway(COMPANY, sku, floor.dock, place, some)
                for place, some in ((face, units - spare), (high, spare))
                if some
            ]
    whole(put_away(receiver, requests=moves))


def _floors(
    cause: Cause, nodes: tuple[UUID, ...], channels: dict[str, UUID], things: tuple[Thing, ...]
) -> None:
    """Some safety stock everywhere, and some goods kept for the trade."""
    kept = [thing for thing in things if not thing.is_scarce][:40]
    whole(
        set_safety(
            cause, requests=[SetSafety(COMPANY, thing.id, node, 2) for thing in kept for node in nodes]
        )
    )
    fences = [SetRingFence(COMPANY, thing.id, nodes[0], channels["trade"], 6) for thing in kept[:15]]
    whole(set_ring_fence(cause, requests=fences))
