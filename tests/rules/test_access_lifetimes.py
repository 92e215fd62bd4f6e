"""How long API keys are in force, and when their end is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.access import lifetimes
from entrepot.access.lifetimes import KeyPolicy
from entrepot.kernel.errors import Refused

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)
policies = st.builds(KeyPolicy, st.none() | st.integers(1, 3_660), st.integers(0, 60), st.integers(0, 60))


def test_without_a_policy_a_key_lasts_a_year():
    assert lifetimes.strictest((), {}) == KeyPolicy(365, 7, 14)
    assert lifetimes.end_of(KeyPolicy(), None, NOW) == NOW + 365 * DAY
    assert lifetimes.end_of(KeyPolicy(None), None, NOW) is None


def test_a_company_that_set_nothing_has_the_policy_as_delivered():
    loose = KeyPolicy(None, 30, 3)
    assert lifetimes.strictest((1,), {1: loose, 2: KeyPolicy(1)}) == loose
    assert lifetimes.strictest((1, 3), {1: loose}) == KeyPolicy(365, 7, 14)
    assert lifetimes.strictest((), {1: loose, 2: KeyPolicy(90)}) == KeyPolicy(90, 7, 14)
    assert lifetimes.strictest((), {1: loose}) == KeyPolicy(365, 7, 14), "others may have set nothing"


@given(st.dictionaries(st.integers(1, 5), policies), st.sets(st.integers(1, 5)))
def test_nobody_s_keys_last_longer_than_any_of_their_companies_lets_them(set_by, companies):
    held = lifetimes.strictest(companies, set_by)
    for one in companies or {0, *set_by}:
        policy = set_by.get(one, KeyPolicy())
        assert policy.days is None or (held.days is not None and held.days <= policy.days)
        assert held.overlap_days <= policy.overlap_days
        assert held.told_days >= policy.told_days


@given(policies, st.none() | st.integers(-2, 4_000))
def test_a_key_ends_within_the_policy_or_is_refused(policy, days):
    end = lifetimes.end_of(policy, days, NOW)
    most = lifetimes.DAYS_MAX if policy.days is None else policy.days
    if days is not None and not 1 <= days <= most:
        assert isinstance(end, Refused)
    elif end is None:
        assert days is None and policy.days is None
    else:
        assert not isinstance(end, Refused) and NOW < end <= NOW + most * DAY


@given(policies, st.none() | st.integers(1, 4_000), st.none() | st.integers(0, 4_000))
def test_a_key_that_follows_ends_within_the_policy_and_the_time_that_the_first_was_given(
    policy, days, given_days
):
    term = None if given_days is None else given_days * DAY
    end, alone = lifetimes.end_following(policy, days, term, NOW), lifetimes.end_of(policy, days, NOW)
    if term is None or isinstance(alone, Refused):
        assert end == alone
    elif days is not None and days > given_days:
        assert isinstance(end, Refused)
    else:
        assert end == (NOW + term if alone is None else min(alone, NOW + term))


@given(policies, st.none() | st.integers(0, 90), st.none() | st.integers(-30, 400))
def test_a_rotation_never_puts_an_end_off(policy, overlap, left):
    end = None if left is None else NOW + left * DAY
    beside = lifetimes.end_beside(policy, overlap, end, NOW)
    assert end is None or beside <= end
    assert beside <= NOW + policy.overlap_days * DAY
    assert overlap is None or beside <= NOW + overlap * DAY


@given(policies, st.integers(-30, 90))
def test_an_end_is_told_from_so_many_days_before_on(policy, left):
    assert lifetimes.is_told(policy, NOW + left * DAY, NOW) == (left <= policy.told_days)


def test_a_use_is_noted_when_the_last_is_an_hour_old():
    assert lifetimes.wants_note(None, NOW)
    assert lifetimes.wants_note(NOW - lifetimes.USED_AGAIN, NOW)
    assert not lifetimes.wants_note(NOW - lifetimes.USED_AGAIN + timedelta(seconds=1), NOW)
