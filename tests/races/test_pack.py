"""A packer and a supervisor who close the same packages: closed once."""

from __future__ import annotations

import pytest

from entrepot.insight import verify
from entrepot.kernel import policies
from entrepot.kernel.errors import WrongState
from entrepot.warehouse import packing, queries
from entrepot.warehouse.commands.pack import (
    FulfillmentPacked,
    PackFulfillment,
    PackUnproved,
    pack,
    pack_unproved,
)
from tests.floor import COMPANY, NOW, SYSTEM
from tests.together import at_once
from tests.walk import a_house, picked

pytestmark = pytest.mark.usefixtures("committed_db")


def test_what_is_packed_with_and_without_proof_at_once_is_packed_once():
    house = a_house()
    house.stock(0, 100)
    order = house.order((0, 1)).order
    (work_,) = picked(order)
    body = packing.Packing(verify="unit")
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "warehouse.packing", body, NOW)])
    proved = PackFulfillment(work_, scanned=((house.codes[0], 1),))
    unproved = PackUnproved(work_, reason="the scanner is broken")

    answers = [
        one
        for (one,) in at_once([
            lambda: pack(SYSTEM, requests=[proved]),
            lambda: pack_unproved(SYSTEM, requests=[unproved]),
            lambda: pack_unproved(SYSTEM, requests=[unproved]),
        ])
    ]  # fmt: skip

    assert sorted(type(one).__name__ for one in answers) == [
        FulfillmentPacked.__name__, WrongState.__name__, WrongState.__name__,
    ]  # fmt: skip
    assert len(queries.packages(order)) == 1
    assert verify.discrepancies() == []
