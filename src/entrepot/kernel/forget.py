"""Forget whom messages and notes named: bodies of messages go, names are taken out of notes, and that there were some,
when and what became of them, stays."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import masking, sql


class Notes(NamedTuple):
    """Columns of a table into which people type, or in which the outside says what it likes: anybody may be named."""

    columns: tuple[str, ...]
    company: str
    at: str
    may_change: bool


_NOTES: dict[str, Notes] = {}


def notes(
    table: str, *columns: str, company: str = "t.company_id", at: str = "", may_change: bool = True
) -> None:
    """Say of a table of the caller's room which of its columns hold notes. `company` and `at` say of a row `t` whose it
    is, and from when; without a time notes have no age. What may not change is searched, and told."""
    _NOTES[table] = Notes(columns, company, at, may_change)


def notes_kept() -> Mapping[str, Notes]:
    """The tables with notes, by name."""
    return _NOTES


_DERIVED: list[str] = []


def derived(statement: str) -> None:
    """Say how what the caller's room worked out of the words of people is emptied: by a statement that is given the
    `orders` of who is forgotten."""
    _DERIVED.append(statement)


def forget_derived(orders: Collection[UUID]) -> None:
    """Empty all that was worked out of what people wrote about their orders. 1 statement for each that says so."""
    for statement in _DERIVED if orders else ():
        sql.change(statement, {"orders": sorted(orders)})


def messages_about(
    words: Sequence[tuple[int, int, str]], sources: Sequence[tuple[int, int, str, str]]
) -> dict[int, int]:
    """Empty messages that are done with: those with one of the words (of: a place in a batch, company, word) in them,
    and those that came as (place, company, source, external id).

    Returns how many, by place. Two statements, which read all messages: it is for rare requests.
    """
    patterns = [
        (place, company, f"%{plain(text)}%") for place, company, word in words for text in _written(word)
    ]
    found: dict[int, int] = {}
    params = sql.columns(("places", "companies", "patterns"), patterns)
    named = sql.columns(("source_places", "source_companies", "sources", "externals"), sources)
    for rows in (sql.run(_CAME, params | named), sql.run(_WENT, params)):
        for place, number in rows:
            found[place] = found.get(place, 0) + number
    return found


def _written(word: str) -> set[str]:
    """A word as it may stand in JSON."""
    return {word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]}


class NotesForgotten(NamedTuple):
    """By place in a batch: rows that name nobody any more, and rows that do and can't be changed."""

    masked: Counter[int]
    remaining: Counter[int]


def notes_about(words: Sequence[tuple[int, int, str]]) -> NotesForgotten:
    """Take words (of: a place in a batch, company, word) out of all notes.

    One statement for each table with notes, and one more where something is found. They read all notes: it is for rare
    requests.
    """
    of: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for place, company, word in words:
        of[company][place].append(word)
    patterns = [(company, f"%{plain(text)}%") for _, company, word in words for text in _written(word)]
    params = sql.columns(("companies", "patterns"), sorted(set(patterns)))
    found = NotesForgotten(Counter(), Counter())
    for table, kept in _NOTES.items() if patterns else ():
        _out_of(table, kept, params, of, found)
    return found


def _out_of(
    table: str,
    kept: Notes,
    params: dict[str, Any],
    of: Mapping[int, Mapping[int, Sequence[str]]],
    found: NotesForgotten,
) -> None:
    types = sql.column_types(table)
    cells = ", ".join(f"t.{one}::text" for one in kept.columns)
    statement = _NAMED_IN.format(
        table=table, company=kept.company, cells=cells, lock="FOR UPDATE OF t" if kept.may_change else ""
    )
    changed = []
    for row, company, *texts in sql.run(statement, params):
        values = [
            json.loads(text) if text and types[name] == "jsonb" else text
            for name, text in zip(kept.columns, texts, strict=True)
        ]
        before = values
        for place, own in of[company].items():
            masked = masking.without(values, own)
            if masked != values:
                (found.masked if kept.may_change else found.remaining)[place] += 1
                values = masked
        if values != before and kept.may_change:
            changed.append((row, *map(_as_text, values, (types[name] for name in kept.columns))))
    if changed:
        sets = ", ".join(f"{one} = d.c{n}::{types[one]}" for n, one in enumerate(kept.columns))
        names = [f"c{n}" for n in range(len(kept.columns))]
        arrays = ", ".join(f"%({one})s::text[]" for one in ("rows", *names))
        update = _MASK.format(table=table, sets=sets, arrays=arrays, names=", ".join(("row", *names)))
        sql.run(update, sql.columns(("rows", *names), changed))


def _as_text(value: Any, type_: str) -> str | None:
    return json.dumps(value) if type_ == "jsonb" and value is not None else value


