"""The register commands of parties."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.ids import uuid7
from entrepot.parties import queries, vault
from entrepot.parties.commands.gift_messages import KeepGiftMessage, keep_gift_messages
from entrepot.parties.commands.register import (
    RegisterAddress,
    RegisterCompany,
    RegisterCustomer,
    RegisterOffer,
    RegisterSupplier,
    register_addresses,
    register_companies,
    register_customers,
    register_offers,
    register_suppliers,
)
from tests.registers import (
    CAUSE,
    COMPANY,
    NOW,
    a_company,
    answers_its_key,
    content,
    counts,
    done,
    refuses,
    stands_when_repeated,
)
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

HOUSE = RegisterCompany(COMPANY, "house", "The House", "GBP", "GB")
ADA = RegisterCustomer(COMPANY, "ADA", "gold", NOW)
MILL = RegisterSupplier(COMPANY, "MILL", "The Mill", "EUR", 5)
TABLES = ("parties_company", "parties_customer", "parties_supplier", "parties_offer", "parties_address")


@pytest.fixture
def offer():
    """An offer that could be registered: its supplier and its SKU stand."""
    a_company()
    (supplier,) = done(register_suppliers, MILL)
    (sku,) = done(register_skus, RegisterSku(COMPANY, "MUG", "A mug"))
    return RegisterOffer(supplier.id, sku.id, Decimal("4.125"), 12, 9)


def test_a_company_stands_and_keeps_its_number():
    done(register_companies, HOUSE, replace(HOUSE, id=2, code="other"))
    done(register_companies, replace(HOUSE, name="The New House"))
    assert [(one.id, one.code, one.name) for one in queries.companies()] == [
        (1, "house", "The New House"),
        (2, "other", "The House"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"id": 0},
        {"id": 2**15},
        {"code": ""},
        {"code": "taken"},
        {"currency": "Pound"},
        {"currency": "EUR"},
        {"country": "UK "},
    ],
)
def test_a_company_that_makes_no_sense_or_changes_the_currency_of_its_books_is_refused(change):
    done(register_companies, HOUSE, replace(HOUSE, id=9, code="taken"))
    refuses(register_companies, replace(HOUSE, **change), Invalid, replace(HOUSE, id=3, code="good"), *TABLES)


def test_two_companies_can_not_share_a_code_in_one_list():
    first, second = register_companies(CAUSE, requests=[HOUSE, replace(HOUSE, id=2)])
    assert not isinstance(first, Invalid)
    assert isinstance(second, Invalid)


def test_customers_are_found_by_their_code():
    a_company()
    ada, bob = done(register_customers, ADA, RegisterCustomer(COMPANY, "12345"))
    assert queries.customers(company=COMPANY, codes=["ADA", "12345", "nobody"]) == {
        "ADA": ada.id,
        "12345": bob.id,
    }
    refuses(register_customers, replace(ADA, code=""), Invalid, ADA, *TABLES)


def test_of_a_customer_only_what_is_told_changes_and_leaves_a_trace():
    a_company()
    ada, again, bare = done(
        register_customers, ADA, replace(ADA, tier="silver"), RegisterCustomer(COMPANY, "BARE")
    )
    assert ada == again
    done(register_customers, RegisterCustomer(COMPANY, "ADA", substitutes="refused"))
    done(register_customers, RegisterCustomer(COMPANY, "ADA"), RegisterCustomer(COMPANY, "BARE", tier=""))
    done(register_customers, RegisterCustomer(COMPANY, "ADA", tier=""))

    (row,) = queries.customer_rows(company=COMPANY, code="ADA")
    assert (row.tier, row.since, row.substitutes) == ("", NOW, "refused")
    rows = sql.run(
        "SELECT subject_id, state_before, payload FROM kernel_event WHERE subject_kind = 'customer' ORDER BY seq"
    )
    assert rows == [
        (ada.id, "", {"changed": ["tier", "since"], "tier_before": "", "tier": "silver"}),
        (ada.id, "registered", {"changed": ["substitutes"]}),
        (ada.id, "registered", {"changed": ["tier"], "tier_before": "silver", "tier": ""}),
    ]
    assert queries.customers(company=COMPANY, codes=["BARE"]) == {"BARE": bare.id}


def test_whoever_an_order_names_first_leaves_no_trace_of_their_own():
    a_company()
    requests = [RegisterCustomer(COMPANY, "C-1", since=NOW)]
    whole(register_customers(CAUSE, requests=requests, first_order=True))
    assert sql.run("SELECT 1 FROM kernel_event WHERE subject_kind = 'customer'") == []


def test_suppliers_and_their_offers_the_cheapest_first(offer):
    (other,) = done(register_suppliers, replace(MILL, code="CHEAP"))
    done(register_offers, offer, RegisterOffer(other.id, offer.sku, Decimal("3.999999")))
    assert queries.suppliers(company=COMPANY)["MILL"].lead_days == 5
    assert [
        (one.supplier, one.cost, one.minimum_quantity) for one in queries.offers(skus=[offer.sku, uuid7()])
    ] == [
        (other.id, Decimal("3.999999"), 1),
        (offer.supplier, Decimal("4.125"), 12),
    ]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"code": ""}, Invalid),
        ({"currency": "euro"}, Invalid),
        ({"lead_days": -1}, Invalid),
        ({"company": 9}, NotFound),
    ],
)
def test_a_supplier_that_makes_no_sense_is_refused(change, refusal):
    a_company()
    refuses(register_suppliers, replace(MILL, **change), refusal, MILL, *TABLES)


def test_an_offer_is_of_a_supplier_and_a_sku_of_one_company(offer):
    (foreign,) = done(register_skus, RegisterSku(2, "MUG", "Another's mug"))
    for change, refusal in (
        ({"cost": Decimal(-1)}, Invalid), ({"minimum_quantity": 0}, Invalid), ({"lead_days": -1}, Invalid),
        ({"supplier": uuid7()}, NotFound), ({"sku": uuid7()}, NotFound), ({"sku": foreign.id}, NotFound),
    ):  # fmt: skip
        refuses(register_offers, replace(offer, **change), refusal, offer, *TABLES)


def test_an_address_is_in_the_vault_and_nowhere_else():
    a_company()
    given = RegisterAddress(
        COMPANY, "Ada Lovelace", "12 St James's Square", "", "London", "", "SW1Y 4LB", "GB", "a@b.cd", "1"
    )
    (kept,) = done(register_addresses, given)

    found = queries.address(kept.id)
    assert (found.name, found.line1, found.postal_code, found.email) == (
        given.name,
        given.line1,
        given.postal_code,
        "a@b.cd",
    )
    assert queries.address(uuid7()) is None
    assert "Lovelace" not in str(content())


def test_invariant_4_the_vault_is_sealed_with_a_key_of_each_person():
    a_company()
    given = RegisterAddress(
        COMPANY, "Ada Lovelace", line1="12 St James's Square", email="Ada@b.cd", phone="0123"
    )
    first, again, other, coded, unknown = done(
        register_addresses, given, replace(given, email="ada@B.cd"), replace(given, email="o@b.cd"),
        replace(given, customer="C-1"), RegisterAddress(COMPANY, "Ada Lovelace"),
    )  # fmt: skip
    (third,) = done(register_addresses, replace(given, line1="elsewhere"))
    rows = dict(sql.run("SELECT id, person_id FROM parties_address"))
    assert rows[first.id] == rows[again.id] == rows[third.id]
    assert len({rows[one.id] for one in (first, other, coded, unknown)}) == 4
    tables = ("parties_address", "parties_person")
    for table in tables:
        assert not sql.run(
            # Nothing that could stand in hexadecimal digits by chance.
            f"SELECT 1 FROM {table} AS t WHERE t::text ~* 'lovelace|james|@b.cd'"
        ), table
    assert queries.addresses([third.id, other.id])[third.id].line1 == "elsewhere"


def test_another_installation_can_t_open_the_vault(settings):
    a_company()
    (kept,) = done(register_addresses, RegisterAddress(COMPANY, "Ada"))
    settings.VAULT_KEY = "of another house"
    with pytest.raises(vault.WrongVaultKey, match="ENTREPOT_VAULT_KEY"):
        queries.address(kept.id)


def test_an_address_again_is_another_row_but_not_with_its_key():
    a_company()
    given = RegisterAddress(COMPANY, "Ada")
    done(register_addresses, given, given)
    assert sql.run("SELECT count(*) FROM parties_address") == [(2,)]
    answers_its_key(register_addresses, given, replace(given, name="Bob"), *TABLES)


def cases(offer: RegisterOffer) -> list[tuple[Any, Any, Any]]:
    """Each command with a request and another one."""
    return [
        (register_companies, HOUSE, replace(HOUSE, name="Other")),
        (register_customers, ADA, replace(ADA, tier="")),
        (register_suppliers, MILL, replace(MILL, lead_days=6)),
        (register_offers, offer, replace(offer, cost=Decimal(5))),
    ]


@pytest.mark.parametrize("case", range(4))
def test_registering_again_changes_nothing(offer, case):
    command, one, _ = cases(offer)[case]
    stands_when_repeated(command, [one], *TABLES)


@pytest.mark.parametrize("case", range(4))
def test_a_key_gets_its_answer_again(offer, case):
    command, one, other = cases(offer)[case]
    answers_its_key(command, one, other, *TABLES)


@pytest.mark.counts(
    "parties.keep_gift_messages",
    "parties.register_addresses",
    "parties.register_companies",
    "parties.register_customers",
    "parties.register_offers",
    "parties.register_suppliers",
)
def test_statements_do_not_grow_with_the_batch(statements, offer):
    def batches(make: Any) -> list[list[Any]]:
        return [[make(f"{n}-{i}") for i in range(n)] for n in SIZES]

    numbers = iter(range(2, 2000))
    companies = batches(lambda code: replace(HOUSE, id=next(numbers), code=code))
    assert counts(statements, register_companies, companies) == [4, 4, 4]
    assert counts(statements, register_customers, batches(lambda code: replace(ADA, code=code))) == [3, 3, 3]
    assert counts(statements, register_suppliers, batches(lambda code: replace(MILL, code=code))) == [4, 4, 4]
    assert counts(statements, register_addresses, batches(lambda code: RegisterAddress(COMPANY, code))) == [
        3,
        3,
        3,
    ]
    said = batches(lambda _: KeepGiftMessage(COMPANY, uuid7(), "Happy birthday"))
    assert counts(statements, keep_gift_messages, said) == [1, 1, 1]
    skus = [
        [sku.id for sku in done(register_skus, *batch)]
        for batch in batches(lambda code: RegisterSku(COMPANY, code, code))
    ]
    offers = [[replace(offer, sku=sku) for sku in batch] for batch in skus]
    assert counts(statements, register_offers, offers) == [4, 4, 4]
