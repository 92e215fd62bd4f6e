"""A channel sends an order again and again: through the API it is one order, whatever the keys and the timing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from entrepot.kernel import sql
from tests.http.test_api import ORDERS, an_order, is_problem, placed_orders
from tests.together import at_once

TIMES = 5
CODES = ("X-1", "X-2", "X-3", "X-4")
KEYS: dict[str, Callable[[str, int], str | None]] = {
    "the same key": lambda code, _: f"order-{code}",
    "a key for each sending": lambda code, n: f"order-{code}-{n}",
    "no key": lambda _code, _n: None,
}
"""The Idempotency-Key of the n-th sending of an order."""

Send = Callable[[str, int], Any]


@pytest.fixture
def sender(committed_db: None) -> Callable[[], Any]:
    """Clients of the same integration engineer, of a shop that has no orders yet."""
    from django.test import Client

    from tests.asking import Program, a_program
    from tests.shop import a_shop, everybody

    a_shop()
    key = a_program(everybody()["engineer"]).key
    return lambda: Program(Client(), key)


@pytest.fixture(params=KEYS)
def sent(request: pytest.FixtureRequest, sender: Callable[[], Any]) -> tuple[str, Send]:
    """What keys are given, and how to send an order for the n-th time."""
    key_of = KEYS[request.param]
    return request.param, lambda code, n: sender().post(ORDERS, an_order(code), again=key_of(code, n))


def sendings(seed: int) -> list[tuple[str, int]]:
    """Each order five times, out of order with the others."""
    all_of_them = [(code, n) for code in CODES for n in range(TIMES)]
    return random.Random(seed).sample(all_of_them, len(all_of_them))


def waves(seed: int) -> Iterator[list[tuple[str, int]]]:
    """The sendings, some alone and some at the same instant."""
    left, chance = sendings(seed), random.Random(seed)
    while left:
        size = chance.choice((1, 2, 8))
        yield left[:size]
        del left[:size]


def each_stands_once() -> None:
    """One order of each, with its line, announced and offered to the next room once."""
    found = sql.run("""
        SELECT o.external_id, count(*)::int, count(DISTINCT o.id)::int, count(DISTINCT e.seq)::int,
               count(DISTINCT r.queue)::int
        FROM orders_order AS o
        LEFT JOIN orders_line AS l ON l.order_id = o.id
        LEFT JOIN kernel_event AS e ON e.subject_id = o.id
        LEFT JOIN kernel_ready AS r ON r.subject = o.id
        GROUP BY 1 ORDER BY 1
    """)
    assert found == [(code, 1, 1, 1, 1) for code in CODES]


def what_they_say(keys: str, code: str, responses: list[Any], together: bool) -> None:
    """The answers to the sendings of one order are those that its keys promise."""
    if keys == "no key":
        for response in responses:
            told = is_problem(response, 422, "http.422")
            assert told["errors"][0]["where"][-1] == "Idempotency-Key"
        return
    placed = [one.json() for one in responses if one.status_code == 201]
    refused = [one.json() for one in responses if one.status_code != 201]
    ((number,),) = sql.run("SELECT number FROM orders_order WHERE external_id = %(code)s", {"code": code})
    assert {one["number"] for one in placed} == {number}
    if keys == "the same key":
        assert all(one == placed[0] for one in placed)
        assert {one["code"] for one in refused} <= ({"kernel.request_in_flight"} if together else set())
    else:
        assert len(placed) == 1
        assert {(one["code"], one["facts"]["number"]) for one in refused} == {("orders.duplicate", number)}


def check(keys: str, answers: dict[str, list[Any]], *, together: bool = False) -> None:
    for code, responses in answers.items():
        assert len(responses) == TIMES
        what_they_say(keys, code, responses, together)
    if keys == "no key":
        assert placed_orders() == 0
    else:
        each_stands_once()


def test_sent_five_times_out_of_order_it_is_one_order(sent: tuple[str, Send]) -> None:
    keys, send = sent
    answers: dict[str, list[Any]] = {code: [] for code in CODES}

    for code, n in sendings(seed=1):
        answers[code].append(send(code, n))

    check(keys, answers)


@pytest.mark.parametrize("seed", range(3))
def test_sent_partly_at_the_same_instant_it_is_one_order(sent: tuple[str, Send], seed: int) -> None:
    keys, send = sent
    answers: dict[str, list[Any]] = {code: [] for code in CODES}

    for wave in waves(seed):
        for (code, _), response in zip(wave, at_once([partial(send, *one) for one in wave]), strict=True):
            answers[code].append(response)

    check(keys, answers, together=True)
    if keys == "the same key":
        again = [send(code, TIMES) for code in CODES]
        assert [one.status_code for one in again] == [201] * len(CODES)
        each_stands_once()


def test_all_at_the_same_instant_it_is_one_order(sent: tuple[str, Send]) -> None:
    keys, send = sent
    wanted = sendings(seed=4)

    responses = at_once([partial(send, *one) for one in wanted])

    answers = {
        code: [r for (of, _), r in zip(wanted, responses, strict=True) if of == code] for code in CODES
    }
    check(keys, answers, together=True)


def test_five_times_in_one_list_it_is_one_order(sender: Callable[[], Any]) -> None:
    batch = [an_order(code) for code, _ in sendings(seed=5)]

    response = sender().post(ORDERS, batch)

    assert response.status_code == 200
    answers = [one.get("code", "placed") for one in response.json()]
    assert (answers.count("placed"), answers.count("orders.duplicate")) == (4, 16)
    each_stands_once()
    assert sender().post(ORDERS, batch).json() == response.json()
    each_stands_once()
