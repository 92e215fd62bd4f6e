"""`entrepot rebalance`: units that should go from one node to another, in a terminal."""

from __future__ import annotations

import json

import pytest

from entrepot import cli
from entrepot.cli import session
from entrepot.kernel import ready
from tests.commands.test_sourcing_rebalance import rows, short_at_the_second, steer
from tests.walk import a_house


def test_units_are_proposed_accepted_and_sent(
    committed_db, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    short_at_the_second(a_house())
    steer(cost_max_percent=100)

    assert cli.main(["rebalance", "propose"]) == 0
    assert capsys.readouterr().out == "SKUs that the worker looks at: 1\n"
    assert ready.waiting()["rebalance"] == 1
    assert cli.main(["rebalance", "propose", "NO-SUCH"]) == 2
    assert "There is no SKU NO-SUCH" in capsys.readouterr().err
    assert cli.main(["rebalance", "propose", "SKU-000"]) == 0
    assert capsys.readouterr().out == "SKU-000: 12 units in transfers: 1, accepted by rule: 0\n"

    ask = ["rebalance", "ask", "SKU-000", "N1", "N2", "3", "--reason", "for the fair"]
    assert cli.main([*ask[:3], "N9", *ask[4:]]) == 2
    assert "There is no node N9; there are N1, N2" in capsys.readouterr().err
    assert cli.main([*ask[:4], "N1", *ask[5:]]) == 2
    assert "expected another node than the one that sends" in capsys.readouterr().err
    assert cli.main(ask) == 0
    assert capsys.readouterr().out.endswith(" is work for N1\n")
    (by_hand,) = rows("accepted")
    assert cli.main(["rebalance", "reject", by_hand.number, "--reason", "the fair is off"]) == 0
    assert capsys.readouterr().out == f"{by_hand.number} rejected\n"

    (one,) = rows()
    assert cli.main(["rebalance", "list"]) == 0
    assert capsys.readouterr().out.startswith(f"{one.number} 12 of SKU-000 from N1 to N2, costs ")
    assert cli.main(["rebalance", "list", "--limit", "1"]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert cli.main(["rebalance", "list", "--report", "json"]) == 0
    assert [found["number"] for found in json.loads(capsys.readouterr().out)] == [one.number]

    assert cli.main(["rebalance", "accept"]) == cli.main(["rebalance", "accept", "RB-0"]) == 2
    assert "There is no proposal RB-0" in capsys.readouterr().err
    assert cli.main(["rebalance", "send", one.number]) == 2
    assert f"{one.number}: " in capsys.readouterr().err
    assert cli.main(["rebalance", "accept", "--all"]) == 0
    assert capsys.readouterr().out == f"{one.number} accepted\n"

    assert cli.main(["rebalance", "send", "--all", "--units", "4"]) == 2
    assert cli.main(["rebalance", "send", one.number, "--units", "4"]) == 0
    assert capsys.readouterr().out.endswith(", 8 stay to be sent\n")
    (rest,) = rows("accepted")
    assert cli.main(["rebalance", "reject", rest.number, "--reason", "the van is full"]) == 0
    assert [(found.number, found.reason) for found in rows("rejected")][1:] == [
        (rest.number, "the van is full")
    ]
