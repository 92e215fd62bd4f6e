"""`entrepot holds`: what keeps orders from going on, in a terminal."""

from __future__ import annotations

import json

import pytest

from entrepot import cli
from entrepot.cli import session
from entrepot.kernel import sql
from entrepot.orders import queries
from tests.selling import a_line, a_seller, an_order, placed


@pytest.fixture
def numbers(committed_db, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    a_seller()
    known = [an_order(f"E{n}") for n in range(3)]
    return [one.number for one in placed(*known, an_order("E9", a_line("NO-SUCH")))]


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_holds_are_placed_listed_and_released(numbers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third, unknown = numbers
    place = ["holds", "place", first, second, "--type", "address hold", "--reason", "no street"]
    assert cli.main([*place, "--waits-for", "payment"]) == 0
    assert said(capsys) == [f"{first} held: address hold", f"{second} held: address hold"]
    assert cli.main(["holds", "place", third, "--type", "exception", "--reason", "x", "--block", "ship"]) == 0
    assert cli.main(["holds", "place", "SO-1", "--type", "exception", "--reason", "x"]) == 2
    told = capsys.readouterr()
    assert "There is no order SO-1" in told.err

    assert cli.main(["holds", "list", "--type", "address hold"]) == 0
    shown = said(capsys)
    assert [line.partition(" ")[0] for line in shown] == [first, second]
    assert "customer service, due " in shown[0] and shown[0].endswith("waits for payment: no street")
    assert cli.main(["holds", "list", "--type", "address hold", "--limit", "1"]) == 0
    assert said(capsys) == shown[:1]
    with pytest.raises(SystemExit):
        cli.main(["holds", "list", "--limit", "0"])
    assert "expected a whole number from 1, found 0" in capsys.readouterr().err
    assert cli.main(["holds", "list", third, "--report", "json"]) == 0
    assert [one["blocks"] for one in json.loads(capsys.readouterr().out)] == [["ship"]]
    assert cli.main(["holds", "list", "--owner", "ada"]) == 0
    assert said(capsys) == []

    assert cli.main(["holds", "release", first, "--all"]) == cli.main(["holds", "release"]) == 2
    assert "not both" in capsys.readouterr().err
    assert cli.main(["holds", "release", first, "--code", "corrected", "--note", "found it"]) == 0
    assert said(capsys) == [f"{first} address hold released: ready"]
    assert cli.main(["holds", "release", first]) == 2
    assert "No hold is open that fits" in capsys.readouterr().err
    assert cli.main(["holds", "release", "--all", "--note", "let go"]) == 2
    told = capsys.readouterr()
    assert sorted(told.out.splitlines()) == [
        f"{second} address hold released: ready",
        f"{third} exception released: ready",
    ]
    assert f"{unknown} inventory hold: " in told.err and "NO-SUCH" in told.err, "the others go on"


def test_an_order_that_is_not_held_is_told_and_the_others_are_released(
    numbers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = numbers
    assert cli.main(["holds", "place", first, "--type", "exception", "--reason", "x"]) == 0
    assert said(capsys) == [f"{first} held: exception"]
    assert cli.main(["holds", "release", first, second]) == 2
    told = capsys.readouterr()
    assert told.out == f"{first} exception released: ready\n"
    assert told.err == f"entrepot: {second}: no hold is open that fits.\n"


def test_so_many_go_in_one_transaction(
    numbers: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "AT_ONCE", 2)
    assert cli.main(["holds", "place", *numbers, "--type", "exception", "--reason", "x"]) == 0
    assert said(capsys) == [f"{number} held: exception" for number in numbers]
    runs = "SELECT count(DISTINCT occurred_at) FROM kernel_event WHERE command = 'orders.place_hold'"
    assert sql.run(runs) == [(2,)]


def test_a_hold_that_nobody_is_asked_about_is_told(
    numbers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    *_, unknown = numbers
    sql.run("UPDATE orders_hold SET work_item = NULL")
    assert cli.main(["holds", "reject", unknown, "--note", "x"]) == 2
    assert f"Nobody is asked about the inventory hold of {unknown}" in capsys.readouterr().err


def test_a_hold_is_rejected_with_its_order(numbers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    first, *_, unknown = numbers
    reject = ["holds", "reject", unknown, "--note", "never sold here"]
    assert (
        cli.main([*reject, "--type", "fraud review"])
        == cli.main(["holds", "reject", first, "--note", "x"])
        == 2
    )
    assert f"No such hold is open on {first}" in capsys.readouterr().err
    assert cli.main(reject) == 0
    assert said(capsys) == [f"{unknown} rejected: cancelled"]
    found = queries.order(queries.ids_numbered(1, [unknown])[unknown])
    assert found and found.commercial == "cancelled"
