"""Ask where parcels with bought labels are, of carriers that do not tell by themselves: the first scan may be worth a
refund, and what is lost a claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.shipping.commands.poll import EVERY, POLLED_MAX

FOR = timedelta(days=60)
"""How long after it was made a label is asked about: what nobody has posted by then nobody will."""


@dataclass(frozen=True, slots=True)
class PollLabels:
    """The labels in force of a company's returns that were bought of these sources, and whose parcels have not come."""

    company: int
    sources: tuple[str, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LabelsPolled:
    company: int
    labels: int


@command("returns.poll_labels")
def poll_labels(cause: Cause, /, *, requests: Sequence[PollLabels]) -> list[LabelsPolled | Refused]:
    """A message to the adapter for each bought label whose parcel was neither delivered, nor taken back to its sender,
    nor opened here, and nobody has asked about for some hours, the longest ago first.

    Locks: the labels it takes. Refuses: nothing. Again: by key; without one nothing is due. 2 statements.
    """
    wanted = [(one.company, source) for one in requests for source in one.sources]
    params = {"due": cause.at - EVERY, "since": cause.at - FOR, "limit": POLLED_MAX, "at": cause.at}
    due = sql.run(_TAKE, {**sql.columns(("companies", "sources"), wanted), **params}) if wanted else []
    delivery.send(cause, [
        delivery.Message(f"carriers:{source}", "carrier.tracking", label, company,
                         {"number": number, "carrier": carrier})
        for company, label, source, carrier, number in due
    ])  # fmt: skip
    taken = Counter(company for company, *_ in due)
    return [LabelsPolled(one.company, taken.pop(one.company, 0)) for one in requests]


_TAKE = """
WITH due AS (
    SELECT l.id, split_part(substr(s.live, strpos(s.live, ':') + 1), ' ', 1) AS carrier
    FROM returns_label AS l
    JOIN carriage_service AS s ON s.id = l.service_id
    JOIN unnest(%(companies)s::smallint[], %(sources)s::text[]) AS d(company, source)
      ON d.company = l.company_id AND d.source = l.source
    WHERE l.state = 'made' AND l.bought = 'bought' AND l.made_at >= %(since)s::timestamptz
      AND COALESCE(l.polled_at, l.made_at) < %(due)s::timestamptz
      AND NOT EXISTS (SELECT FROM returns_parcel AS p
                      WHERE p.return_id = l.return_id AND p.tracking = l.tracking
                        AND (p.delivered_at IS NOT NULL OR 'returned to sender' = ANY(p.troubles)))
      AND EXISTS (SELECT FROM returns_labelreturn AS m JOIN returns_line AS x ON x.return_id = m.return_id
                  WHERE m.label_id = l.id AND x.quantity - x.cancelled > x.received)
    ORDER BY COALESCE(l.polled_at, l.made_at), l.id LIMIT %(limit)s::int FOR UPDATE OF l SKIP LOCKED)
UPDATE returns_label AS l SET polled_at = %(at)s::timestamptz FROM due WHERE l.id = due.id
RETURNING l.company_id::int, l.id, l.source, due.carrier, l.tracking
"""
