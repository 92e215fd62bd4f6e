"""Statements sent ahead and answered in order: prepared once on a connection, many to a round trip."""

from __future__ import annotations

import re
import select
from collections.abc import Mapping
from functools import cache
from itertools import count
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

from entrepot.kernel import encode

Row = tuple[Any, ...]

_READ, _BOTH = select.POLLIN, select.POLLIN | select.POLLOUT
_BINARY = 1
_PATIENCE_MS = 5
"""How long the server may stop reading before what is left to send waits."""


class Pipeline:
    """A connection's statements that are sent, and whose answers nobody has read yet.

    `psycopg.Cursor.execute` waits for each statement, and takes as long on our side as the server takes for a small
    one. While anything is `pending`, nothing else may use the connection.
    """

    __slots__ = ("_fresh", "_loader", "_names", "_numbers", "_pgconn", "_poll", "pending", "wire")

    def __init__(self, wire: psycopg.Connection[Any]) -> None:
        self.wire = wire
        self.pending = False
        self._pgconn = wire.pgconn
        self._names: dict[bytes, bytes] = {}
        self._numbers = count()
        self._fresh: list[bytes] = []
        self._loader = Transformer(wire)
        self._poll = select.poll()
        self._poll.register(self._pgconn.socket, _READ)

    def send(self, statement: str, params: Mapping[str, Any] | None = None) -> None:
        """Put a statement on its way, in a transaction unless the connection commits by itself."""
        text, names = _numbered(statement) if params is not None else (statement.encode(), ())
        values = [encode.parameter(params[name]) for name in names] if params else []
        if not self.pending:
            is_idle = self._pgconn.transaction_status == pq.TransactionStatus.IDLE
            self._pgconn.enter_pipeline_mode()
            self.pending = True
            if is_idle and not self.wire.autocommit:
                self._send(b"BEGIN", [])
        self._send(text, values)

    def _send(self, text: bytes, values: list[bytes | None]) -> None:
        name = self._names.get(text)
        if name is None:
            name = self._names[text] = b"entrepot_%d" % next(self._numbers)
            self._fresh.append(text)
            self._pgconn.send_prepare(name, text)
        self._pgconn.send_query_prepared(name, values, None, _BINARY)

    @property
    def is_failed(self) -> bool:
        """Whether the transaction can only be rolled back."""
        return self._pgconn.transaction_status == pq.TransactionStatus.INERROR

    def push(self) -> None:
        """Let the server begin with what was sent, without waiting for it.

        What is longer than its socket holds goes on while it reads; where it is busy the rest waits for the next call.
        """
        while self._pgconn.flush() and self._takes_more():
            pass

    def _takes_more(self) -> bool:
        self._poll.modify(self._pgconn.socket, select.POLLOUT)
        try:
            return bool(self._poll.poll(_PATIENCE_MS))
        finally:
            self._poll.modify(self._pgconn.socket, _READ)

    def receive(self) -> list[Row]:
        """Wait for everything that was sent; the rows of the last statement, or [] where it returns none.

        Raises the error of the first statement that failed; those behind it did nothing.
        """
        try:
            last, failed = self._drain()
        except BaseException:
            # Interrupted between answers: which of them belongs to what can't be known any more.
            self.wire.close()
            raise
        if failed is not None:
            raise psycopg.errors.error_from_result(failed, encoding="utf-8")
        if last is None or not last.nfields:
            return []
        self._loader.set_pgresult(last)
        return self._loader.load_rows(0, last.ntuples, tuple)

    def _drain(self) -> tuple[pq.abc.PGresult | None, pq.abc.PGresult | None]:
        """The last result and the first failure, once every answer has come."""
        pgconn = self._pgconn
        pgconn.pipeline_sync()
        self._flush()
        last = failed = None
        while True:
            result = self._next()
            if result is None:  # the end of one statement's results, or of everything
                if pgconn.status == pq.ConnStatus.BAD:
                    raise psycopg.OperationalError(pgconn.get_error_message())
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                break
            elif result.status == pq.ExecStatus.FATAL_ERROR:
                failed = failed or result
            else:
                last = result
        if failed is not None:  # which of these the server has prepared is unknown: they will get new names
            for text in self._fresh:
                del self._names[text]
        self._fresh.clear()
        pgconn.exit_pipeline_mode()
        self.pending = False
        return last, failed

    def _next(self) -> pq.abc.PGresult | None:
        pgconn = self._pgconn
        while pgconn.is_busy():
            self._poll.poll()
            pgconn.consume_input()
        return pgconn.get_result()

    def _flush(self) -> None:
        pgconn = self._pgconn
        while pgconn.flush():
            self._poll.modify(pgconn.socket, _BOTH)
            try:
                self._poll.poll()
            finally:
                self._poll.modify(pgconn.socket, _READ)
            pgconn.consume_input()


_PARAMETER = re.compile(r"%\((\w+)\)s|%%")


@cache
def _numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """`%(name)s` as `$1`, `%%` as `%`; and the names in the order of their numbers."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

    return _PARAMETER.sub(number, statement).encode(), tuple(numbers)
