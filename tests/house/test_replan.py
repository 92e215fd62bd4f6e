"""`entrepot replan`: promised orders planned again, in a terminal."""

from __future__ import annotations

import pytest

from entrepot import cli
from entrepot.cli import session
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from tests.floor import SYSTEM, a_floor


def test_orders_are_planned_again_and_a_node_is_left(
    committed_db, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    floor = a_floor()
    floor.stock(quantity=9)
    orders = [floor.order((0, 2)).order for _ in range(2)]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))
    numbers = [number for (number,) in sql.run("SELECT number FROM orders_order ORDER BY id")]

    assert cli.main(["replan", "orders", *numbers]) == 0
    assert capsys.readouterr().out == f"{numbers[0]} stays: same\n{numbers[1]} stays: same\n"
    assert cli.main(["replan", "orders", "NO-SUCH"]) == 2
    assert "There is no order NO-SUCH" in capsys.readouterr().err

    floor.stock(quantity=3, node=1)
    leave = ["replan", "node", "N1", "--reason", "a flood"]
    assert cli.main([*leave, "--limit", "1"]) == 0
    assert capsys.readouterr().out == (
        "1 orders come from elsewhere, 2 units\n1 were not looked at: say it again, with a larger --limit\n"
    )
    assert cli.main(leave) == 0
    assert capsys.readouterr().out == "0 orders come from elsewhere, 0 units\n1 stay: nobody else\n"
    assert cli.main(["replan", "node", "N9", "--reason", "a flood"]) == 2
    assert "There is no node N9; there are N1, N2" in capsys.readouterr().err
    assert cli.main(["replan", "node", "N1", "--reason", " "]) == 2
    assert "expected why the node is left" in capsys.readouterr().err
