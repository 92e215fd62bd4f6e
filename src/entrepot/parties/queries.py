"""What is asked of parties."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.parties import fingerprints, vault
from entrepot.parties.address import Written


@dataclass(frozen=True, slots=True)
class Company:
    id: int
    code: str
    name: str
    currency: str
    country: str


@dataclass(frozen=True, slots=True)
class Supplier:
    id: UUID
    code: str
    name: str
    currency: str
    lead_days: int


@dataclass(frozen=True, slots=True)
class Offer:
    supplier: UUID
    sku: UUID
    cost: Decimal
    minimum_quantity: int
    lead_days: int
    pack_quantity: int


@dataclass(frozen=True, slots=True)
class OfferRow:
    """What a supplier asks for a SKU, in the supplier's currency, by the codes of both."""

    supplier_code: str
    currency: str
    sku: UUID
    sku_code: str
    sku_name: str
    cost: Decimal
    minimum_quantity: int
    pack_quantity: int
    lead_days: int


@dataclass(frozen=True, slots=True)
class Address:
    """Personal data: show it to those who need it, write it nowhere else."""

    id: UUID
    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str
    email: str
    phone: str
    tax_number: str
    tax_number_kind: str
    written: Written | None

    @property
    def written_otherwise(self) -> Written | None:
        """The normalized copy, where it differs from what was given."""
        given = Written(self.line1, self.line2, self.city, self.region, self.postal_code, self.country)
        return None if self.written == given else self.written

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """What lists of a policy name it by."""
        return (
            *((fingerprints.of_address(self.written),) if self.written and self.written.line1 else ()),
            *((fingerprints.of_email(self.email),) if self.email else ()),
        )


def companies() -> list[Company]:
    """All companies, by number."""
    rows = sql.run("SELECT id::int, code, name, currency, country FROM parties_company ORDER BY id")
    return [Company(*row) for row in rows]


def customers(*, company: int, codes: Collection[str]) -> dict[str, UUID]:
    """Ids of customers by code; unknown codes are absent."""
    params = {"company": company, "codes": list(codes)}
    return dict(sql.run(_CUSTOMERS, params))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as it stands."""

    id: UUID
    code: str
    tier: str
    since: datetime | None
    substitutes: str


def customer(*, company: int, code: str) -> CustomerRow | None:
    """A customer by their code. 1 statement."""
    rows = sql.run(_CUSTOMER, {"company": company, "code": code})
    return CustomerRow(*rows[0]) if rows else None


def customer_rows(
    *,
    company: int,
    code: str | None = None,
    tier: str | None = None,
    after: UUID | None = None,
    limit: int = 200,
) -> list[CustomerRow]:
    """Customers of a company, of a code or a tier, in the order of their ids. 1 statement."""
    params = {"company": company, "code": code, "tier": tier, "after": after, "limit": limit}
    return [CustomerRow(*row) for row in sql.run(_CUSTOMER_ROWS, params)]


def suppliers(*, company: int) -> dict[str, Supplier]:
    """Suppliers by code."""
    return {row[1]: Supplier(*row) for row in sql.run(_SUPPLIERS, {"company": company})}


def offers(*, skus: Collection[UUID]) -> list[Offer]:
    """Offers for SKUs, the cheapest first."""
    return [Offer(*row) for row in sql.run(_OFFERS, {"skus": list(skus)})]


def offers_of(
    *,
    company: int,
    supplier: UUID | None = None,
    sku: UUID | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 100,
) -> list[OfferRow]:
    """Offers of suppliers to a company, by the codes of supplier and SKU; `after` continues behind one. 1 statement."""
    params = {
        "company": company, "supplier": supplier, "sku": sku, "from": after[0] if after else None,
        "behind": after[1] if after else None, "limit": limit,
    }  # fmt: skip
    return [OfferRow(*row) for row in sql.run(_OFFERS_OF, params)]


def address(which: UUID) -> Address | None:
    """An address out of the vault; None as well where it was erased. 1 statement."""
    return addresses([which]).get(which)


def addresses(which: Collection[UUID]) -> dict[UUID, Address]:
    """Addresses out of the vault by id, without those that were erased. 1 statement."""
    found = {}
    secrets: dict[UUID, bytes] = {}
    for key, region, country, sealed, person, kept in sql.run(_ADDRESSES, {"ids": list(which)}):
        if person not in secrets:
            secrets[person] = vault.open_key(kept, person)
        values = dict(zip(vault.SEALED, vault.unseal(secrets[person], key, sealed), strict=True))
        copy = values.pop("written")
        found[key] = Address(
            key, region=region, country=country, written=Written(*copy) if copy else None, **values
        )
    return found


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("parties_company", "parties_customer", "parties_supplier", "parties_offer")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about parties of companies, and offers of suppliers, that are not there."""
    return [row[0] for row in sql.run(_ORPHANS)]


