"""Several supervisors and pickers at once: an order is in one wave, and a list is picked once."""

from __future__ import annotations

import pytest

from entrepot.insight import verify
from entrepot.kernel.errors import Refused
from entrepot.warehouse import queries
from entrepot.warehouse.commands.pace import PaceNode, pace
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.commands.pick_lists import ListPicked, PickList, TakeList, pick_lists, take_lists
from entrepot.warehouse.commands.propose_wave import ProposeWave, WaveProposed, propose_wave
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.warehouse.commands.split_lists import ListSplit, SplitList, split_lists
from entrepot.warehouse.commands.totes import ToteUsed, UseTote, use_totes
from entrepot.warehouse.commands.waves import DropWave, ReleaseWave, WaveReleased, drop_wave, release_wave
from entrepot.warehouse.errors import ListDone, ListGiven
from tests.floor import COMPANY, SYSTEM, Floor, someone
from tests.shop import a_person
from tests.together import at_once
from tests.walk import queued
from tests.waves import gathers, waiting

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 6


def test_supervisors_who_propose_at_once_share_the_orders(house: Floor):
    gathers()
    waiting(house, 30, (0, 1))
    answers = at_once(
        [lambda: propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0], lines_max=10)])] * THREADS
    )
    made = [answer for (answer,) in answers if isinstance(answer, WaveProposed)]
    assert [one.orders for one in made] == [10, 10, 10]
    orders = [row.order for one in made for row in queries.wave_orders(one.wave)]
    assert len(set(orders)) == 30


def test_work_that_paces_itself_twice_at_once_goes_once(house: Floor):
    gathers(mode="paced")
    orders = waiting(house, 20, (0, 1))
    outcomes = at_once([lambda: pace(SYSTEM, requests=[PaceNode(house.nodes[0])])] * 3)
    assert sum(one.orders for answers in outcomes for one in answers) == len(orders) == len(queued("pick"))


def test_a_wave_is_released_once_and_each_order_once(house: Floor):
    gathers()
    orders = waiting(house, 20, (0, 1), (1, 1))
    (wave,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0])])
    jobs = [
        *[lambda: release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])] * 3,
        lambda: drop_wave(SYSTEM, requests=[DropWave(wave.wave)]),
        lambda: release(SYSTEM, requests=[ReleaseOrder(order) for order in orders[:10]]),
        lambda: release(SYSTEM, requests=[ReleaseOrder(order) for order in orders[::-1][:5]]),
    ]
    answers = [answer for got in at_once(jobs) for answer in got]
    assert (
        all(isinstance(one, Refused) for one in answers[:4])
        == (queries.wave(wave.wave).state == "dropped" and not isinstance(answers[3], Refused))
        or sum(not isinstance(one, Refused) for one in answers[:4]) == 1
    )
    by_hand = sum(isinstance(one, OrderReleased) for one in answers[4:])
    in_wave = sum(one.orders for one in answers[:3] if isinstance(one, WaveReleased))
    found = [row for order in orders for row in queries.of_order(order)]
    assert len(found) == len({row.order for row in found}) == by_hand + in_wave
    assert verify.discrepancies() == []


def test_a_list_is_picked_once(house: Floor):
    gathers()
    waiting(house, 12, (0, 1), (1, 1))
    (wave,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0], method="discrete")])
    (went,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    jobs = [
        lambda i=i: pick_lists(
            SYSTEM, requests=[PickList(one) for one in (went.lists if i % 2 else went.lists[::-1])]
        )
        for i in range(THREADS)
    ]
    answers = [answer for got in at_once(jobs) for answer in got]
    assert sum(isinstance(one, ListPicked) for one in answers) == len(went.lists)
    assert queries.wave(wave.wave).open_stops == 0
    assert [row.id for row in queries.waves(company=COMPANY)] == [wave.wave]
    assert verify.discrepancies() == []


def test_a_list_is_given_away_or_its_stop_is_reported(house: Floor):
    """Whoever comes first: a stop that was reported counts, and one after the list was given away does not."""
    gathers()
    waiting(house, 1, (0, 1))
    (wave,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0], method="discrete")])
    (went,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    (one,) = went.lists
    a_person("bob", superuser=True)
    take_lists(someone("ann"), requests=[TakeList(one)])
    (stop,) = queries.list_stops(one)
    wanted = [PickFulfillment(stop.fulfillment, picker="ann", tasks=(stop.task,), pick_list=one)]
    jobs = [lambda: pick(someone("ann"), requests=wanted)] * THREADS
    jobs += [lambda: take_lists(someone("eve"), requests=[TakeList(one, "bob")])]

    *picks, given = (got[0] for got in at_once(jobs))

    done = [answer for answer in picks if isinstance(answer, FulfillmentPicked)]
    assert len(done) == (1 if isinstance(given, ListDone) else len(done)) <= 1
    if not done:
        assert all(isinstance(answer, ListGiven) for answer in picks)
    assert queries.wave(wave.wave).open_stops == 1 - len(done)
    assert verify.discrepancies() == []


def test_an_order_gets_a_tote_on_its_cart_or_goes_to_another(house: Floor):
    """Never both: the tote would stand on a cart that nobody walks for it."""
    gathers()
    waiting(house, 2 * THREADS, (0, 1))
    (wave,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0], method="cluster")])
    (went,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    one = went.lists[0]
    stops = queries.list_stops(one)[:THREADS]
    totes = [UseTote(stop.fulfillment, f"T-{n}", None, one, stop.task) for n, stop in enumerate(stops)]
    jobs = [lambda wanted=wanted: use_totes(SYSTEM, requests=[wanted]) for wanted in totes]
    jobs += [
        lambda stop=stop: split_lists(SYSTEM, requests=[SplitList(one, (stop.fulfillment,))])
        for stop in stops
    ]

    answers = [got[0] for got in at_once(jobs)]

    for used, split in zip(answers[: len(stops)], answers[len(stops) :], strict=True):
        assert isinstance(used, ToteUsed) != isinstance(split, ListSplit), (used, split)
    assert verify.discrepancies() == []
