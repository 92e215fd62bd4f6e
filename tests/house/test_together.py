"""The threads of races: an error in one ends the wait for the others."""

from __future__ import annotations

import threading
import time

import pytest

from tests import together


def test_answers_stand_in_the_order_of_the_jobs() -> None:
    assert together.at_once([lambda: "a", lambda: "b", lambda: "c"]) == ["a", "b", "c"]


def test_who_waits_for_one_that_failed_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PATIENCE_S", 0.1)
    never = threading.Event()

    def fails() -> None:
        raise ValueError("no stock")

    began = time.monotonic()
    with pytest.raises(ValueError, match="no stock") as told:
        together.at_once([never.wait, fails])
    never.set()

    assert time.monotonic() - began < 5
    assert told.value.__notes__ == ["Jobs [0] were still waiting when this one had failed."]


def test_nobody_is_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "LONGEST_S", 0.1)
    never = threading.Event()

    with pytest.raises(AssertionError, match=r"jobs \[0\] did not end"):
        together.at_once([never.wait])
    never.set()
