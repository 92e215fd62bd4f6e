"""A supplier's EDI document in a real browser: taken in, refused in part, mended and replayed from its page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from entrepot.channels import tasks
from entrepot.kernel import worker
from tests import x12
from tests.pages.test_console import enter, shop  # noqa: F401  a fixture


@pytest.mark.usefixtures("shop", "site")
def test_a_document_is_brought_in_mended_and_replayed(page: Page) -> None:
    text = x12.document(x12.notice("N1", x12.order("NONE", x12.item("A", 4))))
    enter(page, "engineer")
    page.goto("/integration/documents/")
    page.get_by_label("File").set_input_files(
        {"name": "notice.edi", "mimeType": "text/plain", "buffer": text.encode()}
    )
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("found NONE").first).to_be_visible()

    page.get_by_role("link", name="To the document").click()
    content = page.get_by_label("Content")
    expect(content).to_have_value(text)
    content.fill(text.replace("NONE", "NOR"))
    page.get_by_label("Why", exact=True).fill("a typo of theirs")
    page.get_by_role("button", name="Send on its way again").click()
    expect(page.get_by_text("1 message is on its way again.")).to_be_visible()
    worker.serve_once({"inbox.x12": tasks.serve_documents})
    page.goto("/integration/documents/")
    expect(page.get_by_text("found NOR").first).to_be_visible()
