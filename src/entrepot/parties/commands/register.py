"""Register companies, customers, suppliers and their offers, and put addresses into the vault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from entrepot.catalog.register import Register, put, sieve, tell
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.parties import address, fingerprints, numbers, rules, vault
from entrepot.parties.rules import (
    RegisterAddress,
    RegisterCompany,
    RegisterCustomer,
    RegisterOffer,
    RegisterSupplier,
)

__all__ = [
    "AddressRegistered", "CompanyRegistered", "CustomerRegistered", "OfferRegistered", "RegisterAddress",
    "RegisterCompany", "RegisterCustomer", "RegisterOffer", "RegisterSupplier", "Registered", "register_addresses",
    "register_companies", "register_customers", "register_offers", "register_suppliers",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CompanyRegistered:
    id: int


@dataclass(frozen=True, slots=True)
class Registered:
    id: UUID
    code: str


@dataclass(frozen=True, slots=True)
class CustomerRegistered:
    id: UUID


@dataclass(frozen=True, slots=True)
class OfferRegistered:
    id: UUID


@dataclass(frozen=True, slots=True)
class AddressRegistered:
    id: UUID


@command("parties.register_companies")
def register_companies(
    cause: Cause, /, *, requests: Sequence[RegisterCompany]
) -> list[CompanyRegistered | Refused]:
    """Companies by number, new or changed to stand as given.

    Locks: every company, in the order of their numbers: there are few.
    Refuses: Invalid (a field that is not as it must be; another currency than that of its books; a code twice).
    Again: what stands already is left alone, with or without a key. 3 statements.
    """
    code_of: dict[int, str] = {}
    currency_of: dict[int, str] = {}
    for number, code, currency in sql.run(_LOCK_COMPANIES):
        code_of[number], currency_of[number] = code, currency
    refusals: list[Refused | None] = []
    for one in requests:
        refusal = rules.misfit_company(one, code_of, currency_of)
        refusals.append(refusal)
        if refusal is None:
            code_of[one.id], currency_of[one.id] = one.code, one.currency
    refused, fit = sieve(requests, refusals)

    standing = put(
        _COMPANIES, (((one.id,), (one.code, one.name, one.currency, one.country)) for _, one in fit)
    )

    announce(
        cause,
        (
            # A company has a number where other subjects have a key.
            Event("company", UUID(int=number), number, "" if one.new else "registered", "registered")
            for (number,), one in standing.items()
            if one.new or one.changed
        ),
    )
    return [refused.get(place) or CompanyRegistered(one.id) for place, one in enumerate(requests)]


@command("parties.register_customers")
def register_customers(
    cause: Cause, /, *, requests: Sequence[RegisterCustomer], first_order: bool = False
) -> list[CustomerRegistered | Refused]:
    """Customers by company and code, new or changed as far as something is told of them; of two requests for one, what
    the later tells stands. The answer does not name them by code: answers are kept, and codes are erased.

    An event where something told changes, with the tier before and after: fees, windows and rights go by it. None with
    `first_order`, for those whom nobody tells anything of: they are known by what they ordered, and a year brings
    thousands.
    Locks: the customers that exist, in the order of company and code.
    Refuses: Invalid (no code).
    Again: the same ids, with or without a key. 2 statements, 1 with `first_order`; where requests tell different
    fields, 1 more for each set of those; 1 where something changes.
    """
    refused, fit = sieve(requests, map(rules.misfit_customer, requests))
    names = {place: (one.company, one.code) for place, one in fit}
    told: dict[tuple[int, str], dict[str, Any]] = {}
    for place, one in fit:
        said = ((name, getattr(one, name)) for name in _SAID)
        told.setdefault(names[place], {}).update((name, value) for name, value in said if value is not None)
    before: dict[tuple[int, str], dict[str, Any]] = {}
    if told and not first_order:
        rows = sql.run(_LOCK_CUSTOMERS, sql.columns(("companies", "codes"), told))
        before = {(company, code): dict(zip(_SAID, stood, strict=True)) for company, code, *stood in rows}

    found = _write_customers(told)
    if not first_order:
        announce(cause, _customers_changed(told, before, found))
    return [refused.get(place) or CustomerRegistered(found[names[place]]) for place in range(len(requests))]


_SAID = ("tier", "since", "substitutes")


def _write_customers(told: Mapping[tuple[int, str], Mapping[str, Any]]) -> dict[tuple[int, str], UUID]:
    """Ids by company and code. 1 statement for each set of fields that are told."""
    # Sorted, so that two lists with customers in common take their locks in one order.
    sets: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for name in sorted(told):
        fields = tuple(field for field in _SAID if field in told[name])
        values = (told[name][field] for field in fields)
        sets.setdefault(fields, []).append((ids.uuid7(), *name, *values))
    key = ("company_id", "code")
    return {
        (company, code): customer
        for fields, rows in sets.items()
        for customer, company, code in sql.upsert("parties_customer", key, ("id", *key, *fields), rows)
    }


def _customers_changed(
    told: Mapping[tuple[int, str], Mapping[str, Any]],
    before: Mapping[tuple[int, str], Mapping[str, Any]],
    found: Mapping[tuple[int, str], UUID],
) -> Iterator[Event]:
    nothing = {"tier": "", "since": None, "substitutes": ""}
    for name, said in told.items():
        stood = before.get(name, nothing)
        changed = [field for field, value in said.items() if value != stood[field]]
        if changed:
            payload: dict[str, Any] = {"changed": changed}
            if "tier" in changed:
                payload |= {"tier_before": stood["tier"], "tier": said["tier"]}
            yield Event(
                "customer", found[name], name[0], "registered" if name in before else "", "registered",
                payload=payload,
            )  # fmt: skip


@command("parties.register_suppliers")
def register_suppliers(
    cause: Cause, /, *, requests: Sequence[RegisterSupplier]
) -> list[Registered | Refused]:
    """Suppliers by company and code, new or changed to stand as given.

    Locks: the suppliers that exist, in the order of company and code.
    Refuses: Invalid; NotFound (the company).
    Again: what stands already is left alone, with or without a key. 3 statements.
    """
    known = _companies([one.company for one in requests])
    refused, fit = sieve(
        requests, [rules.misfit_supplier(one) or _stranger(one.company, known) for one in requests]
    )
    names = {place: (one.company, one.code) for place, one in fit}

    standing = put(
        _SUPPLIERS, ((names[place], (one.name, one.currency, one.lead_days)) for place, one in fit)
    )

    tell(cause, _SUPPLIERS, {name: name[0] for name in standing}, standing)
    return [
        refused.get(place) or Registered(standing[names[place]].id, one.code)
        for place, one in enumerate(requests)
    ]


@command("parties.register_offers")
def register_offers(cause: Cause, /, *, requests: Sequence[RegisterOffer]) -> list[OfferRegistered | Refused]:
    """Offers by supplier and SKU, new or changed to stand as given.

    Locks: the offers that exist, in the order of supplier and SKU.
    Refuses: Invalid; NotFound (the supplier; a SKU of the supplier's company).
    Again: what stands already is left alone, with or without a key. 3 statements.
    """
    wanted = {
        "suppliers": list({one.supplier for one in requests}),
        "skus": list({one.sku for one in requests}),
    }
    company_of: dict[UUID, int] = dict(sql.run(_OWNERS, wanted))  # type: ignore[arg-type]
    refused, fit = sieve(requests, [rules.misfit_offer(one) or _apart(one, company_of) for one in requests])
    names = {place: (one.supplier, one.sku) for place, one in fit}

    rows = (
        (names[place], (one.cost, one.minimum_quantity, one.lead_days, one.pack_quantity))
        for place, one in fit
    )
    standing = put(_OFFERS, rows)

    tell(cause, _OFFERS, {name: company_of[name[0]] for name in standing}, standing)
    return [
        refused.get(place) or OfferRegistered(standing[names[place]].id) for place in range(len(requests))
    ]


@command("parties.register_addresses")
def register_addresses(
    _cause: Cause, /, *, requests: Sequence[RegisterAddress]
) -> list[AddressRegistered | Refused]:
    """New rows of the vault, each with its normalized copy, and its tax number checked; sealed with the key of whose
    they are: one person for a customer's code, else for a mail address, else for the row.

    No event: the document that names an address has one, and the log holds nobody's data.

    Locks: the persons, against being erased. Again: by key; without one, another row. 3 statements.
    """
    keys = [ids.uuid7() for _ in requests]
    owners = _owners(requests)
    rows = []
    for which, one, (person, secret) in zip(keys, requests, owners, strict=True):
        values = _read(one)
        rows.append((
            which, one.company, person, one.region, one.country, bool(values[7]), vault.seal(secret, which, values),
            fingerprints.of_place(one.name, one.line1, one.line2, one.city, one.region),
            fingerprints.of_place(
                one.name, one.line1, one.line2, one.city, one.region, one.postal_code, one.country, values[7]
            ),
            fingerprints.of_email(one.email) if one.email else "", fingerprints.of_phone(one.phone),
            fingerprints.of_name(one.name),
        ))  # fmt: skip
    sql.write("parties_address", _ADDRESS, rows)
    return [AddressRegistered(key) for key in keys]


def _owners(requests: Sequence[RegisterAddress]) -> list[tuple[UUID, bytes]]:
    """Whose each address is, with their key: persons known already, or new ones."""
    made: dict[tuple[int, str], tuple[UUID, bytes, bytes]] = {}
    names = [(one.company, _mark(one) or str(place)) for place, one in enumerate(requests)]
    for name in names:
        if name not in made:
            person = ids.uuid7()
            made[name] = (person, *vault.new_key(person))
    # In one order: two batches with persons in common wait for each other, and not in a circle.
    rows = sorted(
        (company, mark if ":" in mark else "", person, kept)
        for (company, mark), (person, _, kept) in made.items()
    )
    batch = sql.columns(("companies", "marks", "persons", "keys"), rows)
    sql.change(_KNOW, batch)
    stands = {
        (company, mark): (person, bytes(kept))
        for company, mark, person, kept in sql.run(_KNOWN, batch)
        if mark
    }
    # Erased between the two statements: who comes back is somebody new.
    gone = [
        (made[name][0], name[0], "", made[name][2]) for name in made if ":" in name[1] and name not in stands
    ]
    sql.write("parties_person", ("id", "company_id", "mark", "key"), gone)
    owners: dict[tuple[int, str], tuple[UUID, bytes]] = {}
    for name, (person, secret, _) in made.items():
        known, kept = stands.get(name, (person, b""))
        owners[name] = (person, secret) if known == person else (known, vault.open_key(kept, known))
    return [owners[name] for name in names]


def _mark(one: RegisterAddress) -> str:
    if one.customer:
        return fingerprints.of_customer(one.customer)
    return fingerprints.of_email(one.email) if one.email else ""


def _read(one: RegisterAddress) -> list[Any]:
    """What is sealed of an address, and what the house makes of it: its tax number and the kind of that, and its
    normalized copy."""
    copy = address.written(one.country, one.postal_code, one.region, one.city, one.line1, one.line2)
    tax_number = kind = ""
    if one.tax_number:
        number = numbers.check(one.country, one.tax_number)
        tax_number, kind = number.number, number.kind if number.is_proved else ""
    return [
        one.name, one.line1, one.line2, one.city, one.postal_code, one.email, one.phone, tax_number, kind, copy
    ]  # fmt: skip


def _companies(companies: Sequence[int]) -> set[int]:
    found = sql.run(
        "SELECT id::int FROM parties_company WHERE id = ANY(%(ids)s::int[])", {"ids": sorted(set(companies))}
    )
    return {company for (company,) in found}


def _stranger(company: int, known: set[int]) -> Refused | None:
    return None if company in known else NotFound(what="company", which=company)


def _apart(offer: RegisterOffer, company_of: dict[UUID, int]) -> Refused | None:
    if offer.supplier not in company_of:
        return NotFound(what="supplier", which=offer.supplier)
    if company_of.get(offer.sku) != company_of[offer.supplier]:
        return NotFound(what="SKU", which=offer.sku)
    return None


_COMPANIES = Register("parties_company", ("id",), ("code", "name", "currency", "country"), keyed=False)
_SUPPLIERS = Register(
    "parties_supplier", ("company_id", "code"), ("name", "currency", "lead_days"), kind="supplier"
)
_OFFERS = Register(
    "parties_offer",
    ("supplier_id", "sku_id"),
    ("cost", "minimum_quantity", "lead_days", "pack_quantity"),
    kind="offer",
)
_ADDRESS = (
    "id", "company_id", "person_id", "region", "country", "has_tax_number", "sealed", "place", "billed",
    "mailbox", "phone", "called",
)  # fmt: skip

_KNOW = """
INSERT INTO parties_person (id, company_id, mark, key)
SELECT * FROM unnest(%(persons)s::uuid[], %(companies)s::smallint[], %(marks)s::text[], %(keys)s::bytea[])
ON CONFLICT (company_id, mark) WHERE mark <> '' DO NOTHING
"""

# Their keys stay while the addresses are written: whoever erases one of them waits, or is waited for.
_KNOWN = """
SELECT p.company_id::int, p.mark, p.id, p.key
FROM unnest(%(companies)s::smallint[], %(marks)s::text[]) AS d(company, mark)
JOIN parties_person AS p ON p.company_id = d.company AND p.mark = d.mark AND p.mark <> ''
ORDER BY p.id FOR KEY SHARE OF p
"""

_LOCK_CUSTOMERS = """
SELECT company_id::int, code, tier, since, substitutes FROM parties_customer
WHERE (company_id, code) IN (SELECT * FROM unnest(%(companies)s::smallint[], %(codes)s::text[]))
ORDER BY company_id, code FOR UPDATE
"""

_LOCK_COMPANIES = "SELECT id::int, code, currency FROM parties_company ORDER BY id FOR UPDATE"

_OWNERS = """
SELECT id, company_id::int FROM parties_supplier WHERE id = ANY(%(suppliers)s::uuid[])
UNION ALL SELECT id, company_id::int FROM catalog_sku WHERE id = ANY(%(skus)s::uuid[])
"""
