"""Notes and files of an order: on its page, and by a program."""

from __future__ import annotations

from base64 import b64encode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from entrepot.orders import note_queries
from tests.commands.test_orders_notes import PDF
from tests.http.test_api import is_problem
from tests.http.test_holds import said
from tests.rules.test_returns_photos import png

pytestmark = pytest.mark.django_db


def test_service_notes_corrects_and_withdraws_and_everybody_reads_it(shop, console):
    which = shop.one("ready")
    at, form = reverse("order", args=[which]), reverse("order-notes", args=[which])
    service = console("service")
    told = service.post(form, {"text": "Agreed: <b>five</b>\r\nper cent."})
    assert said(told)[-1:] == ["The note is kept with the order."]
    page = console("auditor").get(at).content.decode()
    assert "Agreed: &lt;b&gt;five&lt;/b&gt;<br>per cent." in page and "Write a note" not in page
    (one,) = note_queries.notes(which)
    change = reverse("order-notes-change", args=[which])
    told = service.post(change, {"note": one.id, "do": "correct", "text": "six", "reason": "misheard"})
    assert said(told)[-1:] == ["The note is corrected. What it said stays to be read."]
    (new,) = [each for each in note_queries.notes(which) if each.state == "standing"]
    assert said(service.post(change, {"note": new.id, "do": "withdraw", "reason": "her sister's"}))[-1:] == [
        "The note counts no more. It stays to be read."
    ]
    page = service.get(at).content.decode()
    assert "misheard" in page and "her sister&#x27;s" in page and "note corrected" in page.lower()
    assert service.post(change, {"reason": "x"}).status_code == 404


def test_a_note_that_is_refused_is_not_lost(shop, console):
    which = shop.one("ready")
    page = console("service").post(
        reverse("order-notes", args=[which]), {"text": "long " * 1_000}, follow=True
    ).content.decode()  # fmt: skip
    assert "long long" in page and note_queries.notes(which) == []
    nothing = console("service").post(reverse("order-notes", args=[which]), {}, follow=True).content.decode()
    assert "1 to 4,000 characters" in nothing or "1 to 4000 characters" in nothing


def test_of_a_form_whose_files_are_refused_no_note_is_kept_and_its_text_comes_back(shop, console):
    which, service = shop.one("ready"), console("service")
    form = reverse("order-notes", args=[which])
    script = SimpleUploadedFile("x.pdf", b"<script>alert(1)</script>", "application/pdf")
    page = service.post(
        form, {"text": "She agreed.", "files": [SimpleUploadedFile("a.pdf", PDF), script]}, follow=True
    )
    assert "She agreed.</textarea>" in page.content.decode() and note_queries.notes(which) == []
    sent = [SimpleUploadedFile(f"{n}.png", png(1, n)) for n in range(1, 14)]
    page = service.post(form, {"text": "She agreed.", "files": sent}, follow=True).content.decode()
    assert (
        "At most 12 files are taken at once, and 13 were chosen." in page and "She agreed.</textarea>" in page
    )
    assert (len(note_queries.files(which)), note_queries.notes(which)) == (1, [])
    assert said(service.post(form, {"text": "She agreed.", "files": SimpleUploadedFile("a.pdf", PDF)}))[-2:] == [
        "1 file is kept.", "The note is kept with the order.",
    ]  # fmt: skip
    assert len(note_queries.notes(which)) == 1


def test_a_correction_that_is_refused_is_not_lost(shop, console):
    which, service = shop.one("ready"), console("service")
    for text in ("five", "six"):
        service.post(reverse("order-notes", args=[which]), {"text": text})
    six, five = note_queries.notes(which)
    change = reverse("order-notes-change", args=[which])
    wrong = {"note": five.id, "do": "correct", "text": "long " * 1_000, "reason": "I misheard <her>"}
    page = service.post(change, wrong, follow=True).content.decode()
    assert 'value="I misheard &lt;her&gt;"' in page and page.count("long long") == 500
    assert f'<textarea id="text-{six.id}" name="text" rows="3" maxlength="4000">six</textarea>' in page
    assert page.count("I misheard") == 1


