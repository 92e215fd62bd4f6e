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
from django.db import models, transaction

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


def amiss() -> list[Amiss]:
    """Rows that were changed, deleted or put in without an imprint, or by another role than the house's own.
    1 statement."""
    return [Amiss(*row) for row in sql.run(_amiss([_read(meta) for meta in tables()]))]


def discrepancies() -> list[str]:
    """Sentences about rows that are not what their imprints say."""
    found = amiss()
    told = [f"{one.table} {one.row} {one.what} behind the house's back" for one in found[:SHOWN_MAX]]
    return told + ([f"{len(found) - SHOWN_MAX} more rows"] if len(found) > SHOWN_MAX else [])


def before_upgrade() -> None:
    """Keep what an upgrade finds until it is through. The tables are as they were, so they are read as their triggers
    read them. One that died is gone on with, from what the first of its tries found."""
    if not upgrading():
        has_imprints = sql.run("SELECT to_regclass('kernel_imprint') IS NOT NULL")[0][0]
        sql.run(_keep(_installed()) if has_imprints else _KEEP_NOTHING)


def upgrading() -> bool:
    """Whether an upgrade has begun and is not through."""
    return bool(sql.run("SELECT to_regclass('kernel_upgrade') IS NOT NULL")[0][0])


def after_upgrade() -> None:
    """Take imprints anew of what the upgrade changed; what was amiss before it stays so."""
    with transaction.atomic():
        sql.run(_renewed([_read(meta) for meta in tables()]))
        sql.run("DROP TABLE kernel_upgrade")


def checked() -> dict[str, int]:
    """Imprints that `discrepancies` looks at."""
    return {"imprints": sql.run("SELECT count(*) FROM kernel_imprint")[0][0]}


def _installed() -> list[str]:
    """Statements that read the tables as the triggers do that are there."""
    bodies = [re.sub(r".*?(SELECT .*?) FROM changed AS a;.*", r"\1", body, flags=re.DOTALL)
              for (body,) in sql.run(_INSTALLED)]  # fmt: skip
    return [
        re.sub(r"^SELECT '(\w+)', (.*), current_user$", r"SELECT '\1', \2 FROM \1 AS a", one)
        for one in bodies
    ] or ["SELECT '', '', NULL::uuid WHERE FALSE"]


# ---- statements


def _read(meta: Any) -> str:
    return f"SELECT '{meta.db_table}', {key_of(meta)}, {leaf_of(meta)} FROM {meta.db_table} AS a"


def _compared(reading: list[str]) -> str:
    """The last imprint of each row, as `k`, beside what is found of it, as `f`; either may be missing."""
    found = "\n    UNION ALL ".join(reading)
    return f"""
WITH newest AS (SELECT max(id) AS id FROM kernel_imprint GROUP BY source, row_key),
known AS (SELECT id, i.source, i.row_key, i.leaf, i.written_by FROM kernel_imprint AS i JOIN newest USING (id)),
found (source, row_key, leaf) AS (
    {found}
),
compared AS (
    SELECT source, row_key, f.leaf, k.leaf AS known, k.id, k.written_by
    FROM known AS k FULL JOIN found AS f USING (source, row_key)
)"""


def _amiss(reading: list[str]) -> str:
    """Who writes is compared where the house has a role of its own that whoever asks may take, from the first imprint
    on that was written in it: before, its login wrote."""
    return f"""{_compared(reading)},
roled AS (
    SELECT min(id) AS since FROM kernel_imprint WHERE written_by = '{APP_ROLE}' AND EXISTS (
        SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}' AND pg_has_role(oid, 'MEMBER'))
)
SELECT source, row_key,
       CASE WHEN leaf IS NULL THEN 'is gone' WHEN known IS NULL THEN 'was put in'
            WHEN leaf <> known THEN 'was changed' ELSE 'was written by ' || written_by END AS what
FROM compared, roled
WHERE known IS DISTINCT FROM leaf
   OR (known IS NOT NULL AND id > since AND written_by NOT IN ('{APP_ROLE}', '{BY_UPGRADE}'))
ORDER BY 1, 2
"""


def _keep(reading: list[str]) -> str:
    """As a table, which is there as long as the upgrade: its rows are what was amiss, beside the last imprint."""
    return f"""
CREATE TABLE kernel_upgrade AS
SELECT i.last, a.source, a.row_key
FROM (SELECT COALESCE(max(id), 0) AS last FROM kernel_imprint) AS i LEFT JOIN ({_amiss(reading)}) AS a ON TRUE
"""


def _renewed(reading: list[str]) -> str:
    """What differs from its imprint, and what the login that upgrades has written since."""
    return f"""{_compared(reading)},
began AS (SELECT max(last) AS last FROM kernel_upgrade)
INSERT INTO kernel_imprint (source, row_key, leaf, written_by)
SELECT c.source, c.row_key, c.leaf, '{BY_UPGRADE}'
FROM compared AS c, began AS b
WHERE (c.known IS DISTINCT FROM c.leaf OR (c.leaf IS NOT NULL AND c.id > b.last AND c.written_by = current_user))
  AND NOT EXISTS (SELECT FROM kernel_upgrade AS u WHERE u.source = c.source AND u.row_key = c.row_key)
"""


_KEEP_NOTHING = (
    "CREATE TABLE kernel_upgrade AS SELECT 0::bigint AS last, NULL::text AS source, NULL::text AS row_key"
)

_INSTALLED = """
SELECT p.prosrc FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE t.tgname LIKE 'pgtrigger\\_imprint\\_insert\\_%'
"""
