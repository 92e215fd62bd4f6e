"""The search in the head of every page: what it finds, for whom, and how."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entrepot.access import queries as access
from entrepot.insight import finding, pages
from entrepot.insight.finding import Found
from entrepot.kernel import sql
from entrepot.orders import queries as orders
from entrepot.parties import fingerprints
from entrepot.web.views.palette import fits
from entrepot.web.views.things import meant
from tests.shop import the_system


def rows(browser, text: str) -> list[dict[str, str]]:
    groups = browser.post("/find/", {"q": text}).json()["groups"]
    return [row for group in groups for row in group["rows"]]


def names(browser, text: str) -> list[str]:
    return [row["name"] for row in rows(browser, text)]


def test_documents_are_found_by_what_people_call_them(console, shop):
    browser = console("auditor")
    delivered = orders.order(shop.one("delivered"))
    shipment = pages.shipments(order=delivered.id)[0]
    sql.run(
        "UPDATE shipping_shipment SET tracking = 'TRK77' WHERE id = %(id)s RETURNING 1", {"id": shipment.id}
    )
    bin_code, kind = sql.run("SELECT code, kind FROM network_bin ORDER BY code LIMIT 1")[0]

    assert rows(browser, delivered.number.lower())[0]["url"] == f"/orders/{delivered.id}/"
    assert names(browser, delivered.external_id) == [delivered.number]
    assert len(names(browser, delivered.number[:-1])) > 1  # the beginning of a number
    assert names(browser, "TRK77") == [shipment.number]
    assert [row["url"] for row in rows(browser, "lamp-oak")] == [f"/stock/{shop.skus['LAMP-OAK']}/"]
    assert any(row["more"].endswith(kind) for row in rows(browser, bin_code.lower()))
    assert [(row["name"], row["kind"]) for row in rows(browser, "supervis")] == [("supervisor", "Person")]
    assert names(browser, "no such thing") == []
    assert names(browser, "100%") == []


def test_nodes_channels_key_figures_and_documents_of_the_books_are_found(console, shop):
    browser = console("auditor")
    ((code, name),) = sql.run("SELECT code, name FROM network_node ORDER BY code LIMIT 1")
    for text in (code.lower(), name[:4]):
        assert f"/floor/map/?node={code}" in [row["url"] for row in rows(browser, text)]
    ((channel,),) = sql.run("SELECT code FROM network_channel ORDER BY code LIMIT 1")
    assert (channel, "/stock/channels/") in [(row["name"], row["url"]) for row in rows(browser, channel)]
    (figure,) = rows(browser, "pick accur")
    assert (figure["kind"], figure["url"]) == ("Report", "/reports/pick-accuracy/")
    sql.run(
        "INSERT INTO stock_transfer (id, number, company_id, from_node_id, to_node_id, state, shipped_by, shipped_at,"
        " expected_at) SELECT %(id)s, 'TR-7', 1, id, %(id)s, 'in_transit', 'x', now(), now() FROM network_node LIMIT 1"
        " RETURNING 1", {"id": UUID(int=7)},
    )  # fmt: skip
    assert [(row["name"], row["more"]) for row in rows(browser, "tr-7")] == [("TR-7", "in transit")]
    sql.run("DELETE FROM stock_transfer WHERE number = 'TR-7' RETURNING 1")


def test_of_people_only_as_many_are_read_as_are_shown(shop):
    names_ = [one.name for one in access.beginning("S", 2)]
    assert names_ == ["service", "supervisor"][: len(names_)] and names_
    assert access.beginning("%", 6) == [] and len(access.beginning("", 2)) == 2


def test_goods_are_found_by_their_lot_and_serial_number(console, shop):
    key = "(SELECT id FROM stock_bucket WHERE sku_id = %(sku)s ORDER BY id LIMIT 1)"
    sku = {"sku": shop.skus["LAMP-OAK"]}
    sql.run(f"UPDATE stock_bucket SET lot = 'L77', serial = 'SN-9' WHERE id = {key} RETURNING 1", sku)
    for text in ("L77", "SN-9"):
        (row,) = rows(console("auditor"), text)
        assert (row["name"], row["url"]) == ("LAMP-OAK", f"/stock/{shop.skus['LAMP-OAK']}/")
        assert row["more"].startswith(f"{text} · ")
        assert finding.find(company=2, text=text) == []
    assert names(console("auditor"), "L7") == []


def test_a_pallet_of_returns_is_found_until_it_is_opened(console, shop):
    row = {"id": UUID(int=5), "at": shop.now}
    sql.run(
        "INSERT INTO returns_pallet (id, company_id, node_id, bin_id, number, carrier, state, announced, due_at,"
        " received_by, received_at)"
        " VALUES (%(id)s, 1, %(id)s, %(id)s, 'P-77', 'dhl', 'open', 3, %(at)s, 'x', %(at)s) RETURNING 1", row,
    )  # fmt: skip
    (found,) = rows(console("inspector"), "P-77")
    assert (found["kind"], found["url"]) == ("Pallet", f"/returns/pallets/{row['id']}/")
    sql.run(
        "UPDATE returns_pallet SET state = 'done', counted_at = %(at)s, counted_by = 'x' WHERE id = %(id)s"
        " RETURNING 1", row,
    )  # fmt: skip
    assert rows(console("inspector"), "P-77") == []


def test_a_mail_address_finds_its_orders_for_those_who_see_buyers(console, shop):
    one = orders.order(shop.one("ready"))
    sql.run(
        "UPDATE parties_address SET mailbox = %(print)s WHERE id = %(address)s RETURNING 1",
        {"address": one.address_id, "print": fingerprints.of_email("ada@example.com")},
    )
    assert names(console("service"), "Ada+shop@Example.com") == [one.number]
    assert names(console("auditor"), "ada@example.com") == []
    # In an address it would stand in logs of proxies and the browser's history: there nobody is found by it.
    service = console("service")
    assert service.post("/search/", {"q": "ada@example.com"}).url == f"/orders/{one.id}/"
    assert "Nothing is called that" in service.get("/search/?q=ada@example.com").content.decode()
    assert service.get("/find/?q=ada@example.com").json()["groups"] == []


def test_a_telephone_and_a_name_find_their_orders_until_the_person_is_erased(console, shop):
    from entrepot.parties import queries as parties
    from entrepot.parties.commands.erase import ErasePeople, erase

    one = orders.order(shop.one("ready"))
    (told,) = parties.addresses([one.address_id]).values()
    first, last = told.name.split()

    def called(text: str) -> set[UUID]:
        return {found.id for found in finding.find(company=1, text=text, limit=99, sees_buyers=True)}

    sql.run(
        "UPDATE parties_address SET phone = %(print)s WHERE id = %(address)s RETURNING 1",
        {"address": one.address_id, "print": fingerprints.of_phone("+44 (0)113 496 0123")},
    )
    service = console("service")
    for text in ("0113 496 0123", "+441134960123", "00441134960123"):
        assert names(service, text) == [one.number], text
    for text in (told.name, f"{last.upper()}, {first}"):
        assert names(service, text), text
        assert one.id in called(text), text
    assert names(service, first) == [], "a part of a name finds nobody"
    for text in ("0113 496 0123", told.name):
        assert names(console("auditor"), text) == []
        assert service.get("/find/", {"q": text}).json()["groups"] == []

    ((person,),) = sql.run("SELECT person_id FROM parties_address WHERE id = %(id)s", {"id": one.address_id})
    erase(the_system(shop.now), requests=[ErasePeople((person,))])
    assert names(service, "0113 496 0123") == []
    assert one.id not in called(told.name)


def test_what_another_company_has_is_not_found(shop):
    one = orders.order(shop.one("delivered"))
    numbers = [
        one.number, one.external_id, pages.shipments(order=one.id)[0].number,
        pages.fulfillments(order=one.id)[0].number, pages.packages(order=one.id)[0].number, "LAMP-OAK",
    ]  # fmt: skip
    for text in numbers:
        assert finding.find(company=1, text=text), text
        assert finding.find(company=2, text=text) == [], text


def test_pages_and_actions_are_those_that_the_reader_may_use(console, shop):
    assert names(console("lead"), "enter an ord") == ["Enter an order"]
    assert names(console("auditor"), "enter an ord") == []
    assert names(console("books"), "mon clo")[0] == "Close a month"
    assert rows(console("lead"), "replen")[0] == {
        "name": "Replenishment", "kind": "Floor", "more": "", "url": "/floor/replenishment/",
    }  # fmt: skip
    assert "Propose a wave" in names(console("supervisor"), "")
    assert "Propose a wave" not in names(console("inspector"), "")


def test_it_takes_few_statements_and_each_part_an_index(console, shop):
    browser = console("lead")
    with CaptureQueriesContext(connection) as few:
        browser.get("/find/", {"q": "SO"})
    assert len(few) <= 8

    params = {
        "company": 1, "text": "X-1", "upper": "X-1", "begins": "X-1%", "upper_begins": "X-1%", "part": "%X-1%",
        "mailbox": "m", "phone": "p", "called": "n", "limit": 6, "prefix": True, "plate": "X-1",
    }  # fmt: skip
    sql.run("SELECT set_config('enable_seqscan', 'off', true)")
    plan = "\n".join(line for (line,) in sql.run("EXPLAIN " + finding._FIND, params))
    scanned = {
        line.split("Seq Scan on ")[1].split()[0] for line in plan.splitlines() if "Seq Scan on " in line
    }
    assert scanned <= {"network_channel", "network_node"}, plan


def a_found(name: str, which: int) -> Found:
    return Found("order", UUID(int=which), name, "")


@pytest.mark.parametrize(
    ("names", "text", "is_meant"),
    [
        (["SO-1"], "so", True),
        (["SO-1", "SO-10", "SO-11"], "so-1", True),
        (["SO-1", "RET-5"], "SO-1", False),  # its return is as likely
        (["SO-10", "SO-11"], "SO-1", False),
        ([], "SO-1", False),
    ],
)
def test_a_search_goes_straight_to_the_one_thing_that_can_be_meant(names, text, is_meant):
    found = [a_found(name, i) for i, name in enumerate(names)]
    assert meant(found, text) == (found[0] if is_meant else None)


def test_each_word_begins_one_of_the_title():
    assert fits("Close a month Do", ["mon", "clo"])
    assert not fits("Close a month Do", ["onth"])
    assert fits("Anything", [])
