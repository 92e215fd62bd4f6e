"""One trading day, hour by hour, through the commands that people and workers give."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from entrepot.kernel import ready, relay, sql, worker
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import ReleaseHold, release_holds
from entrepot.orders.commands.place import (
    AddressGiven,
    OrderLine,
    PaymentGiven,
    Placed,
    PlaceOrder,
    PromotionGiven,
    place,
)
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.simulation.payout import dispute, pay_out
from entrepot.simulation.retailer import COMPANY, CURRENCY, CUSTOMERS, Retailer, Thing, customer_code
from entrepot.simulation.returns import decide_refunds, take_back
from entrepot.sourcing.commands.cancel import cancel
from entrepot.stock.commands.transfer import ShipTransfer, TransferUnits, ship_transfer
from entrepot.tax.rules import tax_on_top
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.tasks import serve_hasten

OPENS, CLOSES, LORRY_LEAVES = 6, 20, 16
VAT = Decimal("0.2")
TOWNS = (
    ("Leeds", "LS1 4AP"), ("Bristol", "BS1 5TR"), ("York", "YO1 7HH"), ("Oxford", "OX1 3PN"), ("Cardiff", "CF10 1EP"),
    ("Bath", "BA1 1SU"), ("Dundee", "DD1 4HN"), ("Kendal", "LA9 4ND"),
)  # fmt: skip
TROUBLES = {"": 930, "unpaid": 18, "risky": 16, "lost": 14, "taxed": 8, "declined": 14}
"""What is wrong with how many of a thousand orders."""

POLICIES = {"partial_backorder": 60, "ship_complete": 20, "line_complete": 12, "partial_cancel": 8}
FIRST = ("Ada", "Grace", "Tom", "Mary", "Joan", "Alan", "Edith", "Karel")
LAST = ("Byron", "Murray", "Kilburn", "Fairfax", "Clarke", "Blum", "Clarkson", "Novak")


@dataclass(slots=True)
class Day:
    """The day's chance, the people who work it, and what the next hour needs to know of the last."""

    retailer: Retailer
    people: dict[str, Actor]
    begins: datetime
    chance: Random
    placed: list[UUID] = field(default_factory=list)
    shipped: list[UUID] = field(default_factory=list)
    sent: list[UUID] = field(default_factory=list)  # orders of these, of which nothing has come back yet
    inspected: int = 0

    def cause(self, who: str, at: datetime, why: str) -> Cause:
        return Cause(self.people.get(who) or Actor(f"system:{who}", everything=True), at, why)


def play(day: Day, orders: int, tell: Callable[[int], None]) -> None:
    """Play the hours from opening to closing; `tell` hears of the orders placed."""
    hours = range(OPENS, CLOSES)
    left = orders
    for hour in hours:
        count = left if hour == CLOSES - 1 else min(left, round(orders * _share(hour)))
        left -= count
        at = day.begins + timedelta(hours=hour)
        _take_orders(day, at, count)
        tell(count)
        if hour in (9, 13, 16):
            _serve_customers(day, at + timedelta(minutes=10))
        _work(day, at + timedelta(minutes=20))
        if hour > OPENS:
            _floor(day, at + timedelta(minutes=40), last=hour >= CLOSES - 2)
        if hour == LORRY_LEAVES:
            _send_transfer(day, at + timedelta(minutes=50))
        if hour in (11, 15, 18):
            take_back(day, at + timedelta(minutes=58))
    _work(day, day.begins + timedelta(hours=CLOSES, minutes=-1))
    decide_refunds(day, day.begins + timedelta(hours=CLOSES))
    _deliver(day, day.begins + timedelta(hours=CLOSES))
    _work(day, day.begins + timedelta(hours=CLOSES, minutes=5))
    pay_out(day, day.begins + timedelta(hours=CLOSES, minutes=30))
    dispute(day, day.begins + timedelta(hours=CLOSES, minutes=40))


def _share(hour: int) -> float:
    """More is bought at noon and in the evening."""
    return {12: 0.11, 13: 0.1, 18: 0.1, 19: 0.12}.get(hour, 0.06)


# ---- orders


def _take_orders(day: Day, at: datetime, count: int) -> None:
    requests = [_order(day, at + timedelta(seconds=i)) for i in range(count)]
    answers = place(day.cause("channels", at + timedelta(minutes=5), "orders of the hour"), requests=requests)
    day.placed += [answer.order for answer in answers if isinstance(answer, Placed)]


