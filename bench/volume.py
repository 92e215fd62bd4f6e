"""A house as full as a busy year leaves it: the demo's retailer and day, and beside them orders through the commands.

Orders are placed, promised, picked, packed, sent and delivered in batches, over the months before the demo's day. Some
stop on their way, so that every list is long; some come back. Exceptions are opened as work. `entrepot verify` finds
nothing amiss in it.

To fill it takes minutes. It is kept in the folder for temporary files, and measured again as long as it would be filled
the same way and is not older than a day; its migrations are brought up to date.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from bench import house

ORDERS, ITEMS = 200_000, 100_000
"""Of so many orders come about a million moves."""
BATCH, DAYS = 2_000, 180
SOURCE = Path(__file__).parents[1] / "src"
KEPT_S = 24 * 3600
"""Its days are counted back from the day on which it was filled, and pages tell of the last weeks."""
STOP = ("held", "place", "allocate", "release", "pick", "pack", "ship")
"""How far the orders of the last batches go, in turn; those before all arrive, and some come back."""
BACK = 12
"""One order in so many comes back."""
CHANNELS = ("trade", "shop", "market", "social")
TYPES = ("address", "payment", "short pick", "count variance", "carrier", "return", "tax", "promise")
ROLES = ("customer service", "warehouse supervisor", "inventory manager", "controller", "operations lead")
REASONS = ("changed_mind", "poor_fit", "not_as_described", "damaged_in_transit", "defective")


class Goods(NamedTuple):
    id: UUID
    code: str
    price: Decimal
    cost: Decimal


class Wanted(NamedTuple):
    """How much the house is to hold."""

    orders: int = ORDERS
    items: int = ITEMS
    batch: int = BATCH


@contextlib.contextmanager
def opened(wanted: Wanted, *, afresh: bool = False) -> Iterator[None]:
    """A house of its own with the demo's day, as full as is wanted: the one that was kept, where it still fits."""
    from docs import screenshots
    from entrepot import postgres

    home = Path(tempfile.gettempdir()) / f"entrepot-bench-{wanted.orders}-{os.geteuid()}"
    mark = home / "filled.json"
    if afresh or not _fits(mark, wanted):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(mode=0o711)
    with house.opened(is_empty=True, kept=home):
        if mark.exists():
            print(f"volume: {home} is measured again; --afresh fills it anew", file=sys.stderr)
        else:
            screenshots.filled()
            fill(wanted)
            with psycopg.connect(postgres.server_dsn(), autocommit=True) as connection:
                connection.execute("VACUUM (FREEZE, ANALYZE)")
            mark.write_text(json.dumps({"as": _how(wanted), "migrations": _migrations()}))
        yield


def _fits(mark: Path, wanted: Wanted) -> bool:
    """Whether a house was filled as it would be now, of late, and by migrations that are still the same."""
    with contextlib.suppress(OSError, ValueError):
        if mark.stat().st_uid != os.geteuid() or time.time() - mark.stat().st_mtime > KEPT_S:
            return False
        told = json.loads(mark.read_text())
        return bool(told["as"] == _how(wanted) and told["migrations"].items() <= _migrations().items())
    return False


def _how(wanted: Wanted) -> str:
    """What tells apart how houses are filled."""
    return _digest(Path(__file__)) + str(tuple(wanted))


