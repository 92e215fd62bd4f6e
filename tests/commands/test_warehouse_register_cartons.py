"""warehouse.register_cartons"""

from __future__ import annotations

from dataclasses import replace

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.kernel.errors import Invalid
from entrepot.warehouse import packing
from entrepot.warehouse.cartons import Carton
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from tests.registers import COMPANY, a_company, answers_its_key, counts, done, refuses, stands_when_repeated
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

MEDIUM = RegisterCarton(COMPANY, "M", 400, 300, 200, 15_000, 200, 55)


@pytest.fixture(autouse=True)
def company(db: None) -> int:
    return a_company()


def test_cartons_stand_as_given_and_may_be_changed_or_put_away():
    done(register_cartons, MEDIUM, replace(MEDIUM, code="S", length_mm=200))
    assert packing.cartons([COMPANY])[COMPANY].registered == [
        Carton("M", 400, 300, 200, 15_000, 200, 55),
        Carton("S", 200, 300, 200, 15_000, 200, 55),
    ]
    done(register_cartons, replace(MEDIUM, cost_minor=70), replace(MEDIUM, code="S", active=False))
    (left,) = packing.cartons([COMPANY])[COMPANY].registered
    assert (left.code, left.cost_minor) == ("M", 70)


def test_a_carton_that_is_too_large_for_every_carrier_from_outside_is_not_proposed():
    rates = (("1", 5_000, 500),)
    done(
        register_services,
        RegisterService(COMPANY, "Post", "S", "Post S", 2, 5_000, "EUR", (("*", "*", "1"),), rates),
    )
    done(
        register_cartons,
        replace(MEDIUM, code="in", length_mm=250, width_mm=250),
        replace(
            MEDIUM, code="out", length_mm=350, outer_length_mm=354, outer_width_mm=304, outer_height_mm=240
        ),
    )

    known = packing.cartons([COMPANY])[COMPANY]

    assert [one.code for one in known.registered] == ["in", "out"]
    assert [one.code for one in known.carried] == ["in"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": ""}, {"code": " M"}, {"code": "OWN"}, {"length_mm": 0}, {"width_mm": -1}, {"height_mm": 5_001},
        {"outer_length_mm": 410}, {"outer_length_mm": 410, "outer_width_mm": 310, "outer_height_mm": 199},
        {"outer_length_mm": 410, "outer_width_mm": 310, "outer_height_mm": 5_001},
        {"outer_length_mm": -1, "outer_width_mm": 310, "outer_height_mm": 210},
        {"max_weight_g": 0}, {"tare_g": -1}, {"cost_minor": -1},
    ],
)  # fmt: skip
def test_what_can_not_be_a_carton_is_refused(wrong: dict[str, object]):
    refuses(register_cartons, replace(MEDIUM, **wrong), Invalid, MEDIUM, "warehouse_carton")


def test_registering_again_changes_nothing():
    stands_when_repeated(register_cartons, [MEDIUM, replace(MEDIUM, code="S")], "warehouse_carton")


def test_a_key_gets_its_answer_again():
    answers_its_key(register_cartons, MEDIUM, replace(MEDIUM, code="S"), "warehouse_carton")


@pytest.mark.counts("warehouse.register_cartons")
def test_statements_do_not_grow_with_the_batch(statements):
    batches = [[replace(MEDIUM, code=f"{size}-{i}") for i in range(size)] for size in SIZES]
    assert counts(statements, register_cartons, batches) == [3] * 3  # the third writes the events
