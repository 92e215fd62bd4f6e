"""Imprints: a row of a table of facts leaves a digest of itself whenever it is written, by a trigger of its table, in
the same transaction. Imprints are a sealed chain, so a row that was changed without one is named, and so is one that
another role of the database wrote than the house's own.

Rows of hot tables pay for none when they are put in: their imprints are taken when the events of their documents are
sealed, of many together and without the columns that every step changes. One whose other columns change leaves its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import pgtrigger
from django.apps import apps
from django.db import models, transaction

from entrepot.kernel import sql
from entrepot.postgres import APP_ROLE

SHOWN_MAX = 200
TOGETHER_MAX = 20_000
"""Rows of one imprint that an upgrade takes."""
BY_UPGRADE = "upgrade"
"""Who wrote an imprint that was taken anew because an upgrade changed its table."""


class Amiss(NamedTuple):
    """A row that is not what its last imprint says, and what is the matter with it."""

    table: str
    row: str
    what: str


class _Imprint(pgtrigger.Func):
    """The body of a trigger, written from the columns of its model."""

    said = """
INSERT INTO kernel_imprint (source, row_key, leaf, written_by)
SELECT '{table}', {key}, {leaf}, current_user FROM changed AS a;
RETURN NULL;
"""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, **kwargs: Any) -> str:
        meta = kwargs["meta"]
        return self.said.format(table=meta.db_table, key=key_of(meta), leaf=leaf_of(meta))


class _Gone(_Imprint):
    said = _Imprint.said.replace("{leaf}", "NULL")


class _Changed(_Imprint):
    """Of a row of a hot table; says which of its columns names the document whose events are sealed."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.said = _Imprint.said.replace("changed AS a;", f"(SELECT NEW.*) AS a; -- of {document}")


def imprinted(*, changes: bool = False) -> list[pgtrigger.Trigger]:
    """Triggers by which rows of a table leave imprints; `changes` where the table is not append-only."""
    made = [_trigger("imprint_insert", pgtrigger.Insert, _Imprint())]
    if changes:
        made += [
            _trigger("imprint_update", pgtrigger.Update, _Imprint()),
            _trigger("imprint_delete", pgtrigger.Delete, _Gone()),
        ]
    return made


def _trigger(name: str, operation: pgtrigger.Operation, func: _Imprint) -> pgtrigger.Trigger:
    seen = {"old" if operation is pgtrigger.Delete else "new": "changed"}
    return pgtrigger.Trigger(
        name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation, func=func,
        referencing=pgtrigger.Referencing(**seen),
    )  # fmt: skip


def imprinted_when_sealed(kind: str, document: str, *, but: Collection[str] = ()) -> list[pgtrigger.Trigger]:
    """Triggers of a hot table, of which every step changes the columns `but`. Imprints of what is put
    in are taken with the events about the documents, of a kind, that the column `document` names; of what another role
    than the house's own puts in, at once."""
    return [
        pgtrigger.Trigger(
            name="imprint_insert", level=pgtrigger.Row, when=pgtrigger.After, operation=pgtrigger.Insert,
            condition=pgtrigger.Condition(f"current_user <> '{APP_ROLE}'"), func=_Changed(document),
        ),
        _WhenSealed(kind, document, but),
        _trigger("imprint_delete", pgtrigger.Delete, _Gone()),
    ]  # fmt: skip


class _WhenSealed(pgtrigger.Trigger):
    """Of a row when a column changes that is none of `but`: a step that names none of them does not even look."""

    def __init__(self, kind: str, document: str, but: Collection[str]) -> None:
        self.kind, self.document, self.but = kind, document, frozenset(but)
        super().__init__(
            name="imprint_update", level=pgtrigger.Row, when=pgtrigger.After, operation=pgtrigger.Update,
            condition=pgtrigger.AnyChange(exclude=sorted(but)), func=_Changed(document),
        )  # fmt: skip

    def compile(self, model: Any) -> Any:
        self.operation = pgtrigger.UpdateOf(*(one.column for one in _columns(model._meta)))
        return super().compile(model)


