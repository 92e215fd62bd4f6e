"""`entrepot person`: a buyer's data and their erasure, in a terminal."""

from __future__ import annotations

import io
import json
import sys

import pytest

from entrepot import cli
from entrepot.cli import session
from entrepot.kernel import sql
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.settlement import privacy_queries
from entrepot.sourcing.commands.cancel import cancel
from tests.commands.test_settlement_privacy import ADA
from tests.floor import COMPANY, SYSTEM
from tests.walk import a_house, placed


@pytest.fixture
def number(committed_db, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of an order of Ada's that was cancelled."""
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    house = a_house()
    house.stock(0, 10)
    (order,) = placed(house, 1, (0, 1), address=ADA, customer="ada-q-77")
    cancel(SYSTEM, requests=[CancelOrder(order, "changed her mind")])
    return str(sql.run("SELECT number FROM orders_order")[0][0])


def test_a_person_gets_their_data_and_is_erased(
    number: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["person", "export", "--order", number]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["email"] for one in told["addresses"]] == [ADA.email]

    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    erase = ["person", "erase", "--customer", "ada-q-77", "--reason", "asked by letter"]
    assert cli.main(erase) == 2
    assert "It can't be taken back: say --yes." in capsys.readouterr().err
    assert privacy_queries.erasures(COMPANY) == []

    assert cli.main([*erase, "--yes"]) == 0
    assert "erased. Orders: 1, addresses gone: 1" in capsys.readouterr().out
    (row,) = privacy_queries.erasures(COMPANY)
    assert (row.erased_by, row.reason) == ("system:person", "asked by letter")
    assert cli.main([*erase, "--yes"]) == 2
    assert cli.main(["person", "export", "--order", "none"]) == 2
    assert "There is no order none." in capsys.readouterr().err


def test_the_rules_are_applied_and_say_what_went(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["person", "retention"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "buyers: 0 gone"
    assert len(told) == len(privacy_queries.runs(COMPANY)) == 5
