"""network.switch_bins, network.retire_bins and warehouse.retire_bins."""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, NotPermitted, Refused, WrongState
from entrepot.network import queries
from entrepot.network.commands import switch_bins as network
from entrepot.network.commands.register import RegisterBin, register_bins
from entrepot.network.commands.switch_bins import BinNow
from entrepot.network.errors import BinOut
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.stock import plating
from entrepot.stock.errors import NotThere
from entrepot.warehouse.commands.build_plates import BuildPlate, build_plates
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.commands.replenish import SetPickFace, set_pick_faces
from entrepot.warehouse.commands.retire_bins import RetireBin, retire_bins
from entrepot.warehouse.commands.switch_bins import BinSwitched, SwitchBin, switch_bins
from entrepot.warehouse.errors import BinInUse
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import SIZES
from tests.together import at_once


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def made(floor: Floor, *codes: str, kind: str = "pick") -> list:
    answers = register_bins(
        SYSTEM, requests=[RegisterBin(COMPANY, floor.nodes[0], code, kind) for code in codes]
    )
    return [one.id for one in answers]


def stock_of(floor: Floor, which, units: int) -> None:
    """Units of the first SKU in a bin, brought there from the floor's own."""
    floor.stock(quantity=units)
    put_away(SYSTEM, requests=[PutAway(COMPANY, floor.skus[0], floor.bin(), which, units, why="move")])


def switched(which, step: str):
    return switch_bins(SYSTEM, requests=[SwitchBin(COMPANY, which, step, "the beam is bent")])[0]  # type: ignore[arg-type]


def kinds(floor: Floor) -> dict:
    return {one.id: one.kind for one in queries.bins(nodes=[floor.nodes[0]])}


def test_a_blocked_bin_is_passed_by_and_is_what_it_was_when_it_is_opened(floor: Floor):
    (which,) = made(floor, "X-1")
    assert switched(which, "block") == BinSwitched(which, "blocked")
    assert kinds(floor)[which] == "blocked"
    assert which not in [one.id for one in queries.bins(nodes=[floor.nodes[0]], kinds=("pick",))]
    assert isinstance(switched(which, "block"), WrongState)
    (refused,) = register_bins(SYSTEM, requests=[RegisterBin(COMPANY, floor.nodes[0], "X-1", "reserve")])
    assert isinstance(refused, BinOut)
    assert switched(which, "open") == BinSwitched(which, "in use") and kinds(floor)[which] == "pick"
    events = sql.run("SELECT state_before, state_after, reason FROM kernel_event WHERE subject_id = %(b)s::uuid"
                     " AND state_after <> 'registered' ORDER BY seq", {"b": which})  # fmt: skip
    assert [row[:2] for row in events] == [("in use", "blocked"), ("blocked", "in use")]
    assert events[0][2] == "the beam is bent"


def test_nothing_is_put_into_a_bin_that_is_out_of_use_and_what_is_there_may_leave(floor: Floor):
    source, target = made(floor, "X-1", "X-2")
    stock_of(floor, source, 5)
    move = PutAway(COMPANY, floor.skus[0], source, target, 2, why="move")
    switched(target, "block")
    (refused,) = put_away(SYSTEM, requests=[move])
    assert refused == BinOut(which="X-2", state="blocked")
    switched(target, "open")
    switched(source, "block")
    (answer,) = put_away(SYSTEM, requests=[move])
    assert answer.quantity == 2


def test_a_bin_is_retired_when_it_is_empty(floor: Floor):
    full, empty = made(floor, "X-1", "X-2")
    stock_of(floor, full, 5)
    answers = retire_bins(SYSTEM, requests=[RetireBin(COMPANY, full), RetireBin(COMPANY, empty)])
    assert answers == [BinInUse(which="X-1", what="goods"), BinNow(empty, "retired")]
    assert kinds(floor)[empty] == "retired"
    assert isinstance(retire_bins(SYSTEM, requests=[RetireBin(COMPANY, empty)])[0], WrongState)
    assert switched(empty, "open") == BinSwitched(empty, "in use")


