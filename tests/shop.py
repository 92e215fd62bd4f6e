"""A shop in the middle of its day, for pages and the API: people, stock, and orders in every status; by commands."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, User

from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands import register as network
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.commands.place import AddressGiven, OrderLine, PaymentGiven, PlaceOrder, place
from entrepot.parties.commands import register as parties
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.release import ReleaseOrder, release

COMPANY = 1
PASSWORD = "six in the morning"
THINGS = (
    ("MUG-BLUE", "Stoneware mug, river blue", "kitchen", 380, "12.50"),
    ("MUG-SAND", "Stoneware mug, sand", "kitchen", 380, "12.50"),
    ("BOWL-L", "Serving bowl, large", "kitchen", 1450, "34.00"),
    ("LAMP-OAK", "Desk lamp, oak and brass", "lighting", 2100, "89.00"),
    ("THROW-WOOL", "Wool throw, undyed", "textiles", 1200, "74.90"),
    ("CANDLE-3", "Beeswax candles, set of three", "home", 620, "18.00"),
    ("KNIFE-CHEF", "Chef's knife, 20 cm", "kitchen", 310, "62.00"),
    ("NOTE-A5", "Notebook A5, dotted", "paper", 270, "9.95"),
    ("PEN-STEEL", "Fountain pen, steel", "paper", 60, "41.00"),
    ("TEA-ASSAM", "Assam tea, 250 g tin", "food", 330, "11.20"),
)
PEOPLE = {
    "lead": ("operations lead",),
    "supervisor": ("warehouse supervisor",),
    "service": ("customer service",),
    "inspector": ("returns inspector",),
    "inventory": ("inventory manager",),
    "books": ("controller",),
    "engineer": ("integration engineer",),
    "auditor": ("auditor",),
}
TOWNS = (
    ("Leeds", "LS1 4AP"),
    ("Bristol", "BS1 5TR"),
    ("York", "YO1 7HH"),
    ("Oxford", "OX1 3PN"),
    ("Cardiff", "CF10 1EP"),
)
NAMES = ("Ada Byron", "Grace Murray", "Tom Kilburn", "Mary Fairfax", "Joan Clarke", "Alan Blum")


@dataclass
class Shop:
    """What was set up, and orders by the step where they were left."""

    now: datetime
    nodes: list[UUID]
    skus: dict[str, UUID]
    orders: dict[str, list[UUID]]
    people: dict[str, User]

    def one(self, step: str) -> UUID:
        return self.orders[step][0]


def the_system(now: datetime) -> Cause:
    return Cause(Actor("worker", everything=True), now)


def a_person(name: str, *roles: str, superuser: bool = False) -> User:
    """Somebody who can enter with PASSWORD."""
    create = User.objects.create_superuser if superuser else User.objects.create_user
    person = create(name, f"{name}@example.com", PASSWORD)
    person.groups.set(Group.objects.filter(name__in=roles))
    return person


def everybody() -> dict[str, User]:
    sync_roles(the_system(datetime.now(UTC)), requests=[SyncRoles()])
    people = {name: a_person(name, *roles) for name, roles in PEOPLE.items()}
    return people | {"root": a_person("root", superuser=True), "nobody": a_person("nobody")}


def a_shop(now: datetime | None = None) -> Shop:
    """The house and its goods; no order yet."""
    now = now or datetime.now(UTC)
    system = the_system(now - timedelta(days=3))
    parties.register_companies(
        system, requests=[parties.RegisterCompany(COMPANY, "hearth", "Hearth & Home Ltd", "GBP", "GB")]
    )
    open_books(system, requests=[OpenBooks(COMPANY)])
    nodes = [
        one.id
        for one in _done(
            network.register_nodes(
                system,
                requests=[
                    network.RegisterNode(
                        COMPANY, "LDN", "London", "GB", priority=1, time_zone="Europe/London"
                    ),
                    network.RegisterNode(
                        COMPANY, "MAN", "Manchester", "GB", priority=2, time_zone="Europe/London"
                    ),
                ],
            )
        )
    ]
    bins = {}
    for node in nodes:
        wanted = [
            network.RegisterBin(COMPANY, node, code, kind, pick_sequence=i)
            for i, (code, kind) in enumerate(
                (("A-01", "pick"), ("A-02", "pick"), ("R-01", "reserve"), ("IN", "receiving"), ("OUT", "staging"),
                 ("PACK", "packing"), ("Q", "quarantine"))
            )
        ]  # fmt: skip
        bins[node] = [one.id for one in _done(network.register_bins(system, requests=wanted))]
    channels = _done(
        network.register_channels(
            system,
            requests=[
                network.RegisterChannel(COMPANY, "web", "Web shop", "GBP"),
                network.RegisterChannel(COMPANY, "market", "Marketplace", "GBP", kind="marketplace"),
            ],
        )
    )
    network.serve_channels(
        system, requests=[network.ServeChannel(channel.id, node) for channel in channels for node in nodes]
    )
    skus = {
        one.code: one.id
        for one in _done(
            register_skus(
                system,
                requests=[
                    RegisterSku(
                        COMPANY, code, name, category, weight_g=weight, length_mm=220, width_mm=150, height_mm=120,
                        list_price=Decimal(price), standard_cost=Decimal(price) * Decimal("0.45"),
                        barcode=f"50123456{i:05}",
                    )
                    for i, (code, name, category, weight, price) in enumerate(THINGS)
                ],
            )
        )
    }  # fmt: skip
    register_services(
        system,
        requests=[
            RegisterService(
                COMPANY, carrier, code, name, days, 30_000, "GBP", (("GB", "GB", "inland"),),
                (("inland", 1_000, price), ("inland", 30_000, 2 * price)),
            )
            for carrier, code, name, days, price in (
                ("Parcel Post", "PP-48", "Standard, two days", 2, 345),
                ("Northern Express", "NX-24", "Next day", 1, 720),
            )
        ],
    )  # fmt: skip
    parties.register_customers(
        system, requests=[parties.RegisterCustomer(COMPANY, f"C-{i:04}") for i in range(len(NAMES))]
    )
    scarce = {"LAMP-OAK": 3, "PEN-STEEL": 0}
    receipts = [
        Receive(
            COMPANY, skus[code], node, bins[node][0], scarce.get(code, 90), scarce.get(code, 90) * 400, "receipt",
            ids.uuid7(),
        )
        for code, *_ in THINGS
        for node in nodes
        if scarce.get(code, 90)
    ]  # fmt: skip
    _done(receive(system, requests=receipts))
    return Shop(now, nodes, skus, {}, {})


STEPS = (
    "held",
    "fraud",
    "unknown",
    "ready",
    "waiting",
    "released",
    "picked",
    "packed",
    "shipped",
    "delivered",
    "cancelled",
)


def a_day(shop: Shop, each: int = 3) -> Shop:
    """Orders left at every step of their way, `each` of them, some of them late."""
    chance = random.Random(7)
    start = shop.now - timedelta(hours=20)
    for step in STEPS:
        asked = [
            _asked(shop, step, i, start + timedelta(minutes=90 * chance.random()), chance)
            for i in range(each)
        ]
        shop.orders[step] = [one.order for one in _done(place(the_system(start), requests=asked))]
    at = lambda hours: the_system(shop.now - timedelta(hours=hours))  # noqa: E731
    orders = shop.orders
    on_the_way = [
        order
        for step in ("waiting", "released", "picked", "packed", "shipped", "delivered")
        for order in orders[step]
    ]
    _done(allocate(at(17), requests=[AllocateOrder(order) for order in on_the_way]))
    released = _fulfillments(
        at(15), *(orders[step] for step in ("released", "picked", "packed", "shipped", "delivered"))
    )
    pick(
        at(9),
        requests=[
            PickFulfillment(one, picker="supervisor")
            for one in _of(released, orders, "picked", "packed", "shipped", "delivered")
        ],
    )
    pack(
        at(7),
        requests=[PackFulfillment(one) for one in _of(released, orders, "packed", "shipped", "delivered")],
    )
    shipped = _done(
        ship(at(5), requests=[ShipFulfillment(one) for one in _of(released, orders, "shipped", "delivered")])
    )
    gone = set(_of(released, orders, "delivered"))
    deliver(at(1), requests=[Delivered(one.shipment) for one in shipped if one.fulfillment in gone])
    cancel(
        at(12), requests=[CancelOrder(one, "The customer changed their mind.") for one in orders["cancelled"]]
    )
    place_hold(
        at(4),
        requests=[
            PlaceHold(one, "address hold", "The carrier doesn't know the street.") for one in orders["held"]
        ],
    )
    return shop


def _asked(shop: Shop, step: str, i: int, at: datetime, chance: random.Random) -> PlaceOrder:
    codes = [code for code, *_ in THINGS if code not in ("LAMP-OAK", "PEN-STEEL")]
    wanted = chance.sample(codes, chance.randint(1, 4))
    if step == "waiting":
        wanted = ["PEN-STEEL", "LAMP-OAK"]
    prices = {code: Decimal(price) for code, _, _, _, price in THINGS}
    lines = tuple(
        OrderLine(code, chance.randint(1, 4), prices[code], description=_name(code)) for code in wanted
    )
    if step == "unknown":
        lines += (
            OrderLine("NEW-2027", 1, Decimal("15.00"), description="Spring collection, not yet listed"),
        )
    goods = int(sum(line.quantity * line.unit_price for line in lines) * 100)
    total = goods + 495
    town, code = TOWNS[i % len(TOWNS)]
    paid = PaymentGiven("fake", f"pi_{step}_{i}", total, at, at + timedelta(days=6))
    return PlaceOrder(
        COMPANY, "market" if i % 3 == 2 else "web", f"{10_000 + STEPS.index(step) * 1_000 + i * 17}", lines, "GBP", at,
        f"C-{i % len(NAMES):04}", "GB", code, AddressGiven(NAMES[i % len(NAMES)], f"{i + 3} Mill Lane", town),
        shipping_minor=495, payment=paid, signals=("velocity",) if step == "fraud" else (),
        promise_at=shop.now + timedelta(hours=-3 if i == 0 else 26 + i),
    )  # fmt: skip


def _name(code: str) -> str:
    return next(name for one, name, *_ in THINGS if one == code)


def _fulfillments(cause: Cause, *groups: list[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    wanted = [order for group in groups for order in group]
    return {
        one.order: one.fulfillments
        for one in _done(release(cause, requests=[ReleaseOrder(order) for order in wanted]))
    }


def _of(released: dict[UUID, tuple[UUID, ...]], orders: dict[str, list[UUID]], *steps: str) -> list[UUID]:
    return [one for step in steps for order in orders[step] for one in released[order]]


def _done(answers: list[Any]) -> list[Any]:
    assert not any(isinstance(one, Refused) for one in answers), answers
    return answers


def an_open_shop(each: int = 3) -> Shop:
    """People, goods and a day's orders."""
    people = everybody()
    shop = a_day(a_shop(), each)
    shop.people = people
    return shop
