"""EDI documents over the API."""

from __future__ import annotations

import pytest

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
