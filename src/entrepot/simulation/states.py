"""The life of a trial."""

from __future__ import annotations

from entrepot.kernel.states import machine

TRIAL = machine(
    "trial",
    "asked",
    ("report", "asked", "done"),
    ("fail", "asked", "failed"),
    ("withdraw", "asked", "withdrawn"),
)