def _order(day: Day, at: datetime) -> PlaceOrder:
    chance, number = day.chance, len(day.placed)
    channel = chance.choices(("shop", "market", "trade", "social"), (50, 30, 12, 8))[0]
    lines = tuple(_lines(day, channel))
    net = sum(int(line.unit_price * 100) * line.quantity for line in lines)
    discount = net // 10 if chance.random() < 0.12 else 0
    shipping = 0 if net > 5_000 else 395
    tax = tax_on_top(net - discount + shipping, VAT)
    total = net - discount + shipping + tax
    city, postal_code = chance.choice(TOWNS)
    (trouble,) = chance.choices(list(TROUBLES), list(TROUBLES.values()))
    paid = None
    if channel != "trade" and trouble != "unpaid":
        reference = (
            f"{'declined' if trouble == 'declined' else 'card'}-{at:%H%M%S}-{chance.getrandbits(32):08x}"
        )
        paid = PaymentGiven("fake", reference, total, at, at + timedelta(days=7))
    elif channel == "trade":
        paid = PaymentGiven("account", f"terms-{chance.getrandbits(32):08x}", total, at)
    return PlaceOrder(
        company=COMPANY, channel=channel, external_id=f"{channel}-{at:%y%m%d}-{chance.getrandbits(40):010x}",
        lines=lines, currency=CURRENCY, occurred_at=at, customer=customer_code(chance.randint(1, CUSTOMERS)),
        country="GB",
        postal_code="nowhere" if trouble == "lost" else postal_code,
        address=AddressGiven(
            f"{chance.choice(FIRST)} {chance.choice(LAST)}", f"{chance.randint(1, 90)} High Street", city,
            email=f"customer{number}@example.com",
        ),
        discount_minor=discount, shipping_minor=shipping, tax_minor=2 * tax if trouble == "taxed" else tax,
        policy=chance.choices(list(POLICIES), list(POLICIES.values()))[0],
        promise_at=at + timedelta(days=chance.choice((2, 3, 3, 4))), payment=paid,
        campaign=_campaign(channel, number),
        promotions=(PromotionGiven("AUTUMN10", discount),) if discount else (),
        signals=("high_risk",) if trouble == "risky" else ("age_verified",), key=f"demo-{at.timestamp()}-{number}",
    )  # fmt: skip


def _campaign(channel: str, number: int) -> str:
    """What brought the customer: all who come by the social shop, and every fourth of the web shop."""
    if channel == "shop" and number % 4 == 0:
        return "autumn newsletter"
    return "autumn reels" if channel == "social" else ""


def _lines(day: Day, channel: str) -> Iterator[OrderLine]:
    chance, things = day.chance, day.retailer.things
    count = chance.choices((1, 2, 3, 4, 6), (40, 28, 17, 10, 5))[0]
    weights = [thing.demand for thing in things]
    chosen: dict[str, Thing] = {thing.code: thing for thing in chance.choices(things, weights, k=count)}
    if chance.random() < 0.006:
        chosen[day.retailer.discontinued.code] = day.retailer.discontinued
    for thing in chosen.values():
        quantity = chance.randint(3, 12) if channel == "trade" else chance.choices((1, 2, 3), (75, 18, 7))[0]
        yield OrderLine(thing.code, quantity, thing.price, description="")
    if chance.random() < 0.05:
        kit = chance.choice(day.retailer.kits)
        yield OrderLine(kit.code, chance.choices((1, 2), (85, 15))[0], kit.price)
    if chance.random() < 0.004:
        yield OrderLine("HH-TYPO", 1, Decimal("9.99"))


# ---- people and workers


def _serve_customers(day: Day, at: datetime) -> None:
    """Customer service and the lead release most holds; customer service cancels for those who changed their mind."""
    holds = sql.run("SELECT id, owner_role FROM orders_hold WHERE state = 'open' ORDER BY opened_at, id")
    settled = [hold for hold in holds if day.chance.random() < 0.6]
    service, lead = (day.cause(who, at, "checked with the customer") for who in ("service", "lead"))
    for cause, of_service in ((service, True), (lead, False)):
        theirs = [hold for hold, role in settled if (role == "customer service") == of_service]
        release_holds(cause, requests=[ReleaseHold(hold, "checked with the customer") for hold in theirs])
    asked = day.chance.sample(day.placed, min(12, len(day.placed)))
    cancel(service, requests=[CancelOrder(order, "the customer changed their mind") for order in asked])


def _work(day: Day, at: datetime) -> None:
    """What the worker and the relay of a running house would do until nothing is ready."""
    queues, senders = worker.queues(), relay.destinations()
    while any(_serve(day, queue, serve, at) for queue, serve in queues.items()) or relay.relay_once(
        senders, limit=10_000, at=at
    ):
        pass


def _serve(day: Day, queue: str, serve: worker.Serve, at: datetime) -> int:
    subjects = ready.claim(queue, worker.BATCH)
    if subjects:
        serve(day.cause(queue, at, f"ready queue {queue}"), subjects)
    return len(subjects)


