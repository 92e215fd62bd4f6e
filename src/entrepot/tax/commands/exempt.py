"""Note which customers pay no tax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.catalog.register import Register, put, sieve, tell
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.tax import rules
from entrepot.tax.rules import RegisterExemption

__all__ = ["ExemptionRegistered", "RegisterExemption", "register_exemptions"]


@dataclass(frozen=True, slots=True)
class ExemptionRegistered:
    id: UUID
    customer: str


@command("tax.register_exemptions")
def register_exemptions(
    cause: Cause, /, *, requests: Sequence[RegisterExemption]
) -> list[ExemptionRegistered | Refused]:
    """Exemptions by customer and country, new or changed to stand as given; one that ends has its last day.

    Locks: the exemptions that exist, in the order of customer and country.
    Refuses: Invalid (a field that is not as it must be); NotFound (the customer).
    Again: what stands already is left alone, with or without a key. 3 statements.
    """
    names = sql.columns(("companies", "codes"), sorted({(one.company, one.customer) for one in requests}))
    customers = {(company, code): customer for company, code, customer in sql.run(_CUSTOMERS, names)}
    refused, fit = sieve(
        requests, [rules.misfit_exemption(one) or _stranger(one, customers) for one in requests]
    )
    keys = {place: (customers[one.company, one.customer], one.country) for place, one in fit}

    rows = (
        (keys[place], (one.company, one.certificate, one.valid_from, one.valid_until)) for place, one in fit
    )
    standing = put(_EXEMPTIONS, rows)

    tell(cause, _EXEMPTIONS, {keys[place]: one.company for place, one in fit}, standing)
    return [
        refused.get(place) or ExemptionRegistered(standing[keys[place]].id, one.customer)
        for place, one in enumerate(requests)
    ]


def _stranger(one: RegisterExemption, customers: dict[tuple[int, str], UUID]) -> Refused | None:
    known = (one.company, one.customer) in customers
    return None if known else NotFound(what="customer", which=one.customer)


_EXEMPTIONS = Register(
    "tax_exemption", ("customer_id", "country"), ("company_id", "certificate", "valid_from", "valid_until"),
    kind="exemption",
)  # fmt: skip

_CUSTOMERS = """
SELECT c.company_id::int, c.code, c.id
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN parties_customer AS c ON c.company_id = d.company AND c.code = d.code
"""
