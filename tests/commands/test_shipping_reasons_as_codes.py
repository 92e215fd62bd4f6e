"""Why services were chosen, kept as sentences before they were codes."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module

import pytest

from entrepot.carriage.rules import Barred, Choice
from entrepot.kernel import wire
from entrepot.shipping import queries
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.shopping import Candidate, Shopped
from tests.floor import NOW, SYSTEM
from tests.walk import a_house, placed, shipped

BARRED = {
    "does not go from GB to FR": ("not_there", "GB", "FR"),
    "asks in EUR, not in GBP": ("other_currency", "EUR", "GBP"),
    "carries up to 600 mm, its longest side is 700 mm": ("too_long", 600, 700),
    "carries up to 2000 g, charged for 2500 g": ("too_heavy", 2000, 2500),
    "has no rate for 2500 g in zone north": ("no_rate", 2500, "north"),
}
NOTES = {
    "": (),
    "easypost: was not asked": ("not_asked", "easypost"),
    "easypost: its quote is too old": ("too_old", "easypost"),
    "easypost: quotes in EUR, not in GBP": ("other_currency", "easypost", "EUR", "GBP"),
    "easypost: HTTP 422: no street": ("problem", "easypost", "HTTP 422: no street"),
}


def a_candidate(note: str = "", source: str = "table", days: int = 4, timed_by: str = "table") -> Candidate:
    return Candidate(
        "slow",
        "Post",
        days,
        source,
        300,
        (("fuel", 20),),
        500,
        7,
        25,
        345,
        False,
        NOTES[note],
        "GBP",
        timed_by,
    )


def told_before(shopped: Shopped, why: str, services: dict[str, str], notes: list[str]) -> dict[str, object]:
    candidates = [one._asdict() | {"note": note} for one, note in zip(shopped.candidates, notes, strict=True)]
    for one in candidates:
        del one["timed_by"]
    return {"late": False, "why": why, "services": list(services.items()), "candidates": candidates}


def chosen(why: str, *candidates: Candidate, barred: tuple[Barred, ...] = ()) -> Shopped:
    return Shopped(Choice(None, False, barred), candidates, why)


# What it changes with the triggers off is named by the rooms below, as it should be.
@pytest.mark.alone("shipping")
def test_reasons_of_before_are_told_as_those_of_today(committed_db, owner):
    house = a_house()
    house.stock(0, 10)
    sent = shipped(*placed(house, 4, (0, 1)))
    deliver(SYSTEM, requests=[Delivered(one, NOW + timedelta(days=7)) for one in sent[:2]])
    barred = {f"s{n}": told for n, told in enumerate(BARRED)}
    none = chosen("none", barred=tuple(
        Barred(code, BARRED[told][0], BARRED[told][1:]) for code, told in barred.items()
    ))  # fmt: skip
    quoted = chosen("only_one", a_candidate(source="easypost", days=2, timed_by="easypost"))
    noted = chosen("least", *(a_candidate(note) for note in NOTES))
    own = chosen("own_means")
    before = [
        told_before(quoted, "the only one", {"slow": "3.45 GBP in 2 days"}, [""]),
        told_before(noted, "the least in all", {"slow": "3.45 GBP in 4 days"}, list(NOTES)),
        told_before(none, "none carries it", barred, []),
        told_before(own, "none carries it", {}, []),
    ]
    owner.execute("SET session_replication_role = replica")
    for shipment, reasons in zip(sent, before, strict=True):
        owner.execute(
            "UPDATE shipping_shipment SET reasons = %s::jsonb WHERE id = %s", (wire.dump(reasons), shipment)
        )
    owner.execute("DELETE FROM shipping_transit")

    owner.execute(import_module("entrepot.shipping.migrations.0012_reasons_as_codes").CODES)
    owner.execute("SET session_replication_role = origin")
    owner.execute(import_module("entrepot.shipping.migrations.0013_timed_by").FILL)

    for shipment, shopped in zip(sent, (quoted, noted, none, own), strict=True):
        told = {"leaves_on": None} | queries.shipment(
            shipment
        ).reasons  # that came later, and nobody knows it of them
        assert told == json.loads(wire.dump(shopped.reasons())), shopped.why
    assert queries.discrepancies() == []
    slips = owner.execute("SELECT timed_by, slip, shipments FROM shipping_transit ORDER BY 1").fetchall()
    assert slips == [("easypost", 5, 1), ("table", 3, 1)]
