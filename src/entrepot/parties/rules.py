"""What companies, customers, suppliers and offers must be like. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.catalog.rules import (
    first_misfit,
    is_code,
    is_country,
    is_currency,
    not_negative,
    one_of,
    price,
)
from entrepot.kernel.errors import Refused

SAID_OF_SUBSTITUTES = ("", "agreed", "refused")
"""What an order or a customer says about being sent something else than was ordered; '' is nothing."""

FINGERPRINTS = ("card", "address", "email")
"""What there are fingerprints of (`parties.fingerprints`)."""

FINGERPRINT = re.compile(rf"({'|'.join(FINGERPRINTS)}):[0-9a-f]{{32}}")
"""What one looks like: `email:` and 32 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class RegisterCompany:
    """A company as it shall stand, with its number, which is in every row that is its own; its books are kept in
    `currency`.
    """

    id: int
    code: str
    name: str
    currency: str
    country: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterCustomer:
    """A customer as it shall stand; what is None stays as it is. `since` is when they became one, where known.
    `substitutes` says whether they want something else where what they ordered is not there: `agreed`, `refused`, or
    nothing ('')."""

    company: int
    code: str
    tier: str | None = None
    since: datetime | None = None
    substitutes: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterSupplier:
    """A supplier as it shall stand."""

    company: int
    code: str
    name: str
    currency: str
    lead_days: int = 7
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterOffer:
    """What a supplier asks for a unit of a SKU, in the supplier's currency."""

    supplier: UUID
    sku: UUID
    cost: Decimal
    minimum_quantity: int = 1
    lead_days: int = 7
    key: str | None = None
    pack_quantity: int = 1


@dataclass(frozen=True, slots=True)
class RegisterAddress:
    """An address for the vault. It is kept as given, with a normalized copy (`address.written`) beside it: whether it
    is a good one, `address.problems` says. `tax_number` is that of whoever is billed there. `customer`: the code of
    whose it is, as the channel knows them; without it a person is known by their mail address.
    """

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
    tax_number: str = ""
    key: str | None = None
    customer: str = ""


def misfit_company(
    company: RegisterCompany, code_of: Mapping[int, str], currency_of: Mapping[int, str]
) -> Refused | None:
    """Why a company can't stand so, given the codes and currencies of those that stand already."""
    kept = currency_of.get(company.id, company.currency)
    others = {code for number, code in code_of.items() if number != company.id}
    return first_misfit(
        ("id", 0 < company.id < 2**15, "a number from 1 to 32767", company.id),
        is_code(company.code),
        ("code", company.code not in others, "a code that no other company has", company.code),
        is_currency("currency", company.currency),
        ("currency", company.currency == kept, f"{kept}, in which its books are kept", company.currency),
        is_country("country", company.country),
    )


def misfit_customer(customer: RegisterCustomer) -> Refused | None:
    """Why a customer can't stand so."""
    # Channels name customers as they like: any code will do that is one.
    return first_misfit(
        ("code", bool(customer.code), "a code", customer.code),
        one_of("substitutes", customer.substitutes or "", SAID_OF_SUBSTITUTES),
    )


def misfit_supplier(supplier: RegisterSupplier) -> Refused | None:
    """Why a supplier can't stand so."""
    return first_misfit(
        is_code(supplier.code),
        is_currency("currency", supplier.currency),
        not_negative("lead_days", supplier.lead_days),
    )


def misfit_offer(offer: RegisterOffer) -> Refused | None:
    """Why an offer can't stand so."""
    return first_misfit(
        price("cost", offer.cost),
        ("minimum_quantity", offer.minimum_quantity >= 1, "a whole number from 1", offer.minimum_quantity),
        not_negative("lead_days", offer.lead_days),
        ("pack_quantity", 1 <= offer.pack_quantity < 2**31, "a whole number from 1", offer.pack_quantity),
    )