def _floor(day: Day, at: datetime, *, last: bool) -> None:
    """Pick, pack and ship what was released; at the end of the day some work stays for tomorrow."""
    waiting = ready.claim("pick", 10_000)
    left_over = [one for one in waiting if last and day.chance.random() < 0.25]
    picks = [one for one in waiting if one not in set(left_over)]
    _pick(day, at, picks)
    _put_back(day, "pick", left_over, at)
    packs = ready.claim("pack", 10_000)
    pack(
        day.cause("packer", at + timedelta(minutes=8), "packing"),
        requests=[PackFulfillment(one) for one in packs],
    )
    ships = ready.claim("ship", 10_000)
    late = {one for one in ships if last and day.chance.random() < 0.1}
    _put_back(day, "ship", late, at)
    # Nobody sells labels in a simulated day.
    leaving = [ShipFulfillment(one, on_paper=True) for one in ships if one not in late]
    shipper = day.cause("supervisor", at + timedelta(minutes=15), "the carrier is here")
    gone = [one for one in ship(shipper, requests=leaving) if isinstance(one, FulfillmentShipped)]
    day.shipped += [one.shipment for one in gone]
    day.sent += _orders_of([one.fulfillment for one in gone])


def _put_back(day: Day, queue: str, fulfillments: Collection[UUID], at: datetime) -> None:
    """What was taken off a queue and not done stands there again, in the place of its order."""
    ready.put([ready.Offer(queue, one, 0, at) for one in fulfillments])
    serve_hasten(day.cause("supervisor", at, "left for tomorrow"), _orders_of(fulfillments))


def _orders_of(fulfillments: Collection[UUID]) -> list[UUID]:
    statement = (
        "SELECT DISTINCT order_id FROM warehouse_fulfillment WHERE id = ANY(%(ids)s::uuid[]) ORDER BY 1"
    )
    return [order for (order,) in sql.run(statement, {"ids": list(fulfillments)})]


def _pick(day: Day, at: datetime, fulfillments: Sequence[UUID]) -> None:
    """Now and then a bin holds less than it should."""
    short = [one for one in fulfillments if day.chance.random() < 0.03]
    tasks = dict(sql.run(_FIRST_TASKS, {"ids": short}))
    requests = [
        PickFulfillment(one, ((tasks[one], 0),) if one in tasks else ())  # type: ignore[arg-type]
        for one in fulfillments
    ]
    pick(day.cause("picker", at, "picking"), requests=requests)
    again = ready.claim("pick", 10_000)
    pick(
        day.cause("picker", at + timedelta(minutes=4), "another bin"),
        requests=[PickFulfillment(one) for one in again],
    )


def _send_transfer(day: Day, at: datetime) -> None:
    """London sends Manchester what that is running out of; it is there tomorrow."""
    london, manchester = day.retailer.nodes[:2]
    wanted = sql.run(_RUNNING_OUT, {"from": london, "to": manchester, "units": SENT_UNITS})
    lines = tuple(TransferUnits(sku, place, SENT_UNITS) for sku, place in wanted)
    sent = ShipTransfer(COMPANY, london, manchester, lines, at + timedelta(days=1), at)
    whole(ship_transfer(day.cause("inventory", at, "Manchester runs out of these"), requests=[sent]))


SENT_UNITS = 8
"""Of each SKU that a transfer carries."""


def _deliver(day: Day, at: datetime) -> None:
    """The couriers' evening round."""
    arrived = [shipment for shipment in day.shipped if day.chance.random() < 0.3]
    deliver(day.cause("carrier", at, "delivered"), requests=[Delivered(shipment) for shipment in arrived])


# What the destination can promise fewest of, and the origin has in a bin, free, and three times as many left.
_RUNNING_OUT = """
SELECT b.sku_id, b.bin_id
FROM stock_bucket AS b
JOIN stock_position AS here ON here.sku_id = b.sku_id AND here.node_id = b.node_id AND here.owner_id = b.owner_id
JOIN stock_position AS there ON there.sku_id = b.sku_id AND there.node_id = %(to)s AND there.owner_id = b.owner_id
JOIN network_bin AS n ON n.id = b.bin_id AND n.kind = 'pick'
WHERE b.node_id = %(from)s AND b.status = 'sellable' AND b.quantity - b.committed >= %(units)s
  AND here.sellable - here.reserved - here.allocated - here.safety >= 4 * %(units)s
ORDER BY there.sellable - there.reserved - there.allocated, b.sku_id LIMIT 12
"""

_FIRST_TASKS = """
SELECT DISTINCT ON (fulfillment_id) fulfillment_id, id FROM warehouse_picktask
WHERE fulfillment_id = ANY(%(ids)s::uuid[]) AND state = 'open' ORDER BY fulfillment_id, sequence, id
"""
