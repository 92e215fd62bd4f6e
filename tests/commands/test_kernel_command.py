"""What @command promises: permission, one transaction, one answer a key, events, ready queues."""

from __future__ import annotations

import gc
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction

from entrepot.kernel import command as command_module
from entrepot.kernel import ids, queries, ready, seal, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import (
    AllOrNothing,
    KeyRepeated,
    NotFound,
    NotPermitted,
    Refused,
    RequestInFlight,
    RequestReused,
)  # fmt: skip
from entrepot.kernel.events import Event
from tests.floor import a_floor
from tests.sizes import SIZES
from tests.together import all_at_once

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
SYSTEM = Cause(Actor("system:test", everything=True), AT, "a test")


@dataclass(frozen=True, slots=True)
class Greet:
    name: str
    subject: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Greeted:
    text: str
    serial: UUID


@command("test.greet")
def greet(cause: Cause, /, *, requests: Sequence[Greet]) -> list[Greeted | Refused]:
    answers: list[Greeted | Refused] = []
    for request in requests:
        if not request.name:
            answers.append(NotFound(what="name", which="of nobody"))
            continue
        announce(
            cause, [Event("greeting", request.subject, 1, after="greeted", payload={"name": request.name})]
        )
        offer("greeted", [(request.subject, 5, cause.at)])
        answers.append(Greeted(f"Hello, {request.name}", ids.uuid7()))
    return answers


@command("test.greet_twice")
def greet_twice(cause: Cause, /, *, requests: Sequence[Greet]) -> list[Greeted | Refused]:
    greet(cause, requests=requests)
    return greet(cause, requests=requests)


def a_greeting(name: str = "Ada", key: str | None = None) -> Greet:
    return Greet(name, ids.uuid7(), key)


@pytest.mark.django_db
def test_answers_stand_in_the_order_of_requests_and_a_refusal_does_not_fail_its_neighbours() -> None:
    first, nobody, last = greet(SYSTEM, requests=[a_greeting("Ada"), a_greeting(""), a_greeting("Bo")])

    assert (first.text, last.text) == ("Hello, Ada", "Hello, Bo")
    assert nobody == NotFound(what="name", which="of nobody")


