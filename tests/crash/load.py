"""The load of the crash test: `python -m tests.crash.load FILE SEED [COUNT]` walks orders out and back until a kill.

Before each command a line `try <key>` goes to the file, after it `done <key> <answer>`: what the caller knows. Given a
COUNT it repeats what the file says was tried, with the same keys, and writes `again <key> <answer>`.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from entrepot.cli import session


def main(path: str, seed: str, mode: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.settings")
    session.enter()
    with Path(path).open("a") as out:
        if mode == "walk":
            for number in range(100_000):
                _walk(out, seed, number, "done")
        else:
            for number in range(int(mode)):
                _walk(out, seed, number, "again")


def _walk(out: IO[str], seed: str, number: int, word: str) -> None:
    """One order through the house, each step with its own key."""
    for key, step in _steps(seed, number):
        if word == "done":
            _say(out, f"try {key}")
        answer = step(key)
        _say(out, f"{word} {key} {answer!r}")
        if not hasattr(answer, "__dataclass_fields__"):
            return


def _say(out: IO[str], line: str) -> None:
    out.write(line + "\n")
    out.flush()


def _steps(seed: str, number: int) -> Iterator[tuple[str, Callable[[str], Any]]]:
    """An order on its way out; two of three come back in part, by other people; some refunds wait for one more."""
    chance = random.Random(f"{seed}-{number}")
    made: dict[str, Any] = {}

    def step(name: str, function: Callable[..., list[Any]], cause: Any, request: Callable[..., Any]
             ) -> tuple[str, Callable[[str], Any]]:  # fmt: skip
        def work(key: str) -> Any:
            (made[name],) = function(cause, requests=[replace(request(), key=key)])
            return made[name]

        return f"{seed}-{number}-{name}", work

    yield from _way_out(step, made, chance, f"{seed}-{number}")
    if chance.random() < 2 / 3:
        yield from _way_back(step, made, chance)


def _way_out(step: Any, made: dict[str, Any], chance: random.Random, name: str) -> Iterator[Any]:
    from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, place
    from entrepot.shipping.commands.ship import ShipFulfillment, ship
    from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
    from entrepot.warehouse.commands.pack import PackFulfillment, pack
    from entrepot.warehouse.commands.pick import PickFulfillment, pick
    from entrepot.warehouse.commands.release import ReleaseOrder, release
    from tests.floor import COMPANY, NOW, SYSTEM

    lines = tuple(
        OrderLine(f"SKU-{chance.randrange(3):03}", chance.randint(1, 3), Decimal("9.99")) for _ in range(2)
    )
    total = sum(999 * line.quantity for line in lines) + 450 + 301 - 77
    order = PlaceOrder(
        COMPANY, "shop", name, lines, "GBP", country="GB", postal_code="SW1A 1AA", discount_minor=77,
        shipping_minor=450, tax_minor=301, payment=PaymentGiven("account", name, total, NOW),
    )  # fmt: skip
    yield step("place", place, SYSTEM, lambda: order)
    yield step("allocate", allocate, SYSTEM, lambda: AllocateOrder(made["place"].order))
    yield step("release", release, SYSTEM, lambda: ReleaseOrder(made["place"].order))
    for verb, function, request in (
        ("pick", pick, PickFulfillment),
        ("pack", pack, PackFulfillment),
        ("ship", ship, ShipFulfillment),
    ):
        yield step(verb, function, SYSTEM, lambda request=request: request(made["release"].fulfillments[0]))


def _way_back(step: Any, made: dict[str, Any], chance: random.Random) -> Iterator[Any]:
    from entrepot.returns.commands.approve import Approve, approve
    from entrepot.returns.commands.authorize import Authorize, Item, authorize
    from entrepot.returns.commands.dispose import Dispose, dispose
    from entrepot.returns.commands.inspect import Inspect, inspect
    from entrepot.returns.commands.receive import Receive, receive
    from entrepot.returns.commands.refund import Refund, refund
    from tests.back import APPROVES, ASKS, INSPECTS, RECEIVES, lines_of

    reason, grade = chance.choice(("defective", "changed_mind")), chance.choice("ABCD")
    line = lines_of(made["place"].order)[0]
    yield step("return", authorize, ASKS, lambda: Authorize(made["place"].order, (Item(line, 1, reason),)))
    back = made["return"]
    yield step("receive", receive, RECEIVES, lambda: Receive(back.return_id, back.lines[0], 1))
    yield step("inspect", inspect, INSPECTS, lambda: Inspect(made["receive"].receipt, 1, grade))
    yield step("dispose", dispose, INSPECTS, lambda: Dispose(made["inspect"].inspection, 1))
    yield step("refund", refund, ASKS, lambda: Refund(back.return_id))
    if made["refund"].state == "waiting":
        agree = chance.random() < 1 / 2
        yield step("approve", approve, APPROVES, lambda: Approve(made["refund"].refund, agree, "so"))


if __name__ == "__main__":
    main(*sys.argv[1:])
