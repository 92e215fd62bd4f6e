"""Every night the house proves its sums, and says what is off to somebody who minds."""

from __future__ import annotations

import psycopg
import pytest

from entrepot.insight.tasks import prove_at
from entrepot.kernel import sql
from tests.floor import NOW, Floor, a_floor


@pytest.fixture
def floor(committed_db: None) -> Floor:
    floor = a_floor()
    floor.stock(quantity=10)
    return floor


def test_a_quiet_night_opens_nothing(floor: Floor) -> None:
    assert prove_at(NOW) == 0
    assert sql.run("SELECT count(*) FROM work_item") == [(0,)]


def test_a_balance_that_was_changed_by_hand_is_a_work_item_once(
    floor: Floor, owner: psycopg.Connection
) -> None:
    owner.execute("UPDATE stock_bucket SET quantity = quantity + 1")

    first, second = prove_at(NOW), prove_at(NOW)

    assert first == second
    assert first >= 2  # the bucket against its moves, and against its position
    items = sql.run("SELECT type, role, reason FROM work_item ORDER BY reason")
    assert len(items) == first
    assert any("its moves make 10" in reason for _, _, reason in items)
    owner.execute("UPDATE stock_bucket SET quantity = quantity - 1")
