"""The lives of attempts and disputes, as tables. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

ATTEMPT = machine(
    "attempt", "waiting",
    ("confirm", "waiting", "done"),
    ("refuse", "waiting", "failed"),
    ("retry", "failed", "retried"),
)  # fmt: skip
"""`failed` waits for a person; `retried` was asked again by another attempt, whose outcome counts instead."""

DISPUTE = machine("dispute", "open", ("win", "open", "won"), ("lose", "open", "lost"))
"""The bank decides; what is open or lost can't be refunded as well."""