def _migrations() -> dict[str, str]:
    return {str(one.relative_to(SOURCE)): _digest(one) for one in SOURCE.glob("*/*/migrations/*.py")}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def fill(wanted: Wanted) -> None:
    """Fill the demo's house, which stands."""
    from django.utils import timezone

    ends = timezone.now() - timedelta(days=2)
    goods = _goods()
    batches = -(-wanted.orders // wanted.batch)
    for batch in range(batches):
        at = ends - timedelta(days=DAYS) * (batches - 1 - batch) / batches
        if batch % 10 == 0:
            _restock(at, goods, units=6 * 10 * wanted.batch // len(goods))
        stop = STOP[batch - batches] if batch >= batches - len(STOP) else ""
        numbers = range(batch * wanted.batch, min((batch + 1) * wanted.batch, wanted.orders))
        _take_through(at, numbers, goods, stop)
        print(f"volume: {numbers.stop:,} of {wanted.orders:,} orders", file=sys.stderr)
    _open_work(ends, wanted.items)
    from entrepot.kernel import seal

    seal.seal(_cause("seal", timezone.now()))


def _cause(who: str, at: datetime) -> Any:
    from entrepot.kernel.cause import Actor, Cause

    return Cause(Actor(f"system:{who}", everything=True), at, "a full house")


def _goods() -> list[Goods]:
    from entrepot.kernel import sql

    rows = sql.run(
        "SELECT id, code, list_price, standard_cost FROM catalog_sku WHERE status = 'active'"
        " AND standard_cost > 0 AND minimum_age = 0 ORDER BY code"
    )
    return [Goods(*row) for row in rows]


def _restock(at: datetime, goods: Sequence[Goods], units: int) -> None:
    """Every SKU in each pick bin's turn at every node, most of it at the first."""
    from entrepot.kernel import ids, sql
    from entrepot.kernel.command import whole
    from entrepot.stock.commands.receive import Receive, receive

    bins: dict[UUID, list[UUID]] = {}
    for node, bin_ in sql.run(
        "SELECT b.node_id, b.id FROM network_bin AS b JOIN network_node AS n ON n.id = b.node_id"
        " WHERE b.kind = 'pick' ORDER BY n.priority, b.pick_sequence"
    ):
        bins.setdefault(node, []).append(bin_)
    whole(receive(_cause("dock", at), requests=[
        Receive(
            1, one.id, node, places[i % len(places)], units, int(units * one.cost * 100), "goods receipt", ids.uuid7()
        )
        for node, places in bins.items() for i, one in enumerate(goods)
    ]))  # fmt: skip


def _take_through(at: datetime, numbers: range, goods: Sequence[Goods], stop: str) -> None:
    """One batch as far as `stop`."""
    from entrepot.orders.commands.place import Placed, place

    requests = [_order(n, at, goods, is_held=stop == "held") for n in numbers]
    answers = place(_cause("channels", at), requests=requests)
    orders = [one.order for one in answers if isinstance(one, Placed)]
    if len(orders) < len(requests):
        raise SystemExit(
            f"An order was not taken: {next(one for one in answers if not isinstance(one, Placed))}"
        )
    for step, after in _STEPS.items():
        if stop in ("held", "place"):
            return
        orders = after(at + timedelta(minutes=10), orders)
        if step == stop:
            return
    _come_back(at + timedelta(days=1), numbers)
    _serve(at + timedelta(days=1))


def _serve(at: datetime) -> None:
    """Invoices are made and messages sent, as the worker and the relay of a running house do."""
    from entrepot.kernel import ready, relay, worker

    for queue in ("invoice", "decide_refund", "refund"):
        while subjects := ready.claim(queue, 10_000):
            worker.queues()[queue](_cause(queue, at), subjects)
    _keep()
    while relay.relay_once(relay.destinations(), limit=10_000, at=at):
        pass


def _keep() -> None:
    """What no connector sends, all at once: the relay keeps it message by message, which is half of the time here."""
    from entrepot.kernel import relay, sql

    sql.change(
        "UPDATE kernel_delivery SET state = 'kept', last_error = 'no connector sends to ' || destination || ' yet'"
        " WHERE state = 'waiting' AND split_part(destination, ':', 1) <> ALL(%(sent)s::text[])",
        {"sent": [name.partition(":")[0] for name in relay.destinations()]},
    )


def _order(n: int, at: datetime, goods: Sequence[Goods], *, is_held: bool) -> Any:
    from entrepot.orders.commands.place import AddressGiven, OrderLine, PaymentGiven, PlaceOrder
    from entrepot.simulation.day import FIRST, LAST, TOWNS
    from entrepot.tax.rules import tax_on_top

    lines = tuple(
        OrderLine(one.code, 1 + (n + i) % 2, one.price)
        for i in range(2 + n % 2)
        for one in (goods[(n * 7 + i * 61 + n // 389 * i) % len(goods)],)
    )
    net = sum(int(line.unit_price * 100) * line.quantity for line in lines)
    tax = tax_on_top(net, Decimal("0.2"))
    city, postal_code = TOWNS[n % len(TOWNS)]
    return PlaceOrder(
        company=1, channel=CHANNELS[n % 4], external_id=f"volume-{n}", currency="GBP", lines=lines, occurred_at=at,
        customer=f"V-{n % 20_000:05}", country="GB", postal_code=postal_code,
        address=AddressGiven(
            f"{FIRST[n % 8]} {LAST[n // 8 % 8]}", f"{n % 90} High Street", city, email=f"v{n}@example.com"
        ),
        tax_minor=tax, policy="partial_backorder", promise_at=at + timedelta(days=3),
        payment=PaymentGiven("account", f"volume-{n}", net + tax, at),
        signals=("high_risk",) if is_held else ("age_verified",), key=f"volume-{n}",
    )  # fmt: skip


# ---- the way of an order


def _allocate(at: datetime, orders: list[UUID]) -> list[UUID]:
    from entrepot.sourcing.commands.allocate import AllocateOrder, allocate

    allocate(_cause("allocate", at), requests=[AllocateOrder(one) for one in orders])
    return orders


def _release(at: datetime, orders: list[UUID]) -> list[UUID]:
    from entrepot.warehouse.commands.release import ReleaseOrder, release

    answers = release(_cause("release", at), requests=[ReleaseOrder(one) for one in orders])
    return [one for answer in answers for one in answer.fulfillments]


def _pick(at: datetime, fulfillments: list[UUID]) -> list[UUID]:
    from entrepot.warehouse.commands.pick import PickFulfillment, pick

    pick(_cause("picker", at), requests=[PickFulfillment(one) for one in fulfillments])
    return fulfillments


def _pack(at: datetime, fulfillments: list[UUID]) -> list[UUID]:
    from entrepot.warehouse.commands.pack import PackFulfillment, pack

    pack(_cause("packer", at), requests=[PackFulfillment(one) for one in fulfillments])
    return fulfillments


def _ship(at: datetime, fulfillments: list[UUID]) -> list[UUID]:
    from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship

    answers = ship(
        _cause("dock", at + timedelta(hours=3)), requests=[ShipFulfillment(one) for one in fulfillments]
    )
    return [one.shipment for one in answers if isinstance(one, FulfillmentShipped)]


def _deliver(at: datetime, shipments: list[UUID]) -> list[UUID]:
    from entrepot.shipping.commands.deliver import Delivered, deliver

    deliver(_cause("carrier", at + timedelta(hours=23)), requests=[Delivered(one) for one in shipments])
    return shipments


_STEPS = {
    "allocate": _allocate, "release": _release, "pick": _pick, "pack": _pack, "ship": _ship, "deliver": _deliver,
}  # fmt: skip


# ---- the way back, and work


def _come_back(at: datetime, numbers: range) -> None:
    """One line of some orders comes back; of these one in three waits to be inspected."""
    from entrepot.kernel import sql
    from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
    from entrepot.returns.commands.dispose import Dispose, dispose
    from entrepot.returns.commands.inspect import Inspect, Inspected, inspect
    from entrepot.returns.commands.receive import Receive, Received, receive

    rows = sql.run(_SENT, {"ids": [f"volume-{n}" for n in numbers if n % BACK == 0]})
    asked = authorize(_cause("desk", at), requests=[
        Authorize(order, (Item(line, 1, REASONS[i % len(REASONS)]),)) for i, (order, line) in enumerate(rows)
    ])  # fmt: skip
    came = receive(_cause("counter", at), requests=[
        Receive(one.return_id, line, 1) for one in asked if isinstance(one, Authorized) for line in one.lines
    ])  # fmt: skip
    receipts = [one.receipt for i, one in enumerate(came) if isinstance(one, Received) and i % 3]
    found = inspect(_cause("inspector", at), requests=[Inspect(one, 1, "A") for one in receipts])
    dispose(_cause("inspector", at), requests=[
        Dispose(one.inspection, 1) for one in found if isinstance(one, Inspected)
    ])  # fmt: skip


_SENT = """
SELECT DISTINCT ON (o.id) o.id, l.id FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id
WHERE o.company_id = 1 AND o.external_id = ANY(%(ids)s::text[]) AND l.delivered > 0 ORDER BY o.id, l.number
"""


def _open_work(at: datetime, items: int) -> None:
    from entrepot.kernel import sql
    from entrepot.work.commands.open_items import open_items

    subjects = [
        row[0] for row in sql.run("SELECT id FROM orders_order ORDER BY id LIMIT %(n)s::int", {"n": items})
    ]
    for start in range(0, items, 10_000):
        open_items(
            _cause("review", at + timedelta(seconds=start)), requests=list(_items(subjects, start, items))
        )


def _items(subjects: Sequence[UUID], start: int, items: int) -> Iterator[Any]:
    from entrepot.work.commands.open_items import OpenItem

    for n in range(start, min(start + 10_000, items)):
        yield OpenItem(
            1, TYPES[n % len(TYPES)], "order", subjects[n % len(subjects)], "A rule could not decide.",
            ROLES[n // 8 % len(ROLES)], priority=10 + n % 80, due_in_hours=1 + n % 200, dedupe=f"volume-{n}",
        )  # fmt: skip
