"""What a test leaves in the database: which tables it wrote to, what the rooms say of them, and the way back.

A sum over tables that nobody wrote to is what it was in the template: so it is told from memory. That, and emptying
what was written instead of copying the template anew, saves a third of the suite's time.
"""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import pq

from entrepot import postgres
from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.pipeline import Pipeline

BLOATED_BYTES = 64 * 2**20
"""Beyond this, dead rows cost more than a new copy of the template."""

_WORD = re.compile(r"\w+")
_PASSES = re.compile(r"\b(now|current_\w+|\w+_timestamp|localtime\w*|random|pg_\w+)\b", re.IGNORECASE)
"""What gives another answer where no row changed."""


class _Told(NamedTuple):
    rows: list[tuple[Any, ...]]
    tables: frozenset[str]


class Template:
    """What the rooms find in a database that nobody has written to yet: nothing amiss, in a hundred statements."""

    def __init__(self) -> None:
        self.tables = frozenset(name for (name,) in sql.run(_TABLES))
        self._told: dict[tuple[str, str], _Told] = {}
        with self._instead(self._remember):
            assert verify.discrepancies() == []

    def discrepancies(self, written: Collection[str], rooms: Collection[str] = ()) -> list[str]:
        """`verify.discrepancies`, but a statement that reads none of the tables `written` isn't run again."""

        def answer(statement: str, params: Any = None) -> list[tuple[Any, ...]]:
            told = self._told.get((statement, repr(params)))
            if told is None or not told.tables.isdisjoint(written):
                return self._run(statement, params)
            return list(told.rows)

        with self._instead(answer):
            return verify.discrepancies(rooms)

    def _remember(self, statement: str, params: Any = None) -> list[tuple[Any, ...]]:
        rows = self._run(statement, params)
        read = self.tables.intersection(_WORD.findall(statement))
        if read and not _PASSES.search(statement):
            self._told[statement, repr(params)] = _Told(rows, read)
        return rows

    @contextlib.contextmanager
    def _instead(self, run: Any) -> Iterator[None]:
        self._run, sql.run = sql.run, run
        try:
            yield
        finally:
            sql.run = self._run


def written_here() -> set[str]:
    """The tables that the open transaction of this connection has written to, what it took back included."""
    written = {name for (name,) in sql.run(_WRITTEN)}
    sql.run("SELECT pg_stat_force_next_flush()")  # or the next test would be told of these too
    return written


class Standing:
    """A database of its own with something set up once, `made`, which every test finds as it was."""

    def __init__(self, database: str, template: str, make: Callable[[], Any]) -> None:
        postgres.recreate_database(database, template)
        self._connection = connections.create_connection(DEFAULT_DB_ALIAS)
        self._connection.settings_dict = {**self._connection.settings_dict, "NAME": database}
        self._pipeline: Pipeline | None = None
        with self.entered():
            self._made = make()
            self.template = Template()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread's connection leads to it."""
        before, state = connections[DEFAULT_DB_ALIAS], sql._state
        connections[DEFAULT_DB_ALIAS] = self._connection
        # Each connection keeps the names of what is prepared on it.
        pipeline, state.pipeline = state.pipeline, self._pipeline
        try:
            yield
        finally:
            self._pipeline, state.pipeline = state.pipeline, pipeline
            connections[DEFAULT_DB_ALIAS] = before

    def made(self) -> Any:
        """A copy, for a test to change."""
        return copy.deepcopy(self._made)

    def close(self) -> None:
        self._connection.close()


_Sequence = tuple[Any, ...]  # its name, where it starts, and the last number it gave


class _Stands(NamedTuple):
    made: Any
    rows: dict[str, bytes]
    sequences: set[_Sequence]


