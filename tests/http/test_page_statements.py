"""How many statements a page takes does not grow with what stands on it."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from docs import walk
from tests.shop import a_day, a_shop, everybody

pytestmark = pytest.mark.django_db


def taken(browser: Client, statements) -> dict[str, int]:
    """Statements by page, of those that show a list or a sum: their addresses name nothing."""
    counts = {}
    for name, arguments in walk.shown().items():
        if not arguments and not name.startswith("portal-"):
            with statements() as ran:
                assert browser.get(reverse(name)).status_code == 200, name
            counts[name] = len(ran)
    return counts


def test_a_page_takes_as_many_statements_for_many_rows_as_for_few(db, statements):
    browser = Client()
    shop, people = a_shop(), everybody()
    browser.force_login(people["root"])
    before = transaction.savepoint()
    a_day(shop, 1)
    browser.get(reverse("home"))  # finds out what only the first look does
    few = taken(browser, statements)
    transaction.savepoint_rollback(before)
    a_day(shop, 6)
    many = taken(browser, statements)
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}
    assert max(many.values()) <= 30
