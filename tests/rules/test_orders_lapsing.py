"""When an authorization is too short for what it pays for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders.lapsing import Authorizations, Due, Tender, ends_at, leaves_at, step, why

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def tender(amount: int, expires: datetime | None = None, captured: int = 0) -> Tender:
    return Tender(amount, is_later=False, expires_at=expires, captured=captured)


@pytest.mark.parametrize(
    ("tenders", "ends"),
    [
        ([], None),
        ([tender(100)], None),
        ([tender(100, NOW)], NOW),
        ([tender(100, NOW, captured=100)], None),
        ([tender(100, NOW, captured=40)], NOW),
        ([tender(100, NOW), tender(100, NOW + DAY)], NOW + DAY),  # the second suffices alone
        ([tender(100, NOW), tender(100)], None),
        ([tender(60, NOW + DAY), tender(40, NOW)], NOW),
        ([tender(60, NOW)], NOW),  # what it lacked from the beginning is no matter
        ([tender(0, NOW)], None),
    ],
)
def test_payments_end_when_they_cover_less_than_at_first(tenders, ends):
    assert ends_at(100, tenders) == ends


tenders = st.lists(
    st.builds(
        lambda amount, part, expires: tender(amount, expires, amount * part // 4),
        st.integers(0, 200),
        st.integers(0, 4),
        st.none() | st.integers(-3, 3).map(lambda n: NOW + n * HOUR),
    ),
    max_size=5,
)


@given(st.integers(0, 500), tenders)
def test_before_the_end_they_cover_what_they_did_and_from_then_on_they_do_not(total, given_):
    need = min(total, sum(one.amount for one in given_))
    end = ends_at(total, given_)
    for n in range(-4, 5):
        at = NOW + n * HOUR
        assert (sum(one.good_for(at) for one in given_) >= need) == (end is None or at < end)


@given(st.integers(0, 500), tenders, st.integers(0, 200))
def test_what_never_ends_beside_them_ends_nothing_sooner(total, given_, more):
    before, after = ends_at(total, given_), ends_at(total, [*given_, tender(total)])
    assert after is None
    assert ends_at(total, [*given_, tender(more, NOW + 9 * HOUR)]) is None or before is not None or more


def test_it_has_to_last_until_the_promise_or_the_first_day_to_leave():
    day = NOW.date() + DAY
    first = datetime(2026, 3, 3, tzinfo=UTC)
    assert leaves_at(None, None) is None
    assert leaves_at(NOW, None) == NOW
    assert leaves_at(NOW, day) == leaves_at(None, day) == first
    assert leaves_at(NOW + 5 * DAY, day) == NOW + 5 * DAY


@pytest.mark.parametrize(
    ("due", "reason"),
    [
        (Due(None), ""),
        (Due(NOW), "The authorization has expired before the order left."),
        (Due(NOW + 2 * DAY, NOW + 3 * DAY), "The authorization expires before the order is to leave."),
        (Due(NOW + 3 * DAY, NOW + 3 * DAY), ""),
        (Due(NOW + 3 * DAY), ""),
        (Due(NOW + 24 * HOUR), ""),
        (
            Due(NOW + 23 * HOUR, NOW),
            "The authorization expires in less than 24 hours, and the order has not left.",
        ),
    ],
)
def test_why_an_order_is_at_risk(due, reason):
    assert why(due, NOW, 24) == reason


SOON, GONE = Due(NOW + HOUR), Due(NOW - HOUR)


@pytest.mark.parametrize(
    ("lapse", "due", "expected"),
    [
        ("off", GONE, ""),
        ("warn", SOON, "tell"),
        ("warn", GONE, "tell"),
        ("enforce", SOON, "hold"),
        ("enforce", GONE, "hold"),
        ("enforce", Due(None), ""),
        # what the floor has may still leave in time
        ("enforce", SOON._replace(on_floor=True), "tell"),
        ("enforce", GONE._replace(on_floor=True), "hold"),
    ],
)
def test_what_is_done_about_it(lapse, due, expected):
    assert step(Authorizations(lapse), due, NOW) == expected


@given(
    st.sampled_from(["enforce", "warn", "off"]),
    st.builds(
        Due,
        st.none() | st.integers(-50, 50).map(lambda n: NOW + n * HOUR),
        st.none() | st.integers(-50, 50).map(lambda n: NOW + n * HOUR),
        st.booleans(),
    ),
    st.integers(0, 40),
)
def test_something_is_done_exactly_where_there_is_a_reason_and_a_policy(lapse, due, hours):
    done = step(Authorizations(lapse, hours), due, NOW)
    assert bool(done) == (lapse != "off" and bool(why(due, NOW, hours)))
    assert done != "hold" or lapse == "enforce"
