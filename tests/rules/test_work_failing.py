"""Causes of failures of messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrepot.work.failing import CAUSE_MAX, cause_of, subject_of


def test_numbers_and_ids_of_one_message_make_no_cause_of_their_own() -> None:
    first = cause_of("HTTP 503 for order 100045\nat line 3")
    assert first == cause_of("HTTP 503  for order 100046") == "HTTP 503 for order …"
    assert first != cause_of("HTTP 404 for order 100045")
    assert cause_of("no 01a22411-fe01-74d2-b62d-c3965b7e52bc here") == "no … here"
    assert cause_of(" \n") == "no reason told"


def test_nothing_of_a_person_stays_in_a_cause() -> None:
    said = "Key (email)=(ann@x.org) of 'Ann Lee' <ann@x.org>, \"12 Elm\", 0xBEEF, no 7 isn't there"
    assert cause_of(said) == "Key (email)=… of … <…>, …, …, no … isn't there"


def test_a_cause_has_one_subject_for_each_company_side_and_place() -> None:
    one = subject_of(1, "out", "channels:web", "HTTP 503")
    assert one == subject_of(1, "out", "channels:web", "HTTP 503")
    others = {
        subject_of(2, "out", "channels:web", "HTTP 503"), subject_of(1, "in", "channels:web", "HTTP 503"),
        subject_of(1, "out", "channels:shop", "HTTP 503"), subject_of(1, "out", "channels:web", "HTTP 404"),
    }  # fmt: skip
    assert one not in others and len(others) == 4


@given(st.text(max_size=400))
def test_the_cause_of_a_cause_is_itself_and_short(error: str) -> None:
    cause = cause_of(error)
    assert 0 < len(cause) <= CAUSE_MAX and "\n" not in cause