def tables() -> Iterator[Any]:
    """What Django knows of each table whose rows leave imprints."""
    for model in apps.get_models():
        if any(one.name.startswith("imprint_") for one in getattr(model._meta, "triggers", ())):
            yield model._meta


def _when_sealed(meta: Any) -> _WhenSealed | None:
    return next((one for one in meta.triggers if isinstance(one, _WhenSealed)), None)


def key_of(meta: Any) -> str:
    return f"{_uuid_of(meta)}::text" if _when_sealed(meta) else _columns_of_key(meta)


def _columns_of_key(meta: Any) -> str:
    names = [field.column for field in meta.pk_fields]
    return "a." + "::text || ' ' || a.".join(names) + "::text"


def _uuid_of(meta: Any) -> str:
    """What stands for a row of a hot table among others: its key, or where that is of several columns its digest."""
    names = [field.column for field in meta.pk_fields]
    return f"a.{names[0]}" if len(names) == 1 else f"md5({_columns_of_key(meta)})::uuid"


def leaf_of(meta: Any) -> str:
    """The digest of a row, of a text that does not depend on the settings of the session."""
    said = ", ".join(map(_said, _columns(meta)))
    text = f"concat_ws(E'\\x1f', {said})"
    return f"encode(substring(sha256(convert_to({text}, 'UTF8')) FROM 1 FOR 16), 'hex')::uuid"


def _columns(meta: Any) -> list[models.Field[Any, Any]]:
    """What a leaf is made of."""
    hot = _when_sealed(meta)
    kept = [one for one in meta.local_concrete_fields if not hot or one.column not in hot.but]
    return sorted(kept, key=lambda one: one.column)


def _said(field: models.Field[Any, Any]) -> str:
    column = f"a.{field.column}"
    if isinstance(field, models.DateTimeField):
        column = f"extract(epoch FROM {column})"
    elif isinstance(field, models.DateField):
        column = f"({column} - DATE '2000-01-01')"
    elif isinstance(field, models.BinaryField):
        column = f"encode({column}, 'hex')"
    return f"COALESCE({column}::text, '\\N')"


def of_sealed(first: int, last: int) -> None:
    """Take imprints of what was put into hot tables by the commands of some events, by their numbers. 1 statement for
    each such table."""
    for meta in tables():
        if hot := _when_sealed(meta):
            sql.run(_of_sealed(meta, hot), {"kind": hot.kind, "first": first, "last": last})


def put_in(table: str, ids: Collection[UUID]) -> None:
    """Take imprints, together, of rows of a hot table that a command has put in beside older ones of the same document:
    no event about it tells them apart. 1 statement; none for no rows."""
    if ids:
        sql.change(_put_in(table), {"ids": list(ids)})


def amiss() -> list[Amiss]:
    """Rows that were changed, deleted or put in without an imprint, or by another role than the house's own.
    1 statement; 1 more for each table that has such a row and a key of several columns."""
    found = [Amiss(*row) for row in sql.run(_amiss([_read(meta) for meta in tables()]))]
    names: dict[str, dict[str, str]] = {}
    for meta in tables():
        digests = [one.row for one in found if one.table == meta.db_table]
        if digests and _when_sealed(meta) and len(meta.pk_fields) > 1:
            names[meta.db_table] = dict(sql.run(_called(meta), {"keys": digests}))  # type: ignore[arg-type]
    return [one._replace(row=names.get(one.table, {}).get(one.row, one.row)) for one in found]


def discrepancies() -> list[str]:
    """Sentences about rows that are not what their imprints say."""
    found = amiss()
    told = [f"{one.table} {one.row} {one.what} behind the house's back" for one in found[:SHOWN_MAX]]
    return told + ([f"{len(found) - SHOWN_MAX} more rows"] if len(found) > SHOWN_MAX else [])


