"""ledger.choose_costing, and what stock is worth first in, first out"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.ledger import errors, queries
from entrepot.ledger.commands.choose_costing import ChooseCosting, CostingChosen, choose_costing
from entrepot.stock.commands.adjust import Adjust, adjust
from entrepot.stock.commands.receive import Receive, Received, receive
from entrepot.stock.commands.take_back import PENDING, TakenBack, take_back
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, balance
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def fifo(revalue: bool = False) -> CostingChosen:
    (answer,) = choose_costing(
        SYSTEM, requests=[ChooseCosting(COMPANY, "fifo", "as the auditor asks", revalue)]
    )
    assert isinstance(answer, CostingChosen), answer
    return answer


def day(number: int) -> Cause:
    return replace(SYSTEM, at=NOW + timedelta(days=number))


def bought(floor: Floor, quantity: int, cost: int, number: int, node: int = 0) -> None:
    answers = receive(day(number), requests=[
        Receive(COMPANY, floor.skus[0], floor.nodes[node], floor.bin(node), quantity, cost, "test receipt", ids.uuid7())
    ])  # fmt: skip
    assert isinstance(answers[0], Received), answers


def lost(floor: Floor, quantity: int, node: int = 0) -> None:
    adjust(
        day(20),
        requests=[Adjust(COMPANY, floor.skus[0], floor.nodes[node], floor.bin(node), -quantity, "loss")],
    )


def layers(floor: Floor, node: int = 0) -> list[tuple[int, int]]:
    standing = queries.layers(company=COMPANY, sku=floor.skus[0])
    return [(one.quantity, one.value_minor) for one in standing if one.node == floor.nodes[node]]


def test_the_first_units_leave_first_and_come_back_at_what_they_left_with(floor: Floor) -> None:
    assert fifo() == CostingChosen(COMPANY, "fifo", 0, 0, True)
    bought(floor, 10, 1_000, 1)
    bought(floor, 10, 1_300, 2)

    lost(floor, 12)

    assert (balance(5100), balance(1200)) == (1_260, 1_040)
    assert layers(floor) == [(8, 1_040)]


def test_a_transfer_carries_its_layers(floor: Floor) -> None:
    fifo()
    bought(floor, 3, 300, 1)
    bought(floor, 3, 600, 2)
    bought(floor, 5, 4_500, 3, node=1)

    (sent,) = ship_transfer(day(4), requests=[
        ShipTransfer(COMPANY, floor.nodes[0], floor.nodes[1], (TransferUnits(floor.skus[0], floor.bin(), 4),))
    ])  # fmt: skip
    assert balance(1210) == 500
    receive_transfer(day(5), requests=[
        ReceiveTransfer(sent.transfer, (ArrivedUnits(floor.skus[0], floor.bin(1), 4),))
    ])  # fmt: skip

    assert layers(floor, 1) == [(3, 300), (1, 200), (5, 4_500)]
    assert layers(floor) == [(2, 400)]
    lost(floor, 4, node=1)
    assert balance(5100) == 500


def test_with_stock_on_hand_it_takes_a_revaluation_that_changes_no_value(floor: Floor) -> None:
    floor.stock(0, 3, cost=100)

    (refused,) = choose_costing(SYSTEM, requests=[ChooseCosting(COMPANY, "fifo", "why not")])
    assert isinstance(refused, errors.StockOnHand)
    assert "3 units worth" in str(refused)
    assert queries.costings(company=COMPANY) == []

    assert fifo(revalue=True) == CostingChosen(COMPANY, "fifo", 3, 100, True)
    assert fifo() == CostingChosen(COMPANY, "fifo", 3, 100, False)
    assert layers(floor) == [(3, 100)]
    bought(floor, 3, 500, 1)
    (back,) = choose_costing(SYSTEM, requests=[ChooseCosting(COMPANY, "average", "simpler", revalue=True)])

    assert back == CostingChosen(COMPANY, "average", 6, 600, True)
    assert layers(floor) == []
    lost(floor, 3)
    assert (balance(5100), balance(1200)) == (300, 300)
    assert [one.method for one in queries.costings(company=COMPANY)] == ["average", "fifo"]


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (ChooseCosting(99, "fifo", "why"), NotFound),
        (ChooseCosting(COMPANY, "lifo", "why"), Invalid),
        (ChooseCosting(COMPANY, "fifo", " "), Invalid),
    ],
)
def test_what_can_not_be_chosen(floor: Floor, request_: ChooseCosting, refusal: type) -> None:
    (answer,) = choose_costing(SYSTEM, requests=[request_])

    assert isinstance(answer, refusal)
    assert queries.costings(company=COMPANY) == []


def test_drift_of_a_layer_is_named(floor: Floor) -> None:
    fifo()
    bought(floor, 4, 400, 1)
    sql.run("UPDATE ledger_layer SET value_minor = value_minor - 7")

    (sentence,) = queries.discrepancies()

    assert sentence.endswith("stock: 4 units valued at 400, their layers make 4 at 393")
    sql.run("UPDATE ledger_layer SET value_minor = value_minor + 7")


def test_again_by_key(floor: Floor) -> None:
    one = ChooseCosting(COMPANY, "fifo", "as the auditor asks", key="K")

    assert choose_costing(SYSTEM, requests=[one]) == choose_costing(SYSTEM, requests=[one])
    assert len(queries.costings(company=COMPANY)) == 1


@pytest.mark.counts("ledger.choose_costing")
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    counts = []
    for size in SIZES:
        method = "average" if size == 10 else "fifo"
        with statements() as ran:
            choose_costing(SYSTEM, requests=[ChooseCosting(COMPANY, method, "why")] * size)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [6] * 3  # the sixth writes the events


def test_statements_of_layers_do_not_grow_either(floor: Floor, statements) -> None:
    fifo()
    counts = []
    for size in (1, 10, 300):
        bought(floor, size, 100 * size, size)
        bought(floor, size, 200 * size, size + 1)
        with statements() as ran:
            adjust(SYSTEM, requests=[
                Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), -1, "loss") for _ in range(size)
            ])  # fmt: skip
        counts.append(len([text for text in ran.texts if "ledger_layer" in text]))
    assert counts == [2] * 3


def test_what_a_customer_sends_back_is_a_layer_at_its_cost(floor: Floor) -> None:
    fifo()
    bought(floor, 2, 900, 1)
    take_back(day(9), [
        TakenBack(
            COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), PENDING, "", "", 1, 250, "return", ids.uuid7(),
            ids.uuid7(), NOW,
        )
    ])  # fmt: skip

    assert layers(floor) == [(2, 900), (1, 250)]