def test_refusals(floor: Floor):
    (which,) = made(floor, "X-1")
    strange = ids.uuid7()
    for command, request in (
        (switch_bins, SwitchBin(COMPANY, strange, "block")), (switch_bins, SwitchBin(COMPANY + 1, which, "block")),
        (retire_bins, RetireBin(COMPANY, strange)), (retire_bins, RetireBin(COMPANY + 1, which)),
    ):  # fmt: skip
        assert isinstance(command(SYSTEM, requests=[request])[0], NotFound)
        assert isinstance(command(Cause(Actor("pia"), NOW), requests=[request])[0], NotPermitted)
    assert kinds(floor)[which] == "pick"


def test_a_key_of_the_request_gets_its_answer_again(floor: Floor):
    (which,) = made(floor, "X-1")
    request = SwitchBin(COMPANY, which, "block", key="once")
    assert switch_bins(SYSTEM, requests=[request]) == switch_bins(SYSTEM, requests=[request])
    request = RetireBin(COMPANY, which, key="once")
    assert retire_bins(SYSTEM, requests=[request]) == retire_bins(SYSTEM, requests=[request])


def test_a_bin_is_retired_or_filled_at_once_and_never_both(committed_db):
    floor = a_floor()
    source, target = made(floor, "X-1", "X-2")
    stock_of(floor, source, 9)
    for _ in range(5):
        move = PutAway(COMPANY, floor.skus[0], source, target, 1, why="move")
        put, retired = at_once(
            [lambda move=move: put_away(SYSTEM, requests=[move])[0],
             lambda: retire_bins(SYSTEM, requests=[RetireBin(COMPANY, target)])[0]]
        )  # fmt: skip
        assert (type(put), type(retired)) in (
            (BinOut, BinNow), (type(put), BinInUse) if not isinstance(put, BinOut) else (BinOut, BinNow),
        )  # fmt: skip
        if isinstance(retired, BinNow):
            switched(target, "open")
        else:
            put_away(SYSTEM, requests=[PutAway(COMPANY, floor.skus[0], target, source, 1, why="move")])


@pytest.mark.counts(
    "network.switch_bins", "network.retire_bins", "warehouse.retire_bins", "warehouse.switch_bins"
)
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements, count: int):
    which = made(floor, *(f"X-{i}" for i in range(count)))
    counts = []
    for command, requests in (
        (network.switch_bins, [SwitchBin(COMPANY, one, "block") for one in which]),
        (network.retire_bins, [RetireBin(COMPANY, one) for one in which]),
        (switch_bins, [SwitchBin(COMPANY, one, "open") for one in which]),
        (retire_bins, [RetireBin(COMPANY, one) for one in which]),
    ):
        with statements() as ran:
            assert all(isinstance(one, (BinNow, BinSwitched)) for one in command(SYSTEM, requests=requests))
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [3, 3, 4, 5], f"{counts}"


def statuses(floor: Floor, which) -> dict[str, int]:
    return dict(
        sql.run(
            "SELECT status, sum(quantity)::int FROM stock_bucket WHERE bin_id = %(b)s AND quantity > 0 GROUP BY 1",
            {"b": which},
        )
    )


def sellable(floor: Floor) -> int:
    return sql.run("SELECT sellable FROM stock_position WHERE sku_id = %(s)s AND node_id = %(n)s",
                   {"s": floor.skus[0], "n": floor.nodes[0]})[0][0]  # fmt: skip


def promised(floor: Floor, units: int):
    order = floor.order((0, units))
    allocate(SYSTEM, requests=[AllocateOrder(order.order)])
    return order


def open_units(order) -> int:
    return sql.run("SELECT open FROM orders_line WHERE order_id = %(o)s", {"o": order.order})[0][0]


def test_goods_of_a_blocked_bin_are_not_sold_until_it_is_opened(floor: Floor):
    (which,) = made(floor, "X-1")
    stock_of(floor, which, 5)
    floor.stock(quantity=3)
    assert sellable(floor) == 8
    assert switched(which, "block") == BinSwitched(which, "blocked", 5)
    assert (statuses(floor, which), sellable(floor)) == ({"blocked": 5}, 3)
    assert switched(which, "open") == BinSwitched(which, "in use", 5)
    assert (statuses(floor, which), sellable(floor)) == ({"sellable": 5}, 8)


