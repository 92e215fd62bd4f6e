"""`entrepot import rates`: rates of exchange of a file, in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot import cli
from entrepot.cli import session
from entrepot.ledger import queries
from tests.selling import COMPANY, a_seller


def test_a_file_is_tried_and_recorded(
    committed_db, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    a_seller()
    file = tmp_path / "rates.csv"
    file.write_text("date,currency,rate\n2026-11-23,SEK,0.07\n")
    verb = ["import", "rates", str(file)]
    assert cli.main([*verb, "--dry-run"]) == 0
    assert capsys.readouterr().out == "1 rates would be recorded, 0 stood so, 0 stand otherwise and stay.\n"
    assert queries.rates(company=COMPANY, currency="SEK") == []
    assert cli.main(verb) == 0
    assert [one.currency for one in queries.rates(company=COMPANY, currency="SEK")] == ["SEK"]
    file.write_text("date,currency,rate\n2026-11-23,SEK,0.08\n")
    assert cli.main(verb) == 0
    assert "SEK 2026-11-23: 0.070000000 stands, the file says 0.08" in capsys.readouterr().out
    file.write_text("date,currency,rate\n2026-11-23,SEK,none\n")
    assert cli.main(verb) == 2
    assert "Row 2 of the file" in capsys.readouterr().err
    assert cli.main(["import", "rates", "/nowhere.csv"]) == 2
