"""`entrepot user`: a password that a person chose passes the same rules, whichever verb takes it."""

from __future__ import annotations

import io
import sys

import pytest
from django.contrib.auth.models import User

from entrepot import cli
from entrepot.cli import session

GOOD = "seven brass lanterns"
WEAK = ["short", "password1234", "anna-lindqvist"]
"""Too short, too common, too much like the name."""


@pytest.fixture(autouse=True)
def _untuned(committed_db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector


def given(monkeypatch: pytest.MonkeyPatch, password: str, *arguments: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n" if password else ""))
    return cli.main(["user", *arguments])


@pytest.mark.parametrize("weak", WEAK)
@pytest.mark.parametrize("rights", [["--superuser"], ["--role", "picker"]])
def test_a_weak_password_lets_nobody_in(
    weak: str, rights: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert given(monkeypatch, weak, "add", "anna.lindqvist", *rights) == 2

    assert "password" in capsys.readouterr().err
    assert not User.objects.filter(username="anna.lindqvist").exists()


@pytest.mark.parametrize("weak", WEAK)
def test_a_weak_password_replaces_none(weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, GOOD, "add", "anna.lindqvist", "--role", "picker") == 0

    assert given(monkeypatch, weak, "password", "anna.lindqvist") == 2

    assert User.objects.get(username="anna.lindqvist").check_password(GOOD)


def test_a_password_that_is_not_given_is_made_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert given(monkeypatch, "", "add", "anna.lindqvist", "--role", "picker") == 0

    made = capsys.readouterr().out.split()[-1]
    assert User.objects.get(username="anna.lindqvist").check_password(made)


def test_a_new_password_replaces_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, GOOD, "add", "anna.lindqvist", "--role", "picker") == 0

    assert given(monkeypatch, f"{GOOD}, lit", "password", "anna.lindqvist") == 0

    assert User.objects.get(username="anna.lindqvist").check_password(f"{GOOD}, lit")
