"""`entrepot user`: a password that a person chose passes the same rules, whichever verb takes it."""

from __future__ import annotations

import io
import sys
from itertools import combinations

import pytest
from django.contrib.auth.models import User

from entrepot import cli
from entrepot.access import duties
from entrepot.access.commands.keep_people import subject_of
from entrepot.access.rules import ROLES
from entrepot.cli import session
from entrepot.kernel.queries import timeline

GOOD = "seven brass lanterns"
WEAK = ["short", "password1234", "anna-lindqvist"]
"""Too short, too common, too much like the name."""


@pytest.fixture(autouse=True)
def _untuned(committed_db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    # The rights are there, and giving them anew touches every table: each test would end with a new copy of all.
    monkeypatch.setattr(session, "grant", lambda: None)


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


def test_somebody_is_let_in_by_the_command_which_asks_for_pairs_of_duties_and_is_audited(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, pairs = next(
        (a, b, found)
        for a, b in combinations(sorted(ROLES), 2)
        if (found := [one.name for one in duties.brought_together((), (a, b))])
    )
    wanted = ["add", "anna.lindqvist", "--role", first, "--role", second]
    assert given(monkeypatch, GOOD, *wanted) == 2
    assert f"both sides of: {', '.join(pairs)}" in capsys.readouterr().err
    assert not User.objects.filter(username="anna.lindqvist").exists()

    accepts = [word for pair in pairs for word in ("--accept", pair)]
    assert given(monkeypatch, GOOD, *wanted, *accepts) == 0
    person = User.objects.get(username="anna.lindqvist")
    assert person.check_password(GOOD)
    (event,) = timeline(subjects=[subject_of(person.id)])
    assert (event.actor, event.payload["accepted"]) == ("system:user", sorted(pairs))
    assert given(monkeypatch, GOOD, *wanted, *accepts) == 2
    assert "already a person" in capsys.readouterr().err
