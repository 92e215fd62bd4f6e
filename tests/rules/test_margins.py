"""What profit is made of, what units are expected to lose, and what returns take of the margin."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from entrepot.insight import margins
from entrepot.insight.margins import Eroded, Profit, Risk
from entrepot.ledger import rules

AMOUNTS = st.integers(-(10**9), 10**9)


def test_every_account_of_income_and_expense_has_its_component():
    for code, _, type_, _ in rules.CHART:
        if type_ in ("income", "expense"):
            assert margins.component(code, "sale", "cost") in margins.COMPONENTS, code
    assert set(margins._OF_ACCOUNT.values()) | set(margins.CALCULATED) | {"cost taken back"} == set(
        margins.COMPONENTS
    )


def test_what_is_given_back_is_no_less_revenue():
    assert margins.component(4000, "sale", "sale.goods") == "goods"
    assert margins.component(4000, "return", "return.exchanged") == "refunds"
    assert margins.component(4090, "return", "return.clawback") == "refunds"
    assert margins.component(4010, "credit", "credit.shipping") == "refunds"
    assert margins.component(4030, "return", "return.fee") == "return fees"
    assert margins.component(5000, "stock.issue.sale", "cost") == "cost"
    assert margins.component(5000, "stock.return", "cost") == "cost taken back"
    assert margins.component(0, "calculated", "labor") == "labor"
    assert margins.component(9999, "their own", "x") == "other income"


def test_costs_that_are_entered_by_hand_take_nothing_off_what_was_sold():
    """A rent of 700 lowers profit and no revenue; income of other kinds is revenue."""
    amounts = {
        margins.component(4000, "sale", "sale.goods"): 3_000,
        margins.component(4020, "bank.booked", "other"): 50,
    }
    amounts[margins.component(5550, "manual.posted", "manual.accrual")] = -700
    one = Profit("", 3, 0, amounts)
    assert (one.revenue_minor, one.booked_minor, one.profit_minor) == (3_050, 2_350, 2_350)


def test_the_sums_of_a_group():
    one = Profit("MUG", 3, 1, {
        "goods": 3_000, "discounts": -300, "cost": -900, "refunds": -900, "cost taken back": 300,
        "losses on returns": -100, "labor": -50,
    })  # fmt: skip
    assert (one.revenue_minor, one.returns_minor, one.booked_minor, one.profit_minor) == (
        2_700,
        -700,
        1_100,
        1_050,
    )
    assert one.per_unit_minor == 350
    assert round(one.eroded_percent, 2) == 38.89  # 700 of 1,800
    assert Profit("none").per_unit_minor is None
    assert Profit("none").eroded_percent == 0


def test_few_units_say_little_about_a_rate():
    half = Fraction(1, 2)
    assert margins.return_rate(0, 0, half) == half
    assert margins.return_rate(1, 1, Fraction(0)) == Fraction(1, 21)
    assert abs(margins.return_rate(300, 1_000, half) - Fraction(3, 10)) < Fraction(1, 100)


def test_what_is_recovered_lies_between_nothing_and_all():
    assert margins.recovered_share(0, 0) == 1
    assert margins.recovered_share(1_000, 250) == Fraction(3, 4)
    assert margins.recovered_share(1_000, 2_000) == 0


def test_what_is_at_risk():
    # A tenth comes back: 100 refunded, 60 of goods in hand again, of which three quarters are worth something.
    assert margins.at_risk(Risk(10_000, 6_000), Fraction(1, 10), Fraction(3, 4)) == 550
    assert margins.at_risk(Risk(10_000, 6_000), Fraction(0), Fraction(1)) == 0


@given(st.dictionaries(st.sampled_from(margins.COMPONENTS), AMOUNTS), st.integers(1, 50))
def test_units_sum_to_their_line(amounts, units):
    split = margins.of_each_unit(amounts, units)
    assert len(split) == units
    for name, amount in amounts.items():
        parts = [one[name] for one in split]
        assert sum(parts) == amount
        assert max(parts) - min(parts) <= 1


MONTHS = st.sampled_from(["2026-01", "2026-02"])
GROUPS = st.builds(
    Profit, st.sampled_from(["", "a", "b", "c", "d"]), st.just(1), st.just(0),
    st.dictionaries(st.sampled_from(margins.COMPONENTS), AMOUNTS, max_size=4),
)  # fmt: skip


@given(st.lists(st.tuples(MONTHS, GROUPS), max_size=12), st.integers(2, 4))
def test_erosion_loses_nothing(found, largest):
    months = margins.erosion(found, largest)
    assert [one.month for one in months] == sorted({month for month, _ in found})
    assert sum(one.taken_minor for one in months) == -sum(one.returns_minor for _, one in found)
    assert sum(one.before_minor - one.taken_minor for one in months) == sum(
        one.booked_minor for _, one in found
    )
    assert len({name for one in months for name in one.taken}) <= largest


def test_erosion_by_the_groups_that_lose_most():
    found = [
        ("2026-01", Profit("", amounts={"goods": 1_000, "cost": -600})),
        ("2026-01", Profit("damaged", amounts={"refunds": -100})),
        ("2026-01", Profit("late", amounts={"refunds": -30})),
        ("2026-01", Profit("style", amounts={"refunds": -20, "cost taken back": 10})),
    ]
    assert margins.erosion(found, 3) == [Eroded("2026-01", 400, {"damaged": 100, "late": 30, "style": 10})]
    (gathered,) = margins.erosion(found, 2)
    assert gathered == Eroded("2026-01", 400, {"damaged": 100, margins.REST: 40})
    assert gathered.percent == 35
