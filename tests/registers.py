"""What holds of every register command, for the tests of the reference rooms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused, RequestReused
from entrepot.parties.commands.register import RegisterCompany, register_companies

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CAUSE = Cause(Actor("ines", everything=True), NOW)
COMPANY = 1

Command = Callable[..., list[Any]]


def a_company(company: int = COMPANY, currency: str = "GBP") -> int:
    names = f"house-{company}", f"House {company}"
    register_companies(CAUSE, requests=[RegisterCompany(company, *names, currency, "GB")])
    return company


def done(command: Command, *requests: Any) -> list[Any]:
    """The answers, none of them a refusal."""
    answers = command(CAUSE, requests=requests)
    refusals = [answer for answer in answers if isinstance(answer, Refused)]
    assert not refusals, refusals
    return answers


def content(*tables: str) -> list[Any]:
    """Everything in tables and in the event log, to see that nothing changed."""
    return [
        sql.run(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1")
        for table in (*tables, "kernel_event")
    ]


def refuses(command: Command, bad: Any, refusal: type[Refused], good: Any, *tables: str) -> None:
    """The bad request is refused in words without gaps, and the good one beside it is done as if alone."""
    before = content(*tables)
    (answer,) = command(CAUSE, requests=[bad])
    assert type(answer) is refusal, answer
    assert "?" not in answer.message
    assert content(*tables) == before

    answer, other = command(CAUSE, requests=[bad, good])
    assert type(answer) is refusal
    assert not isinstance(other, Refused)


def stands_when_repeated(command: Command, requests: Sequence[Any], *tables: str) -> None:
    """Registering the same again gives the same answers and changes nothing, not even the event log."""
    first = done(command, *requests)
    before = content(*tables)
    assert done(command, *requests) == first
    assert content(*tables) == before


def answers_its_key(command: Command, request: Any, other: Any, *tables: str) -> None:
    """A key gets its first answer again; with other content it is refused."""
    (first,) = done(command, replace(request, key="k1"))
    before = content(*tables)
    assert done(command, replace(request, key="k1")) == [first]
    (reused,) = command(CAUSE, requests=[replace(other, key="k1")])
    assert isinstance(reused, RequestReused)
    assert content(*tables) == before


def counts(statements: Any, command: Command, batches: Sequence[Sequence[Any]]) -> list[int]:
    """The statements that the command takes for each batch, all of it new."""
    found = []
    for batch in batches:
        with statements() as ran:
            done(command, *batch)
        found.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    return found
