"""EasyPost's messages as events, and what carriers' events mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.shipping.easypost import parse
from entrepot.shipping.rules import EVENT_KINDS, EXCEPTIONS, UnreadableError, arrived, is_work

PAYLOADS = Path(__file__).parents[3] / "shared/data/payloads/easypost"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def detail(status: str, at: datetime = NOW, exact: str = "status_update", **more: Any) -> dict[str, Any]:
    return {
        "object": "TrackingDetail",
        "status": status,
        "status_detail": exact,
        "datetime": at.isoformat(),
        "message": status,
        "tracking_location": {"city": "Leeds", "state": None, "country": "GB"},
    } | more


def a_message(number: str, *details: dict[str, Any], name: str = "evt_1") -> str:
    tracker = {"object": "Tracker", "tracking_code": number, "carrier": "USPS", "tracking_details": details}
    return json.dumps({"id": name, "object": "Event", "description": "tracker.updated", "result": tracker})


def trackers(found: Any) -> Iterator[dict[str, Any]]:
    """Every tracker in a payload, however deep."""
    if isinstance(found, dict):
        if found.get("object") == "Tracker":
            yield found
        for value in found.values():
            yield from trackers(value)
    elif isinstance(found, list):
        for value in found:
            yield from trackers(value)


@pytest.mark.skipif(not PAYLOADS.exists(), reason="the recorded payloads of EasyPost are not here")
def test_every_recorded_tracker_is_understood():
    found = [
        one for path in sorted(PAYLOADS.glob("*.json")) for one in trackers(json.loads(path.read_text()))
    ]
    assert len(found) > 20
    told = 0
    for tracker in found:
        if not tracker.get("tracking_details") and "tracking_details" not in tracker:
            continue
        events = parse.events(json.dumps(tracker))
        assert len(events) == len(tracker["tracking_details"])
        assert all(one.kind in EVENT_KINDS and one.tracking == tracker["tracking_code"] for one in events)
        assert [one.occurred_at for one in events] == sorted(one.occurred_at for one in events)
        told += len(events)
    assert told > 20


def test_a_message_is_read():
    came = detail("delivered", NOW + timedelta(hours=5))
    first, second = parse.events(a_message("1Z", came, detail("in_transit", exact="arrived_at_facility")))
    assert (first.kind, second.kind, second.place) == ("in transit", "delivered", "Leeds, GB")
    assert first.name != second.name
    assert parse.message_id(a_message("1Z", name="evt_9")) == "evt_9"


@pytest.mark.parametrize(
    ("status", "exact", "kind"),
    [
        ("in_transit", "delayed", "delayed"), ("failure", "lost", "lost"), ("failure", "damaged", "damaged"),
        ("return_to_sender", "status_update", "returned to sender"), ("in_transit", "return", "returned to sender"),
        ("delivered", "delayed", "delivered"), ("pre_transit", "", "announced"), ("what", "ever", "unknown"),
        ("out_for_delivery", "status_update", "out for delivery"), ("failure", "", "exception"),
    ],
)  # fmt: skip
def test_status_and_detail_become_a_kind(status: str, exact: str, kind: str):
    assert parse.events(a_message("1Z", detail(status, exact=exact)))[0].kind == kind


def test_what_is_about_something_else_has_no_events_and_what_is_broken_says_so():
    assert parse.events('{"object": "Event", "result": {"object": "Batch"}}') == []
    for broken in ("", "[]", "{", "[" * 100_000, a_message(""), a_message("1Z", detail("x") | {"datetime": "noon"}),
                   a_message("1Z", detail("x") | {"datetime": "2026-01-01T00:00:00"}),
                   a_message("1Z", detail("x") | {"datetime": "0001-01-01T00:00:00+23:00"})):  # fmt: skip
        with pytest.raises(UnreadableError):
            parse.events(broken)


NAMES = st.sampled_from(["object", "result", "tracking_code", "tracking_details", "status"])
VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["Event", "Tracker"])
BODIES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=8,
)


@given(BODIES)
def test_anything_may_be_sent(body: Any):
    try:
        events = parse.events(json.dumps(body))
    except UnreadableError:
        return
    assert all("\x00" not in one.message + one.tracking + one.place for one in events)


def test_a_shipment_arrives_with_its_last_parcel():
    late = NOW + timedelta(days=1)
    assert arrived({"A", "B"}, [("A", NOW)]) is None
    assert arrived({"A", "B"}, [("B", late), ("A", NOW), ("A", late), ("C", NOW)]) == late
    assert arrived(set(), []) is None


def test_trouble_is_work_unless_it_ended_well():
    assert [kind for kind in EVENT_KINDS if is_work(kind, NOW, None)] == list(EXCEPTIONS)
    assert not is_work("lost", NOW, NOW + timedelta(hours=1))
    assert is_work("damaged", NOW + timedelta(hours=1), NOW)
    assert not is_work("delayed", NOW + timedelta(hours=1), NOW)
