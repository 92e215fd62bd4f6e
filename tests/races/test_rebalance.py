"""Proposing, accepting, sending and selling at once: nothing is sent twice, and nothing that was promised."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import NotFound, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.sourcing import queries
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.ask_transfers import AskTransfer, ask_transfers
from entrepot.sourcing.commands.rebalance import ProposeTransfers, propose_transfers
from entrepot.sourcing.commands.transfers import (
    AcceptTransfer,
    SendTransfer,
    TransferDecided,
    TransferSent,
    accept_transfers,
    send_transfers,
)
from entrepot.sourcing.rebalancing import Rebalancing
from entrepot.stock.commands.set_floor import SetSafety, set_safety
from entrepot.stock.commands.transfer import ReceiveTransfer, receive_transfer
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.together import all_at_once, at_once
from tests.walk import a_house, placed


@pytest.fixture
def house(committed_db: None) -> Floor:
    """The first node has 10 of two SKUs, the second lacks 10 of each."""
    house = a_house()
    set_policy(
        SYSTEM,
        requests=[SetPolicy(COMPANY, "sourcing.rebalancing", Rebalancing(cost_max_percent=100), NOW)],
    )
    for sku in (0, 1):
        house.stock(sku, 10)
        set_safety(SYSTEM, requests=[SetSafety(COMPANY, house.skus[sku], house.nodes[1], 10)])
    return house


def proposing(house: Floor, *, backwards: bool = False) -> Callable[[], object]:
    skus = house.skus[1::-1] if backwards else house.skus[:2]
    return lambda: propose_transfers(SYSTEM, requests=[ProposeTransfers(sku) for sku in skus])


def test_runs_at_once_leave_one_proposal_for_each_need(house: Floor) -> None:
    at_once([proposing(house, backwards=bool(i % 2)) for i in range(8)])

    assert [row.quantity for row in queries.proposals(company=COMPANY)] == [10, 10]


def test_what_is_accepted_while_a_run_replaces_it_is_carried_out_once_or_not_at_all(house: Floor) -> None:
    for _ in range(5):
        proposing(house)()
        keys = [row.id for row in queries.proposals(company=COMPANY)]
        *_, answers = at_once(
            [
                proposing(house),
                proposing(house, backwards=True),
                lambda keys=keys: accept_transfers(SYSTEM, requests=[AcceptTransfer(key) for key in keys]),
            ]
        )
        assert {type(one) for one in answers} <= {TransferDecided, NotFound}  # type: ignore[attr-defined]
        open_ = [
            row
            for state in ("proposed", "accepted")
            for row in queries.proposals(company=COMPANY, state=state)
        ]
        assert sorted(row.sku_code for row in open_) == ["SKU-000", "SKU-001"]


def test_units_are_sent_once_however_many_send_them_and_sell_them(house: Floor) -> None:
    proposing(house)()
    keys = [row.id for row in queries.proposals(company=COMPANY)]
    accept_transfers(SYSTEM, requests=[AcceptTransfer(key) for key in keys])
    orders = placed(house, 6, (0, 1), (1, 1))

    answers = at_once(
        [
            *(lambda: send_transfers(SYSTEM, requests=[SendTransfer(key) for key in keys]) for _ in range(4)),
            *(lambda order=order: allocate(SYSTEM, requests=[AllocateOrder(order)]) for order in orders),
        ]
    )

    sent = [one for some in answers[:4] for one in some]  # type: ignore[attr-defined]
    assert {type(one) for one in sent} <= {TransferSent, WrongState}
    assert sum(isinstance(one, TransferSent) for one in sent) == 2
    ((gone, promised),) = sql.run(
        "SELECT (SELECT sum(quantity)::int FROM stock_transferline),"
        " (SELECT COALESCE(sum(quantity), 0)::int FROM stock_allocation)"
    )
    assert gone + promised <= 20


def test_what_has_come_is_taken_in_once_however_many_say_so(house: Floor) -> None:
    proposing(house)()
    keys = [row.id for row in queries.proposals(company=COMPANY)]
    accept_transfers(SYSTEM, requests=[AcceptTransfer(key) for key in keys])
    first, _ = send_transfers(SYSTEM, requests=[SendTransfer(key) for key in keys])
    wanted = [ReceiveTransfer(first.transfer, rest="received")]

    answers = at_once([lambda: receive_transfer(SYSTEM, requests=wanted)[0] for _ in range(6)])

    assert sorted(type(one).__name__ for one in answers) == ["NotPlaceable"] * 5 + ["TransferReceived"]
    assert sql.run("SELECT sum(received)::int FROM stock_transferline") == [(20,)]


def test_what_several_ask_for_at_once_is_asked_for_once(house: Floor) -> None:
    source, target = house.nodes[:2]
    for sku in house.skus[:2]:
        wanted = [[AskTransfer(COMPANY, sku, source, target, 2, "fair")] for _ in range(4)]
        answers = all_at_once(ask_transfers, SYSTEM, *wanted)
        assert sorted(type(one).__name__ for one in answers) == [*["AskedAlready"] * 3, "TransferAsked"]
    assert len(queries.proposals(company=COMPANY, state="accepted")) == 2
