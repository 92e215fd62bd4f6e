"""Which conditions a list of orders is narrowed by."""

from __future__ import annotations

from entrepot.insight.order_filters import Asked, where


def test_a_total_of_nothing_is_asked_for_and_what_is_empty_is_not():
    assert where(Asked()) == ""
    assert where(Asked(currency="EUR", total_to_minor=0)).endswith(
        "o.total_minor <= %(total_to_minor)s::bigint"
    )
    assert "total_from_minor" in where(Asked(total_from_minor=0))
    assert where(Asked(late=False, nodes=(), sku="")) == ""
