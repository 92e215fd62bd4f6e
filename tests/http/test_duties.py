"""The matrix of duties as a page and a file."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


def test_pairs_are_told_by_role_and_person_and_before_a_role_is_given(shop, console):
    page = console("auditor")
    shown = page.get("/books/duties/").content.decode()
    assert "credit × approval" in shown
    assert "Superusers may everything" in shown
    assert (
        "would have both sides of"
        in page.get("/books/duties/?person=auditor&role=controller").content.decode()
    )
    assert "brings nothing together" in page.get("/books/duties/?person=auditor&role=picker").content.decode()
    assert page.get("/books/duties/?person=nobody%20known&role=x").status_code == 200
    rows = page.get("/books/duties/?format=csv").content.decode().splitlines()
    assert rows[0].startswith("pair,first,second,risk")
    assert any("books" in one for one in rows[1:])
