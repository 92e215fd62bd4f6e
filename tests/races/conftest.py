"""What races on the warehouse floor begin with."""

from __future__ import annotations

import pytest

from tests.floor import Floor
from tests.walk import a_house


@pytest.fixture
def house(committed_db: None) -> Floor:
    house = a_house()
    house.stock(0, 200)
    house.stock(1, 200)
    return house
