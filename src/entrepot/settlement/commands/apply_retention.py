"""Let go of what has been kept for as long as the rules say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import forget, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.forget_buyers import forget_files
from entrepot.parties.commands.erase import lock_people
from entrepot.settlement import privacy_queries
from entrepot.settlement.commands.erase_people import erase_subjects, why_not
from entrepot.settlement.privacy import BUSINESS_BUYERS, BUYERS, CAME, NOTES, WENT, Retention
from entrepot.settlement.privacy_queries import Subject

PEOPLE_MAX = 500
"""At once; who may not go yet makes room for the next."""
GONE_MAX = 500
MESSAGES_MAX = 20_000
"""At one run: what is left waits for the next night."""


@dataclass(frozen=True, slots=True)
class ApplyRetention:
    """The rules of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RetentionApplied:
    """How many of each kind are gone, and how many something open or a legal hold keeps."""

    gone: dict[str, int]
    kept: dict[str, int]


@command("settlement.apply_retention")
def apply_retention(
    cause: Cause, /, *, requests: Sequence[ApplyRetention]
) -> list[RetentionApplied | Refused]:
    """What is older than the policy `settlement.retention` keeps it: people without their key, messages without their
    bodies, notes without their words, files of orders without their bytes. Who has something open, or a legal hold,
    stays whole.

    No event: the run is noted by kind. Locks: the persons, then the orders, in id order. Refuses: nothing. Again: finds
    nothing more. 6 statements, 25 for either kind of people of whom some go, and 40 for each company; for each 500 who
    are kept, 6 more.
    """
    companies = sorted({one.company for one in requests})
    rules = policies.of_companies(set(companies), Retention, cause.at)
    gone: dict[int, dict[str, int]] = {company: {} for company in companies}
    kept: dict[int, dict[str, int]] = {company: {} for company in companies}
    for kind, is_business in ((BUYERS, False), (BUSINESS_BUYERS, True)):
        before = {company: rules[company][1].before(kind, cause.at) for company in companies}
        for company in companies:
            gone[company][kind] = kept[company][kind] = 0
        after: UUID | None = None
        while found := _old(before, is_business, after):
            refusals = why_not(cause, found)
            going = [one for one, why in zip(found, refusals, strict=True) if why is None]
            erase_subjects(cause, [(one, set()) for one in going])
            for one, why in zip(found, refusals, strict=True):
                (gone if why is None else kept)[one.company][kind] += 1
            after = max(person for one in found for person in one.people)
            if len(found) < PEOPLE_MAX or sum(gone[company][kind] for company in companies) >= GONE_MAX:
                break
    for company in companies:
        rule = rules[company][1]
        came, went = forget.messages_before(
            company, rule.before(CAME, cause.at), rule.before(WENT, cause.at), MESSAGES_MAX
        )
        notes = forget.notes_before(company, rule.before(NOTES, cause.at), MESSAGES_MAX)
        held = privacy_queries.held_orders(company)
        files = forget_files(company, rule.before(NOTES, cause.at), held, MESSAGES_MAX)
        gone[company] |= {CAME: came, WENT: went, NOTES: notes + files}
    sql.write("settlement_retentionrun", _COLUMNS, [
        (company, kind, rules[company][1].before(kind, cause.at), number, kept[company].get(kind, 0),
         rules[company][0], cause.at)
        for company in companies for kind, number in gone[company].items()
    ])  # fmt: skip
    return [RetentionApplied(gone[one.company], kept[one.company]) for one in requests]


def _old(
    before: dict[int, datetime | None],
    is_business: bool,  # noqa: FBT001  two of a kind
    after: UUID | None,
) -> list[Subject]:
    """Whoever has bought nothing since, by person, behind the person `after`, locked. 2 statements."""
    rows = [(company, at) for company, at in before.items() if at is not None]
    params = sql.columns(("companies", "moments"), rows)
    params |= {"business": is_business, "limit": PEOPLE_MAX, "after": after}  # type: ignore[dict-item]
    found: dict[UUID, Subject] = {}
    for person, company, order, customer, code in sql.run(_OLD, params):
        one = found.setdefault(person, Subject(company, people={person}))
        if order:
            one.orders.add(order)
        if customer:
            one.customers[customer] = code
    lock_people(list(found))
    return list(found.values())


_COLUMNS = ("company_id", "kind", "older_than", "gone", "kept", "policy_version", "run_at")

# A customer's code goes with their last order or lot; who has bought since, under whatever address, is not old.
_OLD = """
WITH d AS (SELECT * FROM unnest(%(companies)s::smallint[], %(moments)s::timestamptz[]) AS d(company, before)),
bought AS (
    SELECT a.person_id, o.id, o.company_id, o.customer_id, o.placed_at, a.has_tax_number
    FROM d JOIN orders_order AS o ON o.company_id = d.company JOIN parties_address AS a ON a.id = o.address_id
    UNION ALL
    SELECT a.person_id, o.id, o.company_id, o.customer_id, o.placed_at, a.has_tax_number
    FROM d JOIN orders_order AS o ON o.company_id = d.company JOIN parties_address AS a ON a.id = o.billing_id
    UNION ALL
    SELECT a.person_id, NULL, p.company_id, p.customer_id, COALESCE(p.left_at, p.opened_at), a.has_tax_number
    FROM d JOIN returns_departure AS p ON p.company_id = d.company JOIN parties_address AS a ON a.id = p.buyer_id
    UNION ALL
    SELECT a.person_id, NULL, q.company_id, NULL, q.saved_at, a.has_tax_number
    FROM d JOIN orders_draft AS q ON q.company_id = d.company JOIN parties_address AS a ON a.id = q.address_id
),
old AS (
    SELECT b.person_id FROM bought AS b JOIN d ON d.company = b.company_id
    JOIN parties_person AS p ON p.id = b.person_id AND p.key IS NOT NULL
    WHERE %(after)s::uuid IS NULL OR b.person_id > %(after)s::uuid
    GROUP BY b.person_id, d.before
    HAVING bool_or(b.has_tax_number) = %(business)s::boolean AND max(b.placed_at) < d.before
    ORDER BY b.person_id LIMIT %(limit)s::int
)
SELECT b.person_id, b.company_id::int, b.id, k.id, COALESCE(k.code, '')
FROM bought AS b JOIN old USING (person_id) JOIN d ON d.company = b.company_id
LEFT JOIN parties_customer AS k ON k.id = b.customer_id AND NOT EXISTS (
    SELECT FROM orders_order AS later WHERE later.customer_id = k.id AND later.placed_at >= d.before)
    AND NOT EXISTS (SELECT FROM returns_departure AS later WHERE later.customer_id = k.id
                    AND COALESCE(later.left_at, later.opened_at) >= d.before)
"""
