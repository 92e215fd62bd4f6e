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
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections
from django.db import transaction as django_transaction

from entrepot.kernel import encode
from entrepot.kernel.pipeline import Pipeline

observers: list[Callable[[str], None]] = []
"""Called with the text of every statement, for counting in tests."""

DATABASE_AWAY = (psycopg.OperationalError, OperationalError, InterfaceError)
"""What says that nothing can be asked for now, or not in this transaction: whoever serves work tries again."""


def is_away(error: BaseException | None) -> bool:
    """Whether the same is asked again until it is answered: not where a statement took too long, as it will again."""
    late = psycopg.errors.QueryCanceled
    return (
        isinstance(error, DATABASE_AWAY)
        and not isinstance(error, late)
        and not isinstance(error.__cause__, late)
    )


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
    return _send(statement, params).receive()


def change(statement: str, params: Mapping[str, Any]) -> None:
    """Execute one statement whose rows nobody asks for. In a `transaction` of ours it is only sent: see there."""
    pipeline = _send(statement, params)
    if _state.ahead:
        pipeline.push()
    else:
        pipeline.receive()


def _send(statement: str, params: Mapping[str, Any] | None) -> Pipeline:
    for observer in observers:
        observer(statement)
    _finish_copy()
    pipeline = _pipeline()
    pipeline.send(statement, params)
    return pipeline


def _pipeline() -> Pipeline:
    pipeline = _state.pipeline
    # A transaction keeps its connection, and to ask Django for it takes as long as to send.
    if pipeline is not None and _state.ahead:
        return pipeline
    wire = _wire()
    if pipeline is None or pipeline.wire is not wire:
        pipeline = _state.pipeline = Pipeline(wire)
    return pipeline


def write(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Append rows to a table in one statement: as JSON when few, by COPY when many. None for no rows.

    Values are plain Python (UUID, int, str, bool, datetime, Decimal, None); a jsonb column takes JSON text.
    """
    if not rows:
        return
    if len(rows) < _COPY_FROM:
        # As JSON: for a few rows that takes half the time of an array for each column.
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        change(_insert_json(table, tuple(columns)), {"rows": encode.json(objects)})
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
        if _state.ahead:
            _state.copy = stack.pop_all()


_CHUNK = 500
"""Rows sent at a time: the server inserts them while we make the text of the next."""


class _State(threading.local):
    ahead = False
    pipeline: Pipeline | None = None
    copy: contextlib.ExitStack | None = None


_state = _State()


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """A transaction, or a savepoint of the one that is open, in which `write` and `change` return when they are sent.

    The server does them while we go on. Their errors appear at the next `run`, or at the end of the block.
    """
    with django_transaction.atomic(), connection.execute_wrapper(_after_ours):
        pipeline, before = _pipeline(), _state.ahead
        _state.ahead = True
        try:
            # A table that was empty when PostgreSQL last counted it is planned as empty until it counts again: two
            # such tables without an index between them make a batch of a thousand take minutes.
            pipeline.send("SET LOCAL enable_seqscan = off")
            yield
            _commit()
        except BaseException:
            _abandon()
            raise
        finally:
            _state.ahead = before


def stream(statement: str, params: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
    """The rows of one statement, as a cursor of the server brings them, so that memory does not grow with them.

    In a transaction that lives as long as they are read, such as `one_moment`."""
    for observer in observers:
        observer(statement)
    _finish()
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, params)
        yield from cursor


@contextlib.contextmanager
def one_moment() -> Iterator[None]:
    """A transaction whose statements all see the same rows: what several of them make together is of one moment."""
    is_outermost = not connection.in_atomic_block
    with django_transaction.atomic():
        if is_outermost:
            run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


@contextlib.contextmanager
def whole_tables() -> Iterator[None]:
    """A transaction for statements that join whole tables: none is planned as if one of them were all but empty."""
    with django_transaction.atomic():
        run("SET LOCAL enable_seqscan = on")
        run("SET LOCAL enable_nestloop = off")
        yield


def _commit() -> None:
    """Send the end of the outermost transaction behind what is on its way: Django finds nothing left to commit."""
    _finish_copy()
    pipeline = _pipeline()
    if not (connection.savepoint_ids or connection.needs_rollback or pipeline.is_failed):
        pipeline.send("COMMIT")
    _finish()


def _finish() -> None:
    """Wait for what is on its way."""
    _finish_copy()
    if _state.pipeline and _state.pipeline.pending:
        _state.pipeline.receive()


def _finish_copy() -> None:
    if _state.copy:
        sent, _state.copy = _state.copy, None
        sent.close()


def _abandon() -> None:
    """Clear the way for the rollback; what was on its way has nobody left to tell."""
    copy, _state.copy = _state.copy, None
    if copy:
        with contextlib.suppress(psycopg.Error):
            copy.__exit__(*sys.exc_info())
    with contextlib.suppress(psycopg.Error):
        _finish()


def _after_ours(execute: Callable[..., Any], *statement: Any) -> Any:
    """Django's own statements wait for ours."""
    _finish()
    return execute(*statement)


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
    # Where nothing else may change, the key to what it is: only so is a row that was there returned.
    rest = [name for name in names if name not in key and name != names[0]] or key[:1]
    changes = ", ".join(f"{name} = excluded.{name}" for name in rest)
    target = ", ".join(key)
    returned = ", ".join(dict.fromkeys((names[0], *key)))
    return f"{_insert(table, names)} ON CONFLICT ({target}) DO UPDATE SET {changes} RETURNING {returned}"
