"""When items are due, how urgent they are, and who may take them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.work import rules
from entrepot.work.errors import ClaimedByAnother
from entrepot.work.rules import Calendar, Priority, Target, Targets, Term
from entrepot.work.states import ITEM as ITEM_STATES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ITEM = uuid7()


@pytest.mark.parametrize(
    ("priority", "hours"), [(100, 4), (80, 4), (79, 24), (50, 24), (49, 72), (0, 72), (-5, 72)]
)
def test_target_follows_from_priority(priority, hours):
    assert rules.due_at(NOW, priority, None) == NOW + timedelta(hours=hours)


def test_hours_asked_for_go_before_the_target():
    assert rules.due_at(NOW, 100, 1) == NOW + timedelta(hours=1)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_more_urgent_is_never_due_later(one, other):
    low, high = sorted((one, other))
    assert rules.due_at(NOW, high, None) <= rules.due_at(NOW, low, None)


@given(st.lists(st.integers(0, 5)))
def test_first_of_each_is_the_first_place(names):
    assert rules.first_of_each(names) == {name: names.index(name) for name in names}


def test_claim():
    assert rules.decide_claim(ITEM, "open", "", "ada") == "claimed"
    assert rules.decide_claim(ITEM, "claimed", "ada", "ada") == "claimed"
    assert rules.decide_claim(ITEM, "claimed", "ada", "ben") == ClaimedByAnother(item=ITEM, owner="ada")
    assert isinstance(rules.decide_claim(ITEM, "done", "", "ben"), WrongState)
    assert isinstance(rules.decide_claim(ITEM, None, "", "ben"), NotFound)


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [("open", "resolve", "done"), ("claimed", "resolve", "done"), ("claimed", "put_back", "open")],
)
def test_steps_of_its_life(state, event, after):
    assert rules.decide_step(ITEM, state, event) == after


@pytest.mark.parametrize(
    ("state", "event"), [("done", "resolve"), ("open", "put_back"), ("done", "put_back")]
)
def test_other_steps_are_refused(state, event):
    assert isinstance(rules.decide_step(ITEM, state, event), WrongState)


# ---- business time

OFFICE = (((time(9), time(12)), (time(13), time(17))),) * 5 + ((), ())
LONDON = Calendar("Europe/London", OFFICE, country="GB", part="ENG", closed=(date(2026, 3, 4),))


def london(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("Europe/London"))


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (london(2, 9), 2, london(2, 11)),
        (london(2, 11), 2, london(2, 14)),  # over the noon
        (london(2, 9), 7, london(2, 17)),  # to the minute of closing
        (london(2, 16), 2, london(3, 10)),  # over the night
        (london(3, 16), 2, london(5, 10)),  # Wednesday is closed
        (london(6, 16), 2, london(9, 10)),  # over the weekend
        (london(2, 16, month=4), 2, london(7, 10, month=4)),  # over Good Friday and Easter Monday
        (london(27, 16), 2, london(30, 10)),  # the clocks change on Sunday: still ten by the clock
        (london(7, 3), 0, london(9, 9)),  # a closed moment begins at the next opening
        (london(2, 10), 0, london(2, 10)),
    ],
)
def test_due_in_business_time(start, hours, due):
    assert rules.in_business_time(start, hours, LONDON) == due


def test_a_night_shift_is_an_hour_shorter_when_the_clocks_go_forward():
    night = Calendar("Europe/Berlin", (((time(0), time(6)),),) * 7)
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 3, 29, tzinfo=berlin)
    assert rules.in_business_time(start, 6, night) == datetime(2026, 3, 30, 1, tzinfo=berlin)
    assert rules.in_business_time(start, 5, night) == datetime(2026, 3, 29, 6, tzinfo=berlin)


def test_round_the_clock_is_plain_time():
    for start in (NOW, datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)):
        for zone in ("UTC", "Europe/London", "America/Santiago"):  # which skips midnight in September
            assert rules.in_business_time(start, 100, Calendar(zone)) == start + timedelta(hours=100)


@st.composite
def days(draw):
    edges = sorted(draw(st.sets(st.integers(0, 24 * 4), max_size=6)))
    moments = [time(n // 4 % 24, n % 4 * 15) for n in edges[: len(edges) // 2 * 2]]
    return tuple(zip(moments[::2], moments[1::2], strict=True))


CALENDARS = st.builds(
    Calendar,
    zone=st.sampled_from(["UTC", "Europe/London", "America/Santiago", "Australia/Lord_Howe"]),
    weekdays=st.tuples(*[days()] * 7).filter(any),
    country=st.sampled_from(["", "DE"]),
    closed=st.tuples(st.dates(date(2026, 1, 1), date(2026, 12, 31))),
)
STARTS = st.integers(0, 365 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
HOURS = st.integers(0, 200)


@given(CALENDARS, STARTS, STARTS, HOURS)
def test_who_starts_later_is_not_due_sooner(calendar, one, other, hours):
    first, second = sorted((one, other))
    assert rules.in_business_time(first, hours, calendar) <= rules.in_business_time(second, hours, calendar)


@given(CALENDARS, STARTS, HOURS, HOURS)
def test_more_hours_are_never_due_sooner_and_hours_add_up(calendar, start, one, more):
    due = rules.in_business_time(start, one, calendar)
    assert due >= start + timedelta(hours=one)
    assert rules.in_business_time(start, one + more, calendar) == rules.in_business_time(due, more, calendar)


@given(CALENDARS, STARTS, HOURS)
def test_business_time_ago_is_the_last_moment_from_which_no_more_has_passed(calendar, at, hours):
    since = rules.business_time_ago(at, hours, calendar)
    assert rules.in_business_time(since, hours, calendar) <= at
    assert rules.in_business_time(since + timedelta(seconds=1), hours, calendar) > at
    assert since <= rules.business_time_ago(at, hours, None)


def test_what_is_overdue_for_too_long_goes_by_the_calendar_of_its_type():
    targets = Targets(
        {"short pick": Target(2, "none set"), "complaint": Target(8)}, "office", escalate_after_hours=4
    )
    monday = london(9, 11)
    since = rules.overdue_since(monday, targets, {"office": LONDON})
    assert since == {"": london(6, 15), "complaint": london(6, 15), "short pick": monday - timedelta(hours=4)}
    assert rules.overdue_since(monday, Targets(), {}) == {}


def test_a_calendar_is_searched_once_however_many_types_go_by_it(monkeypatch):
    searched, search = [], rules.business_time_ago
    monkeypatch.setattr(rules, "business_time_ago", lambda *asked: searched.append(asked) or search(*asked))
    by_type = {f"type {n}": Target(8, "night" if n % 2 else "") for n in range(20)}
    targets = Targets(by_type, "office", escalate_after_hours=4)
    since = rules.overdue_since(london(9, 11), targets, {"office": LONDON, "night": Calendar()})
    assert (len(since), len(searched)) == (21, 2)


@given(CALENDARS, STARTS)
def test_no_time_at_an_open_moment_is_that_moment(calendar, start):
    opening = rules.in_business_time(start, 0, calendar)
    assert rules.in_business_time(opening, 0, calendar) == opening


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Mars/Olympus"},
        {"weekdays": ((),) * 7},
        {"weekdays": OFFICE[:6]},
        {"weekdays": (((time(12), time(9)),),) * 7},
        {"weekdays": (((time(9), time(9)),),) * 7},
        {"weekdays": (((time(9), time(0)), (time(10), time(12))),) * 7},
        {"country": "XX"},
        {"country": "GB", "part": "BY"},
    ],
)
def test_a_calendar_that_makes_no_sense_is_none(wrong):
    with pytest.raises(ValueError, match="expected"):
        Calendar(**wrong)


def test_the_target_of_a_type_goes_before_what_its_opener_asks_for():
    targets = Targets({"short pick": Target(2, "office")}, calendar="any")
    calendars = {"office": LONDON}
    evening = london(2, 16)
    of = {"targets": targets, "calendars": calendars}

    assert rules.due_at(evening, 50, 8, kind="short pick", **of) == london(3, 10)
    # "any" is set by nobody: round the clock.
    assert rules.due_at(evening, 50, 8, kind="backorder", **of) == evening + timedelta(hours=8)
    assert rules.due_at(evening, 90, None, kind="backorder", **of) == evening + timedelta(hours=4)
    # The calendar without a name is for whatever names none.
    assert rules.due_at(evening, 50, 2, calendars={"": LONDON}) == london(3, 10)
    with pytest.raises(ValueError, match="hours"):
        Target(-1)


# ---- priority

WEIGHTS = Priority(minor_per_point=1000, value_points_max=50, points_by_tier={"gold": 24}, promise_points=48)


def test_an_item_tells_its_terms():
    soon = NOW + timedelta(hours=10)
    terms = rules.static_terms(50, NOW, WEIGHTS, value_minor=12_345, tier="gold", promise_at=soon)
    assert terms == (
        Term("urgency", 50, 50),
        Term("value", 12_345, 12),
        Term("tier", "gold", 24),
        Term("promise", soon.isoformat(), 38),
    )
    assert rules.terms_at(terms, NOW, NOW + timedelta(minutes=150))[-1] == Term("age", 2, 2)


def test_what_nobody_knew_has_no_term_and_weighs_nothing():
    assert rules.static_terms(50, NOW, WEIGHTS) == (Term("urgency", 50, 50),)
    unknown = rules.static_terms(50, NOW, Priority(), value_minor=10**9, tier="gold", promise_at=NOW)
    assert rules.points_of(unknown) == 50


@given(
    st.lists(
        st.tuples(STARTS, st.integers(0, 200), st.integers(0, 10**6) | st.none()), min_size=2, max_size=2
    ),
    st.integers(0, 10_000),
)
def test_the_order_of_two_never_changes_with_time(pair, later):
    at = max(opened for opened, _, _ in pair) + timedelta(hours=later)
    found = []
    for opened, urgency, value in pair:
        terms = rules.static_terms(urgency, opened, WEIGHTS, value_minor=value)
        found.append(
            (
                rules.ranked_at(opened, rules.points_of(terms)),
                rules.points_of(rules.terms_at(terms, opened, at)),
            )
        )
    (one, points), (_, others) = sorted(found)
    # Ages are whole hours: two may differ by one where their places differ by less.
    assert points >= others - 1
    assert (at - one) // timedelta(hours=1) == points


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 100), st.integers(0, 100))
def test_worth_more_and_promised_sooner_is_never_less_urgent(one, other, hours, more):
    less, value = sorted((one, other))
    soon, late = NOW + timedelta(hours=hours), NOW + timedelta(hours=hours + more)
    calm = rules.static_terms(50, NOW, WEIGHTS, value_minor=less, promise_at=late)
    urgent = rules.static_terms(50, NOW, WEIGHTS, value_minor=value, promise_at=soon)
    assert rules.points_of(calm) <= rules.points_of(urgent)


# ---- what becomes of an item


def test_an_item_is_given_to_somebody_who_is_there():
    assert rules.decide_assign(ITEM, "open", "ben", {"ben"}) == "claimed"
    assert rules.decide_assign(ITEM, "claimed", "ben", {"ben"}) == "claimed"
    assert rules.decide_assign(ITEM, "open", "ben", set()) == NotFound(what="person", which="ben")
    assert isinstance(rules.decide_assign(ITEM, "done", "ben", {"ben"}), WrongState)


@given(st.sampled_from(["open", "claimed", "done"]), st.integers(-100, 10_000))
def test_an_item_sleeps_in_its_state_and_only_into_the_future(state, hours):
    until = NOW + timedelta(hours=hours)
    after = rules.decide_snooze(ITEM, state, until, NOW)
    if not 0 < hours <= rules.SNOOZE_MAX.days * 24:
        assert isinstance(after, Invalid)
    else:
        assert isinstance(after, WrongState) if state == "done" else after == state


def test_another_role_is_asked():
    roles = {"picker", "controller"}
    assert rules.decide_escalate(ITEM, "claimed", "picker", "controller", roles) == "open"
    assert isinstance(rules.decide_escalate(ITEM, "open", "picker", "picker", roles), Invalid)
    assert isinstance(rules.decide_escalate(ITEM, "open", "picker", "king", roles), Invalid)
    assert isinstance(rules.decide_escalate(ITEM, None, "", "controller", roles), NotFound)


def test_who_is_asked_when_an_item_is_overdue():
    targets = Targets(escalates_to={"": "operations lead", "tax hold": "controller"})
    assert rules.asked_when_overdue("short pick", "picker", targets) == "operations lead"
    assert rules.asked_when_overdue("tax hold", "picker", targets) == "controller"
    assert rules.asked_when_overdue("tax hold", "controller", targets) is None
    assert rules.asked_when_overdue("short pick", "picker", Targets(escalates_to={})) is None


def test_causes():
    causes = rules.Causes(by_type={"tax hold": ("rate late",)})
    assert rules.misfit_cause("rate late", "tax hold", causes) is None
    assert rules.misfit_cause("hold released", "tax hold", causes, of_room=True) is None
    assert isinstance(rules.misfit_cause("hold released", "tax hold", causes), Invalid)
    assert isinstance(rules.misfit_cause("damage", "tax hold", causes), Invalid)
    assert rules.misfit_cause("damage", "short pick", causes) is None


@pytest.mark.parametrize("state", ITEM_STATES.states)
@pytest.mark.parametrize("event", ITEM_STATES.events)
def test_every_pair_of_state_and_event_is_a_step_or_a_refusal(state, event):
    after = ITEM_STATES.step(state, event)
    assert isinstance(after, WrongState) if state == "done" else isinstance(after, (str, WrongState))
