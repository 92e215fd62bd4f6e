"""The lives of attempts and disputes, as tables. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

ATTEMPT = machine(
    "attempt", "waiting",
    ("confirm", "waiting", "done"),
    ("refuse", "waiting", "failed"),
    ("bounce", "done", "failed"),
    ("retry", "failed", "retried"),
)  # fmt: skip
"""`failed` waits for a person; `retried` was asked again by another attempt, whose outcome counts instead. A refund
that was done bounces where the customer's bank sends it back."""

DISPUTE = machine(
    "dispute", "needs_response",
    ("respond", ("needs_response", "expired"), "under_review"),
    ("expire", "needs_response", "expired"),
    ("accept", ("needs_response", "expired"), "accepted"),
    ("win", ("needs_response", "under_review", "expired"), "won"),
    ("lose", ("needs_response", "under_review", "expired"), "lost"),
    ("win", ("lost", "accepted"), "won"),
)  # fmt: skip
"""The bank decides; what is not won can't be refunded as well. `expired` was not answered in time, and waits for the
bank's word; `accepted` is lost by our own word. A bank may reverse a loss, never a win: what it takes once more has a
name of its own."""
DISPUTES_OPEN = ("needs_response", "under_review", "expired")
DISPUTES_LOST = ("lost", "accepted")

ANSWER = machine(
    "answer to a dispute", "proposed",
    ("approve", "proposed", "waiting"),
    ("withdraw", "proposed", "withdrawn"),
    ("confirm", "waiting", "done"),
    ("refuse", "waiting", "failed"),
)  # fmt: skip
"""`proposed` waits for another person, where the amount needs one; `waiting` for the provider."""
