"""The pages that tell programmers of the API: whole, light, and without a script."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from entrepot.web.api.manual import type_of
from tests.http.test_permissions import operations

pytestmark = pytest.mark.django_db
LIGHT = 250_000


def test_every_operation_is_told_of_and_no_page_is_heavy() -> None:
    browser = Client()
    index = browser.get("/api/docs").content.decode()
    assert (
        re.findall(r"<script[^>]*>", index) == ['<script src="/static/web/theme.js">'] and len(index) < LIGHT
    )
    named = re.findall(r'href="\?operation=(\w+)"', index)
    assert len(named) == len(set(named)) == len(operations())
    for name in named:
        answer = browser.get("/api/docs", {"operation": name})
        assert answer.status_code == 200 and len(answer.content) < LIGHT, name
    assert browser.get("/api/docs", {"operation": "none"}).status_code == 404


def test_an_operation_is_told_with_all_that_it_takes_and_answers() -> None:
    page = Client().get("/api/docs", {"operation": "retry_payments"}).content.decode()
    assert "POST /api/v1/payments/retry" in page and "Idempotency-Key" in page
    for shape in ("PaymentAgainIn", "PaymentAgainOut", "JobNowOut"):
        assert f'<h2 id="{shape}">' in page
    assert '<h2 id="Problem">' not in page and "409" in page


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"$ref": "#/components/schemas/OrderOut"}, "OrderOut"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer, ≥ 1, ≤ 9"),
        ({"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]}, "string (uuid) or null"),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 3, "default": []},
            "list of (string), at most 3",
        ),
        ({"enum": ["a", "b"], "default": "a"}, "“a” | “b”, default a"),
        ({"const": "x"}, "“x”"),
        ({}, "anything"),
    ],
)
def test_a_type_is_said_in_words(schema: dict[str, object], says: str) -> None:
    assert type_of(schema) == says
