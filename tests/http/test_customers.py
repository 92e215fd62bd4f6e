"""Customers for programs: a tier is given, and orders are served by it."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.urls import reverse

from entrepot.insight import customers as insight
from entrepot.kernel import policies, sql
from entrepot.kernel import queries as kernel
from entrepot.orders import queries as orders
from entrepot.parties import queries as parties
from entrepot.returns import queries as returns
from entrepot.sourcing import naming
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.rules import Profile
from tests.commands.test_settlement_privacy import everywhere
from tests.http.test_api import an_order, is_problem
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db

CUSTOMERS = "/api/v1/customers"


def test_a_tier_is_given_told_and_served_by(shop, program):
    service = program("service")
    saved = service.post(CUSTOMERS, {"code": "C-GOLD", "tier": "gold", "substitutes": "refused"}, again="1")
    assert saved.status_code == 200, saved.content
    assert service.post(CUSTOMERS, {"code": "C-GOLD", "tier": "gold", "substitutes": "refused"}, again="1"
                        ).json() == saved.json()  # fmt: skip
    (row,) = service.get(f"{CUSTOMERS}?tier=gold").json()["items"]
    assert (row["id"], row["code"], row["substitutes"]) == (saved.json()["id"], "C-GOLD", "refused")

    steer = policies.SetPolicy(COMPANY, "sourcing.profile", Profile(tier_priority={"gold": 10}), shop.now)
    policies.set_policy(the_system(shop.now), requests=[steer])
    placed = program("lead").post("/api/v1/orders", an_order("GOLD-1", customer="C-GOLD"), again="2").json()
    (again,) = service.get(f"{CUSTOMERS}?code=C-GOLD").json()["items"]
    assert again["tier"] == "gold", "an order leaves it as it is"
    allocate(the_system(shop.now), requests=[AllocateOrder(UUID(placed["order"]))])
    (decided, *_) = service.get(f"/api/v1/orders/{placed['order']}/sourcing").json()
    assert decided["priority"] >= 10
    assert decided["priority_terms"] == {"own": decided["priority"] - 10, "tier": 10}

    changed = service.post(
        CUSTOMERS, [{"code": "C-GOLD", "substitutes": ""}, {"code": "C-NEW", "tier": "silver"}], again="3"
    ).json()
    assert changed[0] == {"id": row["id"], "code": "C-GOLD"}
    (again,) = service.get(f"{CUSTOMERS}?tier=gold").json()["items"]
    assert (again["tier"], again["substitutes"]) == ("gold", ""), "what is not told stays"
    service.post(CUSTOMERS, {"code": "C-GOLD", "tier": ""}, again="4")
    assert service.get(f"{CUSTOMERS}?tier=gold").json() == {"items": [], "next": None}


def test_customer_service_sees_and_sets_a_tier_where_an_order_is_shown(shop, console):
    order = shop.one("ready")
    at, code = reverse("order", args=[order]), orders.order(order).customer
    steer = policies.SetPolicy(COMPANY, "sourcing.profile", Profile(tier_priority={"gold": 10}), shop.now)
    policies.set_policy(the_system(shop.now), requests=[steer])
    service = console("service")
    page = service.get(at).content.decode()
    assert f"Customer {code}" in page and '<option value="gold">' in page and "<dt>Tier</dt>" not in page

    done = service.post(f"{at}customer/", {"tier": "gold", "substitutes": "refused"}, follow=True)
    assert "The customer is kept so." in done.content.decode()
    row = parties.customer(company=COMPANY, code=code)
    assert (row.tier, row.substitutes) == ("gold", "refused")
    (told,) = kernel.timeline(subjects=[row.id])
    assert (told.actor, told.payload["tier_before"], told.payload["tier"]) == ("service", "", "gold")
    auditor = console("auditor").get(at).content.decode()
    assert "<dt>Tier</dt><dd>gold</dd>" in auditor and "customer-tier" not in auditor

    wrong = service.post(f"{at}customer/", {"tier": "silver", "substitutes": "perhaps"}, follow=True)
    assert 'value="silver"' in wrong.content.decode(), "the form stays as it was filled in"
    assert service.post(f"{at}customer/", {"tier": ""}).status_code == 302
    assert parties.customer(company=COMPANY, code=code).substitutes == "refused"


def test_codes_stand_where_erasure_reaches_them_and_nowhere_else(shop, program):
    service = program("service")
    told = {"code": "ada-q-77", "tier": "gold"}
    first = service.post(CUSTOMERS, told, again="1", Prefer="respond-async")
    assert first.status_code == 200, "a job would keep what it is asked"
    assert service.post(CUSTOMERS, told, again="1").json() == first.json()
    assert everywhere("ada-q-77") == {"parties_customer": ["ada-q-77"]}


def test_pages_follow_each_other(shop, program):
    service = program("service")
    service.post(CUSTOMERS, [{"code": f"C-{i}", "tier": "many"} for i in range(5)], again="1")
    seen, after = [], ""
    while after is not None:
        page = service.get(f"{CUSTOMERS}?tier=many&limit=2{after and '&after=' + after}").json()
        seen += [one["code"] for one in page["items"]]
        after = page["next"]
    assert sorted(seen) == [f"C-{i}" for i in range(5)]


def test_what_does_not_fit_is_refused_and_so_is_who_may_not(shop, program):
    service = program("service")
    assert service.post(CUSTOMERS, {"code": "", "tier": "gold"}, again="1").status_code == 422
    assert service.post(CUSTOMERS, {"code": "C", "substitutes": "perhaps"}, again="2").status_code == 422
    refused = program("auditor").post(CUSTOMERS, {"code": "C"}, again="3")
    assert is_problem(refused, 403, "kernel.not_permitted")


def test_a_tier_and_a_category_are_found_by_an_index(shop) -> None:
    sql.run("SELECT set_config('enable_seqscan', 'off', true)")
    asked = {"company": COMPANY, "code": None, "tier": "gold", "after": None, "limit": 100}
    rows = plan_of(parties._CUSTOMER_ROWS, asked)
    names = plan_of(
        naming._KNOWN, {"company": COMPANY, "goods": ["cups"], "tier": ["gold"], "supplier": ["ACME"]}
    )
    assert "Index Cond: ((company_id = '1'::smallint) AND (tier = 'gold'::text))" in rows
    assert "parties_customer_by_tier" in names
    assert "catalog_sku_by_category" in names


def plan_of(statement: str, params: dict[str, object]) -> str:
    return "\n".join(line for (line,) in sql.run(f"EXPLAIN {statement}", params))


def the_customer(order: UUID) -> tuple[UUID, str]:
    return sql.run(
        "SELECT k.id, k.code FROM orders_order AS o JOIN parties_customer AS k ON k.id = o.customer_id"
        " WHERE o.id = %(id)s",
        {"id": order},
    )[0]


def test_a_customer_has_a_page_with_what_they_ordered_and_who_sees_buyers_sees_where_it_goes(shop, console):
    order = shop.one("shipped")
    which, code = the_customer(order)
    at = reverse("customer", args=[which])
    service = console("service")
    assert f'href="{at}"' in service.get(reverse("order", args=[order])).content.decode()
    found = service.get(reverse("search"), {"q": code}).content.decode()
    assert str(which) in found
    page = service.get(at).content.decode()
    ((number, placed, total, currency, street),) = sql.run(
        "SELECT number, placed_at, total_minor, currency, address_id FROM orders_order WHERE id = %(id)s",
        {"id": order},
    )
    assert number in page and str(placed.year) in page
    line1 = parties.address(street).line1
    assert line1 in page
    other = console("inspector").get(at).content.decode()
    assert line1 not in other and "kept from your roles" in other and 'name="tier"' not in other
    (year,) = [
        one for one in insight.years(COMPANY, which) if (one.year, one.currency) == (placed.year, currency)
    ]
    assert year.total_minor >= total and year.orders >= 1 and year.units_shipped > 0
    assert service.get(reverse("customer", args=[order])).status_code == 404


def test_what_came_back_and_what_is_open_of_a_customer_is_told(shop, console):
    order = shop.one("delivered")
    which, _ = the_customer(order)
    line = next(one for one in returns.returnable(order) if one.left)
    service = console("service")
    form = {f"units-{line.line}": "1", "reason": "changed_mind", "asked": "refund"}
    service.post(reverse("order-return", args=[order]), form)
    service.post(
        reverse("order-case", args=[order]), {"topic": "where is it", "reason": "She asks about it."}
    )
    ((number,),) = sql.run("SELECT number FROM returns_return WHERE order_id = %(id)s", {"id": order})
    page = service.get(reverse("customer", args=[which])).content.decode()
    assert number in page
    items = insight.open_work(COMPANY, which)
    assert items and all(str(one.id) in page for one in items)
    assert insight.open_work(COMPANY + 1, which) == insight.latest(COMPANY + 1, which) == []


def test_a_customer_is_served_otherwise_blocked_and_taken_back_on_their_page(shop, console):
    which, code = the_customer(shop.one("ready"))
    at, serve = reverse("customer", args=[which]), reverse("customer-serve", args=[which])
    console("service").post(serve, {"tier": "gold"})
    assert parties.customer(company=COMPANY, code=code).tier == "gold"
    lead = console("lead")
    lead.post(serve, {"side": "blocked", "reason": "chargebacks"})
    assert insight.known(COMPANY, which).listed == "blocked"
    assert "chargebacks" in lead.get(at).content.decode()
    console("service").post(serve, {"side": "unlist", "reason": "a friend"})
    assert insight.known(COMPANY, which).listed == "blocked", "customer service does not review fraud"
    lead.post(serve, {"side": "unlist", "reason": "her brother"})
    assert insight.known(COMPANY, which).listed == ""
    assert lead.post(serve, {"side": "unlist", "reason": "again"}).status_code == 404
    page = lead.post(serve, {"side": "perhaps", "reason": "chargebacks twice"}, follow=True).content.decode()
    assert 'value="chargebacks twice"' in page and insight.known(COMPANY, which).listed == ""


def test_the_address_of_an_order_is_shown_to_the_same_people_on_both_pages(shop, console):
    order = shop.one("shipped")
    which, _ = the_customer(order)
    hidden, told = "Name and street are kept from your roles.", {}
    for name in shop.people:
        pages = [
            console(name).get(reverse(*at)) for at in (("order", None, [order]), ("customer", None, [which]))
        ]
        if {page.status_code for page in pages} == {200}:
            seen = {hidden in page.content.decode() for page in pages}
            assert len(seen) == 1, name
            told[name] = not seen.pop()
    assert set(told.values()) == {True, False}, told
    assert told["books"] is False, (
        "who issues documents sees on an invoice whom it is for, and no street here"
    )


def test_a_program_reads_a_customer_whole(shop, program):
    order = shop.one("shipped")
    which, code = the_customer(order)
    told = program("service").get(f"{CUSTOMERS}/{which}").json()
    assert (told["code"], told["listed"]) == (code, "")
    assert str(order) in {one["id"] for one in told["orders"]}
    assert sum(one["orders"] for one in told["years"]) >= 1
    assert program("service").get(f"{CUSTOMERS}/{order}").status_code == 404
