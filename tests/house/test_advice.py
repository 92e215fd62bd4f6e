"""`entrepot advice`: what the house suggests, in a terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from entrepot import cli
from entrepot.cli import advice, session
from entrepot.insight import advising, suggestions
from entrepot.kernel import ids
from entrepot.kernel.cause import Actor, Cause
from entrepot.work.commands.open_items import OpenItem, open_items
from tests.floor import COMPANY
from tests.walk import a_house


def test_advice_is_made_listed_accepted_and_declined(
    committed_db, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    a_house()
    cause = Cause(Actor("system:test", everything=True), datetime.now(UTC) - timedelta(hours=1))
    values = [1] * 12 + [9_000_000, 8_000_000]
    wanted = [
        OpenItem(
            COMPANY, "address hold", "order", ids.uuid7(), "Look.", "controller", priority=60 if value == 1 else 1,
            value_minor=value,
        )
        for value in values
    ]  # fmt: skip
    open_items(cause, requests=wanted)

    assert cli.main(["advice", "make", "weather"]) == 2
    assert "There is no kind of advice weather" in capsys.readouterr().err
    assert cli.main(["advice", "make"]) == 0
    assert "priority: 2 open, 0 expired\n" in capsys.readouterr().out
    assert cli.main(["advice", "list", "--kind", "demand"]) == 0 and not capsys.readouterr().out
    assert cli.main(["advice", "list", "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert " priority, address hold: " in out and "priority 60" in out and out.endswith("; 50% sure\n")
    assert cli.main(["advice", "list", "--report", "json"]) == 0
    first, second = (one["id"] for one in json.loads(capsys.readouterr().out))

    assert cli.main(["advice", "accept", first]) == 0
    assert capsys.readouterr().out == f"{first} accepted: work.raise_items\n"
    assert cli.main(["advice", "decline", second, "--reason", "it can wait"]) == 0
    assert cli.main(["advice", "decline", first, "--reason", "too late"]) == 2
    assert "accepted" in capsys.readouterr().err
    (told,) = suggestions.suggestions(COMPANY, state="declined")
    assert (str(told.id), told.why) == (second, "it can wait")


def test_the_terminal_knows_the_kinds_of_the_house() -> None:
    """It names them without setting up the house."""
    assert advice.KINDS == advising.KINDS and advising.SUGGESTION.states == advice.STATES
