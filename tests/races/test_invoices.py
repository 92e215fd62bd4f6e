"""Who writes documents at once writes each once, and leaves no number out."""

from __future__ import annotations

from entrepot.settlement import invoice_queries
from tests.commands.test_settlement_invoices import issue
from tests.floor import COMPANY
from tests.together import at_once
from tests.walk import a_house, placed, shipped


def test_numbers_are_drawn_once_and_leave_no_gap(committed_db):
    house = a_house()
    house.stock(0, 20)
    shipments = shipped(*placed(house, 8, (0, 1)))

    told = at_once([lambda part=part: issue(*part) for part in (shipments, shipments[::-1], shipments[3:6])])

    numbers = sorted(row.number for row in invoice_queries.documents(COMPANY))
    assert numbers == [f"INV-2026-{place:06}" for place in range(1, 9)]
    assert {one.source: one.numbers for one in told[0]} == {one.source: one.numbers for one in told[1]}
