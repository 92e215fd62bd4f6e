"""Rows that are still on their way to the server: errors, refusals and what comes behind them."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import encode, ids, sql

pytestmark = pytest.mark.alone()

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
COLUMNS = ("queue", "subject", "priority", "due_at")


def rows(count: int, queue: str = "q\t\\N\n") -> list[tuple[object, ...]]:
    return [(queue, ids.uuid7(), i, NOW) for i in range(count)]


def waiting() -> int:
    return sql.run("SELECT count(*) FROM kernel_ready")[0][0]


def test_a_statement_sees_the_rows_written_before_it(db):
    with sql.streaming():
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
    with pytest.raises(psycopg.errors.UniqueViolation), transaction.atomic(), sql.streaming():
        sql.write("kernel_ready", COLUMNS, [*twice, *twice])

    assert waiting() == 0


def test_an_exception_while_rows_are_on_their_way_leaves_a_connection_that_works(db):
    with pytest.raises(ZeroDivisionError), transaction.atomic(), sql.streaming():
        sql.write("kernel_ready", COLUMNS, rows(30))
        1 / 0  # noqa: B018

    assert waiting() == 0


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


def test_rows_of_mixed_kinds_have_texts():
    assert encode.copy_text([(1, None), ("a", None)]) == "1\t\\N\na\t\\N\n"
    assert encode.array([]) == "{}"
