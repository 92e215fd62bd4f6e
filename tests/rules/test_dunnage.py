"""What fills the room that goods leave in a carton."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.warehouse.cartons import OWN, Carton, Item
from entrepot.warehouse.dunnage import NONE, Dunnage, needed

BOX = Carton("M", 200, 100, 100, 5_000)  # two liters
MUG = Item(100, 100, 100, 400)
UNMEASURED = Item(0, 0, 0, 400)


@pytest.mark.parametrize(
    ("carton", "units", "from_percent", "g_per_liter", "dunnage"),
    [
        (BOX, [(MUG, 1)], 10, 15, Dunnage(1_000, 15)),
        (BOX, [(MUG, 1)], 50, 15, Dunnage(1_000, 15)),
        (BOX, [(MUG, 1)], 51, 15, NONE),
        (BOX, [(MUG, 2)], 0, 15, NONE),
        (BOX, [(MUG, 1)], 10, 0, NONE),
        (BOX, [(MUG, 1), (UNMEASURED, 1)], 10, 15, NONE),
        (BOX, [(MUG, 1), (UNMEASURED, 0)], 10, 15, Dunnage(1_000, 15)),
        (BOX._replace(code=OWN), [(MUG, 1)], 10, 15, NONE),
        (BOX._replace(max_weight_g=410), [(MUG, 1)], 10, 15, Dunnage(1_000, 10)),
    ],
)
def test_what_is_filled_and_what_not(carton, units, from_percent, g_per_liter, dunnage):
    assert needed(carton, units, from_percent, g_per_liter) == dunnage


@given(st.integers(1, 40), st.integers(0, 100), st.integers(0, 1_000), st.integers(0, 20_000))
def test_a_carton_never_bears_more_than_it_may_for_its_dunnage(count, from_percent, g_per_liter, bears):
    carton = Carton("L", 400, 300, 250, bears)
    found = needed(carton, [(MUG, count)], from_percent, g_per_liter)
    assert found.ml * 1_000 <= carton.volume_mm3
    assert not found.grams or found.grams + count * MUG.weight_g <= bears
