"""An order told to who is asked about it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders.rules import EDITS, PLACES
from entrepot.web import standing
from entrepot.web.standing import COMMANDS, Answer, Asked, possible, where

SHIPPED = datetime(2026, 11, 28, 15, tzinfo=UTC)
EVERYTHING = dict.fromkeys(COMMANDS, True)


def sent(units: int = 2, **facts):
    usual = {
        "carrier": "DHL",
        "tracking": "JD01",
        "promised_at": None,
        "shipped_at": SHIPPED,
        "delivered_at": None,
    }
    return SimpleNamespace(units=units, **(usual | facts))


def asked(**facts) -> Asked:
    usual = {
        "alive": True, "edits": [(kind, "") for kind in EDITS], "cancellable": "early", "returnable": 0, "gone": 0,
        "captured": False, "may": EVERYTHING,
    }  # fmt: skip
    return Asked(**(usual | facts))


def by_name(of: Asked) -> dict[str, standing.Possible]:
    return {one.what: one for one in possible(of)}


def test_where_an_order_is_is_told_part_by_part():
    told = where(
        {"shipped": 2, "delivered": 1, "picked": 1, "packed": 2, "backordered": 3, "cancelled": 1},
        [sent(), sent(1, delivered_at=SHIPPED, tracking="")], ["payment hold", "payment hold"], date(2026, 12, 5),
    )  # fmt: skip
    assert told == [
        "It is held, and goes no further until somebody releases it: payment hold.",
        "2 units are on their way since 28 Nov 2026 with DHL JD01.",
        "1 unit was delivered on 28 Nov 2026 by DHL.",
        "3 units are in the warehouse: 1 picked, 2 packed.",
        "3 units wait for stock, the last expected on 5 Dec 2026.",
        "1 unit is cancelled.",
    ]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("open", "For 1 unit no node is chosen yet."),
        ("allocated", "1 unit is promised by a node and not on its floor yet."),
        ("with_supplier", "1 unit is sent by a supplier."),
        ("backordered", "1 unit waits for stock, of which none is expected yet."),
    ],
)
def test_what_waits_is_told_with_what_for(place: str, says: str):
    assert where({place: 1}, [], [], None) == [says]


def test_what_is_sold_ahead_is_told_with_its_day():
    told = where({"allocated": 2}, [], [], None, date(2027, 1, 10))
    assert told[1:] == ["What is sold ahead of it leaves on 10 Jan 2027 at the earliest."]


def test_a_promise_of_a_carrier_is_told():
    assert where({}, [sent(1, promised_at=SHIPPED, carrier="", tracking="")], [], None) == [
        "1 unit is on its way since 28 Nov 2026 with own means, promised for 28 Nov 2026."
    ]


def test_what_is_not_possible_any_more_is_told_with_why():
    found = by_name(asked(alive=False, cancellable="", gone=3, returnable=0, captured=True))
    assert {what: (one.at, one.why) for what, one in found.items()} == {
        "Change it": ("", "It has ended."),
        "Cancel it": (
            "",
            "Nothing of it is left to cancel: take back what has left, and call off what a supplier sends.",
        ),
        "Hold it": ("", "It has ended: there is nothing to stop."),
        "Take it back": ("", "All that left is on a return already."),
        "Give money back": ("case", "Ask for it by a case."),
    }
    found = by_name(asked())
    assert found["Take it back"].why == "Nothing of it has left yet: cancel it instead."
    assert found["Give money back"].at == ""
    assert (found["Change it"].at, found["Cancel it"].at, found["Hold it"].at) == ("edit", "acts", "acts")


def test_what_may_come_back_is_told_with_until_when_and_why_not():
    """The first day that is over of several lines; what a person decides, and what only a reason brings back."""
    answers = [
        Answer(2, date(2026, 12, 20)), Answer(1, date(2026, 12, 12)), Answer(1, asks="31 days, beyond 30"),
        Answer(3, no="Sold as final."), Answer(2),
    ]  # fmt: skip
    found = by_name(asked(gone=9, returnable=9, answers=answers))["Take it back"]
    assert found.at == "returns"
    assert found.why == (
        "5 units may come back, until 12 Dec 2026. 1 unit if a person agrees: 31 days, beyond 30. "
        "3 units not by the policy, only for a reason: Sold as final."
    )
    assert (
        by_name(asked(gone=1, returnable=1, answers=[Answer(1)]))["Take it back"].why
        == "1 unit may come back."
    )


def test_what_others_may_is_told_with_who():
    found = by_name(asked(gone=1, returnable=1, captured=True, may={}))
    assert {one.at for one in found.values()} == {""}
    assert found["Take it back"].why.startswith("Not your roles; these may: ")
    assert "customer service" in found["Take it back"].why


@given(
    st.dictionaries(st.sampled_from(PLACES), st.integers(1, 9)),
    st.lists(st.sampled_from(["payment hold", "exception"])),
    st.one_of(st.none(), st.just(date(2026, 12, 5))),
)  # fmt: skip
def test_every_unit_that_has_not_left_is_in_a_sentence(
    units: dict[str, int], holds: list[str], on: date | None
):
    told = where(units, [], holds, on)
    at_home = {place for place in units if place not in ("shipped", "delivered")}
    floor = bool(at_home & set(standing.IN_HOUSE))
    assert len(told) == len(set(holds)) + len(at_home - set(standing.IN_HOUSE)) + floor
    assert all(told)


@given(
    st.booleans(), st.sampled_from(["", "early", "late"]), st.integers(0, 3), st.integers(0, 3), st.booleans(),
    st.dictionaries(st.sampled_from(COMMANDS), st.booleans()),
)  # fmt: skip
def test_everything_is_answered_and_what_is_possible_leads_somewhere(alive, how, left, gone, captured, may):
    found = possible(
        asked(alive=alive, cancellable=how, returnable=min(left, gone), gone=gone, captured=captured, may=may)
    )
    assert len(found) == 5
    assert all(one.what and one.why and one.at in ("", "edit", "acts", "returns", "case") for one in found)
