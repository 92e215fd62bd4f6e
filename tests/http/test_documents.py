"""EDI documents over the API and on the page."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from entrepot.channels import tasks
from entrepot.channels.x12.contract import CONTENT_MAX
from entrepot.kernel import sql, worker
from tests import x12
from tests.http.test_api import is_problem

pytestmark = pytest.mark.django_db


def test_a_document_is_answered_with_its_acknowledgement_or_with_where_it_is_wrong(program):
    api = program("engineer")
    text = x12.document(x12.notice("N1", x12.order("NONE", x12.item("A", 4))))
    taken = api.post("/api/v1/edi-documents", {"content": text}).json()
    assert (taken["refused"], taken["notices"][0]["number"]) == (1, "")
    assert "AK9*R*1*1*0~" in taken["acknowledgement"]
    cut = api.post("/api/v1/edi-documents", {"content": text[:-20]}, again="two")
    is_problem(cut, 422, "channels.x12_unreadable")


def bring(client, text: str):
    file = SimpleUploadedFile("notice.edi", text.encode())
    return client.post(reverse("edi-documents"), {"file": file}).content.decode()


def test_a_file_is_taken_in_and_what_was_refused_is_mended_at_the_desk(shop, console):
    client = console("engineer")
    assert "No document yet" in client.get(reverse("edi-documents")).content.decode()
    text = x12.document(x12.notice("N1", x12.order("NONE", x12.item("A", 4))))
    told = bring(client, text)
    assert "AK9*R*1*1*0~" in told
    assert "found NONE" in told
    assert "set aside" in told.lower()
    assert "It came before" in bring(client, text)

    ((message,),) = sql.run("SELECT id::text FROM kernel_inbox WHERE source = 'x12'")
    assert "BSN*00*N1" in client.get(reverse("message", args=["in", message])).content.decode()
    facts = {"side": "in", "message": message, "reason": "typo", "do": "replay"}
    client.post(reverse("messages-act"), facts | {"content": text.replace("NONE", "NOR")})
    worker.serve_once({"inbox.x12": tasks.serve_documents})
    assert "found NOR" in client.get(reverse("edi-documents")).content.decode()
    client.post(reverse("messages-act"), facts | {"do": "drop"})
    assert "was dropped here" in bring(client, text.replace("NONE", "NOR"))


def test_what_can_not_be_read_is_told_and_nothing_of_it_kept(shop, console):
    client = console("engineer")
    assert "Segment 1 (ISA)" in bring(client, "order,sku")
    assert "expected text, found NUL" in bring(client, "ISA" + chr(0))
    assert "at most 4 MB" in bring(client, "x" * (4 * CONTENT_MAX + 1))
    assert sql.run("SELECT count(*) FROM kernel_inbox WHERE source = 'x12'") == [(0,)]


def test_who_may_not_take_documents_is_told_so(shop, console):
    text = x12.document(x12.notice("N1", x12.order("NONE", x12.item("A", 4))))
    assert "may not do channels.take_documents" in bring(console("auditor"), text)
