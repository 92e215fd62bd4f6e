"""The way to the database for hot commands and for queries: statements in, tuples out; rows in by array or COPY."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connection, connections

from entrepot.kernel import encode

observers: list[Callable[[str], None]] = []
"""Called with the text of every statement, for counting in tests."""

_COPY_FROM = 24
"""Rows from which COPY is quicker than arrays: its three round trips cost about as much as 24 rows of arrays."""


def _wire() -> psycopg.Connection[Any]:
    django = connections[DEFAULT_DB_ALIAS]
    if django.connection is None:
        django.ensure_connection()
    wire = django.connection
    assert wire is not None
    return wire  # type: ignore[no-any-return]


def run(statement: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Execute one statement with named parameters and return its rows, or [] where it returns none."""
    for observer in observers:
        observer(statement)
    if params:
        params = {name: encode.array(one) if type(one) is list else one for name, one in params.items()}
    _finish()
    cursor = _cursor()
    # Unprepared, a statement of a screen is parsed and planned anew each time: half the time of a small batch.
    cursor.execute(statement, params, prepare=True)  # type: ignore[call-overload]
    result = cursor.pgresult
    # Not `cursor.description`: that makes an object for each column only to be asked whether there are any.
    return cursor.fetchall() if result is not None and result.nfields else []


def _cursor() -> psycopg.Cursor[Any]:
    """The one cursor of this thread's connection: to make another takes a tenth of the client's time of a statement."""
    wire = _wire()
    cursor = _state.cursor
    if cursor is None or cursor.connection is not wire:
        cursor = _state.cursor = wire.cursor(binary=True)
    return cursor


def change(statement: str, params: Mapping[str, Any]) -> None:
    """Execute one statement whose rows nobody asks for. In `streaming`, one of many rows is only sent: see there."""
    is_long = any(type(one) is list and len(one) >= _COPY_FROM for one in params.values())
    if not (_state.streaming and is_long):
        run(statement, params)
        return
    for observer in observers:
        observer(statement)
    params = {name: encode.array(one) if type(one) is list else one for name, one in params.items()}
    _finish()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_wire().pipeline())
        _wire().execute(statement, params, prepare=True)  # type: ignore[call-overload]
        _state.open = stack.pop_all()


def write(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Append rows to a table in one statement: by arrays when few, by COPY when many. None for no rows.

    Values are plain Python (UUID, int, str, bool, datetime, Decimal, None); a jsonb column takes JSON text.
    """
    if not rows:
        return
    if len(rows) < _COPY_FROM:
        # As JSON: for a few rows that takes half the time of an array for each column.
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        run(_insert_json(table, tuple(columns)), {"rows": encode.json(objects)})
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    for observer in observers:
        observer(statement)
    text = encode.copy_text(rows[:_CHUNK])
    _finish()
    with contextlib.ExitStack() as stack:
        copy = stack.enter_context(_wire().cursor().copy(statement))
        copy.write(text)
        for start in range(_CHUNK, len(rows), _CHUNK):
            copy.write(encode.copy_text(rows[start : start + _CHUNK]))
        if _state.streaming:
            _state.open = stack.pop_all()


_CHUNK = 500
"""Rows sent at a time: the server inserts them while we make the text of the next."""


class _State(threading.local):
    streaming = False
    open: contextlib.ExitStack | None = None
    cursor: psycopg.Cursor[Any] | None = None


_state = _State()


@contextlib.contextmanager
def streaming() -> Iterator[None]:
    """In this block a `write` or `change` of many rows returns when it is sent, and the server does it while we go on.

    The next statement waits for it, and so does the end of the block: there an error appears, if not before. Nothing
    but this module may use the connection meanwhile.
    """
    _state.streaming = True
    try:
        yield
        _finish()
    except BaseException:
        if _state.open:
            with contextlib.suppress(psycopg.Error):
                _state.open.__exit__(*sys.exc_info())
        raise
    finally:
        _state.streaming, _state.open = False, None


def _finish() -> None:
    """Wait for what is on its way."""
    if _state.open:
        sent, _state.open = _state.open, None
        sent.close()


@cache
def _insert_json(table: str, columns: tuple[str, ...]) -> str:
    types = column_types(table)
    # Text of JSON, and bytes, stand in the object as strings.
    casts = {"jsonb": ("text", "::jsonb"), "bytea": ("text", "::bytea")}
    values = ", ".join(f"d.{name}{casts.get(types[name], ('', ''))[1]}" for name in columns)
    record = ", ".join(f"{name} {casts.get(types[name], (types[name], ''))[0]}" for name in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {values} FROM json_to_recordset(%(rows)s::json) AS d({record})"
    )


@cache
def _insert(table: str, columns: tuple[str, ...]) -> str:
    types = column_types(table)
    arrays = ", ".join(f"%({name})s::{types[name]}[]" for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"


@cache
def column_types(table: str) -> dict[str, str]:
    """The PostgreSQL type of each column of a model's table."""
    for model in apps.get_models():
        if model._meta.db_table == table:
            return {
                str(field.column): field.db_type(connection) or "" for field in model._meta.concrete_fields
            }
    raise LookupError(f"no model has the table {table}")


def unnest(alias: str, **columns: str) -> str:
    """`unnest(%(a)s::uuid[], …) AS alias(a, …)` for the named parameters and their types, to join a batch."""
    arrays = ", ".join(f"%({name})s::{type_name}[]" for name, type_name in columns.items())
    return f"unnest({arrays}) AS {alias}({', '.join(columns)})"


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows turned into named arrays for `unnest`; empty arrays where there are no rows."""
    turned = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return dict(zip(names, turned, strict=True))


def upsert(
    table: str, key: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """Write rows, or change those that have the key already, in one statement; returns (first column, *key) of each.

    For reference data. The first of `names` is the row's id, which an existing row keeps. Where a key stands twice
    among the rows, the last one counts.
    """
    if not rows:
        return []
    places = [names.index(name) for name in key]
    latest = {tuple(row[i] for i in places): row for row in rows}
    return run(_upsert(table, tuple(key), tuple(names)), columns(names, latest.values()))


@cache
def _upsert(table: str, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key and name != names[0])
    target = ", ".join(key)
    action = f"DO UPDATE SET {changes}" if changes else "DO NOTHING"
    returned = ", ".join(dict.fromkeys((names[0], *key)))
    return f"{_insert(table, names)} ON CONFLICT ({target}) {action} RETURNING {returned}"
