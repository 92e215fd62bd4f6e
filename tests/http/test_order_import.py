"""Orders from a file, by the page and by the API's trial."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from entrepot.channels import queries as channels
from entrepot.channels import tasks
from entrepot.channels.commands import import_files, read_files
from entrepot.channels.commands.save_mapping import SaveMapping, save_mapping
from entrepot.kernel import worker
from entrepot.orders import queries as orders
from entrepot.web.views import order_import
from tests.rules.test_spreadsheet import book_of, saved
from tests.shop import COMPANY, the_system

FILE = b"Order,SKU,Qty,Price\nF-1,NOTE-A5,2,9.95\nF-2,NOTE-A5,no,9.95\n"


def send(client, do: str, **facts):
    file = SimpleUploadedFile("orders.csv", FILE)
    return client.post(reverse("orders-import"), {"channel": "web", "file": file, "do": do, **facts})


def test_a_file_is_tried_mended_and_placed(shop, console):
    client = console("service")
    assert client.get(reverse("orders-import")).status_code == 200

    tried = send(client, "try").content.decode()
    assert "1 order would be placed" in tried
    assert "a whole number" in tried
    assert not orders.orders_page(COMPANY, text="F-1")

    errors = send(client, "errors")
    assert errors["Content-Type"].startswith("text/csv")
    assert b"3,Qty,F-2" in errors.content

    assert "1 order was placed" in send(client, "place").content.decode()
    assert len(orders.orders_page(COMPANY, text="F-1")) == 1


def test_what_of_a_workbook_is_not_read_is_told(shop, console):
    columns = {"order": "Order", "sku": "SKU", "quantity": "Qty", "unit_price": "Price", "customer": "Debtor"}
    save_mapping(
        the_system(datetime.now(UTC)), requests=[SaveMapping(COMPANY, "web", tuple(columns.items()))]
    )
    rows = [("Order", "SKU", "Qty", "Price"), ("F-1", "NOTE-A5", 2, 9.95)]
    file = SimpleUploadedFile("orders.xlsx", saved(book_of(March=rows, April=rows)))
    answer = console("service").post(
        reverse("orders-import"), {"channel": "web", "file": file, "do": "place"}
    )
    page = " ".join(answer.content.decode().split())
    assert "Read is the sheet March alone. Rows of the others are not: April." in page
    assert "its field stays empty: Customer (Debtor)." in page
    assert channels.mapping(company=COMPANY, channel="web").columns == columns


def test_a_sheet_is_chosen_tried_and_remembered_when_orders_are_placed(shop, console):
    march = [("Order", "SKU", "Qty", "Price"), ("F-1", "NOTE-A5", 2, 9.95)]
    april = [("Bestellung", "Ware", "Menge", "Preis"), ("F-2", "NOTE-A5", 1, 9.95)]
    book, client = saved(book_of(March=march, April=april)), console("service")

    def sent(do: str, **said: str) -> str:
        file = SimpleUploadedFile("orders.xlsx", book)
        form = {"channel": "web", "file": file, "do": do, **said}
        return " ".join(client.post(reverse("orders-import"), form).content.decode().split())

    columns = {"order": "Order", "sku": "SKU", "quantity": "Qty", "unit_price": "Price"}
    of_march = {"mapped": "orders.xlsx", "mapped_for": "web", "sheet_read": ""} | {
        f"column-{k}": v for k, v in columns.items()
    }
    assert '<option value="April">April</option>' in sent("try")
    page = sent("try", **of_march, sheet="April")
    assert "Read is the sheet April alone" in page and '<option value="April" selected>' in page
    assert '<input type="hidden" name="sheet_read" value="April">' in page
    assert '<option value="Bestellung" selected>' in page, (
        "columns are those of the sheet, not of the one before"
    )

    of_april = {"column-order": "Bestellung", "column-sku": "Ware", "column-quantity": "Menge"}
    of_april |= {
        "column-unit_price": "Preis",
        "mapped": "orders.xlsx",
        "mapped_for": "web",
        "sheet": "April",
        "sheet_read": "April",
    }
    assert "1 order would be placed" in sent("try", **of_april)
    assert channels.mapping(company=COMPANY, channel="web").sheet == ""
    assert "1 order was placed" in sent("place", **of_april)
    assert len(orders.orders_page(COMPANY, text="F-2")) == 1
    assert channels.mapping(company=COMPANY, channel="web").sheet == "April"
    assert "Read is the sheet April alone" in sent("try")
    assert "sheet: expected one of March, April, found June." in sent("try", **of_april | {"sheet": "June"})
    assert "Read is the sheet March alone" in sent("try", **of_april | {"sheet": ""})


def test_a_remembered_sheet_that_a_file_lacks_stays_remembered_until_another_is_chosen(shop, console):
    march = [("Order", "SKU", "Qty", "Price"), ("F-1", "NOTE-A5", 2, 9.95)]
    columns = {"order": "Order", "sku": "SKU", "quantity": "Qty", "unit_price": "Price"}
    remembered = SaveMapping(COMPANY, "web", tuple(columns.items()), sheet="June")
    save_mapping(the_system(datetime.now(UTC)), requests=[remembered])
    book, client = saved(book_of(March=march, April=march)), console("service")

    def placed(sheet: str) -> str:
        file = SimpleUploadedFile("orders.xlsx", book)
        form = {"channel": "web", "file": file, "do": "place", "mapped": "orders.xlsx", "mapped_for": "web"}
        form |= {f"column-{name}": column for name, column in columns.items()}
        client.post(reverse("orders-import"), form | {"sheet": sheet, "sheet_read": sheet})
        return channels.mapping(company=COMPANY, channel="web").sheet

    file = SimpleUploadedFile("orders.xlsx", book)
    page = client.post(
        reverse("orders-import"), {"channel": "web", "file": file, "do": "try"}
    ).content.decode()
    assert '<option value="*" selected>' in page
    assert '<input type="hidden" name="sheet_read" value="*">' in page
    assert placed("*") == "June"
    assert placed("") == ""


@pytest.mark.parametrize("other", [{"sheet": "April"}, {"mapped": "march.xlsx"}, {"mapped_for": "store"}])
@pytest.mark.parametrize("do", ["place", "errors"])
def test_orders_are_not_placed_of_what_was_not_tried(shop, console, other, do):
    rows = [("Order", "SKU", "Qty", "Price"), ("F-1", "NOTE-A5", 2, 9.95)]
    file = SimpleUploadedFile("orders.xlsx", saved(book_of(March=rows, April=rows)))
    form = {
        "channel": "web",
        "file": file,
        "do": do,
        "mapped": "orders.xlsx",
        "mapped_for": "web",
        "sheet": "",
    }
    page = (
        console("service").post(reverse("orders-import"), form | {"sheet_read": ""} | other).content.decode()
    )
    assert "nothing is placed yet" in page
    assert "1 order would be placed" in page
    assert not orders.orders_page(COMPANY, text="F-1")
    assert channels.mapping(company=COMPANY, channel="web").sheet == ""


def test_a_sheet_that_was_picked_for_one_channel_is_not_taken_for_another(shop, console):
    rows = [("Order", "SKU", "Qty", "Price"), ("F-1", "NOTE-A5", 2, 9.95)]
    file = SimpleUploadedFile("orders.xlsx", saved(book_of(March=rows, April=rows)))
    form = {"channel": "web", "file": file, "do": "try", "mapped": "orders.xlsx", "mapped_for": "store"}
    answer = console("service").post(
        reverse("orders-import"), form | {"sheet": "April", "sheet_read": "April"}
    )
    page = answer.content.decode()
    assert "Read is the sheet March alone" in page
    assert '<input type="hidden" name="mapped_for" value="web">' in page


def test_what_a_lead_chooses_is_remembered_too(shop, console):
    assert "1 order was placed" in send(console("lead"), "place").content.decode()
    assert channels.mapping(company=COMPANY, channel="web").columns["quantity"] == "Qty"


def test_who_may_not_place_may_not_import(shop, console):
    answer = send(console("auditor"), "place").content.decode()
    assert "may not do orders.place" in answer
    assert not orders.orders_page(COMPANY, text="F-1")


@pytest.fixture
def long(monkeypatch):
    """Files of two rows are left to the worker, order by order."""
    monkeypatch.setattr(order_import, "LONG_FROM", 2)
    monkeypatch.setattr(read_files, "BATCH", 1)


LONG = b"Order,SKU,Qty,Price\nF-1,NOTE-A5,2,9.95\nF-2,NOTE-A5,1,9.95\nF-3,NOTE-A5,no,9.95\n"


def asked(client, do: str) -> str:
    file = SimpleUploadedFile("orders.csv", LONG)
    answer = client.post(reverse("orders-import"), {"channel": "web", "file": file, "do": do})
    assert answer.status_code == 302
    return answer["Location"]


def work(rounds: int = 1) -> None:
    for _ in range(rounds):
        worker.serve_once({import_files.QUEUE: tasks.serve_files})


def test_a_long_file_is_left_to_the_worker_and_its_page_tells_how_far_it_is(shop, console, long):
    client = console("service")
    address = asked(client, "place")
    told = client.get(address).content.decode()
    assert "The file is being read" in told
    assert 'hx-trigger="every 2s"' in told
    work()
    told = client.get(address).content.decode()
    assert '<progress max="2" value="0"' in told
    assert 'hx-trigger="every 2s"' in told
    assert not orders.orders_page(COMPANY, text="F-1")

    work()
    assert '<progress max="2" value="1"' in client.get(address).content.decode()

    work()
    told = client.get(address).content.decode()
    assert "2 orders were placed" in told
    assert "a whole number" in told
    assert "<progress" not in told
    assert "hx-trigger" not in told.split('id="file-import"')[1].split(">")[0]
    assert len(orders.orders_page(COMPANY, text="F-2")) == 1
    errors = client.get(f"{address}?format=csv")
    assert errors["Content-Type"].startswith("text/csv")
    assert b"4,Qty,F-3" in errors.content
    assert address in client.get(reverse("orders-import")).content.decode()


def test_a_long_file_that_was_tried_can_be_placed_from_the_form_it_is_still_in(shop, console, long):
    client = console("service")
    file = SimpleUploadedFile("orders.csv", LONG)
    facts = {"channel": "web", "file": file, "do": "try"}
    part = client.post(reverse("orders-import"), facts, headers={"HX-Request": "true"}).content.decode()
    assert "The file is being read" in part
    assert "<html" not in part
    address = part.split('hx-get="')[1].split('"')[0]
    assert address.endswith("?in=form")

    work(3)

    told = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "2 orders would be placed" in told
    assert 'name="do" value="place"' in told
    assert 'name="do" value="place"' not in client.get(address.partition("?")[0]).content.decode()
    assert not orders.orders_page(COMPANY, text="F-1")


def test_the_rest_of_a_long_file_is_withdrawn_and_what_was_placed_is_told(shop, console, long):
    client = console("service")
    address = asked(client, "place")
    work(2)

    told = client.post(f"{address}withdraw/", follow=True).content.decode()

    assert "1 order was placed" in told
    assert "before 1 order of it was looked at" in told
    work(2)
    assert [len(orders.orders_page(COMPANY, text=one)) for one in ("F-1", "F-2")] == [1, 0]
    again = client.post(f"{address}withdraw/", follow=True).content.decode()
    assert "is withdrawn" in again


def test_a_long_file_is_no_way_round_what_somebody_may(shop, console, long):
    address = asked(console("service"), "place")
    auditor = console("auditor")

    assert "may not do orders.place" in send(auditor, "place").content.decode()
    assert "Withdraw the rest" not in auditor.get(address).content.decode()
    refused = auditor.post(f"{address}withdraw/", follow=True).content.decode()
    assert "may not do channels.withdraw_imports" in refused
    assert len(channels.file_imports(COMPANY)) == 1


def test_a_long_file_without_an_order_that_could_be_placed_tells_its_faults_when_it_is_read(
    shop, console, long
):
    client = console("service")
    file = SimpleUploadedFile("orders.csv", LONG.replace(b",2,", b",x,").replace(b",1,", b",x,"))
    facts = {"channel": "web", "file": file, "do": "try"}
    address = client.post(reverse("orders-import"), facts)["Location"]
    work()
    told = client.get(f"{address}?in=form").content.decode()
    assert "0 orders would be placed" in told
    assert "Which column holds what" in told
    assert client.get(f"{address}?format=csv").content.count(b"a whole number") == 3


def test_a_long_file_that_is_none_says_so_on_its_page(shop, console, long):
    client = console("service")
    file = SimpleUploadedFile("orders.xlsx", b"PK\x03\x04" + bytes(100))
    address = client.post(reverse("orders-import"), {"channel": "web", "file": file, "do": "try"})["Location"]
    work()
    told = client.get(address).content.decode()
    assert "expected a workbook (XLSX)" in told
    assert "unreadable" in client.get(reverse("orders-import")).content.decode()


def test_a_long_file_is_withdrawn_before_it_is_read(shop, console, long):
    client = console("service")
    address = asked(client, "place")
    told = client.post(f"{address}withdraw/", follow=True).content.decode()
    assert "withdrawn before it was read" in told
    work(2)
    assert not orders.orders_page(COMPANY, text="F-1")


def test_columns_chosen_for_a_long_file_are_kept_and_remembered_when_it_is_placed(shop, console, long):
    client = console("service")
    content = LONG.replace(b"Qty", b"Howmany")
    columns = {"order": "Order", "sku": "SKU", "quantity": "Howmany", "unit_price": "Price"}
    facts = {f"column-{name}": column for name, column in columns.items()}
    file = SimpleUploadedFile("orders.csv", content)
    sent = {
        "channel": "web",
        "file": file,
        "do": "place",
        "mapped": "orders.csv",
        "mapped_for": "web",
    } | facts
    address = client.post(reverse("orders-import"), sent)["Location"]
    work(3)
    assert "2 orders were placed" in client.get(address).content.decode()
    assert channels.mapping(company=COMPANY, channel="web").columns == columns


def _work() -> None:
    while worker.serve_once({import_files.QUEUE: tasks.serve_files}):
        pass


def test_a_program_tries_a_file_reads_its_errors_by_row_and_places_it(shop, program):
    api = program("service")
    sent = {"channel": "web", "name": "orders.csv", "content": b64encode(FILE).decode()}
    for no_base64 in ("Zq»)", "Zq", "%%%"):
        refused = api.post(
            "/api/v1/order-files", sent | {"content": no_base64}, again=no_base64.encode().hex()
        )
        assert refused.status_code == 422, refused.content
    asked = api.post("/api/v1/order-files", sent | {"dry_run": True}, again="f-1")
    assert asked.status_code == 200, asked.content
    which = asked.json()["file"]
    assert api.get(f"/api/v1/order-files/{which}").json()["state"] == asked.json()["state"]
    _work()
    told = api.get(f"/api/v1/order-files/{which}").json()
    assert (told["dry_run"], told["orders"], told["placed"], told["refused"]) == (True, 2, 1, "")
    assert [(one["row"], one["column"], one["found"], one["order"]) for one in told["errors"]] == [
        (3, "Qty", "no", "F-2")
    ]
    assert [(one["order"], one["total_minor"]) for one in told["results"]] == [("F-1", 19_90)]
    assert not orders.orders_page(COMPANY, text="F-1"), "nothing is written"

    placed = api.post("/api/v1/order-files", sent, again="f-2").json()["file"]
    _work()
    assert api.get(f"/api/v1/order-files/{placed}").json()["placed"] == 1
    assert len(orders.orders_page(COMPANY, text="F-1")) == 1
    assert api.post("/api/v1/order-files", sent, again="f-2").json()["file"] == placed, "once by its key"
    again = api.post("/api/v1/order-files", sent, again="f-3").json()["file"]
    _work()
    assert api.get(f"/api/v1/order-files/{again}").json()["duplicates"] == 1
    assert [one["id"] for one in api.get("/api/v1/order-files").json()][:2] == [again, placed]


def test_a_file_that_cannot_be_one_is_refused_to_a_program(shop, program):
    api = program("service")
    sent = {"channel": "web", "name": "orders.csv", "content": b64encode(FILE).decode()}
    assert api.post("/api/v1/order-files", sent | {"channel": "none"}, again="n-1").status_code == 404
    assert (
        api.post("/api/v1/order-files", sent | {"content": "!"}, again="n-2").json()["code"]
        == "kernel.invalid"
    )
    wrong = api.post("/api/v1/order-files", sent | {"columns": {"colour": "SKU"}}, again="n-3")
    assert wrong.json()["code"] == "kernel.invalid"
    assert api.get(f"/api/v1/order-files/{shop.one('ready')}").status_code == 404
    garbage = api.post("/api/v1/order-files", sent | {"content": b64encode(b"a\0b").decode()}, again="n-4")
    _work()
    told = api.get(f"/api/v1/order-files/{garbage.json()['file']}").json()
    assert told["refused"] and told["placed"] == 0
    assert program("auditor").post("/api/v1/order-files", sent, again="n-5").status_code == 403
