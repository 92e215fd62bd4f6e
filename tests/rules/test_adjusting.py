"""What a person may say of stock in a bin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import NotFound
from entrepot.stock.errors import SerialElsewhere
from entrepot.warehouse.adjusting import MARKED, STATUSES, Goods, misfit, misfit_of_change

MUG = Goods("a", "b", "MUG", "none", "A-01", "pick", is_known=True, elsewhere="")


def field(refusal) -> str:
    return refusal.facts["field"]


@pytest.mark.parametrize("delta", [-3, 3])
def test_what_is_known_fits(delta):
    assert misfit(MUG, delta, status="sellable", lot="", serial="") is None


def test_a_bin_of_another_node_and_a_sku_of_another_company_are_not_there():
    for one in (MUG._replace(bin_code=""), MUG._replace(sku_code="")):
        assert isinstance(misfit(one, 1, status="sellable", lot="", serial=""), NotFound)
        assert isinstance(
            misfit_of_change(one, 1, status="sellable", to_status="damaged", serial=""), NotFound
        )


@pytest.mark.parametrize(
    ("goods", "said", "about"),
    [
        (MUG, {"status": "in_transit"}, "status"),
        (MUG, {"serial": "S1"}, "units"),
        (MUG._replace(kind="retired"), {}, "bin"),
        (MUG._replace(lots="lot", is_known=False), {}, "lot"),
    ],
)
def test_what_can_not_be_found_is_told_by_its_field(goods, said, about):
    assert field(misfit(goods, 2, **{"status": "sellable", "lot": "", "serial": "", **said})) == about


def test_units_are_taken_where_none_could_be_found():
    """A bin that is retired, or goods without their lot, lose what the records have too much."""
    assert misfit(MUG._replace(kind="retired"), -2, status="sellable", lot="", serial="") is None
    assert misfit(MUG._replace(lots="lot", is_known=False), -2, status="sellable", lot="", serial="") is None


def test_a_serial_is_found_once():
    there = MUG._replace(elsewhere="B-07")
    assert isinstance(misfit(there, 1, status="sellable", lot="", serial="S1"), SerialElsewhere)
    assert misfit(there, -1, status="sellable", lot="", serial="S1") is None


def test_nothing_is_sold_from_a_bin_out_of_use():
    out = MUG._replace(kind="blocked")
    assert field(misfit_of_change(out, 1, status="damaged", to_status="sellable", serial="")) == "bin"
    assert misfit_of_change(out, 1, status="sellable", to_status="damaged", serial="") is None


@given(
    st.sampled_from([*STATUSES, "in_transit", "researching", "blocked"]),
    st.sampled_from([*STATUSES, "blocked"]),
)
def test_a_change_is_between_what_people_may_say(status, to_status):
    refusal = misfit_of_change(MUG, 5, status=status, to_status=to_status, serial="")
    assert (refusal is None) == (status in MARKED and to_status in MARKED)
