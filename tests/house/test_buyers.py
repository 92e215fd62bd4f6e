"""`entrepot buyers`: whom the house blocks and trusts, in a terminal."""

from __future__ import annotations

import pytest

from entrepot import cli
from entrepot.cli import session
from entrepot.orders import listing_queries
from tests.selling import COMPANY, a_seller


def test_somebody_is_blocked_shown_and_taken_back(
    committed_db, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    a_seller()
    block = ["buyers", "block", "--customer", "C-1", "--reason", "three chargebacks"]
    assert cli.main(block) == 0
    assert capsys.readouterr().out == "blocked customer:C-1\n"
    assert cli.main(block) == 2
    assert "customer:C-1 is blocked since" in capsys.readouterr().err
    assert cli.main(["buyers", "trust", "--email", "ada", "--reason", "known"]) == 2
    assert "A mail address has an @" in capsys.readouterr().err
    assert cli.main(["buyers", "trust", "--email", "ada@example.com", "--reason", "known"]) == 0
    assert "ada" not in capsys.readouterr().out

    assert cli.main(["buyers", "list"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in shown] == ["trusted", "blocked"]
    assert shown[1].endswith("system:buyers: three chargebacks")

    end = ["buyers", "take-back", "CUSTOMER:c-1", "--reason", "her brother"]
    assert cli.main(end) == 0
    assert cli.main(end) == 2
    assert "neither blocked nor trusted" in capsys.readouterr().err
    assert cli.main(["buyers", "list", "--ended"]) == 0
    assert "her brother" in capsys.readouterr().out
    assert [one.side for one in listing_queries.listings(COMPANY)] == ["trusted"]
