"""The same order from several senders at once is one order; orders that are counted count each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from django.db import transaction

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import errors
from entrepot.orders.commands.place import PaymentGiven, Placed, PlaceOrder, place
from entrepot.orders.facts import known
from entrepot.orders.validation import Validation
from tests.selling import CAUSE, COMPANY, NOW, a_seller, an_order, rows
from tests.together import all_at_once, at_once


def test_the_same_webhook_five_times_makes_one_order(committed_db):
    a_seller()
    answers = all_at_once(place, CAUSE, *([an_order("E1", key=f"k{i}")] for i in range(5)))
    assert sum(isinstance(one, Placed) for one in answers) == 1
    assert sum(isinstance(one, errors.Duplicate) for one in answers) == 4
    assert (rows("orders_order"), rows("orders_line")) == (1, 1)


def test_batches_that_overlap_place_each_order_once(committed_db):
    a_seller()
    batches = [[an_order(f"E{i}") for i in range(start, start + 60)] for start in (0, 20, 40, 10)]
    batches[1].reverse()
    batches[3].reverse()
    answers = all_at_once(place, CAUSE, *batches)
    assert sum(isinstance(one, Placed) for one in answers) == 100
    assert (rows("orders_order"), rows("orders_line")) == (100, 100)


CARD = PaymentGiven("account", "auth", 10_00, NOW, card="tok_1")
HASTY = {
    "by one card": (
        Validation(velocity="enforce", velocity_card_max=1),
        lambda i: an_order(f"E{i}", payment=replace(CARD, reference=f"auth-{i}")),
    ),
    "the same goods": (Validation(duplicates="enforce"), lambda i: an_order(f"E{i}", customer="C-1")),
    "in an hour": (Validation(review_orders_per_hour=1), lambda i: an_order(f"E{i}", customer="C-1")),
    "the first": (
        Validation(newcomer="enforce", newcomer_max_minor=1), lambda i: an_order(f"E{i}", customer="C-1"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HASTY)
def test_orders_that_are_counted_count_each_other_however_many_come_at_once(committed_db, name):
    a_seller()
    policy, make = HASTY[name]
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, NOW)])
    # Their clocks differ, and whoever looks at it later may be served first.
    jobs = [
        lambda i=i: place(Cause(CAUSE.actor, NOW + timedelta(seconds=5 - i)), requests=[make(i)])
        for i in range(5)
    ]
    answers = [answer for given in at_once(jobs) for answer in given]
    reviewed = sum("fraud review" in one.holds for one in answers)
    assert reviewed == (1 if name == "the first" else 4)


def _with_card(name: str, card: str) -> PlaceOrder:
    return an_order(name, payment=replace(CARD, reference=name, card=card))


def test_orders_of_batches_large_and_small_count_each_other(committed_db, monkeypatch):
    monkeypatch.setattr(known, "LOCKS_MAX", 1)
    a_seller()
    policy = Validation(velocity="enforce", velocity_card_max=1)
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, NOW)])
    batches = [[_with_card(f"S{i}", "tok_1")] for i in range(4)]
    batches += [[_with_card(f"L{i}", "tok_1"), _with_card(f"M{i}", f"tok_{i} else")] for i in range(2)]

    answers = all_at_once(place, CAUSE, *batches)

    assert sum("fraud review" in one.holds for one in answers) == 5


def test_batches_of_other_people_do_not_wait_for_each_other(committed_db):
    a_seller()
    policy = Validation(velocity="enforce")
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, NOW)])
    has_placed, has_ended = Event(), Event()

    def first() -> None:
        with transaction.atomic():
            place(CAUSE, requests=[_with_card(f"A{i}", f"tok_a {i}") for i in range(100)])
            locks = (
                "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            )
            assert sql.run(locks) == [(101,)]
            has_placed.set()
            assert has_ended.wait(30), "the other one waits"

    def second() -> None:
        has_placed.wait(60)
        place(CAUSE, requests=[_with_card(f"B{i}", f"tok_b {i}") for i in range(100)])
        has_ended.set()

    at_once([first, second])

    assert rows("orders_order") == 200
