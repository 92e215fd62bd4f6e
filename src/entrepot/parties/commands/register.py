"""Set up companies, customers, suppliers and offers, and put addresses into the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class RegisterCompany:
    """A company; its number stands in every row that is its own."""

    id: int
    code: str
    name: str
    currency: str
    country: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CompanyRegistered:
    id: int


@command("parties.register_companies")
def register_companies(cause: Cause, /, *, requests: Sequence[RegisterCompany]) -> list[CompanyRegistered | Refused]:
    """Companies. Again: the same. 1 statement."""
    rows = [(r.id, r.code, r.name, r.currency, r.country) for r in requests]
    sql.upsert("parties_company", ("id",), ("id", "code", "name", "currency", "country"), rows)
    announce(cause, [Event("company", ids.uuid7(), r.id, payload={"code": r.code}) for r in requests])
    return [CompanyRegistered(r.id) for r in requests]


@dataclass(frozen=True, slots=True)
class RegisterCustomer:
    company: int
    code: str
    tier: str = ""
    since: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterSupplier:
    company: int
    code: str
    name: str
    currency: str
    lead_days: int = 7
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterOffer:
    supplier: UUID
    sku: UUID
    cost: Decimal
    minimum_quantity: int = 1
    lead_days: int = 7
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    id: UUID
    code: str


@command("parties.register_customers")
def register_customers(cause: Cause, /, *, requests: Sequence[RegisterCustomer]) -> list[Registered | Refused]:
    """Customers with their ids. Again: the same. 1 statement."""
    rows = [(ids.uuid7(), r.company, r.code, r.tier, r.since) for r in requests]
    names = ("id", "company_id", "code", "tier", "since")
    written = sql.upsert("parties_customer", ("company_id", "code"), names, rows)
    found = {(company, code): customer for customer, company, code in written}
    return [Registered(found[r.company, r.code], r.code) for r in requests]


@command("parties.register_suppliers")
def register_suppliers(cause: Cause, /, *, requests: Sequence[RegisterSupplier]) -> list[Registered | Refused]:
    """Suppliers with their ids. Again: the same. 1 statement."""
    rows = [(ids.uuid7(), r.company, r.code, r.name, r.currency, r.lead_days) for r in requests]
    names = ("id", "company_id", "code", "name", "currency", "lead_days")
    written = sql.upsert("parties_supplier", ("company_id", "code"), names, rows)
    found = {(company, code): supplier for supplier, company, code in written}
    announce(cause, [Event("supplier", one, company, payload={"code": code}) for (company, code), one in found.items()])
    return [Registered(found[r.company, r.code], r.code) for r in requests]


@dataclass(frozen=True, slots=True)
class OfferRegistered:
    id: UUID


@command("parties.register_offers")
def register_offers(cause: Cause, /, *, requests: Sequence[RegisterOffer]) -> list[OfferRegistered | Refused]:
    """Offers of suppliers. Again: the same. 1 statement."""
    rows = [(ids.uuid7(), r.supplier, r.sku, r.cost, r.minimum_quantity, r.lead_days) for r in requests]
    names = ("id", "supplier_id", "sku_id", "cost", "minimum_quantity", "lead_days")
    written = sql.upsert("parties_offer", ("supplier_id", "sku_id"), names, rows)
    found = {(supplier, sku): offer for offer, supplier, sku in written}
    return [OfferRegistered(found[r.supplier, r.sku]) for r in requests]


@dataclass(frozen=True, slots=True)
class RegisterAddress:
    """Personal data of one addressee."""

    company: int
    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AddressRegistered:
    id: UUID


@command("parties.register_addresses")
def register_addresses(cause: Cause, /, *, requests: Sequence[RegisterAddress]) -> list[AddressRegistered | Refused]:
    """Addresses in the vault, with the ids by which everything else knows them. Again: by key. 1 statement."""
    made = [ids.uuid7() for _ in requests]
    rows = [
        (address, r.company, r.name, r.line1, r.line2, r.city, r.region, r.postal_code, r.country, r.email, r.phone)
        for address, r in zip(made, requests, strict=True)
    ]
    sql.write("parties_address", _ADDRESS, rows)
    return [AddressRegistered(address) for address in made]


_ADDRESS = (
    "id", "company_id", "name", "line1", "line2", "city", "region", "postal_code", "country", "email", "phone",
)  # fmt: skip
