"""What another company has is not there: not at an address, not for a form, not for a program."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.urls import URLPattern, reverse

from entrepot.insight import owners
from entrepot.kernel import ids, sql
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.web.api import house
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
    return "/" + str(pattern.pattern).replace("<uuid:which>", str(which)).replace("<str:kind>", "pdf")


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


KINDS = {
    "orders": "orders_order", "returns": "returns_return", "shipments": "shipping_shipment", "work": "work_item",
    "drop-ships": "purchasing_dropship", "invoices": "settlement_document", "counts": "warehouse_counttask",
    "purchase-orders": "purchasing_order",
    "fulfillments": "warehouse_fulfillment", "waves": "warehouse_wave", "pick-lists": "warehouse_picklist",
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
        start, rest = path.split("{")
        table = KINDS[start.split("/")[2]]
        url = f"/api{start}{kinds.get(table, two.one('ready'))}{rest.split('}')[1]}"
        answers = [ask.get(url + query).status_code for query in ("?company=other", "", "?company=hearth")]
        assert answers[:2] == [404, 422], (url, answers)
        if table in kinds and "labels" not in path:
            assert answers[2] == 200, url