def before_upgrade(touched: Collection[str] | None = None) -> None:
    """Keep what an upgrade finds of the tables that it can change (all without) until it is through. They are as they
    were, so they are read as their triggers read them. One that died is gone on with, from what the first of its tries
    found; where more migrations have come since, what they can change beside it is as it was, too."""
    columns = {name for (name,) in sql.run(_IMPRINT_COLUMNS)}
    together = _TOGETHER if "keys" in columns else _BEFORE_TOGETHER
    if not upgrading():
        scope = None if touched is None else sorted(touched)
        sql.run(_keep(_installed(scope), together, scope) if columns else _KEEP_NOTHING)
        return
    known = _scope()
    if known is None or (touched is not None and set(touched) <= set(known)):
        return
    every = {meta.db_table for meta in tables()}
    more = sorted((every if touched is None else set(touched)) - set(known))
    scope = None if touched is None else sorted({*known, *touched})
    with transaction.atomic():
        sql.run(_keep_more(_installed(more), together, more))
        sql.run("UPDATE kernel_upgrade SET scope = %(scope)s::text[]", {"scope": scope})


def _scope() -> list[str] | None:
    """The tables that the upgrade under way can change; None: all, as with one that an earlier release began."""
    has_scope = "SELECT 1 FROM pg_attribute WHERE attrelid = 'kernel_upgrade'::regclass AND attname = 'scope'"
    return sql.run("SELECT scope FROM kernel_upgrade LIMIT 1")[0][0] if sql.run(has_scope) else None


def upgrading() -> bool:
    """Whether an upgrade has begun and is not through."""
    return bool(sql.run("SELECT to_regclass('kernel_upgrade') IS NOT NULL")[0][0])


def after_upgrade() -> None:
    """Take imprints anew of what the upgrade changed; what was amiss before it stays so. Whoever writes these tables
    meanwhile is waited for, and waits: an imprint of what they changed must not be older than theirs."""
    scope = _scope()
    changed = [meta for meta in tables() if scope is None or meta.db_table in scope]
    with transaction.atomic():
        if changed:
            sql.run(f"LOCK TABLE {', '.join(sorted(meta.db_table for meta in changed))} IN SHARE MODE")
            sql.run(_renewed([_read(meta) for meta in changed], scope))
        sql.run("DROP TABLE kernel_upgrade")


def checked() -> dict[str, int]:
    """Imprints that `discrepancies` looks at."""
    return {"imprints": sql.run(_COUNT)[0][0]}


def _installed(scope: Collection[str] | None) -> list[str]:
    """Statements that read the tables as the triggers do that are there."""
    bodies = [_reading(body) for (body,) in sql.run(_INSTALLED)]
    found = [statement for table, statement in bodies if scope is None or table in scope]
    return found or [f"SELECT '', '', {_NOTHING} WHERE FALSE"]


def _reading(body: str) -> tuple[str, str]:
    """The table of a trigger, and what it reads of a row, of all of them."""
    found = re.search(_BODY, body, flags=re.DOTALL)
    assert found is not None, body
    read, table, document = found.groups()
    return table, f"SELECT {read}, {f'a.{document}' if document else 'NULL::uuid'} FROM {table} AS a"


# ---- statements


_BODY = r"SELECT ('(\w+)', .*), current_user FROM .* AS a;(?: -- of (\w+))?"
_NOTHING = "NULL::uuid, NULL::uuid"
_BEGAN = "state_before = '' AND state_after <> ''"
"""Of an event: its document is new by it, and whatever is of it was put in. What only goes on says no state before it
either, but none after it."""
_COUNT = "SELECT COALESCE(sum(COALESCE(cardinality(keys), 1)), 0)::bigint FROM kernel_imprint"


