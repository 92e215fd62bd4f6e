"""entrepot.purchasing.approval"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.purchasing.approval import MOST_MINOR, Approval, misfit_raised, worth
from entrepot.purchasing.errors import NeedsApproval

LINES = st.lists(st.tuples(st.integers(1, 10_000), st.decimals(0, 10_000, places=3)), max_size=8)
WORTHS = st.none() | st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("limit", "of", "waits"),
    [
        (None, None, False), (None, 10**15, False), (100, 100, False), (100, 101, True), (100, None, True),
        (0, 0, False), (0, 1, True),
    ],
)  # fmt: skip
def test_what_is_beyond_the_limit_waits_and_what_nobody_can_compare(
    limit: int | None, of: int | None, waits: bool
) -> None:
    assert Approval(limit).waits(of) is waits


def test_without_a_limit_an_order_bears_the_most_there_can_be() -> None:
    assert (Approval().limit, Approval(7).limit) == (MOST_MINOR, 7)


@pytest.mark.parametrize("limit", [-1, MOST_MINOR])
def test_a_limit_is_an_amount(limit: int) -> None:
    with pytest.raises(ValueError, match="alone_up_to_minor"):
        Approval(limit)


def test_worth_is_in_the_companys_currency() -> None:
    lines = [(3, Decimal("2.005")), (1, Decimal("1.00"))]
    assert worth(lines, "GBP", "GBP", None) == 602 + 100
    assert worth(lines, "EUR", "GBP", Decimal("0.5")) == 351
    assert worth(lines, "EUR", "GBP", None) is None
    assert worth([(2_147_483_647, Decimal(10) ** 12)] * 9, "GBP", "GBP", None) == MOST_MINOR


@given(LINES, LINES)
def test_more_lines_are_never_worth_less(
    some: list[tuple[int, Decimal]], more: list[tuple[int, Decimal]]
) -> None:
    one, both = worth(some, "GBP", "GBP", None), worth(some + more, "GBP", "GBP", None)
    assert one is not None
    assert both is not None
    assert one <= both


@given(
    st.none() | st.integers(0, 10**6),
    st.decimals(0, 10**6, places=2),
    st.decimals(0, 10**6, places=2),
    WORTHS,
)
def test_a_change_never_takes_an_order_beyond_the_limit_and_what_it_was(
    limit: int | None, before: Decimal, after: Decimal, of: int | None
) -> None:
    policy = Approval(limit)
    refused = misfit_raised("PO-1", before, after, of, policy, "GBP")
    if refused is None:
        assert not policy.waits(of) or after <= before
    else:
        assert isinstance(refused, NeedsApproval)
        assert policy.waits(of) and after > before
