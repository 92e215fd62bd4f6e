"""Units that are not taken back."""

from __future__ import annotations

import pytest

from entrepot.returns import portal, rules
from entrepot.returns.expiring import give_up
from entrepot.returns.refusing import Refusals
from entrepot.returns.rules import Units


def test_what_a_person_decides_about():
    assert Refusals().doubted(["scratched", "lighter_than_sold", "serial_swap"]) == [
        "serial_swap",
        "lighter_than_sold",
    ]
    assert Refusals(doubts=()).doubted(["serial_swap"]) == []


def test_goods_go_back_unless_the_policy_says_otherwise():
    assert [Refusals().goods_for(reason) for reason in ("swapped", "empty")] == ["back", "keep"]
    assert Refusals(goods="keep", goods_by_reason={"used": "back"}).goods_for("used") == "back"


@pytest.mark.parametrize("wrong", [{"goods_by_reason": {"ugly": "back"}}, {"doubts": ("two words",)}])
def test_a_policy_that_can_not_be(wrong: dict):
    with pytest.raises(ValueError):
        Refusals(**wrong)


def test_refused_units_are_never_due_and_need_no_refund():
    units = Units(3, 0, 3, 3, 3, 1, refused=1)
    assert rules.due(units, "disposed") == 1
    assert rules.derive_state("disposed", units, 0) == "disposed"
    assert rules.derive_state("disposed", units._replace(refunded=2), 0) == "closed"


def test_what_was_refunded_ahead_of_refused_units_is_missing():
    assert give_up(3, 1, 2, 1) == (2, 0), "of three one came and was refused, two were refunded"
    assert give_up(3, 1, 1) == (0, 2)


def test_a_customer_sees_that_nothing_is_taken_back():
    assert portal.step("closed", 2, 2, 2, 0, refused=2) == "refused"
    assert portal.step("closed", 2, 2, 2, 1, refused=1) == "refunded"
    assert portal.step("disposed", 2, 2, 2, 0, refused=1) == "checked"