def test_files_are_kept_served_without_being_executed_and_withdrawn(shop, console):
    which, service = shop.one("ready"), console("service")
    form = reverse("order-notes", args=[which])
    sent = [SimpleUploadedFile("Ada's letter.pdf", PDF), SimpleUploadedFile("photo.html", png())]
    assert said(service.post(form, {"text": "both", "files": sent}))[-2:] == [
        "2 files are kept.", "The note is kept with the order.",
    ]  # fmt: skip
    picture, letter = note_queries.files(which)
    page = service.get(reverse("order", args=[which])).content.decode()
    assert "Ada&#x27;s letter.pdf" in page and "photo.html" in page
    for one, kind, shown in ((picture, "image/png", "inline"), (letter, "application/pdf", "attachment")):
        answer = console("auditor").get(reverse("order-file", args=[one.id]))
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == (kind, "nosniff")
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer["Content-Disposition"].startswith(shown)
    script = SimpleUploadedFile("x.pdf", b"<script>alert(1)</script>", "application/pdf")
    assert "a whole PDF" in service.post(form, {"files": script}, follow=True).content.decode()
    change = reverse("order-notes-change", args=[which])
    service.post(change, {"file": letter.id, "reason": "of another order"})
    assert "of another order" in service.get(reverse("order", args=[which])).content.decode()
    assert service.get(reverse("order-file", args=[which])).status_code == 404


def test_who_may_not_has_no_form_and_no_effect(shop, console):
    which, reader = shop.one("ready"), console("auditor")
    reader.post(reverse("order-notes", args=[which]), {"text": "x", "files": SimpleUploadedFile("x", PDF)})
    assert note_queries.notes(which) == [] == note_queries.files(which)


def test_a_program_writes_reads_corrects_and_keeps_files(shop, program):
    api, which = program("service"), str(shop.one("ready"))
    made = api.post("/api/v1/order-notes", {"order": which, "text": "by letter"}, again="n1")
    assert made.status_code == 201
    assert (
        api.post("/api/v1/order-notes", {"order": which, "text": "by letter"}, again="n1").json()
        == made.json()
    )
    note = made.json()["note"]
    body = {"note": note, "text": "by mail", "reason": "it was mail"}
    new = api.post("/api/v1/order-notes/correct", body, again="n2").json()["note"]
    assert is_problem(api.post("/api/v1/order-notes/correct", body, again="n3"), 409, "kernel.wrong_state")
    api.post("/api/v1/order-notes/withdraw", {"note": new, "reason": "no"}, again="n4")
    told = api.get(f"/api/v1/orders/{which}/notes").json()
    assert [(one["text"], one["state"]) for one in told["items"]] == [
        ("by mail", "withdrawn"), ("by letter", "corrected"),
    ]  # fmt: skip
    first = api.get(f"/api/v1/orders/{which}/notes?limit=1").json()
    assert first["next"] == new

    content = b64encode(PDF).decode()
    file = api.post(
        "/api/v1/order-attachments", {"order": which, "content": content, "name": "a.pdf"}, again="f1"
    )
    assert file.status_code == 201
    attachment = file.json()["attachment"]
    assert api.get(f"/api/v1/order-attachments/{attachment}/content").json() == {
        "type": "application/pdf", "content": content,
    }  # fmt: skip
    bad = api.post("/api/v1/order-attachments", {"order": which, "content": "AAAA"}, again="f2")
    assert is_problem(bad, 422, "kernel.invalid")
    api.post("/api/v1/order-attachments/withdraw", {"attachment": attachment, "reason": "no"}, again="f3")
    (one,) = api.get(f"/api/v1/orders/{which}/files").json()["items"]
    assert (one["name"], one["ended_because"], one["is_here"]) == ("a.pdf", "no", True)
