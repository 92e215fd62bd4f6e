"""`entrepot whatif sourcing`: what the person at the terminal gets; nothing is written but what was asked for."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from entrepot import cli
from entrepot.cli import session
from entrepot.kernel import drafts, sql
from entrepot.simulation import queries
from tests.shop import COMPANY, Shop, an_open_shop
from tests.trying import a_draft


@pytest.fixture
def shop(committed_db, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    return an_open_shop(each=1)


def window(shop: Shop) -> tuple[str, ...]:
    today = shop.now.astimezone(UTC).date()
    return "--from", str(today - timedelta(days=2)), "--to", str(today + timedelta(days=1))


def given(shop: Shop, profile: object, *arguments: str) -> int:
    return cli.main(["whatif", "sourcing", "--profile", str(profile), *window(shop), *arguments])


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    file = tmp_path / "profile.json"
    file.write_text('{"excluded_nodes": ["LDN"], "split_minor": 200}')
    return file


def counted() -> list[Any]:
    return [
        sql.run(f"SELECT count(*) FROM {table}")
        for table in ("kernel_event", "simulation_trial", "kernel_policydraft")
    ]


def test_a_file_is_tried_and_nothing_is_written(shop: Shop, profile: Path, capsys) -> None:
    before = counted()

    assert given(shop, profile) == 0

    told = capsys.readouterr().out
    assert "orders go another way" in told
    assert "LDN is excluded" in told
    assert "are served by the nodes that really did" in told
    assert counted() == before
    profile.write_text('{"shipments_of": {"kitchen": 1}}')
    assert given(shop, profile) == 0
    assert "The record does not tell of categories, costs and what was for sale" in capsys.readouterr().out


def test_a_draft_is_named_by_its_note_or_its_last_digits_and_kept_when_asked(
    shop: Shop, tmp_path: Path, capsys
) -> None:
    draft, file = a_draft(shop, note="season"), tmp_path / "report.json"

    assert given(shop, "season", "--report", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert queries.trials(company=COMPANY) == []

    assert given(shop, str(draft)[-8:], "--report", str(file), "--keep") == 0
    (trial,) = queries.trials(company=COMPANY)
    assert capsys.readouterr().out == f"kept: /orders/trials/{trial.id}/\n"
    assert json.loads(file.read_text()) == told
    assert not Path(f"{file}.part").exists()
    assert [one.report for one in drafts.drafts(COMPANY)] == [trial.id]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("[]", "expected an object"),
        ('{"excluded": []}', "found excluded. They are: choose_by"),
        ('{"split_minor": "two"}', "does not fit the shape"),
    ],
)
def test_a_file_that_is_no_profile_is_refused(
    shop: Shop, profile: Path, capsys, text: str, says: str
) -> None:
    profile.write_text(text)

    assert given(shop, profile) == 2

    assert says in capsys.readouterr().err


def test_slips_of_the_pen_are_said_in_a_sentence(shop: Shop, profile: Path, capsys) -> None:
    a_draft(shop, note="twice"), a_draft(shop, note="twice")
    for arguments, says in (
        (("twice",), "Several drafts are called 'twice'"),
        (("never",), "No draft of sourcing.profile is called 'never'"),
        ((profile, "--from", "2026-01-02", "--to", "2026-01-01"), "name the earlier day first"),
        (
            (profile, "--from", "2001-01-01", "--to", "2001-01-31"),
            "No order was decided from 2001-01-01 to 2001-01-31",
        ),
        ((profile, "--scope", "moon"), "expected a channel (market, web), or none, found moon"),
        ((profile, "--company", "nobody"), "Name the company"),
        ((profile.with_name("none.json"),), "There is no file"),
        ((profile, "--report", "/nowhere/report.json"), "can't be written"),
    ):
        assert given(shop, *arguments) == 2, arguments  # type: ignore[arg-type]
        assert says in capsys.readouterr().err
