"""Reference data by its natural key: what is new is written, what differs is changed, what stands is left alone.

The register commands of the reference rooms are built on `put`: so registering the same list again changes nothing
and leaves no event, and a list takes the same statements whatever its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event

Values = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Register:
    """A table of reference data: the columns by which people know a row, and those that may change.

    `keyed`: rows have an id of their own, made here. `kind` names them in the event log.
    """

    table: str
    natural: tuple[str, ...]
    rest: tuple[str, ...]
    kind: str = ""
    keyed: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """A row as it stands now: its id (None where rows have none), whether it is new, and the columns that changed."""

    id: Any
    new: bool
    changed: tuple[str, ...]

    def also(self, *changed: str) -> Standing:
        """The row, where more than its own columns may have changed."""
        return replace(self, changed=(*self.changed, *changed))


def put(register: Register, rows: Iterable[tuple[Values, Values]]) -> dict[Values, Standing]:
    """Write rows given as (natural key, rest). Of two with the same key in one list the later stands.

    Locks the rows that exist, in key order. 1 statement where all stands already, else 2.
    """
    wanted = dict(rows)
    lock, write = _statements(register)
    found = {
        tuple(row[1 : 1 + len(register.natural)]): (row[0], tuple(row[1 + len(register.natural) :]))
        for row in sql.run(lock, sql.columns(register.natural, wanted))
    }

    standing: dict[Values, Standing] = {}
    to_write = []
    for natural, rest in wanted.items():
        row_id, before = found.get(natural, (ids.uuid7() if register.keyed else None, None))
        changed = tuple(
            name
            for name, old, new in zip(register.rest, before or rest, rest, strict=True)
            if before and old != new
        )
        standing[natural] = Standing(row_id, before is None, changed)
        if before is None or changed:
            to_write.append((row_id, *natural, *rest) if register.keyed else (*natural, *rest))

    if to_write:
        width = len(register.natural)
        for row in sql.run(write, sql.columns(_columns(register), to_write)):
            natural = tuple(row[1 : 1 + width])
            if row[0] != standing[natural].id:  # someone else has just registered the same
                standing[natural] = Standing(row[0], False, ())
    return standing


def tell(
    cause: Cause,
    register: Register,
    companies: Mapping[Values, int],
    standing: Mapping[Values, Standing],
) -> None:
    """An event for each row that is new or changed, naming the columns, never their content."""
    announce(
        cause,
        (
            Event(
                register.kind, one.id, companies[natural], "" if one.new else "registered", "registered",
                payload={"changed": one.changed} if one.changed else None,
            )
            for natural, one in standing.items()
            if one.new or one.changed
        ),
    )  # fmt: skip


def sieve(
    requests: Sequence[T], refusals: Iterable[Refused | None]
) -> tuple[dict[int, Refused], list[tuple[int, T]]]:
    """The refused places with their refusals, and the other requests with their places."""
    refused: dict[int, Refused] = {}
    fit: list[tuple[int, T]] = []
    for place, (request, refusal) in enumerate(zip(requests, refusals, strict=True)):
        if refusal is None:
            fit.append((place, request))
        else:
            refused[place] = refusal
    return refused, fit


def _columns(register: Register) -> tuple[str, ...]:
    return ("id",) * register.keyed + register.natural + register.rest


@cache
def _statements(register: Register) -> tuple[str, str]:
    """The statement that locks and loads rows by their natural key, and the one that writes them, in key order."""
    types = sql.column_types(register.table)
    key = "id" if register.keyed else "NULL::uuid"
    natural, columns = ", ".join(register.natural), _columns(register)
    asked = ", ".join(f"%({name})s::{types[name]}[]" for name in register.natural)
    given = ", ".join(f"%({name})s::{types[name]}[]" for name in columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in register.rest)
    lock = (
        f"SELECT {', '.join((key, *register.natural, *register.rest))} FROM {register.table}"
        f" WHERE ({natural}) IN (SELECT * FROM unnest({asked})) ORDER BY {natural} FOR UPDATE"
    )
    # DO UPDATE even where nothing may change: only so is the row of another who was quicker returned.
    write = (
        f"INSERT INTO {register.table} ({', '.join(columns)})"
        f" SELECT * FROM unnest({given}) AS given({', '.join(columns)}) ORDER BY {natural}"
        f" ON CONFLICT ({natural}) DO UPDATE SET {changes} RETURNING {key}, {natural}"
    )
    return lock, write
