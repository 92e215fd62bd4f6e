"""Promises in races: never more than there is, never less than could be served."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Event

import pytest
from django.db import transaction

from entrepot.kernel import command, sql
from entrepot.orders.commands.place import OrderLine, PlaceOrder, place
from entrepot.sourcing.commands.allocate import AllocateOrder
from entrepot.sourcing.commands.allocate import allocate as source
from entrepot.sourcing.commands.expire_reservations import ExpireReservations, expire_reservations
from entrepot.stock.commands.adjust import Adjust, adjust
from entrepot.stock.commands.allocate import Allocate, Allocated, allocate
from entrepot.stock.commands.reserve import GiveBack, Renew, Renewed, Reserve, give_back, renew, reserve
from entrepot.stock.commands.set_floor import SetRingFence, set_ring_fence
from entrepot.stock.errors import NothingReserved
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.together import at_once, until_someone_waits

pytestmark = pytest.mark.alone("kernel", "ledger", "stock", "access")


@pytest.fixture
def floor(committed_db: None) -> Floor:
    return a_floor()


def test_fifty_threads_on_ten_units_promise_exactly_ten(floor: Floor) -> None:
    floor.stock(quantity=10)

    answers = at_once([lambda: allocate(SYSTEM, requests=[floor.wants(1)])[0] for _ in range(50)])

    assert sum(isinstance(answer, Allocated) for answer in answers) == 10
    assert sql.run("SELECT sellable, allocated FROM stock_position") == [(10, 10)]


def _naive(request: Allocate) -> bool:
    """How shops oversell: read what is free, decide, write."""
    free = sql.run(
        "SELECT sellable - allocated FROM stock_position WHERE sku_id = %(sku)s AND node_id = %(node)s",
        {"sku": request.sku, "node": request.node},
    )[0][0]
    if free < request.quantity:
        return False
    sql.run(
        "INSERT INTO naive_promise (sku, quantity) VALUES (%(sku)s, %(quantity)s)",
        {"sku": request.sku, "quantity": request.quantity},
    )
    return True


def test_the_same_race_oversells_where_nobody_takes_care(floor: Floor, owner) -> None:
    floor.stock(quantity=10)
    owner.execute("CREATE TABLE naive_promise (sku uuid, quantity int)")
    owner.execute("GRANT ALL ON naive_promise TO PUBLIC")

    answers = at_once([lambda: _naive(floor.wants(1)) for _ in range(50)])

    assert sum(answers) > 10, "the race must bite, or the test beside it proves nothing"


def test_a_thousand_skus_and_eight_buyers_oversell_none_and_refuse_none_that_could_be_served(
    committed_db: None,
) -> None:
    floor = a_floor(skus=1000)
    _stock_all(floor, 3)
    order_of_buyers = [random.Random(buyer).sample(range(1000), 1000) for buyer in range(8)]

    def buy(buyer: int) -> int:
        promised = 0
        for start in range(0, 1000, 50):
            wants = [floor.wants(1, sku=sku) for sku in order_of_buyers[buyer][start : start + 50]]
            promised += sum(isinstance(answer, Allocated) for answer in allocate(SYSTEM, requests=wants))
        return promised

    promised = at_once([lambda buyer=buyer: buy(buyer) for buyer in range(8)])

    assert sum(promised) == 3000
    assert sql.run("SELECT DISTINCT sellable, allocated FROM stock_position") == [(3, 3)]


def _stock_all(floor: Floor, quantity: int) -> None:
    from entrepot.kernel import ids
    from entrepot.stock.commands.receive import Receive, receive

    node = floor.nodes[0]
    receive(
        SYSTEM,
        requests=[
            Receive(COMPANY, sku, node, floor.bin(), quantity, quantity * 100, "receipt", ids.uuid7())
            for sku in floor.skus
        ],
    )


def test_two_channels_that_race_do_not_eat_each_others_share(floor: Floor) -> None:
    floor.stock(quantity=20)
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["market"], 8)
    set_ring_fence(SYSTEM, requests=[fence])

    jobs = [
        lambda channel=channel: (channel, allocate(SYSTEM, requests=[floor.wants(1, channel=channel)])[0])
        for channel in ("shop", "market") * 20
    ]
    answers = at_once(jobs)

    got = {
        channel: sum(isinstance(a, Allocated) and c == channel for c, a in answers)
        for channel in floor.channels
    }
    assert sum(got.values()) == 20
    assert got["shop"] <= 12
    assert got["market"] >= 8


def test_losses_and_promises_at_once_never_break_a_position(floor: Floor) -> None:
    floor.stock(quantity=60)
    loss = Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), -2, "lost")

    jobs: list[Callable[[], object]] = []
    for _ in range(15):
        jobs.append(lambda: allocate(SYSTEM, requests=[floor.wants(3)])[0])
        jobs.append(lambda: adjust(SYSTEM, requests=[loss])[0])
    at_once(jobs)

    ((sellable, allocated),) = sql.run("SELECT sellable, allocated FROM stock_position")
    assert sellable == 30
    assert allocated <= sellable


def test_carts_that_expire_are_renewed_or_freed_and_never_both(floor: Floor) -> None:
    floor.stock(quantity=20)
    until = NOW + timedelta(minutes=15)
    carts = [
        Reserve(COMPANY, f"cart {i}", floor.skus[0], None, floor.channels["shop"], 1, until)
        for i in range(20)
    ]
    reserve(SYSTEM, requests=carts)
    before, after = (replace(SYSTEM, at=until + timedelta(seconds=by)) for by in (-1, 1))

    renewals = [
        lambda one=one: renew(before, requests=[Renew(one.holder, until + timedelta(hours=1))])[0]
        for one in carts
    ]
    expiries = [
        lambda: expire_reservations(after, requests=[ExpireReservations(COMPANY)])[0] for _ in range(4)
    ]
    answers = at_once([*renewals, *expiries])

    kept = sum(isinstance(answer, Renewed) for answer in answers)
    assert sql.run("SELECT count(*)::int FROM stock_reservation") == [(kept,)]
    assert sql.run("SELECT reserved FROM stock_position") == [(kept,)]
    expired = "SELECT count(*)::int FROM kernel_event WHERE state_after = 'expired'"
    assert sql.run(expired) == [(20 - kept,)]


def test_a_cart_that_expires_while_its_order_is_allocated_is_used_once(floor: Floor) -> None:
    floor.stock(quantity=10)
    until = NOW + timedelta(minutes=15)
    carts = [
        Reserve(COMPANY, f"cart {i}", floor.skus[0], None, floor.channels["shop"], 1, until)
        for i in range(10)
    ]
    reserve(SYSTEM, requests=carts)
    orders = [floor.order((0, 1), reservation=cart.holder).order for cart in carts]
    after = replace(SYSTEM, at=until + timedelta(seconds=1))

    sourcing = [lambda order=order: source(SYSTEM, requests=[AllocateOrder(order)])[0] for order in orders]
    expiries = [
        lambda: expire_reservations(after, requests=[ExpireReservations(COMPANY)])[0] for _ in range(3)
    ]
    at_once([*sourcing, *expiries])

    assert sql.run("SELECT sellable, reserved, allocated FROM stock_position") == [(10, 0, 10)]
    told = "SELECT count(*)::int FROM kernel_event WHERE state_after IN ('expired', 'taken over')"
    assert sql.run(told) == [(10,)]


def test_a_cart_that_expires_while_it_is_ordered_is_kept_for_the_order_or_free(floor: Floor) -> None:
    floor.stock(quantity=20)
    until = NOW + timedelta(minutes=15)
    carts = [
        Reserve(COMPANY, f"cart {i}", floor.skus[0], None, floor.channels["shop"], 1, until)
        for i in range(20)
    ]
    reserve(SYSTEM, requests=carts)
    after = replace(SYSTEM, at=until + timedelta(seconds=1))
    line = OrderLine(floor.codes[0], 1, Decimal("9.99"))
    wanted = [
        PlaceOrder(COMPANY, "shop", cart.holder, (line,), "GBP", reservation=cart.holder) for cart in carts
    ]

    ordering = [lambda i=i: place(after, requests=wanted[i : i + 2])[0] for i in range(0, 20, 2)]
    expiries = [
        lambda: expire_reservations(after, requests=[ExpireReservations(COMPANY)])[0] for _ in range(4)
    ]
    at_once([*ordering, *expiries])

    told = "SELECT count(*)::int FROM kernel_event WHERE state_after = %(after)s"
    ((expired,),), ((ordered,),) = (sql.run(told, {"after": one}) for one in ("expired", "ordered"))
    assert expired + ordered == 20
    left = "SELECT count(*)::int, count(order_id)::int FROM stock_reservation"
    assert sql.run(left) == [(ordered, ordered)]
    assert sql.run("SELECT reserved FROM stock_position") == [(ordered,)]


def _cart(floor: Floor, holder: str, minutes: int) -> Reserve:
    until = NOW + timedelta(minutes=minutes)
    return Reserve(COMPANY, holder, floor.skus[0], None, floor.channels["shop"], 1, until)


def _ordered(floor: Floor, *holders: str) -> list[PlaceOrder]:
    line = OrderLine(floor.codes[0], 1, Decimal("9.99"))
    return [PlaceOrder(COMPANY, "shop", one, (line,), "GBP", reservation=one) for one in holders]


def test_a_cart_that_is_renewed_while_it_is_ordered_is_the_orders(floor: Floor) -> None:
    floor.stock(quantity=2)
    reserve(SYSTEM, requests=[_cart(floor, "cart", 15), _cart(floor, "other", 15)])
    has_placed = Event()

    def ordering() -> object:
        with transaction.atomic():
            (answer,) = place(SYSTEM, requests=_ordered(floor, "cart"))
            has_placed.set()
            until_someone_waits("transactionid")
        return answer

    def renewing() -> object:
        has_placed.wait(60)
        later = NOW + timedelta(hours=1)
        return renew(SYSTEM, requests=[Renew("cart", later), Renew("other", later)])

    _, (ordered, other) = at_once([ordering, renewing])  # type: ignore[misc]

    assert isinstance(ordered, NothingReserved)
    assert other == Renewed(1)
    left = "SELECT holder, kind, order_id IS NULL, expires_at FROM stock_reservation ORDER BY holder"
    assert sql.run(left) == [
        ("cart", "order", False, None), ("other", "checkout", True, NOW + timedelta(hours=1)),
    ]  # fmt: skip


@pytest.mark.parametrize("what", ["loss", "renewal", "giving back", "taking over"])
def test_whoever_ends_reservations_does_not_wait_in_a_circle_with_orders_of_two_carts(
    floor: Floor, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ATTEMPTS", 1)
    floor.stock(quantity=2)
    if what == "taking over":
        earlier = [floor.order((0, 1), reservation=one).order for one in ("later", "sooner")]
    # The first by its key expires first and was written last: who takes them by either begins at the other end.
    reserve(SYSTEM, requests=[_cart(floor, "sooner", 14), _cart(floor, "later", 30)])
    renew(SYSTEM, requests=[Renew("sooner", NOW + timedelta(minutes=15), "cart")])
    ends: dict[str, Callable[[], object]] = {
        "loss": lambda: adjust(
            SYSTEM, requests=[Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), -2, "lost")]
        ),
        "renewal": lambda: renew(
            SYSTEM, requests=[Renew(one, NOW + timedelta(hours=1)) for one in ("later", "sooner")]
        ),
        "giving back": lambda: give_back(SYSTEM, requests=[GiveBack("later"), GiveBack("sooner")]),
        "taking over": lambda: source(SYSTEM, requests=[AllocateOrder(one) for one in earlier]),
    }
    is_locked, waits = Event(), Event()

    def holding() -> None:
        lock = "SELECT FROM stock_reservation WHERE holder = 'later' FOR UPDATE"
        with transaction.atomic():
            sql.run(lock)
            is_locked.set()
            until_someone_waits("transactionid")
            waits.set()
            _until_two_wait()

    def ending() -> object:
        is_locked.wait(60)
        return ends[what]()

    def ordering() -> object:
        waits.wait(60)
        return place(SYSTEM, requests=_ordered(floor, "sooner", "later"))

    at_once([holding, ending, ordering])

    ((sellable, promised),) = sql.run("SELECT sellable, reserved + allocated FROM stock_position")
    assert promised <= sellable
    placed = "SELECT count(*)::int FROM orders_order WHERE external_id IN ('sooner', 'later')"
    assert sql.run(placed) == [(2,)]


def _until_two_wait() -> None:
    """Until two connections wait for rows."""
    deadline = time.monotonic() + 20
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype IN ('transactionid', 'tuple') AND NOT granted"
    while sql.run(waiting)[0][0] < 2:
        assert time.monotonic() < deadline, "they don't wait"
        time.sleep(0.005)
