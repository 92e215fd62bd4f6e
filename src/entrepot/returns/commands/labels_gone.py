"""Labels of returns that nobody will use: void, and their carriage taken out of the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, offer, whole
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post

ACCRUED = "shipping.accrued"
KIND = "return_label"
DESTINATION = "return-labels"
"""Of messages to adapters about labels of returns, before the colon and the source."""
VOIDED = "voided"
"""The queue of labels that were voided: their carrier may have billed them."""


def void(cause: Cause, reasons: Mapping[UUID, str]) -> dict[UUID, UUID]:
    """Take locked returns off their labels, each for its reason, and void the labels that nothing comes with any more:
    those voided, by return. One whose parcel a carrier has had in its hands stands: carriage is owed for it. What was
    bought is given back. 1 statement, 7 more where there are labels, 1 more where some were bought."""
    # By a statement of its own: the next one has to see what ended while this one waited.
    if not sql.run(_LOCK, {"returns": list(reasons)}):
        return {}
    found = sql.run(_VOID, {"returns": list(reasons), "at": cause.at})
    if not found:
        return {}
    whole(post(cause, requests=[
        Posting(company, ACCRUED, KIND, key, currency, (("carriage", -cost),), cause.at)
        for key, company, cost, currency, *_ in found if cost
    ]))  # fmt: skip
    give_back(cause, [
        (key, company, source, reference) for key, company, _, _, bought, source, reference, _ in found
        if bought == "void asked"
    ])  # fmt: skip
    offer(VOIDED, [(key, 5, cause.at) for key, *_ in found])
    announce(cause, [
        Event(KIND, key, company, "made", "voided", None, {"return": owners[0]}, reasons[owners[0]])
        for key, company, *_, owners in found
    ])  # fmt: skip
    return {owner: key for key, *_, owners in found for owner in owners}


def give_back(cause: Cause, labels: Sequence[tuple[UUID, int, str, str]]) -> None:
    """A message to the adapters that sold labels, by (label, company, source, reference). 1 statement, none for
    none."""
    delivery.send(cause, [
        delivery.Message(f"{DESTINATION}:{source}", "return.void", label, company,
                         {"label": label, "reference": reference})
        for label, company, source, reference in labels
    ])  # fmt: skip


_LOCK = """
SELECT id FROM returns_label
WHERE id IN (SELECT label_id FROM returns_labelreturn WHERE return_id = ANY(%(returns)s::uuid[]) AND lives)
ORDER BY id FOR UPDATE
"""

_VOID = """
WITH off AS (
    UPDATE returns_labelreturn AS m SET lives = FALSE FROM returns_label AS l
    WHERE m.return_id = ANY(%(returns)s::uuid[]) AND m.lives AND l.id = m.label_id
      AND NOT EXISTS (SELECT FROM returns_parcel AS p
                      WHERE p.return_id = m.return_id AND p.tracking = l.tracking AND p.scanned_at IS NOT NULL)
    RETURNING m.label_id, m.return_id
), empty AS (
    SELECT label_id, array_agg(return_id ORDER BY return_id) AS owners FROM off
    WHERE NOT EXISTS (SELECT FROM returns_labelreturn AS o WHERE o.label_id = off.label_id AND o.lives
                      AND o.return_id <> ALL(%(returns)s::uuid[]))
    GROUP BY label_id
)
UPDATE returns_label AS l SET state = 'voided', voided_at = %(at)s::timestamptz,
       bought = CASE l.bought WHEN 'bought' THEN 'void asked' ELSE l.bought END
FROM empty WHERE l.id = empty.label_id
RETURNING l.id, l.company_id::int, l.cost_minor, l.currency::text, l.bought, l.source, l.reference, empty.owners
"""
