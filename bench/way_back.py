"""Returns in batches through the commands, and the same rows by hand-written SQL: how fast each is.

As the walk is measured (`bench.walk`): every line of orders that were sent comes back whole, from authorization to
refund posted, by three people and an inspector.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from bench import house, walk

SQL = Path(__file__).with_name("sql") / "back"
STEPS = ("authorize", "receive", "inspect", "dispose", "refund")
PEOPLE = ("desk", "dock", "inspector", "inspector", "desk")
SENT = "bench_sent"  # the template of the database in which everything was sent
WARM_UP = 34  # orders


@dataclass
class Sample:
    """What one side of a round took, by step, and what the database then held."""

    lines: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    books: dict[str, str] = field(default_factory=dict)

    def per_second(self) -> float:
        return self.lines / sum(self.seconds.values())


type_line = tuple[UUID, int, UUID, int, str, str]
"""Order, number, line, units, reason, grade."""


def send(orders: int) -> None:
    """Make the template: orders placed, paid on account, and sent."""
    from entrepot import postgres
    from entrepot.kernel import policies
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, place
    from entrepot.returns.commands import lock  # noqa: F401  its policy's shape
    from entrepot.returns.rules import Policy

    house.fresh()
    cause = Cause(Actor("system:bench", everything=True), house.AT, "what was sent before")
    kept = policies.SetPolicy(house.COMPANY, "returns", Policy(approve_above_minor=None), house.AT)
    policies.set_policy(cause, requests=[kept])
    one = walk.Ours(0, 1)
    one.cause = cause
    for start in range(0, orders + WARM_UP, 500):
        requests = []
        for n in range(start, min(start + 500, orders + WARM_UP)):
            customer, country, postal_code, lines = walk.content(n)
            wanted = tuple(
                OrderLine(house.sku_code(sku), units, Decimal(house.PRICES_MINOR[sku]) / 100)
                for sku, units in lines
            )
            total = sum(house.PRICES_MINOR[sku] * units for sku, units in lines)
            requests.append(PlaceOrder(
                company=house.COMPANY, channel="shop", external_id=f"B-{n}", currency="GBP", lines=wanted,
                customer=customer, country=country, postal_code=postal_code,
                payment=PaymentGiven("account", f"B-{n}", total, house.AT),
            ))  # fmt: skip
        one.orders, one.fulfillments = [[answer.order for answer in place(cause, requests=requests)]], [[]]
        for step in walk.STEPS[1:]:
            getattr(one, step)(0)
    house.disconnect()
    postgres.recreate_database(SENT, house.DATABASE)


def content(size: int) -> list[list[list[type_line]]]:
    """Batches of orders, each with its lines: reasons and grades by turns. The first batch warms up."""
    with house.connect() as connection:
        rows = connection.execute(
            "SELECT o.id, l.number, l.id, l.shipped FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id"
            " WHERE l.shipped = l.quantity ORDER BY o.id, l.number"
        ).fetchall()
    whole: dict[UUID, list[type_line]] = {}
    for i, (order, number, line, units) in enumerate(rows):
        grade = "AAABAACAAD"[i % 10]
        whole.setdefault(order, []).append((order, number, line, units, "changed_mind", grade))
    orders = [lines for lines in whole.values() if len(lines) == walk.LINES]
    batches = [orders[:WARM_UP]]
    return batches + [orders[i : i + size] for i in range(WARM_UP, len(orders), size)]


class Ours:
    """Every step a command with a list of requests."""

    def __init__(self, batches: list[list[list[type_line]]]) -> None:
        from entrepot.kernel.cause import Actor, Cause

        self.causes = {
            step: Cause(Actor(who, everything=True), house.AT, "a benchmark")
            for step, who in zip(STEPS, PEOPLE, strict=True)
        }
        self.batches = batches
        self.grades: list[str] = []
        self.returns: list[Any] = []
        self.found: list[Any] = []

    def authorize(self, batch: int) -> None:
        from entrepot.returns.commands.authorize import Authorize, Item, authorize

        orders = self.batches[batch]
        self.returns = authorize(self.causes["authorize"], requests=[
            Authorize(lines[0][0], tuple(Item(line, units, reason) for _, _, line, units, reason, _ in lines))
            for lines in orders
        ])  # fmt: skip

    def receive(self, batch: int) -> None:
        from entrepot.returns.commands.receive import Receive, receive

        self.found = receive(self.causes["receive"], requests=[
            Receive(one.return_id, key, line[3])
            for one, lines in zip(self.returns, self.batches[batch], strict=True)
            for key, line in zip(one.lines, lines, strict=True)
        ])  # fmt: skip

    def inspect(self, batch: int) -> None:
        from entrepot.returns.commands.inspect import Inspect, inspect

        lines = [line for lines in self.batches[batch] for line in lines]
        self.found = inspect(self.causes["inspect"], requests=[
            Inspect(one.receipt, line[3], line[5]) for one, line in zip(self.found, lines, strict=True)
        ])  # fmt: skip

    def dispose(self, batch: int) -> None:
        from entrepot.returns.commands.dispose import Dispose, dispose

        lines = [line for lines in self.batches[batch] for line in lines]
        dispose(self.causes["dispose"], requests=[
            Dispose(one.inspection, line[3]) for one, line in zip(self.found, lines, strict=True)
        ])  # fmt: skip

    def refund(self, _batch: int) -> None:
        from entrepot.returns.commands.refund import Refund, refund

        refund(self.causes["refund"], requests=[Refund(one.return_id) for one in self.returns])

    def close(self) -> None:
        pass


class Baseline:
    """Every step a script of bench/sql/back."""

    def __init__(self, batches: list[list[list[type_line]]]) -> None:
        from entrepot.kernel import ids

        self.input = [
            "".join(
                f"{n}\t{order}\t{number}\t{line}\t{units}\t{reason}\t{grade}\n"
                for n, lines in enumerate(batch)
                for order, number, line, units, reason, grade in lines
            ).encode()
            for batch in batches
        ]
        self.cause = {"at": house.AT, "reason": "a benchmark", "correlation": ids.uuid7()}
        self.connection = house.connect()
        self.connection.execute((SQL / "staging.sql").read_text())
        entries = (SQL / "entries.sql").read_text()
        self.scripts = {
            step: (SQL / f"{step}.sql").read_text().replace("-- {entries}", entries.rstrip() + ";")
            for step in STEPS
        }
        self.actors = dict(zip(STEPS, PEOPLE, strict=True))

    def __getattr__(self, step: str) -> Callable[[int], None]:
        if step not in STEPS:
            raise AttributeError(step)
        return lambda batch: self._step(step, batch)

    def _step(self, step: str, batch: int) -> None:
        cursor = self.connection.cursor()
        if step == "authorize":
            cursor.execute("TRUNCATE input_return")
            with cursor.copy("COPY input_return FROM STDIN") as copy:
                copy.write(self.input[batch])
        params = {**self.cause, "actor": self.actors[step], "batch": batch}
        cursor.execute(f"BEGIN;\n{self.scripts[step]};\nCOMMIT", params)

    def close(self) -> None:
        self.connection.close()


def run(side: type[Ours | Baseline], size: int) -> Sample:
    """Take everything back, batch by batch of `size` orders."""
    house.fresh(SENT)
    batches = content(size)
    one = side(batches)
    sample = Sample()
    for batch, orders in enumerate(batches):
        for step in STEPS:
            began = time.perf_counter()
            getattr(one, step)(batch)
            if batch:
                sample.seconds[step] += time.perf_counter() - began
        if batch:
            sample.lines += sum(map(len, orders))
    sample.books = walk.books(SQL / "books.sql")
    one.close()
    return sample


LEFT_OUT = {"rows of returns_terms", "rows of kernel_imprint", "rows of kernel_ready"}
"""What ours writes beyond: the terms of each line with their imprints, and that a document is to be written. By hand
goes without them, to its advantage."""


def unequal(ours: Sample, baseline: Sample) -> list[str]:
    """In what the databases of the two sides differ."""
    return [
        f"{name}: ours {ours.books[name]}, by hand {baseline.books[name]}"
        for name in ours.books
        if ours.books[name] != baseline.books[name] and name not in LEFT_OUT
    ]