def notes_before(company: int, before: datetime | None, limit: int) -> int:
    """Mask notes of before a moment whole, where the table says how old they are; None masks none. At most `limit` of a
    table at once. One statement for each such table."""
    masked = 0
    for table, kept in _NOTES.items() if before is not None else ():
        types = sql.column_types(table)
        columns = [one for one in kept.columns if types[one] == "text"]
        if kept.at and kept.may_change and columns:
            statement = _MASK_OLD.format(
                table=table, company=kept.company, at=kept.at,
                sets=", ".join(f"{one} = CASE WHEN {one} = '' THEN '' ELSE %(mask)s::text END" for one in columns),
                says=" OR ".join(f"t.{one} NOT IN ('', %(mask)s::text)" for one in columns),
            )  # fmt: skip
            params = {"company": company, "before": before, "limit": limit, "mask": masking.MASK}
            masked += sql.run(statement, params)[0][0]
    return masked


def plain(word: str) -> str:
    """A word within a pattern of LIKE, standing for itself."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def messages_before(
    company: int, came: datetime | None, went: datetime | None, limit: int
) -> tuple[int, int]:
    """Empty messages that came in, and that went out, before a moment and are done with; None empties none.

    At most `limit` of each at once. Two statements.
    """
    params = {"company": company, "limit": limit}
    return (
        sql.run(_CAME_BEFORE, params | {"before": came})[0][0],
        sql.run(_WENT_BEFORE, params | {"before": went})[0][0],
    )


_WORDS = """
unnest(%(places)s::int[], %(companies)s::smallint[], %(patterns)s::text[]) AS w(place, company, pattern)
"""

_CAME = f"""
WITH about AS (
    SELECT i.id, w.place FROM {_WORDS} JOIN kernel_inbox AS i ON i.company_id = w.company AND i.payload ILIKE w.pattern
    UNION ALL
    SELECT i.id, s.place
    FROM unnest(%(source_places)s::int[], %(source_companies)s::smallint[], %(sources)s::text[], %(externals)s::text[])
         AS s(place, company, source, external_id)
    JOIN kernel_inbox AS i USING (source, external_id) WHERE i.company_id = s.company
),
emptied AS (
    UPDATE kernel_inbox AS i SET payload = '{{}}' FROM (SELECT id, min(place) AS place FROM about GROUP BY id) AS a
    WHERE i.id = a.id AND i.state IN ('done', 'set_aside', 'dead', 'dropped') AND i.payload <> '{{}}'
    RETURNING a.place)
SELECT place, count(*)::int FROM emptied GROUP BY place
"""

_WENT = f"""
WITH about AS (
    SELECT m.id, min(w.place) AS place FROM {_WORDS}
    JOIN kernel_delivery AS m ON m.company_id = w.company AND m.body::text ILIKE w.pattern GROUP BY m.id
),
emptied AS (
    UPDATE kernel_delivery AS m SET body = '{{}}' FROM about AS a
    WHERE m.id = a.id AND m.state IN ('delivered', 'dead', 'kept', 'dropped') RETURNING a.place)
SELECT place, count(*)::int FROM emptied GROUP BY place
"""

_CAME_BEFORE = """
WITH emptied AS (
    UPDATE kernel_inbox SET payload = '{}' WHERE id IN (
        SELECT id FROM kernel_inbox
        WHERE company_id = %(company)s::smallint AND received_at < %(before)s::timestamptz
          AND state IN ('done', 'set_aside', 'dead', 'dropped') AND payload <> '{}' LIMIT %(limit)s::int)
    RETURNING 1)
SELECT count(*)::int FROM emptied
"""

_WENT_BEFORE = """
WITH emptied AS (
    UPDATE kernel_delivery SET body = '{}' WHERE id IN (
        SELECT id FROM kernel_delivery
        WHERE company_id = %(company)s::smallint AND created_at < %(before)s::timestamptz
          AND state IN ('delivered', 'dead', 'kept', 'dropped') AND body <> '{}' LIMIT %(limit)s::int)
    RETURNING 1)
SELECT count(*)::int FROM emptied
"""

_NAMED_IN = """
SELECT t.ctid::text, ({company})::int, {cells} FROM {table} AS t
WHERE EXISTS (SELECT FROM unnest(%(companies)s::smallint[], %(patterns)s::text[]) AS w(company, pattern)
              WHERE w.company = ({company}) AND concat_ws(E'\\n', {cells}) ILIKE w.pattern)
{lock}
"""

_MASK = "UPDATE {table} AS t SET {sets} FROM unnest({arrays}) AS d({names}) WHERE t.ctid = d.row::tid"

_MASK_OLD = """
WITH masked AS (
    UPDATE {table} SET {sets} WHERE ctid = ANY(ARRAY(
        SELECT t.ctid FROM {table} AS t
        WHERE ({company}) = %(company)s::smallint AND {at} < %(before)s::timestamptz AND ({says})
        LIMIT %(limit)s::int FOR UPDATE OF t))
    RETURNING 1)
SELECT count(*)::int FROM masked
"""
