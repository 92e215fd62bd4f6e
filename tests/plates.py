"""Plates for tests: built by commands on a floor."""

from __future__ import annotations

from entrepot.kernel import policies
from entrepot.stock import plate_queries
from entrepot.stock.plating import sscc
from entrepot.warehouse.commands.build_plates import BuildPlate, PlateBuilt, build_plates
from entrepot.warehouse.plates import PlatePolicy
from tests.floor import COMPANY, NOW, SYSTEM, Floor

PREFIX = "7610425"
NUMBER, OTHER = sscc(PREFIX, 3, 1), sscc(PREFIX, 3, 2)
"""As a supplier numbers his."""


def numbered(prefix: str = PREFIX) -> None:
    """The company has a prefix of its own."""
    wanted = policies.SetPolicy(COMPANY, "warehouse.plates", PlatePolicy(prefix), NOW)
    (answer,) = policies.set_policy(SYSTEM, requests=[wanted])
    assert isinstance(answer, policies.PolicySet), answer


def a_plate(
    floor: Floor, *lines: tuple[int, int], number: str = NUMBER, kind: str = "reserve", node: int = 0
) -> PlateBuilt:
    """A plate of (sku number, quantity) lines that stand in a bin."""
    wanted = tuple((floor.skus[sku], units) for sku, units in lines or ((0, 10),))
    (answer,) = build_plates(SYSTEM, requests=[BuildPlate(COMPANY, floor.bin(node, kind), wanted, number)])
    assert isinstance(answer, PlateBuilt), answer
    return answer


def holds(number: str = NUMBER) -> dict[tuple[str, str, str], int]:
    """What stands on a plate, by SKU, lot and status."""
    found = plate_queries.plate_named(company=COMPANY, text=number)
    assert found is not None
    return {
        (one.sku_code, one.lot, one.status): one.units for one in plate_queries.goods_on([found.id])[found.id]
    }


def stands(number: str = NUMBER) -> str:
    """The bin in which a plate stands; '' for none."""
    found = plate_queries.plate_named(company=COMPANY, text=number)
    return found.bin_code if found else ""
