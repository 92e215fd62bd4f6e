"""Accounts of the chart are called in the language of the page, and files keep their names."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from entrepot.kernel import sql
from entrepot.web import words

PLAIN = re.compile(
    r"(?<!account: )\b(Bank charges|Inventory|Cost of goods sold|Contract liability|Carrier accrual)(?=<)"
)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "pgettext", lambda context, text: f"{context}: {text}")


def test_an_account_of_the_chart_is_translated_and_one_of_the_house_is_not(told: None) -> None:
    assert words.account("Inventory") == "account: Inventory"
    assert words.account("Petty cash of the shop") == "Petty cash of the shop"
    assert words.numbered_account("1200 Inventory") == "1200 account: Inventory"


def test_every_page_with_accounts_calls_them_so(told: None, shop, console) -> None:
    client = console("auditor")
    ((entry,),) = sql.run("SELECT entry_id FROM ledger_line WHERE account = 1200 LIMIT 1")
    pages = [
        reverse("books"), reverse("account", args=[1200]), reverse("entry", args=[entry]), reverse("clearing"),
        f"{reverse('clearing-lines')}?account=2100", reverse("closing"), reverse("closing-report"),
        f"{reverse('preview')}?event=stock.issue.sale",
    ]  # fmt: skip
    said = {}
    for address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        said[address] = answer.content.decode()
    assert {address for address, text in said.items() if PLAIN.search(text)} == set()
    assert {address for address, text in said.items() if "account: " not in text} == set()


def test_a_file_keeps_the_names_of_the_books(told: None, shop, console) -> None:
    answer = console("auditor").get(reverse("books"), {"format": "csv"})
    text = b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode()
    assert "Inventory" in text and "account: " not in text
