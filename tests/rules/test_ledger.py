"""The moving average and the two sides of a posting."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.money import round_half_away
from entrepot.ledger import rules

ISSUES = st.lists(st.integers(1, 50), max_size=12)


@given(st.integers(0, 10**9), ISSUES, st.integers(0, 50))
def test_issues_and_what_is_left_make_up_the_value(value: int, issues: list[int], left: int) -> None:
    quantity = sum(issues) + left
    value = value if quantity else 0

    taken, quantity_after, value_after = rules.value_run(quantity, value, [(-units, 0) for units in issues])

    assert sum(taken) + value_after == value
    assert quantity_after == left
    assert all(one >= 0 for one in taken)
    assert value_after >= 0
    assert left or value_after == 0


@given(st.integers(0, 10**9), ISSUES, st.randoms())
def test_what_a_run_of_issues_takes_depends_only_on_its_sum(value: int, issues: list[int], random) -> None:
    quantity = sum(issues) + 7
    one = rules.value_run(quantity, value, [(-sum(issues), 0)] if issues else [])
    shuffled = random.sample(issues, len(issues))

    many = rules.value_run(quantity, value, [(-units, 0) for units in shuffled])

    assert sum(many[0]) == sum(one[0])
    assert many[1:] == one[1:]


@given(st.lists(st.tuples(st.integers(-20, 40).filter(bool), st.integers(0, 10**6)), max_size=30))
def test_value_is_never_negative_and_nothing_is_worth_nothing(moves: list[tuple[int, int]]) -> None:
    quantity, possible = 0, []
    for units, cost in moves:
        if quantity + units >= 0:
            quantity += units
            possible.append((units, cost if units > 0 else 0))

    values, quantity_after, value_after = rules.value_run(0, 0, possible)

    received = sum(cost for units, cost in possible if units > 0)
    issued = sum(value for (units, _), value in zip(possible, values, strict=True) if units < 0)
    assert (quantity_after, value_after) == (quantity, received - issued)
    assert value_after >= 0
    assert quantity or value_after == 0


def test_a_receipt_cuts_the_run() -> None:
    # 3 units worth 10: two leave for 3 and 4 (3⅓ each, by running sums); then 1 at 100 comes and the average is 51½.
    values, quantity, value = rules.value_run(3, 10, [(-1, 0), (-1, 0), (1, 100), (-1, 0)])

    assert values == [3, 4, 100, 52]
    assert (quantity, value) == (1, 51)


@given(st.sampled_from(rules.RULES), st.integers(-(10**9), 10**9))
def test_both_sides_of_a_posting_cancel_out_and_a_trade_kind_counts_once(
    rule: tuple[str, str, int, int], amount: int
) -> None:
    _, kind, debit, credit = rule

    lines = rules.two_lines(kind, debit, credit, amount)

    assert sum(line[2] for line in lines) == 0
    if kind.startswith(rules.TRADE_PREFIXES):
        assert [line[1] for line in lines].count(kind) == 1


def test_every_rule_posts_to_accounts_of_the_chart() -> None:
    codes = {code for code, *_ in rules.CHART}

    assert {debit for *_, debit, _ in rules.RULES} | {credit for *_, credit in rules.RULES} <= codes


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=6), st.integers(1, 500))
def test_functional_amounts_sum_to_zero_and_stay_within_the_rounding(
    amounts: list[int], percent: int
) -> None:
    amounts = [*amounts, -sum(amounts)]
    rounded = [round(amount * percent / 100) for amount in amounts]

    spread = rules.spread_functional(amounts, rounded)

    assert sum(spread) == 0
    assert sum(a != b for a, b in zip(spread, rounded, strict=True)) <= 1


@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=6), st.decimals("0.01", "100", places=4),
    st.decimals("0.01", "100", places=4),
)  # fmt: skip
def test_what_is_taken_back_at_the_rate_of_its_sale_balances(
    amounts: list[int], sold: Decimal, now: Decimal
) -> None:
    kinds, amounts = ["return.goods"] * len(amounts) + ["settlement"], [*amounts, -sum(amounts)]
    today = rules.spread_functional(amounts, [round_half_away(one * now) for one in amounts])

    worth, difference = rules.as_sold(kinds, amounts, today, sold)

    assert sum(worth) + difference == 0
    assert worth[-1] == today[-1], "what settles it is worth what it is today"
    if difference:
        assert worth[:-1] == [round_half_away(one * sold) for one in amounts[:-1]]


def test_an_entry_is_made_of_the_rules_alone() -> None:
    accounts = {(1, "sale", "sale.goods", ""): (2100, 4000), (1, "sale", "sale.tax", ""): (2100, 2200)}

    lines, missing = rules.lines_of(1, "sale", [("sale.goods", 100), ("sale.tax", 20)], accounts)

    assert missing is None
    assert lines == {(2100, "settlement"): 120, (4000, "sale.goods"): -100, (2200, "sale.tax"): -20}
    assert rules.lines_of(1, "sale", [("tip", 5)], accounts)[1] == "tip"


def test_example_22_of_ifrs_15_posts_what_it_says() -> None:
    """100 sold at 100 with a cost of 60, 97 expected to be kept: revenue 9,700, refund liability 300, cost 5,820, asset
    180."""
    accounts = {(1, event, kind, ""): (debit, credit) for event, kind, debit, credit in rules.RULES}
    sums: dict[int, int] = {}
    for event, amounts in (
        ("sale", [("sale.goods", 10_000)]),
        ("stock.issue.sale", [("cost", 6_000)]),
        ("return.expected", [("estimate.revenue", 300), ("estimate.cost", 180)]),
    ):
        for (account, _), amount in rules.lines_of(1, event, amounts, accounts)[0].items():
            sums[account] = sums.get(account, 0) + amount

    assert sums[4000] + sums[4110] == -9_700
    assert sums[2310] == -300
    assert sums[5000] + sums[5010] == 5_820
    assert sums[1220] == 180
    assert sum(sums.values()) == 0