def _read(meta: Any) -> str:
    """The key and leaf of each row, and of a hot table the document that it is of."""
    hot = _when_sealed(meta)
    document = f"a.{hot.document}" if hot else "NULL::uuid"
    return f"SELECT '{meta.db_table}', {key_of(meta)}, {leaf_of(meta)}, {document} FROM {meta.db_table} AS a"


def _together(meta: Any) -> str:
    return f"""
INSERT INTO kernel_imprint (source, row_key, written_by, keys, leaves)
SELECT '{meta.db_table}', '', current_user, array_agg({_uuid_of(meta)}), array_agg({leaf_of(meta)})
FROM {meta.db_table} AS a
"""


def _called(meta: Any) -> str:
    return f"""
SELECT {key_of(meta)}, {_columns_of_key(meta)} FROM {meta.db_table} AS a WHERE {key_of(meta)} = ANY(%(keys)s::text[])
"""


@cache
def _put_in(table: str) -> str:
    (meta,) = (one for one in tables() if one.db_table == table)
    return f"{_together(meta)}WHERE a.id = ANY(%(ids)s::uuid[]) HAVING count(*) > 0"


def _of_sealed(meta: Any, hot: _WhenSealed) -> str:
    return f"""{_together(meta)}WHERE a.{hot.document} = ANY(ARRAY(
    SELECT DISTINCT subject_id FROM kernel_event WHERE seq >= %(first)s::bigint AND seq <= %(last)s::bigint
    AND subject_kind = %(kind)s AND {_BEGAN}))
HAVING count(*) > 0
"""


_TOGETHER = "keys, leaves"
_BEFORE_TOGETHER = "NULL::uuid[] AS keys, NULL::uuid[] AS leaves"
"""What an installation from before there were any has of them."""


def _compared(reading: list[str], together: str = _TOGETHER, scope: Collection[str] | None = None) -> str:
    """What is known of each row beside what is found of it; either may be missing. Known is its last imprint, and of
    one that has none of its own the first that was taken of it with others: what came after may have been changed. Of a
    `scope`, what is known of its tables."""
    within = "" if scope is None else f"WHERE source = ANY(ARRAY[{_quoted(scope)}]::text[])"
    found = "\n    UNION ALL ".join(reading)
    return f"""
WITH imprint AS (SELECT id, source, row_key, leaf, written_by, {together} FROM kernel_imprint {within}),
newest AS (SELECT max(id) AS id, source, row_key FROM imprint WHERE keys IS NULL GROUP BY source, row_key),
together AS (
    SELECT i.id, i.source, k.key::text AS row_key, k.leaf, i.written_by
    FROM imprint AS i CROSS JOIN LATERAL unnest(i.keys, i.leaves) AS k(key, leaf) WHERE i.keys IS NOT NULL
),
earliest AS (SELECT min(id) AS id, source, row_key FROM together GROUP BY source, row_key),
known AS (
    SELECT id, source, row_key, i.leaf, i.written_by FROM imprint AS i JOIN newest USING (id, source, row_key)
    UNION ALL
    SELECT id, source, row_key, t.leaf, t.written_by
    FROM together AS t JOIN earliest USING (id, source, row_key)
    WHERE NOT EXISTS (SELECT FROM newest AS n WHERE n.source = t.source AND n.row_key = t.row_key)
),
found (source, row_key, leaf, document) AS (
    {found}
),
compared AS (
    SELECT source, row_key, f.leaf, k.leaf AS known, k.id, k.written_by, f.document
    FROM known AS k FULL JOIN found AS f USING (source, row_key)
)"""


