"""The field of a form that a refusal is about."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from entrepot.kernel.errors import Invalid, Refused
from entrepot.web.edge import _refused_field


@pytest.mark.parametrize(
    ("facts", "said", "field"),
    [
        ({"found": "us"}, "currency=us&rate=1.2", "currency"),
        ({"found": " us"}, "currency=US", ""),
        ({"text": "NOTHING"}, "node=n&text=NOTHING&units=", "text"),
        ({"found": "EUR"}, "from=EUR&to=EUR", ""),  # either
        ({"found": "X-1"}, "line=X-1&line=X-2", ""),  # a field for each row
        ({"found": 5, "limit": 7}, "units=5&days=7", ""),  # a number may stand anywhere
        ({"code": "12"}, "code=12&units=12", "code"),
        ({"order": "SO-1", "state": "open"}, "number=SO-1&status=open", ""),  # how the house stands
        ({"found": None}, "note=None", ""),
        ({"found": ""}, "note=", ""),
    ],
)
def test_is_the_only_one_that_says_what_was_found(facts, said, field):
    assert _refused_field(Refused(**facts), QueryDict(said)) == field


def test_is_the_one_that_the_refusal_names():
    refused = Invalid(field="amount_minor", expected="more than 0", found=0)
    assert _refused_field(refused, QueryDict("amount=0&note=x")) == "amount"
