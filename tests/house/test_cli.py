"""What the person at the terminal gets: sentences and exit codes, never a traceback."""

from __future__ import annotations

import contextlib
import io

import pytest
from django.core import management

from entrepot import Problem, cli, postgres
from entrepot.channels.spreadsheet import importer
from entrepot.cli import import_, session
from entrepot.progress import Progress


@pytest.mark.parametrize("year", ["99", "3026", "20x6", ""])
def test_the_books_of_a_year_that_is_none_are_no_file(year: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["export", "saft", "--year", year])
    assert f"expected a year such as 2026, found {year!r}" in capsys.readouterr().err


def test_a_mistake_ends_in_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["import", "online-retail", "/nowhere.csv"]) == 2
    assert capsys.readouterr().err == "entrepot: There is no file /nowhere.csv.\n"


@pytest.mark.parametrize("url", ["postgresql://localhost:1/none", "not a url"])
def test_a_wrong_database_url_is_said_in_a_sentence(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    assert cli.main(["verify"]) == 2

    assert "DATABASE_URL" in capsys.readouterr().err


def test_a_server_of_an_unknown_version_is_refused(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "NEWEST_MAJOR", 17)
    monkeypatch.setattr(postgres, "OLDEST_MAJOR", 17)

    with pytest.raises(Problem, match="Entrepot runs on 17 to 17"):
        postgres.check_version()


def test_a_database_that_a_given_server_lacks_is_made(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.server_dsn("postgres"))
    monkeypatch.setenv("ENTREPOT_DATABASE", "entrepot_not_yet")
    with postgres.running_server():
        assert postgres.ensure_database("entrepot_not_yet")
        assert not postgres.ensure_database("entrepot_not_yet")


def test_who_may_not_make_a_database_is_told_which_is_missing(
    server, owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute("CREATE ROLE plain LOGIN")
    try:
        monkeypatch.setenv("DATABASE_URL", f"{postgres.server_dsn('postgres')} user=plain")
        with postgres.running_server(), pytest.raises(Problem, match=r"'entrepot_not_yet_either'.*CREATEDB"):
            postgres.ensure_database("entrepot_not_yet_either")
    finally:
        monkeypatch.undo()
        owner.execute("DROP ROLE plain")


def test_database_url_keeps_its_options_and_takes_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://anna:secret@db:6432/shop?sslmode=require")
    monkeypatch.setenv("ENTREPOT_DB_ROLE", "entrepot_app")
    monkeypatch.delenv("ENTREPOT_DATABASE")

    entry = postgres.django_database()

    assert (entry["HOST"], entry["PORT"], entry["NAME"], entry["USER"]) == ("db", "6432", "shop", "anna")
    assert entry["OPTIONS"] == {
        "sslmode": "require",
        "server_side_binding": True,
        "options": "-c jit=off -c role=entrepot_app",
    }


def test_progress_is_silent_in_a_log_where_the_job_is_short() -> None:
    log = io.StringIO()

    with Progress("Importing", total=10, stream=log) as bar:
        bar.advance(10)

    assert log.getvalue() == ""


@pytest.mark.parametrize(("verb", "done"), [("shell", ["entered", "ran"]), ("dbshell", ["ran"])])
def test_what_commands_write_in_the_shell_is_the_houses_own(
    verb: str, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the owner they would be told of by the imprints as written by somebody else."""
    said: list[str] = []
    utility = type("Utility", (), {"__init__": lambda _, __: None, "execute": lambda _: said.append("ran")})
    monkeypatch.setattr(postgres, "running_server", contextlib.nullcontext)
    monkeypatch.setattr(postgres, "ensure_database", lambda _: False)
    monkeypatch.setattr(session, "enter", lambda: said.append("entered"))
    monkeypatch.setattr(management, "ManagementUtility", utility)

    assert cli.main(["manage", verb]) == 0
    assert said == done


def test_a_remembered_sheet_that_is_not_read_is_told_in_the_words_of_the_page(capsys):
    import_._print_orders(importer.Report(True, 1, 1, sheet="March", usual_sheet="April"))
    told = "the sheet April, which is remembered, is not in this file, or holds nothing"
    assert told in capsys.readouterr().out
