"""What a month earned, and what there was at its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrepot.settlement.closing import Checked, Held, Open, state, statements

TYPES = ("asset", "liability", "equity", "income", "expense")


def held(account: int, type: str, added: int, end: int) -> Held:  # noqa: A002  the noun
    debit, credit = (added, 0) if added > 0 else (0, -added)
    return Held(account, str(account), type, False, debit, credit, end)


def test_a_sale_of_the_month_and_one_before_stand_in_both_statements():
    told = statements([
        held(1000, "asset", 100, 150), held(2000, "liability", -30, -30), held(4000, "income", -100, -150),
        held(5000, "expense", 30, 30), held(3000, "equity", 0, 0),
    ])  # fmt: skip
    assert [(part.type, part.sum_minor) for part in told.earned] == [("income", 100), ("expense", 30)]
    assert (told.result_minor, told.result_so_far_minor) == (70, 120)
    assert (told.assets_minor, told.claims_minor) == (150, 150)
    assert [len(part.accounts) for part in told.stood] == [1, 1, 0], "what is at zero is left out"


@given(st.lists(st.tuples(st.sampled_from(TYPES), st.integers(-99, 99), st.integers(-99, 99)), max_size=12))
def test_both_sides_are_even_where_the_journal_is(rows: list[tuple[str, int, int]]):
    accounts = [held(n, *row) for n, row in enumerate(rows)]
    accounts.append(
        held(
            9999,
            "equity",
            -sum(one.balance_minor for one in accounts),
            -sum(one.end_minor for one in accounts),
        )
    )
    told = statements(accounts)
    assert told.assets_minor == told.claims_minor
    assert told.result_minor == sum(
        part.sum_minor * sign for part, sign in zip(told.earned, (1, -1), strict=True)
    )


def test_what_was_looked_at_passed_or_is_told_or_stands_in_the_way():
    told = [state(Checked(Open("refunds", count, 0, "", ""), refuses)) for count, refuses in (
        (0, True), (0, False), (2, False), (2, True)
    )]  # fmt: skip
    assert told == ["passed", "passed", "told", "in the way"]
