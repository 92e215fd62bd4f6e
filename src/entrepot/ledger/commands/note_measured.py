"""Say that something was measured as of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause


def note_measured(cause: Cause, subject: str, times: Mapping[int, datetime]) -> None:
    """By company, the moment; whether or not it brought a difference. 1 statement; none for none."""
    if times:
        params = sql.columns(("companies", "times"), times.items())
        sql.run(_NOTE, params | {"subject": subject, "actor": cause.actor.name, "at": cause.at})


_NOTE = """
INSERT INTO ledger_measurement (company_id, subject, as_of, recorded_by, recorded_at)
SELECT company, %(subject)s::text, as_of, %(actor)s::text, %(at)s::timestamptz
FROM unnest(%(companies)s::smallint[], %(times)s::timestamptz[]) AS d(company, as_of)
"""
