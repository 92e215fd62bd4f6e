"""Invoices and credit notes: the page with its files, and the API."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from entrepot.kernel import ids
from entrepot.settlement import invoice_queries
from entrepot.shipping import queries as shipping
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.shop import COMPANY, NAMES

pytestmark = pytest.mark.django_db


def test_what_is_missing_is_written_and_each_is_a_paper_and_xml(shop, console):
    page = console("books")
    assert "have no document" in page.get("/books/invoices/").content.decode()

    assert "looked after" in said(page.post("/books/invoices/issue/"))[0]

    row = invoice_queries.documents(COMPANY)[0]
    shown = page.get("/books/invoices/?kind=invoice").content.decode()
    assert row.number in shown
    assert "have no document" not in shown
    pdf = page.get(f"/books/invoices/{row.id}/invoice.pdf")
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert page.get(f"/documents/{row.id}/").status_code == 200
    xml = page.get(f"/books/invoices/{row.id}/invoice.xml").content.decode()
    assert any(name in xml for name in NAMES)
    auditor = console("auditor").get(f"/books/invoices/{row.id}/invoice.xml").content.decode()
    assert not any(name in auditor for name in NAMES)
    assert page.get(f"/books/invoices/{ids.uuid7()}/invoice.pdf").status_code == 404


def test_programs_ask_for_documents(shop, program):
    api = program("books")
    shipment = shipping.shipments(COMPANY)[0]
    (number,) = api.post("/api/v1/invoices", {"source": str(shipment.id)}).json()["numbers"]
    (one,) = api.get("/api/v1/invoices?kind=invoice").json()["items"]
    assert (one["number"], one["source"]) == (number, str(shipment.id))
    told = api.get(f"/api/v1/invoices/{one['id']}/ubl").json()
    assert ET.fromstring(told["xml"].encode()).tag.endswith("}Invoice")
    none = api.post("/api/v1/invoices", {"source": str(ids.uuid7())}, again="2")
    assert is_problem(none, 404, "kernel.not_found")
