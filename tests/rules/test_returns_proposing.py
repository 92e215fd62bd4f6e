"""What becomes of a unit: the first rule that fits, and without one its grade and what brings the most."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns import proposing, recovery
from entrepot.returns.proposing import ALWAYS, Dispositions, Proposal, Rule, Unit
from entrepot.returns.recovery import Goods, Recovery, Way
from entrepot.returns.rules import DISPOSITIONS, GRADES, REASONS, Policy

WEIGHS = Recovery(
    ("B",), {"second_grade": Way({"B": 50}), "liquidate": Way({"B": 20}), "restock": Way({"B": 90})}
)


def unit(
    grade: str = "A", category: str = "toys", price: int = 10_000, age: int = 10, **changed: Any
) -> Unit:
    return Unit(Goods(grade, category, price, 4_000, age), "SKU-1")._replace(**changed)


def proposed(*rules: Rule, weighs: Recovery = Recovery(), **changed: Any) -> Proposal:  # noqa: B008  immutable
    return proposing.propose(Policy(), Dispositions(rules), weighs, unit(**changed))


def test_without_a_rule_the_grade_says_it_and_what_it_does_not_name_is_disposed_of():
    assert proposed() == ("restock", "grade A (as new, in its packaging): restock", ())
    base = Policy(dispositions={"A": "donate"})
    assert proposing.propose(base, Dispositions(), Recovery(), unit())[0] == "donate"
    assert proposing.propose(Policy(dispositions={}), Dispositions(), Recovery(), unit("B"))[0] == "dispose"
    assert proposed(grade="B", weighs=WEIGHS)[0] == "restock", "what brings the most, where that decides"


def test_recalled_goods_and_swapped_units_are_set_apart_where_no_policy_says_otherwise():
    usual = Dispositions()
    recalled = proposing.propose(Policy(), usual, WEIGHS, unit(reason="recalled"))
    assert recalled == ("quarantine", "recalled goods are set apart: quarantine", ())
    swapped = proposing.propose(Policy(), usual, WEIGHS, unit("D", codes=("serial_swap",)))
    assert swapped.disposition == "quarantine", "it may be the customer's own"
    assert proposing.propose(Policy(), usual, WEIGHS, unit())[0] == "restock"


@pytest.mark.parametrize(
    ("rule", "fitting", "other"),
    [
        ({"grades": ("A", "B")}, {}, {"grade": "C"}),
        ({"categories": ("cosmetics",)}, {"category": "cosmetics"}, {}),
        ({"skus": ("SKU-1",)}, {}, {"sku": "SKU-2"}),
        ({"reasons": ("recalled",)}, {"reason": "recalled"}, {}),
        ({"reasons": ("quality",)}, {"reason": "defective"}, {"reason": "changed_mind"}),
        ({"conditions": ("opened",)}, {"condition": "opened"}, {"condition": "unopened"}),
        ({"codes": ("opened", "no_box")}, {"codes": ("scratched", "no_box")}, {"codes": ("scratched",)}),
        ({"suppliers": ("ACME",)}, {"suppliers": ("ACME", "OTHER")}, {"suppliers": ("OTHER",)}),
        ({"hazardous": True}, {"hazardous": True}, {}),
        ({"value_from_minor": 10_000}, {}, {"price": 9_999}),
        ({"value_below_minor": 10_001}, {}, {"price": 10_001}),
        ({"sold_days_max": 30}, {"age": 30}, {"age": 31}),
    ],
)
def test_a_rule_fits_what_it_names(rule: dict[str, Any], fitting: dict[str, Any], other: dict[str, Any]):
    one = Rule("a rule", ("donate",), **rule)
    assert proposing.fits(one, unit(**fitting))
    assert not proposing.fits(one, unit(**other))


def test_the_first_rule_that_fits_is_heard_alone():
    rules = (
        Rule("opened cosmetics", ("dispose",), categories=("cosmetics",), conditions=("opened",)),
        Rule("cosmetics", ("donate",), categories=("cosmetics",)),
    )
    opened = proposed(*rules, category="cosmetics", condition="opened")
    assert opened == ("dispose", "opened cosmetics: dispose", ())
    assert proposed(*rules, category="cosmetics").disposition == "donate"


def test_of_several_dispositions_the_sum_chooses_and_of_one_it_does_not():
    choice = Rule("never as new", ("liquidate", "second_grade"), grades=("A", "B"))
    found = proposed(choice, grade="B", weighs=WEIGHS)
    assert (found.disposition, [one.disposition for one in found.sums]) == (
        "second_grade", ["second_grade", "liquidate"],
    )  # fmt: skip
    assert found.why == "never as new: second grade is expected to bring the most, before liquidate"
    assert proposed(choice, grade="A", weighs=WEIGHS) == ("liquidate", "never as new: liquidate", ())
    closed = proposed(Rule("by the vendor", ("return_to_vendor",)), grade="B", weighs=WEIGHS)
    assert (closed.disposition, closed.sums) == ("return_to_vendor", ())


rules_drawn = st.builds(
    Rule,
    name=st.just("a rule"),
    dispositions=st.lists(st.sampled_from(sorted(DISPOSITIONS)), min_size=1, max_size=3).map(tuple),
    grades=st.lists(st.sampled_from(sorted(GRADES)), max_size=2).map(tuple),
    reasons=st.lists(st.sampled_from(sorted(REASONS)), max_size=2).map(tuple),
    hazardous=st.none() | st.booleans(),
    value_from_minor=st.integers(0, 20_000),
)


@given(
    st.lists(rules_drawn, max_size=4),
    st.sampled_from(sorted(GRADES)),
    st.sampled_from(sorted(REASONS)),
    st.integers(0, 20_000),
)
def test_what_is_proposed_is_what_the_first_fitting_rule_allows(
    rules: list[Rule], grade: str, reason: str, price: int
):
    one = unit(grade, price=price, reason=reason)
    found = proposing.propose(Policy(), Dispositions(tuple(rules)), WEIGHS, one)
    first = next((rule for rule in rules if proposing.fits(rule, one)), None)
    if first:
        assert found.disposition in first.dispositions
        assert found.why.startswith("a rule: ")
        assert {each.disposition for each in found.sums} <= set(first.dispositions)
    else:
        assert found == proposing.propose(Policy(), Dispositions(()), WEIGHS, one)
    assert not found.sums or found.sums == tuple(sorted(found.sums, key=lambda each: -each.total_minor))


@pytest.mark.parametrize(
    "wrong", [{"dispositions": ()}, {"dispositions": ("burn",)}, {"grades": ("E",)}, {"reasons": ("bored",)}]
)
def test_a_rule_that_can_not_be(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="expected"):
        Rule(**{"name": "wrong", "dispositions": ("donate",), **wrong})


def test_the_usual_rules_leave_no_choice():
    assert all(len(one.dispositions) == 1 for one in ALWAYS)
    assert recovery.sums(Recovery(), unit().goods) == ()
