"""Orders from a file, by the page and by the API's trial."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from entrepot.orders import queries as orders
from tests.shop import COMPANY

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


def test_who_may_not_place_may_not_import(shop, console):
    answer = send(console("auditor"), "place").content.decode()
    assert "may not do orders.place" in answer
    assert not orders.orders_page(COMPANY, text="F-1")