def _amiss(reading: list[str], together: str = _TOGETHER, scope: Collection[str] | None = None) -> str:
    """Who writes is compared where the house has a role of its own that whoever asks may take, from the first imprint
    on that was written in it: before, its login wrote. What no link holds yet of documents is not known yet."""
    return f"""{_compared(reading, together, scope)},
roled AS (
    SELECT min(id) AS since FROM kernel_imprint WHERE written_by = '{APP_ROLE}' AND EXISTS (
        SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}' AND pg_has_role(oid, 'MEMBER'))
),
unsealed AS (
    SELECT DISTINCT subject_id FROM kernel_event
    WHERE seq > (SELECT COALESCE(max(last_seq), 0) FROM kernel_seal) AND {_BEGAN}
)
SELECT source, row_key,
       CASE WHEN leaf IS NULL AND known IS NULL THEN 'was deleted by ' || written_by
            WHEN leaf IS NULL THEN 'is gone' WHEN known IS NULL THEN 'was put in'
            WHEN leaf <> known THEN 'was changed' ELSE 'was written by ' || written_by END AS what
FROM compared, roled
WHERE (known IS DISTINCT FROM leaf
       AND NOT (known IS NULL AND COALESCE(document IN (SELECT subject_id FROM unsealed), FALSE)))
   OR (id > since AND written_by NOT IN ('{APP_ROLE}', '{BY_UPGRADE}'))
ORDER BY 1, 2
"""


def _quoted(names: Collection[str]) -> str:
    """Names of tables as a list of texts."""
    return ", ".join(f"'{one}'" for one in names)


def _keep(reading: list[str], together: str, scope: Collection[str] | None) -> str:
    """As a table, which is there as long as the upgrade: its rows are what was amiss, beside the last imprint and the
    tables that can change."""
    told = "NULL" if scope is None else f"ARRAY[{_quoted(scope)}]"
    return f"""
CREATE TABLE kernel_upgrade AS
SELECT i.last, a.source, a.row_key, {told}::text[] AS scope
FROM (SELECT COALESCE(max(id), 0) AS last FROM kernel_imprint) AS i
LEFT JOIN ({_amiss(reading, together, scope)}) AS a ON TRUE
"""


def _keep_more(reading: list[str], together: str, scope: Collection[str]) -> str:
    return f"""
INSERT INTO kernel_upgrade (last, source, row_key)
SELECT (SELECT max(last) FROM kernel_upgrade), a.source, a.row_key FROM ({_amiss(reading, together, scope)}) AS a
"""


def _renewed(reading: list[str], scope: Collection[str] | None) -> str:
    """What differs from its imprint, and what the login that upgrades has written since; of a hot table, what has no
    imprint yet many together."""
    return f"""{_compared(reading, scope=scope)},
began AS (SELECT max(last) AS last FROM kernel_upgrade),
renewed AS (
    SELECT c.source, c.row_key, c.leaf, c.id IS NULL AND c.document IS NOT NULL AS together,
           row_number() OVER () / {TOGETHER_MAX} AS part
    FROM compared AS c, began AS b
    WHERE (c.known IS DISTINCT FROM c.leaf OR (c.id > b.last AND c.written_by = current_user))
      AND NOT EXISTS (SELECT FROM kernel_upgrade AS u WHERE u.source = c.source AND u.row_key = c.row_key)
)
INSERT INTO kernel_imprint (source, row_key, leaf, written_by, keys, leaves)
SELECT source, row_key, leaf, '{BY_UPGRADE}', NULL, NULL FROM renewed WHERE NOT together
UNION ALL
SELECT source, '', NULL, '{BY_UPGRADE}', array_agg(row_key::uuid), array_agg(leaf)
FROM renewed WHERE together GROUP BY source, part
"""


_KEEP_NOTHING = (
    "CREATE TABLE kernel_upgrade AS"
    " SELECT 0::bigint AS last, NULL::text AS source, NULL::text AS row_key, NULL::text[] AS scope"
)

_IMPRINT_COLUMNS = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = to_regclass('kernel_imprint') AND attnum > 0 AND NOT attisdropped
"""

_INSTALLED = """
SELECT DISTINCT p.prosrc FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE t.tgname LIKE 'pgtrigger\\_imprint\\_insert\\_%' OR p.prosrc LIKE '%; -- of %'
"""
