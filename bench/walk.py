"""Orders in batches through the commands, and the same rows by hand-written SQL: how fast each is.

The hand-written side does what someone would write who had only this to do, in the same schema with the same
triggers and constraints: the input loaded by COPY, then for each step one script of set-based statements, sent in one
round trip and committed as one transaction. It takes the locks without which the step would be wrong or could
deadlock. It decides nothing but what these orders need: no holds, no splits, no shortages, no refusals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import UUID

from bench import house

SQL = Path(__file__).with_name("sql")
LINES = 3
STEPS = ("place", "allocate", "release", "pick", "pack", "ship")
FIRST = ("place", "allocate")
WARM_UP = 100  # orders that go before the clock starts: connections, prepared statements, caches


@dataclass
class Sample:
    """What one side of a round took, by step, and what the database then held."""

    orders: int
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    books: list[dict[str, str]] = field(default_factory=list)

    def per_second(self, steps: Sequence[str]) -> float:
        return self.orders / sum(self.seconds[step] for step in steps)


def content(n: int) -> tuple[str, str, str, list[tuple[int, int]]]:
    """The n-th order: customer, country, postal code, and its lines as (SKU number, quantity)."""
    lines = [
        ((n * 7 + line * 61 + n // 200 * line) % house.SKUS, 1 + (n + line) % 3) for line in range(LINES)
    ]
    in_gb = n % 2 == 0
    return (
        house.customer_code(n * 13 % house.CUSTOMERS),
        house.COUNTRIES[n % 2],
        "SW1A 1AA" if in_gb else "10115",
        lines,
    )


def batches(orders: int, size: int) -> list[range]:
    """The warm-up, then the batches that are measured."""
    return [
        range(WARM_UP),
        *(range(i, min(i + size, WARM_UP + orders)) for i in range(WARM_UP, WARM_UP + orders, size)),
    ]


# ---- through the commands


class Ours:
    """Every step a command with a list of requests."""

    def __init__(self, orders: int, size: int) -> None:
        from entrepot.kernel.cause import Actor, Cause
        from entrepot.orders.commands.place import OrderLine, PlaceOrder

        self.cause = Cause(Actor("system:bench", everything=True), house.AT, "a benchmark")
        self.requests = []
        for batch in batches(orders, size):
            self.requests.append([])
            for n in batch:
                customer, country, postal_code, lines = content(n)
                self.requests[-1].append(
                    PlaceOrder(
                        company=house.COMPANY,
                        channel="shop",
                        external_id=f"B-{n}",
                        currency="GBP",
                        lines=tuple(
                            OrderLine(house.sku_code(sku), units, Decimal(house.PRICES_MINOR[sku]) / 100)
                            for sku, units in lines
                        ),
                        customer=customer,
                        country=country,
                        postal_code=postal_code,
                        key=f"B-{n}",
                    )
                )
        self.orders: list[list[UUID]] = [[] for _ in self.requests]
        self.fulfillments: list[list[UUID]] = [[] for _ in self.requests]

    def place(self, batch: int) -> None:
        from entrepot.orders.commands.place import place

        self.orders[batch] = [one.order for one in place(self.cause, requests=self.requests[batch])]

    def allocate(self, batch: int) -> None:
        from entrepot.sourcing.commands.allocate import AllocateOrder, allocate

        allocate(self.cause, requests=[AllocateOrder(order) for order in self.orders[batch]])

    def release(self, batch: int) -> None:
        from entrepot.warehouse.commands.release import ReleaseOrder, release

        answers = release(self.cause, requests=[ReleaseOrder(order) for order in self.orders[batch]])
        self.fulfillments[batch] = [one for answer in answers for one in answer.fulfillments]

    def pick(self, batch: int) -> None:
        from entrepot.warehouse.commands.pick import PickFulfillment, pick

        pick(self.cause, requests=[PickFulfillment(one) for one in self.fulfillments[batch]])

    def pack(self, batch: int) -> None:
        from entrepot.warehouse.commands.pack import PackFulfillment, pack

        pack(self.cause, requests=[PackFulfillment(one) for one in self.fulfillments[batch]])

    def ship(self, batch: int) -> None:
        from entrepot.shipping.commands.ship import ShipFulfillment, ship

        ship(self.cause, requests=[ShipFulfillment(one) for one in self.fulfillments[batch]])

    def close(self) -> None:
        pass


# ---- by hand


class Baseline:
    """Every step a script of bench/sql."""

    def __init__(self, orders: int, size: int) -> None:
        from entrepot.kernel import ids

        self.input = []
        for batch in batches(orders, size):
            heads, lines = [], []
            for n in batch:
                customer, country, postal_code, wanted = content(n)
                heads.append(f"{n}\tB-{n}\tB-{n}\tshop\t{customer}\tGBP\t{country}\t{postal_code}\n")
                for number, (sku, units) in enumerate(wanted, 1):
                    price = Decimal(house.PRICES_MINOR[sku]) / 100
                    lines.append(f"{n}\t{number}\t{house.sku_code(sku)}\t{units}\t{price}\n")
            self.input.append(("".join(heads).encode(), "".join(lines).encode()))
        self.cause = {
            "at": house.AT,
            "actor": "system:bench",
            "reason": "a benchmark",
            "correlation": ids.uuid7(),
        }
        self.connection = house.connect()
        self.connection.execute((SQL / "staging.sql").read_text())
        self.scripts = {step: (SQL / f"{step}.sql").read_text() for step in STEPS}
        self._batch = -1

    def __getattr__(self, step: str) -> Callable[[int], None]:
        if step not in STEPS:
            raise AttributeError(step)
        return lambda batch: self._step(step, batch)

    def _step(self, step: str, batch: int) -> None:
        cursor = self.connection.cursor()
        if step == "place":
            cursor.execute("TRUNCATE input_order, input_line")
            for table, text in zip(("input_order", "input_line"), self.input[batch], strict=True):
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(text)
        cursor.execute(f"BEGIN;\n{self.scripts[step]};\nCOMMIT", {**self.cause, "batch": batch})

    def close(self) -> None:
        self.connection.close()


# ---- a round


def run(side: type[Ours | Baseline], orders: int, size: int) -> Sample:
    """Place and allocate all orders batch by batch, then take all of them to the door batch by batch."""
    house.fresh()
    one = side(orders, size)
    sample = Sample(orders)
    count = len(batches(orders, size))
    for steps in (FIRST, STEPS[len(FIRST) :]):
        for batch in range(count):
            for step in steps:
                began = time.perf_counter()
                getattr(one, step)(batch)
                if batch:
                    sample.seconds[step] += time.perf_counter() - began
        sample.books.append(books())
    one.close()
    return sample


def abreast(orders: int, size: int) -> tuple[float, dict[str, str]]:
    """The whole walk of every batch, by as many threads of this process: orders per second, and the books.

    So a worker of the house works: while one batch waits for the server, Python makes the next.
    """
    from entrepot.kernel.worker import THREADS

    house.fresh()
    one = Ours(orders, size)
    go_through(one, [0])
    house.disconnect()
    parts = [range(1 + i, len(one.requests), THREADS) for i in range(THREADS)]
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(partial(_go_apart, one), parts))
        took = time.perf_counter() - began
    return orders / took, books()


def go_through(one: Ours, batches: Iterable[int]) -> None:
    """The whole walk of some batches."""
    for batch in batches:
        for step in STEPS:
            getattr(one, step)(batch)


def _go_apart(one: Ours, batches: Iterable[int]) -> None:
    try:
        go_through(one, batches)
    finally:
        house.disconnect()


def books(digests: Path = SQL / "books.sql") -> dict[str, str]:
    """What the database holds, free of keys and of the order of rows: counts of every table, and digests."""
    with house.connect() as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
            )
        ]
        found = {
            f"rows of {name}": str(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])
            for name in tables
        }
        # As many rows as there were server processes; its sums are compared below.
        del found["rows of ledger_balance"]
        for text in digests.read_text().split(";\n"):
            title = text.strip().splitlines()[0].removeprefix("-- ")
            digest = f"SELECT count(*), md5(string_agg(r::text, '|' ORDER BY r::text)) FROM ({text}) AS r"
            found[title] = str(connection.execute(digest).fetchone())
        return found


def unequal(ours: Sample, baseline: Sample) -> list[str]:
    """In what the databases of the two sides differ, after allocation and at the end."""
    return [
        f"{name} after {moment}: ours {a[name]}, by hand {b[name]}"
        for moment, a, b in zip(("allocation", "shipping"), ours.books, baseline.books, strict=True)
        for name in a
        if a[name] != b[name]
    ]


BY_BIN = {f"rows of {table}" for table in ("stock_bucket", "stock_move", "warehouse_picktask")}
"""Where units lay decides how many of these there are, and whoever comes first gets the nearer bin."""


def unlike(one: dict[str, str], two: dict[str, str]) -> list[str]:
    """Tables that don't hold as many rows, and what `verify` finds amiss in the database."""
    from entrepot.insight import verify

    return [
        f"{name}: {one[name]} on one connection, {two[name]} on two"
        for name in one
        if name.startswith("rows of ") and name not in BY_BIN and one[name] != two[name]
    ] + verify.discrepancies()
