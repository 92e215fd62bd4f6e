"""A bill spread over receipt lines."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.purchasing import landing
from entrepot.purchasing.landing import Arrived

ONE = UUID(int=1)


def arrived(quantity: int = 1, value: int = 0, weight: int = 0, volume: int = 0, code: str = "A") -> Arrived:
    return Arrived(ONE, ONE, ONE, ONE, code, quantity, value, weight, volume)


def test_each_basis_has_its_weights() -> None:
    lines = [arrived(1, 100, 900, 10), arrived(3, 300, 100, 10)]

    assert {basis: landing.spread(100, basis, lines) for basis in landing.BASES} == {
        "value": [25, 75], "weight": [90, 10], "quantity": [25, 75], "volume": [50, 50],
    }  # fmt: skip


def test_a_sku_without_the_measure_is_named() -> None:
    answer = landing.spread(100, "weight", [arrived(weight=5), arrived(code="B-2")])

    assert isinstance(answer, Invalid)
    assert "B-2" in str(answer)


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**7), min_size=1, max_size=20))
def test_parts_make_up_the_bill_and_none_is_off_by_a_minor_unit(amount: int, values: list[int]) -> None:
    """Purchasing invariant_18."""
    parts = landing.spread(amount, "value", [arrived(value=value) for value in values])

    assert isinstance(parts, list)
    assert sum(parts) == amount
    total = sum(values)
    if total:
        assert all(
            abs(part * total - amount * value) < total for part, value in zip(parts, values, strict=True)
        )


@pytest.mark.parametrize(
    ("kind", "basis", "amount", "payee", "external"),
    [
        ("gift", "value", 1, "P", "1"), ("freight", "color", 1, "P", "1"), ("freight", "value", 0, "P", "1"),
        ("freight", "value", 1, " ", "1"), ("freight", "value", 1, "P", ""),
    ],
)  # fmt: skip
def test_what_is_no_bill(kind: str, basis: str, amount: int, payee: str, external: str) -> None:
    assert isinstance(landing.misfit(kind, basis, amount, payee, external), Invalid)
    assert landing.misfit("duty", "volume", -5, "P", "1") is None
