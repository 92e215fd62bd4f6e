"""What is known of the buyers of lots on the day that these leave, for their tax."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.parties import queries as parties
from entrepot.returns.lots import Terms
from entrepot.tax.rules import Exemption, Rate


class Sold(NamedTuple):
    """A lot, and who buys it."""

    departure: UUID
    company: int
    customer: UUID
    buyer: UUID


def terms_of(lots: Iterable[Sold]) -> dict[UUID, Terms]:
    """By lot; without those whose buyer was erased. 4 statements where there are any."""
    found = list(lots)
    if not found:
        return {}
    addresses = parties.addresses({one.buyer for one in found})
    sellers = {one.id: one.country for one in parties.companies()}
    rates, exemptions = _rates({one.company for one in found}), _exemptions({one.customer for one in found})
    return {
        one.departure: Terms(
            to.country, to.written.region if to.written else to.region, to.tax_number, sellers[one.company],
            rates.get((one.company, to.country), ()), exemptions.get(one.customer, ()),
        )
        for one in found
        if (to := addresses.get(one.buyer))
    }  # fmt: skip


def _rates(companies: Iterable[int]) -> dict[tuple[int, str], list[Rate]]:
    rates: dict[tuple[int, str], list[Rate]] = defaultdict(list)
    for company, *row in sql.run(_RATES, {"companies": sorted(companies)}):
        rates[company, row[0]].append(Rate(*row))
    return rates


def _exemptions(customers: Iterable[UUID]) -> dict[UUID, list[Exemption]]:
    exemptions: dict[UUID, list[Exemption]] = defaultdict(list)
    for customer, *row in sql.run(_EXEMPTIONS, {"customers": sorted(customers)}):
        exemptions[customer].append(Exemption(*row))
    return exemptions


_RATES = """
SELECT j.company_id::int, j.country, j.region, r.category, r.valid_from, r.rate
FROM tax_jurisdiction AS j JOIN tax_rate AS r ON r.jurisdiction_id = j.id
WHERE j.company_id = ANY(%(companies)s::smallint[]) ORDER BY 1, 2, 3, 4, 5
"""

_EXEMPTIONS = """
SELECT customer_id, country, certificate, valid_from, valid_until FROM tax_exemption
WHERE customer_id = ANY(%(customers)s::uuid[]) ORDER BY customer_id, id
"""