def test_orders_that_counted_on_a_blocked_bin_are_named_and_sourced_anew(floor: Floor):
    (which,) = made(floor, "X-1")
    stock_of(floor, which, 5)
    early, late = promised(floor, 3), promised(floor, 2)
    answer = switched(which, "block")
    assert answer == BinSwitched(which, "blocked", 5, 0, 5, tuple(sorted((early.number, late.number))))
    assert (open_units(early), open_units(late), sellable(floor)) == (3, 2, 0)
    assert sql.run("SELECT count(*)::int FROM work_item WHERE type = 'displaced'") == [(2,)]
    allocate(SYSTEM, requests=[AllocateOrder(early.order)])
    assert open_units(early) == 0 and sellable(floor) == 0, (
        "it waits as a backorder, and is not 'not pickable'"
    )
    switched(which, "open")
    assert sellable(floor) == 5


def test_what_is_being_picked_goes_on_though_its_bin_is_blocked(floor: Floor):
    (which,) = made(floor, "X-1")
    stock_of(floor, which, 5)
    order = promised(floor, 2)
    release(SYSTEM, requests=[ReleaseOrder(order.order)])
    assert switched(which, "block") == BinSwitched(which, "blocked", 3, 2)
    assert statuses(floor, which) == {"sellable": 2, "blocked": 3}
    ((fulfillment,),) = sql.run("SELECT id FROM warehouse_fulfillment")
    (picked,) = pick(SYSTEM, requests=[PickFulfillment(fulfillment)])
    assert not isinstance(picked, Refused)
    assert statuses(floor, which) == {"blocked": 3}


def test_goods_that_leave_a_blocked_bin_are_sold_again(floor: Floor):
    source, target = made(floor, "X-1", "X-2")
    stock_of(floor, source, 5)
    switched(source, "block")
    (moved,) = put_away(SYSTEM, requests=[PutAway(COMPANY, floor.skus[0], source, target, 2, why="move")])
    assert moved.quantity == 2  # type: ignore[union-attr]
    assert (statuses(floor, source), statuses(floor, target), sellable(floor)) == (
        {"blocked": 3}, {"sellable": 2}, 2,
    )  # fmt: skip
    (more,) = put_away(SYSTEM, requests=[PutAway(COMPANY, floor.skus[0], source, target, 4, why="move")])
    assert isinstance(more, NotThere)


def test_whoever_names_a_bin_out_of_use_is_refused_by_its_name(floor: Floor):
    (which,) = made(floor, "X-1")
    stock_of(floor, which, 5)
    switched(which, "block")
    out = BinOut(which="X-1", state="blocked")
    assert build_plates(
        SYSTEM, requests=[BuildPlate(COMPANY, which, ((floor.skus[0], 1),), plating.sscc("4012345", 0, 1))]
    ) == [out]
    assert set_pick_faces(SYSTEM, requests=[SetPickFace(COMPANY, floor.skus[0], which, 1, 5)]) == [out]
    assert queries.bins_out([which, floor.bin()]) == {which: out}


@pytest.mark.parametrize("count", [1, 10])
def test_blocking_full_bins_takes_the_same_statements(floor: Floor, statements, count: int):
    which = made(floor, *(f"X-{i}" for i in range(count)))
    for one in which:
        stock_of(floor, one, 2)
    promised(floor, count)
    with statements() as ran:
        answers = switch_bins(SYSTEM, requests=[SwitchBin(COMPANY, one, "block") for one in which])
    assert sum(one.units for one in answers) == 2 * count  # type: ignore[union-attr]
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 27


def test_promises_that_a_blocked_bin_breaks_are_locked_before_what_stands_in_it(floor: Floor, statements):
    (which,) = made(floor, "X-1")
    stock_of(floor, which, 5)
    promised(floor, 3)
    with statements() as ran:
        assert switched(which, "block").promised == 3
    locked = [text for text in ran.texts if "FOR UPDATE" in text]
    promises = [place for place, text in enumerate(locked) if "FROM stock_allocation" in text]
    buckets = [place for place, text in enumerate(locked) if "stock_bucket" in text]
    assert promises and buckets and promises[0] < buckets[0], locked


def test_a_bin_is_blocked_and_emptied_at_once(committed_db):
    floor = a_floor()
    source, target = made(floor, "X-1", "X-2")
    stock_of(floor, source, 9)
    for _ in range(4):
        move = PutAway(COMPANY, floor.skus[0], source, target, 1, why="move")
        at_once(
            [lambda move=move: put_away(SYSTEM, requests=[move])[0], lambda: switched(source, "block"),
             lambda: switched(source, "open")]
        )  # fmt: skip
    switched(source, "open")
    assert statuses(floor, source).keys() <= {"sellable"} and sellable(floor) == 9
