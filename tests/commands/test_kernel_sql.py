"""Rows that are still on their way to the server: errors, refusals and what comes behind them."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from entrepot import postgres
from entrepot.kernel import encode, ids, ready, sql
from entrepot.kernel.models import Ready

pytestmark = pytest.mark.alone()

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
COLUMNS = ("queue", "subject", "priority", "due_at")


def rows(count: int, queue: str = "q\t\\N\n") -> list[tuple[object, ...]]:
    return [(queue, ids.uuid7(), i, NOW) for i in range(count)]


def waiting() -> int:
    return sql.run("SELECT count(*) FROM kernel_ready")[0][0]


def test_a_statement_sees_the_rows_written_before_it(db):
    with sql.transaction():
        sql.write("kernel_ready", COLUMNS, rows(1200))
        assert waiting() == 1200
        sql.write("kernel_ready", COLUMNS, rows(30))
        sql.write("kernel_ready", COLUMNS, rows(30))

    assert waiting() == 1260


def test_text_arrives_as_it_was(db):
    sql.write("kernel_ready", COLUMNS, rows(30))
    sql.write("kernel_ready", COLUMNS, rows(3, 'one "two" \\ {three}, NULL'))

    found = sql.run("SELECT queue, count(*) FROM kernel_ready GROUP BY queue")

    assert dict(found) == {"q\t\\N\n": 30, 'one "two" \\ {three}, NULL': 3}


def test_an_error_of_the_rows_appears_at_the_end_of_the_block_at_the_latest(db):
    twice = rows(30)
    with pytest.raises(psycopg.errors.UniqueViolation), sql.transaction():
        sql.write("kernel_ready", COLUMNS, [*twice, *twice])

    assert waiting() == 0


def test_an_exception_while_rows_are_on_their_way_leaves_a_connection_that_works(db):
    with pytest.raises(ZeroDivisionError), sql.transaction():
        sql.write("kernel_ready", COLUMNS, rows(30))
        1 / 0  # noqa: B018

    assert waiting() == 0


def test_an_error_of_rows_sent_ahead_appears_at_the_next_question_and_nothing_behind_it_is_done(db):
    (one,) = rows(1)
    with pytest.raises(psycopg.errors.UniqueViolation), sql.transaction():
        sql.write("kernel_ready", COLUMNS, [one])
        sql.write("kernel_ready", COLUMNS, [one])
        sql.write("kernel_ready", COLUMNS, rows(1))
        waiting()

    assert waiting() == 0


def test_a_statement_that_was_first_sent_behind_an_error_works_afterwards(db):
    (one,) = rows(1)
    fresh = "INSERT INTO kernel_ready SELECT * FROM kernel_ready WHERE queue = %(none)s::text"
    with pytest.raises(psycopg.errors.UniqueViolation), sql.transaction():
        sql.write("kernel_ready", COLUMNS, [one])
        sql.write("kernel_ready", COLUMNS, [one])
        sql.change(fresh, {"none": "nobody's"})

    sql.run(fresh, {"none": "nobody's"})


def test_the_end_of_the_outermost_transaction_travels_with_its_last_rows(committed_db):
    with sql.transaction(), sql.transaction():
        sql.write("kernel_ready", COLUMNS, rows(2))
    with psycopg.connect(postgres.server_dsn()) as another:
        assert another.execute("SELECT count(*) FROM kernel_ready").fetchone() == (2,)

    with pytest.raises(ZeroDivisionError), sql.transaction():
        sql.write("kernel_ready", COLUMNS, rows(2))
        1 / 0  # noqa: B018
    with psycopg.connect(postgres.server_dsn()) as another:
        assert another.execute("SELECT count(*) FROM kernel_ready").fetchone() == (2,)


def test_a_commit_that_is_refused_leaves_nothing_and_a_connection_that_works(committed_db):
    with psycopg.connect(postgres.server_dsn()) as owner:
        owner.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'too late'; END$$;"
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON kernel_ready DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    with pytest.raises(psycopg.errors.RaiseException, match="too late"), sql.transaction():
        sql.write("kernel_ready", COLUMNS, rows(1))

    assert waiting() == 0


def test_the_server_does_a_long_statement_before_anything_is_asked(db):
    """Its 3 MB are more than a socket holds."""
    many = [ids.uuid7() for _ in range(200_000)]
    with sql.transaction(), psycopg.connect(postgres.server_dsn(), autocommit=True) as another:
        sql.change("SELECT pg_advisory_xact_lock(cardinality(%(ids)s::uuid[]))", {"ids": many})
        deadline = time.monotonic() + 10
        while not another.execute(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted", [len(many)]
        ).fetchall():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_djangos_statements_wait_for_ours(db):
    with sql.transaction():
        sql.write("kernel_ready", COLUMNS, rows(3))
        assert Ready.objects.count() == 3


def test_an_interrupted_wait_costs_the_connection_and_not_the_next_one(committed_db):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt), sql.transaction():
            sql.write("kernel_ready", COLUMNS, rows(1))
            sql.run("SELECT pg_sleep(30)")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert waiting() == 0


def test_a_connection_that_the_server_ends_is_an_error_and_the_next_one_works(committed_db):
    def end_after_a_moment(pid: int) -> None:
        time.sleep(0.2)
        with psycopg.connect(postgres.server_dsn()) as owner:
            owner.execute("SELECT pg_terminate_backend(%s)", [pid])

    with pytest.raises(psycopg.OperationalError), sql.transaction():
        sql.write("kernel_ready", COLUMNS, rows(1))
        ((pid,),) = sql.run("SELECT pg_backend_pid()")
        threading.Thread(target=end_after_a_moment, args=(pid,)).start()
        sql.run("SELECT pg_sleep(30)")
    connection.close()

    assert waiting() == 0


def test_text_with_a_nul_is_refused_and_not_cut(db):
    with pytest.raises(psycopg.DataError, match="NUL"):
        sql.run("SELECT %(text)s::text", {"text": "one\0two"})

    assert sql.run("SELECT %(text)s::text || '100%%'", {"text": "one "}) == [("one 100%",)]


@pytest.mark.parametrize("value", [0.1, True, -7, NOW, NOW.date(), b"\x00\xff\\", "a\\b\"c'd{}", ids.uuid7()])
def test_a_value_comes_back_from_an_array(db, value):
    kind = {
        bool: "bool",
        int: "int",
        float: "float8",
        datetime: "timestamptz",
        bytes: "bytea",
        str: "text",
    }.get(type(value), "uuid" if hasattr(value, "hex") and not isinstance(value, float | bytes) else "date")

    ((found,),) = sql.run(
        f"SELECT array_agg(v) FROM unnest(%(values)s::{kind}[]) AS d(v)", {"values": [value, None, value]}
    )

    assert found == [value, None, value]
    assert sql.run(f"SELECT %(value)s::{kind}", {"value": value}) == [(value,)]


def test_rows_of_mixed_kinds_have_texts():
    assert encode.copy_text([(1, None), ("a", None)]) == "1\t\\N\na\t\\N\n"
    assert encode.array([]) == "{}"


def test_what_is_claimed_comes_in_the_order_of_its_urgency(db):
    offers = [ready.Offer("q", ids.uuid7(), n % 7, NOW + timedelta(minutes=n * 37 % 101)) for n in range(300)]
    ready.put(reversed(offers))

    claimed = ready.claim("q", 200) + ready.claim("q", 200)

    assert claimed == [one.subject for one in sorted(offers, key=lambda one: (-one.priority, one.due_at))]
