"""What another company has is not there: not at an address, not for a form, not for a program."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.urls import URLPattern, reverse
from django.utils import timezone

from entrepot.insight import owners
from entrepot.kernel import ids, sql
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.web.api import house
from entrepot.web.api.schemas import Out, Strict
from entrepot.web.urls import urlpatterns
from tests.shop import COMPANY, the_system

OTHER = COMPANY + 1


@pytest.fixture
def two(shop):
    register_companies(
        the_system(shop.now), requests=[RegisterCompany(OTHER, "other", "Other Ltd", "EUR", "DE")]
    )
    return shop


@pytest.fixture
def abroad(two, console):
    """Somebody who may everything, and has chosen the other company."""
    browser = console("root")
    browser.post(reverse("company"), {"company": OTHER})
    return browser


def by_id() -> list[URLPattern]:
    """Pages and forms that an id is part of the address of."""
    return [one for one in urlpatterns if isinstance(one, URLPattern) and "<uuid:which>" in str(one.pattern)]


def address(pattern: URLPattern, which: UUID) -> str:
    said = {"<uuid:which>": str(which), "<str:kind>": "pdf", "<int:number>": "1"}
    found = str(pattern.pattern)
    for part, value in said.items():
        found = found.replace(part, value)
    return f"/{found}"


def documents() -> Iterator[tuple[str, UUID]]:
    """One of each kind that the shop has."""
    for table in owners.tables():
        for (found,) in sql.run(f"SELECT id FROM {table} ORDER BY id LIMIT 1"):
            yield table, found


def test_no_page_shows_and_no_form_changes_what_another_company_has(two, abroad):
    events = sql.run("SELECT count(*) FROM kernel_event")
    kinds = dict(documents())
    assert len(by_id()) > 35
    assert len(kinds) > 10
    answers = {}
    for pattern in by_id():
        url = address(pattern, two.one("shipped"))
        for method in (abroad.get, abroad.post):
            answers[method.__name__, url] = method(url).status_code
    for table, which in kinds.items():
        answers["get", table] = abroad.get(reverse("document", args=[which])).status_code
        said = {"order": [which], "action": "cancel"}
        answers["act", table] = abroad.post(reverse("orders-act"), said).status_code
    assert set(answers.values()) <= {404, 405}, {
        key: code for key, code in answers.items() if code not in (404, 405)
    }
    assert {key[1] for key, code in answers.items() if code == 404} == {key[1] for key in answers}
    assert sql.run("SELECT count(*) FROM kernel_event") == events


def test_an_entry_and_an_event_of_another_company_are_not_there(two, abroad, console):
    ((entry,),) = sql.run("SELECT entry_id FROM ledger_line ORDER BY id LIMIT 1")
    ((seq,),) = sql.run("SELECT seq FROM kernel_event WHERE company_id = 1 ORDER BY seq LIMIT 1")
    for url in (reverse("entry", args=[entry]), reverse("event", args=[seq])):
        assert (abroad.get(url).status_code, console("root").get(url).status_code) == (404, 200)


def test_what_is_ones_own_and_what_nobody_has_is_as_ever(two, console):
    root = console("root")
    assert root.get(reverse("order", args=[two.one("ready")])).status_code == 200
    assert root.get(reverse("order", args=[ids.uuid7()])).status_code == 404
    assert owners.others([two.one("ready"), ids.uuid7()], company=COMPANY) == set()
    assert owners.others([two.one("ready")], company=OTHER) == {two.one("ready")}
    assert owners.others([], company=OTHER) == set()


def test_a_row_that_a_form_names_with_its_number_is_its_companys_own(two, abroad):
    ((which,),) = sql.run("SELECT id FROM orders_order ORDER BY id LIMIT 1")
    for address in ("bank-decide", "carriers-decide", "supplier-invoices-decide"):
        assert abroad.post(reverse(address), {"row": f"{which}/1/5", "purpose": "other"}).status_code == 404


KINDS = {
    "orders": "orders_order", "drafts": "orders_draft", "returns": "returns_return", "work": "work_item",
    "shipments": "shipping_shipment", "disputes": "payments_dispute",
    "drop-ships": "purchasing_dropship", "invoices": "settlement_document", "counts": "warehouse_counttask",
    "adjustments": "stock_adjustment",
    "purchase-orders": "purchasing_order", "store-credits": "payments_credit", "landed-costs": "purchasing_landedcost",
    "fulfillments": "warehouse_fulfillment", "waves": "warehouse_wave",
    "transfers": "stock_transfer", "pick-lists": "warehouse_picklist", "webhooks": "channels_webhook",
    "audit": "returns_refund", "jobs": "kernel_job", "ship-notices": "purchasing_notice",
    "trials": "simulation_trial", "order-files": "channels_fileimport", "payouts": "settlement_payout",
    "order-attachments": "orders_attachment", "customers": "parties_customer", "files": "kernel_file", "advice":
    "insight_suggestion", "bank-lines": "settlement_bankstatement",
}  # fmt: skip


def test_no_program_reads_what_another_company_has(two, program):
    ask, kinds = program("root"), dict(documents())
    paths = [
        path
        for path, operations in house.api.get_openapi_schema(path_prefix="")["paths"].items()
        for one in operations.get("get", {}).get("parameters", ())
        if one["in"] == "path" and one["schema"].get("format") == "uuid"
    ]
    assert len(paths) >= 10
    for path in paths:
        start, rest = path.replace("{line}", "1").split("{")
        table = KINDS[start.split("/")[2]]
        url = f"/api{start}{kinds.get(table, two.one('ready'))}{rest.split('}')[1]}"
        answers = [ask.get(url + query).status_code for query in ("?company=other", "", "?company=hearth")]
        assert answers[:2] == [404, 422], (url, answers)
        if table in kinds and "labels" not in path:
            assert answers[2] == 200, url


ALSO = {
    "/api/v1/buyers/listed": {"email": "ada@example.com"},
    "/api/v1/purchase-orders/send": {"address": "orders@mugs.example"},
}
"""What has to be sent as well, where one of several fields is needed."""
CODED = "A code, or an id."
"""How the document tells of a field that may say an id as text."""


def example(schema: Any, named: dict[str, Any], which: UUID, coded: UUID | None = None) -> Any:
    """Something that fits a schema of the document, with an id wherever it may have one, and one where a code may be
    as well."""
    if "$ref" in schema:
        return example(named[schema["$ref"].split("/")[-1]], named, which, coded)
    if "anyOf" in schema:
        return example(max(schema["anyOf"], key=lambda one: has_id(one, named)), named, which, coded)
    if schema.get("description") == CODED:
        return str(coded or which)
    if schema.get("format") == "uuid":
        return str(which)
    if "enum" in schema or "const" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    if schema.get("type") == "array":
        items = schema.get("prefixItems") or [schema["items"]] * max(1, schema.get("minItems", 1))
        return [example(one, named, which, coded) for one in items]
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        wanted = [
            name for name, one in fields.items() if name in schema.get("required", ()) or has_id(one, named)
        ]
        return {name: example(fields[name], named, which, coded) for name in wanted}
    if schema.get("pattern") == "^[A-Z]{3}$":
        return "EUR"
    if schema.get("pattern", "").startswith("^whsec_"):
        return f"whsec_{'a' * 32}"
    if schema.get("pattern", "").startswith("^ek_"):
        return f"ek_{'a' * 12}_{'b' * 43}"
    texts = {"date-time": "2026-11-28T12:00:00Z", "date": "2026-11-28"}
    plain = {"integer": schema.get("minimum", 1), "number": 1, "boolean": True, "null": None}
    return plain.get(schema.get("type"), texts.get(schema.get("format"), "1"))


def has_id(schema: Any, named: dict[str, Any]) -> bool:
    if "$ref" in schema:
        return has_id(named[schema["$ref"].split("/")[-1]], named)
    inside = [
        *schema.get("anyOf", ()),
        *schema.get("properties", {}).values(),
        *schema.get("prefixItems", ()),
    ]
    return (
        schema.get("format") == "uuid"
        or schema.get("description") == CODED
        or any(has_id(one, named) for one in [*inside, *filter(None, [schema.get("items")])])
    )


def writes() -> Iterator[tuple[str, Any]]:
    """Addresses of everything that programs may change, with the schema of what is sent."""
    for path, operations in house.api.get_openapi_schema(path_prefix="")["paths"].items():
        for method, one in operations.items():
            if method != "get":
                assert any(told["name"] == "company" for told in one["parameters"]), path
                yield f"/api{path}", one["requestBody"]["content"]["application/json"]["schema"]


def test_no_program_changes_what_another_company_has_by_whatever_id_it_is_named(two, program):
    """Every operation of the API that takes an id, and every field of it that may be one."""
    ask, named = program("root"), house.api.get_openapi_schema(path_prefix="")["components"]["schemas"]
    events = sql.run("SELECT count(*) FROM kernel_event WHERE command <> 'access.issue_key'")
    by_field = [(url, schema) for url, schema in writes() if has_id(schema, named)]
    assert len(by_field) > 50
    unknown, ours = ids.uuid7(), two.one("shipped")
    for url, schema in by_field:
        one = example(schema, named, ours) | ALSO.get(url, {})
        told = ask.post(f"{url}?company=other", one, again=url)
        assert told.status_code == 404, (url, one, told.content)
        assert str(ours) in told.json()["detail"]
        assert ask.post(url, one, again=url).status_code == 422, "there are several companies"
        at = ask.post(f"{url}?company=other", example(schema, named, unknown), again=f"{url}-unknown")
        assert at.status_code != 404 or at.json()["code"] == told.json()["code"], (url, at.content)
    assert sql.run("SELECT count(*) FROM kernel_event WHERE command <> 'access.issue_key'") == events


def test_what_another_company_has_is_not_there_where_a_code_may_stand_either(two, program):
    ask, named = program("root"), house.api.get_openapi_schema(path_prefix="")["components"]["schemas"]
    unknown, ours = ids.uuid7(), UUID(str(sql.run("SELECT id FROM catalog_sku ORDER BY id LIMIT 1")[0][0]))
    seen = []
    for url, schema in writes():
        one = example(schema, named, unknown, ours)
        if str(ours) in str(one):
            seen.append(url)
            told = ask.post(f"{url}?company=other", one, again=url)
            assert told.status_code == 404, (url, one, told.content)
            assert str(ours) in told.json()["detail"]
    assert {"/api/v1/write-downs", "/api/v1/returns/departures"} <= set(seen)


def test_a_line_of_another_companys_return_is_not_there_for_a_program(two, program):
    """A line has no company of its own: it is looked for in the return that is named with it."""
    order = two.one("shipped")
    bought = sql.run(
        "SELECT id FROM orders_line WHERE order_id = %(order)s AND kind = 'goods' LIMIT 1", {"order": order}
    )
    item = Item(bought[0][0], 1, "changed_mind")
    (back,) = authorize(the_system(two.now), requests=[Authorize(order, (item,))])
    assert isinstance(back, Authorized), back
    (line,) = back.lines
    for which in (ids.uuid7(), back.return_id):
        one = {"return_id": str(which), "line": str(line), "reason": "defective"}
        told = program("root").post("/api/v1/returns/correct-reasons?company=other", one, again=str(which))
        assert told.status_code == 404, told.content
    assert sql.run("SELECT reason FROM returns_line WHERE id = %(id)s", {"id": line}) == [("changed_mind",)]


def test_a_key_that_looks_like_an_id_is_a_key(two, program):
    ask, held = program("root"), {"order": str(two.one("ready")), "type": "fraud review", "reason": "odd"}
    foreign = ask.post("/api/v1/holds?company=hearth", held, again=str(two.one("shipped")))
    assert foreign.status_code in (200, 201)


def test_a_program_changes_what_its_company_has(two, program):
    held = {"order": str(two.one("ready")), "type": "fraud review", "reason": "odd"}
    assert program("root").post("/api/v1/holds?company=hearth", held).status_code in (200, 201)


def test_a_holder_of_another_company_has_nothing(two, program):
    ask, url = program("root"), "/api/v1/reservations"
    until = (timezone.now() + timedelta(minutes=15)).isoformat()
    cart = {"channel": "web", "holder": "cart-7", "sku": "MUG-BLUE", "quantity": 2, "expires_at": until}
    assert ask.post(f"{url}?company=hearth", cart).status_code == 201
    more = {"holder": "cart-7", "expires_at": until}
    for path, body in (("renew", more), ("give-back", {"holder": "cart-7"})):
        answers = [
            ask.post(f"{url}/{path}?company={one}", body, again=f"{path}-{one}")
            for one in ("other", "hearth")
        ]
        assert [one.status_code for one in answers] == [404, 200]


def test_each_thing_of_the_api_has_a_name_of_its_own():
    """Ninja writes one schema for each name: of two of one name, one would be told wrongly."""
    seen: dict[str, type] = {}

    def look(schema: type) -> None:
        for one in schema.__subclasses__():
            assert seen.setdefault(one.__name__, one) is one, f"two schemas are called {one.__name__}"
            look(one)

    for base in (Strict, Out):
        look(base)
    assert len(seen) > 100
