"""What left with disposals of before their value was kept."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pytest

from entrepot.returns import departure_queries
from entrepot.returns.commands.leave_departures import LeaveDeparture, leave_departures
from tests.back import INSPECTS
from tests.floor import COMPANY
from tests.onward import disposed, opened
from tests.walk import a_house


def values(answers: Sequence[Any]) -> list[int]:
    found = [departure_queries.departure(COMPANY, one.departure) for one in answers]
    return [one.value_minor for one in found if one]


# What it changes with the triggers off is named by the rooms below, as it should be.
@pytest.mark.alone("returns", "ledger")
def test_a_certificate_of_before_values_were_kept_tells_what_the_ledger_says(committed_db, owner):
    house = a_house()
    house.stock(0, 100)
    first, second = disposed(house, "dispose", 3, 1)
    answers = [opened("disposal", (first, 1)), opened("disposal", (first, 2), (second, 1))]
    leave_departures(INSPECTS, requests=[LeaveDeparture(a.departure) for a in answers])
    owner.execute("SET session_replication_role = replica")
    for table in ("disposition", "departureitem", "departure"):
        owner.execute(f"UPDATE returns_{table} SET value_minor = 0")
    owner.execute("SET session_replication_role = origin")
    assert values(answers) == [0, 0]

    for statement in import_module("entrepot.returns.migrations.0018_worth_of_earlier_disposals").ALL:
        owner.execute(statement)

    assert values(answers) == [100, 300]
    assert [row.value_minor for row in departure_queries.items(answers[1].departure)] == [200, 100]
