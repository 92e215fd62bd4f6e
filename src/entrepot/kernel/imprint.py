"""Imprints: a row of a table of facts leaves a digest of itself whenever it is written, by a trigger of its table, in
the same transaction. Imprints are a sealed chain, so a row that was changed without one is named, and so is one that
another role of the database wrote than the house's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pgtrigger
from django.apps import apps
from django.db import models

from entrepot.kernel import sql
from entrepot.postgres import APP_ROLE

SHOWN_MAX = 200
BY_UPGRADE = "upgrade"
"""Who wrote an imprint that was taken anew because an upgrade changed its table."""


class Amiss(NamedTuple):
    """A row that is not what its last imprint says, and what is the matter with it."""

    table: str
    row: str
    what: str


class _Imprint(pgtrigger.Func):
    """The body of a trigger, written from the columns of its model."""

    def __init__(self, *, gone: bool) -> None:
        super().__init__("")
        self.gone = gone

    def render(self, **kwargs: Any) -> str:
        meta = kwargs["meta"]
        leaf = "NULL" if self.gone else leaf_of(meta)
        return f"""
INSERT INTO kernel_imprint (source, row_key, leaf, written_by)
SELECT '{meta.db_table}', {key_of(meta)}, {leaf}, current_user FROM changed AS a;
RETURN NULL;
"""


def imprinted(*, changes: bool = False) -> list[pgtrigger.Trigger]:
    """Triggers by which rows of a table leave imprints; `changes` where the table is not append-only."""
    made = [("imprint_insert", pgtrigger.Insert)]
    if changes:
        made += [("imprint_update", pgtrigger.Update), ("imprint_delete", pgtrigger.Delete)]
    return [
        pgtrigger.Trigger(
            name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation,
            referencing=pgtrigger.Referencing(
                **{"old" if operation is pgtrigger.Delete else "new": "changed"}
            ),
            func=_Imprint(gone=operation is pgtrigger.Delete),
        )
        for name, operation in made
    ]  # fmt: skip


def tables() -> Iterator[Any]:
    """What Django knows of each table whose rows leave imprints."""
    for model in apps.get_models():
        if any(one.name == "imprint_insert" for one in getattr(model._meta, "triggers", ())):
            yield model._meta


def key_of(meta: Any) -> str:
    names = [field.column for field in meta.pk_fields]
    return "a." + "::text || ' ' || a.".join(names) + "::text"


def leaf_of(meta: Any) -> str:
    """The digest of a row, of a text that does not depend on the settings of the session."""
    said = ", ".join(_said(one) for one in sorted(meta.local_concrete_fields, key=lambda one: one.column))
    text = f"concat_ws(E'\\x1f', {said})"
    return f"encode(substring(sha256(convert_to({text}, 'UTF8')) FROM 1 FOR 16), 'hex')::uuid"


def _said(field: models.Field[Any, Any]) -> str:
    column = f"a.{field.column}"
    if isinstance(field, models.DateTimeField):
        column = f"extract(epoch FROM {column})"
    elif isinstance(field, models.DateField):
        column = f"({column} - DATE '2000-01-01')"
    elif isinstance(field, models.BinaryField):
        column = f"encode({column}, 'hex')"
    return f"COALESCE({column}::text, '\\N')"


class Before(NamedTuple):
    """What was amiss before an upgrade, and the last imprint that there was."""

    amiss: frozenset[Amiss]
    last: int


def amiss() -> list[Amiss]:
    """Rows that were changed, deleted or put in without an imprint, or by another role than the house's own.
    1 statement."""
    return _amiss([_read(meta) for meta in tables()])


def discrepancies() -> list[str]:
    """Sentences about rows that are not what their imprints say."""
    found = amiss()
    told = [f"{one.table} {one.row} {one.what} behind the house's back" for one in found[:SHOWN_MAX]]
    return told + ([f"{len(found) - SHOWN_MAX} more rows"] if len(found) > SHOWN_MAX else [])


def before_upgrade() -> Before:
    """What an upgrade finds. The tables are as they were, so they are read as their triggers read them."""
    if sql.run("SELECT to_regclass('kernel_imprint') IS NULL")[0][0]:
        return Before(frozenset(), 0)
    installed = [re.sub(r".*?(SELECT .*?) FROM changed AS a;.*", r"\1", body, flags=re.DOTALL)
                 for (body,) in sql.run(_INSTALLED)]  # fmt: skip
    reading = [
        re.sub(r"^SELECT '(\w+)', (.*), current_user$", r"SELECT '\1', \2 FROM \1 AS a", one)
        for one in installed
    ]
    return Before(
        frozenset(_amiss(reading)), sql.run("SELECT COALESCE(max(id), 0) FROM kernel_imprint")[0][0]
    )


def after_upgrade(before: Before) -> None:
    """Take imprints anew of what the upgrade changed; what was amiss before it stays so."""
    was = {(one.table, one.row) for one in before.amiss}
    changed = {(one.table, one.row) for one in amiss()} | set(sql.run(_SINCE, {"last": before.last}))
    for meta in tables():
        rows = [row for table, row in changed - was if table == meta.db_table]
        if rows:
            sql.run(_renewed(meta), {"rows": rows, "upgrade": BY_UPGRADE})


def checked() -> dict[str, int]:
    """Imprints that `discrepancies` looks at."""
    return {"imprints": sql.run("SELECT count(*) FROM kernel_imprint")[0][0]}


def _amiss(reading: list[str]) -> list[Amiss]:
    params = {"upgrade": BY_UPGRADE, "house": APP_ROLE}
    return [Amiss(*row) for row in sql.run(_compared(reading), params)] if reading else []


# ---- statements


def _read(meta: Any) -> str:
    return f"SELECT '{meta.db_table}', {key_of(meta)}, {leaf_of(meta)} FROM {meta.db_table} AS a"


def _compared(reading: list[str]) -> str:
    """Who writes is compared where the house has a role of its own, and asks in it."""
    found = "\n    UNION ALL ".join(reading)
    return f"""
WITH newest AS (SELECT max(id) AS id FROM kernel_imprint GROUP BY source, row_key),
known AS (SELECT i.source, i.row_key, i.leaf, i.written_by FROM kernel_imprint AS i JOIN newest USING (id)),
found (source, row_key, leaf) AS (
    {found}
)
SELECT source, row_key,
       CASE WHEN f.leaf IS NULL THEN 'is gone' WHEN k.leaf IS NULL THEN 'was put in'
            WHEN f.leaf <> k.leaf THEN 'was changed' ELSE 'was written by ' || k.written_by END
FROM known AS k FULL JOIN found AS f USING (source, row_key)
WHERE k.leaf IS DISTINCT FROM f.leaf
   OR (current_user = %(house)s::text AND k.leaf IS NOT NULL
       AND k.written_by NOT IN (%(house)s::text, %(upgrade)s::text))
ORDER BY 1, 2
"""


def _renewed(meta: Any) -> str:
    return f"""
INSERT INTO kernel_imprint (source, row_key, leaf, written_by)
SELECT '{meta.db_table}', {key_of(meta)}, {leaf_of(meta)}, %(upgrade)s::text
FROM {meta.db_table} AS a WHERE {key_of(meta)} = ANY(%(rows)s::text[])
"""


_INSTALLED = """
SELECT p.prosrc FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE t.tgname LIKE 'pgtrigger\\_imprint\\_insert\\_%%'
"""

_SINCE = (
    "SELECT DISTINCT source, row_key FROM kernel_imprint WHERE id > %(last)s::bigint AND leaf IS NOT NULL"
)
