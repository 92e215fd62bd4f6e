"""`entrepot company`: companies in a terminal."""

from __future__ import annotations

import pytest

from entrepot import cli
from entrepot.cli import session


def test_companies_are_set_up_and_listed(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    add = ["company", "add", "hearth", "--name", "Hearth & Home Ltd", "--currency", "gbp", "--country", "gb"]
    assert cli.main(add) == 0
    assert "Hearth & Home Ltd is company 1, with books in GBP." in capsys.readouterr().out
    assert cli.main([*add[:5], "--currency", "EUR", "--country", "GB"]) == 2
    assert "in which its books are kept" in capsys.readouterr().err
    assert cli.main(["company", "list"]) == 0
    assert "hearth" in capsys.readouterr().out
