"""Forget what messages said: their bodies go, and that they came or went, when and what became of them, stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from entrepot.kernel import sql


def messages_about(
    words: Sequence[tuple[int, int, str]], sources: Sequence[tuple[int, int, str, str]]
) -> dict[int, int]:
    """Empty messages that are done with: those with one of the words (of: a place in a batch, company, word) in them,
    and those that came as (place, company, source, external id).

    Returns how many, by place. Two statements, which read all messages: it is for rare requests.
    """
    patterns = [(place, company, f"%{plain(word)}%") for place, company, word in words]
    found: dict[int, int] = {}
    params = sql.columns(("places", "companies", "patterns"), patterns)
    named = sql.columns(("source_places", "source_companies", "sources", "externals"), sources)
    for rows in (sql.run(_CAME, params | named), sql.run(_WENT, params)):
        for place, number in rows:
            found[place] = found.get(place, 0) + number
    return found


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