_CUSTOMERS_OF = """
SELECT id, code, tier, since, substitutes FROM parties_customer WHERE company_id = %(company)s::smallint
"""

_CUSTOMER = f"{_CUSTOMERS_OF} AND code = %(code)s::text"

_CUSTOMER_ROWS = f"""{_CUSTOMERS_OF}
  AND (%(code)s::text IS NULL OR code = %(code)s::text)
  AND (%(tier)s::text IS NULL OR tier = %(tier)s::text) AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
ORDER BY id LIMIT %(limit)s::int
"""

_CUSTOMERS = """
SELECT code, id FROM parties_customer WHERE company_id = %(company)s::smallint AND code = ANY(%(codes)s::text[])
"""

_SUPPLIERS = """
SELECT id, code, name, currency, lead_days FROM parties_supplier WHERE company_id = %(company)s::smallint ORDER BY code
"""

_OFFERS_OF = """
SELECT p.code, p.currency, o.sku_id, s.code, s.name, o.cost, o.minimum_quantity, o.pack_quantity, o.lead_days
FROM parties_supplier AS p JOIN parties_offer AS o ON o.supplier_id = p.id JOIN catalog_sku AS s ON s.id = o.sku_id
WHERE p.company_id = %(company)s::smallint AND (%(supplier)s::uuid IS NULL OR p.id = %(supplier)s::uuid)
  AND (%(sku)s::uuid IS NULL OR o.sku_id = %(sku)s::uuid)
  AND (%(from)s::text IS NULL OR (p.code, s.code) > (%(from)s::text, %(behind)s::text))
ORDER BY p.code, s.code LIMIT %(limit)s::int
"""

_OFFERS = """
SELECT supplier_id, sku_id, cost, minimum_quantity, lead_days, pack_quantity FROM parties_offer
WHERE sku_id = ANY(%(skus)s::uuid[]) ORDER BY sku_id, cost, lead_days
"""

_ADDRESSES = """
SELECT a.id, a.region, a.country, a.sealed, p.id, p.key
FROM parties_address AS a JOIN parties_person AS p ON p.id = a.person_id
WHERE a.id = ANY(%(ids)s::uuid[]) AND a.sealed IS NOT NULL
"""

_ORPHANS = """
SELECT format('customer %s is of company %s, which is not there', code, company_id) FROM parties_customer AS p
WHERE NOT EXISTS (SELECT FROM parties_company AS c WHERE c.id = p.company_id)
UNION ALL
SELECT format('supplier %s is of company %s, which is not there', code, company_id) FROM parties_supplier AS p
WHERE NOT EXISTS (SELECT FROM parties_company AS c WHERE c.id = p.company_id)
UNION ALL
SELECT format('an offer for SKU %s is of a supplier who is not there', sku_id) FROM parties_offer AS o
WHERE NOT EXISTS (SELECT FROM parties_supplier AS s WHERE s.id = o.supplier_id)
UNION ALL
SELECT format('supplier %s offers SKU %s, which is not of their company', s.code, o.sku_id)
FROM parties_offer AS o JOIN parties_supplier AS s ON s.id = o.supplier_id
LEFT JOIN catalog_sku AS k ON k.id = o.sku_id AND k.company_id = s.company_id WHERE k.id IS NULL
UNION ALL
SELECT format('address %s of the vault has no person with a key', a.id) FROM parties_address AS a
WHERE a.sealed IS NOT NULL
  AND NOT EXISTS (SELECT FROM parties_person AS p WHERE p.id = a.person_id AND p.key IS NOT NULL)
"""