class Committed:
    """The way back to the template after real commits, by the owner: what was written is emptied again."""

    def __init__(self, database: str, template: str) -> None:
        self._database, self.template = database, template
        self._owner: psycopg.Connection[Any] | None = None
        with psycopg.connect(postgres.server_dsn(template)) as pristine:
            self._content = {
                name: _content(pristine, name) for (name,) in pristine.execute(_TABLES).fetchall()
            }
            self._sequences = set(pristine.execute(_SEQUENCES).fetchall())
            self._shape = pristine.execute(_SHAPE).fetchall()
        self._standing: dict[str, _Stands] = {}
        self._any_rows = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})"
            for name, content in self._content.items()
            if not content
        )

    def written(self) -> set[str]:
        """The tables whose content is not the template's."""
        owner = self._connected()
        found = {name for (name,) in owner.execute(self._any_rows.encode(), prepare=True).fetchall()}
        full = {name: content for name, content in self._content.items() if content}
        return found | {name for name, content in full.items() if _content(owner, name) != content}

    def clean(self) -> None:
        """As the template is; whoever is still connected, but for this thread, is disconnected."""
        mine = connection.connection
        if mine is not None and mine.info.transaction_status != pq.TransactionStatus.IDLE:
            connections.close_all()
        owner = self._connected()
        owner.execute(_END_OTHERS, [mine.info.backend_pid if mine is not None and not mine.closed else 0])
        if (
            owner.execute(_SHAPE).fetchall() != self._shape
            or owner.execute(_SIZE).fetchall()[0][0] > BLOATED_BYTES
        ):
            self.renew()
            return
        with owner.transaction():
            self._put({name: self._content[name] for name in self.written()}, self._sequences)

    def standing(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` commits to a database as the template is, and answers: made once, then put back as it was."""
        owner = self._connected()
        if name not in self._standing:
            made = make()
            rows = {table: _content(owner, table) for table in self.written()}
            self._standing[name] = _Stands(made, rows, set(owner.execute(_SEQUENCES).fetchall()))
        else:
            with owner.transaction():
                self._put(self._standing[name].rows, self._standing[name].sequences)
        return copy.deepcopy(self._standing[name].made)

    def close(self) -> None:
        if self._owner is not None:
            self._owner.close()
        self._owner = None

    def renew(self) -> None:
        """A new copy of the template, which takes ten times as long."""
        connections.close_all()
        self.close()
        postgres.recreate_database(self._database, self.template)

    def _put(self, rows: Mapping[str, bytes], sequences: Collection[_Sequence]) -> None:
        """These tables hold these rows and no others, and no trigger notices."""
        owner = self._connected()
        owner.execute("SET LOCAL session_replication_role = replica")  # append-only tables are emptied too
        for name, content in rows.items():
            owner.execute(f"DELETE FROM {name}".encode())
            if content:
                with owner.cursor().copy(f"COPY {name} FROM STDIN".encode()) as into:
                    into.write(content)
        for name, start, last in set(sequences) - set(owner.execute(_SEQUENCES).fetchall()):
            owner.execute("SELECT setval(%s, %s, %s)", [name, last or start, last is not None])

    def _connected(self) -> psycopg.Connection[Any]:
        if self._owner is None or self._owner.closed:
            self._owner = psycopg.connect(postgres.server_dsn(self._database), autocommit=True)
        return self._owner


def _content(owner: psycopg.Connection[Any], table: str) -> bytes:
    with owner.cursor().copy(f"COPY {table} TO STDOUT".encode()) as out:
        return b"".join(bytes(part) for part in out)


_TABLES = """
SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""

_WRITTEN = """
SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  AND pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
      + pg_stat_get_xact_tuples_deleted(oid) > 0
"""

_SEQUENCES = (
    "SELECT sequencename::text, start_value, last_value FROM pg_sequences WHERE schemaname = 'public'"
)

# Whatever changes a table, an index, a trigger or a function writes a new version of its row.
_SHAPE = " UNION ALL ".join(
    f"SELECT count(*), sum(xmin::text::bigint)::text FROM {catalog}"
    for catalog in ("pg_class", "pg_attribute", "pg_constraint", "pg_trigger", "pg_proc", "pg_index")
)

_SIZE = "SELECT pg_database_size(current_database())"

_END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid NOT IN (pg_backend_pid(), %s)
"""
