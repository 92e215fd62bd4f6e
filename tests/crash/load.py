"""The load of the crash test: `python -m tests.crash.load FILE SEED [COUNT]` walks orders until it is killed.

Before each command a line `try <key>` goes to the file, after it `done <key> <answer>`: what the caller knows. Given a
COUNT it repeats what the file says was tried, with the same keys, and writes `again <key> <answer>`.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import django


def main(path: str, seed: str, mode: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.settings")
    django.setup()
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
    from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, place
    from entrepot.shipping.commands.ship import ShipFulfillment, ship
    from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
    from entrepot.warehouse.commands.pack import PackFulfillment, pack
    from entrepot.warehouse.commands.pick import PickFulfillment, pick
    from entrepot.warehouse.commands.release import ReleaseOrder, release
    from tests.floor import COMPANY, NOW, SYSTEM

    chance = random.Random(f"{seed}-{number}")
    lines = tuple(
        OrderLine(f"SKU-{chance.randrange(3):03}", chance.randint(1, 3), Decimal("9.99")) for _ in range(2)
    )
    total = sum(999 * line.quantity for line in lines)
    made: dict[str, Any] = {}

    def first(name: str, answers: list[Any]) -> Any:
        made[name] = answers[0]
        return answers[0]

    yield (
        f"{seed}-{number}-place",
        lambda key: first(
            "place",
            place(
                SYSTEM,
                requests=[
                    PlaceOrder(
                        COMPANY,
                        "shop",
                        f"{seed}-{number}",
                        lines,
                        "GBP",
                        country="GB",
                        postal_code="SW1A 1AA",
                        key=key,
                        payment=PaymentGiven("account", f"{seed}-{number}", total, NOW),
                    )
                ],
            ),
        ),
    )
    yield (
        f"{seed}-{number}-allocate",
        lambda key: first(
            "allocate", allocate(SYSTEM, requests=[AllocateOrder(made["place"].order, key=key)])
        ),
    )
    yield (
        f"{seed}-{number}-release",
        lambda key: first("release", release(SYSTEM, requests=[ReleaseOrder(made["place"].order, key=key)])),
    )
    for name, function, request in (
        ("pick", pick, PickFulfillment),
        ("pack", pack, PackFulfillment),
        ("ship", ship, ShipFulfillment),
    ):
        yield (
            f"{seed}-{number}-{name}",
            lambda key, name=name, function=function, request=request: first(
                name, function(SYSTEM, requests=[request(made["release"].fulfillments[0], key=key)])
            ),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