@pytest.mark.django_db
@pytest.mark.parametrize("was_on", [True, False])
def test_cycles_are_not_looked_for_while_a_command_runs(was_on: bool, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(command_module, "_flush", lambda *_: seen.append(gc.isenabled()))
    (gc.enable if was_on else gc.disable)()
    try:
        greet(SYSTEM, requests=[a_greeting()])
        assert (seen, gc.isenabled()) == ([False], was_on)
        monkeypatch.setattr(command_module, "_flush", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            greet(SYSTEM, requests=[a_greeting()])
        assert gc.isenabled() == was_on
    finally:
        gc.enable()


def test_the_collector_rests_until_the_last_of_commands_that_overlap() -> None:
    first, second = command_module._no_collections(), command_module._no_collections()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


@pytest.mark.django_db
def test_an_actor_without_the_permission_is_refused_and_nothing_is_written() -> None:
    request = a_greeting()
    nobody = Cause(Actor("eve", frozenset({"test.other"})), AT)

    assert greet(nobody, requests=[request]) == [NotPermitted(actor="eve", command="test.greet")]
    assert queries.timeline(subjects=[request.subject]) == []


@pytest.mark.django_db
def test_an_actor_with_no_permissions_at_all_is_refused() -> None:
    assert isinstance(greet(Cause(Actor("eve"), AT), requests=[a_greeting()])[0], NotPermitted)


@pytest.mark.django_db
def test_the_same_key_and_content_gets_the_first_answer_and_no_second_effect() -> None:
    request = a_greeting(key="k1")

    first = greet(SYSTEM, requests=[request])
    again = greet(SYSTEM, requests=[request])

    assert first == again
    assert len(queries.timeline(subjects=[request.subject])) == 1


@pytest.mark.django_db
def test_the_same_key_with_other_content_is_refused() -> None:
    request = a_greeting(key="k1")
    greet(SYSTEM, requests=[request])

    other = greet(SYSTEM, requests=[Greet("Eve", request.subject, "k1")])

    assert other == [RequestReused(key="k1", command="test.greet")]


@pytest.mark.django_db
def test_a_key_that_stands_twice_in_one_call_is_refused_the_second_time() -> None:
    first, second = greet(SYSTEM, requests=[a_greeting(key="k1"), a_greeting(key="k1")])

    assert isinstance(first, Greeted)
    assert second == KeyRepeated(key="k1")


@pytest.mark.django_db
def test_a_refused_request_may_be_sent_again_with_its_key() -> None:
    subject = ids.uuid7()
    assert isinstance(greet(SYSTEM, requests=[Greet("", subject, "k1")])[0], Refused)

    assert isinstance(greet(SYSTEM, requests=[Greet("Ada", subject, "k1")])[0], Greeted)


def test_a_key_in_flight_elsewhere_is_refused_not_waited_for(committed_db: None) -> None:
    request = a_greeting(key="k1")
    entered, leave = threading.Event(), threading.Event()

    @command("test.greet_slowly")
    def greet_slowly(cause: Cause, /, *, requests: Sequence[Greet]) -> list[Greeted | Refused]:
        entered.set()
        assert leave.wait(20)
        return greet(cause, requests=requests)

    answers: list[object] = []

    def first() -> None:
        answers.extend(greet_slowly(SYSTEM, requests=[request]))
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(20)
    meanwhile = greet_slowly(SYSTEM, requests=[request])
    leave.set()
    thread.join()

    assert meanwhile == [RequestInFlight(key="k1")]
    assert greet_slowly(SYSTEM, requests=[request]) == answers


def test_fifty_threads_with_one_key_have_one_effect(committed_db: None) -> None:
    request = a_greeting(key="race")

    answers = all_at_once(greet, SYSTEM, *[[request]] * 50)

    greeted = [answer for answer in answers if isinstance(answer, Greeted)]
    assert len({answer.serial for answer in greeted}) == 1
    assert all(isinstance(a, (Greeted, RequestInFlight)) for a in answers)
    assert len(queries.timeline(subjects=[request.subject])) == 1


@pytest.mark.django_db
def test_a_command_inside_another_is_a_plain_function_of_its_transaction() -> None:
    request = a_greeting(key="k1")

    greet_twice(SYSTEM, requests=[request])

    assert [event.command for event in queries.timeline(subjects=[request.subject])] == ["test.greet"] * 2
    assert sql.run("SELECT command, key FROM kernel_request") == [("test.greet_twice", "k1")]


@pytest.mark.django_db
def test_statements_do_not_grow_with_the_batch(statements) -> None:
    counts = []
    for size in SIZES:
        with statements() as ran:
            greet(SYSTEM, requests=[a_greeting(key=f"{size}-{i}") for i in range(size)])
        counts.append(len(ran))

    assert len(set(counts)) == 1, counts


@pytest.mark.django_db
def test_whole_raises_where_one_is_refused() -> None:
    with pytest.raises(AllOrNothing, match="no name of nobody"):
        whole(greet(SYSTEM, requests=[a_greeting("")]))


@pytest.mark.django_db
def test_a_ready_queue_hands_out_the_most_urgent_once() -> None:
    low, high = ids.uuid7(), ids.uuid7()
    ready.put([ready.Offer("q", low, 1, AT), ready.Offer("q", high, 9, AT), ready.Offer("q", low, 1, AT)])

    assert ready.claim("q", 1) == [high]
    assert ready.claim("q", 5) == [low]
    assert ready.claim("q", 5) == []


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE kernel_event SET actor = 'eve'", "DELETE FROM kernel_event"])
def test_the_application_has_no_right_to_change_the_event_log(statement: str) -> None:
    greet(SYSTEM, requests=[a_greeting()])

    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction.atomic():
        sql.run(statement)


def test_not_even_the_owner_changes_the_event_log(committed_db: None, owner) -> None:
    greet(SYSTEM, requests=[a_greeting()])

    for statement in (
        "UPDATE kernel_event SET actor = 'eve'",
        "DELETE FROM kernel_event",
        "TRUNCATE kernel_event",
    ):
        with pytest.raises(psycopg.errors.IntegrityError, match="append-only"):
            owner.execute(statement)


@pytest.mark.parametrize(
    ("table", "behind_its_back", "named"),
    [
        ("ledger_line", "UPDATE ledger_line SET account = 1000 WHERE id = {id}", "was changed"),
        ("ledger_line", "DELETE FROM ledger_line WHERE id = {id}", "is gone"),
        (
            "stock_move",
            "UPDATE stock_move SET occurred_at = occurred_at - interval '1 s' WHERE id = {id}",
            "was changed",
        ),
        ("stock_move", "UPDATE stock_move SET id = id - 1000000 WHERE id = {id}", "is gone"),
    ],
)
def test_rows_of_both_ledgers_are_named_that_were_changed_behind_its_back(
    committed_db: None, owner, table, behind_its_back, named
) -> None:
    a_floor(skus=1).stock(0, 5)
    seal.seal(SYSTEM)
    assert seal.verify().discrepancies == []
    ((row, text),) = sql.run(f"SELECT id, to_jsonb(t)::text FROM {table} AS t ORDER BY id DESC LIMIT 1")

    owner.execute("SET session_replication_role = replica")
    owner.execute(behind_its_back.format(id=row))

    found = seal.verify().discrepancies
    assert any(f"{row} {named}" in sentence for sentence in found), found
    owner.execute(f"DELETE FROM {table} WHERE id IN ({row}, {row} - 1000000)")
    owner.execute(
        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::{table}, %s)",
        [text],
    )
    assert seal.verify().discrepancies == []


@pytest.mark.parametrize(
    ("behind_its_back", "named"),
    [
        ("UPDATE payments_creditmove SET amount_minor = amount_minor + 1 WHERE id = {id}", "was changed"),
        ("UPDATE payments_creditmove SET recorded_at = now() WHERE id = {id}", "was changed"),
        ("DELETE FROM payments_creditmove WHERE id = {id}", "is gone"),
    ],
)
def test_moves_of_store_credit_are_named_that_were_changed(
    committed_db, owner, behind_its_back, named
) -> None:
    columns = (
        "id", "credit_id", "grant_id", "company_id", "kind", "amount_minor", "document_id", "occurred_at", "recorded_at"
    )  # fmt: skip
    rows = [
        (one, *(ids.uuid7() for _ in "ab"), 1, "issued", 5, ids.uuid7(), SYSTEM.at, SYSTEM.at)
        for one in (1, 2, 3)
    ]
    try:
        sql.write("payments_creditmove", columns, rows)
        seal.seal(SYSTEM)
        assert seal.verify().discrepancies == []
        owner.execute("SET session_replication_role = replica")
        owner.execute(behind_its_back.format(id=2))
        found = seal.verify().discrepancies
        assert len(found) == 1 and found[0].endswith(f": 2 {named}"), found
        assert "store credit moves 1 to 3" in found[0]
    finally:
        owner.execute("TRUNCATE payments_creditmove, kernel_rowseal")


def test_the_chain_of_seals_finds_what_was_changed_behind_its_back(committed_db: None, owner) -> None:
    subjects = [ids.uuid7() for _ in range(5)]
    greet(SYSTEM, requests=[Greet(f"n{i}", subject) for i, subject in enumerate(subjects)])
    assert seal.seal(SYSTEM) == 5
    greet(SYSTEM, requests=[a_greeting()])
    assert seal.seal(SYSTEM) == 1
    assert (seal.verify().rows, seal.verify().links, seal.verify().discrepancies) == (6, 2, [])

    kept = seal.heads()
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE kernel_event SET actor = 'eve' WHERE subject_id = %s", [subjects[2]])

    (found,) = seal.verify().discrepancies
    assert "their content changed" in found
    ((seq,),) = sql.run("SELECT seq FROM kernel_event WHERE subject_id = %(id)s", {"id": subjects[2]})
    assert found.endswith(f": {seq} was changed")
    assert seal.written_anew(kept) == []
    assert seal.written_anew([replace(kept[0], digest="0" * 64)]) == [
        f"kernel_event: no link ends at {kept[0].last} with the digest that was kept: it was written anew"
    ]
    owner.execute("UPDATE kernel_event SET actor = 'system:test' WHERE subject_id = %s", [subjects[2]])


def test_a_key_is_looked_up_by_itself_in_a_burst_that_the_plan_knows_nothing_of(db: None) -> None:
    sql.run(
        "INSERT INTO kernel_request (command, key, fingerprint, answer, at)"
        " SELECT 'test.greet', n::text, '', '{}', %(at)s FROM generate_series(1, 5000) AS n",
        {"at": AT},
    )
    params = {"command": "test.greet", "keys": [f"key {i}" for i in range(100)]}
    plan = "\n".join(line for (line,) in sql.run("EXPLAIN " + command_module._CLAIM, params))
    assert "Index Cond: ((command = 'test.greet'::text) AND (key = asked.key))" in plan, plan
